"""The newest status list that was seen of each identity, so that an older one is not taken for it.

Who is judged must not choose what is seen: whoever delivers an old list hides what has ended since.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from noai.errors import ConsentError
from noai.files import PRIVATE_FOLDER, write_private

SCHEMA: Final = "noai.status-lists/1"
FILE_NAME: Final = "status-lists.json"
LOCK_NAME: Final = "status-lists.lock"


@dataclass(frozen=True)
class Seen:
    """One edition of a list: its number, the digest of its signing input, and what had ended by then."""

    sequence: int
    input_sha256: str
    #: Id and digest of each, with a space between.
    ended: frozenset[str] = frozenset()


class StatusMemory:
    """What was seen, in memory; :meth:`load` and :meth:`save` keep it in the configuration folder."""

    def __init__(self, seen: Mapping[str, Seen] | None = None) -> None:
        self._seen = dict(seen or {})
        self.changed = False

    def saw(self, name: str, edition: Seen) -> bool:
        """Remember ``edition`` of the list called ``name``.

        False if a newer one, or another of its number, was seen before.
        """
        newest = self._seen.get(name, Seen(-1, ""))
        is_newer = newest.sequence < edition.sequence
        # What ended once is never taken back, not even by a newer list.
        ended = newest.ended | edition.ended
        merged = replace(edition if is_newer else newest, ended=ended)
        self.changed |= merged != newest
        self._seen[name] = merged
        return is_newer or (newest.sequence, newest.input_sha256) == (edition.sequence, edition.input_sha256)

    def ended(self, name: str) -> frozenset[str]:
        """Everything that any edition of this list has ended."""
        return self._seen[name].ended if name in self._seen else frozenset()

    @classmethod
    def load(cls, home: Path) -> StatusMemory:
        """What is kept in ``home``; nothing if there is no file.

        Raises:
            ConsentError: if the file is there, but damaged: what was seen is then not known.
        """
        path = home / FILE_NAME
        try:
            document = json.loads(path.read_text("utf-8"))
            if document["schema"] != SCHEMA:
                raise ValueError("another schema")
            seen = {str(name): _seen(one) for name, one in document["lists"].items()}
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ConsentError(f"{path}: does not hold the status lists that were seen: {error}") from None
        return cls(seen)

    def save(self, home: Path) -> None:
        """Keep it in ``home``, whole or not at all, if anything changed.

        Raises:
            ConsentError: if it cannot be written.
        """
        if not self.changed:
            return
        try:
            home.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
            with open(home / LOCK_NAME, "ab") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                # Another process may have seen newer ones meanwhile.
                for name, edition in StatusMemory.load(home)._seen.items():
                    self.saw(name, edition)
                write_private(home / FILE_NAME, self._document().encode("utf-8"))
        except OSError as error:
            raise ConsentError(f"{home / FILE_NAME}: cannot be written: {error.strerror}") from None
        self.changed = False

    def _document(self) -> str:
        lists = {
            name: {"seq": one.sequence, "sha256": one.input_sha256, "ended": sorted(one.ended)}
            for name, one in sorted(self._seen.items())
        }
        return json.dumps({"schema": SCHEMA, "lists": lists}, indent=2) + "\n"


def _seen(one: dict[str, Any]) -> Seen:
    ended = one["ended"]
    if not isinstance(ended, list) or not all(
        isinstance(text, str) and text.count(" ") == 1 for text in ended
    ):
        raise ValueError("what has ended is not told")
    return Seen(int(one["seq"]), str(one["sha256"]), frozenset(ended))
