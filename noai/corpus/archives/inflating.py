"""Reading forward, plain or compressed: gzip and zstd, bounded by what an archive may inflate to."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any, BinaryIO, Final, Protocol

from noai.errors import ArchiveMalformed, ExtraMissing, LimitExceeded
from noai.limits import ARCHIVE_INFLATED_BYTES, ARCHIVE_INFLATION, READ_SIZE, ZSTD_WINDOW_LOG
from noai.sources import ByteSource, as_file
from noai.words import Word

_NO_ZSTD: Final = "zstd takes a package that is not installed: pip install 'noai[zstd]'"


class Compression(Word):
    """How a whole archive is compressed."""

    GZIP = "gzip"
    ZSTD = "zstd"


class Forward(Protocol):
    """Bytes from front to end."""

    @property
    def position(self) -> int:
        """How many bytes were read or skipped."""

    def read(self, length: int) -> bytes:
        """The next ``length`` bytes; fewer at the end."""

    def skip_to(self, position: int) -> None:
        """Go on at ``position``, which is not behind the current one."""


class PlainForward:
    """The bytes of a source."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.position = 0

    def read(self, length: int) -> bytes:
        data = self._source.read_at(self.position, length)
        self.position += len(data)
        return data

    def skip_to(self, position: int) -> None:
        self.position = position


class InflatedForward:
    """What the bytes of a compressed source inflate to.

    Raises:
        ArchiveMalformed: when the stream turns out to be damaged.
        LimitExceeded: when it inflates to more than any honest one.
        ExtraMissing: at once, where zstd cannot be read.
    """

    def __init__(self, source: ByteSource, compression: Compression) -> None:
        self._stream, self._errors = _opened(source, compression)
        self._limit = max(ARCHIVE_INFLATED_BYTES, ARCHIVE_INFLATION * source.size)
        self.position = 0

    def read(self, length: int) -> bytes:
        blocks, missing = [], length
        while missing:
            block = self._block(min(missing, READ_SIZE))
            if not block:
                break
            blocks.append(block)
            missing -= len(block)
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def skip_to(self, position: int) -> None:
        while self.position < position and self._block(min(position - self.position, READ_SIZE)):
            pass

    def _block(self, length: int) -> bytes:
        try:
            block = self._stream.read(length)
        except self._errors as error:
            raise ArchiveMalformed(f"the compressed stream is damaged: {error}") from None
        self.position += len(block)
        if self.position > self._limit:
            raise LimitExceeded(f"inflates to more than {self._limit} bytes")
        return block


def _opened(source: ByteSource, compression: Compression) -> tuple[BinaryIO, tuple[type[Exception], ...]]:
    """A stream of what ``source`` inflates to, and what it raises where that is damaged."""
    file = as_file(source)
    if compression is Compression.GZIP:
        return gzip.GzipFile(fileobj=file), (zlib.error, EOFError, gzip.BadGzipFile)  # type: ignore[return-value]
    try:
        zstd = import_module("compression.zstd")
    except ImportError:
        return _with_zstandard(file)
    options = {zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
    return zstd.ZstdFile(file, options=options), (zstd.ZstdError, EOFError)


def _with_zstandard(file: BinaryIO) -> tuple[BinaryIO, tuple[type[Exception], ...]]:
    zstandard = _zstandard()
    opened = zstandard.ZstdDecompressor(max_window_size=1 << ZSTD_WINDOW_LOG)
    return opened.stream_reader(file, read_across_frames=True, closefd=False), (zstandard.ZstdError,)


def compressed(out: BinaryIO, compression: Compression) -> tuple[BinaryIO, Callable[[], object]]:
    """A stream that writes into ``out`` compressed, and what finishes it.

    Raises:
        ExtraMissing: where zstd cannot be written.
    """
    if compression is Compression.GZIP:
        # Without a name and a time, so that the same samples make the same file.
        stream = gzip.GzipFile("", "wb", 6, out, 0)
        return stream, stream.close  # type: ignore[return-value]
    try:
        zstd = import_module("compression.zstd")
    except ImportError:
        writer = _zstandard().ZstdCompressor().stream_writer(out, closefd=False)
        return writer, writer.close
    file = zstd.ZstdFile(out, "w")
    return file, file.close


def _zstandard() -> Any:
    try:
        return import_module("zstandard")
    except ImportError:
        raise ExtraMissing(_NO_ZSTD) from None
