"""Archives are written anew without what is not admitted, and what is kept stands there as it stood."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from noai.codes import Code
from noai.corpus.archives import judge_archive, tar
from noai.corpus.judging import Judged
from noai.corpus.resharding import filter_archive
from noai.errors import DestinationExists
from tests.audio import run
from tests.corpus.archive_files import (
    DENIAL,
    DENIED,
    MAKERS,
    OPEN,
    parquet_of,
    sample_folder,
    tar_of,
    verifier,
)

OUT = Path("out")


@pytest.fixture
def folder() -> Path:
    return sample_folder(Path("samples"))


def filtered(path: Path) -> tuple[Path, list[Judged]]:
    destination = OUT / path.name
    return destination, list(filter_archive(str(path), destination, verifier()))


def inflated(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix in (".gz", ".tgz"):
        return gzip.decompress(data)
    if path.suffix in (".zst", ".tzst"):
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)) as stream:
            return stream.read()
    return data


def blocks(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each member with everything that stands for it: headers, bytes and padding."""
    data = inflated(path)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        found = archive.getmembers()
    for member, following in zip(found, [*found[1:], None], strict=True):
        end = member.offset_data + -(-member.size // 512) * 512
        assert following is None or following.offset == end
        yield member.name, data[member.offset : end]


TARS = [name for name in MAKERS if "zip" not in name]


@pytest.mark.parametrize("name", TARS)
def test_kept_members_of_a_tar_are_the_same_blocks(name: str, folder: Path) -> None:
    long = folder / ("long" * 20) / ("name" * 40)
    if name != "v7.tar" and "ustar" not in name and name != "a.tzst":
        long.mkdir(parents=True)
        (long / "ö.mp3").write_bytes(OPEN)
    os.utime(folder / "unmarked" / "tune.mp3", ns=(0, 1_234_567_891_123_456_789))
    path = Path(name)
    MAKERS[name](folder, path)
    out, judged = filtered(path)
    gone = {each.verdict.member for each in judged if not each.admitted and not each.skipped}
    assert len(gone) > 10
    assert list(blocks(out)) == [block for block in blocks(path) if block[0].removesuffix("/") not in gone]
    # What ends it is as long as it was, whatever is in front.
    assert len(inflated(path)) - len(inflated(out)) == sum(
        len(data) for name, data in blocks(path) if name in gone
    )
    run("tar", "-tf", out)


@pytest.mark.parametrize(
    "name", [name for name in MAKERS if name.endswith(("r.tar", "u.tar", "x.tar", ".zip"))]
)
def test_an_archive_of_which_everything_is_kept_is_the_same(name: str, folder: Path) -> None:
    for gone in ("marked", "tampered"):
        run("rm", "-r", folder / gone)
    (folder / "broken.flac").unlink()
    path = Path(name)
    MAKERS[name](folder, path)
    out, judged = filtered(path)
    assert all(each.admitted or each.skipped for each in judged)
    assert out.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["stored.zip", "deflated.zip"])
def test_kept_members_of_a_zip_are_the_same(name: str, folder: Path) -> None:
    path = Path(name)
    MAKERS[name](folder, path)
    out, judged = filtered(path)
    gone = {each.verdict.member for each in judged if not each.admitted and not each.skipped}
    with zipfile.ZipFile(path) as before, zipfile.ZipFile(out) as after:
        assert after.testzip() is None
        kept = [member for member in before.infolist() if member.filename not in gone]
        assert [m.filename for m in after.infolist()] == [m.filename for m in kept]
        for old, new in zip(kept, after.infolist(), strict=True):
            assert raw(path, old) == raw(out, new)
            assert (old.date_time, old.external_attr, old.extra, old.CRC) == (
                new.date_time,
                new.external_attr,
                new.extra,
                new.CRC,
            )
    run("unzip", "-tq", out)


def raw(path: Path, member: zipfile.ZipInfo) -> bytes:
    """The local header of a member with its bytes."""
    data = path.read_bytes()
    names, extras = data[member.header_offset + 26], data[member.header_offset + 28]
    return data[member.header_offset : member.header_offset + 30 + names + extras + member.compress_size]


