"""lhotse over the corpus that every integration is held against."""

from __future__ import annotations

import multiprocessing
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import numpy as np
import pytest
from lhotse import CutSet, MonoCut, MultiCut, Recording, RecordingSet, SupervisionSegment, SupervisionSet
from lhotse.audio import AudioSource
from lhotse.cut import MixedCut, MixTrack, PaddingCut
from lhotse.supervision import AlignmentItem

from noai.integrations.gate import Gate
from noai.integrations.lhotse import Admits, admitted
from noai.policy import Admission, Policy
from noai.sources import Source
from noai.verdict import Decision, Verdict
from tests.audio import SAMPLES
from tests.integrations.heavy.snippets import shown, snippet
from tests.integrations.thousand import FILES, Corpus

CLEAN = str(SAMPLES / "unmarked" / "tune.wav")
MARKED = str(SAMPLES / "marked" / "tune.wav")
SECONDS = 0.3


class Counting(Gate):
    """Counts what it is asked."""

    asked: ClassVar[Counter[str]] = Counter()

    def verdict(self, source: Source, *, name: str | None = None, member: str | None = None) -> Verdict:
        self.asked[str(source)] += 1
        return super().verdict(source, name=name, member=member)


def recording(*sources: str | bytes | tuple[str, Any], name: str = "r") -> Recording:
    made = []
    for channel, source in enumerate(sources):
        kind, held = (
            source
            if isinstance(source, tuple)
            else ("memory" if isinstance(source, bytes) else "file", source)
        )
        made.append(AudioSource(kind, [channel], held))
    return Recording(name, made, 44_100, int(44_100 * SECONDS), SECONDS)


def mono(audio: Recording | None, **more: Any) -> MonoCut:
    name = "c" if audio is None else audio.id
    return MonoCut(name, start=0, duration=SECONDS, channel=0, recording=audio, **more)


def decided(item: Any, gate: Gate | None = None) -> Decision | None:
    verdict = Admits(gate).refusal(item)
    assert Admits(gate)(item) is (verdict is None)
    return None if verdict is None else verdict.decision


def manifest(corpus: Corpus, file: Path) -> Path:
    """Two cuts a file, of recordings that nobody has opened yet."""
    with CutSet.open_writer(file) as writer:
        for path in corpus.paths:
            for part in (1, 2):
                cut = mono(recording(path, name=path), custom={"part": part})
                writer.write(replace(cut, id=f"{path}-{part}"))
    return file


@pytest.mark.parametrize("lazily", [True, False])
def test_cuts_that_verify_keeps(
    thousand: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lazily: bool
) -> None:
    monkeypatch.setattr(Counting, "asked", Counter())
    cuts = CutSet.from_jsonl_lazy(manifest(thousand, tmp_path / "cuts.jsonl.gz"))
    told: dict[str, Verdict] = {}
    cuts = cuts if lazily else cuts.to_eager()
    kept = admitted(
        cuts, Counting.of(), refused=lambda cut, verdict: told.setdefault(cut.recording.id, verdict)
    )
    assert kept.is_lazy is lazily
    assert bool(told) is not lazily
    assert [cut.id for cut in kept] == [
        f"{path}-{n}" for path in thousand.paths for n in (1, 2) if path in thousand.kept
    ]
    assert {path: str(verdict.decision) for path, verdict in told.items()} == {
        path: record["decision"] for path, record in thousand.records.items() if path not in thousand.kept
    }
    assert len(Counting.asked) == FILES
    assert set(Counting.asked.values()) == {1}


def test_recordings_that_verify_keeps_in_memory_too(thousand: Corpus) -> None:
    files = RecordingSet.from_recordings(recording(path, name=path) for path in thousand.paths)
    held = RecordingSet.from_recordings(
        recording(Path(path).read_bytes(), name=path) for path in thousand.paths
    )
    for recordings in (files, held):
        kept = admitted(recordings)
        assert [each.id for each in kept] == [path for path in thousand.paths if path in thousand.kept]
        assert all(each is recordings[each.id] for each in kept)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # lhotse leaves them open
def test_shar_holds_what_was_kept_and_no_mark_survives_it(thousand: Corpus, tmp_path: Path) -> None:
    readable = [
        path
        for path in thousand.paths[::10]
        if Path(path).suffix != ".m4a" and thousand.records[path]["container"]
    ]
    cuts = CutSet.from_cuts(mono(recording(path, name=path)) for path in readable)
    kept = [path for path in readable if path in thousand.kept]
    assert 0 < len(kept) < len(readable)
    (tmp_path / "kept").mkdir()
    admitted(cuts).to_shar(tmp_path / "kept", fields={"recording": "flac"}, shard_size=20)
    assert [cut.recording.id for cut in CutSet.from_shar(in_dir=tmp_path / "kept")] == kept

    (tmp_path / "all").mkdir()
    marked = CutSet.from_cuts([Recording.from_file(MARKED).to_cut()])
    marked.to_shar(tmp_path / "all", fields={"recording": "original"})
    (again,) = CutSet.from_shar(in_dir=tmp_path / "all")
    assert decided(marked[0]) is Decision.REJECTED
    assert decided(again) is None


