"""Where a denial is written in a way that a strict parser would read over."""

from __future__ import annotations

from typing import Any

import pytest

from noai.claim import Use
from noai.codes import Code
from noai.http import signals

URL = "https://x.example/audio/a.mp3"
BROWSER = "Mozilla/5.0 (compatible; NoaiBot/1.0; +https://noai.example)"
GROUPS = "User-agent: NoaiBot\nContent-Signal: ai-train=no\n\nUser-agent: {}\nAllow: /\n"


@pytest.mark.parametrize(
    "said",
    [
        {"robots_txt": GROUPS.format("compatible"), "user_agent": BROWSER},
        {"robots_txt": GROUPS.format("Mozilla"), "user_agent": BROWSER},
        {"robots_txt": "User-agent: *\nContent-Usage: /audio/, train-ai=n\n"},
        {"robots_txt": "User-agent: *\nContent-Usage: /audio/: train-ai=n\n"},
        {"robots_txt": "User-agent: *\nContent-Usage: /x/ /audio/ train-ai=n\n"},
        {"robots_txt": "User-agent: *\n\u200bContent-Signal: ai-train=no\n"},
        {"robots_txt": "User-agent: *\nContent-Usage: /audio/\x0c train-ai=n\n"},
        {"headers": {"X-Robots-Tag": "max-snippet:-1 noai"}},
        {"headers": {"X-Robots-Tag": "max-image-preview:large; noai"}},
        {"headers": {"X-Robots-Tag": "unavailable_after: 25 Jun 2040 noai"}},
        {"headers": {"X-Robots-Tag": "all: noai"}},
        {"headers": {"X-Robots-Tag": "noindex: noai"}},
    ],
)
def test_it_denies_all_the_same(said: dict[str, Any]) -> None:
    found = signals(URL, said.pop("headers", ()), **said)
    assert Use.GENERATIVE_TRAINING in found.denies


def test_a_licence_is_named_for_every_agent() -> None:
    text = "User-agent: other\nLicense: https://x.example/rsl.xml\nAllow: /\n"
    (found,) = signals(URL, robots_txt=text, user_agent="NoaiBot").findings
    assert found.codes == (Code.TERMS_ELSEWHERE,)


@pytest.mark.parametrize("around", ["{}", '<content url="/">{}</content>', "<licenses>{}</licenses>"])
def test_a_prohibition_outside_a_licence_was_meant(around: str) -> None:
    said = around.format('<prohibits type="usage">ai-train</prohibits>')
    found = signals(URL, rsl=f"<rsl>{said}</rsl>")
    assert Use.TRAINING in found.denies
    assert Code.UNKNOWN_VALUE in {code for finding in found.findings for code in finding.codes}


def test_a_licence_ends_no_list_of_agents() -> None:
    text = "User-agent: NoaiBot\nLicense: /rsl.xml\nUser-agent: other\nContent-Signal: ai-train=no\n"
    assert Use.TRAINING in signals(URL, robots_txt=text, user_agent="NoaiBot").denies
