"""Every token of every vocabulary, where it can stand: in files and over HTTP, saying no and saying yes.

What each token says is written here, not computed: a change of the table shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import Final, cast

import pytest

from noai.claim import ALL_USES, Permission, Use
from noai.codes import Code
from noai.containers.interface import (
    Container,
    ContainerName,
    Detected,
    FieldRole,
    TagArea,
    TagField,
    XmpPacket,
)
from noai.http import signals
from noai.jumbf import Content
from noai.report import Finding, SignalSource
from noai.signals._training_mining import read_assertion
from noai.signals.interface import Evidence
from noai.signals.registry import READERS
from noai.sources import BytesSource
from noai.trust import TrustList
from noai.vocabulary import TABLE, Vocabulary
from noai.xmp import merge_data_mining

URL: Final = "https://example.org/audio/a.mp3"
GEN, TRAIN, MINE, INFER, VOICE = ALL_USES
ALL: Final = frozenset(ALL_USES)
NONE: Final[frozenset[Use]] = frozenset()
TRAINING: Final = frozenset({GEN, TRAIN, VOICE})
GENERATIVE: Final = frozenset({GEN, VOICE})

#: Vocabulary, token, what it denies when it says no, and what it permits when it says yes.
Row = tuple[Vocabulary, str, frozenset[Use], frozenset[Use]]
V: Final = Vocabulary
TOKENS: Final[tuple[Row, ...]] = (
    (V.PLUS, "DMI-PROHIBITED", ALL, NONE),
    (V.PLUS, "DMI-PROHIBITED-AIMLTRAINING", TRAINING, NONE),
    (V.PLUS, "DMI-PROHIBITED-GENAIMLTRAINING", GENERATIVE, NONE),
    (V.PLUS, "DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING", ALL, NONE),
    (V.PLUS, "DMI-PROHIBITED-SEECONSTRAINT", ALL, NONE),
    (V.PLUS, "DMI-PROHIBITED-SEEEMBEDDEDRIGHTSEXPR", ALL, NONE),
    (V.PLUS, "DMI-PROHIBITED-SEELINKEDRIGHTSEXPR", ALL, NONE),
    (V.PLUS, "DMI-ALLOWED", NONE, ALL),
    (V.PLUS, "DMI-UNSPECIFIED", NONE, NONE),
    (V.CAWG, "cawg.ai_generative_training", frozenset({GEN}), frozenset({GEN})),
    (V.CAWG, "cawg.ai_training", frozenset({TRAIN}), frozenset({TRAIN})),
    (V.CAWG, "cawg.data_mining", frozenset({MINE}), frozenset({MINE})),
    (V.CAWG, "cawg.ai_inference", frozenset({INFER}), frozenset({INFER})),
    (V.CAWG, "org.noai.voice_likeness", frozenset({VOICE}), frozenset({VOICE})),
    (V.C2PA, "c2pa.ai_generative_training", frozenset({GEN}), frozenset({GEN})),
    (V.C2PA, "c2pa.ai_training", frozenset({TRAIN}), frozenset({TRAIN})),
    (V.C2PA, "c2pa.data_mining", frozenset({MINE}), frozenset({MINE})),
    (V.C2PA, "c2pa.ai_inference", frozenset({INFER}), frozenset({INFER})),
    (V.TDMREP, "1", ALL, NONE),
    (V.TDMREP, "0", NONE, NONE),
    (V.TAG, "NOAI", ALL, NONE),
    (V.TAG, "NO_AI_TRAINING", ALL, NONE),
    (V.TAG, "NO_AI_TRAINING_MARKER", ALL, NONE),
    (V.TAG, "AI_TRAINING_OPT_OUT", ALL, NONE),
    (V.TAG, "AI_OPT_OUT", ALL, NONE),
    (V.TAG, "DO_NOT_TRAIN", ALL, NONE),
    (V.TAG, "AI_TRAINING_ALLOWED", ALL, frozenset({GEN, TRAIN})),
    (V.TAG, "AIGC", NONE, NONE),
    (V.AIPREF, "train-ai", GENERATIVE, frozenset({GEN})),
    (V.AIPREF, "search", frozenset({MINE}), NONE),
    (V.AIPREF, "train-genai", GENERATIVE, frozenset({GEN})),
    (V.AIPREF, "genai", GENERATIVE, frozenset({GEN})),
    (V.AIPREF, "ai", TRAINING, frozenset({GEN, TRAIN})),
    (V.AIPREF, "tdm", ALL, NONE),
    (V.AIPREF, "all", ALL, NONE),
    (V.AIPREF, "bots", ALL, NONE),
    (V.AIPREF, "inference", frozenset({INFER}), frozenset({INFER})),
    (V.AIPREF, "ai-use", frozenset({INFER}), frozenset({INFER})),
    (V.AIPREF, "ai-output", frozenset({INFER}), frozenset({INFER})),
    (V.CONTENT_SIGNAL, "ai-train", TRAINING, frozenset({GEN, TRAIN})),
    (V.CONTENT_SIGNAL, "ai-input", frozenset({INFER}), frozenset({INFER})),
    (V.CONTENT_SIGNAL, "search", frozenset({MINE}), NONE),
    (V.ROBOTS, "noai", ALL, NONE),
    (V.ROBOTS, "noimageai", NONE, NONE),
    (V.RSL, "all", ALL, NONE),
    (V.RSL, "ai-all", ALL, NONE),
    (V.RSL, "ai-train", TRAINING, NONE),
    (V.RSL, "ai-input", frozenset({INFER}), NONE),
    (V.RSL, "ai-index", frozenset({MINE}), NONE),
    (V.RSL, "search", frozenset({MINE}), NONE),
)

Say = Callable[[str, bool], Sequence[Finding]]


def in_file(key: str, value: str) -> list[Finding]:
    return read(TagArea((TagField("ID3v2.4 TXXX", key, value, FieldRole.OTHER),)))


def in_xmp(packet: bytes | None) -> list[Finding]:
    assert packet is not None
    return read(TagArea(xmp=(XmpPacket("ID3v2.4 PRIV XMP", packet),)))


def read(area: TagArea) -> list[Finding]:
    detected = Detected(ContainerName("mp3"), cast(Container, None))
    evidence = Evidence(
        BytesSource(b""), detected, area, TrustList(), datetime(2026, 11, 1, tzinfo=timezone.utc)
    )
    return [finding for reader in READERS for finding in reader.read(evidence)]


def assertion(entry: str, permission: str) -> list[Finding]:
    text = f'{{"entries": {{"{entry}": {{"use": "{permission}"}}}}}}'
    statement = read_assertion([Content(b"json", text.encode())])
    codes = (
        ()
        if not any(p is Permission.ALLOWED for p in statement.uses.values())
        else (Code.PERMISSION_UNPROVEN,)
    )
    return [Finding(SignalSource.C2PA, "assertion", statement.uses, codes=(*statement.codes, *codes))]


def header(name: str, value: str) -> Sequence[Finding]:
    return signals(URL, {name: value}).findings


def robots(line: str) -> Sequence[Finding]:
    return signals(URL, robots_txt=f"User-agent: *\n{line}\n").findings


def tdm_file(token: str) -> Sequence[Finding]:
    return signals(URL, tdmrep=f'[{{"location": "/", "tdm-reservation": {token}}}]').findings


def rsl(element: str, token: str) -> Sequence[Finding]:
    licence = f'<license><{element} type="usage">{token}</{element}></license>'
    return signals(
        URL, rsl=f'<rsl xmlns="https://rslstandard.org/rsl"><content url="/">{licence}</content></rsl>'
    ).findings


TDM: Final = (
    b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:t="http://www.w3.org/ns/tdmrep/">'
    b'<r:Description t:reservation="%s"/></r:RDF>'
)

#: Every place where tokens of a vocabulary stand, and how they say no and yes there; None where they cannot.
PLACES: Final[tuple[tuple[Vocabulary, str, Say], ...]] = (
    (V.PLUS, "xmp", lambda token, _: in_xmp(merge_data_mining(None, token, None))),
    (V.CAWG, "assertion", lambda token, no: assertion(token, "notAllowed" if no else "allowed")),
    (V.C2PA, "assertion", lambda token, no: assertion(token, "notAllowed" if no else "allowed")),
    (V.TDMREP, "tag", lambda token, _: in_file("tdm-reservation", token)),
    (V.TDMREP, "xmp", lambda token, _: in_xmp(TDM % token.encode())),
    (V.TDMREP, "header", lambda token, _: header("TDM-Reservation", token)),
    (V.TDMREP, "tdmrep.json", lambda token, _: tdm_file(token)),
    (V.TDMREP, "tdmrep.json, as text", lambda token, _: tdm_file(f'"{token}"')),
    (V.TAG, "tag", lambda token, no: in_file(token, "1" if no is (token != "AI_TRAINING_ALLOWED") else "0")),
    (V.AIPREF, "tag", lambda token, no: in_file("CONTENT-USAGE", f"{token}={'n' if no else 'y'}")),
    (V.AIPREF, "header", lambda token, no: header("Content-Usage", f"{token}={'n' if no else 'y'}")),
    (V.AIPREF, "robots.txt", lambda token, no: robots(f"Content-Usage: / {token}={'n' if no else 'y'}")),
    (
        V.CONTENT_SIGNAL,
        "header",
        lambda token, no: header("Content-Signal", f"{token}={'no' if no else 'yes'}"),
    ),
    (
        V.CONTENT_SIGNAL,
        "robots.txt",
        lambda token, no: robots(f"Content-Signal: {token}={'no' if no else 'yes'}"),
    ),
    (V.ROBOTS, "header", lambda token, _: header("X-Robots-Tag", token)),
    (V.RSL, "rsl", lambda token, no: rsl("prohibits" if no else "permits", token)),
)
#: Tokens that speak for themselves: there is no way to say the opposite.
ONE_WAY: Final = (V.PLUS, V.TDMREP, V.ROBOTS)


def rows() -> list[tuple[Row, str, Say]]:
    return [(row, place, say) for row in TOKENS for vocabulary, place, say in PLACES if vocabulary is row[0]]


def named(row: tuple[Row, str, Say]) -> str:
    (vocabulary, token, *_), place, _ = row
    return f"{vocabulary.name}-{token}-{place}"


def test_the_tokens_here_are_those_of_the_table() -> None:
    assert [row[:2] for row in TOKENS] == [(v, token.name) for v in TABLE for token in TABLE[v]]
    assert {vocabulary for vocabulary, _, _ in PLACES} == set(Vocabulary)


@pytest.mark.parametrize("row", rows(), ids=named)
def test_a_token_that_says_no(row: tuple[Row, str, Say]) -> None:
    (vocabulary, token, denied, permitted), _, say = row
    found = say(token, True)
    assert frozenset().union(*(finding.denies for finding in found)) == denied
    codes = {code for finding in found for code in finding.codes}
    assert codes == ({Code.PERMISSION_UNPROVEN} if vocabulary in ONE_WAY and permitted else set())


@pytest.mark.parametrize("row", [row for row in rows() if row[0][0] not in ONE_WAY], ids=named)
def test_a_token_that_says_yes(row: tuple[Row, str, Say]) -> None:
    (vocabulary, token, denied, permitted), _, say = row
    found = say(token, False)
    allowed = {u for f in found for u, p in f.uses.items() if p is Permission.ALLOWED}
    assert allowed == permitted
    # A list of what is permitted leaves the rest to be asked for.
    assert {use for f in found for use in f.denies} == (ALL - denied if vocabulary is V.RSL else NONE)
    assert {code for f in found for code in f.codes} == ({Code.PERMISSION_UNPROVEN} if permitted else set())


def test_a_code_with_constraints_asks_rather_than_forbids() -> None:
    for name in ("SEECONSTRAINT", "SEEEMBEDDEDRIGHTSEXPR", "SEELINKEDRIGHTSEXPR"):
        (finding,) = in_xmp(merge_data_mining(None, f"DMI-PROHIBITED-{name}", None))
        assert set(finding.uses.values()) == {Permission.CONSTRAINED}


@pytest.mark.parametrize(
    "found",
    [
        in_xmp(merge_data_mining(None, "DMI-SOMETIMES", None)),
        assertion("cawg.ai_training", "sometimes"),
        in_file("tdm-reservation", "2"),
        in_file("AI_TRAINING_ALLOWED", "sometimes"),
        in_file("CONTENT-USAGE", "train-ai=sometimes"),
        header("tdm-reservation", "2"),
        header("content-usage", "train-ai=sometimes"),
        header("content-signal", "ai-train=sometimes"),
        header("x-robots-tag", "sometimes"),
        robots("Content-Usage: / train-ai=sometimes"),
        robots("Content-Signal: ai-train=sometimes"),
        tdm_file("2"),
        rsl("prohibits", "sometimes"),
        rsl("permits", "all, sometimes"),
    ],
    ids=lambda found: found[0].place,
)
def test_an_unknown_value_is_a_finding_that_blocks_and_permits_nothing(found: Sequence[Finding]) -> None:
    assert found
    assert any(Code.UNKNOWN_VALUE in finding.codes for finding in found)
    assert not any(p is Permission.ALLOWED for finding in found for p in finding.uses.values())
