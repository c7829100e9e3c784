"""What a training-and-data-mining assertion says: CAWG 1.1, and its C2PA 1.x predecessor.

c2pa-rs validates nothing inside these assertions, so all of it is read here: strictly for
permissions, and in whatever state the assertion is for denials.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from noai import cbor
from noai.claim import Permission, Use, Uses, strictest
from noai.codes import Code
from noai.errors import ContainerError, ContainerMalformed, LimitExceeded
from noai.jumbf import Content, fault_of
from noai.limits import CBOR_DEPTH, TRAINING_ASSERTION_BYTES
from noai.vocabulary import TABLE, Vocabulary

#: With a version and with the instance suffix that C2PA gives to further assertions of one label.
_LABEL: Final = re.compile(r"(?:cawg|c2pa)\.training-mining(?:\.v\d+)?(?:__\d+)?")

ENTRIES: Final[dict[str, Use]] = {
    token.name: use
    for vocabulary in (Vocabulary.CAWG, Vocabulary.C2PA)
    for token in TABLE[vocabulary]
    for use in token.denies
}
#: The same without their prefixes, for denials: ``ai_training``.
_SHORT: Final = {name.rpartition(".")[2]: use for name, use in ENTRIES.items()}
#: The schema's name and the name that the prose of the specification uses.
_CONSTRAINTS: Final = ("constraint_info", "constraints_info")
_DENIALS: Final = frozenset(permission.value.casefold() for permission in Permission if permission.denies)
#: What decides how deep JSON nests. An escaped character goes as one, so that ``\"`` ends no string.
_JSON_MARK: Final = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
_SHOWN: Final = 300


@dataclass(frozen=True)
class Statement:
    """The uses that one assertion speaks about, what was wrong with it, and its words for people."""

    uses: Uses
    codes: tuple[Code, ...] = ()
    text: str = ""


def is_training_label(label: str) -> bool:
    return _LABEL.fullmatch(label) is not None


def read_assertion(contents: Sequence[Content], budget: cbor.Budget | None = None) -> Statement:
    """Read one assertion from its content boxes. Never raises.

    Of a damaged assertion only what it denies is kept. One ``budget`` serves all of a store.
    """
    budget = budget or cbor.Budget()
    codes: dict[Code, None] = {}
    values, uses = [], []
    for content in contents:
        value, error = _parse(content, budget)
        values.append(value)
        if error is not None:
            codes[fault_of(error).code] = None
            uses.append(_denied_by_words(content.data))
    if len(contents) != 1:
        codes[Code.C2PA_MALFORMED] = None
    for value in values:
        stated, found = _entries(value)
        uses.append(stated)
        codes.update(dict.fromkeys(found))
        denied, unknown = _denied_anywhere(value)
        uses.append(denied)
        if unknown:
            codes[Code.UNKNOWN_VALUE] = None
    combined = strictest(uses)
    if Code.C2PA_MALFORMED in codes or Code.LIMIT_EXCEEDED in codes:
        combined = {use: permission for use, permission in combined.items() if permission.denies}
    text = "; ".join(filter(None, map(_describe, values)))
    return Statement(MappingProxyType(combined), tuple(codes), text)


# -- the strict reading ---------------------------------------------------------------------


def _entries(value: cbor.Value) -> tuple[Uses, tuple[Code, ...]]:
    """What the ``entries`` of a well-formed assertion say."""
    held = value.all("entries") if isinstance(value, cbor.Map) else []
    entries = held[0] if len(held) == 1 else None
    if not isinstance(entries, cbor.Map):
        return {}, (Code.C2PA_MALFORMED,)
    codes: dict[Code, None] = {}
    if entries.repeats_a_key:
        codes[Code.C2PA_MALFORMED] = None
    stated: list[Uses] = []
    for key, entry in entries.pairs:
        use = _use(key)
        if use is None:
            if _could_deny(entry):
                codes[Code.UNKNOWN_VALUE] = None
            continue
        permission, code = _permission(entry)
        # A name in another spelling may deny, never permit.
        if permission is not None and (permission.denies or key in ENTRIES):
            stated.append({use: permission})
        if code is not None:
            codes[code] = None
    return strictest(stated), tuple(codes)


def _use(key: cbor.Value) -> Use | None:
    """The use that ``key`` names, in whatever case, and with or without the prefix."""
    if not isinstance(key, str):
        return None
    if key in ENTRIES:
        return ENTRIES[key]
    name = key.strip().casefold()
    return ENTRIES.get(name, _SHORT.get(name))


def _could_deny(entry: cbor.Value) -> bool:
    """Whether the entry of an unknown name says, or could mean, anything but a permission."""
    words = entry.all("use") if isinstance(entry, cbor.Map) else []
    return any(word != Permission.ALLOWED.value for word in words) or any(
        isinstance(part, str) and part.strip().casefold() in _DENIALS for part in cbor.walk(entry)
    )


def _permission(entry: cbor.Value) -> tuple[Permission | None, Code | None]:
    words = entry.all("use") if isinstance(entry, cbor.Map) else []
    if not isinstance(entry, cbor.Map) or len(words) != 1 or entry.repeats_a_key:
        return None, Code.C2PA_MALFORMED
    word = words[0]
    if not isinstance(word, str):
        return None, Code.C2PA_MALFORMED
    try:
        permission = Permission(word)
    except ValueError:
        return None, Code.UNKNOWN_VALUE
    if permission is Permission.CONSTRAINED and not _constraint(entry):
        # CAWG training and data mining 1.1, section 2: without information it means notAllowed.
        permission = Permission.NOT_ALLOWED
    return permission, None


def _constraint(entry: cbor.Map) -> str:
    found = [value for name in _CONSTRAINTS for value in entry.all(name)]
    return next((value for value in found if isinstance(value, str) and value.strip()), "")


# -- the search for denials -----------------------------------------------------------------


def _denied_anywhere(value: cbor.Value) -> tuple[Uses, bool]:
    """Denials wherever in the assertion they stand, and whether there are some of an unknown use."""
    found: list[Uses] = []
    unknown = False
    for part in cbor.walk(value):
        for key, entry in part.pairs if isinstance(part, cbor.Map) else ():
            if not isinstance(entry, cbor.Map):
                continue
            use = _use(key)
            denials = list(_denials(entry.all("use"), bool(_constraint(entry))))
            if use is not None:
                found += [{use: denial} for denial in denials]
            unknown = unknown or (use is None and bool(denials))
    return strictest(found), unknown


def _denials(words: Sequence[cbor.Value], constraint: bool) -> Iterator[Permission]:
    for word in words:
        if word == Permission.CONSTRAINED.value and constraint:
            yield Permission.CONSTRAINED
        elif word in (Permission.NOT_ALLOWED.value, Permission.CONSTRAINED.value):
            yield Permission.NOT_ALLOWED


def _denied_by_words(data: bytes) -> Uses:
    """Of bytes that cannot be parsed: every use that is named in them, if they hold a denying word."""
    data = data.lower()
    if not any(word.encode() in data for word in _DENIALS):
        return {}
    return {use: Permission.NOT_ALLOWED for name, use in _SHORT.items() if name.encode() in data}


# -- parsing --------------------------------------------------------------------------------


def _parse(content: Content, budget: cbor.Budget) -> tuple[cbor.Value, ContainerError | None]:
    if len(content.data) > TRAINING_ASSERTION_BYTES:
        return None, LimitExceeded(f"a training assertion of {len(content.data)} bytes")
    if content.kind == b"cbor":
        result = cbor.salvage(content.data, budget)
        return result.value, result.error
    if content.kind == b"json":
        try:
            return _parse_json(content.data, budget), None
        except (ContainerMalformed, LimitExceeded) as error:
            return None, error
    return None, ContainerMalformed("a training assertion is neither CBOR nor JSON")


def _parse_json(data: bytes, budget: cbor.Budget) -> cbor.Value:
    """JSON in the shape that CBOR decodes to, so that both are read by one code, duplicates kept."""
    if budget.items < 1:
        raise LimitExceeded("no items are left for a JSON assertion")
    try:
        text = data.decode("utf-8")
        # Counted before parsing, because the parser recurses.
        if _depth(text) > CBOR_DEPTH:
            raise LimitExceeded(f"JSON nests deeper than {CBOR_DEPTH}")
        value = _frozen(json.loads(text, object_pairs_hook=_pairs))
    except ValueError:
        raise ContainerMalformed("a training assertion is not well-formed JSON") from None
    for _ in cbor.walk(value):
        budget.spend()
    return value


def _depth(text: str) -> int:
    """How deep brackets nest outside strings, in one pass."""
    depth = deepest = 0
    in_string = False
    for match in _JSON_MARK.finditer(text):
        mark = match[0]
        if mark == '"':
            in_string = not in_string
        elif in_string:
            continue
        elif mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark in "]}":
            depth -= 1
    return deepest


def _pairs(pairs: list[tuple[str, Any]]) -> cbor.Map:
    return cbor.Map(tuple((key, _frozen(value)) for key, value in pairs))


def _frozen(value: Any) -> cbor.Value:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    parsed: cbor.Value = value
    return parsed


def _describe(value: cbor.Value) -> str:
    """The entries for people, cut where they are long."""
    entries = value.first("entries") if isinstance(value, cbor.Map) else None
    if not isinstance(entries, cbor.Map):
        return ""
    words = []
    for key, entry in entries.pairs:
        if isinstance(key, str) and isinstance(entry, cbor.Map):
            constraint = _constraint(entry)
            words.append(f"{key}: {entry.first('use')!s}" + (f" ({constraint})" if constraint else ""))
    return "; ".join(words)[:_SHOWN]
