"""Putting admitted files into a new folder, as links or copies: over nothing, and nothing that changed."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from noai.corpus.walking import SIDECAR_SUFFIXES
from noai.errors import DestinationExists, SourceChanged, SourceError
from noai.limits import READ_SIZE
from noai.report import Report
from noai.sources import DescriptorSource, open_path, read_exactly
from noai.words import Word

#: What a file system says that has no hard links.
_NO_LINKS: Final = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.EACCES, errno.EXDEV, errno.ENOSYS}
)
#: What a system says that copies only by reading and writing.
_NO_COPYING: Final = frozenset(
    {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EBADF, errno.EPERM}
)
_COPIED_AT_A_TIME: Final = 2**30


class Placing(Word):
    """How a file gets into the folder."""

    LINK = "link"
    COPY = "copy"


def place(placing: Placing, report: Report, destination: Path) -> None:
    """Put the file that ``report`` is about, with its sidecars, at ``destination``.

    Folders on the way are made. A link is symbolic and absolute; a copy keeps mode and time of modification,
    and shares its blocks with the original where the file system can.

    Raises:
        SourceChanged: if it is not, or not any more, the file that was checked.
        SourceError: if it cannot be read.
        DestinationExists: if something stands there already.
        OSError: if the destination cannot be written.
    """
    source = report.path
    if source is None:
        raise SourceError("bytes that are no file cannot be placed")
    destination.parent.mkdir(parents=True, exist_ok=True)
    put = _link if placing is Placing.LINK else _copy
    # In front of the track, so that none is there without what speaks for it.
    for beside, there in _sidecars(source, destination):
        with contextlib.suppress(_Same):
            put(beside, there, None)
    try:
        put(source, destination, report)
    except _Same:
        raise DestinationExists(f"{destination}: exists already") from None


class _Same(Exception):
    """What stands at the destination is what would be put there."""


def _link(source: str, destination: Path, report: Report | None) -> None:
    target = os.path.abspath(source)
    with open_path(source) as (_, status):
        _require_checked(source, status, report)
    try:
        os.symlink(target, destination)
    except FileExistsError:
        if destination.is_symlink() and os.readlink(destination) == target:
            raise _Same from None
        raise DestinationExists(f"{destination}: exists already") from None


def _copy(source: str, destination: Path, report: Report | None) -> None:
    with open_path(source) as (opened, status), new_file(destination) as new:
        _require_checked(source, status, report)
        _copy_bytes(opened, new.file)
        new.file.flush()
        if not opened.is_unchanged(status.st_mtime_ns) or os.fstat(new.file.fileno()).st_size != opened.size:
            raise SourceChanged(f"{source}: changed while it was being copied")
        os.fchmod(new.file.fileno(), status.st_mode & 0o777)
        os.utime(new.file.fileno(), ns=(status.st_atime_ns, status.st_mtime_ns))
        try:
            new.publish()
        except DestinationExists:
            there = os.lstat(destination)
            if (there.st_size, there.st_mtime_ns) == (status.st_size, status.st_mtime_ns):
                raise _Same from None
            raise


def _require_checked(source: str, status: os.stat_result, report: Report | None) -> None:
    if report is not None and (status.st_size, status.st_mtime_ns) != (report.size, report.mtime_ns):
        raise SourceChanged(f"{source}: changed after it was checked")


def _copy_bytes(opened: DescriptorSource, out: BinaryIO) -> None:
    """All of an open file; by the system alone where it can, which then shares blocks."""
    descriptor, at = opened.fileno(), 0
    while at < opened.size and hasattr(os, "copy_file_range"):
        try:
            copied = os.copy_file_range(
                descriptor, out.fileno(), min(opened.size - at, _COPIED_AT_A_TIME), at, at
            )
        except OSError as error:
            if error.errno not in _NO_COPYING:
                raise
            break
        if not copied:
            break
        at += copied
    out.seek(at)
    while at < opened.size:
        block = read_exactly(opened, at, min(READ_SIZE, opened.size - at))
        out.write(block)
        at += len(block)


def _sidecars(source: str, destination: Path) -> Iterator[tuple[str, Path]]:
    """What stands beside a track, or beside what it links to, and where it goes beside the copy."""
    for track in (source, os.path.realpath(source)) if os.path.islink(source) else (source,):
        for suffix in SIDECAR_SUFFIXES:
            for spelt in (suffix, suffix.upper()):
                pairs = (
                    (track, str(destination)),
                    (os.path.splitext(track)[0], os.path.splitext(destination)[0]),
                )
                for here, there in pairs:
                    if here + spelt != source and os.path.isfile(here + spelt):
                        yield here + spelt, Path(there + spelt)


class NewFile:
    """A file that is written under another name, and gets its own when it is whole."""

    def __init__(self, file: BinaryIO, temporary: Path, destination: Path) -> None:
        self.file = file
        self._temporary = temporary
        self._destination = destination

    def publish(self) -> None:
        """Give the file its name.

        Raises:
            DestinationExists: if something has it already.
            OSError: as the system gives it.
        """
        self.file.flush()
        publish(self._temporary, self._destination)


def publish(finished: Path, destination: Path) -> None:
    """Give a finished file its name, in nobody's place. Under its old name, it may be there as well.

    Raises:
        DestinationExists: if something has it already.
        OSError: as the system gives it.
    """
    try:
        os.link(finished, destination)
    except FileExistsError:
        raise DestinationExists(f"{destination}: exists already") from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(destination):
            raise DestinationExists(f"{destination}: exists already") from None
        os.rename(finished, destination)


@contextmanager
def new_file(destination: Path) -> Iterator[NewFile]:
    """An empty file for ``destination``, in its folder. What is not published is gone afterwards.

    Raises:
        OSError: as the system gives it.
    """
    with temporary_file(destination) as (file, temporary):
        yield NewFile(file, temporary, destination)


#: Part of the names of all temporary files of one run, in all its processes.
_run = secrets.token_hex(4)


def run_id() -> str:
    """What tells temporary files of this run from those of others: ``.noai-ID*.tmp``."""
    return _run


def join_run(run: str) -> None:
    """Name temporary files of this process as those of another one."""
    global _run
    _run = run


@contextmanager
def temporary_file(destination: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """An empty file in the folder of ``destination``, and its name; gone afterwards, unless it was renamed.

    Raises:
        OSError: as the system gives it.
    """
    temporary = destination.parent / f".noai-{_run}{secrets.token_hex(4)}.tmp"
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with open(os.open(temporary, flags, 0o666), "w+b") as file:
            yield file, temporary
    finally:
        temporary.unlink(missing_ok=True)
