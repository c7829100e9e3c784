"""Edits and readings that the container contract is tested with."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from noai.containers.interface import Detected, FieldRole, TagArea, TagEdit
from noai.containers.registry import CONTAINERS, detect
from noai.essence import EssenceReading
from noai.sources import BytesSource, open_path
from tests.audio import cases, container_name

#: As long as a real token with one certificate, and of its alphabet.
MARKER = ".".join(("eyJhbGciOiJFUzI1NiIs" * 60, "eyJub2FpIjoxLCJpZCI6" * 40, "Zm9vYmFy_-Zm9vYmFy" * 5))
OTHER_MARKER = MARKER.replace("bm9haQ", "aaaaaa")[:-8] + "different"
STATEMENT = "noai:AbCdEfGhIjKlMnOpQrStUv No AI training without permission."
OTHER_STATEMENT = "noai:0123456789-_abcdefghij No AI model training without permission."
DATA_MINING = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"
OTHER_DATA_MINING = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"

#: Standard base64, with all of its alphabet and as long as a timestamp with three certificates.
TIMESTAMP = "MIIRKgYJKoZIhvcNAQcCoIIR" + "+/0aB9zZ" * 740 + "Zg=="
OTHER_TIMESTAMP = TIMESTAMP.replace("0aB9", "1bC8")

MARK = TagEdit(markers=(MARKER,), statement=STATEMENT, data_mining=DATA_MINING)
REPLACE = TagEdit(
    markers=(OTHER_MARKER,),
    statement=OTHER_STATEMENT,
    lifted_statements=(STATEMENT,),
    data_mining=OTHER_DATA_MINING,
    lifted_data_mining=DATA_MINING,
)
DATED = replace(MARK, timestamps=(TIMESTAMP,))
LIFT = TagEdit(markers=(), lifted_statements=(STATEMENT,), lifted_data_mining=DATA_MINING)

_WRITABLE = {name for container in CONTAINERS if container.writable for name in container.names}


def is_writable(case: tuple[str, str]) -> bool:
    return container_name(case[0]) in _WRITABLE


#: Every real file there is. ``long`` ones only matter where bytes are counted.
CASES = [case for case in cases() if case[1] != "long"]
READ_ONLY = [case for case in CASES if not is_writable(case)]
WRITABLE = [case for case in CASES if is_writable(case)]
LONG = [case for case in cases() if case[1] == "long" and is_writable(case)]
#: One a codec, for bodies that cost more.
PLAIN = [case for case in WRITABLE if case[1] == "plain"]
TAGGED = [case for case in WRITABLE if case[1] == "tagged"]


@contextmanager
def opened(path: Path) -> Iterator[tuple[BytesSource, Detected]]:
    """The bytes of a file and the container that recognises them."""
    source = BytesSource(path.read_bytes())
    yield source, detect(source)


def write(path: Path, edit: TagEdit) -> None:
    with open_path(path) as (source, _):
        container = detect(source).container
    with path.open("r+b") as file:
        container.write_tags(file, edit)


def written(data: bytes, edit: TagEdit) -> bytes:
    file = io.BytesIO(data)
    detect(BytesSource(data)).container.write_tags(file, edit)
    return file.getvalue()


def tags(path: Path) -> TagArea:
    with opened(path) as (source, detected):
        return detected.container.read_tags(source)


def essence(data: bytes) -> EssenceReading:
    source = BytesSource(data)
    return detect(source).container.read_essence(source)


def values(area: TagArea, role: FieldRole) -> list[str]:
    return [field.value for field in area.fields if field.role is role]
