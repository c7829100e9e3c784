"""NeMo manifests over the corpus that every integration is held against."""

from __future__ import annotations

import json
import os
import pickle
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest

from noai.errors import UsageError
from noai.integrations.answers import Memo
from noai.integrations.gate import Gate
from noai.integrations.nemo import ManifestGate, filter_manifest
from noai.limits import MANIFEST_LINE_BYTES
from noai.policy import Admission, Policy
from noai.sources import Source
from noai.verdict import Decision, Verdict
from tests.audio import SAMPLES
from tests.integrations.thousand import FILES, Corpus

CLEAN = str(SAMPLES / "unmarked" / "tune.wav")
MARKED = str(SAMPLES / "marked" / "tune.wav")


class Counting(Gate):
    """Counts what it is asked."""

    asked: ClassVar[Counter[str]] = Counter()

    def verdict(self, source: Source, *, name: str | None = None, member: str | None = None) -> Verdict:
        self.asked[str(source)] += 1
        return super().verdict(source, name=name, member=member)


def line(*paths: str, **more: Any) -> bytes:
    audio = paths[0] if len(paths) == 1 else list(paths)
    return (
        json.dumps({"audio_filepath": audio, "offset": 0.1, "duration": 0.1, "text": "ça", **more}).encode()
        + b"\n"
    )


def tar(path: Path, *members: tuple[str, str]) -> None:
    with tarfile.open(path, "w") as file:
        for name, source in members:
            file.add(source, name)


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for each in path.read_bytes().splitlines()]


def decided(raw: bytes, **arguments: Any) -> Decision | None:
    refusal = ManifestGate(**arguments).refusal(raw)
    return None if refusal is None else refusal.decision


def test_a_manifest_keeps_what_verify_keeps(
    thousand: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counting, "asked", Counter())
    pairs = [
        (path, f"  {line(os.path.relpath(path, tmp_path), n=n).decode()}".encode())
        for path in thousand.paths
        for n in (1, 2)
    ]
    (tmp_path / "train.json").write_bytes(b"".join(raw for _, raw in pairs).removesuffix(b"\n"))
    counted = filter_manifest(tmp_path / "train.json", tmp_path / "kept.json", gate=Counting.of())
    wanted = [raw for path, raw in pairs if path in thousand.kept]
    assert (tmp_path / "kept.json").read_bytes().splitlines() == [raw.rstrip() for raw in wanted]
    assert counted["admitted"] == len(wanted) == 2 * len(thousand.kept)
    refused = records(tmp_path / "kept.json.rejected.jsonl")
    assert len(refused) + len(wanted) == counted.total() == 2 * FILES
    assert all(
        thousand.records[os.path.normpath(each["path"])]["decision"] == each["decision"] for each in refused
    )
    assert [each["entry"].strip() for each in refused] == [
        raw.decode().strip() for path, raw in pairs if path not in thousand.kept
    ]
    assert len(Counting.asked) == FILES
    assert set(Counting.asked.values()) == {1}


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"null\n",
        b"[]\n",
        b'"a"\n',
        b"{}\n",
        b'{"text": "a"}',
        line("")[:-1],
        line(CLEAN).replace(b'"offset"', b'"audio_filepath"'),
        line(CLEAN).replace(b'"text"', b'"x": {"y": 1, "y": 2}, "text"'),
        line(CLEAN, audio_filename=None),
        line(CLEAN, audio_filename=7),
        line(CLEAN, audio_filename=[]),
        line(CLEAN, ""),
        b"\xef\xbb\xbf" + line(CLEAN),
        line(CLEAN).replace(b'"text": "', b'"text": "\xff'),
        line(CLEAN) + line(CLEAN),
        line(CLEAN, text="a" * MANIFEST_LINE_BYTES),
        b'{"a":' * 100_000,
        b'{"audio_filepath": ' + b"9" * 5_000 + b"}",
        line("/nowhere.wav"),
        line(CLEAN, "/nowhere.wav"),
        line("a\0b.wav"),
        line("\udc80\ud800.wav"),
        line("ais://bucket/a.wav"),
        line("~a\0b/x.wav"),
        line("~\ud800/x.wav"),
        line("s3://bucket/"),
        line(str(SAMPLES)),
        line("tune.wav", shard_id=0),
        line(CLEAN, shard_id=None),
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_what_names_no_audio_that_can_be_judged_is_undecided(raw: bytes) -> None:
    assert decided(raw) is Decision.UNDECIDED


