"""Records as JSON: dumped so that nothing in them does harm, and made from templates where they are many."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

_NOT_PLAIN: Final = re.compile(r"[^\x00-\x7e]")


def dump_json(value: object, indent: int | None = None) -> str:
    """JSON in ASCII: valid everywhere, and nothing in it can drive a terminal.

    A lone surrogate (from a path that is not UTF-8) becomes ``\\xNN``, since JSON has no bytes.
    """
    document = json.dumps(value, ensure_ascii=False, indent=indent)
    return _NOT_PLAIN.sub(_escape, document)


def dump_text(text: str) -> str:
    """The same for one string; quick for what most paths are made of."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return dump_json(text)


def template(record: object, holes: Sequence[str | int]) -> str:
    """``record`` as JSON with ``%s`` in place of each of ``holes``: values that stand in it in this order.

    Texts are to be filled in as :func:`dump_text` gives them.

    Raises:
        ValueError: if one of them does not.
    """
    document, pieces = dump_json(record), []
    for hole in holes:
        before, found, document = document.partition(json.dumps(hole))
        if not found:
            raise ValueError(f"{hole!r} is not in the record, or not behind the one in front of it")
        pieces.append(before.replace("%", "%%"))
    return "%s".join([*pieces, document.replace("%", "%%")])


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\\\x{code - 0xDC00:02x}"
    if 0xD800 <= code <= 0xDFFF:
        return f"\\\\u{code:04x}"
    return "\\u007f" if code == 0x7F else json.dumps(character)[1:-1]