def test_every_source_of_a_cut_has_to_be_admitted() -> None:
    clean, marked = recording(CLEAN), recording(MARKED)
    assert decided(mono(clean)) is None
    assert decided(mono(marked)) is Decision.REJECTED
    assert decided(mono(recording(CLEAN, MARKED))) is Decision.REJECTED  # though it plays channel 0 alone
    multi = MultiCut("c", start=0, duration=SECONDS, channel=[0, 1], recording=recording(CLEAN, CLEAN))
    assert decided(multi) is None
    assert decided(replace(multi, recording=recording(CLEAN, "/nowhere.wav"))) is Decision.UNDECIDED
    assert decided(replace(multi, recording=recording("/nowhere.wav", MARKED))) is Decision.REJECTED


def test_every_track_of_a_mix_has_to_be_admitted() -> None:
    padding = PaddingCut("p", SECONDS, 44_100, 0.0, num_samples=int(44_100 * SECONDS))
    clean, marked = mono(recording(CLEAN)), mono(recording(MARKED))
    assert decided(padding) is None
    assert decided(clean.mix(clean)) is None
    assert decided(clean.pad(2)) is None
    assert decided(clean.mix(marked, snr=10)) is Decision.REJECTED
    assert decided(marked.pad(2)) is Decision.REJECTED
    assert decided(clean.append(padding).append(marked)) is Decision.REJECTED
    muted = MixedCut("m", tracks=[MixTrack(clean), MixTrack(marked, mute=True)])
    assert decided(muted) is Decision.REJECTED
    assert decided(MixedCut("m", tracks=[MixTrack(padding), MixTrack(mono(None))])) is Decision.UNDECIDED


def test_audio_that_a_cut_has_besides_counts() -> None:
    clean, marked = recording(CLEAN), recording(MARKED)
    said = SupervisionSegment("s", "r", 0, SECONDS, custom={"prompt": marked})
    for cut in (
        mono(clean, custom={"target": marked}),
        mono(clean, custom={"targets": [{"a": marked.to_dict()}]}),
        mono(clean, supervisions=[said]),
        mono(clean).reverb_rir(marked),
        MonoCut.from_dict(mono(clean).reverb_rir(marked).to_dict()),
        mono(clean.perturb_speed(1.1)).mix(mono(marked.perturb_volume(0.5))),
    ):
        assert decided(cut) is Decision.REJECTED, cut
    assert decided(mono(clean, custom={"target": clean, "n": [1, "a", None, {"b": b"c"}]})) is None
    timed = SupervisionSegment("s", "r", 0, SECONDS, alignment={"word": [AlignmentItem("la", 0, 0.1)]})
    plain = {"a": np.float32(1), "b": np.int64(2), "c": Path("a.wav"), "d": {1.5, "e"}, "f": np.bool_(True)}
    assert decided(mono(clean, custom=plain, supervisions=[timed])) is None
    assert decided(mono(clean).reverb_rir()) is None


def test_collections_that_a_cut_has_besides_are_looked_into(tmp_path: Path) -> None:
    clean, marked = recording(CLEAN, name="a"), recording(MARKED, name="b")
    CutSet.from_cuts([mono(clean), mono(marked)]).to_jsonl(tmp_path / "cuts.jsonl")
    for held in (
        RecordingSet.from_recordings([clean, marked]),
        CutSet.from_cuts([mono(clean), mono(marked)]),
        CutSet.from_cuts([mono(clean), mono(marked)]).to_eager(),
        CutSet.from_jsonl_lazy(tmp_path / "cuts.jsonl"),
        SupervisionSet.from_segments([SupervisionSegment("s", "r", 0, 1, custom={"x": marked})]),
        [{"a": CutSet.from_cuts([mono(clean, custom={"x": RecordingSet.from_recordings([marked])})])}],
    ):
        for cut in (mono(clean, custom={"noises": held}), mono(clean).mix(mono(clean, custom={"n": held}))):
            assert decided(cut) is Decision.REJECTED, held
    padding = PaddingCut(
        "p", SECONDS, 44_100, 0.0, num_samples=9, custom={"x": CutSet.from_cuts([mono(marked)])}
    )
    assert decided(padding) is Decision.REJECTED
    fine = {"a": CutSet.from_cuts([mono(clean)]), "b": RecordingSet.from_recordings([clean])}
    assert decided(mono(clean, custom=fine)) is None