@pytest.mark.parametrize(
    "raw",
    [
        line(MARKED),
        line(CLEAN, MARKED),
        line("/nowhere.wav", MARKED),
        line(CLEAN, audio_filename=MARKED),
        line(CLEAN, audio_filename=[CLEAN, MARKED]),
    ],
)
def test_one_denial_among_all_that_a_line_names_rejects_it(raw: bytes) -> None:
    assert decided(raw) is Decision.REJECTED
    assert decided(line(CLEAN, audio_filename=[CLEAN])) is None


def test_other_members_and_another_question_can_be_asked_for() -> None:
    raw = line(CLEAN, context_audio_filepath=MARKED)
    assert decided(raw) is None
    keys = ("audio_filepath", "context_audio_filepath")
    assert decided(raw, keys=keys) is Decision.REJECTED
    assert decided(line(CLEAN), gate=Gate.of(Policy(admission=Admission.OPT_IN))) is Decision.UNRESERVED


def test_every_file_that_a_relative_name_may_mean_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [tmp_path / name for name in ("manifest", "work", "home")]
    for place in places:
        (place / "~").mkdir(parents=True)
    manifest, work, home = places
    monkeypatch.chdir(work)
    monkeypatch.setenv("HOME", str(home))
    clean, marked = Path(CLEAN).read_bytes(), Path(MARKED).read_bytes()
    (manifest / "a.wav").write_bytes(clean)
    assert decided(line("a.wav"), root=manifest) is None
    (work / "a.wav").write_bytes(marked)
    assert decided(line("a.wav"), root=manifest) is Decision.REJECTED
    (work / "b.wav").write_bytes(clean)
    assert decided(line("b.wav"), root=manifest) is None
    (home / "c.wav").write_bytes(clean)
    assert decided(line("~/c.wav"), root=manifest) is None
    (manifest / "~" / "c.wav").write_bytes(marked)
    assert decided(line("~/c.wav"), root=manifest) is Decision.REJECTED


