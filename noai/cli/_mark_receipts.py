"""``noai mark --receipt``: a signed line a marked track, appended to a file that is kept."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import IO, Final

from noai import signing
from noai.cli._exits import OutputFailed
from noai.cli._files import require_output
from noai.errors import TokenRefused, UsageError
from noai.limits import KIB, TOKEN_CHARS
from noai.mark_receipts import make_mark_receipt, read_mark_receipt
from noai.marking import MarkResult
from noai.signing import Signer
from noai.sources import open_path

#: A token and its line break.
_LINE: Final = TOKEN_CHARS + 1 * KIB


def read_lines(path: str) -> Iterator[str]:
    """The lines of a file of receipts that are not empty; one that is too long is cut, and so is no receipt.

    Raises:
        SourceError: if it cannot be read.
    """
    with open_path(path):
        pass  # says in noai's words why it cannot be read, and that it is a file
    with open(path, encoding="ascii", errors="replace") as stream:
        while line := stream.readline(_LINE):
            rest = line
            while len(rest) == _LINE and not rest.endswith("\n"):
                rest = stream.readline(_LINE)
            if line.strip():
                yield line.strip()


class MarkReceipts:
    """The file of receipts, open for appending.

    Each marker gets one line, whichever run marked the track, so that a run that failed can be repeated.
    """

    def __init__(self, stream: IO[str], path: str, signer: Signer, known: set[str]) -> None:
        self._stream = stream
        self._path = path
        self._signer = signer
        self._known = known

    @classmethod
    def open(cls, path: str, signer: Signer, inputs: Iterable[str]) -> MarkReceipts:
        """
        Raises:
            UsageError: if ``path`` holds something else than receipts.
            SourceError, OutputFailed: if it cannot be read, or not be written.
        """
        require_output(path, inputs)
        known: set[str] = set()
        missing_break = False
        if os.path.exists(path):
            for line in read_lines(path):
                try:
                    known.add(read_mark_receipt(line).marker.id)
                except TokenRefused:
                    if not known:
                        raise UsageError(f"{path}: holds something else than receipts of marking") from None
            # What a killed run left of its last line stays what it is.
            with open_path(path) as (source, _):
                missing_break = source.size > 0 and source.read_at(source.size - 1, 1) != b"\n"
        try:
            stream = open(path, "a", encoding="ascii")  # noqa: SIM115  closed by close()
            stream.write("\n" if missing_break else "")
        except OSError as error:
            raise OutputFailed(f"{path}: cannot be written: {error.strerror or error}") from None
        return cls(stream, path, signer, known)

    def add(self, result: MarkResult) -> None:
        """
        Raises:
            SigningError: if the signer fails.
            OutputFailed: if the line cannot be written.
        """
        if result.marker.id in self._known:
            return
        line = make_mark_receipt(result.marker, self._signer, signing.now())
        self._known.add(result.marker.id)
        try:
            self._stream.write(f"{line}\n")
            self._stream.flush()
        except OSError as error:
            raise OutputFailed(f"{self._path}: cannot be written: {error.strerror or error}") from None

    def close(self) -> None:
        self._stream.close()
