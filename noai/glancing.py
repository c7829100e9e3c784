"""Facts by a glance: at decision depth most files need no more than a few small reads.

What a glance finds is nothing, or one marker. A marker that denies settles the matter, since only another
marker could lift it: whether it keeps the format, and who signed it, is then no question of the decision.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Set
from datetime import datetime, timezone
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from noai.claim import Permission, Use, Uses
from noai.containers.glances import glance
from noai.containers.interface import ContainerName, TagField
from noai.encoding import LAST_SECOND
from noai.limits import TOKEN_CHARS
from noai.report import Depth, Finding, Report, SignalSource, SignedBy
from noai.sources import ByteSource

#: The key's thumbprint stands at the start of a header, in front of the certificates.
_HEADER_CHARS: Final = 256
#: How noai and whoever keeps to the order of the specification begin a payload, up to what it says.
_WRITTEN: Final = re.compile(
    rb'\{"noai":1,"id":"([!#-\[\]-~]{1,128})","iat":(\d{1,12}),"exp":(?:null|\d{1,12}),'
    rb'"essence":\{[ -\[\]-z]*\},"uses":(\{[ -\[\]-z]*\})'
)
_PAYLOAD_CHARS: Final = 720
_KID: Final = re.compile(rb'"kid":"([A-Za-z0-9_-]{43})"')
#: From the alphabet of URLs to the plain one.
_BASE64: Final = bytes.maketrans(b"-_", b"+/")
_USES: Final = {use.value: use for use in Use}
_PERMISSIONS: Final = {permission.value: permission for permission in Permission}


class Stated(NamedTuple):
    """What one marker says; nothing of it is checked."""

    place: str
    #: Uses and permissions by their names, in the order of :class:`noai.claim.Use`.
    said: tuple[tuple[str, str], ...]
    #: As its header names the key, its payload itself and the time: seconds since 1970.
    kid: str | None
    id: str | None
    issued_at: int | None
    value: str

    def finding(self) -> Finding:
        return Finding(
            SignalSource.MARKER,
            self.place,
            _uses(self.said),
            message=_sentence(self.said),
            signed_by=None if self.kid is None else SignedBy(self.kid),
            signed_at=_instant(self.issued_at),
            id=self.id,
            value=self.value,
        )


class Glimpse(NamedTuple):
    """What a glance tells of one file: its container, and the marker that settles the decision, if any."""

    container: ContainerName
    marker: Stated | None
    size: int
    mtime_ns: int | None

    def report(self, path: str | None, member: str | None = None, sha256: str | None = None) -> Report:
        """The same as facts about the file at ``path``."""
        findings = () if self.marker is None else (self.marker.finding(),)
        return Report(
            path,
            self.container,
            self.size,
            self.mtime_ns,
            Depth.DECISION,
            findings,
            sha256=sha256,
            member=member,
        )


def look(source: ByteSource, requested: Set[Use], mtime_ns: int | None = None) -> Glimpse | None:
    """What settles the decision on ``source`` for the ``requested`` uses; None if it has to be read.

    Raises:
        SourceError: if the bytes cannot be had.
    """
    found = glance(source)
    if found is None:
        return None
    container, markers = found
    if not markers:
        return Glimpse(container, None, source.size, mtime_ns)
    if len(markers) > 1:
        return None
    marker = stated(markers[0])
    if marker is None or _denied(marker.said).isdisjoint(requested):
        return None
    return Glimpse(container, marker, source.size, mtime_ns)


def stated(slot: TagField) -> Stated | None:
    """What a marker says whose payload is plain JSON; None if that takes a closer look.

    A token that is refused in the end denies what any reading of it denies (:func:`noai.envelope.salvage`),
    so at least what this one does.
    """
    token = slot.value.strip()
    if len(token) > TOKEN_CHARS or "=" in token or not token.isascii():
        return None
    if token.count(".") != 2:
        return None
    header, payload, _ = token.split(".")
    try:
        kid = _kid(header[:_HEADER_CHARS])
        written = _WRITTEN.match(_decode(payload[:_PAYLOAD_CHARS]))
        if written is not None:
            # Whatever follows: if the payload is refused for it, this denial is salvaged.
            identifier, issued, uses = written.groups()
            members = {"id": identifier.decode("ascii"), "iat": int(issued)}
            said = _said_in(uses)
        else:
            members = json.loads(_decode(payload).decode("utf-8"))
            said = _said(tuple(members["uses"].items()))
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return None  # something else than an object with an object of strings
    identifier, issued = members.get("id"), members.get("iat")
    return Stated(
        slot.place,
        said,
        kid,
        identifier if type(identifier) is str else None,
        issued if type(issued) is int and 0 <= issued <= LAST_SECOND else None,
        slot.value,
    )


def _decode(part: str) -> bytes:
    return binascii.a2b_base64(part.encode("ascii").translate(_BASE64) + b"==")


@lru_cache(maxsize=256)
def _kid(header: str) -> str | None:
    """The key that the start of a ``header`` names, the same in all markers of one signer."""
    kid = _KID.search(_decode(header))
    return None if kid is None else kid[1].decode("ascii")


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)


@lru_cache(maxsize=256)
def _said_in(uses: bytes) -> tuple[tuple[str, str], ...]:
    return _said(tuple(json.loads(uses).items()))


@lru_cache(maxsize=256)
def _said(uses: tuple[tuple[str, object], ...]) -> tuple[tuple[str, str], ...]:
    """The uses and permissions of version 1 in ``uses``, in the order of :class:`noai.claim.Use`."""
    stated = dict(uses)
    return tuple(
        (name, value) for name in _USES if type(value := stated.get(name)) is str and value in _PERMISSIONS
    )


@lru_cache(maxsize=256)
def _uses(said: tuple[tuple[str, str], ...]) -> Uses:
    return MappingProxyType({_USES[name]: _PERMISSIONS[permission] for name, permission in said})


@lru_cache(maxsize=256)
def _denied(said: tuple[tuple[str, str], ...]) -> frozenset[Use]:
    return frozenset(use for use, permission in _uses(said).items() if permission.denies)


@lru_cache(maxsize=256)
def _sentence(said: tuple[tuple[str, str], ...]) -> str:
    parts = [
        f"{permission}: {', '.join(name for name, each in said if each == permission)}"
        for permission in dict.fromkeys(permission for _, permission in said)
    ]
    return f"a marker, not checked, says {'; '.join(parts)}"
