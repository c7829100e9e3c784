"""Pieces of HTML. Every text from outside goes through :func:`text`."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

from noai.text import printable


def text(value: str) -> str:
    """``value`` as the content of an element or a quoted attribute, with nothing in it that acts."""
    return html.escape(printable(value))


def count(number: int) -> str:
    return f"{number:,}"


def things(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def share(part: int, whole: int) -> str:
    """A percentage that never says none or all where that is not so."""
    if not whole:
        return "–"
    percent = 100 * part / whole
    if part and percent < 0.1:
        return "< 0.1 %"
    if part != whole and percent > 99.9:
        return "> 99.9 %"
    return f"{percent:.1f} %".replace(".0 %", " %")


def bar(parts: Iterable[tuple[str, int]], whole: int, kind: str = "bar") -> str:
    """Bars side by side, each with its class and number, out of ``whole``.

    Hidden from readers of the text, in which the same numbers stand.
    """
    at, rects = 0.0, []
    for name, number in parts:
        if number and whole:
            # A thing that is there is seen, however few they are.
            width = max(1000 * number / whole, 4.0)
            rects.append(f'<rect class="{name}" x="{at:.2f}" y="0" width="{width:.2f}" height="10"/>')
            at += width
    return (
        f'<svg class="{kind}" viewBox="0 0 {max(at, 1000):.2f} 10" preserveAspectRatio="none" '
        f'aria-hidden="true" focusable="false">{"".join(rects)}</svg>'
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values; values are HTML."""
    rows = "".join(f"<dt>{text(name)}</dt><dd>{value}</dd>" for name, value in pairs)
    return f'<dl class="facts">{rows}</dl>'


def table(caption: str, headings: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are HTML; a heading is its text and the class of its column."""
    head = "".join(f'<th scope="col" class="{name}">{text(title)}</th>' for title, name in headings)
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row" class="{name}">{cell}</th>' if not at else f'<td class="{name}">{cell}</td>'
            for at, (cell, (_, name)) in enumerate(zip(cells, headings, strict=True))
        )
        + "</tr>"
        for cells in rows
    )
    label = text(caption)
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{label}"><table aria-label="{label}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def section(name: str, title: str, *content: str) -> str:
    """A section with its heading."""
    joined = "\n".join(content)
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{text(title)}</h2>\n{joined}</section>'
