"""``noai[http]`` is loaded when it is needed, and missed aloud."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

HEADERS: Final = (
    "signals('https://example.org/a', {'X-Robots-Tag': 'noai'}, robots_txt='Content-Signal: ai-train=no')"
)
BLOCK: Final = "import sys; sys.modules['protego'] = None; from noai.errors import ExtraMissing; "


def run(code: str) -> str:
    command = [sys.executable, "-c", f"from noai.http import signals; {code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_headers_and_rules_for_everybody_do_without_it() -> None:
    shown = run(f"import sys; {HEADERS}; print([m for m in ('protego', 'c2pa') if m in sys.modules], end='')")
    assert shown == "[]"


@pytest.mark.parametrize(
    "said",
    [
        "robots_txt='User-agent: *\\nContent-Signal: ai-train=no'",
        'tdmrep=\'[{"location": "/", "tdm-reservation": 1}]\'',
        "rsl='<rsl><content url=\"/\"><license/></content></rsl>'",
    ],
)
def test_what_has_to_be_matched_is_an_error_without_it(said: str) -> None:
    attempt = (
        f"try: signals('https://example.org/a', {said})\nexcept ExtraMissing as e: print(e.code, end='')"
    )
    code = f"{BLOCK}\n{attempt}"
    assert run(code) == "extra_missing"
