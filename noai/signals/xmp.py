"""XMP ``plus:DataMining``: the vocabulary of the PLUS Coalition, adopted by IPTC.

PLUS License Data Format 2.0.1, property ``DataMining``; IPTC Photo Metadata Standard 2023.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Final

from noai.claim import Uses
from noai.codes import Code
from noai.containers.interface import XmpPacket
from noai.errors import LimitExceeded, XmpMalformed
from noai.names import plain_names
from noai.report import Finding, SignalSource
from noai.signals._reading import bounded, without_zeros
from noai.signals.interface import Evidence
from noai.vocabulary import DENY_ALL, Token, Vocabulary, lookup
from noai.xmp import DATA_MINING, Property

_PROHIBITED: Final = "DMI-PROHIBITED"
_VALUE: Final = re.compile(
    r"(?:https?://(?:ns\.|www\.)?useplus\.(?:org|com)/ldf/vocab/|plus:)?(?P<code>[^/]*)/?", re.IGNORECASE
)
#: Part of the namespace, which has been seen with other hosts and versions.
_NAMESPACE: Final = "useplus"
_NOTHING: Final[Uses] = MappingProxyType({})


class XmpReader:
    """Reads ``plus:DataMining`` in every XMP packet, at every depth of it."""

    source = SignalSource.XMP

    def read(self, evidence: Evidence) -> Iterable[Finding]:
        return bounded(self.source, _findings(evidence))


def _findings(evidence: Evidence) -> Iterator[Finding]:
    for read in evidence.xmp:
        if read.error is not None:
            yield _unread(read.packet, read.error)
        yield from (_read(read.packet, item) for item in read.properties if _speaks(item))


def _unread(packet: XmpPacket, error: XmpMalformed | LimitExceeded) -> Finding:
    """A packet that cannot be parsed is still searched for a denial."""
    code = Code.LIMIT_EXCEEDED if isinstance(error, LimitExceeded) else Code.XMP_MALFORMED
    uses, message = _NOTHING, str(error)
    if _PROHIBITED.encode("ascii") in without_zeros(packet.data).upper():
        uses, message = DENY_ALL, f"{message}; it holds {_PROHIBITED}"
    return Finding(SignalSource.XMP, packet.place, uses, codes=(code,), message=message)


def _speaks(item: Property) -> bool:
    """Whether ``item`` is ``plus:DataMining``, or a writer meant it to be."""
    if DATA_MINING.upper() not in plain_names(item.name):
        return False
    return (
        _NAMESPACE in item.namespace.casefold()
        or _token(item.value) is not None
        or _PROHIBITED in item.value.upper()
    )


def _token(value: str) -> Token | None:
    match = _VALUE.fullmatch(value)
    return lookup(Vocabulary.PLUS, match["code"].upper()) if match else None


def _read(packet: XmpPacket, item: Property) -> Finding:
    uses, codes, message = _judge(item.value)
    place = f"{packet.place} plus:{DATA_MINING}"
    return Finding(
        SignalSource.XMP, place, uses, codes=codes, message=message, value=item.value, beside=packet.beside
    )


def _judge(value: str) -> tuple[Uses, tuple[Code, ...], str]:
    token = _token(value)
    if token is None and _PROHIBITED in value.upper():
        return DENY_ALL, (Code.UNKNOWN_VALUE,), f"an unknown kind of {_PROHIBITED}"
    if token is None:
        return _NOTHING, (Code.UNKNOWN_VALUE,), "a value that PLUS does not define"
    if token.permits:
        return token.permission, (Code.PERMISSION_UNPROVEN,), f"says {token.name}"
    return token.denial, (), f"says {token.name}"
