"""Finding files: paths and folders in, candidates out, in one order on every machine.

Nothing is opened here. Whether a candidate is audio is decided by its content, later; its name only
says whether somebody expects audio in it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from noai.errors import SourceError, SourceForbidden, SourceMissing

#: Extensions under which audio is expected, whether or not noai reads that kind: content that is not
#: known there is ``undecided``, elsewhere it is passed over.
AUDIO_EXTENSIONS: Final = frozenset(
    {".3gp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".asf", ".au", ".awb"}
    | {".bw64", ".caf", ".dff", ".dsf", ".dts", ".eac3", ".flac", ".m4a", ".m4b", ".m4p", ".m4r", ".mka"}
    | {".mkv", ".mov", ".mp1", ".mp2", ".mp3", ".mp4", ".mpc", ".oga", ".ogg", ".ogx", ".opus", ".rf64"}
    | {".snd", ".spx", ".tta", ".w64", ".wav", ".wave", ".webm", ".wma", ".wmv", ".wv"}
)

#: Device and inode of a folder: its identity, whatever it is called.
FolderId = tuple[int, int]


@dataclass(frozen=True)
class Candidate:
    """A path that may be an audio file. Anything may stand there: it was not opened."""

    #: As it was given, or the given folder joined with the way below it. May hold surrogates.
    path: str
    #: The argument under which it was found.
    root: str
    #: Whether the path itself was named; it then always gets a record.
    explicit: bool
    #: Set for a folder that could not be listed: what is in it is not known.
    error: SourceError | None = None

    @property
    def relative(self) -> str:
        """The way from the given folder to the file; the bare name of a file that was named itself."""
        if self.explicit:
            return os.path.basename(self.path)
        return self.path[len(self.root) :].lstrip(os.sep)

    @property
    def expects_audio(self) -> bool:
        """Whether the name promises audio."""
        return os.path.splitext(self.path)[1].lower() in AUDIO_EXTENSIONS


@dataclass
class Passed:
    """What was passed over on purpose, counted while walking."""

    #: Links to folders, which are not followed.
    folder_links: int = 0


def walk(
    paths: Iterable[str], *, passed: Passed | None = None, exclude: Collection[FolderId] = ()
) -> Iterator[Candidate]:
    """Every file that ``paths`` name or hold, depth first, the entries of a folder by name.

    A folder is walked to its end; links to folders inside it are counted in ``passed`` and not
    followed, so that no link can lead in circles or out of it. Links to files are candidates.
    Special files are candidates too, and refused unopened by whoever reads them. Folders in
    ``exclude`` are left out.

    Memory is bounded by the largest folder, not by the number of files.
    """
    passed = passed if passed is not None else Passed()
    for path in paths:
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            yield Candidate(path, path, explicit=True)  # whoever opens it says what is wrong
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from _walk_folder(path, passed, exclude)
        else:
            yield Candidate(path, path, explicit=True)


def folder_id(path: str) -> FolderId | None:
    """The identity of a folder, None where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None


def _walk_folder(root: str, passed: Passed, exclude: Collection[FolderId]) -> Iterator[Candidate]:
    # A stack of iterators, not recursion: folders may nest deeper than Python's calls.
    stack = [_entries(root, root, exclude)]
    while stack:
        entry = next(stack[-1], None)
        if entry is None:
            stack.pop()
        elif isinstance(entry, Candidate):
            yield entry
        elif not _is_folder(entry):
            yield Candidate(entry.path, root, explicit=False)
        elif entry.is_symlink():
            passed.folder_links += 1
        else:
            stack.append(_entries(entry.path, root, exclude))


def _entries(folder: str, root: str, exclude: Collection[FolderId]) -> Iterator[os.DirEntry[str] | Candidate]:
    """The entries of one folder in order, or one candidate that says why there are none."""
    if exclude and folder_id(folder) in exclude:
        return iter(())
    try:
        with os.scandir(folder) as entries:
            return iter(sorted(entries, key=lambda entry: entry.name))
    except OSError as error:
        return iter((Candidate(folder, root, explicit=False, error=_unlisted(folder, error)),))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # whoever opens it says what is wrong


def _unlisted(folder: str, error: OSError) -> SourceError:
    if isinstance(error, PermissionError):
        return SourceForbidden(f"{folder}: the folder may not be listed; check its permissions")
    if isinstance(error, FileNotFoundError):
        return SourceMissing(f"{folder}: the folder vanished while it was being walked")
    return SourceError(f"{folder}: the folder cannot be listed: {error.strerror}")
