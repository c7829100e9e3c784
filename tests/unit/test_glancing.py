"""A marker that a glance reads: what it denies, the full reading denies as well."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noai import verifying
from noai.claim import ALL_USES, Permission
from noai.containers.interface import FieldRole, TagField
from noai.glancing import Glimpse, look, stated
from noai.policy import Admission, Policy
from noai.report import Depth
from noai.signals.marker import MarkerReader
from noai.trust import TrustList
from noai.verdict import Decision
from noai.verifying import Verifier
from tests.tracks import each_track, plant, tokens, unmarked
from tests.unit.test_signals import evidence
from tests.vectors.test_vectors import VECTORS

TOKEN: str = next(v["token"] for v in VECTORS if v["name"] == "valid-es256")


def slot(value: str) -> TagField:
    return TagField("vector", "NOAI", value, FieldRole.MARKER)


def denied(value: str) -> set[str]:
    read = evidence([slot(value)])
    return {
        use.value for finding in MarkerReader().read(replace(read, checks=False)) for use in finding.denies
    }


def glanced(value: str) -> set[str]:
    seen = stated(slot(value))
    return {use.value for use in seen.finding().denies} if seen is not None else set()


def encoded(payload: str) -> str:
    return base64.urlsafe_b64encode(payload.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()


@pytest.mark.parametrize("vector", VECTORS, ids=[v["name"] for v in VECTORS])
def test_a_glance_denies_no_more_than_the_vectors_do(vector: dict[str, Any]) -> None:
    assert glanced(vector["token"]) <= denied(vector["token"])


def test_a_whole_token_is_told_with_who_and_when() -> None:
    seen, full = stated(slot(TOKEN)), evidence([slot(TOKEN)])
    assert seen is not None
    (finding,) = MarkerReader().read(replace(full, checks=False))
    told = seen.finding()
    assert (told.uses, told.id, told.signed_at) == (finding.uses, finding.id, finding.signed_at)
    assert told.signed_by is not None
    assert finding.signed_by is not None
    assert told.signed_by.kid == finding.signed_by.kid


MEMBERS = st.sampled_from([use.value for use in ALL_USES] + ["uses", "noai", "x", "id", "iat"])
VALUES = st.sampled_from([p.value for p in Permission] + ["NOTALLOWED", "", "\ud800", "é", '"notAllowed"'])
LEAVES = st.one_of(VALUES, st.integers(-2, 2**70), st.none(), st.booleans())
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(MEMBERS, inner) | st.lists(inner, max_size=3))


@settings(max_examples=500)
@given(st.dictionaries(MEMBERS, TREES), st.dictionaries(MEMBERS, LEAVES), st.booleans())
def test_any_payload(members: dict[str, Any], uses: dict[str, Any], ascii_only: bool) -> None:
    header, _, signature = TOKEN.split(".")
    payload = json.dumps({**members, "uses": uses}, ensure_ascii=ascii_only)
    for each in (payload, payload.replace(":", " : "), payload[:-1] + f', "uses": {json.dumps(uses)}}}'):
        token = f"{header}.{encoded(each)}.{signature}"
        assert glanced(token) <= denied(token)


@settings(max_examples=500)
@given(st.integers(0, len(TOKEN) - 1), st.text("AZaz09-_.=+/ \n\u00e9", max_size=3), st.integers(0, 3))
def test_any_damage(at: int, piece: str, gone: int) -> None:
    token = TOKEN[:at] + piece + TOKEN[at + gone :]
    assert glanced(token) <= denied(token)


@pytest.mark.parametrize("value", ["1", "a.b", "..", "a.b.c.d", "x" * 20_000, "é.é.é", "a.W10.c", "a.MQ.c"])
def test_what_is_no_plain_token_is_not_told(value: str) -> None:
    assert stated(slot(value)) is None


@each_track
def test_at_decision_depth_a_lone_denial_is_all_that_is_reported(track: str) -> None:
    data = plant(unmarked(track), [TOKEN])
    for admission in Admission:
        policy = Policy(admission=admission)
        quick = Verifier(policy, TrustList(), depth=Depth.DECISION).verify(data)
        deep = Verifier(policy, TrustList()).verify(data)
        assert quick.decision is deep.decision is Decision.REJECTED
        assert (quick.admitted, quick.marked, quick.uses) == (deep.admitted, deep.marked, deep.uses)
        assert quick.record()["container"] == deep.record()["container"]
    assert tokens(data) == [TOKEN]


def test_a_glimpse_is_a_report() -> None:
    seen = stated(slot(TOKEN))
    assert seen is not None
    report = Glimpse("mp3", seen, 5, 6).report("a.mp3", "member", "00")  # type: ignore[arg-type]
    assert (report.path, report.member, report.sha256) == ("a.mp3", "member", "00")
    assert (report.size, report.mtime_ns, report.depth) == (5, 6, Depth.DECISION)


def test_a_file_that_changes_under_a_glance_is_read_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its head may be that of the old file and its end that of the new one."""
    track = tmp_path / "tune.mp3"
    track.write_bytes(unmarked("tune.mp3"))
    verifier = Verifier(trust=TrustList(), depth=Depth.DECISION)
    assert verifier.glance(str(track)) is not None

    def changing(*arguments: Any) -> Glimpse | None:
        seen = look(*arguments)
        track.write_bytes(plant(unmarked("tune.mp3"), [TOKEN]))
        return seen

    monkeypatch.setattr(verifying, "look", changing)
    assert verifier.glance(str(track)) is None
