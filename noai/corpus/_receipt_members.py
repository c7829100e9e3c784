"""Members of a receipt's payload: what they hold, and reading them strictly.

Every reader here raises :class:`noai.errors.TokenRefused` for a member of the wrong kind.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final, TypeVar

from noai.codes import Code
from noai.encoding import LAST_SECOND, Json, json_bytes
from noai.errors import TokenRefused
from noai.hashing import sha256
from noai.limits import RECEIPT_LISTED_BYTES
from noai.sources import open_path
from noai.text import escape_path
from noai.words import Word

if TYPE_CHECKING:
    from noai.consent.files import ConsentFiles
    from noai.consent.held import Declared

_SHA256: Final = re.compile(r"[0-9a-f]{64}")

_W = TypeVar("_W", bound=Word)


@dataclass(frozen=True)
class FileDigest:
    """What names the content of a file: SHA-256 in lower-case hex, and its size in bytes."""

    sha256: str
    size: int

    @classmethod
    def of(cls, path: str) -> FileDigest:
        """The digest of the regular file at ``path``.

        Raises:
            SourceError: if it cannot be read.
        """
        with open_path(path) as (source, _):
            return cls(sha256(source).hex(), source.size)

    def members(self) -> dict[str, object]:
        """As JSON has it."""
        return {"sha256": self.sha256, "size": self.size}


@dataclass(frozen=True)
class Listed:
    """Texts of any number, such as paths: how many, a digest over all, and the first of them."""

    count: int
    #: Over the UTF-8 of each text and a NUL behind it, hex.
    sha256: str
    first: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Listed:
        """``texts`` as records write paths; as many in full as a token has room for."""
        digest, count, room, first = hashlib.sha256(), 0, RECEIPT_LISTED_BYTES, list[str]()
        for text in texts:
            shown = escape_path(text)
            encoded = shown.encode("utf-8")
            digest.update(encoded + b"\0")
            # As JSON has it: quotes and control characters take up to six bytes each.
            room -= len(json_bytes({"": shown}))
            if room >= 0:
                first.append(shown)
            count += 1
        return cls(count, digest.hexdigest(), tuple(first))

    def members(self) -> dict[str, object]:
        """As JSON has it."""
        return {"count": self.count, "sha256": self.sha256, "first": list(self.first)}

    @property
    def is_whole(self) -> bool:
        """Whether all of them are told, and not only the first."""
        return len(self.first) == self.count


@dataclass(frozen=True)
class Consulted:
    """For whom a run was made, as was declared, and which statements of consent it read."""

    licensee: str
    model: str | None
    territory: str | None
    #: For each file its kind (``grants``, ``revocations``, ``status``), a space, and the SHA-256 of it.
    statements: Listed

    @classmethod
    def of(cls, declared: Declared, files: ConsentFiles) -> Consulted:
        """``files`` have been read to their end."""
        statements = Listed.of(f"{file.kind} {file.sha256}" for file in files.all)
        return cls(declared.licensee, declared.model, declared.territory, statements)

    def members(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "licensee": self.licensee,
            "model": self.model,
            "territory": self.territory,
            "statements": self.statements.members(),
        }


def as_consulted(value: Json) -> Consulted | None:
    """Receipts of a version that knew nothing of consent have none of it."""
    if value is None:
        return None
    members = as_object(value, "consent")
    licensee = as_text_or_none(members.get("licensee"), "licensee")
    if licensee is None:
        raise TokenRefused(Code.PAYLOAD_MEMBERS, "licensee is missing")
    return Consulted(
        licensee,
        as_text_or_none(members.get("model"), "model"),
        as_text_or_none(members.get("territory"), "territory"),
        as_listed(members.get("statements"), "statements"),
    )


def as_text_or_none(value: Json, name: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{name} is not a text")
    return value


def as_object(value: Json, name: str) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{name} is not an object")
    return value


def as_instant(value: Json, name: str) -> datetime:
    if type(value) is not int or not 0 <= value <= LAST_SECOND:
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{name} is not a number of seconds since 1970")
    return datetime.fromtimestamp(value, timezone.utc)


def as_count(value: Json, name: str) -> int:
    if type(value) is not int or value < 0:
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{name} is not a number of things")
    return value


def as_sha256(value: Json, name: str) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{name} is not a SHA-256 in lower-case hex")
    return value


def as_digest(members: dict[str, Json], name: str) -> FileDigest:
    return FileDigest(
        as_sha256(members.get("sha256"), name), as_count(members.get("size"), f"size of {name}")
    )


def as_listed(value: Json, name: str) -> Listed:
    members = as_object(value, name)
    first, count = as_strings(members.get("first"), name), as_count(members.get("count"), f"count of {name}")
    if len(first) > count:
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{name} lists more than it counts")
    listed = Listed(count, as_sha256(members.get("sha256"), name), first)
    if listed.is_whole and listed.sha256 != _over_all(first):
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{name} lists others than its digest is of")
    return listed


def as_strings(value: Json, name: str) -> tuple[str, ...]:
    texts = [text for text in value if isinstance(text, str)] if isinstance(value, list) else None
    if texts is None or not isinstance(value, list) or len(texts) != len(value):
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{name} is not a list of strings")
    return tuple(texts)


def as_word(value: Json, kind: type[_W], name: str) -> _W:
    """One of the words of ``kind``, spelled in full."""
    word = next((word for word in kind if word.value == value), None)
    if word is None:
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{name} is none that this version knows")
    return word


def _over_all(texts: Iterable[str]) -> str:
    return hashlib.sha256(b"".join(text.encode("utf-8") + b"\0" for text in texts)).hexdigest()