def test_tarred_lines_are_judged_by_their_members(thousand: Corpus, tmp_path: Path) -> None:
    lines: list[tuple[str, bytes]] = []
    for shard in range(4):
        members = [(Path(path).name, path) for path in thousand.paths[shard::40]]
        tar(tmp_path / f"audio_{shard}.tar", *members)
        for name, path in members:
            part = name.replace(".", "-sub2.")
            lines += [(path, line(each, shard_id=shard)) for each in (name, part)]
    (tmp_path / "m.json").write_bytes(b"".join(raw for _, raw in lines))
    counted = filter_manifest(tmp_path / "m.json", tmp_path / "k.json", shards="audio_{shard_id}.tar")
    wanted = b"".join(raw for path, raw in lines if path in thousand.kept)
    assert (tmp_path / "k.json").read_bytes() == wanted
    assert 0 < counted["admitted"] < len(lines) == counted.total()

    arguments: dict[str, Any] = {"root": tmp_path, "shards": "audio_{shard_id}.tar"}
    assert decided(line("not there.wav", shard_id=0), **arguments) is Decision.UNDECIDED
    assert decided(line("a.wav", shard_id=9), **arguments) is Decision.UNDECIDED
    for odd in ([0], "../0", True, -1, None, 0.0):
        assert decided(line(Path(thousand.paths[0]).name, shard_id=odd), **arguments) is Decision.UNDECIDED
    whole = (tmp_path / "audio_0.tar").read_bytes()
    (tmp_path / "audio_9.tar").write_bytes(whole[: len(whole) // 2 + 99])
    assert {decided(raw, **arguments) for _, raw in lines[:2]} <= {
        None,
        Decision.REJECTED,
        Decision.UNDECIDED,
    }
    cut = [decided(line(Path(path).name, shard_id=9), **arguments) for path in thousand.paths[0::40]]
    assert set(cut) == {Decision.UNDECIDED}


def test_members_that_nemo_takes_for_one_are_judged_as_one(tmp_path: Path) -> None:
    tar(tmp_path / "0.tar", ("a/tune.wav", CLEAN), ("b/tune.flac", MARKED), ("tune2.wav", CLEAN))
    arguments: dict[str, Any] = {"root": tmp_path, "shards": "{shard_id}.tar"}
    assert decided(line("a/tune.wav", shard_id=0), **arguments) is Decision.REJECTED
    assert decided(line("tune2.wav", shard_id=0), **arguments) is None


def test_a_member_is_found_where_nemo_cuts_its_name(tmp_path: Path) -> None:
    tar(tmp_path / "0.tar", ("talk.wav", CLEAN), ("talk-subtitled.wav", MARKED), ("a-sub1.wav", MARKED))
    arguments: dict[str, Any] = {"root": tmp_path, "shards": "{shard_id}.tar"}
    assert decided(line("talk-sub1.wav", shard_id=0), **arguments) is None
    assert decided(line("talk-subtitled-sub1.wav", shard_id=0), **arguments) is Decision.REJECTED
    assert decided(line("a-sub1-sub2.wav", shard_id=0), **arguments) is Decision.REJECTED


def test_the_shard_is_the_one_that_nemo_takes(tmp_path: Path) -> None:
    tar(tmp_path / "audio_0.tar", ("x.wav", CLEAN))
    tar(tmp_path / "audio_1.tar", ("x.wav", MARKED))
    (tmp_path / "x.wav").write_bytes(Path(CLEAN).read_bytes())
    with_shard, without = line("x.wav", shard_id=0), line("x.wav")
    for source, destination, raw, counted in (
        ("manifest_0.json", "manifest_0_kept.json", with_shard, {"admitted": 1}),
        ("manifest_00.json", "kept.json", with_shard, {"admitted": 1}),
        ("all.json", "kept.json", with_shard, {"admitted": 1}),
        ("manifest_1.json", "kept.json", with_shard, {"undecided": 1}),
        ("all.json", "manifest_kept_1.json", with_shard, {"undecided": 1}),
        ("manifest_0.json", "kept.json", without, {"undecided": 1}),
    ):
        (tmp_path / source).write_bytes(raw)
        told = filter_manifest(tmp_path / source, tmp_path / destination, shards="audio_{shard_id}.tar")
        assert told == counted, (source, destination)
    for name in ("tarred_audio_manifest.json", "sharded_manifests/manifest_0.json"):
        manifest = tmp_path / name
        manifest.parent.mkdir(exist_ok=True)
        (manifest.parent / "x.wav").write_bytes(Path(CLEAN).read_bytes())
        manifest.write_bytes(without)
        assert filter_manifest(manifest, manifest.with_name("kept.json")) == {"undecided": 1}, name


def test_in_another_folder_a_name_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("a", "b", "work"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "work")
    (tmp_path / "a" / "1.wav").write_bytes(Path(CLEAN).read_bytes())
    (tmp_path / "a" / "m.json").write_bytes(line("1.wav"))

    def filtered(destination: str) -> Counter[str]:
        return filter_manifest("../a/m.json", destination)

    assert filtered("../a/k.json") == {"admitted": 1}
    assert filtered("../b/k.json") == {"undecided": 1}
    (tmp_path / "b" / "1.wav").write_bytes(Path(MARKED).read_bytes())
    assert filtered("../b/k.json") == {"rejected": 1}
    (tmp_path / "b" / "1.wav").write_bytes(Path(CLEAN).read_bytes())
    assert filtered("../b/k.json") == {"admitted": 1}
    # Names below the working folder mean the same wherever the manifest is.
    (tmp_path / "work" / "2.wav").write_bytes(Path(CLEAN).read_bytes())
    (tmp_path / "a" / "m.json").write_bytes(line("2.wav"))
    assert filtered("../b/k.json") == {"admitted": 1}
    # Behind a link, the folder above is another one.
    (tmp_path / "work" / "link").symlink_to(tmp_path / "b")
    (tmp_path / "m.json").write_bytes(line("1.wav"))
    (tmp_path / "work" / "m.json").write_bytes(line("1.wav"))
    (tmp_path / "work" / "1.wav").write_bytes(Path(CLEAN).read_bytes())
    (tmp_path / "1.wav").write_bytes(Path(MARKED).read_bytes())
    assert filter_manifest("link/../m.json", "link/../k.json") == {"rejected": 1}


def test_an_answer_is_on_a_file_and_not_on_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, source in (("manifest", CLEAN), ("work", MARKED)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "1.wav").write_bytes(Path(source).read_bytes())
    monkeypatch.chdir(tmp_path)
    gate = ManifestGate("manifest")
    assert gate.refusal(line("1.wav")) is None
    monkeypatch.chdir(tmp_path / "work")
    refusal = gate.refusal(line("1.wav"))
    assert refusal is not None
    assert refusal.path == str(tmp_path / "work" / "1.wav")


class Broken(dict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        7,
        {"audio_filepath": ("a.wav",)},
        {"audio_filepath": [[CLEAN]]},
        {"audio_filepath": CLEAN, "audio_filename": b"a"},
        {"audio_filepath": "~a\0b/x.wav"},
        Broken(audio_filepath=CLEAN),
    ],
    ids=repr,
)
def test_an_entry_of_any_kind_is_undecided_and_no_error(entry: object) -> None:
    refusal = ManifestGate().refusal_of(entry)
    assert refusal is not None
    assert refusal.decision is Decision.UNDECIDED


def test_only_the_last_answers_are_remembered() -> None:
    asked: list[tuple[object, ...]] = []
    memo = Memo(lambda *about: asked.append(about), 2)
    for name in "abbabcba":
        memo(name, 1)
    assert [name for name, _ in asked] == ["a", "b", "c", "a"]
    gate = ManifestGate(SAMPLES)
    assert gate.refusal(line("unmarked/tune.wav")) is None
    again = pickle.loads(pickle.dumps(gate))  # noqa: S301  our own
    assert again.refusal(line("unmarked/tune.wav")) is None
    assert again.refusal(line("marked/tune.wav")).decision is Decision.REJECTED
    assert again.refusal(line("marked/tune.wav")) is again.refusal(line("marked/tune.wav"))


def test_files_are_there_whole_or_not_at_all(tmp_path: Path) -> None:
    source = tmp_path / "m.json"
    source.write_bytes(b"\n" + line(CLEAN) + b" \r\n" + line(MARKED) + line(CLEAN)[:-1])
    before = source.read_bytes()
    for destination, rejected in ((source, None), (tmp_path / "k", source), (tmp_path / "k", tmp_path / "k")):
        with pytest.raises(UsageError, match="three files"):
            filter_manifest(source, destination, rejected=rejected)
    with pytest.raises(FileNotFoundError):
        filter_manifest(tmp_path / "none.json", tmp_path / "k")
    assert os.listdir(tmp_path) == ["m.json"]
    (tmp_path / "k").write_text("old")
    counted = filter_manifest(source, tmp_path / "k", rejected=tmp_path / "r")
    assert counted == {"admitted": 2, "rejected": 1}
    assert (tmp_path / "k").read_bytes() == line(CLEAN) + line(CLEAN)[:-1]
    (told,) = records(tmp_path / "r")
    assert told["line"] == 4
    assert told["decision"] == "rejected"
    assert told["codes"][0] == "reserved"
    assert told["path"] == MARKED
    assert source.read_bytes() == before


def test_a_line_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    source = tmp_path / "m.json"
    source.write_bytes(line(CLEAN, text="a" * 2 * MANIFEST_LINE_BYTES) + line(CLEAN))
    assert filter_manifest(source, tmp_path / "k") == {"undecided": 1, "admitted": 1}
    assert (tmp_path / "k").read_bytes() == line(CLEAN)
    assert records(tmp_path / "k.rejected.jsonl")[0]["entry"] is None