def test_large_zip_members_keep_their_records() -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        for name, data in [("gone.mp3", DENIED), ("a.mp3", OPEN)]:
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(data)
        archive.comment = b"a comment"
    out, _ = filtered(Path("a.zip"))
    with zipfile.ZipFile(out) as archive:
        assert archive.namelist() == ["a.mp3"]
        assert archive.read("a.mp3") == OPEN
        assert archive.comment == b"a comment"


# -- WebDataset -----------------------------------------------------------------------------------


def shard(path: Path) -> Path:
    members = []
    for number in range(12):
        key = f"{number:03}"
        members += [
            (f"{key}.mp3", DENIED if number % 3 == 1 else OPEN),
            (f"{key}.json", json.dumps({"n": number}).encode()),
            (f"{key}.txt", b"text"),
        ]
        if number == 5:
            members.append((f"{key}.xmp", DENIAL))
    return tar_of(path, members)


#: In a process of its own: the library leaves files open.
READ = """
import sys, pickle, webdataset
samples = [dict(sample) for sample in webdataset.WebDataset(sys.argv[1], shardshuffle=False)]
sys.stdout.buffer.write(pickle.dumps(samples))
"""


def samples_of(path: Path) -> list[dict[str, object]]:
    """What the library reads, without where it read it."""
    done = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, check=True)
    found = pickle.loads(done.stdout)  # noqa: S301  made a line above
    return [
        {key: value for key, value in sample.items() if key not in ("__url__", "__local_path__")}
        for sample in found
    ]


@pytest.mark.parametrize("name", ["shard.tar", "shard.tar.gz"])
def test_webdataset_reads_the_filtered_shard_with_the_same_samples(name: str) -> None:
    path = shard(Path(name))
    out, judged = filtered(path)
    assert len([each for each in judged if not each.skipped]) == 12
    before = {str(sample["__key__"]): sample for sample in samples_of(path)}
    expected = [sample for key, sample in before.items() if int(key) % 3 != 1 and key != "005"]
    assert len(expected) == 7
    assert samples_of(out) == expected


def test_a_sample_goes_as_a_whole() -> None:
    path = tar_of(
        Path("a.tar"),
        [("1.a.mp3", OPEN), ("1.b.mp3", DENIED), ("1.json", b"{}"), ("2.a.mp3", OPEN), ("2.json", b"{}")],
    )
    out, judged = filtered(path)
    with tarfile.open(out) as archive:
        assert archive.getnames() == ["2.a.mp3", "2.json"]
    gone = {each.verdict.member: each.record for each in judged if not each.skipped and not each.admitted}
    assert set(gone) == {"1.a.mp3", "1.b.mp3"}
    assert gone["1.a.mp3"]["decision"] == "unreserved"
    assert [reason["code"] for reason in gone["1.a.mp3"]["reasons"]][-1] == Code.SAMPLE_REJECTED


def test_blanks_behind_the_first_dot_are_part_of_no_key() -> None:
    """The rule of the library, whatever the names look like."""
    members = [("01. One.mp3", DENIED), ("01. One.jpg", b"jpg"), ("01. Other.mp3", OPEN), ("Mr. A.mp3", OPEN)]
    out, _ = filtered(tar_of(Path("a.tar"), members))
    with tarfile.open(out) as archive:
        assert archive.getnames() == ["Mr. A.mp3"]


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_what_webdataset_passes_over_ends_no_sample(name: str) -> None:
    members = [("1.mp3", DENIED), ("README", b"text"), ("1.my take.mp3", OPEN), ("2.mp3", OPEN)]
    out, _ = filtered(tar_of(Path(name), members))
    with tarfile.open(out) as archive:
        assert archive.getnames() == ["README", "2.mp3"]


def test_a_sample_past_the_limit_goes_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tar, "ARCHIVE_SAMPLE_MEMBERS", 2)
    members = [("1.mp3", OPEN), ("1.a.txt", b""), ("1.b.txt", b""), ("1.b.mp3", OPEN), ("2.mp3", OPEN)]
    out, _ = filtered(tar_of(Path("a.tar"), members))
    with tarfile.open(out) as archive:
        assert archive.getnames() == ["2.mp3"]


