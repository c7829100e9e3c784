"""TDM Reservation Protocol, as tags and XMP carry it.

W3C community group final report, 10 May 2024: properties ``reservation`` and ``policy``, whose XMP
form (section "PDF") is ``tdm:reservation`` in the namespace ``http://www.w3.org/ns/tdmrep/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from noai.codes import Code
from noai.report import Finding, SignalSource
from noai.signals._reading import NamedValue, bounded, named_values, without_zeros
from noai.signals.interface import Evidence
from noai.vocabulary import DENY_ALL, Vocabulary, lookup

#: Part of the namespace, which has been seen with a year, a version, or ``#`` at its end.
_NAMESPACE: Final = "tdmrep"
_RESERVED: Final = re.compile(rb"""reservation\s*(?:=\s*["']|>)\s*1\b""", re.IGNORECASE)


class TdmRepReader:
    """Reads ``tdm-reservation`` in tag fields and ``tdm:reservation`` in XMP."""

    source = SignalSource.TDMREP

    def read(self, evidence: Evidence) -> Iterable[Finding]:
        return bounded(self.source, _findings(evidence))


def _findings(evidence: Evidence) -> Iterator[Finding]:
    for item in named_values(evidence):
        if _is_property(item, "RESERVATION"):
            yield _reservation(item)
        elif _is_property(item, "POLICY"):
            yield Finding(
                SignalSource.TDMREP, item.place, message="names terms, and denies nothing", value=item.value
            )
    yield from _unread(evidence)


def _is_property(item: NamedValue, name: str) -> bool:
    return f"TDM{name}" in item.names or (name in item.names and _NAMESPACE in (item.namespace or ""))


def _reservation(item: NamedValue) -> Finding:
    token = lookup(Vocabulary.TDMREP, item.value.strip())
    if token is None:
        return Finding(
            SignalSource.TDMREP,
            item.place,
            codes=(Code.UNKNOWN_VALUE,),
            message="a reservation that is neither 1 nor 0",
            value=item.value,
        )
    message = "rights are reserved" if token.denies else "rights are not reserved, which permits nothing"
    return Finding(SignalSource.TDMREP, item.place, token.denial, message=message, value=item.value)


def _unread(evidence: Evidence) -> Iterator[Finding]:
    """Packets that cannot be parsed are searched for a reservation; XmpReader says why they cannot."""
    for read in evidence.xmp:
        if read.error is not None and _RESERVED.search(without_zeros(read.packet.data)):
            yield Finding(
                SignalSource.TDMREP,
                read.packet.place,
                DENY_ALL,
                codes=(Code.XMP_MALFORMED,),
                message="a packet that cannot be parsed holds a reservation",
            )
