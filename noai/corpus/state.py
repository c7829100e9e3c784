"""The file ``OUT.run`` beside an output ``OUT``: what has to be known to go on with it.

On its first line, as JSON, stands what the run was asked; on the others, each archive that was read to its
end. An output holds the answers to one question: where another is asked now, it is not gone on with.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, Final

from noai.corpus.batches import Finished
from noai.errors import UsageError
from noai.text import escape_path, unescape_path

SCHEMA: Final = "noai.run/1"
#: With what every state begins.
_BEGINNING: Final = json.dumps({"schema": SCHEMA})[:-1].encode("ascii")


def own_files(output: str) -> tuple[str, ...]:
    """The files that a run with this output writes, its folder of parts apart."""
    return output, f"{output}.run"


class State:
    """The file beside an output."""

    def __init__(self, output: str) -> None:
        self.path = f"{output}.run"

    def start(self, question: Mapping[str, object]) -> None:
        """Begin a run.

        Raises:
            UsageError: if something else stands there.
        """
        if os.path.lexists(self.path):
            self._require_own()
        with open(self.path, "w", encoding="ascii") as stream:
            stream.write(json.dumps({"schema": SCHEMA, "run": secrets.token_hex(8), **question}) + "\n")

    @property
    def run(self) -> str:
        """What tells this run from others with the same output.

        Raises:
            UsageError: if there is no state of a run.
        """
        return str(self._lines()[0].get("run", ""))

    def forget(self) -> None:
        """What stands in the output is about to go.

        Raises:
            UsageError: if something else stands there.
        """
        if os.path.lexists(self.path):
            self._require_own()
            os.unlink(self.path)

    def finish(self, archives: Iterable[Finished], records: int) -> None:
        """Note archives whose records, so many in all, are in the output."""
        with open(self.path, "a+b") as stream:
            _drop_half_line(stream)
            for path, size, mtime_ns in archives:
                line = {
                    "archive": escape_path(path),
                    "size": size,
                    "mtime_ns": mtime_ns,
                    "records": records,
                }
                stream.write(json.dumps(line).encode("ascii") + b"\n")

    def require(self, question: Mapping[str, object]) -> None:
        """Hold the question now against the one of the run.

        Raises:
            UsageError: if they differ, or there is none.
        """
        asked = self._lines()[0]
        differing = [name for name, value in question.items() if asked.get(name) != value]
        if differing == ["list"]:
            raise UsageError(
                f"{self.path}: the list of paths is another than the one the output was made from; "
                "to answer this one, leave out --resume or choose another output"
            )
        if differing:
            raise UsageError(
                f"{self.path}: the output answers another question ({', '.join(differing)}); "
                "to answer this one, leave out --resume or choose another output"
            )

    def archives(self) -> dict[str, tuple[Finished, int]]:
        """The archives that were read to their end, by their escaped paths, with their number of records."""
        found = {}
        for line in self._lines()[1:]:
            path = line["archive"]
            state = Finished(unescape_path(path), line["size"], line["mtime_ns"])
            found[path] = (state, line["records"])
        return found

    def _lines(self) -> list[dict[str, Any]]:
        try:
            with open(self.path, encoding="ascii") as stream:
                # The last line may have been cut off.
                lines = [json.loads(line) for line in stream if line.endswith("\n")]
            if lines and lines[0]["schema"] == SCHEMA:
                return lines
        except FileNotFoundError:
            raise UsageError(
                f"{self.path}: is not there, so nobody knows what the output answers; leave out --resume"
            ) from None
        except (ValueError, KeyError, TypeError):
            pass
        raise self._foreign()

    def _require_own(self) -> None:
        """Refuse what is no state of a run; one that was cut off is one, and so is an empty file."""
        head = b"?"
        if os.path.isfile(self.path):
            with open(self.path, "rb") as stream:
                head = stream.read(len(_BEGINNING))
        if not _BEGINNING.startswith(head):
            raise self._foreign()

    def _foreign(self) -> UsageError:
        return UsageError(f"{self.path}: is not the state of a run; move it away, or choose another output")


def _drop_half_line(stream: BinaryIO) -> None:
    """What a run that was killed left behind the last whole line would spoil the next one."""
    end = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, end - 1))
    if stream.read() not in (b"", b"\n"):
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)