# -- Parquet --------------------------------------------------------------------------------------


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_rows_that_are_kept_are_the_same(compression: str) -> None:
    path = parquet_of(
        Path("a.parquet"),
        [(f"{n}.mp3", DENIED if n % 5 == 2 else OPEN) for n in range(20)],
        row_group_size=6,
        compression=compression,
    )
    table = pq.read_table(path).replace_schema_metadata({b"huggingface": b"{}", b"own": b"text"})
    pq.write_table(table, path, row_group_size=6, compression=compression)
    out, judged = filtered(path)
    assert len(judged) == 20
    kept = pq.read_table(out)
    assert kept.schema.equals(table.schema, check_metadata=True)
    assert kept.equals(table.take([n for n in range(20) if n % 5 != 2]))
    described = pq.ParquetFile(out).metadata
    assert [described.row_group(n).num_rows for n in range(described.num_row_groups)] == [5, 5, 4, 2]
    codec = {"none": "UNCOMPRESSED"}.get(compression, compression.upper())
    assert described.row_group(0).column(0).compression == codec


def test_parquet_of_which_nothing_is_kept_has_its_schema() -> None:
    path = parquet_of(Path("a.parquet"), [("a.mp3", DENIED)] * 3)
    out, _ = filtered(path)
    assert pq.read_table(out).num_rows == 0
    assert pq.read_schema(out).equals(pq.read_schema(path))


def test_parquet_without_audio_is_kept() -> None:
    table = pa.table({"text": ["a", "b"]})
    pq.write_table(table, "a.parquet")
    out, judged = filtered(Path("a.parquet"))
    assert judged == []
    assert pq.read_table(out).equals(table)


# -- what goes wrong ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.tar", "a.tgz"])
def test_of_a_damaged_shard_what_came_before_is_kept_and_the_damage_is_told(name: str) -> None:
    path = tar_of(Path(name), [("a.mp3", OPEN), ("b.mp3", DENIED), ("c.mp3", OPEN)])
    data = inflated(path)[: -len(OPEN)]
    path.write_bytes(gzip.compress(data) if name == "a.tgz" else data)
    out, judged = filtered(path)
    assert judged[-1].verdict.member is None
    assert judged[-1].error == Code.ARCHIVE_MALFORMED
    with tarfile.open(out) as archive:
        assert archive.getnames() == ["a.mp3"]
    run("tar", "-tf", out)


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.zip", "a.parquet"])
def test_of_what_cannot_be_read_at_all_nothing_is_written(name: str) -> None:
    Path(name).write_bytes(b"no archive")
    out, (only,) = filtered(Path(name))
    assert only.error == Code.ARCHIVE_MALFORMED
    assert not OUT.exists() or list(OUT.iterdir()) == []
    assert not out.exists()


def test_a_shard_that_changes_meanwhile_is_not_written() -> None:
    path = tar_of(Path("a.tar"), [("a.mp3", OPEN), ("b.mp3", OPEN)])
    found = filter_archive(str(path), OUT / "a.tar", verifier())
    next(found)
    os.utime(path)
    *_, last = found
    assert last.error == Code.SOURCE_CHANGED
    assert list(OUT.iterdir()) == []


def test_what_arrow_cannot_write_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise pa.ArrowNotImplementedError("no such type")

    path = parquet_of(Path("a.parquet"), [("a.mp3", OPEN)])
    monkeypatch.setattr(pq.ParquetWriter, "write_table", refuse)
    out, judged = filtered(path)
    assert judged[-1].verdict.member is None
    assert not judged[-1].admitted
    assert not out.exists()


def test_nothing_is_written_over() -> None:
    path = tar_of(Path("a.tar"), [("a.mp3", OPEN)])
    OUT.mkdir()
    (OUT / "a.tar").write_text("mine")
    with pytest.raises(DestinationExists):
        filtered(path)
    assert [file.read_text() for file in OUT.iterdir()] == ["mine"]


def test_whoever_stops_leaves_nothing() -> None:
    path = tar_of(Path("a.tar"), [("a.mp3", OPEN), ("b.mp3", OPEN)])
    found = filter_archive(str(path), OUT / "a.tar", verifier())
    next(found)
    assert len(list(OUT.iterdir())) == 1
    found.close()  # type: ignore[attr-defined]
    assert list(OUT.iterdir()) == []


def test_verdicts_are_those_of_judging_alone(folder: Path) -> None:
    path = Path("gnu.tar")
    MAKERS["gnu.tar"](folder, path)
    _, judged = filtered(path)
    alone = list(judge_archive(str(path), verifier()))
    # The demo track of the folder "tampered" is admitted and has no sample to go with.
    assert [each.record for each in judged] == [each.record for each in alone]
