"""Structured Field dictionaries (RFC 9651, section 3.2), as far as preferences need them.

Strict about syntax, but every member is kept: where a key appears twice, the caller sees both,
not only the last one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from noai.errors import NoaiError
from noai.limits import PREFERENCE_CHARS


class FieldMalformed(NoaiError):
    """A value is not a Structured Field dictionary."""

    code = "field_malformed"


@dataclass(frozen=True)
class Member:
    """One member of a dictionary. Parameters are read over."""

    key: str
    #: The bare item or inner list as it is spelt; ``?1`` where a key stands alone.
    value: str


# Productions of RFC 9651, section 4.2: each matches without ambiguity, so that none backtracks far.
_KEY: Final = r"[a-z*][a-z0-9_\-.*]*"
_STRING: Final = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
_BARE: Final = (
    r"(?:"
    r"-?[0-9]{1,12}\.[0-9]{1,3}|-?[0-9]{1,15}(?![0-9.])"  # decimal, integer
    rf"|{_STRING}"
    r"|[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*"  # token
    r"|:[A-Za-z0-9+/=]*:"  # byte sequence
    r"|\?[01]"  # boolean
    r"|@-?[0-9]{1,15}"  # date
    r'|%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*"'  # display string
    r")"
)
_PARAMETERS: Final = rf"(?:;[ ]*{_KEY}(?:={_BARE})?)*"
_ITEM: Final = rf"{_BARE}{_PARAMETERS}"
_INNER_LIST: Final = rf"\([ ]*(?:{_ITEM}(?:[ ]+{_ITEM})*[ ]*)?\)"
_MEMBER: Final = re.compile(rf"(?P<key>{_KEY})(?:=(?P<value>{_INNER_LIST}|{_BARE}))?{_PARAMETERS}")
_COMMA: Final = re.compile(r"[ \t]*,[ \t]*")


def parse_dictionary(text: str) -> tuple[Member, ...]:
    """The members of a dictionary, in order, duplicates kept.

    Raises:
        FieldMalformed: where RFC 9651 says that parsing fails, or ``text`` is longer than the limit.
    """
    if len(text) > PREFERENCE_CHARS:
        raise FieldMalformed(f"longer than {PREFERENCE_CHARS} characters")
    text = text.strip(" ")
    members: list[Member] = []
    position = 0
    while position < len(text):
        if members:
            comma = _COMMA.match(text, position)
            if comma is None:
                raise FieldMalformed(f"a comma is expected at character {position + 1}")
            position = comma.end()
        member = _MEMBER.match(text, position)
        if member is None:
            raise FieldMalformed(f"a member is expected at character {position + 1}")
        members.append(Member(member["key"], "?1" if member["value"] is None else member["value"]))
        position = member.end()
    return tuple(members)