class Holder:
    """What nobody knows how to look into."""

    def __init__(self, held: object) -> None:
        self.held = held


def test_what_may_hold_audio_and_cannot_be_looked_into_is_undecided() -> None:
    clean, marked = recording(CLEAN), recording(MARKED)
    for held in (
        Holder(marked),
        iter([marked]),
        np.zeros(9),
        [Holder(clean)],
        CutSet.from_cuts([mono(None)]),
        [recording()],
        CutSet.from_cuts([mono(clean)]).repeat(),
        {"type": "file", "channels": [0], "source": "ais://bucket/a.wav"},
    ):
        assert decided(mono(clean, custom={"x": held})) is Decision.UNDECIDED, held
        assert decided(mono(marked, custom={"x": held})) in (Decision.REJECTED, Decision.UNDECIDED), held
    assert decided(mono(marked, custom={"x": Holder(clean)})) is Decision.REJECTED


def test_a_relative_name_is_judged_where_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    admits = Admits()
    for folder, source in (("a", CLEAN), ("b", MARKED), ("c", CLEAN)):
        (tmp_path / folder).mkdir()
        shutil.copy(source, tmp_path / folder / "1.wav")
        monkeypatch.chdir(tmp_path / folder)
        assert admits(mono(recording("1.wav"))) is (source is CLEAN)


def test_only_the_last_verdicts_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Counting, "asked", Counter())
    monkeypatch.setattr("noai.integrations.lhotse.GATE_ANSWERS", 3)
    monkeypatch.setattr("noai.integrations.lhotse.GATE_VERDICTS", 1)
    admits = Admits(Counting.of())
    for name in (CLEAN, MARKED, "/a.wav", CLEAN, MARKED, MARKED, "/b.wav", CLEAN):
        admits(mono(recording(name)))
    assert Counting.asked == {CLEAN: 1, MARKED: 2, "/a.wav": 1, "/b.wav": 1}


def test_it_raises_what_the_callers_own_function_raises() -> None:
    def refused(_cut: object, _verdict: Verdict) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Admits(refused=refused)(mono(recording(MARKED)))


@pytest.mark.parametrize(
    "item",
    [
        recording(("command", f"cat {CLEAN}")),
        recording(("shar", "")),
        recording(("memory", CLEAN)),
        recording(("memory", b"")),
        recording(("memory", None)),
        recording(("file", None)),
        recording(("file", "")),
        recording(("file", "a\0b")),
        recording(("url", CLEAN)),
        recording(("url", f"pipe:cat {CLEAN}")),
        recording(("url", f"file://{CLEAN}")),
        recording(("url", "s3://bucket/")),
        recording(("new", CLEAN)),
        recording(str(SAMPLES)),
        recording(b"garbage"),
        replace(recording(CLEAN), sources=[]),
        mono(None),
        mono(recording()),
        None,
        CLEAN,
        SupervisionSegment("s", "r", 0, 1),
    ],
    ids=repr,
)
def test_what_cannot_be_judged_is_undecided(item: Any) -> None:
    assert decided(item) is Decision.UNDECIDED


def test_what_refers_to_itself_is_undecided() -> None:
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    assert decided(mono(recording(CLEAN), custom=loop)) is Decision.UNDECIDED


@pytest.fixture
def site() -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SAMPLES)) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_urls_are_read_where_noai_reads_them(site: str) -> None:
    assert decided(recording(("url", f"{site}/unmarked/tune.flac"))) is None
    assert decided(recording(("url", f"{site}/marked/tune.flac"))) is Decision.REJECTED
    assert decided(recording(("url", f"{site}/nowhere.flac"))) is Decision.UNDECIDED


def test_another_question_goes_along_into_other_processes() -> None:
    opt_in = Gate.of(Policy(admission=Admission.OPT_IN))
    assert decided(recording(CLEAN), opt_in) is Decision.UNRESERVED
    cuts = [mono(recording(path)) for path in (CLEAN, MARKED, CLEAN)]
    for gate, expected in ((None, [True, False, True]), (opt_in, [False] * 3)):
        admits = Admits(gate)
        admits(cuts[1])
        assert list(map(pickle.loads(pickle.dumps(admits)), cuts)) == expected  # noqa: S301
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            assert pool.map(admits, cuts) == expected


def test_the_page_shows_what_happens(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES, tmp_path / "sample_audio")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", snippet("lhotse.md")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == shown("lhotse.md")
    assert list((tmp_path / "shar").iterdir())


def test_nothing_else_of_noai_loads_lhotse() -> None:
    show = "import sys, noai.integrations.gate, noai.cli; print([m for m in sys.modules if 'lhotse' in m])"
    done = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
