"""The identifiers of the music trade: checked, and brought to one spelling.

A claim holds each in its short spelling, without separators; :func:`printed` gives the one for people.

| kind | standard | check |
| --- | --- | --- |
| ISRC | ISO 3901:2019 | none; form only |
| ISWC | ISO 15707 | one digit, modulo 10 |
| UPC, EAN | GS1 General Specifications §7.9 | one digit, modulo 10 |
| ISNI | ISO 27729 | ISO/IEC 7064 MOD 11-2 |
| IPI name number | CISAC | two digits, modulo 101 |
| DPID | DDEX Party Identifier | ISO/IEC 7064 MOD 37,36 |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from noai.claim import Work
from noai.errors import IdentifierChecksum, IdentifierError, IdentifierMalformed
from noai.text import printable
from noai.words import Word

#: The first two letters of an ISRC were those of a country once. New ones are given out as old ones run
#: out, so a list of them would refuse good codes.
_ISRC: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_ISWC: Final = re.compile(r"T[0-9]{10}")
_DIGITS: Final = re.compile(r"[0-9]+")
_ISNI: Final = re.compile(r"[0-9]{15}[0-9X]")
_DPID: Final = re.compile(r"PADPIDA[0-9A-Z]{11}")
#: What people write between the parts.
_SEPARATORS: Final = re.compile(r"[-. \u00a0\u2010-\u2015]+")
_SHOWN_CHARS: Final = 40
_IPI_DIGITS: Final = 11
#: What a spreadsheet makes of a long number.
_SCIENTIFIC: Final = re.compile(r"[0-9]+([.,][0-9]+)?[eE]\+?[0-9]+")


class Identifier(Word):
    """A kind of identifier. The value is the name of the member of :class:`noai.claim.Work`."""

    ISRC = "isrc"
    ISWC = "iswc"
    UPC = "upc"
    ISNI = "isni"
    IPI = "ipi"
    DPID = "dpid"

    @property
    def label(self) -> str:
        """What people call it."""
        return {Identifier.UPC: "UPC or EAN", Identifier.IPI: "IPI name number"}.get(self, self.name)


def normalise(kind: Identifier, text: str) -> str:
    """``text`` in the spelling that claims hold.

    Raises:
        IdentifierMalformed, IdentifierChecksum: if it is none of that kind.
    """
    compact = _SEPARATORS.sub("", text.strip()).upper()
    if not compact.isascii():
        raise IdentifierMalformed(f"{_shown(text)} is no {kind.label}: it has characters that none has")
    named = compact.removeprefix(kind.name).removeprefix(":")
    # The ISRCs of Iceland begin with IS, and may go on with RC.
    return _CHECKS[kind](compact if _ISRC.fullmatch(compact) else named, text)


def printed(kind: Identifier, value: str) -> str:
    """A value as :func:`normalise` gives it, spelt for people."""
    if kind is Identifier.ISRC:
        return f"{value[:2]}-{value[2:5]}-{value[5:7]}-{value[7:]}"
    if kind is Identifier.ISWC:
        return f"{value[0]}-{value[1:4]}.{value[4:7]}.{value[7:10]}-{value[10:]}"
    if kind is Identifier.ISNI:
        return " ".join(value[at : at + 4] for at in range(0, len(value), 4))
    if kind is Identifier.DPID:
        return f"{value[:2]}-{value[2:7]}-{value[7:17]}-{value[17:]}"
    return value


def shown(name: str, value: str) -> str:
    """A member of a claim's ``work`` for people: spelt out if it is an identifier, else as it is."""
    kind = next((each for each in Identifier if each.value == name), None)
    try:
        spelt_well = kind is not None and normalise(kind, value) == value
    except IdentifierError:
        return value
    return printed(kind, value) if kind is not None and spelt_well else value


def checked(work: Work) -> Work:
    """``work`` with all its identifiers checked and normalised.

    Raises:
        IdentifierMalformed, IdentifierChecksum: for the first that is none.
    """
    found = {kind.value: getattr(work, kind.value) for kind in Identifier}
    spelt = {name: normalise(Identifier(name), text) for name, text in found.items() if text is not None}
    return replace(work, **spelt) if spelt else work


