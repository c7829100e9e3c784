"""Tar files, plain, gzip or zstd; WebDataset shards are such."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import BinaryIO, Final

from noai.corpus.archives._tar_headers import BLOCK, Entry, EntryKind, TarHeaders, is_header
from noai.corpus.archives.inflating import Compression, Forward, InflatedForward, PlainForward, compressed
from noai.corpus.archives.interface import Member, Sample, Slice
from noai.corpus.archives.samples import (
    SidecarIndex,
    expects_audio,
    is_nested,
    is_sidecar,
    key_of,
    sample_key,
)
from noai.errors import ArchiveError, ArchiveMalformed, ArchiveNested, LimitExceeded, NoaiError, SidecarApart
from noai.limits import ARCHIVE_HELD_BYTES, ARCHIVE_SAMPLE_MEMBERS
from noai.sources import ByteSource, BytesSource, DescriptorSource, chunks

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class _Piece:
    """One entry, with its bytes and their padding where they cannot be read again."""

    entry: Entry
    held: bytes | None = None
    error: NoaiError | None = None
    #: Whether it stands within a sample and is none of it.
    is_apart: bool = False


@dataclass(frozen=True)
class TarSample(Sample):
    """Members of one key with what WebDataset passes over between them, or one thing that is no member."""

    pieces: tuple[_Piece, ...] = ()

    def without(self, positions: AbstractSet[int]) -> TarSample:
        files = [piece for piece in self.pieces if piece.entry.kind is EntryKind.FILE]
        gone = {files[position].entry.start for position in positions}
        # Folders and records of pax stay where they are: they count for what follows.
        return TarSample((), tuple(piece for piece in self.pieces if piece.entry.start not in gone))


class TarKind:
    """Tar files that are compressed in one way, or not at all."""

    def __init__(self, suffixes: tuple[str, ...], magic: bytes, compression: Compression | None) -> None:
        self.suffixes = suffixes
        self._magic = magic
        self._compression = compression

    def recognises(self, head: bytes) -> bool:
        return head.startswith(self._magic) if self._magic else is_header(head)

    def open(self, source: DescriptorSource) -> TarArchive:
        return TarArchive(source, self._compression)


PLAIN: Final = TarKind((".tar",), b"", None)
GZIPPED: Final = TarKind((".tar.gz", ".tgz"), _GZIP, Compression.GZIP)
ZSTANDARD: Final = TarKind((".tar.zst", ".tzst"), _ZSTD, Compression.ZSTD)


class TarArchive:
    """One tar file. Members of a plain one are slices; of a compressed one each sample is held in memory."""

    def __init__(self, source: DescriptorSource, compression: Compression | None) -> None:
        self._source = source
        self._compression = compression
        self._reader: Forward = (
            PlainForward(source) if compression is None else InflatedForward(source, compression)
        )
        self._headers = TarHeaders(self._reader)
        self._held = 0

    def samples(self) -> Iterator[TarSample]:
        index = self._all_sidecars() if self._compression is None else None
        pieces: list[_Piece] = []
        key: str | None = None
        over: NoaiError | None = None
        failure: NoaiError | None = None
        try:
            for entry in self._headers.entries():
                new = _key(entry) if key is None or _seen_key(entry) else _joining(entry, key)
                if new is None:
                    # It ends no sample.
                    if pieces and not self._has_room(pieces, entry):
                        yield self._sample(pieces, index, over)
                        pieces, self._held, over = [], 0, _too_many(key)
                elif new != key:
                    tail = _tail(pieces, new)
                    pieces = pieces[: len(pieces) - len(tail)]
                    if pieces:
                        yield self._sample(pieces, index, over)
                    pieces, key, over = tail, new, None
                    self._held = sum(len(piece.held or b"") for piece in pieces)
                elif len(pieces) >= ARCHIVE_SAMPLE_MEMBERS:
                    over = _too_many(key)
                    yield self._sample(pieces, index, over)
                    pieces, self._held = [], 0
                pieces.append(replace(self._piece(entry), is_apart=new is None))
                if len(pieces) == 1 and new is None:
                    yield self._sample(pieces, index, over)
                    pieces, self._held = [], 0
        except NoaiError as error:
            failure = error
        if pieces:
            yield self._sample(pieces, index, over)
        if failure is not None:
            raise failure

    def copier(self, out: BinaryIO) -> TarCopier:
        return TarCopier(self._source, self._headers, out, self._compression)

    def _all_sidecars(self) -> SidecarIndex:
        """Of the whole archive: a track may stand far from what speaks for it."""
        index = SidecarIndex()
        entries = TarHeaders(PlainForward(self._source)).entries()
        while True:
            try:
                entry = next(entries, None)
            except (ArchiveMalformed, LimitExceeded):
                return index  # reading the members meets the same
            if entry is None:
                return index
            if entry.kind is EntryKind.FILE and is_sidecar(entry.name):
                # Kept for all of them: where the bytes are, and nothing else.
                place = Slice(self._source, entry.data, entry.size)
                index.add(entry.name, partial(_read, place, entry.error))

    def _has_room(self, pieces: list[_Piece], entry: Entry) -> bool:
        held = self._compression is None or self._held + entry.end - entry.data <= ARCHIVE_HELD_BYTES
        return held and len(pieces) < ARCHIVE_SAMPLE_MEMBERS

    def _piece(self, entry: Entry) -> _Piece:
        if self._compression is None:
            if entry.end > self._source.size:
                raise ArchiveMalformed(f"cut off in {entry.name!r}, which needs {entry.size} bytes")
            return _Piece(entry, error=entry.error)
        length = entry.end - entry.data
        if self._held + length > ARCHIVE_HELD_BYTES:
            self._reader.skip_to(entry.end)
            if self._reader.position < entry.end:
                raise ArchiveMalformed(f"cut off in {entry.name!r}, which needs {entry.size} bytes")
            error = LimitExceeded(
                f"{entry.name}: with its sample it inflates to more than {ARCHIVE_HELD_BYTES} bytes"
            )
            return _Piece(entry, error=entry.error or error)
        held = self._reader.read(length)
        if len(held) < length:
            raise ArchiveMalformed(f"cut off in {entry.name!r}, which needs {entry.size} bytes")
        self._held += length
        return _Piece(entry, held, entry.error)

    def _sample(self, pieces: list[_Piece], index: SidecarIndex | None, over: NoaiError | None) -> TarSample:
        """One sample; none of its own members can be read if it goes ``over`` a limit."""
        if over is not None:
            pieces = [each if each.is_apart else replace(each, error=each.error or over) for each in pieces]
        of_it = [piece for piece in pieces if not piece.is_apart]
        alone = index is None and all(is_sidecar(piece.entry.name) for piece in of_it)
        apart = index is None
        if index is None:
            index = SidecarIndex()
            for piece in pieces:
                if is_sidecar(piece.entry.name):
                    place = _bytes(piece, self._source)
                    index.add(piece.entry.name, partial(_read, place, piece.error))
        members = (
            self._member(piece, index, apart and is_sidecar(piece.entry.name) if piece.is_apart else alone)
            for piece in pieces
            if piece.entry.kind is EntryKind.FILE
        )
        return TarSample(tuple(members), tuple(pieces))

    def _member(self, piece: _Piece, index: SidecarIndex, alone: bool) -> Member:
        entry, error = piece.entry, piece.error
        member = Member(
            entry.name,
            entry.size,
            entry.mtime_ns,
            expects_audio=expects_audio(entry.name),
            is_apart=piece.is_apart,
        )
        if error is None and alone:
            error = SidecarApart(f"{entry.name}: stands apart from its track, which was judged without it")
        if error is None and is_nested(entry.name):
            error = ArchiveNested(f"{entry.name}: is an archive inside an archive, which is not opened")
        if error is not None:
            return replace(member, error=error)
        return replace(member, data=_bytes(piece, self._source), sidecars=index.of(entry.name))


def _seen_key(entry: Entry) -> str | None:
    return sample_key(entry.name) if entry.kind is EntryKind.FILE else None


def _key(entry: Entry) -> str | None:
    """Of a file that WebDataset passes over, the name by which its sidecars are found."""
    if entry.kind is not EntryKind.FILE:
        return None
    return sample_key(entry.name) or key_of(entry.name)


def _joining(entry: Entry, key: str) -> str | None:
    """``key``, if what WebDataset passes over is named like the sample all the same."""
    return key if _key(entry) == key else None


def _tail(pieces: list[_Piece], key: str) -> list[_Piece]:
    """What stands behind the last member of a sample, if a file in it is named like the one that follows."""
    count = 0
    while count < len(pieces) and pieces[-1 - count].is_apart:
        count += 1
    tail = pieces[len(pieces) - count :]
    if not any(_key(piece.entry) == key for piece in tail):
        return []
    return [replace(piece, is_apart=_key(piece.entry) != key) for piece in tail]


def _too_many(key: str | None) -> LimitExceeded:
    return LimitExceeded(
        f"the sample {key!r} is longer than {ARCHIVE_SAMPLE_MEMBERS} members, or too far apart"
    )


def _bytes(piece: _Piece, source: ByteSource) -> ByteSource:
    entry = piece.entry
    if piece.held is not None:
        return BytesSource(memoryview(piece.held)[: entry.size])
    return Slice(source, entry.data, entry.size)


def _read(data: ByteSource, error: NoaiError | None, length: int) -> bytes:
    if error is not None:
        raise error
    return data.read_at(0, length)


class TarCopier:
    """Copies entries block by block, headers and padding with them; what is compressed is compressed anew."""

    def __init__(
        self, source: DescriptorSource, headers: TarHeaders, out: BinaryIO, compression: Compression | None
    ) -> None:
        self._source = source
        self._headers = headers
        self._plain = compression is None
        self._out: BinaryIO = out
        self._finish: Callable[[], object] = _nothing
        if compression is not None:
            self._out, self._finish = compressed(out, compression)
        #: A stretch of the original that is still to be copied.
        self._start = self._end = 0

    def keep(self, sample: Sample) -> None:
        assert isinstance(sample, TarSample)
        for piece in sample.pieces:
            entry = piece.entry
            if self._plain:
                self._copy(entry.start, entry.end)
            elif piece.held is None:
                raise ArchiveError(f"{entry.name}: was too large to be held, and cannot be copied")
            else:
                self._out.write(entry.head)
                self._out.write(piece.held)

    def close(self) -> None:
        end, tail = self._headers.end, self._headers.tail
        if self._plain and end is not None:
            self._copy(end, end + tail)
        self._flush()
        if end is None:
            self._out.write(bytes(2 * BLOCK))
        elif not self._plain:
            for length in _in_blocks(tail):
                self._out.write(bytes(length))
        self._finish()
        self._finish = _nothing

    def discard(self) -> None:
        # An open stream would write to the file when it is collected.
        with suppress(OSError, ValueError):
            self._finish()

    def _copy(self, start: int, end: int) -> None:
        if start != self._end:
            self._flush()
            self._start = start
        self._end = end

    def _flush(self) -> None:
        for block in chunks(self._source, self._start, self._end):
            self._out.write(block)
        self._start = self._end


def _in_blocks(length: int) -> Iterator[int]:
    while length > 0:
        yield min(length, 64 * BLOCK)
        length -= 64 * BLOCK


def _nothing() -> None:
    """There is nothing to finish."""
