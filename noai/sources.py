"""Random access to the bytes of a source: a path, bytes in memory, or a binary file object.

One seam, :class:`ByteSource`, so that every parser is bounded in the same way wherever the
bytes come from.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, Union, runtime_checkable

from noai import progress
from noai.errors import (
    SourceChanged,
    SourceError,
    SourceForbidden,
    SourceMissing,
    SourceNotAFile,
    UsageError,
)
from noai.limits import READ_SIZE

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: What the public functions take.
Source = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, BinaryIO]


@runtime_checkable
class ByteSource(Protocol):
    """Bytes that can be read at any offset."""

    @property
    def size(self) -> int:
        """Length in bytes."""

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``; fewer only at the end of the source.

        Raises:
            SourceError: if the bytes cannot be had.
        """


class BytesSource:
    """Bytes in memory."""

    is_shareable = True

    def __init__(self, data: bytes | bytearray | memoryview) -> None:
        self._view = memoryview(data).cast("B")
        self.size = len(self._view)

    def read_at(self, offset: int, length: int) -> bytes:
        return bytes(self._view[offset : offset + length])


class FileSource:
    """A seekable binary file object. Its position is moved by every read."""

    def __init__(self, file: BinaryIO) -> None:
        try:
            self.size = file.seek(0, io.SEEK_END)
        except (OSError, ValueError, AttributeError) as error:
            raise UsageError("a file object must be binary, readable and seekable") from error
        self._file = file

    def read_at(self, offset: int, length: int) -> bytes:
        progress.may_go_on()
        try:
            self._file.seek(offset)
            data = self._file.read(length)
        except OSError as error:
            raise SourceError(f"reading failed: {error.strerror or error}") from error
        if not isinstance(data, bytes):
            raise UsageError("a file object must be opened in binary mode")
        return data


class DescriptorSource:
    """An open regular file, read with ``pread``: no shared position, no buffering."""

    is_shareable = True

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size

    def read_at(self, offset: int, length: int) -> bytes:
        progress.may_go_on()
        try:
            data = os.pread(self._descriptor, length, offset)
            while len(data) < length and offset + len(data) < self.size:
                more = os.pread(self._descriptor, length - len(data), offset + len(data))
                if not more:
                    raise SourceChanged("the file became shorter while it was being read")
                data += more
        except OSError as error:
            raise SourceError(f"reading failed: {error.strerror or error}") from error
        return data

    def fileno(self) -> int:
        """The descriptor, as long as the source is open."""
        return self._descriptor

    def is_unchanged(self, mtime_ns: int | None) -> bool:
        """Whether the file still has the size that it was opened with, and this time of modification."""
        status = os.fstat(self._descriptor)
        return status.st_size == self.size and status.st_mtime_ns == mtime_ns

    def stretches(self) -> Iterator[tuple[int, int]]:
        """From and to of what holds data. Between lie the holes of a sparse file, which read as zeros."""
        at = 0
        while at < self.size:
            try:
                start = os.lseek(self._descriptor, at, os.SEEK_DATA)
                end = os.lseek(self._descriptor, start, os.SEEK_HOLE)
            except OSError as error:
                if error.errno == errno.ENXIO:
                    return  # nothing but a hole is left
                start, end = at, self.size  # a file system that does not tell
            yield start, min(end, self.size)
            at = end


def is_shareable(source: ByteSource) -> bool:
    """Whether several threads may read ``source`` at a time. Those that do not say so are read by one."""
    return getattr(source, "is_shareable", False) is True


def read_exactly(source: ByteSource, offset: int, length: int) -> bytes:
    """``length`` bytes from ``offset``.

    Raises:
        SourceChanged: if the source ends before them although its size promised them.
    """
    data = source.read_at(offset, length)
    if len(data) != length:
        raise SourceChanged(f"{length} bytes expected at {offset}, {len(data)} found")
    return data


def chunks(source: ByteSource, start: int, end: int, size: int = READ_SIZE) -> Iterator[bytes]:
    """The bytes from ``start`` up to ``end`` in large reads."""
    while start < end:
        data = read_exactly(source, start, min(size, end - start))
        yield data
        start += len(data)
        progress.moved(len(data))


@contextmanager
def open_path(path: str | os.PathLike[str]) -> Iterator[tuple[DescriptorSource, os.stat_result]]:
    """A regular file, opened for reading, with the ``stat`` taken from the open descriptor.

    Special files (FIFO, device, socket) are refused and never block.

    Raises:
        SourceMissing, SourceForbidden, SourceNotAFile, SourceError: by cause.
    """
    name = os.fspath(path)
    try:
        # Looked at before it is opened, because opening a device can have effects of its own;
        # O_NONBLOCK because a FIFO could still take its place in between.
        _require_regular(name, os.stat(name))
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise SourceMissing(f"{name}: there is no such file") from None
    except NotADirectoryError:
        raise SourceMissing(f"{name}: there is no such file") from None
    except PermissionError:
        raise SourceForbidden(f"{name}: may not be read; check its permissions") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"{name}: cannot be opened: {reason}") from None
    try:
        status = os.fstat(descriptor)
        _require_regular(name, status)
        yield DescriptorSource(descriptor, status.st_size), status
    finally:
        os.close(descriptor)


def _require_regular(name: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file"
        raise SourceNotAFile(f"{name}: is {kind}")


class _SourceFile(io.RawIOBase):
    """A read-only file object over a source, for libraries that want one."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}
        self._position = max(0, start[whence] + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._source.read_at(self._position, len(view))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


def as_file(source: ByteSource) -> BinaryIO:
    """``source`` as a buffered, read-only, seekable file object."""
    return io.BufferedReader(_SourceFile(source), READ_SIZE)


def as_path(source: Source) -> Path | None:
    """``source`` as a path, or None if it is bytes or a file object."""
    if isinstance(source, (str, os.PathLike)):
        return Path(source)
    return None
