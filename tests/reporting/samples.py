"""Verdict records for reports: real ones of the sample files, and changes of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import noai
from noai.records import dump_json
from noai.trust import TrustList
from tests.audio import SAMPLES

Record = dict[str, Any]

#: Names that would do harm on a page that took them for anything but text.
HOSTILE = (
    "</script><script>document.title='owned'</script>.mp3",
    "<img src=x onerror=\"document.title='owned'\">.mp3",
    "'\"`&amp;{{script}}${1}.mp3",
    "gpj.\u202e3pm.exe",
    "line\nbreak\x00\x1b[2J\u2028.mp3",
    "surrogate-\ud800.mp3",
    "__proto__",
    "constructor/",
)


@cache
def _record_of(name: str) -> Record:
    return noai.verify(SAMPLES / name, trust=TrustList()).record()


def record(name: str = "unmarked/tune.flac", **changes: Any) -> Record:
    """The record of a sample file, with members changed."""
    return {**copy.deepcopy(_record_of(name)), **changes}


def marked(**changes: Any) -> Record:
    return record("marked/tune.mp3", **changes)


def all_samples() -> list[Record]:
    """The records of every sample file, by path below ``sample_audio``."""
    names = sorted(
        path.relative_to(SAMPLES).as_posix()
        for folder in ("marked", "tampered", "unmarked")
        for path in (SAMPLES / folder).iterdir()
    )
    return [record(name, path=name) for name in names]


def hostile() -> Iterator[Record]:
    """Records in which every text is one of :data:`HOSTILE`."""
    for text in HOSTILE:
        made = marked(path=f"folder/{text}", member=text, container=text, noai=text, policy=text, depth=text)
        made["requested"], made["uses"] = [text], {text: text}
        made["reasons"] = [{"code": text, "source": text, "message": text}]
        made["notes"] = [{"code": text, "message": text}]
        made["error"] = {"code": text, "message": text}
        made["sha256"] = text
        for signal in made["signals"]:
            signal.update(source=text, place=text, message=text, id=text, signed_at=text, codes=[text])
            signal["uses"] = {text: text}
            signal["signed_by"] = {"kid": text, "subject": text, "trusted_as": text}
        yield made


def write_lines(path: Path, records: Iterable[Record]) -> Path:
    """``records`` as JSON lines, as ``noai verify`` writes them."""
    with path.open("w", encoding="ascii") as file:
        for made in records:
            file.write(dump_json(made) + "\n")
    return path


def write_raw(path: Path, records: Iterable[Record]) -> Path:
    """The same as other writers may: lone surrogates and control characters as JSON escapes."""
    path.write_text("".join(json.dumps(made) + "\n" for made in records), "ascii")
    return path
