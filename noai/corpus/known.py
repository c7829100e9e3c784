"""What an output holds already, and whether it still stands."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from noai.codes import Code
from noai.corpus.batches import AGAIN, Finished
from noai.corpus.judging import UNREADABLE
from noai.corpus.remote_urls import is_remote
from noai.corpus.tallying import Tally
from noai.corpus.walking import SIDECAR_SUFFIXES, has_sidecar
from noai.text import unescape_path
from noai.verdict import Decision

#: Folders whose sidecars are remembered: records of one folder mostly stand together.
_FOLDERS: Final = 64


class Known(NamedTuple):
    """One record of an output, as far as going on needs it."""

    #: Escaped, as in the record.
    path: str
    member: str | None
    size: int | None
    mtime_ns: int | None
    decision: Decision
    admitted: bool
    error: Code | None
    #: Whether the record speaks of a file beside the track.
    beside: bool

    @classmethod
    def of(cls, record: Mapping[str, Any], *, beside: bool) -> Known:
        """Raises: KeyError, TypeError, ValueError, where it is no record."""
        error = record["error"]
        return cls(
            str(record["path"]),
            record["member"],
            record["size"],
            record["mtime_ns"],
            Decision(record["decision"]),
            bool(record["admitted"]),
            None if error is None else Code.of(error["code"]),
            beside,
        )

    def add_to(self, tally: Tally) -> None:
        tally.count(self.decision, self.admitted, self.error not in UNREADABLE)


class Freshness:
    """Whether files are still what records say of them."""

    def __init__(self) -> None:
        self._folders: dict[str, frozenset[str]] = {}

    def holds(self, known: Known) -> bool:
        """By size and modification time. What something beside it speaks for, or may, is judged again."""
        if known.error in AGAIN or known.size is None or known.beside:
            return False
        if is_remote(known.path):
            # To ask would take as long as to judge; the record says which state it is about.
            return True
        path = unescape_path(known.path)
        try:
            status = os.lstat(path)
        except (OSError, ValueError):
            return False
        return (
            stat.S_ISREG(status.st_mode)
            and status.st_size == known.size
            and status.st_mtime_ns == known.mtime_ns
            and not self._has_sidecar(path)
        )

    def holds_archive(self, finished: Finished) -> bool:
        try:
            status = os.stat(finished.path)
        except (OSError, ValueError):
            return False
        return (status.st_size, status.st_mtime_ns) == (finished.size, finished.mtime_ns)

    def _has_sidecar(self, path: str) -> bool:
        folder, name = os.path.split(path)
        beside = self._folders.get(folder)
        if beside is None:
            if len(self._folders) >= _FOLDERS:
                self._folders.clear()
            beside = self._folders[folder] = _sidecars_in(folder or os.curdir)
        return bool(beside) and has_sidecar(name, beside)


def _sidecars_in(folder: str) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            names = (entry.name.casefold() for entry in entries)
            return frozenset(name for name in names if name.endswith(SIDECAR_SUFFIXES))
    except OSError:
        return frozenset()
