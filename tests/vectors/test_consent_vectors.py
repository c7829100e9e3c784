"""Frozen vectors: what version 1 of consent signed, and what it comes to, for ever."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import import_key

from noai import certificates
from noai.consent import Declared, Line, judge
from noai.consent.delegations import Delegation
from noai.consent.endings import Revocation, StatusList
from noai.consent.grants import Grant
from noai.consent.judging import void_of
from noai.consent.lifting import lift
from noai.consent.statements import Kind, kind_of
from noai.consent.taking_back import take_back
from noai.encoding import b64url_decode
from noai.errors import TokenRefused
from noai.policy import Policy
from noai.report import Depth, Report
from noai.trust import May, TrustEntry, TrustList
from tests.vectors.test_vectors import KEY_TYPES, LongHeaders, judged

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parent / "consent-v1.json").read_text("utf-8"))
STATEMENTS: dict[str, dict[str, Any]] = {each["name"]: each for each in DOCUMENT["statements"]}
CASES: list[dict[str, Any]] = DOCUMENT["cases"]
PARSERS: dict[Kind, Callable[[str], Grant | Delegation | Revocation | StatusList]] = {
    Kind.GRANT: Grant.parse,
    Kind.DELEGATION: Delegation.parse,
    Kind.REVOCATION: Revocation.parse,
    Kind.STATUS: StatusList.parse,
}


def lines(names: list[str]) -> list[Line]:
    return [Line(name, STATEMENTS[name]["token"]) for name in names]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_it_comes_to_the_same_for_ever(case: dict[str, Any]) -> None:
    now = datetime.fromtimestamp(case["now"], timezone.utc)
    root = certificates.load_pem_chain(DOCUMENT["artist"].encode(), "artist")[0]
    trust = TrustList((TrustEntry(root, frozenset(May) if case["may_grant"] else frozenset({May.IDENTIFY})),))
    consent = judge(
        Declared(case["licensee"], case["model"], case["territory"]),
        trust,
        now,
        grants=lines(case["grants"]),
        revocations=lines(case["revocations"]),
        statuses=lines(case["status"]),
    )
    vector = {"token": DOCUMENT["marker"], "essence": DOCUMENT["essence"], "anchors": DOCUMENT["artist"]}
    finding = judged({**vector, "now": case["now"]})
    findings = lift(take_back([finding], consent), consent, lambda: None, now)
    verdict = Policy(tuple(case["uses"]), licensee=case["licensee"]).decide(
        Report(None, "mp3", 0, 0, Depth.EVIDENCE, findings)
    )
    expected = case["expected"]
    assert verdict.decision.value == expected["decision"]
    told = {code.value for each in findings for code in each.codes} | {r.code.value for r in verdict.reasons}
    assert expected["code"] is None or expected["code"] in told


@pytest.mark.parametrize("name", STATEMENTS)
def test_another_jose_library_agrees_about_the_signature(name: str) -> None:
    token, expected = STATEMENTS[name]["token"], STATEMENTS[name]["expected"]
    protected = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert protected["typ"] in {kind.value for kind in Kind}
    leaf = certificates.load_der(base64.b64decode(protected["x5c"][0]))
    try:
        key = import_key(certificates.pem([leaf]), KEY_TYPES.get(protected["alg"], "EC"))
        found = jws.deserialize_compact(token, key, registry=LongHeaders(algorithms=list(KEY_TYPES)))
    except JoseError:
        assert not expected["jose_valid"]
    else:
        assert expected["jose_valid"]
        assert found.payload == b64url_decode(token.split(".")[1])


@pytest.mark.parametrize("name", STATEMENTS)
def test_it_is_read_as_it_was_written(name: str) -> None:
    token, void = STATEMENTS[name]["token"], STATEMENTS[name]["expected"]["void"]
    kind = kind_of(token)
    assert kind is not None
    if void is None:
        assert PARSERS[kind](token).payload() == json.loads(b64url_decode(token.split(".")[1]))
        return
    with pytest.raises(TokenRefused) as refusal:
        PARSERS[kind](token)
    assert void_of(Line(name, token), refusal.value).code.value == void


def test_every_kind_is_there() -> None:
    good = {kind_of(each["token"]) for each in STATEMENTS.values() if each["expected"]["void"] is None}
    assert good == set(Kind)
