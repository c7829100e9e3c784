"""Reading records back: what is wrong with a file is said by its line, and nothing is guessed."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest

from noai.errors import NoaiError, RecordError, RecordMalformed, RecordSchemaUnknown
from noai.limits import RECORD_BYTES
from noai.reporting.reading import JsonLines
from noai.reporting.records import FileRecord, Told, file_record
from tests.reporting.samples import all_samples, hostile, marked, record


def reading(data: bytes) -> JsonLines:
    return JsonLines(io.BytesIO(data), "verdicts.jsonl")


def line(made: Any) -> bytes:
    return json.dumps(made).encode() + b"\n"


def read(data: bytes) -> list[FileRecord]:
    return list(reading(data))


def test_every_record_of_the_samples_is_read() -> None:
    made = all_samples()
    got = read(b"".join(map(line, made)))
    assert [r.path for r in got] == [m["path"] for m in made]
    assert [r.decision.value for r in got] == [m["decision"] for m in made]
    assert [len(r.signals) for r in got] == [len(m["signals"]) for m in made]
    assert [r.is_plain for r in got] == [m["admitted"] and not m["signals"] for m in made]


def test_what_names_the_file_is_known_afterwards() -> None:
    data = line(record()) + b"\r\n  \n" + line(marked())
    source = reading(data)
    assert len(list(source)) == 2
    assert (source.size, source.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert source.half_written is None


def test_a_last_line_without_its_end_is_whole_if_it_is_json() -> None:
    source = reading(line(record()) + line(record()).rstrip(b"\n"))
    assert len(list(source)) == 2
    assert source.half_written is None


@pytest.mark.parametrize("kept", [1, 2, 40, -2])
def test_a_half_written_last_line_is_named_and_the_rest_is_read(kept: int) -> None:
    whole = line(record())
    source = reading(whole * 3 + whole.rstrip(b"\n")[:kept])
    assert len(list(source)) == 3
    assert source.half_written == 4


@pytest.mark.parametrize(
    ("bad", "error", "words"),
    [
        (b'{"schema": "noai.verd\n', RecordMalformed, "not JSON"),
        (b"\xff\xfe\n", RecordMalformed, "not JSON"),
        (b"[" * 100_000 + b"\n", RecordMalformed, "nests too deeply"),
        (b"9" * 5000 + b"\n", RecordMalformed, "not JSON"),
        (b"[]\n", RecordMalformed, "not an object"),
        (b"null\n", RecordMalformed, "not an object"),
        (b"{}\n", RecordSchemaUnknown, "none"),
        (line(record(schema="noai.verdict/2")), RecordSchemaUnknown, "noai.verdict/2"),
        (line(record(schema=["noai.verdict/1"])), RecordSchemaUnknown, "none"),
        (line(record(decision="fine")), RecordMalformed, "decision"),
        (line(record(decision=None)), RecordMalformed, "decision"),
        (line(record(admitted="true")), RecordMalformed, "admitted"),
        (line(record(path=7)), RecordMalformed, "path"),
        (line(record(size="7")), RecordMalformed, "size"),
        (line(record(size=True)), RecordMalformed, "size"),
        (line(record(size=2**63)), RecordMalformed, "size"),
        (line(record(size=7.0)), RecordMalformed, "size"),
        (line(record(noai=None)), RecordMalformed, "noai"),
        (line(record(uses=[])), RecordMalformed, "uses"),
        (line(record(uses={"cawg.ai_training": 1})), RecordMalformed, "uses"),
        (line(record(requested="all")), RecordMalformed, "requested"),
        (line(record(requested=[1])), RecordMalformed, "requested"),
        (line(record(reasons=[1])), RecordMalformed, "a reason"),
        (line(record(signals={})), RecordMalformed, "signals"),
        (line(record(signals=[{}])), RecordMalformed, "source"),
        (line(record(error="broken")), RecordMalformed, "error"),
    ],
)
def test_a_line_that_is_no_record_is_an_error_that_names_it(
    bad: bytes, error: type[RecordError], words: str
) -> None:
    with pytest.raises(error) as caught:
        read(line(record()) + bad + line(record()))
    assert str(caught.value).startswith("verdicts.jsonl: line 2: ")
    assert words in str(caught.value)
    assert isinstance(caught.value, NoaiError)


def test_a_check_has_one_of_four_results() -> None:
    made = marked()
    made["signals"][0]["signature"] = "probably"
    with pytest.raises(RecordMalformed, match="signature"):
        file_record(made)


def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "endless"
    with path.open("wb") as file:
        file.truncate(RECORD_BYTES * 4)
    with path.open("rb") as file, pytest.raises(RecordMalformed, match="longer than"):
        list(JsonLines(file, "endless"))


def test_members_that_are_not_known_are_ignored() -> None:
    made = marked(moon="full")
    made["signals"][0]["tide"] = made["signals"][0]["signed_by"]["age"] = 7
    assert file_record(made) == file_record(marked())


def test_no_text_of_a_record_keeps_anything_that_acts() -> None:
    for made in hostile():
        got = file_record(json.loads(json.dumps(made)))
        texts = [got.path, got.member, got.container, *got.uses, *got.requested, got.signals[0].id]
        texts += [got.signals[0].signer.subject if got.signals[0].signer else None, got.reasons[0].message]
        for text in texts:
            assert text is not None
            assert text.isprintable(), text
            text.encode("utf-8")


@pytest.mark.parametrize(
    ("mtime_ns", "shown"),
    [
        (1_795_000_000_123_456_789, "2026-11-18 11:06:40 UTC"),
        (0, "1970-01-01 00:00:00 UTC"),
        (-1, "1969-12-31 23:59:59 UTC"),
        (None, None),
        (2**63 - 1, "2262-04-11 23:47:16 UTC"),
    ],
)
def test_the_time_of_a_file(mtime_ns: int | None, shown: str | None) -> None:
    assert file_record(record(mtime_ns=mtime_ns)).modified == shown


def test_an_error_keeps_its_code() -> None:
    got = file_record(record("unmarked/missing.mp3", path="x"))
    assert isinstance(got.error, Told)
    assert (got.error.code, got.is_plain, got.modified) == ("source_missing", False, None)
