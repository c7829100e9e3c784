"""Finding files: paths and folders in, candidates out, in one order on every machine.

Nothing is opened here. Whether a candidate is audio is decided by its content, later; its name only
says whether somebody expects audio in it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from noai.corpus.patterns import EVERYTHING, Selection
from noai.errors import SourceError, SourceForbidden, SourceMissing

#: Extensions under which audio is expected, whether or not noai reads that kind: content that is not
#: known there is ``undecided``, elsewhere it is passed over.
AUDIO_EXTENSIONS: Final = frozenset(
    {".3gp", ".aac", ".ac3", ".adts", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".asf", ".au"}
    | {".awb", ".bw64", ".caf", ".dff", ".dsf", ".dts", ".eac3", ".flac", ".m4a", ".m4b", ".m4p", ".m4r"}
    | {".mka", ".mkv", ".mov", ".mp1", ".mp2", ".mp3", ".mp4", ".mpc", ".mpga", ".oga", ".ogg", ".ogx"}
    | {".opus", ".pcm", ".ra", ".rf64", ".snd", ".sph", ".spx", ".tta", ".voc", ".w64", ".wav", ".wave"}
    | {".weba", ".webm", ".wma", ".wmv", ".wv"}
)

#: Files that hold other files are called so.
ARCHIVE_SUFFIXES: Final = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".zip", ".parquet")
#: What lies beside a track under these names speaks for it.
SIDECAR_SUFFIXES: Final = (".c2pa", ".xmp")

#: Device and inode of a folder: its identity, whatever it is called.
FolderId = tuple[int, int]


class Candidate(NamedTuple):
    """A path that may be an audio file. Anything may stand there: it was not opened."""

    #: As it was given, or the given folder joined with the way below it. May hold surrogates.
    path: str
    #: The argument under which it was found.
    root: str
    #: Whether the path itself was named; it then always gets a record.
    explicit: bool
    #: Set for a folder that could not be listed: what is in it is not known.
    error: SourceError | None = None
    #: Whether its folder showed a regular file, no link, that has no sidecars.
    plain: bool = False

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
    #: Files, and folders with all that is in them, that the caller's patterns leave out.
    left_out: int = 0


def walk(
    paths: Iterable[str],
    *,
    passed: Passed | None = None,
    exclude: Collection[FolderId] = (),
    selection: Selection = EVERYTHING,
) -> Iterator[Candidate]:
    """Every file that ``paths`` name or hold, depth first, the entries of a folder by name.

    A folder is walked to its end; links to folders inside it are counted in ``passed`` and not
    followed, so that no link can lead in circles or out of it. Links to files are candidates.
    Special files are candidates too, and refused unopened by whoever reads them. Folders in
    ``exclude`` are left out, and so is what ``selection`` does not take of a folder; a path that is
    named itself never is.

    Memory is bounded by the names in the folders on the way, not by the number of files.
    """
    passed = passed if passed is not None else Passed()
    for path in paths:
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            yield Candidate(path, path, True)  # whoever opens it says what is wrong
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from _Walk(path, passed, exclude, selection).run()
        else:
            yield Candidate(path, path, True)


def folder_id(path: str) -> FolderId | None:
    """The identity of a folder, None where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISDIR(status.st_mode) else None


class _Folder(NamedTuple):
    """One folder that is being walked."""

    #: What stands in front of the names in it: in a path, and in the way below the root.
    prefix: str
    way: str
    names: Iterator[str]
    #: Of the entries that are no regular files: whether they are links.
    others: dict[str, bool]
    #: Names, case-folded, where there are sidecars among them.
    beside: frozenset[str]


class _Walk:
    """One walk through one folder that was named."""

    def __init__(
        self, root: str, passed: Passed, exclude: Collection[FolderId], selection: Selection
    ) -> None:
        self._root = root
        self._passed = passed
        self._exclude = exclude
        self._selection = selection

    def run(self) -> Iterator[Candidate]:
        # A stack, not recursion: folders may nest deeper than Python's calls.
        first = self._opened(self._root, "")
        if isinstance(first, Candidate):
            yield first
            return
        stack, root, takes = [first], self._root, self._selection.takes if self._selection else None
        while stack:
            prefix, way, names, others, beside = stack[-1]
            for name in names:
                path = prefix + name
                if name in others and os.path.isdir(path):
                    entered = self._entered(path, way + name, is_link=others[name])
                    if isinstance(entered, Candidate):
                        yield entered
                    elif entered is not None:
                        stack.append(entered)
                        break
                elif takes is not None and not takes(way + name):
                    self._passed.left_out += 1
                else:
                    plain = name not in others and (not beside or not has_sidecar(name, beside))
                    yield Candidate(path, root, False, None, plain)
            else:
                stack.pop()

    def _entered(self, folder: str, way: str, *, is_link: bool) -> _Folder | Candidate | None:
        """A folder inside the one that was named, if it is walked."""
        if is_link:
            self._passed.folder_links += 1
            return None
        if not self._selection.enters(way):
            self._passed.left_out += 1
            return None
        return self._opened(folder, f"{way}/")

    def _opened(self, folder: str, way: str) -> _Folder | Candidate:
        """The entries of one folder in order, or one candidate that says why there are none."""
        prefix = os.path.join(folder, "")
        names: list[str] = []
        others: dict[str, bool] = {}
        if self._exclude and folder_id(folder) in self._exclude:
            return _Folder(prefix, way, iter(()), others, frozenset())
        beside = False
        try:
            with os.scandir(folder) as entries:
                # Names alone are kept: a million entries as objects would take 300 MB.
                for entry in entries:
                    name = entry.name
                    names.append(name)
                    if not entry.is_file(follow_symlinks=False):
                        others[name] = entry.is_symlink()
                    elif name.lower().endswith(SIDECAR_SUFFIXES):
                        beside = True
                beside = beside or any(name.lower().endswith(SIDECAR_SUFFIXES) for name in others)
        except OSError as error:
            return Candidate(folder, self._root, False, _unlisted(folder, error))
        names.sort()
        lowered = frozenset(name.casefold() for name in names) if beside else frozenset()
        names.reverse()
        return _Folder(prefix, way, _drained(names), others, lowered)


def _drained(names: list[str]) -> Iterator[str]:
    """``names`` from behind, each let go when it is taken."""
    while names:
        yield names.pop()


def has_sidecar(name: str, beside: frozenset[str]) -> bool:
    """Whether something that may speak for ``name`` is among the names ``beside`` it, all case-folded.

    Folded, since the lower case of a letter can depend on the one behind it.
    """
    name = name.casefold()
    stem = os.path.splitext(name)[0]
    return any(name + suffix in beside or stem + suffix in beside for suffix in SIDECAR_SUFFIXES)


def _unlisted(folder: str, error: OSError) -> SourceError:
    if isinstance(error, PermissionError):
        return SourceForbidden(f"{folder}: the folder may not be listed; check its permissions")
    if isinstance(error, FileNotFoundError):
        return SourceMissing(f"{folder}: the folder vanished while it was being walked")
    return SourceError(f"{folder}: the folder cannot be listed: {error.strerror}")
