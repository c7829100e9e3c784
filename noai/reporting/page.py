"""The document as a whole: template, style and script, and a policy that lets in nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Final

from noai._version import __version__
from noai.reporting import sections
from noai.reporting.html import text
from noai.reporting.rows import Rows
from noai.reporting.sections import Input
from noai.reporting.summary import Summary
from noai.verdict import iso

_PLACE: Final = re.compile(r"\{\{(\w+)\}\}")


def document(
    title: str, created: datetime, inputs: Sequence[Input], summary: Summary, rows: Rows
) -> Iterator[str]:
    """The page, piece by piece: however many rows it has, few are in memory at a time."""
    shared = look()
    style = shared["look.css"] + _asset("report.css")
    script = shared["theme.js"] + _asset("report.js")
    values = {
        "policy": _policy(style, script),
        "version": text(__version__),
        "title": text(title),
        "style": style,
        "created": text(sections.moment(created)),
        "created_iso": iso(created),
        "warnings": sections.warnings(inputs, summary),
        "summary": sections.totals(summary),
        "question": sections.question(inputs, summary),
        "containers": sections.containers(summary),
        "reasons": sections.reasons(summary),
        "signers": sections.signers(summary),
        "files_note": sections.files_note(len(rows), rows.summed_up, rows.left_out),
        "explanation": sections.explanation(),
        "script": script,
    }
    # What is put in is not looked at again: a title may well be {{script}}.
    for number, piece in enumerate(_PLACE.split(_asset("report.html"))):
        if number % 2 == 0:
            yield piece
        elif piece == "data":
            yield from _data(rows)
        else:
            yield values[piece]


def _data(rows: Rows) -> Iterator[str]:
    yield _block("index", rows.index())
    for number, block in enumerate(rows.blocks()):
        yield _block(f"evidence-{number}", block)


def _block(name: str, content: bytes) -> str:
    # Base64 alone: there is no "<" in it that could end the element.
    return f'<script type="application/octet-stream" id="{name}">{content.decode("ascii")}</script>\n'


def _policy(style: str, script: str) -> str:
    """Nothing is loaded, sent or framed; the only script is ours."""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def look() -> dict[str, str]:
    """What this page and that of ``noai serve`` look alike by: files for a browser, by their names."""
    folder = files("noai.reporting") / "look"
    return {entry.name: entry.read_text("utf-8") for entry in folder.iterdir()}


def _asset(name: str) -> str:
    return (files("noai.reporting") / "assets" / name).read_text("utf-8")
