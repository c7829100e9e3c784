"""Hugging Face datasets over the corpus that every integration is held against."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets.fingerprint import Hasher

from noai.claim import Use
from noai.errors import AudioDecoded, UsageError
from noai.integrations import gate as gates
from noai.integrations.datasets import Admitted, Verdicts, only_admitted
from noai.integrations.gate import Gate
from noai.policy import Admission, Policy
from tests.audio import SAMPLES
from tests.integrations.thousand import Corpus

CLEAN = str(SAMPLES / "unmarked" / "tune.wav")
MARKED = str(SAMPLES / "marked" / "tune.wav")
UNDECODED = datasets.Audio(decode=False)


@pytest.fixture(autouse=True)
def _quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets.disable_progress_bars()
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf")


def rows(*cells: Any, feature: Any = UNDECODED) -> Any:
    table = {"n": list(range(len(cells))), "audio": list(cells)}
    features = datasets.Features({"n": datasets.Value("int64"), "audio": UNDECODED})
    made = datasets.Dataset(pa.table(table, features.arrow_schema))
    return made if feature is UNDECODED else made.cast_column("audio", feature)


def paths_of(thousand: Corpus) -> Any:
    return rows(*({"bytes": None, "path": path} for path in thousand.paths))


def bytes_of(thousand: Corpus) -> Any:
    return rows(*({"bytes": Path(path).read_bytes(), "path": path} for path in thousand.paths))


def kept_of(dataset: Any) -> set[str]:
    """Paths, each of one row."""
    found = [row["audio"]["path"] for row in dataset]
    assert len(found) == len(set(found))
    return set(found)


HOLDERS: dict[str, Callable[[Corpus], Any]] = {"paths": paths_of, "bytes": bytes_of}


@pytest.fixture(params=HOLDERS)
def corpus(request: pytest.FixtureRequest, thousand: Corpus) -> Any:
    return HOLDERS[request.param](thousand)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize(
    "options", [{"num_proc": 2}, {"batched": True, "batch_size": 7}, {"with_indices": True}]
)
def test_filter_keeps_what_verify_keeps(corpus: Any, thousand: Corpus, options: dict[str, Any]) -> None:
    assert kept_of(corpus.filter(Admitted(batched="batched" in options), **options)) == thousand.kept


def test_what_is_kept_has_the_same_bytes(thousand: Corpus) -> None:
    kept = only_admitted(bytes_of(thousand))
    assert {row["audio"]["path"]: row["audio"]["bytes"] for row in kept} == {
        path: Path(path).read_bytes() for path in thousand.kept
    }


@pytest.mark.parametrize("batched", [False, True])
def test_map_adds_what_verify_says(corpus: Any, thousand: Corpus, batched: bool) -> None:
    mapped = corpus.map(Verdicts(batched=batched), batched=batched)
    assert mapped.features["audio"] == UNDECODED
    assert mapped.column_names[:2] == corpus.column_names
    for row, before in zip(mapped, corpus, strict=True):
        assert row["audio"] == before["audio"]
        record = thousand.records[row["audio"]["path"]]
        assert (row["noai_decision"], row["noai_admitted"]) == (record["decision"], record["admitted"])
        assert json.loads(row["noai_record"])["path"] == record["path"]
        assert row["noai_why"].startswith(record["decision"])


@pytest.mark.parametrize("batched", [False, True])
def test_streams_are_filtered_and_mapped(corpus: Any, thousand: Corpus, batched: bool) -> None:
    stream = corpus.to_iterable_dataset(num_shards=4)
    assert kept_of(stream.filter(Admitted(batched=batched), batched=batched)) == thousand.kept
    mapped = stream.map(Verdicts(batched=batched), batched=batched)
    assert {row["audio"]["path"] for row in mapped if row["noai_admitted"]} == thousand.kept
    assert kept_of(only_admitted(stream)) == thousand.kept


def test_a_stream_of_parquet_is_filtered(thousand: Corpus, tmp_path: Path) -> None:
    bytes_of(thousand).to_parquet(tmp_path / "a.parquet")
    stream = datasets.load_dataset(
        "parquet", data_files=str(tmp_path / "a.parquet"), split="train", streaming=True
    )
    assert kept_of(only_admitted(stream)) == thousand.kept


def _unchanged(batch: dict[str, Any]) -> dict[str, Any]:
    return batch


def test_only_admitted_gives_back_what_it_was_given() -> None:
    decoding = datasets.Audio(sampling_rate=16_000)
    given = rows(
        {"bytes": None, "path": MARKED}, {"bytes": Path(CLEAN).read_bytes(), "path": None}, feature=decoding
    )
    numpy, custom = given.with_format("numpy", columns=["n"]), given.with_transform(_unchanged, ["n"])
    for dataset in (given, numpy, custom, given.with_format("arrow")):
        kept = only_admitted(dataset)
        assert kept.features == given.features
        assert kept.features["audio"] == decoding
        assert kept.format == dataset.format
        assert kept.with_format(None).remove_columns("audio")[:] == {"n": [1]}
    for form in (None, "numpy", "arrow", "pandas"):
        stream = only_admitted(given.to_iterable_dataset().with_format(form))
        assert stream.features == given.features
        told = next(iter(stream.remove_columns("audio")))
        like = next(iter(given.remove_columns("audio").with_format(form)))
        assert type(told) is type(like)
        assert [row["n"] for row in stream.with_format(None).remove_columns("audio")] == [1]
    splits = datasets.DatasetDict(train=given, test=given.select([0]))
    both = only_admitted(splits, num_proc=1)
    assert isinstance(both, datasets.DatasetDict)
    assert both.num_rows == {"train": 1, "test": 0}
    streams = datasets.IterableDatasetDict(train=given.to_iterable_dataset())
    assert isinstance(only_admitted(streams), datasets.IterableDatasetDict)


def test_all_columns_with_audio_are_asked() -> None:
    cells = {
        "audio": [CLEAN, CLEAN, MARKED],
        "target": [CLEAN, MARKED, CLEAN],
        "words": ["a", "b", "c"],
        "takes": [[CLEAN]] * 3,
    }
    dataset = datasets.Dataset.from_dict(cells)
    for name in ("audio", "target"):
        dataset = dataset.cast_column(name, datasets.Audio())
    assert only_admitted(dataset, ("audio", "target"))["words"][:] == ["a"]
    assert only_admitted(dataset.remove_columns("target"))["words"][:] == ["a", "b"]
    streamed = only_admitted(dataset.to_iterable_dataset(), ["target", "audio"])
    assert streamed.features == dataset.features
    for name in ("audio", "target"):
        streamed = streamed.cast_column(name, UNDECODED)
    assert [row["words"] for row in streamed] == ["a"]
    nested = dataset.cast_column("takes", datasets.List(datasets.Audio(decode=False)))
    held = dataset.cast_column("target", UNDECODED)
    for unasked, columns in ((dataset, "audio"), (held, "audio"), (nested, ("audio", "target"))):
        for rows_ in (unasked, unasked.to_iterable_dataset()):
            with pytest.raises(UsageError, match=r"'(target|takes)' has audio, too"):
                only_admitted(rows_, columns)
    with pytest.raises(UsageError, match="no column is to be asked"):
        only_admitted(dataset, ())


@pytest.mark.parametrize(
    "cell",
    [
        None,
        {"bytes": None, "path": None},
        {"bytes": b"", "path": CLEAN},
        {"bytes": b"garbage", "path": CLEAN},
        {"bytes": None, "path": "tune.wav"},
        {"bytes": None, "path": str(SAMPLES)},
        {"bytes": None, "path": "a\0b"},
        {"bytes": None, "path": "hf://datasets/a/b/tune.wav"},
        {"bytes": None, "path": f"zip://tune.wav::{CLEAN}"},
        {"bytes": None, "path": f"file://{CLEAN}"},
        {"bytes": None, "path": "s3://a/b/"},
    ],
    ids=str,
)
def test_what_cannot_be_judged_is_undecided_and_left_out(cell: Any) -> None:
    dataset = rows({"bytes": None, "path": CLEAN}, cell, {"bytes": None, "path": CLEAN})
    verdicts = dataset.map(Verdicts())
    assert verdicts["noai_decision"][:] == ["unreserved", "undecided", "unreserved"]
    for kept in (
        dataset.filter(Admitted()),
        only_admitted(dataset),
        only_admitted(dataset.to_iterable_dataset()),
    ):
        assert [row["n"] for row in kept] == [0, 2]


def test_what_datasets_takes_for_an_address_is_no_file_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("hf:/a.wav", "zip::b.wav"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(Path(CLEAN).read_bytes())
    for address in ("hf://a.wav", "zip::b.wav"):
        assert os.path.exists(address)
        assert Admitted()({"audio": address}) is False


@pytest.mark.parametrize("cell", [CLEAN, Path(CLEAN), Path(CLEAN).read_bytes()], ids=type)
def test_columns_of_paths_and_of_bytes_are_judged(cell: Any) -> None:
    assert Admitted("sound")({"sound": cell}) is True
    assert Admitted("sound")({"sound": cell}, 7) is True
    assert not Admitted("sound")({"sound": MARKED})
    stored = str(cell) if isinstance(cell, Path) else cell
    dataset = datasets.Dataset.from_dict({"sound": [stored]})
    assert only_admitted(dataset, "sound").num_rows == 1


def test_what_was_decoded_is_refused_loudly() -> None:
    import numpy as np

    array = np.zeros(9)
    for cell in (
        {"array": array, "path": CLEAN, "sampling_rate": 1},
        array,
        object(),
        [{"path": CLEAN}][0].items(),
    ):
        for hook in (Admitted(), Verdicts()):
            with pytest.raises(AudioDecoded, match=r"cast_column\('audio', Audio\(decode=False\)\)"):
                hook({"audio": cell})
    with pytest.raises(AudioDecoded):
        datasets.Dataset.from_dict({"audio": [[1, 2]], "n": [1]}).filter(Admitted(batched=True), batched=True)


@pytest.mark.parametrize("batched", [False, True])
def test_a_list_of_answers_is_never_taken_for_one(batched: bool) -> None:
    dataset = datasets.Dataset.from_dict({"audio": [[MARKED], [MARKED, CLEAN]]})
    for rows_ in (dataset, dataset.to_iterable_dataset()):
        with pytest.raises(UsageError):
            list(rows_.filter(Admitted(batched=batched), batched=False))
    with pytest.raises(UsageError):
        rows({"bytes": None, "path": CLEAN}).filter(Admitted(batched=batched), batched=not batched)


def test_rows_that_are_no_rows_are_refused() -> None:
    dataset = rows({"bytes": None, "path": CLEAN})
    with pytest.raises(UsageError, match="no column 'sound' among: n, audio"):
        dataset.filter(Admitted("sound"))
    with pytest.raises(UsageError, match="no column 'sound' among: n, audio"):
        only_admitted(dataset, "sound")
    with pytest.raises(UsageError, match=r"with_format\(None\)"):
        dataset.with_format("arrow").filter(Admitted(batched=True), batched=True)
    for option in ("cache_file_name", "new_fingerprint"):
        with pytest.raises(UsageError, match=option):
            only_admitted(dataset, **{option: "a"})
    with pytest.raises(UsageError, match="no column 'audio' among: bytes, path"):
        dataset.filter(Admitted(), input_columns="audio")


def test_why_rows_go_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "noai.integrations.datasets"):
        rows({"bytes": None, "path": MARKED}, None).filter(Admitted())
    assert f"{MARKED}: rejected: " in caplog.text
    assert "a row: undecided: " in caplog.text


_ASK = """
import sys, datasets
from noai.integrations.datasets import Admitted, only_admitted
datasets.disable_progress_bars()
kept = only_admitted(datasets.load_from_disk(sys.argv[1]))
again = kept.filter(Admitted())
print(kept._fingerprint, again._fingerprint, len(kept), len(again))
"""


def ask(folder: Path, **environment: str) -> tuple[str, dict[str, int]]:
    """What another process says of the dataset in ``folder``, and when each file of the cache was written."""
    done = subprocess.run(
        [sys.executable, "-c", _ASK, folder],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, {path.name: path.stat().st_mtime_ns for path in folder.glob("cache-*")}


def test_the_cache_knows_the_question(thousand: Corpus, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    bytes_of(thousand).save_to_disk(folder)
    said, first = ask(folder, PYTHONHASHSEED="1")
    assert said.split()[2:] == [str(len(thousand.kept))] * 2
    assert len(first) == 2
    assert ask(folder, PYTHONHASHSEED="2") == (said, first)
    other, second = ask(folder, NOAI_HOME=str(tmp_path / "nobody"))
    assert set(second) > set(first)
    assert set(other.split()[:2]).isdisjoint(said.split()[:2])


def test_another_question_has_another_hash(thousand: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [
        Admitted(),
        Verdicts(),
        Admitted("sound"),
        Admitted(gate=Gate.of(Policy((Use.INFERENCE,)))),
        Admitted(gate=Gate.of(Policy(admission=Admission.OPT_IN))),
    ]
    used = Admitted()
    used({"audio": MARKED})
    assert Hasher.hash(used) == Hasher.hash(asked[0]) == Hasher.hash(pickle.loads(pickle.dumps(used)))  # noqa: S301
    hashes = {Hasher.hash(each) for each in asked}
    monkeypatch.setattr(gates, "__version__", "0")
    hashes.add(Hasher.hash(Admitted()))
    monkeypatch.undo()
    monkeypatch.setenv("NOAI_HOME", "/nowhere/else")
    hashes.add(Hasher.hash(Admitted()))
    assert len(hashes) == len(asked) + 2


@pytest.mark.parametrize("feature", [datasets.Value("string"), UNDECODED, datasets.Audio()], ids=repr)
def test_files_that_change_are_asked_again(tmp_path: Path, feature: Any) -> None:
    track = tmp_path / "tune.wav"
    track.write_bytes(Path(CLEAN).read_bytes())
    pq.write_table(pa.table({"audio": [str(track)]}), tmp_path / "a.parquet")
    dataset = datasets.Dataset.from_parquet(str(tmp_path / "a.parquet")).cast_column("audio", feature)
    assert only_admitted(dataset).num_rows == 1
    track.write_bytes(Path(MARKED).read_bytes())
    assert only_admitted(dataset).num_rows == 0
    track.write_bytes(Path(CLEAN).read_bytes())
    assert only_admitted(dataset, load_from_cache_file=True).num_rows == 1
    track.write_bytes(Path(MARKED).read_bytes())
    assert only_admitted(dataset, load_from_cache_file=True).num_rows == 1
    assert only_admitted(dataset, load_from_cache_file=False).num_rows == 0


_MAP = """
import sys, datasets
from datasets.fingerprint import generate_random_fingerprint
from noai.integrations.datasets import Admitted, Verdicts, only_admitted
datasets.disable_progress_bars()
dataset = datasets.load_from_disk(sys.argv[1])
fresh = lambda: {"new_fingerprint": generate_random_fingerprint()}
for kept in (
    only_admitted(dataset),
    dataset.filter(Admitted(), **fresh()),
    dataset.map(Verdicts(), **fresh()).filter(lambda row: row["noai_admitted"]),
):
    print(kept.map(lambda row: {"more": row["n"]})["more"][:])
"""


def test_what_is_made_of_old_answers_is_not_found_again(tmp_path: Path) -> None:
    tracks = [tmp_path / name for name in ("0.wav", "1.wav")]
    for track in tracks:
        track.write_bytes(Path(CLEAN).read_bytes())
    folder = tmp_path / "set"
    # As text: a column of Audio would be saved with the bytes in it.
    datasets.Dataset.from_dict({"n": [0, 1], "audio": list(map(str, tracks))}).save_to_disk(folder)
    told = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", _MAP, folder], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        told.append(done.stdout.splitlines())
        tracks[1].write_bytes(Path(MARKED).read_bytes())
    assert told == [["[0, 1]"] * 3, ["[0]"] * 3]
