"""Records of what a glance told, as lines of JSON, without building a verdict for each.

A template is the record of one such verdict, with holes for what differs from file to file; a test holds the
lines against the records that they stand for.
"""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Final, NamedTuple

from noai.encoding import LAST_SECOND
from noai.glancing import Glimpse
from noai.policy import Policy
from noai.records import dump_text, template
from noai.text import escape_path
from noai.verdict import Decision, iso

#: Templates that are kept: containers times what markers say.
_TEMPLATES: Final = 1_000
_PATH, _KID, _ID = "\x01path", "\x01kid", "\x01id"
_SIZE, _MTIME, _ISSUED = 10**18 + 1, 10**18 + 2, LAST_SECOND


class Line(NamedTuple):
    """One record, without a line break, and what it decides."""

    text: str
    decision: Decision
    admitted: bool


class GlimpseLines:
    """Writes the records of one policy."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._templates: dict[object, Line] = {}

    def line(self, path: str, glimpse: Glimpse) -> Line:
        """The record of the file at ``path``."""
        container, marker, size, mtime_ns = glimpse
        if marker is None:
            made = self._templates.get(container) or self._make(container, glimpse)
            text = made.text % (dump_text(escape_path(path)), size, mtime_ns)
            return Line(text, made.decision, made.admitted)
        kid, identifier, issued_at = marker.kid, marker.id, marker.issued_at
        key = (container, marker.place, marker.said, kid is None, identifier is None, issued_at is None)
        made = self._templates.get(key) or self._make(key, glimpse)
        values: list[object] = [dump_text(escape_path(path)), size, mtime_ns]
        if kid is not None:
            values.append(dump_text(kid))
        if issued_at is not None:
            values.append(time.strftime('"%Y-%m-%dT%H:%M:%SZ"', time.gmtime(issued_at)))
        if identifier is not None:
            values.append(dump_text(identifier))
        return Line(made.text % tuple(values), made.decision, made.admitted)

    def _make(self, key: object, glimpse: Glimpse) -> Line:
        """The template of all records like that of ``glimpse``."""
        marker = glimpse.marker
        holes: list[str | int] = [_PATH, _SIZE, _MTIME]
        if marker is not None:
            if marker.kid is not None:
                marker, holes = marker._replace(kid=_KID), [*holes, _KID]
            if marker.issued_at is not None:
                issued = iso(datetime.fromtimestamp(_ISSUED, timezone.utc))
                marker, holes = marker._replace(issued_at=_ISSUED), [*holes, issued]
            if marker.id is not None:
                marker, holes = marker._replace(id=_ID), [*holes, _ID]
        sample = Glimpse(glimpse.container, marker, _SIZE, _MTIME)
        verdict = self._policy.decide(sample.report(_PATH))
        if len(self._templates) >= _TEMPLATES:
            self._templates.clear()
        made = Line(template(verdict.record(), holes), verdict.decision, verdict.admitted)
        self._templates[key] = made
        return made
