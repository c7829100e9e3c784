"""Archives are looked into: each member has the verdict that it would have as a file."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noai import Decision
from noai.codes import Code
from noai.corpus import scan
from noai.corpus.archives import is_archive, judge_archive, members
from noai.corpus.judging import Judged
from noai.report import Depth
from noai.sources import DescriptorSource, read_exactly
from tests.corpus.archive_files import (
    DENIAL,
    DENIED,
    MAKERS,
    OPEN,
    judged,
    outline,
    parquet_of,
    sample_folder,
    tar_of,
    verifier,
)

#: What says where a track is, and not what is in it.
ABOUT_THE_PLACE = ("path", "member", "mtime_ns")


@pytest.fixture
def folder() -> Path:
    return sample_folder(Path("samples"))


def told(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in ABOUT_THE_PLACE}


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("name", MAKERS)
def test_records_are_those_of_the_unpacked_files(name: str, depth: Depth, folder: Path) -> None:
    path = Path(name)
    MAKERS[name](folder, path)
    assert is_archive(name)
    found = judge_archive(name, verifier(depth))
    records = {os.path.normpath(each.record["member"]): each for each in found}
    files = {str(file.relative_to(folder)): file for file in folder.rglob("*") if file.is_file()}
    assert set(records) == set(files)
    for way, file in files.items():
        expected = verifier(depth).verify(file).record()
        record = records[way].record
        assert record["path"] == name
        # A message names the file.
        if record["error"] is None:
            assert told(record) == told(expected), way
        assert record["decision"] == expected["decision"]
        assert records[way].skipped == (way == "README")


@pytest.mark.parametrize("name", ["gnu.tar", "pax.tar", "a.tar.gz", "stored.zip"])
def test_members_have_the_time_of_the_files(name: str, folder: Path) -> None:
    file = folder / "marked" / "tune.mp3"
    os.utime(file, ns=(0, 1_700_000_001_250_000_000))
    MAKERS[name](folder, Path(name))
    (found,) = (each for each in judged(Path(name)) if _is(each, "marked/tune.mp3"))
    exact = 1_700_000_001_250_000_000 if name == "pax.tar" else 1_700_000_001_000_000_000
    assert found.record["mtime_ns"] == exact


def _is(each: Judged, name: str) -> bool:
    return os.path.normpath(str(each.verdict.member)) == name


def test_a_decision_reads_little_of_a_plain_tar(monkeypatch: pytest.MonkeyPatch) -> None:
    long = bytes(20_000_000)
    path = tar_of(Path("a.tar"), [(f"{n}.mp3", DENIED) for n in range(50)] + [("notes.bin", long)])
    read = 0
    original = DescriptorSource.read_at

    def counting(self: DescriptorSource, offset: int, length: int) -> bytes:
        nonlocal read
        data = original(self, offset, length)
        read += len(data)
        return data

    monkeypatch.setattr(DescriptorSource, "read_at", counting)
    assert set(outline(path).values()) == {"rejected"}
    assert read < path.stat().st_size / 10


def test_the_scan_of_a_folder_looks_into_archives(folder: Path) -> None:
    MAKERS["gnu.tar"](folder, Path("shards.tar"))
    Path("corpus").mkdir()
    os.replace("shards.tar", "corpus/shards.tar")
    inside = {(v.member, v.decision) for v in scan("corpus")}
    beside = {(f"./{os.path.relpath(str(v.path), folder)}", v.decision) for v in scan(folder)}
    assert inside == beside


def test_the_bytes_of_members(folder: Path) -> None:
    MAKERS["deflated.zip"](folder, Path("a.zip"))
    for member in members("a.zip"):
        assert member.data is not None
        assert member.size == member.data.size
        assert read_exactly(member.data, 0, member.data.size) == (folder / member.name).read_bytes()
        assert member.data.read_at(member.data.size - 1, 100) == (folder / member.name).read_bytes()[-1:]


# -- what is an archive ---------------------------------------------------------------------------


def test_what_is_an_archive(folder: Path) -> None:
    MAKERS["gnu.tar"](folder, Path("a.TAR"))
    assert is_archive("a.TAR")
    os.link("a.TAR", "shard-000")
    assert not is_archive("shard-000")
    Path("song.zip").write_bytes(OPEN)
    assert not is_archive("song.zip")
    assert not is_archive("missing.tar")
    Path("folder.tar").mkdir()
    assert not is_archive("folder.tar")


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tar.zst", "a.zip", "a.parquet"])
@pytest.mark.parametrize("content", [b"", b"something else", bytes(100)])
def test_what_is_named_like_an_archive_and_is_none_is_undecided(name: str, content: bytes) -> None:
    Path(name).write_bytes(content)
    assert is_archive(name)
    (found,) = judge_archive(name, verifier())
    assert found.decision is Decision.UNDECIDED
    assert found.verdict.member is None
    assert not found.skipped
    assert found.error in (Code.SOURCE_EMPTY, Code.ARCHIVE_MALFORMED)


def test_an_archive_in_an_archive_is_undecided() -> None:
    path = tar_of(Path("a.tar"), [("inner.tar.gz", b"whatever"), ("a.mp3", OPEN), ("b.parquet", b"")])
    assert outline(path) == {
        "inner.tar.gz": "undecided archive_nested",
        "a.mp3": "unreserved",
        "b.parquet": "undecided archive_nested",
    }


# -- sidecars -------------------------------------------------------------------------------------

BESIDE = ["x/a.xmp", "x/a.mp3.xmp", "x/a.XMP", "x/a.mp3.XMP"]


@pytest.mark.parametrize("suffix", [".tar", ".tgz"])
@pytest.mark.parametrize("sidecar", BESIDE)
@pytest.mark.parametrize("is_first", [True, False])
def test_sidecars_in_a_sample(suffix: str, sidecar: str, is_first: bool) -> None:
    track, packet = ("x/a.mp3", OPEN), (sidecar, DENIAL)
    path = tar_of(Path("a" + suffix), [packet, track] if is_first else [track, packet])
    assert outline(path) == {"x/a.mp3": "rejected"}


def test_a_sidecar_of_the_key_speaks_for_every_track_of_the_sample() -> None:
    names = [
        ("k.vocals.mp3", OPEN),
        ("k.json", b"{}"),
        ("k.drums.mp3", OPEN),
        ("k.xmp", DENIAL),
        ("l.mp3", OPEN),
    ]
    expected = {"k.vocals.mp3": "rejected", "k.drums.mp3": "rejected", "l.mp3": "unreserved"}
    assert outline(tar_of(Path("a.tar"), names)) == expected
    assert outline(tar_of(Path("a.tgz"), names)) == expected


@pytest.mark.parametrize("spelt", ["x/a.xmp", "./x/a.xmp", "x//a.xmp"])
def test_a_sidecar_far_from_its_track_in_a_plain_tar(spelt: str) -> None:
    members = [("x/a.mp3", OPEN), *((f"{n}.mp3", OPEN) for n in range(9)), (spelt, DENIAL)]
    assert outline(tar_of(Path("a.tar"), members))["x/a.mp3"] == "rejected"


def test_a_sidecar_far_from_its_track_in_a_compressed_tar_is_undecided() -> None:
    found = outline(tar_of(Path("a.tgz"), [("a.mp3", OPEN), ("b.mp3", OPEN), ("a.xmp", DENIAL)]))
    assert found == {"a.mp3": "unreserved", "b.mp3": "unreserved", "a.xmp": "undecided sidecar_apart"}


def test_sidecars_in_a_zip_stand_anywhere() -> None:
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [("x/a.xmp", DENIAL), ("y/a.mp3", OPEN), ("x/a.mp3", OPEN)]:
            archive.writestr(name, data)
    assert outline(Path("a.zip")) == {"y/a.mp3": "unreserved", "x/a.mp3": "rejected"}


@pytest.mark.parametrize("suffix", [".tar", ".tgz"])
def test_a_sidecar_that_is_far_too_large_makes_its_track_undecided(suffix: str) -> None:
    path = tar_of(Path("a" + suffix), [("a.mp3", OPEN), ("a.xmp", DENIAL + bytes(300_000))])
    (found,) = judged(path)
    assert found.decision is Decision.UNDECIDED
    assert [note["code"] for note in found.record["notes"]] == ["sidecar_unreadable"]


def test_a_manifest_beside_a_track_is_read() -> None:
    path = tar_of(Path("a.tar"), [("a.mp3", OPEN), ("a.c2pa", b"no manifest")])
    assert outline(path) == {"a.mp3": "undecided"}


# -- Parquet --------------------------------------------------------------------------------------


def test_audio_in_parquet_as_hugging_face_stores_it() -> None:
    path = parquet_of(Path("a.parquet"), [("a.mp3", OPEN), ("b.mp3", DENIED), (None, DENIED)])
    assert outline(path) == {
        "audio[0]:a.mp3": "unreserved",
        "audio[1]:b.mp3": "rejected",
        "audio[2]": "rejected",
    }


@pytest.mark.parametrize("group", [1, 2, 7, 1_000])
@pytest.mark.parametrize("dictionary", [True, False])
def test_rows_are_counted_through_all_row_groups(group: int, dictionary: bool) -> None:
    rows = [(None, DENIED if n % 3 else OPEN) for n in range(20)]
    path = parquet_of(Path("a.parquet"), rows, row_group_size=group, use_dictionary=dictionary)
    expected = {f"audio[{n}]": "rejected" if n % 3 else "unreserved" for n in range(20)}
    assert outline(path) == expected


def test_binary_columns_and_what_is_nested_in_parquet() -> None:
    takes = pa.list_(pa.struct([("bytes", pa.large_binary()), ("path", pa.string())]))
    table = pa.table(
        {
            "raw": pa.array([OPEN, b"an image"], pa.large_binary()),
            "takes": pa.array([[{"bytes": DENIED, "path": "1.mp3"}], []], takes),
            "label": ["one", "two"],
        }
    )
    pq.write_table(table, "a.parquet")
    assert outline(Path("a.parquet")) == {"raw[0]": "unreserved", "takes[0][0]:1.mp3": "rejected"}


def test_what_a_column_promises_to_be_audio_and_is_none_is_undecided() -> None:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    values = [{"bytes": b"no audio", "path": None}, {"bytes": None, "path": "elsewhere.mp3"}, None]
    promise = b'{"info": {"features": {"audio": {"_type": "Audio", "sampling_rate": 16000}}}}'
    table = pa.table({"audio": pa.array(values, kind)})
    pq.write_table(table, "plain.parquet")
    pq.write_table(table.replace_schema_metadata({b"huggingface": promise}), "promised.parquet")
    elsewhere = {"audio[1]:elsewhere.mp3": "undecided source_missing"}
    assert outline(Path("plain.parquet")) == elsewhere
    assert outline(Path("promised.parquet")) == {"audio[0]": "undecided container_unknown", **elsewhere}


def test_a_parquet_file_without_bytes_in_it_holds_nothing() -> None:
    pq.write_table(pa.table({"text": ["a", "b"]}), "a.parquet")
    assert list(judge_archive("a.parquet", verifier())) == []


def test_without_arrow_parquet_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet_of(Path("a.parquet"), [("a.mp3", OPEN)])
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert outline(path) == {None: "undecided extra_missing"}


# -- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../../outside.mp3", "/etc/outside.mp3", "a\nb.mp3", "ö/ä.mp3", "x" * 5_000 + ".mp3"]
)
def test_names_are_only_told(name: str) -> None:
    before = set(Path("..").rglob("*"))
    path = tar_of(Path("a.tar"), [(name, OPEN)])
    assert outline(path) == {name: "unreserved"}
    assert set(Path("..").rglob("*")) - before == {Path("..") / "work" / "a.tar"}


def test_names_that_are_not_utf_8_are_told_reversibly() -> None:
    with tarfile.open("a.tar", "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        information = tarfile.TarInfo("gr\u00fcn.mp3")
        information.size = len(OPEN)
        archive.addfile(information, io.BytesIO(OPEN))
    (found,) = judged(Path("a.tar"))
    assert found.record["member"] == "gr\\xfcn.mp3"