def _isrc(compact: str, text: str) -> str:
    if not _ISRC.fullmatch(compact):
        raise IdentifierMalformed(
            f"{_shown(text)} is no ISRC, which has 12 characters, such as QZ-ABC-26-00001"
        )
    return compact


def _iswc(compact: str, text: str) -> str:
    if not _ISWC.fullmatch(compact):
        raise IdentifierMalformed(
            f"{_shown(text)} is no ISWC, which is a T and 10 digits, such as T-034.524.680-1"
        )
    digits = [int(digit) for digit in compact[1:]]
    # The T counts 1, and each of the nine digits its place.
    total = 1 + sum(place * digit for place, digit in enumerate(digits[:9], 1))
    _require(-total % 10 == digits[9], Identifier.ISWC, text)
    return compact


def _upc(compact: str, text: str) -> str:
    from stdnum import ean

    if _SCIENTIFIC.fullmatch(text.strip()):
        raise IdentifierMalformed(
            f"{_shown(text)} is no UPC or EAN but what a spreadsheet makes of one; format the column as text"
        )
    # A release code of 14 digits is one of 12 or 13 with zeros in front, and so is an EAN of a UPC.
    kept = compact
    while len(kept) in (13, 14) and kept.startswith("0"):
        kept = kept[1:]
    if not _DIGITS.fullmatch(kept) or len(kept) not in (8, 12, 13):
        raise IdentifierMalformed(
            f"{_shown(text)} is no UPC or EAN, which have 12, 13 or 8 digits"
            + ("; spreadsheets drop zeros in front" if len(kept) in (9, 10, 11) else "")
        )
    _require(ean.is_valid(kept), Identifier.UPC, text)
    return kept


def _isni(compact: str, text: str) -> str:
    from stdnum.iso7064 import mod_11_2

    compact = compact.removeprefix("HTTPS://ISNIORG/ISNI/")
    if not _ISNI.fullmatch(compact):
        raise IdentifierMalformed(
            f"{_shown(text)} is no ISNI, which has 16 digits, such as 0000 0001 2281 955X"
        )
    _require(mod_11_2.is_valid(compact), Identifier.ISNI, text)
    return compact


def _ipi(compact: str, text: str) -> str:
    if compact.startswith("I"):
        raise IdentifierMalformed(
            f"{_shown(text)} is an IPI base number; give the name number, which has 11 digits"
        )
    if not _DIGITS.fullmatch(compact) or not 3 <= len(compact) <= _IPI_DIGITS:
        raise IdentifierMalformed(
            f"{_shown(text)} is no IPI name number, which has 11 digits, such as 00014107338"
        )
    compact = compact.zfill(_IPI_DIGITS)
    # Weights 10 to 2; a remainder of 1 would take a third digit.
    total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), compact, strict=False)) % 101
    _require((101 - total) % 101 % 100 == int(compact[9:]), Identifier.IPI, text)
    return compact


def _dpid(compact: str, text: str) -> str:
    from stdnum.iso7064 import mod_37_36

    if not _DPID.fullmatch(compact):
        raise IdentifierMalformed(
            f"{_shown(text)} is no DPID, which has 18 characters, such as PA-DPIDA-2013020802-I"
        )
    _require(mod_37_36.is_valid(compact), Identifier.DPID, text)
    return compact


def _require(fits: bool, kind: Identifier, text: str) -> None:
    if not fits:
        raise IdentifierChecksum(
            f"{_shown(text)} is no {kind.label}: the check digit does not fit; look for a slip of the pen"
        )


def _shown(text: str) -> str:
    return f"{printable(text, _SHOWN_CHARS)!r}" if text else "an empty text"


_CHECKS: Final[Mapping[Identifier, Callable[[str, str], str]]] = MappingProxyType(
    {
        Identifier.ISRC: _isrc,
        Identifier.ISWC: _iswc,
        Identifier.UPC: _upc,
        Identifier.ISNI: _isni,
        Identifier.IPI: _ipi,
        Identifier.DPID: _dpid,
    }
)
