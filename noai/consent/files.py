"""Files of statements, one compact JWS a line: reading them strictly, and adding to them.

What an ingest holds in such files is judged by :func:`load`. A file of revocations or status lists is read
whole or not at all: while one of them cannot be read, nobody knows what it ends.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from noai import identities
from noai.consent import judging
from noai.consent.held import Consent, Declared, Line
from noai.consent.memory import StatusMemory
from noai.consent.statements import Kind, has_payload, kind_of
from noai.encoding import json_bytes
from noai.errors import ConsentError, TokenRefused
from noai.files import sync_folder
from noai.limits import CONSENT_FILE_BYTES, CONSENT_FILE_LINES, STATUS_CHARS
from noai.trust import TrustList
from noai.words import Word

_SPACE: Final = b" \t\r\n"
#: The longest statement, and the line break behind it.
_LINE_BYTES: Final = STATUS_CHARS + 2
_PUBLIC_FILE: Final = 0o666


class FileKind(Word):
    """What a file holds."""

    GRANTS = "grants"
    REVOCATIONS = "revocations"
    STATUS = "status"

    @property
    def holds(self) -> tuple[Kind, ...]:
        """The kinds of statement that stand in it."""
        return _HOLDS[self]

    @property
    def option(self) -> str:
        """How such a file is named on a command line."""
        return f"--{self.value}"


_HOLDS: Final = {
    FileKind.GRANTS: (Kind.GRANT, Kind.DELEGATION),
    FileKind.REVOCATIONS: (Kind.REVOCATION,),
    FileKind.STATUS: (Kind.STATUS,),
}


class StatementFile:
    """One file. ``sha256`` and ``size`` are those of what :meth:`lines` has read so far."""

    def __init__(self, path: str | os.PathLike[str], kind: FileKind) -> None:
        self.path = os.fspath(path)
        self.kind = kind
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def lines(self) -> Iterator[Line]:
        """Its statements; blank lines are left out.

        Raises:
            ConsentError: if it cannot be read, is too large, or holds something of another kind. A line
                among grants that is no statement at all is given all the same: it is void.
        """
        try:
            # Not open_path(): statements may well come from a pipe.
            with open(self.path, "rb") as stream:
                for number, line in enumerate(self._raw(stream), 1):
                    text = line.strip(_SPACE)
                    if text:
                        place = f"{os.path.basename(self.path)}, line {number}"
                        # What is not ASCII is no token, and is refused as such.
                        yield self._checked(Line(place, text.decode("ascii", "replace")))
        except OSError as error:
            raise ConsentError(f"{self.path}: cannot be read: {error.strerror or error}") from None

    def _raw(self, stream: BinaryIO) -> Iterator[bytes]:
        lines = 0
        while line := stream.readline(_LINE_BYTES):
            self._digest.update(line)
            self.size += len(line)
            if len(line) == _LINE_BYTES and not line.endswith(b"\n"):
                raise ConsentError(f"{self.path}: holds a line that is longer than any statement")
            lines += 1
            if self.size > CONSENT_FILE_BYTES or lines > CONSENT_FILE_LINES:
                raise ConsentError(
                    f"{self.path}: has more than {CONSENT_FILE_BYTES} bytes or {CONSENT_FILE_LINES} lines; "
                    "keep its statements in more files"
                )
            yield line

    def _checked(self, line: Line) -> Line:
        found = _kind(line.text)
        if found in self.kind.holds or (found is None and self.kind is FileKind.GRANTS):
            if self.kind is FileKind.GRANTS or has_payload(line.text):
                return line
            found = None
        what = self.kind.holds[0].noun
        if found is None:
            raise ConsentError(
                f"{self.path}: {line.place}: cannot be read as a {what}; nothing is judged without"
            )
        other = next(kind for kind in FileKind if found in kind.holds)
        raise ConsentError(f"{self.path}: {line.place}: is a {found.noun}; give its file with {other.option}")


def _kind(text: str) -> Kind | None:
    try:
        return kind_of(text)
    except TokenRefused:
        return None


@dataclass(frozen=True)
class ConsentFiles:
    """All files that an ingest holds."""

    grants: Sequence[StatementFile] = ()
    revocations: Sequence[StatementFile] = ()
    statuses: Sequence[StatementFile] = field(default=())

    @classmethod
    def named(
        cls,
        grants: Iterable[str | os.PathLike[str]] = (),
        revocations: Iterable[str | os.PathLike[str]] = (),
        statuses: Iterable[str | os.PathLike[str]] = (),
    ) -> ConsentFiles:
        return cls(
            tuple(StatementFile(path, FileKind.GRANTS) for path in grants),
            tuple(StatementFile(path, FileKind.REVOCATIONS) for path in revocations),
            tuple(StatementFile(path, FileKind.STATUS) for path in statuses),
        )

    @property
    def all(self) -> tuple[StatementFile, ...]:
        return (*self.grants, *self.revocations, *self.statuses)

    def judge(self, declared: Declared, trust: TrustList, now: datetime, home: Path | None = None) -> Consent:
        """What these files come to for ``declared``; see :func:`load`."""
        home = home or identities.home()
        memory = StatusMemory.load(home)
        consent = judging.judge(
            declared,
            trust,
            now,
            grants=_lines(self.grants),
            revocations=_lines(self.revocations),
            statuses=_lines(self.statuses),
            memory=memory,
        )
        memory.save(home)
        return consent


def load(
    declared: Declared,
    trust: TrustList,
    now: datetime,
    *,
    grants: Iterable[str | os.PathLike[str]] = (),
    revocations: Iterable[str | os.PathLike[str]] = (),
    statuses: Iterable[str | os.PathLike[str]] = (),
    home: Path | None = None,
) -> Consent:
    """What the statements in files come to for ``declared`` at ``now``.

    ``home`` is where the newest status lists that were seen are kept: the configuration folder, unless told
    otherwise.

    Raises:
        ConsentError: if a file cannot be read, or holds something of another kind; or if what was seen before
            cannot be read or kept.
    """
    return ConsentFiles.named(grants, revocations, statuses).judge(declared, trust, now, home)


def _lines(files: Iterable[StatementFile]) -> Iterator[Line]:
    return (line for file in files for line in file.lines())


def consent_digest(consent: Consent) -> str:
    """SHA-256, hex, over who asks and what counts for them: equal where the answers have to be equal."""
    declared = consent.declared
    said: list[dict[str, object]] = [
        {"licensee": declared.licensee, "model": declared.model, "territory": declared.territory}
    ]
    statements: list[dict[str, object]] = [
        {
            "grant": held.named.members(),
            "by": [held.signed_by.kid, *sorted(held.signed_by.identities)],
            "counts": [held.window, sorted(held.reach), sorted(held.refusals)],
        }
        for held in consent.grants
    ]
    statements += [
        {
            "delegation": held.delegation.payload(),
            "by": [held.signed_by.kid, *sorted(held.signed_by.identities)],
            "counts": [held.window, sorted(held.reach), sorted(held.refusals)],
        }
        for held in consent.delegations
    ]
    statements += [
        {
            "ends": held.named.members(),
            "by": [held.signed_by.kid, *sorted(held.signed_by.identities)],
            "proven": held.proven,
        }
        for held in consent.revocations
    ]
    statements.append({"doubt": consent.doubt})
    # The same statement in two files counts once.
    lines = sorted({json_bytes(item) + b"\n" for item in (*said, *statements)})
    return hashlib.sha256(b"".join(lines)).hexdigest()


def append(path: str | os.PathLike[str], kind: FileKind, statements: Iterable[str]) -> None:
    """Add ``statements``, a line each, to the file at ``path``, which is made if it is missing.

    The file holds whole lines at any time: all are written at once, or none.

    Raises:
        ConsentError: if the file holds something else, or cannot be written.
    """
    name = os.fspath(path)
    data = "".join(f"{statement}\n" for statement in statements).encode("ascii")
    try:
        # O_NONBLOCK because opening a FIFO would wait for its reader.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        with os.fdopen(os.open(name, flags, _PUBLIC_FILE), "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _require_own(name, kind)
            _write_whole(file.fileno(), data)
        sync_folder(Path(name).resolve().parent)
    except OSError as error:
        raise ConsentError(f"{name}: cannot be written: {error.strerror or error}") from None


def _require_own(name: str, kind: FileKind) -> None:
    """Refuse a file whose first line is none of this kind: a track, a key, another list."""
    if not os.path.isfile(name):
        raise ConsentError(f"{name}: is no regular file; statements are kept in one")
    with open(name, "rb") as stream:
        first = next(
            (line for line in iter(lambda: stream.readline(_LINE_BYTES), b"") if line.strip(_SPACE)), b""
        )
    if first and _kind(first.strip(_SPACE).decode("ascii", "replace")) not in kind.holds:
        nouns = " or ".join(f"{each.noun}s" for each in kind.holds)
        raise ConsentError(f"{name}: holds something else than {nouns}; choose another name")


def _write_whole(descriptor: int, data: bytes) -> None:
    size = os.fstat(descriptor).st_size
    # Behind half a line, which something else may have left, a statement would not be found.
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        data = b"\n" + data
    try:
        if os.write(descriptor, data) != len(data):
            raise OSError(0, "there was no room for all of it")
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise
