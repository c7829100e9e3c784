"""Catalogues: what is to be said about many tracks, one row each, as CSV, JSON or JSON lines.

A row names a track by its ``path`` and says what :class:`noai.declaration.Declaration` can say; what it
leaves empty is left open. Nothing is guessed: a column that is not known refuses the whole catalogue,
unless its name begins with ``x-``.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from noai.claim import Profile, Rights, Use, Work
from noai.codes import Code
from noai.declaration import Declaration, clean_text
from noai.encoding import Json, json_object
from noai.errors import CatalogueError, TokenRefused, UsageError
from noai.identifiers import Identifier, normalise
from noai.limits import CATALOGUE_BYTES, CATALOGUE_PROBLEMS, CATALOGUE_ROWS
from noai.sources import open_path, read_exactly
from noai.text import printable

_USES: Final = ("deny", "allow", "constrain")
_RIGHTS: Final = ("holder", "contact", "licence_url", "terms_url")
_WORK: Final = tuple(each.name for each in fields(Work))
#: Everything that a column may be called.
COLUMNS: Final = ("path", "profile", *_USES, "constraint", *_RIGHTS, *_WORK)
#: Columns that are somebody else's begin so.
FOREIGN: Final = "x-"
#: What a spreadsheet may put between columns; in the order in which they are tried.
_SEPARATORS: Final = (",", ";", "\t")
_BETWEEN_USES: Final = re.compile(r"[\s,;|]+")
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_SHOWN_CHARS: Final = 60

_Cells = Mapping[str, Json]


@dataclass(frozen=True)
class Entry:
    """One row."""

    #: Where it stands, for people: ``line 7``, or ``entry 7`` of a JSON array.
    place: str
    #: Relative, below the folder that it is taken from.
    path: str
    declaration: Declaration


class Problems:
    """Collects what is wrong with a catalogue, so that all of it can be mended at once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._told: list[str] = []
        self._count = 0

    def add(self, place: str, problem: object) -> None:
        self._count += 1
        if self._count <= CATALOGUE_PROBLEMS:
            self._told.append(f"{place}: {problem}")

    def require_none(self) -> None:
        """Raises: CatalogueError, with everything that was added."""
        if not self._count:
            return
        if self._count == 1:
            raise CatalogueError(f"{self._name}: {self._told[0]}")
        if self._count > len(self._told):
            self._told.append(f"and {self._count - len(self._told)} more")
        raise CatalogueError(f"{self._name} has {self._count} problems", tuple(self._told))


def read(path: str | os.PathLike[str]) -> tuple[Entry, ...]:
    """The rows of the catalogue ``path``, in their order; its name says of which kind it is.

    Raises:
        SourceError: if it cannot be read.
        CatalogueError: with all that is wrong in it.
    """
    name = os.fspath(path)
    parse = _KINDS.get(Path(name).suffix.lower())
    if parse is None:
        raise CatalogueError(f"{name}: is no catalogue by its name; call it .csv, .json or .jsonl")
    problems = Problems(name)
    entries: list[Entry] = []
    places: dict[str, str] = {}
    for place, cells in parse(name, _text(name), problems):
        if len(entries) == CATALOGUE_ROWS:
            raise CatalogueError(f"{name}: has more than {CATALOGUE_ROWS} rows; make it several")
        entry = _entry(place, cells, problems)
        if entry is None:
            continue
        first = places.setdefault(entry.path, place)
        if first != place:
            problems.add(place, f"{printable(entry.path)} is already in {first}")
        entries.append(entry)
    problems.require_none()
    if not entries:
        raise CatalogueError(f"{name}: has no rows")
    return tuple(entries)


def _text(name: str) -> str:
    with open_path(name) as (source, _):
        if source.size > CATALOGUE_BYTES:
            raise CatalogueError(f"{name}: is larger than {CATALOGUE_BYTES // 2**20} MiB; make it several")
        data = read_exactly(source, 0, source.size)
    if data.startswith(_UTF_16):
        raise CatalogueError(f"{name}: is UTF-16; save it as UTF-8 (in Excel: CSV UTF-8)")
    try:
        # Excel puts a byte order mark in front.
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CatalogueError(
            f"{name}: line {line}: is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)"
        ) from None
    if "\0" in text:
        raise CatalogueError(f"{name}: holds NUL characters, and so is no text")
    return text


# -- the kinds -------------------------------------------------------------------------------------


def _csv(name: str, text: str, problems: Problems) -> Iterator[tuple[str, _Cells]]:
    separator = next((each for each in _SEPARATORS if "path" in _header(text, each)), None)
    if separator is None:
        raise CatalogueError(f"{name}: line 1: names no column path; the first line names the columns")
    header = _header(text, separator)
    _require_known(name, "line 1", header, problems)
    rows = _rows(text, separator)
    next(rows)
    line = 1
    try:
        while True:
            # A row may have several lines.
            place, row = next(rows)
            line = place
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                problems.add(f"line {place}", f"has {len(row)} cells, and there are {len(header)} columns")
                continue
            yield f"line {place}", dict(zip(header, row, strict=True))
    except StopIteration:
        return
    except csv.Error as error:
        # What follows cannot be told apart from what is in quotes.
        problems.add(f"behind line {line}", f"cannot be read as CSV: {error}")


def _rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, and the line on which each begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begin = 1
    for row in reader:
        if row:
            yield begin, row
        begin = reader.line_num + 1


def _header(text: str, separator: str) -> list[str]:
    try:
        _, row = next(_rows(text, separator))
    except (StopIteration, csv.Error):
        return []
    return [cell.strip().lower() for cell in row]


def _json(name: str, text: str, problems: Problems) -> Iterator[tuple[str, _Cells]]:
    # The strict reader of objects reads arrays as a member of one.
    wrapped = _object(name, f'{{"tracks":{text}}}', text)
    tracks = wrapped.get("tracks")
    if not isinstance(tracks, list) or len(wrapped) != 1:
        raise CatalogueError(f"{name}: is no array of objects, one a track")
    yield from _members(((f"entry {n}", track) for n, track in enumerate(tracks, 1)), problems)


def _json_lines(name: str, text: str, problems: Problems) -> Iterator[tuple[str, _Cells]]:
    def parsed() -> Iterator[tuple[str, Json]]:
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                yield f"line {number}", json_object(line.encode())
            except TokenRefused as refusal:
                problems.add(f"line {number}", refusal)

    yield from _members(parsed(), problems)


def _members(tracks: Iterator[tuple[str, Json]], problems: Problems) -> Iterator[tuple[str, _Cells]]:
    for place, track in tracks:
        if not isinstance(track, dict):
            problems.add(place, "is no object")
            continue
        unknown = _unknown(list(track))
        if unknown:
            problems.add(place, unknown)
        else:
            yield place, track


def _object(name: str, text: str, original: str) -> dict[str, Json]:
    try:
        return json_object(text.encode())
    except TokenRefused as refusal:
        line = ""
        if refusal.rule is Code.TOKEN_ENCODING:
            # Not too deep for the parser, which was looked at first.
            try:
                json.loads(original)
            except json.JSONDecodeError as error:
                line = f"line {error.lineno}: "
        raise CatalogueError(f"{name}: {line}{refusal}") from None


_KINDS: Final[Mapping[str, Callable[[str, str, Problems], Iterator[tuple[str, _Cells]]]]] = {
    ".csv": _csv,
    ".json": _json,
    ".jsonl": _json_lines,
}


def _require_known(name: str, place: str, header: list[str], problems: Problems) -> None:
    """Raises: CatalogueError, for columns that are not known, or that there are twice."""
    unknown = _unknown(header)
    if unknown:
        problems.add(place, unknown)
    for column in dict.fromkeys(header):
        if column in COLUMNS and header.count(column) > 1:
            problems.add(place, f"names the column {column} {header.count(column)} times")
    # Without columns no row means anything.
    problems.require_none()


def _unknown(names: list[str]) -> str | None:
    unknown = [name for name in names if name not in COLUMNS and not name.startswith(FOREIGN)]
    if not unknown:
        return None
    shown = ", ".join(repr(printable(name, _SHOWN_CHARS)) for name in unknown)
    known = ", ".join(COLUMNS)
    return f"has columns that noai does not know: {shown}; it knows {known}, and passes over x-…"


# -- one row ---------------------------------------------------------------------------------------


def _entry(place: str, cells: _Cells, problems: Problems) -> Entry | None:
    """What a row says; None, and its problems, where that is nothing."""
    wrong: list[str] = []

    def cell(name: str) -> str | None:
        value = cells.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            wrong.append(f"{name}: is no text; write it in quotes (a number loses zeros in front)")
            return None
        return value.strip() or None

    def said(name: str, convert: Callable[[str], str]) -> str | None:
        value = cell(name)
        try:
            return None if value is None else convert(value)
        except UsageError as error:
            wrong.append(f"{name}: {error}")
            return None

    path = said("path", _path)
    if not wrong and path is None:
        wrong.append("path: is empty")
    profile = said("profile", lambda text: Profile.parse(text).value)
    uses = {name: _uses(name, cells.get(name), wrong) for name in _USES}
    for use in Use:
        if sum(use in named for named in uses.values()) > 1:
            wrong.append(f"{use} stands in more than one of {', '.join(_USES)}")
    declaration = Declaration(
        None if profile is None else Profile(profile),
        **uses,
        constraint=said("constraint", clean_text),
        rights=Rights(**{name: said(name, clean_text) for name in _RIGHTS}),
        work=Work(**{name: said(name, _converter(name)) for name in _WORK}),
    )
    for each in wrong:
        problems.add(place, each)
    return None if wrong or path is None else Entry(place, path, declaration)


def _converter(name: str) -> Callable[[str], str]:
    kind = next((each for each in Identifier if each.value == name), None)
    return clean_text if kind is None else lambda text: normalise(kind, text)


def _path(text: str) -> str:
    path = os.path.normpath(text)
    if os.path.isabs(path) or path.split(os.sep)[0] in (os.curdir, os.pardir):
        raise UsageError(
            f"{printable(text, _SHOWN_CHARS)} does not lie below the folder; give the way from there"
        )
    return path


def _uses(name: str, value: Json, wrong: list[str]) -> tuple[Use, ...]:
    """The uses in a cell: names between spaces, commas or semicolons, or an array of names."""
    names = _BETWEEN_USES.split(value.strip()) if isinstance(value, str) else value or []
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        wrong.append(f"{name}: is neither a text nor an array of texts")
        return ()
    found: list[Use] = []
    for each in names:
        try:
            found += [Use.parse(str(each))] if each else []
        except UsageError as error:
            wrong.append(f"{name}: {error}")
    return tuple(dict.fromkeys(found))
