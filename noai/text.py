"""Showing untrusted text: escaped, so that a name in a file cannot drive a terminal or a reader."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: Control, format (bidi overrides among them), surrogate, private use, unassigned; line and
#: paragraph separators.
_ESCAPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_ESCAPED_PART: Final = re.compile(r"\\\\|\\x([0-9a-f]{2})")


def printable(text: str, limit: int | None = None) -> str:
    """``text`` with everything escaped that does not print as itself; cut with ``…`` at ``limit``."""
    if limit is not None and len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _ESCAPED else c for c in text)


def escape_path(path: str) -> str:
    """A path as a valid Unicode string, reversibly.

    A backslash becomes ``\\\\`` and a byte that is not UTF-8 becomes ``\\xNN``.
    """
    path = path.replace("\\", "\\\\")
    if path.isascii():
        return path
    return (
        "".join(f"\\x{ord(c) - 0xDC00:02x}" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in path)
        .encode("utf-8", "backslashreplace")
        .decode("utf-8")
    )


def unescape_path(text: str) -> str:
    """The path that :func:`escape_path` made ``text`` of."""
    return _ESCAPED_PART.sub(_unescape, text) if "\\" in text else text


def _unescape(match: re.Match[str]) -> str:
    return "\\" if match[1] is None else chr(0xDC00 + int(match[1], 16))


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
