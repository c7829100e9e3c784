"""``tdmrep.json`` keeps what others have said in it."""

from __future__ import annotations

import json

import pytest

from noai import http
from noai.claim import ALL_USES
from noai.errors import SiteFileMalformed
from noai.limits import TDMREP_BYTES
from noai.publishing import SitePath
from noai.publishing.tdmrep import reserved, with_reservations

AUDIO = [SitePath.parse("/audio/")]
SITE = "https://ana.example"


def edited(rules: list[dict[str, object]] | None, policy: str | None = None) -> list[dict[str, object]]:
    existing = None if rules is None else json.dumps(rules).encode()
    return json.loads(with_reservations(existing, AUDIO, policy).content)


def test_a_new_file_reserves_the_path_and_nothing_else() -> None:
    content = with_reservations(None, AUDIO, "https://ana.example/p.json").content
    assert json.loads(content) == [
        {"location": "/audio/", "tdm-reservation": 1, "tdm-policy": "https://ana.example/p.json"}
    ]
    assert http.signals(f"{SITE}/audio/tune.mp3", tdmrep=content).denies == frozenset(ALL_USES)
    assert not http.signals(f"{SITE}/press/tune.mp3", tdmrep=content).denies


def test_rules_of_others_stay() -> None:
    others = [
        {"location": "/audio/free/", "tdm-reservation": 0, "note": "é"},
        {"location": "/", "tdm-reservation": 0},
    ]
    after = edited(others)
    assert [rule for rule in after if rule["location"] != "/audio/"] == others
    # In front of what is wider, behind what is narrower: the first that matches is the most specific.
    assert [rule["location"] for rule in after] == ["/audio/free/", "/audio/", "/"]


@pytest.mark.parametrize("location", ["/audio/", "/audio/*"])
def test_a_rule_for_the_same_location_is_reserved_in_its_place(location: str) -> None:
    before = {"location": location, "tdm-reservation": 0, "tdm-policy": "https://x.example/", "more": [1]}
    assert edited([before]) == [{**before, "tdm-reservation": 1}]
    policy = "https://ana.example/p"
    assert edited([before], policy) == [{**before, "tdm-reservation": 1, "tdm-policy": policy}]


def test_what_is_reserved_already_stays_to_the_byte() -> None:
    existing = b'\xef\xbb\xbf[ {"location":"/audio/" , "tdm-reservation":"1"} ]'
    assert with_reservations(existing, AUDIO, None).content == existing


def test_rules_that_say_something_else_are_told() -> None:
    rules = [
        {"location": "/audio/free/", "tdm-reservation": 0},
        {"location": "/text/*", "tdm-reservation": 1},
        {"location": "/audio/new/", "tdm-reservation": 1},
        {"location": "/", "tdm-reservation": 0},
    ]
    found = with_reservations(json.dumps(rules).encode(), AUDIO, None)
    assert (found.free, found.reserved) == (("/audio/free/",), ("/text/*",))
    assert reserved(json.dumps(rules).encode()) == ("/text/*", "/audio/new/")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[",
        b"\xff[]",
        b'{"location": "/", "tdm-reservation": 1}',
        b"[1]",
        b'[{"tdm-reservation": 1}]',
        b'[{"location": 1, "tdm-reservation": 1}]',
        b'[{"location": "/"}]',
        b'[{"location": "/", "tdm-reservation": true}]',
        b'[{"location": "/", "tdm-reservation": 2}]',
        b'[{"location": "/", "tdm-reservation": 0, "tdm-reservation": 1}]',
        b"[" * 100_000,
        b" " * TDMREP_BYTES + b"[]",
    ],
    ids=range(13),
)
def test_what_nothing_can_be_added_to_is_refused(data: bytes) -> None:
    with pytest.raises(SiteFileMalformed, match=r"^tdmrep\.json: "):
        with_reservations(data, AUDIO, None)
