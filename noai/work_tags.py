"""What a file's own tags say of the work, where a claim leaves it open. Marking asks; verifying never does.

A tag is what anybody wrote there. It becomes a part of what is signed, so that only what is plain is taken:
an identifier that is valid and the only one of its kind, a title and artists that are short text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Final

from noai.claim import Work
from noai.containers.interface import TagArea, TagField
from noai.declaration import clean_text
from noai.errors import UsageError
from noai.identifiers import Identifier, normalise
from noai.limits import TAG_TEXT_CHARS
from noai.text import printable

#: Names of tags in ID3, Vorbis comments, MP4, APEv2, ASF, RIFF INFO, AIFF, CAF and Matroska, upper case.
_KEYS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "title": ("TIT2", "TITLE", "©NAM", "INAM", "NAME"),
        "artist": ("TPE1", "ARTIST", "©ART", "IART", "AUTH", "AUTHOR"),
        "isrc": ("TSRC", "ISRC", "WM/ISRC"),
        "iswc": ("ISWC", "WM/ISWC"),
        "upc": ("BARCODE", "UPC", "EAN", "EAN/UPC", "UPC/EAN", "WM/BARCODE"),
        "isni": ("ISNI",),
        "ipi": ("IPI",),
        "dpid": ("DPID",),
    }
)
#: Places that speak of a part of the file: a chapter, one track among several, a fragment.
_PART: Final = re.compile(r" CHAP\b| CTOC\b| of a part$|^MP4 (track|fragment)")
#: Between several artists.
_JOINT: Final = "; "
_SHOWN_CHARS: Final = 40


def filled(work: Work, area: TagArea) -> tuple[Work, tuple[str, ...]]:
    """``work`` with what it leaves open taken from the tags, and a sentence on each kind of thing done."""
    taken: dict[str, str] = {}
    notices: list[str] = []
    for name in (each.name for each in fields(Work) if getattr(work, each.name) is None):
        found = [f for f in area.fields if f.value and f.key in _KEYS[name] and not _PART.search(f.place)]
        kind = next((each for each in Identifier if each.value == name), None)
        value = _text(found) if kind is None else _identifier(kind, found, notices)
        if value is not None:
            taken[name] = value
    if taken:
        notices.insert(0, f"taken from the file's own tags: {', '.join(taken)}")
    return replace(work, **taken), tuple(notices)


def _identifier(kind: Identifier, found: Iterable[TagField], notices: list[str]) -> str | None:
    values: dict[str, None] = {}
    wrong: list[UsageError] = []
    for field in found:
        try:
            values[normalise(kind, field.value)] = None
        except UsageError as error:
            wrong.append(error)
    # One is told: a file can hold any number.
    notices += [f"a tag was not taken: {error}" for error in wrong[:1]]
    if len(values) > 1:
        shown = printable(", ".join(values), _SHOWN_CHARS)
        notices.append(f"tags were not taken: they name more than one {kind.label} ({shown})")
        return None
    return next(iter(values), None)


def _text(found: list[TagField]) -> str | None:
    """What the first place says; others may be shortened (ID3v1), or say it in another way."""
    values = dict.fromkeys(field.value.strip() for field in found if field.place == found[0].place)
    text = _JOINT.join(value for value in values if value)
    if len(text) > TAG_TEXT_CHARS:
        return None
    try:
        return clean_text(text)
    except UsageError:
        return None
