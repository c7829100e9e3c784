"""``noai inspect``: everything found in one file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

import click

from noai import signing
from noai.claim import Use
from noai.cli import _render
from noai.cli._advice import with_advice
from noai.cli._examining import Examination
from noai.cli._exits import Exit
from noai.cli._options import PathType, as_json
from noai.cli._verdicts import checks, who
from noai.errors import ContainerError, SourceError
from noai.identifiers import shown
from noai.text import escape_path
from noai.verifying import default_trust

if TYPE_CHECKING:
    from rich.tree import Tree

#: Characters of a value that are shown; --json has all of it.
_VALUE_WIDTH: Final = 100
_USE_STYLES: Final = {"allowed": "green", "constrained": "yellow", "notAllowed": "red"}

Record = dict[str, Any]


@click.command(
    short_help="Show everything found in one file.", epilog="\b\nExample:\n  noai inspect song.mp3\n"
)
@click.argument("file", type=PathType(), metavar="FILE")
@as_json
def inspect(file: str, as_json: bool) -> int:
    """Show everything that FILE says about AI use, who says it, and how far each check gets.

    Facts only: what they come to is what "noai verify" says. Exit code 1 means that FILE could not be
    read as audio.
    """
    try:
        record = Examination.of(file, default_trust(), signing.now()).record()
    except (SourceError, ContainerError) as error:
        message = with_advice(error.code, _render.about(file, str(error)))
        _render.say(f"error: {file}: {message}")
        if as_json:
            failure = {"code": error.code, "message": str(error)}
            click.echo(_render.dump_json({"path": escape_path(file), "error": failure}, indent=2))
        return Exit.FAILED
    if as_json:
        click.echo(_render.dump_json(record, indent=2))
    else:
        _render.console(wrap=True).print(_tree(record))
    return Exit.OK


def _tree(record: Record) -> Tree:
    from rich.tree import Tree

    tree = Tree(_render.text((record["path"], "bold")))
    _branch(tree, "file", _file(record))
    _branch(tree, "essence", _essence(record["essence"]))
    signals = tree.add(
        _render.text(("signals", "bold")) if record["findings"] else _render.text("no signals")
    )
    for finding in record["findings"]:
        _branch(signals, finding["source"], _finding(finding), finding["place"])
    if record["fields"]:
        named = ((f"{f['place']} {f['key']}", _cut(f["value"])) for f in record["fields"])
        _branch(tree, "fields that noai reads", named)
    if record["xmp"] or record["manifests"] or record["sidecar_manifests"]:
        _branch(tree, "blocks", _blocks(record))
    if record["notes"]:
        _branch(tree, "notes", ((n["code"], n["message"]) for n in record["notes"]))
    return tree


def _branch(tree: Tree, name: str, rows: Iterable[tuple[str, Any]], place: str = "") -> None:
    branch = tree.add(_render.text((name, "bold cyan"), (f"  {place}" if place else "", "dim")))
    grid = _render.grid()
    for label, value in rows:
        shown = _render.text(value) if isinstance(value, str) else value
        grid.add_row(_render.text((label, "dim")), shown)
    branch.add(grid)


def _file(record: Record) -> Iterator[tuple[str, Any]]:
    yield "container", record["container"]
    yield "size", f"{record['size']:,} bytes"
    moment = datetime.fromtimestamp(record["mtime_ns"] / 1e9, timezone.utc)
    yield "changed", f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _essence(essence: Record) -> Iterator[tuple[str, Any]]:
    if "error" in essence:
        yield (
            "unreadable",
            _render.text((essence["error"]["code"], "red"), f": {essence['error']['message']}"),
        )
        return
    yield "scheme", essence["scheme"]
    yield essence["alg"], essence["digest"]
    yield "audio", f"{essence['payload_bytes']:,} bytes"
    for violation in essence["violations"]:
        yield "cannot bind", _render.text((violation["code"], "red"), f": {violation['message']}")


def _finding(finding: Record) -> Iterator[tuple[str, Any]]:
    if finding["message"]:
        yield "says", finding["message"]
    for permission, style in _USE_STYLES.items():
        uses = [use for use, said in finding["uses"].items() if said == permission]
        if uses:
            told = "all five uses" if len(uses) == len(Use) else ", ".join(uses)
            yield permission, _render.text((told, style))
    if finding["signed_by"] is not None:
        yield "signed by", who(finding)
        yield "key id", finding["signed_by"]["kid"]
        yield "checks", checks(finding)
    if finding["signed_at"]:
        yield "signed at", finding["signed_at"]
    if finding["id"]:
        yield "id", finding["id"]
    for certificate in finding["chain"]:
        validity = f"{certificate['not_before'][:10]} to {certificate['not_after'][:10]}"
        yield "certificate", f"{certificate['subject']}, {validity}"
    if finding["marker"] is not None:
        yield from _marker(finding["marker"])
    if finding["lifted"]:
        yield "lifted", "a valid marker speaks in its place"
    for code in finding["codes"]:
        yield "code", _render.text((code["code"], "yellow"), f": {code['meaning']}")
    if finding["value"] is not None and finding["value"] not in finding["message"]:
        yield "value", _cut(finding["value"])


def _marker(marker: Record) -> Iterator[tuple[str, Any]]:
    for group in ("rights", "work"):
        for name, value in marker[group].items():
            yield f"{group}: {name}", shown(name, value) if group == "work" else value
    if marker["constraint_info"]:
        yield "constraint", marker["constraint_info"]
    if marker["exp"] is not None:
        yield "permits until", f"{datetime.fromtimestamp(marker['exp'], timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
    yield "bound to", f"{marker['essence']['scheme']} {marker['essence']['digest']}"
    for old in marker["supersedes"]:
        yield "supersedes", old["id"]
    for item in marker["companions"]:
        yield "wrote beside it", item["source"]


def _blocks(record: Record) -> Iterator[tuple[str, Any]]:
    for packet in record["xmp"]:
        yield "XMP", f"{packet['place']}, {packet['bytes']:,} bytes"
    for store in record["manifests"]:
        first, pieces = store["pieces"][0][0], len(store["pieces"])
        places = f"at {first:,}" if pieces == 1 else f"in {pieces} pieces from {first:,} on"
        yield "C2PA", f"{store['place']}, {store['length']:,} bytes {places}"
    for store in record["sidecar_manifests"]:
        yield "C2PA", f"sidecar file, {store['length']:,} bytes"


def _cut(value: str) -> str:
    return value if len(value) <= _VALUE_WIDTH else f"{value[: _VALUE_WIDTH - 1]}…"
