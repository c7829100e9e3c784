"""The parts of a site, and addresses, so that robots.txt, JSON and configurations can all hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from noai.errors import UsageError
from noai.limits import REMOTE_URL_CHARS

#: What a path of an address may hold as it is (RFC 3986, section 3.3), but for ``*`` and ``$``, which match
#: in robots.txt.
_PLAIN: Final = "/:@!&'()+,;=~"
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
#: ``/``, escaped: some servers take it for the end of a folder's name, others do not.
_ESCAPED_SLASH: Final = re.compile(r"%2f", re.IGNORECASE)
#: Without what ends a string or a field, or is a variable's in one of the files.
_URL: Final = re.compile(r"https?://[A-Za-z0-9\[][!#%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]*", re.IGNORECASE)


@dataclass(frozen=True)
class SitePath:
    """A part of a site: everything whose path begins so."""

    #: Percent-encoded, as in robots.txt.
    encoded: str

    @classmethod
    def parse(cls, text: str) -> SitePath:
        """
        Raises:
            UsageError: for what is no plain beginning of a path.
        """
        if not text.startswith("/"):
            raise UsageError(f"{text!r} is no path on the site: it must begin with /")
        if re.search(r"[*$?#\\\s\x00-\x1f\x7f]", text):
            raise UsageError(f"{text!r}: a path is the beginning of addresses, without wildcards or spaces")
        if _BROKEN_ESCAPE.search(text) or _ESCAPED_SLASH.search(text):
            raise UsageError(f"{text!r}: a % must begin an escaped character, and not a slash")
        try:
            decoded = unquote_to_bytes(text)
        except UnicodeEncodeError:
            raise UsageError(f"{text!r} is not valid UTF-8") from None
        if any(byte < 0x20 or byte == 0x7F for byte in decoded):
            raise UsageError(f"{text!r}: holds control characters")
        if {b".", b"..", b""} & set(decoded.split(b"/")[1:-1]) or decoded.endswith((b"/.", b"/..")):
            raise UsageError(f"{text!r}: addresses never have . or .. or empty names in their path")
        return cls(quote(decoded, safe=_PLAIN))

    @property
    def is_everything(self) -> bool:
        return self.encoded == "/"

    @property
    def expression(self) -> str:
        """A regular expression, without an anchor, over the decoded bytes of a path."""
        return "".join(
            chr(byte) if (chr(byte).isalnum() and byte < 0x80) or byte in b"/-_" else f"\\x{byte:02x}"
            for byte in unquote_to_bytes(self.encoded)
        )


def web_address(text: str) -> str | None:
    """``text`` if it is an absolute web address in ASCII that any field can hold; else None."""
    text = text.strip().replace("$", "%24")
    return text if len(text) <= REMOTE_URL_CHARS and _URL.fullmatch(text) else None


def require_address(text: str) -> str:
    """The same.

    Raises:
        UsageError: in place of None.
    """
    address = web_address(text)
    if address is None:
        raise UsageError(f"{text!r} is no web address: http:// or https://, in ASCII, without spaces")
    return address
