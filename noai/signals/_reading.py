"""What the readers of small vocabularies share: named values, places, and a bound on findings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice

from noai.claim import strictest
from noai.codes import Code
from noai.containers.interface import FieldRole, TagField
from noai.limits import FINDINGS_PER_READER
from noai.names import plain_names
from noai.report import Finding, SignalSource
from noai.signals.interface import Evidence


@dataclass(frozen=True)
class NamedValue:
    """A text with a name, from a tag field or an XMP property."""

    place: str
    #: The XMP namespace, as :func:`plain_namespace` writes it; None in a tag field.
    namespace: str | None
    #: The name with and without prefixes, as :func:`plain_names` writes it.
    names: tuple[str, ...]
    value: str
    #: Whether a marker belongs here.
    is_marker_slot: bool = False


def named_values(evidence: Evidence) -> Iterator[NamedValue]:
    """Every tag field, then every property of every XMP packet that could be parsed."""
    for field in evidence.area.fields:
        is_slot = field.role is FieldRole.MARKER
        yield NamedValue(place_of(field), None, plain_names(field.key), field.value, is_slot)
    for read in evidence.xmp:
        for item in read.properties:
            namespace = plain_namespace(item.namespace)
            place = f"{read.packet.place} {item.name}"
            yield NamedValue(place, namespace, plain_names(item.name), item.value)


def plain_namespace(uri: str) -> str:
    """An XML namespace so that common misspellings compare: no scheme, ``www``, closing ``/`` or ``#``."""
    return re.sub(r"^https?://(?:www\.)?", "", uri.strip().casefold()).rstrip("/#")


def without_zeros(packet: bytes) -> bytes:
    """A packet that cannot be parsed, for a plain search: UTF-16 and UTF-32 then read like ASCII."""
    return packet.replace(b"\x00", b"")


def place_of(field: TagField) -> str:
    """Where a field stands, with its key unless the place names it already."""
    return field.place if field.place.endswith(field.key) else f"{field.place} {field.key}"


def bounded(
    source: SignalSource, findings: Iterable[Finding], rest_of: str = "rest of the tag area"
) -> list[Finding]:
    """``findings``, and past the limit one more that says what all the rest denies."""
    remaining = iter(findings)
    listed = list(islice(remaining, FINDINGS_PER_READER))
    first = next(remaining, None)
    if first is None:
        return listed
    denied = strictest(
        {use: permission for use, permission in finding.uses.items() if permission.denies}
        for finding in chain([first], remaining)
    )
    rest = Finding(
        source,
        rest_of,
        denied,
        codes=(Code.LIMIT_EXCEEDED,),
        message=f"more than {FINDINGS_PER_READER} statements of this kind",
    )
    return [*listed, rest]
