"""What an identity has ended, and how many status lists it has signed: kept with its key.

A status list is complete, so that nothing may be missing in it that was ever ended.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from noai.consent.endings import Ended
from noai.consent.statements import Named
from noai.errors import ConsentError
from noai.files import PRIVATE_FILE, PRIVATE_FOLDER, write_private

SCHEMA: Final = "noai.ended/1"
FILE_NAME: Final = "ended.json"


@dataclass
class Ledger:
    """What has ended, in the order in which it did, and the number of the newest status list."""

    ended: dict[Named, Ended] = field(default_factory=dict)
    sequence: int = 0

    @property
    def listed(self) -> frozenset[Named]:
        """What stands in a status list: everything but markers, which end by revocation alone."""
        return frozenset(named for named, what in self.ended.items() if what is not Ended.MARKER)

    def text(self) -> str:
        ended = [{"what": what.value, **named.members()} for named, what in self.ended.items()]
        return json.dumps({"schema": SCHEMA, "seq": self.sequence, "ended": ended}, indent=2) + "\n"


@contextmanager
def opened(path: Path) -> Iterator[Ledger]:
    """The ledger at ``path``, for this process alone; what is changed in it is kept, whole or not at all.

    Raises:
        ConsentError: if the file is there, but damaged, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    except OSError as error:
        raise ConsentError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ledger = _read(path)
        before = ledger.text()
        yield ledger
        if ledger.text() != before:
            _write(path, ledger)
    finally:
        os.close(lock)


def _write(path: Path, ledger: Ledger) -> None:
    try:
        write_private(path, ledger.text().encode("utf-8"))
    except OSError as error:
        raise ConsentError(f"{path}: cannot be written: {error.strerror}") from None


def _read(path: Path) -> Ledger:
    try:
        document = json.loads(path.read_text("utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError("another schema")
        ended = {
            Named(str(item["id"]), str(item["sha256"])): Ended(item["what"]) for item in document["ended"]
        }
        return Ledger(ended, int(document["seq"]))
    except FileNotFoundError:
        return Ledger()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConsentError(f"{path}: cannot be read as what has ended: {error}") from None
