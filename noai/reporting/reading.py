"""The records in an output of ``noai verify``, one by one, with what names the file as a whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import BinaryIO, Final

from noai.errors import RecordError, RecordMalformed, SourceError
from noai.limits import RECORD_BYTES
from noai.reporting.records import FileRecord, file_record

_BLANK: Final = b" \t\r\n"


class JsonLines:
    """Records of one JSON object a line. Iterate once; the attributes are whole after that."""

    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.name = name
        #: Bytes read.
        self.size = 0
        #: The number of a last line that was not written to its end; None if there is none such.
        self.half_written: int | None = None

    @property
    def sha256(self) -> str:
        """Of all bytes read, hex: the digest that a receipt of the run has."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[FileRecord]:
        """Each record.

        Raises:
            RecordError: by cause, naming the line.
            SourceError: if the file cannot be read on.
        """
        for number, line in enumerate(self._lines(), 1):
            if len(line) > RECORD_BYTES:
                raise self._at(number, RecordMalformed(f"a record is longer than {RECORD_BYTES:,} bytes"))
            if not line.strip(_BLANK):
                continue
            try:
                value = _json(line)
            except RecordMalformed as error:
                if line.endswith(b"\n"):
                    raise self._at(number, error) from None
                # Writers end each line, so that this one was interrupted.
                self.half_written = number
                return
            try:
                yield file_record(value)
            except RecordError as error:
                raise self._at(number, error) from None

    def _lines(self) -> Iterator[bytes]:
        try:
            while line := self._stream.readline(RECORD_BYTES + 1):
                self.size += len(line)
                self._digest.update(line)
                yield line
        except OSError as error:
            raise SourceError(f"{self.name}: cannot be read: {error.strerror or error}") from None

    def _at(self, number: int, error: RecordError) -> RecordError:
        return type(error)(f"{self.name}: line {number:,}: {error}")


def _json(line: bytes) -> object:
    try:
        return json.loads(line)
    except RecursionError:
        raise RecordMalformed("the JSON nests too deeply") from None
    except ValueError:
        raise RecordMalformed("is not JSON; give the output of: noai verify --format jsonl") from None
