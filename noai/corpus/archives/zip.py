"""Zip files. Stored members are slices of the file; compressed ones are inflated into memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from noai.corpus.archives._zip_directory import LOCAL, ZipDirectory, ZipEntry, moved
from noai.corpus.archives._zip_end import END, pack_end
from noai.corpus.archives.interface import Member, Sample, Slice
from noai.corpus.archives.samples import SidecarIndex, expects_audio, is_nested, is_sidecar, key_of
from noai.errors import ArchiveMalformed, ArchiveNested, LimitExceeded, MemberUnsupported, NoaiError
from noai.limits import ARCHIVE_HELD_BYTES, ARCHIVE_SAMPLE_MEMBERS, KIB
from noai.sources import ByteSource, BytesSource, DescriptorSource, chunks

_STORED, _DEFLATED = 0, 8
#: Compressed bytes that are inflated at a time: a bomb is seen when it has made a thousand times as many.
_INFLATED_AT_A_TIME: Final = 16 * KIB


@dataclass(frozen=True)
class ZipSample(Sample):
    """Members of one key that follow one another in the directory."""

    entries: tuple[ZipEntry, ...] = ()


class ZipKind:
    """Zip files."""

    suffixes = (".zip",)

    def recognises(self, head: bytes) -> bool:
        return head.startswith((LOCAL, END))

    def open(self, source: DescriptorSource) -> ZipArchive:
        return ZipArchive(source)


ZIP: Final = ZipKind()


class ZipArchive:
    """One zip file, in the order of its directory."""

    def __init__(self, source: DescriptorSource) -> None:
        self._source = source
        self._directory = ZipDirectory(source)

    def samples(self) -> Iterator[ZipSample]:
        index = SidecarIndex()
        for entry in self._directory.entries(is_sidecar):
            index.add(entry.name, _reading(entry, self._source))
        entries: list[ZipEntry] = []
        for entry in self._directory.entries():
            if entries and (
                key_of(entry.name) != key_of(entries[-1].name)
                or entry.is_folder
                or len(entries) >= ARCHIVE_SAMPLE_MEMBERS
            ):
                yield from self._sample(entries, index)
                entries = []
            entries.append(entry)
        yield from self._sample(entries, index)

    def copier(self, out: BinaryIO) -> ZipCopier:
        return ZipCopier(self._source, self._directory.end.comment, out)

    def _sample(self, entries: list[ZipEntry], index: SidecarIndex) -> Iterator[ZipSample]:
        """One sample; each member as one of its own where they would not fit into memory together."""
        held = sum(entry.size for entry in entries if entry.method != _STORED)
        for each in ([entry] for entry in entries) if held > ARCHIVE_HELD_BYTES else [entries]:
            if each:
                members = (self._member(entry, index) for entry in each if not entry.is_folder)
                yield ZipSample(tuple(members), tuple(each))

    def _member(self, entry: ZipEntry, index: SidecarIndex) -> Member:
        member = Member(entry.name, entry.size, entry.mtime_ns, expects_audio=expects_audio(entry.name))
        if is_nested(entry.name) and entry.error is None:
            error = ArchiveNested(f"{entry.name}: is an archive inside an archive, which is not opened")
            return replace(member, error=error)
        try:
            data = _bytes(entry, self._source)
        except NoaiError as error:
            return replace(member, error=error)
        return replace(member, data=data, sidecars=index.of(entry.name))


def _bytes(entry: ZipEntry, source: ByteSource) -> ByteSource:
    """
    Raises:
        ArchiveError, SourceError, LimitExceeded: if they cannot be had.
    """
    if entry.error is not None:
        raise entry.error
    if entry.method == _STORED:
        if entry.compressed != entry.size:
            raise ArchiveMalformed(f"{entry.name}: two sizes are told of it")
        return Slice(source, entry.data, entry.size)
    if entry.method != _DEFLATED:
        raise MemberUnsupported(f"{entry.name}: is compressed in a way that is not read ({entry.method})")
    if entry.size > ARCHIVE_HELD_BYTES:
        raise LimitExceeded(f"{entry.name}: inflates to more than {ARCHIVE_HELD_BYTES} bytes")
    return BytesSource(_inflated(entry, source))


def _inflated(entry: ZipEntry, source: ByteSource) -> bytearray:
    inflating, data = zlib.decompressobj(-zlib.MAX_WBITS), bytearray()
    try:
        for block in chunks(source, entry.data, entry.data + entry.compressed, _INFLATED_AT_A_TIME):
            data += inflating.decompress(block)
            if len(data) > entry.size or inflating.unused_data:
                break
    except zlib.error as error:
        raise ArchiveMalformed(f"{entry.name}: its compressed bytes are damaged: {error}") from None
    if len(data) != entry.size or not inflating.eof or inflating.unused_data or zlib.crc32(data) != entry.crc:
        raise ArchiveMalformed(f"{entry.name}: its compressed bytes are damaged")
    return data


def _reading(entry: ZipEntry, source: ByteSource) -> Callable[[int], bytes]:
    def read(length: int) -> bytes:
        # Every track of a key reads it: one that is too large anyway is not inflated each time.
        if entry.size >= length:
            raise LimitExceeded(f"larger than {length - 1} bytes")
        return _bytes(entry, source).read_at(0, length)

    return read


class ZipCopier:
    """Copies members with what stands around their bytes; the directory names them at their new places."""

    def __init__(self, source: DescriptorSource, comment: bytes, out: BinaryIO) -> None:
        self._source = source
        self._comment = comment
        self._out = out
        self._records: list[bytes] = []

    def keep(self, sample: Sample) -> None:
        assert isinstance(sample, ZipSample)
        for entry in sample.entries:
            self._records.append(moved(entry.record, self._out.tell()))
            for block in chunks(self._source, entry.start, entry.end):
                self._out.write(block)

    def discard(self) -> None:
        """There is nothing to let go of."""

    def close(self) -> None:
        start, count = self._out.tell(), len(self._records)
        for record in self._records:
            self._out.write(record)
        self._out.write(pack_end(count, start, self._out.tell() - start, self._comment))
