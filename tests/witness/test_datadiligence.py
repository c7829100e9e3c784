"""datadiligence beside noai on the same response headers: whatever it refuses, noai refuses.

It knows two headers, in one spelling, and the agent's name with its letter case. Where the two differ, the
difference is written here.
"""

from __future__ import annotations

import pytest
from datadiligence.rules import TDMRepHeader, XRobotsTagHeader

from noai.claim import Use
from noai.http import signals

AGENT = "MyBot"
SAME = [
    ({"X-Robots-Tag": "noai"}, False),
    ({"X-Robots-Tag": "noindex, noai"}, False),
    ({"X-Robots-Tag": "MyBot: noai"}, False),
    ({"X-Robots-Tag": "OtherBot: noai"}, True),
    ({"X-Robots-Tag": "OtherBot: noindex, noai"}, False),
    ({"X-Robots-Tag": "noindex"}, True),
    ({"X-Robots-Tag": "all"}, True),
    ({"tdm-reservation": "1"}, False),
    ({"tdm-reservation": " 1"}, False),
    ({"tdm-reservation": "0"}, True),
    ({"Content-Type": "audio/mpeg"}, True),
]
#: What noai refuses and datadiligence does not see.
SEEN_BY_NOAI_ALONE = [
    {"X-Robots-Tag": "NoAI"},
    {"X-Robots-Tag": "mybot: noai"},
    {"X-Robots-Tag": "no-ai"},
    {"tdm-reservation": "1, 0"},
    {"Content-Usage": "train-ai=n"},
    {"Content-Signal": "ai-train=no"},
]


def datadiligence_allows(headers: dict[str, str]) -> bool:
    return bool(
        XRobotsTagHeader(user_agent=AGENT).is_allowed(headers=headers)
        and TDMRepHeader().is_allowed(headers=headers)
    )


def noai_allows(headers: dict[str, str]) -> bool:
    return Use.GENERATIVE_TRAINING not in signals("https://example.org/a", headers, user_agent=AGENT).denies


@pytest.mark.parametrize(("headers", "allowed"), SAME, ids=str)
def test_both_say_the_same(headers: dict[str, str], allowed: bool) -> None:
    assert datadiligence_allows(headers) is noai_allows(headers) is allowed


@pytest.mark.parametrize("headers", SEEN_BY_NOAI_ALONE, ids=str)
def test_noai_hears_more(headers: dict[str, str]) -> None:
    assert datadiligence_allows(headers)
    assert not noai_allows(headers)


def test_an_opt_out_for_images_is_none_for_audio() -> None:
    headers = {"X-Robots-Tag": "noimageai"}
    assert not datadiligence_allows(headers)
    assert noai_allows(headers)
