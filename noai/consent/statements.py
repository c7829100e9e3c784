"""What all statements of consent share: an envelope, members read strictly, and their own refusals.

They are compact JWS by the rules of the marker's envelope, each kind with a ``typ`` of its own, so that none
can be replayed as another. Other than in a marker, **a member that is missing, unknown or of the wrong kind
makes the statement void**: what a newer version restricts must never read as "not restricted".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from noai.claim import Use
from noai.codes import Code
from noai.encoding import LAST_SECOND, Json, b64url_decode, json_object
from noai.envelope import Token, identifier, parse
from noai.errors import TokenRefused
from noai.limits import CONSENT_ITEMS, CONSENT_TEXT_CHARS, TOKEN_CHARS
from noai.words import Word

VERSION: Final = 1
_SHA256_CHARS: Final = 43

_W = TypeVar("_W", bound=Word)


class Kind(Word):
    """A kind of statement. The value is its ``typ``."""

    GRANT = "noai-grant+jws"
    REVOCATION = "noai-revocation+jws"
    STATUS = "noai-status+jws"
    DELEGATION = "noai-delegation+jws"

    @property
    def member(self) -> str:
        """The member of the payload that holds the version."""
        return self.value.removesuffix("+jws").replace("-", "_")

    @property
    def noun(self) -> str:
        """What people call it."""
        return _NOUNS[self]


_NOUNS: Final = {
    Kind.GRANT: "grant",
    Kind.REVOCATION: "revocation",
    Kind.STATUS: "status list",
    Kind.DELEGATION: "delegation",
}


@dataclass(frozen=True)
class Named:
    """What names a signed thing: its id, and the base64url SHA-256 of its signing input."""

    id: str
    sha256: str

    def members(self) -> dict[str, object]:
        return {"id": self.id, "sha256": self.sha256}


@dataclass(frozen=True)
class StatusRef:
    """The status list that says whether a statement still holds, and where it can be had."""

    id: str
    url: str | None

    def members(self) -> dict[str, object]:
        return {"id": self.id, "url": self.url}


class Members:
    """The members of one object in a payload, each taken once; none may be left."""

    def __init__(self, members: Mapping[str, Json], where: str) -> None:
        self._left = dict(members)
        self._where = where

    @classmethod
    def of(cls, token: Token, kind: Kind) -> Members:
        """The payload of ``token``, whose version has been checked.

        Raises:
            TokenRefused: for another version.
        """
        payload = dict(token.payload)
        version = payload.pop(kind.member, None)
        # ``true`` is not 1.
        if type(version) is not int or version != VERSION:
            raise TokenRefused(Code.GRANT_VERSION, f"{kind.member} is not {VERSION}")
        return cls(payload, "the payload")

    def take(self, name: str) -> Json:
        """
        Raises:
            TokenRefused: if there is no such member; as all readers here for one of the wrong kind.
        """
        if name not in self._left:
            raise self._refused(f"{name} is missing")
        return self._left.pop(name)

    def _is_null(self, name: str) -> bool:
        """Whether the member is there, and null; it is then taken."""
        is_null = self.has(name) and self._left[name] is None
        if is_null:
            self.take(name)
        return is_null

    def has(self, name: str) -> bool:
        return name in self._left

    def done(self) -> None:
        """All that is meant was taken."""
        if self._left:
            names = ", ".join(sorted(name[:40] for name in self._left))
            raise self._refused(f"unknown members: {names}")

    def instant(self, name: str) -> int:
        """Seconds since 1970."""
        value = self.take(name)
        if type(value) is not int or not 0 <= value <= LAST_SECOND:
            raise self._refused(f"{name} is not a number of seconds since 1970")
        return value

    def instant_or_none(self, name: str) -> int | None:
        if self._is_null(name):
            return None
        return self.instant(name)

    def count(self, name: str) -> int:
        value = self.take(name)
        if type(value) is not int or value < 0:
            raise self._refused(f"{name} is not a number")
        return value

    def text(self, name: str) -> str:
        """Text that is compared byte by byte, and never empty."""
        value = self.take(name)
        if not isinstance(value, str) or not 0 < len(value) <= CONSENT_TEXT_CHARS:
            raise self._refused(f"{name} is not a text of 1 to {CONSENT_TEXT_CHARS} characters")
        return value

    def text_or_none(self, name: str) -> str | None:
        if self._is_null(name):
            return None
        return self.text(name)

    def identifier(self, name: str) -> str:
        return identifier(self.take(name), name)

    def sha256(self, name: str) -> str:
        """A SHA-256 in base64url."""
        value = self.take(name)
        if not isinstance(value, str) or len(value) != _SHA256_CHARS:
            raise self._refused(f"{name} is not a SHA-256 in base64url")
        b64url_decode(value)
        return value

    def words(self, name: str, kind: type[_W]) -> frozenset[_W]:
        """Words of ``kind``, spelled in full, at least one, none of them twice."""
        items = self.list(name)
        known = {word.value: word for word in kind}
        words = frozenset(known[item] for item in items if isinstance(item, str) and item in known)
        if not words or len(words) != len(items):
            raise self._refused(f"{name} is empty, or holds something that this version does not know")
        return words

    def uses(self, name: str = "uses") -> frozenset[Use]:
        return self.words(name, Use)

    def list(self, name: str) -> list[Json]:
        value = self.take(name)
        if not isinstance(value, list) or len(value) > CONSENT_ITEMS:
            raise self._refused(f"{name} is not a list of {CONSENT_ITEMS} items at most")
        return value

    def object(self, name: str) -> Members:
        return self.inner(self.take(name), name)

    def inner(self, value: Json, name: str) -> Members:
        if not isinstance(value, dict):
            raise self._refused(f"{name} is not an object")
        return Members(value, name)

    def named(self, value: Json, name: str) -> Named:
        """An object that names a signed thing."""
        members = self.inner(value, name)
        named = Named(members.identifier("id"), members.sha256("sha256"))
        members.done()
        return named

    def status_or_none(self, name: str = "status_list") -> StatusRef | None:
        if self._is_null(name):
            return None
        members = self.object(name)
        ref = StatusRef(members.identifier("id"), members.text_or_none("url"))
        members.done()
        return ref

    def _refused(self, what: str) -> TokenRefused:
        return TokenRefused(Code.GRANT_MEMBER, f"in {self._where}: {what}")


def opened(text: str, kind: Kind, limit: int = TOKEN_CHARS) -> tuple[Token, Members]:
    """The token of a statement of this kind, and its members; nothing of it is proven.

    Raises:
        TokenRefused: ``rule`` says which rule of the format is broken.
    """
    token = parse(text, kind.value, limit)
    return token, Members.of(token, kind)


def has_payload(text: str) -> bool:
    """Whether a statement can be read, whatever it then says: what it names is known."""
    parts = text.split(".")
    try:
        return len(parts) == 3 and json_object(b64url_decode(parts[1])) is not None
    except TokenRefused:
        return False


_PART: Final = re.compile(r"[A-Za-z0-9_-]+")


def kind_of(text: str) -> Kind | None:
    """The kind that the header of ``text`` claims, if it can be told."""
    header = text.partition(".")[0]
    if not _PART.fullmatch(header):
        return None
    data = b64url_decode(header)
    return next((kind for kind in Kind if f'"{kind.value}"'.encode() in data), None)
