"""Identifiers of the music trade: real ones pass in any spelling, slips of the pen do not."""

from __future__ import annotations

import string

import pytest

from noai.claim import Work
from noai.errors import IdentifierChecksum, IdentifierError, IdentifierMalformed, UsageError
from noai.identifiers import Identifier, checked, normalise, printed, shown

#: Kind, as it may be written, as claims hold it, as it is printed.
GOOD = [
    ("isrc", "QZ-ABC-26-00001", "QZABC2600001", "QZ-ABC-26-00001"),
    ("isrc", " qzabc2600001 ", "QZABC2600001", "QZ-ABC-26-00001"),
    ("isrc", "ISRC US-S1Z-99-00001", "USS1Z9900001", "US-S1Z-99-00001"),
    # Iceland; the first letters are not the name of the code.
    ("isrc", "ISRC12600001", "ISRC12600001", "IS-RC1-26-00001"),
    ("isrc", "ISRC:ISRC12600001", "ISRC12600001", "IS-RC1-26-00001"),
    # The example of the standard's own brochure.
    ("iswc", "T-034.524.680-1", "T0345246801", "T-034.524.680-1"),
    ("iswc", "ISWC T0345246801", "T0345246801", "T-034.524.680-1"),
    ("upc", "6 14141 00003 6", "614141000036", "614141000036"),
    # An EAN that begins with 0 is a UPC, whatever zeros a distributor puts in front.
    ("upc", "0614141000036", "614141000036", "614141000036"),
    ("upc", "00614141000036", "614141000036", "614141000036"),
    ("upc", "4006381333931", "4006381333931", "4006381333931"),
    ("upc", "73513537", "73513537", "73513537"),
    ("isni", "0000 0001 2281 955X", "000000012281955X", "0000 0001 2281 955X"),
    ("isni", "https://isni.org/isni/000000012281955x", "000000012281955X", "0000 0001 2281 955X"),
    # Those of real interested parties and companies, as they stand in public documents.
    ("ipi", "00014107338", "00014107338", "00014107338"),
    ("ipi", "14107338", "00014107338", "00014107338"),
    ("dpid", "PA-DPIDA-2013020802-I", "PADPIDA2013020802I", "PA-DPIDA-2013020802-I"),
    ("dpid", "PADPIDA2020062405C", "PADPIDA2020062405C", "PA-DPIDA-2020062405-C"),
    ("dpid", "padpida2007040502i", "PADPIDA2007040502I", "PA-DPIDA-2007040502-I"),
]

BAD = [
    ("isrc", "QZ-ABC-26-0001", IdentifierMalformed, "12 characters"),
    ("isrc", "1ZABC2600001", IdentifierMalformed, "12 characters"),
    ("isrc", "", IdentifierMalformed, "empty text"),
    ("isrc", "ＱZABC2600001", IdentifierMalformed, "characters that none has"),
    ("iswc", "034.524.680-1", IdentifierMalformed, "a T and 10 digits"),
    ("iswc", "T-034.524.680-2", IdentifierChecksum, "check digit"),
    ("upc", "614141000037", IdentifierChecksum, "check digit"),
    ("upc", "61414100003", IdentifierMalformed, "drop zeros in front"),
    ("upc", "6.14141E+11", IdentifierMalformed, "format the column as text"),
    # An outer carton, not a release.
    ("upc", "10614141000033", IdentifierMalformed, "12, 13 or 8 digits"),
    ("upc", "٦١٤١٤١٠٠٠٠٣٦", IdentifierMalformed, "characters that none has"),
    ("isni", "0000 0001 2281 9550", IdentifierChecksum, "check digit"),
    ("isni", "0000 0001 2281", IdentifierMalformed, "16 digits"),
    ("ipi", "00014107339", IdentifierChecksum, "check digit"),
    ("ipi", "I-000000229-7", IdentifierMalformed, "base number"),
    ("ipi", "123456789012", IdentifierMalformed, "11 digits"),
    ("dpid", "PADPIDA2013020802J", IdentifierChecksum, "check digit"),
    ("dpid", "2013020802", IdentifierMalformed, "18 characters"),
]


@pytest.mark.parametrize(("kind", "text", "held", "told"), GOOD)
def test_every_spelling_comes_to_one(kind: str, text: str, held: str, told: str) -> None:
    assert normalise(Identifier(kind), text) == held
    assert printed(Identifier(kind), held) == told
    assert normalise(Identifier(kind), told) == held


@pytest.mark.parametrize(("kind", "text", "error", "words"), BAD)
def test_what_is_none_is_refused_and_told_why(
    kind: str, text: str, error: type[IdentifierError], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        normalise(Identifier(kind), text)
    assert isinstance(caught.value, UsageError)
    assert Identifier(kind).label in str(caught.value) or kind == "ipi"


@pytest.mark.parametrize(
    ("kind", "held"),
    [
        (Identifier.UPC, "614141000036"),
        (Identifier.ISNI, "000000012281955X"),
        (Identifier.IPI, "00014107338"),
        (Identifier.DPID, "PADPIDA2013020802I"),
    ],
)
def test_every_single_wrong_digit_is_noticed(kind: Identifier, held: str) -> None:
    """Not so in an ISWC: its weights of 2, 4, 5, 6 and 8 share a factor with 10."""
    for at, right in enumerate(held):
        for wrong in string.digits if right.isdigit() else "":
            if wrong != right:
                with pytest.raises(IdentifierError):
                    normalise(kind, f"{held[:at]}{wrong}{held[at + 1 :]}")


def test_every_identifier_of_a_work_is_checked() -> None:
    given = {kind: text for kind, text, _, _ in GOOD}
    held = {kind: text for kind, _, text, _ in GOOD}
    assert checked(Work("T", "A", **given)) == Work("T", "A", **held)
    for kind, text, error, _ in BAD:
        with pytest.raises(error):
            checked(Work(**{kind: text}))


def test_what_a_stranger_signed_is_shown_as_it_is() -> None:
    assert shown("isrc", "QZABC2600001") == "QZ-ABC-26-00001"
    assert shown("isrc", "qz-abc") == "qz-abc"
    assert shown("isrc", "QZ-ABC-26-00001") == "QZ-ABC-26-00001"
    assert shown("title", "QZABC2600001") == "QZABC2600001"
