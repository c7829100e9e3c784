"""Where a marked copy is made, and how it takes the place of the original: whole or not at all.

For a path the copy is a temporary file in the destination's folder, locked while it is in use.
A process that is killed leaves at most such a file; the next run in that folder finds it unlocked
and removes it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from noai.errors import MarkError, SourceChanged
from noai.files import sync_folder
from noai.limits import READ_SIZE
from noai.sources import ByteSource, DescriptorSource, chunks

_TEMPORARY: Final = re.compile(r"\.noai-[0-9a-f]{16}\.tmp")
_ATTEMPTS: Final = 16


class Workspace(Protocol):
    """Gives files to work in, and publishes one of them."""

    def new_file(self) -> BinaryIO:
        """An empty file, readable and writable. Gone when the workspace closes."""

    def publish(self, file: BinaryIO) -> None:
        """Make ``file``, one of this workspace's, the destination. At most once."""


class MemoryWorkspace:
    """Works in memory; publishes into a file object, or keeps the bytes."""

    def __init__(self, destination: BinaryIO | None = None) -> None:
        self._destination = destination
        self.data = b""

    def new_file(self) -> BinaryIO:
        return io.BytesIO()

    def publish(self, file: BinaryIO) -> None:
        file.seek(0)
        if self._destination is None:
            self.data = file.read()
            return
        self._destination.seek(0)
        while block := file.read(READ_SIZE):
            self._destination.write(block)
        self._destination.truncate()
        self._destination.flush()


class FolderWorkspace:
    """Works in the destination's folder; publishes by an atomic rename.

    ``like`` is the file whose mode, owner and extended attributes the destination gets, and
    ``opened_as`` its status when it was opened: nothing is published if it changed since.
    """

    def __init__(
        self,
        destination: Path,
        stack: ExitStack,
        *,
        like: Path | None = None,
        opened_as: os.stat_result | None = None,
    ) -> None:
        self._destination = destination
        self._stack = stack
        self._like = like
        self._opened_as = opened_as
        remove_abandoned(destination.parent)

    def new_file(self) -> BinaryIO:
        path, file = _create_locked(self._destination.parent)
        self._stack.callback(_discard, path, file)
        return file

    def publish(self, file: BinaryIO) -> None:
        """
        Raises:
            SourceChanged: if somebody else wrote to the original meanwhile.
            MarkError: if the destination cannot be written.
        """
        file.flush()
        try:
            if self._like is not None:
                self._require_unchanged(self._like)
                _copy_attributes(self._like, file.fileno(), owner=self._like == self._destination)
            else:
                os.fchmod(file.fileno(), 0o666 & ~_umask())
            os.fsync(file.fileno())
            os.replace(file.name, self._destination)
        except OSError as error:
            raise MarkError(f"{self._destination}: cannot be written: {error.strerror}") from error
        # The file is in its place; that a folder may not be opened to be flushed undoes nothing.
        with contextlib.suppress(OSError):
            sync_folder(self._destination.parent)

    def _require_unchanged(self, like: Path) -> None:
        before, now = self._opened_as, os.stat(like)
        if before is not None and (before.st_mtime_ns, before.st_size) != (now.st_mtime_ns, now.st_size):
            raise SourceChanged(f"{like}: was changed by another program meanwhile; nothing was written")


def copy_to(source: ByteSource, file: BinaryIO) -> None:
    """All of ``source`` into the empty ``file``. The holes of a sparse file stay holes."""
    whole = [(0, source.size)]
    copied = 0
    for start, end in source.stretches() if isinstance(source, DescriptorSource) else whole:
        file.seek(start)
        for block in chunks(source, start, end):
            file.write(block)
        copied = end
    if copied < source.size:
        # A hole at the end: its last byte gives the copy its length.
        file.seek(source.size - 1)
        file.write(b"\x00")
    file.flush()


def remove_abandoned(folder: Path) -> None:
    """Remove what killed runs left in ``folder``: temporary files that nobody holds locked."""
    for path in _temporaries(folder):
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
            finally:
                os.close(descriptor)


def is_temporary(name: str) -> bool:
    """Whether a file name is one of a workspace's own."""
    return _TEMPORARY.fullmatch(name) is not None


def _temporaries(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if is_temporary(entry.name) and entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _create_locked(folder: Path) -> tuple[Path, BinaryIO]:
    for _ in range(_ATTEMPTS):
        path = folder / f".noai-{secrets.token_hex(8)}.tmp"
        try:
            descriptor = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, stat.S_IRUSR | stat.S_IWUSR
            )
        except FileExistsError:
            continue
        except OSError as error:
            raise MarkError(f"{folder}: cannot be written: {error.strerror}") from None
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Between creation and lock another run may have taken it for abandoned.
        if path.exists():
            return path, _named(descriptor, path)
        os.close(descriptor)
    raise MarkError(f"{folder}: no temporary file could be made")


def _named(descriptor: int, path: Path) -> BinaryIO:
    # Through an opener, so that the file has its name and keeps the descriptor that is locked.
    def opener(_name: str, _flags: int) -> int:
        return descriptor

    return open(path, "w+b", opener=opener)


def _discard(path: Path, file: BinaryIO) -> None:
    # On a full disk closing fails too, because it flushes.
    with contextlib.suppress(OSError):
        file.close()
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _copy_attributes(like: Path, descriptor: int, *, owner: bool) -> None:
    """Mode, group and extended attributes of ``like``; with ``owner`` its owner too, or an error.

    Raises:
        MarkError: if the owner would be another one.
        OSError: as the system gives it.
    """
    status = os.stat(like)
    try:
        os.fchown(descriptor, status.st_uid, status.st_gid)
    except PermissionError:
        if owner and os.fstat(descriptor).st_uid != status.st_uid:
            raise MarkError(
                f"{like}: belongs to another user and would become yours; write copies with -o instead"
            ) from None
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, -1, status.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
    for name in os.listxattr(like) if hasattr(os, "listxattr") else ():
        try:
            os.setxattr(descriptor, name, os.getxattr(like, name))
        except OSError as error:
            # A file system without them, or attributes that only the system may set.
            if error.errno not in (errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.ENODATA):
                raise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
