"""Archives that lie, bomb or end too early: bounded, never written anywhere, and nothing silently missing."""

from __future__ import annotations

import gzip
import io
import os
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noai import limits
from noai.corpus.archives import _parquet_pages, _tar_headers, inflating, judge_archive, samples, tar, zip
from tests.audio import run
from tests.corpus.archive_files import DENIAL, DENIED, OPEN, judged, outline, parquet_of, tar_of, verifier

MEMBERS = [("a.mp3", DENIED), ("b.mp3", OPEN), ("c.mp3", OPEN)]
COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "a.tar": lambda data: data,
    "a.tgz": lambda data: gzip.compress(data, 1),
    "a.tar.zst": lambda data: zstandard.ZstdCompressor(1).compress(data),
}


def plain(members: list[tuple[str, bytes]], **options: Any) -> bytes:
    return tar_of(Path("plain.tar"), members, **options).read_bytes()


def header(name: bytes, size: int = 0, kind: bytes = b"0", field: bytes | None = None) -> bytes:
    """One block of a ustar header, with a checksum that holds."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124:136] = b"%011o\0" % size if field is None else field
    block[136:148] = b"%011o\0" % 0
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


END = bytes(1024)
TRACK = header(b"a.mp3", len(DENIED)) + padded(DENIED)


# -- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMPRESSED)
@pytest.mark.parametrize("where", ["header", "data", "boundary", "before the end"])
def test_of_a_truncated_tar_what_was_read_counts(name: str, where: str) -> None:
    data = plain(MEMBERS)
    second = 512 + len(padded(DENIED))
    end = second + 2 * (512 + len(padded(OPEN)))
    cut = {"header": second + 100, "data": second + 5_000, "boundary": second, "before the end": end}[where]
    Path(name).write_bytes(COMPRESSED[name](data[:cut]))
    found = outline(Path(name))
    assert found.pop("a.mp3") == "rejected"
    assert found.pop(None) == "undecided archive_malformed"
    assert found == ({"b.mp3": "unreserved", "c.mp3": "unreserved"} if where == "before the end" else {})


@pytest.mark.parametrize("name", ["a.tgz", "a.tar.zst"])
def test_a_truncated_compressed_stream_is_undecided(name: str) -> None:
    data = COMPRESSED[name](plain([("a.mp3", random.Random(1).randbytes(400_000)), ("b.mp3", OPEN)]))
    Path(name).write_bytes(data[: len(data) // 2])
    assert outline(Path(name))[None] == "undecided archive_malformed"


def test_what_follows_the_end_of_a_tar_is_not_passed_over() -> None:
    Path("a.tar").write_bytes(plain(MEMBERS[1:2]) + plain(MEMBERS[:1]))
    assert outline(Path("a.tar")) == {"b.mp3": "unreserved", None: "undecided archive_malformed"}


def test_zeros_behind_the_end_are_nothing() -> None:
    Path("a.tar").write_bytes(TRACK + END + bytes(100_000))
    assert outline(Path("a.tar")) == {"a.mp3": "rejected"}


@pytest.mark.parametrize("at", [0, 100, 124, 148, 156, 300])
def test_a_damaged_header_ends_what_is_read(at: int) -> None:
    data = bytearray(plain(MEMBERS))
    data[512 + len(padded(DENIED)) + at] ^= 0x01
    Path("a.tar").write_bytes(data)
    assert outline(Path("a.tar")) == {"a.mp3": "rejected", None: "undecided archive_malformed"}


@pytest.mark.parametrize("keep", [30, 1_000, 90_000])
def test_a_truncated_zip_is_undecided(keep: int) -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        for name, data in MEMBERS:
            archive.writestr(name, data)
    os.truncate("a.zip", keep)
    assert outline(Path("a.zip")) == {None: "undecided archive_malformed"}


@pytest.mark.parametrize("keep", [10, 1_000, 90_000])
def test_a_truncated_parquet_file_is_undecided(keep: int) -> None:
    path = parquet_of(Path("a.parquet"), MEMBERS)
    os.truncate(path, keep)
    assert outline(path) == {None: "undecided archive_malformed"}


def test_damaged_pages_of_parquet_are_undecided() -> None:
    path = parquet_of(Path("a.parquet"), [("a.mp3", DENIED)] * 4, row_group_size=2, compression="zstd")
    described = pq.ParquetFile(path).metadata.row_group(1).column(0)
    at = min(filter(None, (described.dictionary_page_offset, described.data_page_offset)))
    data = bytearray(path.read_bytes())
    data[at : at + 40] = b"\xff" * 40
    path.write_bytes(data)
    found = outline(path)
    assert found.pop(None) == "undecided archive_malformed"
    assert found == {"audio[0]:a.mp3": "rejected", "audio[1]:a.mp3": "rejected"}


def test_checksums_of_parquet_pages_are_compared() -> None:
    path = parquet_of(Path("a.parquet"), MEMBERS, write_page_checksum=True, compression="none")
    data = bytearray(path.read_bytes())
    data[data.index(DENIED) + len(DENIED) // 2] ^= 1
    path.write_bytes(data)
    assert outline(path) == {None: "undecided archive_malformed"}


def test_an_archive_that_changes_meanwhile_is_undecided() -> None:
    path = tar_of(Path("a.tar"), MEMBERS)
    found = judge_archive("a.tar", verifier())
    first = next(found)
    with path.open("ab") as file:
        file.write(bytes(512))
    rest = list(found)
    assert first.verdict.member == "a.mp3"
    assert rest[-1].error == "source_changed"
    assert rest[-1].verdict.member is None


# -- tar: what its headers can say ----------------------------------------------------------------


@pytest.mark.parametrize(
    "size",
    [b"\xff" * 12, b"99999999999\0", b"-0000000001\0", b"0000 000010\0", b"0o000000010\0", b"00_00000010\0"],
)
def test_sizes_that_readers_take_differently_end_what_is_read(size: bytes) -> None:
    Path("a.tar").write_bytes(TRACK + header(b"b.mp3", field=size) + END)
    assert outline(Path("a.tar")) == {"a.mp3": "rejected", None: "undecided archive_malformed"}


def test_a_size_beyond_the_file_is_no_reason_to_read_it() -> None:
    huge = b"\x80" + (2**62).to_bytes(11, "big")
    for name, compress in COMPRESSED.items():
        Path(name).write_bytes(compress(TRACK + header(b"b.mp3", field=huge) + END))
        assert outline(Path(name)) == {"a.mp3": "rejected", None: "undecided archive_malformed"}


@pytest.mark.parametrize(
    "record",
    [
        b"11 size=12x\n",
        b"9 size=\n",
        b"99 path=a\n",
        b"0 path=a\n",
        b"12 path=a.mp3",
        b"12 path_a.mp3\n",
        b"13 path=a\0.mp\n",
    ],
)
def test_pax_records_that_are_none_end_what_is_read(record: bytes) -> None:
    extension = header(b"x", len(record), b"x") + padded(record)
    Path("a.tar").write_bytes(TRACK + extension + header(b"b.mp3") + END)
    assert outline(Path("a.tar")) == {"a.mp3": "rejected", None: "undecided archive_malformed"}


def test_the_size_of_a_pax_record_counts() -> None:
    record = b"%d size=%d\n" % (len(b"14 size=%d\n" % len(DENIED)), len(DENIED))
    data = header(b"x", len(record), b"x") + padded(record) + header(b"b.mp3", 0) + padded(DENIED) + END
    Path("a.tar").write_bytes(data)
    assert outline(Path("a.tar")) == {"b.mp3": "rejected"}
    assert run("tar", "-xOf", "a.tar") == DENIED


def test_global_pax_records_count_for_all_that_follows() -> None:
    record = b"%d path=c.mp3\n" % 14
    Path("a.tar").write_bytes(header(b"g", len(record), b"g") + padded(record) + TRACK + END)
    assert outline(Path("a.tar")) == {"c.mp3": "rejected"}


def test_endless_extension_headers_are_a_limit() -> None:
    extension = header(b"x", 12, b"x") + padded(b"12 path=a.b\n")
    Path("a.tar").write_bytes(TRACK + 10_000 * extension + TRACK + END)
    assert outline(Path("a.tar")) == {"a.mp3": "rejected", None: "undecided limit_exceeded"}


@pytest.mark.parametrize("kind", [b"x", b"L", b"K", b"g"])
def test_a_huge_extension_header_is_a_limit(kind: bytes) -> None:
    huge = header(b"x", 2**33, kind)
    Path("a.tar").write_bytes(TRACK + huge + bytes(1_000_000) + END)
    assert outline(Path("a.tar")) == {"a.mp3": "rejected", None: "undecided limit_exceeded"}


@pytest.mark.parametrize("format_", ["gnu", "pax"])
def test_sparse_members_are_undecided_and_what_follows_is_read(format_: str) -> None:
    with open("a.wav", "wb") as file:
        for position in range(60):  # more stretches than one header has room for
            file.seek(position * 1_000_000)
            file.write(b"x")
    Path("b.mp3").write_bytes(DENIED)
    run("tar", "--sparse", f"--format={format_}", "-cf", "a.tar", "a.wav", "b.mp3")
    assert outline(Path("a.tar")) == {"a.wav": "undecided member_unsupported", "b.mp3": "rejected"}


@pytest.mark.parametrize("kind", [b"1", b"2", b"3", b"4", b"6"])
def test_links_and_devices_are_undecided_if_they_are_named_like_audio(kind: bytes) -> None:
    Path("a.tar").write_bytes(header(b"b.mp3", 0, kind) + header(b"c.txt", 0, kind) + TRACK + END)
    assert outline(Path("a.tar")) == {"b.mp3": "undecided source_not_a_file", "a.mp3": "rejected"}


@pytest.mark.parametrize("kind", [b"1", b"2", b"5", b"6"])
def test_bytes_of_what_is_no_file_end_what_is_read(kind: bytes) -> None:
    """Some readers skip them, and some take them for the next header."""
    Path("a.tar").write_bytes(TRACK + header(b"b.txt", len(TRACK), kind) + TRACK + END)
    assert outline(Path("a.tar")) == {"a.mp3": "rejected", None: "undecided archive_malformed"}


@pytest.mark.parametrize("kind", [b"0", b"\0"])
def test_bytes_of_what_is_a_folder_by_its_slash_end_what_is_read(kind: bytes) -> None:
    Path("a.tar").write_bytes(header(b"x/", len(TRACK), kind) + TRACK + END)
    assert outline(Path("a.tar")) == {None: "undecided archive_malformed"}


@pytest.mark.parametrize("kind", [b"A", b"D", b"E", b"V"])
def test_labels_with_bytes_are_files(kind: bytes) -> None:
    Path("a.tar").write_bytes(header(b"a.mp3", len(DENIED), kind) + padded(DENIED) + END)
    assert outline(Path("a.tar")) == {"a.mp3": "rejected"}


@pytest.mark.parametrize(
    "kind", [pa.binary_view(), pa.list_(pa.binary_view()), pa.list_(pa.uint8()), pa.list_(pa.int8())]
)
def test_bytes_of_any_type_in_parquet_are_read(kind: pa.DataType) -> None:
    value: Any = DENIED
    if pa.types.is_list(kind):
        signed = [each - 256 if each > 127 and kind.value_type == pa.int8() else each for each in DENIED]
        value = signed if pa.types.is_integer(kind.value_type) else [DENIED]
    pq.write_table(pa.table({"audio": pa.array([value], kind)}), "a.parquet")
    assert list(outline(Path("a.parquet")).values()) == ["rejected"]


def test_members_of_unknown_kinds_are_files() -> None:
    data = (
        header(b"b.mp3", len(DENIED), b"Q")
        + padded(DENIED)
        + header(b"c.mp3", len(OPEN), b"7")
        + padded(OPEN)
    )
    Path("a.tar").write_bytes(data + END)
    assert outline(Path("a.tar")) == {"b.mp3": "rejected", "c.mp3": "unreserved"}
    with tarfile.open("a.tar") as archive:
        assert archive.getnames() == ["b.mp3", "c.mp3"]


def test_too_many_members_are_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_tar_headers, "ARCHIVE_MEMBERS", 2)
    assert outline(tar_of(Path("a.tar"), MEMBERS)) == {
        "a.mp3": "rejected",
        "b.mp3": "unreserved",
        None: "undecided limit_exceeded",
    }


def test_too_many_sidecars_are_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "ARCHIVE_SIDECARS", 1)
    path = tar_of(Path("a.tar"), [("a.xmp", DENIAL), ("b.xmp", DENIAL), ("c.mp3", OPEN)])
    assert outline(path) == {None: "undecided limit_exceeded"}


# -- bombs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.tgz", "a.tar.zst"])
def test_a_member_that_inflates_beyond_the_limit_is_undecided(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tar, "ARCHIVE_HELD_BYTES", 1_000_000)
    data = plain([("a.mp3", DENIED), ("bomb.wav", bytes(5_000_000)), ("c.mp3", OPEN)])
    Path(name).write_bytes(COMPRESSED[name](data))
    assert outline(Path(name)) == {
        "a.mp3": "rejected",
        "bomb.wav": "undecided limit_exceeded",
        "c.mp3": "unreserved",
    }


@pytest.mark.parametrize("name", ["a.tgz", "a.tar.zst"])
def test_an_archive_that_inflates_to_far_more_than_any_honest_one_is_a_limit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflating, "ARCHIVE_INFLATED_BYTES", 1_000_000)
    data = plain([("a.mp3", OPEN), ("bomb.bin", bytes(80_000_000))])
    Path(name).write_bytes(COMPRESSED[name](data))
    assert outline(Path(name)) == {"a.mp3": "unreserved", None: "undecided limit_exceeded"}


def test_a_zip_bomb_is_not_inflated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip, "ARCHIVE_HELD_BYTES", 1_000_000)
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.wav", bytes(20_000_000))
        archive.writestr("a.mp3", OPEN)
    assert outline(Path("a.zip")) == {"bomb.wav": "undecided limit_exceeded", "a.mp3": "unreserved"}


def test_a_zip_member_that_inflates_to_more_than_it_says_is_undecided() -> None:
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packed.compress(bytes(20_000_000)) + packed.flush()
    Path("a.zip").write_bytes(zip_of([(b"bomb.wav", 8, 0, body, 1_000, 0)]))
    assert outline(Path("a.zip")) == {"bomb.wav": "undecided archive_malformed"}


def test_one_value_in_every_row_of_parquet_is_held_a_few_times_at_most() -> None:
    """A dictionary stores it once: 400 rows of 2 MB in a file of 100 KB."""
    value = OPEN + bytes(2_000_000)
    table = pa.table({"audio": pa.array([value], pa.binary()).take(pa.array([0] * 400))})
    pq.write_table(
        table, "a.parquet", use_dictionary=True, dictionary_pagesize_limit=2**26, compression="zstd"
    )
    del table
    assert os.path.getsize("a.parquet") < 200_000
    before = pa.total_allocated_bytes()
    highest = 0
    for each in judge_archive("a.parquet", verifier()):
        assert each.verdict.report.size == len(value)
        highest = max(highest, pa.total_allocated_bytes() - before)
    assert highest < 2 * limits.PARQUET_BATCH_BYTES


# -- zip: what its directory can say --------------------------------------------------------------

Entry = tuple[bytes, int, int, bytes, int, int]


def local(entry: Entry, **changed: int) -> bytes:
    name, method, flags, body, size, crc = entry
    packed = changed.get("packed", len(body))
    return (
        struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, flags, method, 0, 0, crc, packed, size, len(name), 0)
        + name
        + body
    )


def central(entry: Entry, offset: int) -> bytes:
    name, method, flags, body, size, crc = entry
    fields = (20, 20, flags, method, 0, 0, crc, len(body), size, len(name), 0, 0, 0, 0, 0, offset)
    return struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *fields) + name


def end(count: int, size: int, start: int, comment: bytes = b"") -> bytes:
    return struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, size, start, len(comment)) + comment


def zip_of(entries: list[Entry]) -> bytes:
    body, directory = b"", b""
    for entry in entries:
        directory += central(entry, len(body))
        body += local(entry)
    return body + directory + end(len(entries), len(directory), len(body))


def stored(name: bytes, data: bytes, flags: int = 0) -> Entry:
    return (name, 0, flags, data, len(data), zlib.crc32(data))


def test_the_bytes_made_by_hand_are_a_zip() -> None:
    Path("a.zip").write_bytes(zip_of([stored(b"a.mp3", DENIED), stored(b"b.mp3", OPEN)]))
    assert outline(Path("a.zip")) == {"a.mp3": "rejected", "b.mp3": "unreserved"}
    with zipfile.ZipFile("a.zip") as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize("flags", [0x01, 0x41, 0x2000])
def test_encrypted_members_are_undecided(flags: int) -> None:
    Path("a.zip").write_bytes(zip_of([stored(b"a.txt", DENIED, flags), stored(b"b.mp3", OPEN)]))
    assert outline(Path("a.zip")) == {"a.txt": "undecided member_unsupported", "b.mp3": "unreserved"}


def test_members_that_a_real_tool_encrypted_are_undecided() -> None:
    Path("a.mp3").write_bytes(DENIED)
    run("zip", "-q", "-P", "secret", "a.zip", "a.mp3")
    assert outline(Path("a.zip")) == {"a.mp3": "undecided member_unsupported"}


def test_compression_that_is_not_read_is_undecided() -> None:
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.mp3", DENIED)
    assert outline(Path("a.zip")) == {"a.mp3": "undecided member_unsupported"}


def test_links_in_a_zip_are_no_files() -> None:
    os.symlink("elsewhere", "a.mp3")
    run("zip", "-q", "--symlinks", "a.zip", "a.mp3")
    assert outline(Path("a.zip")) == {"a.mp3": "undecided source_not_a_file"}


def test_overlapping_members_are_undecided() -> None:
    """Of the bombs that inflate one piece of data a thousand times."""
    inner = local(stored(b"b.mp3", OPEN))
    outer = stored(b"a.mp3", inner)
    at = len(local(outer)) - len(inner)
    directory = central(outer, 0) + central(stored(b"b.mp3", OPEN), at)
    body = local(outer)
    Path("a.zip").write_bytes(body + directory + end(2, len(directory), len(body)))
    assert outline(Path("a.zip")) == {"a.mp3": "undecided archive_malformed", "b.mp3": "unreserved"}
    Path("b.zip").write_bytes(body + 2 * central(outer, 0) + end(2, 2 * len(central(outer, 0)), len(body)))
    assert outline(Path("b.zip")) == {None: "undecided archive_malformed"}


def test_two_names_for_one_member_make_it_undecided() -> None:
    data = zip_of([stored(b"a.mp3", DENIED)])
    Path("a.zip").write_bytes(data.replace(b"a.mp3", b"a.txt", 1))
    assert outline(Path("a.zip")) == {"a.mp3": "undecided archive_malformed"}


def test_two_sizes_for_one_member_make_it_undecided() -> None:
    entry = stored(b"a.mp3", DENIED)
    body, directory = local(entry, packed=len(DENIED) - 1), central(entry, 0)
    Path("a.zip").write_bytes(body + directory + end(1, len(directory), len(body)))
    assert outline(Path("a.zip")) == {"a.mp3": "undecided archive_malformed"}


def test_two_directories_are_undecided() -> None:
    """Readers differ about which of them counts."""
    hidden = zip_of([stored(b"b.mp3", OPEN)])
    first = zip_of([stored(b"a.mp3", DENIED)])
    comment = hidden
    Path("a.zip").write_bytes(first[:-2] + struct.pack("<H", len(comment)) + comment)
    assert outline(Path("a.zip")) == {None: "undecided archive_malformed"}


def test_a_directory_that_counts_wrong_is_undecided() -> None:
    entry = stored(b"a.mp3", DENIED)
    body, directory = local(entry), central(entry, 0)
    Path("a.zip").write_bytes(body + directory + end(2, len(directory), len(body)))
    assert outline(Path("a.zip")) == {None: "undecided archive_malformed"}


def test_a_wrong_checksum_of_inflated_bytes_is_damage() -> None:
    with zipfile.ZipFile("a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.mp3", DENIED)
    data = bytearray(Path("a.zip").read_bytes())
    data[-22 - len(b"a.mp3") - 46 + 16] ^= 1  # of the directory
    Path("a.zip").write_bytes(data)
    assert outline(Path("a.zip")) == {"a.mp3": "undecided archive_malformed"}


def test_members_written_to_a_pipe_have_their_sizes_behind_them() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation

        def tell(self) -> int:
            raise io.UnsupportedOperation

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.mp3", DENIED)
        archive.writestr("b.mp3", OPEN, zipfile.ZIP_STORED)
    Path("a.zip").write_bytes(pipe.getvalue())
    assert outline(Path("a.zip")) == {"a.mp3": "rejected", "b.mp3": "unreserved"}


def test_large_members_and_what_stands_in_front_of_an_archive() -> None:
    with zipfile.ZipFile("inner.zip", "w") as archive, archive.open("a.mp3", "w", force_zip64=True) as file:
        file.write(DENIED)
    Path("a.zip").write_bytes(Path("inner.zip").read_bytes())
    assert outline(Path("a.zip")) == {"a.mp3": "rejected"}
    Path("b.zip").write_bytes(b"PK\x03\x04 a program that unpacks itself" + Path("inner.zip").read_bytes())
    assert outline(Path("b.zip")) == {"a.mp3": "rejected"}


# -- anything at all ------------------------------------------------------------------------------


def seeds() -> dict[str, bytes]:
    found = {
        name: compress(plain(MEMBERS, format=tarfile.PAX_FORMAT)) for name, compress in COMPRESSED.items()
    }
    found["a.zip"] = zip_of([stored(name.encode(), data) for name, data in MEMBERS])
    found["a.parquet"] = parquet_of(
        Path("seed.parquet"), [(name, data[:2_000]) for name, data in MEMBERS]
    ).read_bytes()
    return found


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize("name", [*COMPRESSED, "a.zip", "a.parquet"])
def test_no_damage_makes_more_than_verdicts(name: str, data: st.DataObject, tmp_path: Path) -> None:
    damaged = bytearray(_seeds()[name])
    for _ in range(data.draw(st.integers(1, 6))):
        # Structure stands at the edges of members; a third of the damage goes there.
        at = data.draw(
            st.one_of(
                st.integers(0, len(damaged) - 1),
                st.integers(0, 600),
                st.integers(1, 400).map(lambda n: len(damaged) - n),
            )
        )
        damaged[min(at, len(damaged) - 1)] = data.draw(st.integers(0, 255))
    path = tmp_path / name
    path.write_bytes(damaged)
    for each in judge_archive(str(path), verifier()):
        assert each.error != "internal_error", each.record
        assert not each.admitted or each.verdict.member is not None


_SEEDS: dict[str, bytes] = {}


def _seeds() -> dict[str, bytes]:
    if not _SEEDS:
        _SEEDS.update(seeds())
    return _SEEDS


def test_a_bug_at_one_member_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    path = tar_of(Path("a.tar"), MEMBERS)
    checking = verifier()
    original = type(checking).examine

    def failing(self: object, data: Any, **more: Any) -> Any:
        if more["member"] == "b.mp3":
            raise ZeroDivisionError("a bug")
        return original(checking, data, **more)

    monkeypatch.setattr(type(checking), "examine", failing)
    assert outline(path) == {"a.mp3": "rejected", "b.mp3": "undecided internal_error", "c.mp3": "unreserved"}
    assert all(not each.admitted for each in judged(path) if each.error)


# -- Parquet: what a page can promise --------------------------------------------------------------


def test_a_page_that_promises_too_much_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet_of(Path("a.parquet"), MEMBERS, compression="zstd", use_dictionary=False)
    assert "unreserved" in outline(path).values()
    monkeypatch.setattr(_parquet_pages, "ARCHIVE_HELD_BYTES", 50_000)
    assert outline(path) == {None: "undecided limit_exceeded"}


def test_many_pages_are_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    path = parquet_of(Path("a.parquet"), MEMBERS * 4, data_page_size=1, write_batch_size=1)
    assert len(outline(path)) == 12
    monkeypatch.setattr(_parquet_pages, "PARQUET_PAGES", 5)
    assert outline(path) == {None: "undecided limit_exceeded"}


@pytest.mark.parametrize(
    "header", [b"\x19" * 2_000, b"\x1c" * 2_000, b"\x1b\x01", b"\xff" * 2_000, b"\x15" + b"\xff" * 20]
)
def test_page_headers_that_are_none_are_damage(header: bytes) -> None:
    path = parquet_of(Path("a.parquet"), MEMBERS, compression="none", use_dictionary=False)
    at = pq.ParquetFile(path).metadata.row_group(0).column(0).data_page_offset
    data = bytearray(path.read_bytes())
    data[at : at + len(header)] = header
    path.write_bytes(data)
    assert outline(path) == {None: "undecided archive_malformed"}
