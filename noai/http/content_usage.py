"""AIPREF ``Content-Usage``: a response field, and a rule of robots.txt.

draft-ietf-aipref-attach: a Structured Field dictionary in the field, a path and the same in robots.txt. What
it says is read as it is in a tag.
"""

from __future__ import annotations

from collections.abc import Iterable

from noai.http._rules import stated
from noai.http.interface import Exchange
from noai.http.robots_txt import Directive
from noai.report import Finding, SignalSource
from noai.signals.aipref import judge


def read(exchange: Exchange) -> Iterable[Finding]:
    """Every ``Content-Usage`` that applies."""
    # Several fields are one dictionary (RFC 9651, section 4.2); read one by one, each member counts as well.
    for place, said, value in stated(exchange, "content-usage", Directive.CONTENT_USAGE):
        uses, codes, message = judge(said)
        yield Finding(SignalSource.HTTP, place, uses, codes=codes, message=message, value=value)
