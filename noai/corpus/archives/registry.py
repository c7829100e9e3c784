"""The kinds of archives that noai looks into, and how a file finds its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from noai.containers.registry import detect
from noai.corpus.archives.interface import HEAD, Archive, Kind
from noai.corpus.archives.parquet import PARQUET
from noai.corpus.archives.tar import GZIPPED, PLAIN, ZSTANDARD
from noai.corpus.archives.zip import ZIP
from noai.errors import ArchiveMalformed, NoaiError, SourceEmpty, SourceError
from noai.sources import DescriptorSource, open_path

KINDS: Final[tuple[Kind, ...]] = (PLAIN, GZIPPED, ZSTANDARD, ZIP, PARQUET)


@dataclass(frozen=True)
class Opened:
    """An archive that is open, and the file that it is."""

    archive: Archive
    kind: Kind
    source: DescriptorSource
    size: int
    mtime_ns: int

    def is_unchanged(self) -> bool:
        """Whether the file is what it was when it was opened."""
        return self.source.is_unchanged(self.mtime_ns)


def kind_of(path: str) -> Kind | None:
    """The kind that the name of a file promises."""
    lowered = path.lower()
    return next((kind for kind in KINDS if lowered.endswith(kind.suffixes)), None)


def is_archive(path: str) -> bool:
    """Whether the file at ``path`` is looked into: it is named like an archive, and is no audio file.

    What is named so and is neither is a damaged archive.
    """
    kind = kind_of(path)
    if kind is None:
        return False
    try:
        with open_path(path) as (source, _):
            if kind.recognises(source.read_at(0, HEAD)):
                return True
            detect(source)
    except SourceEmpty:
        return True
    except SourceError:
        return False  # whoever opens it as a file says what is wrong
    except NoaiError:
        return True
    return False


@contextmanager
def open_archive(path: str) -> Iterator[Opened]:
    """The archive at ``path``, open.

    Raises:
        ArchiveError, LimitExceeded: if it cannot be read as what its name promises.
        SourceError: if it cannot be opened.
    """
    kind = kind_of(path)
    if kind is None:
        raise ArchiveMalformed(f"{path}: is not named like an archive")
    with open_path(path) as (source, status):
        if not source.size:
            raise SourceEmpty(f"{path}: is empty")
        if not kind.recognises(source.read_at(0, HEAD)):
            raise ArchiveMalformed(f"{path}: is not what its name says, or is damaged at its beginning")
        yield Opened(kind.open(source), kind, source, status.st_size, status.st_mtime_ns)
