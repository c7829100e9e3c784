"""The lists that ``noai filter`` writes: what is admitted, and what is not."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final

from noai.cli._exits import OutputFailed
from noai.cli._files import require_output
from noai.corpus.placing import temporary_file
from noai.errors import NotListable
from noai.records import dump_json
from noai.verdict import Verdict

#: Between the name of an archive and that of a member.
_BETWEEN: Final = "\t"


class NameList:
    """Names, each ended by ``end``: of a file, or of an archive and a member with a tab between them."""

    def __init__(self, stream: BinaryIO, end: str) -> None:
        self._stream = stream
        self._separators = {end, _BETWEEN} if end == "\0" else {"\n", "\r", _BETWEEN}
        self._end = end.encode()

    def add(self, verdict: Verdict) -> None:
        assert verdict.path is not None
        names = [verdict.path] if verdict.member is None else [verdict.path, verdict.member]
        for name in names:
            held = self._separators if len(names) > 1 else self._separators - {_BETWEEN}
            if any(separator in name for separator in held):
                raise NotListable(f"{verdict.path}: a name holds what separates names; use --as records")
        self._stream.write(_BETWEEN.join(names).encode("utf-8", "surrogateescape") + self._end)


class RecordList:
    """Verdict records, one a line."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def add(self, verdict: Verdict) -> None:
        self._stream.write(dump_json(verdict.record()).encode() + b"\n")


@contextmanager
def whole_output(path: str, inputs: Iterable[str]) -> Iterator[BinaryIO]:
    """The file ``path``, which gets its name when it is whole; what stood there before is replaced.

    ``-`` is stdout. A device or FIFO is written to as it is.

    Raises:
        UsageError, SourceError: for what must not be overwritten.
        OutputFailed: if it cannot be written.
    """
    if path == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    require_output(path, inputs)
    try:
        if os.path.lexists(path) and not stat.S_ISREG(os.stat(path).st_mode):
            with open(path, "wb") as stream:
                yield stream
        else:
            target = Path(os.path.realpath(path))
            with temporary_file(target) as (file, temporary):
                yield file
                file.flush()
                os.replace(temporary, target)
    except OSError as error:
        raise OutputFailed(f"{path}: cannot be written: {error.strerror or error}") from None


def stream_of_summary(output: str) -> IO[str]:
    """Where a summary goes that must not stand among the results."""
    return sys.stderr if output == "-" else sys.stdout
