"""What people upload, judged or marked in bounded memory: the core of the hooks of web frameworks."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Union, cast

from noai.corpus.placing import publish
from noai.errors import LimitExceeded, MarkError
from noai.integrations.gate import Gate
from noai.integrations.marking import Marking
from noai.limits import MIB, READ_SIZE, UPLOAD_BYTES
from noai.marking import MarkResult
from noai.verdict import Verdict

#: A path that is free, or a file object to write into.
Destination = Union[str, "os.PathLike[str]", BinaryIO]


def judge_upload(
    gate: Gate, file: BinaryIO, *, name: str | None = None, limit: int = UPLOAD_BYTES
) -> Verdict:
    """The verdict on an open binary file of at most ``limit`` bytes, at its start before and after.

    What cannot be read is ``undecided``; nothing that the file holds raises.

    Raises:
        LimitExceeded: if it is longer.
    """
    opened = _Opened(file)
    try:
        size = opened.seek(0, io.SEEK_END)
    except Exception as error:  # noqa: BLE001  whatever a framework's file raises when it is closed or a pipe
        return gate.failed(error, name=name)
    require_size(size, limit)
    try:
        return gate.verdict(cast(BinaryIO, opened), name=name)
    except Exception as error:  # noqa: BLE001  as above
        return gate.failed(error, name=name)
    finally:
        opened.seek(0)


def require_size(size: int, limit: int) -> None:
    """
    Raises:
        LimitExceeded: if ``size`` is more than ``limit``.
    """
    if size > limit:
        raise LimitExceeded(too_large(limit))


def too_large(limit: int) -> str:
    """What is said of an upload of more than ``limit`` bytes."""
    return f"the upload is larger than {limit / MIB:.4g} MiB"


@contextmanager
def marked_copy(
    file: BinaryIO, marking: Marking, *, limit: int = UPLOAD_BYTES, folder: Path | None = None
) -> Iterator[tuple[Path, MarkResult]]:
    """A marked copy of an open binary file, and what marking did; it is gone when the context ends.

    ``folder`` is where it is made, that of temporary files if None. The file is at its start afterwards.

    Raises:
        LimitExceeded: if the file has more than ``limit`` bytes.
        MarkError: if it cannot be marked safely.
    """
    with tempfile.TemporaryDirectory(prefix=".noai-", dir=folder) as made:
        path = Path(made) / "upload"
        file.seek(0)
        with open(path, "xb") as copy:
            while block := file.read(READ_SIZE):
                require_size(copy.tell() + len(block), limit)
                copy.write(block)
        file.seek(0)
        marked = marking.mark(path)
        if marked.result is None:
            # Where it was made is nobody's business but the server's.
            raise MarkError((marked.error or "").removeprefix(f"{path}: "))
        yield path, marked.result


def mark_into(
    file: BinaryIO, destination: Destination, marking: Marking, *, limit: int = UPLOAD_BYTES
) -> MarkResult:
    """A marked copy of an open binary file, put at a path that is free, or written into a file object.

    Raises:
        LimitExceeded: if the file has more than ``limit`` bytes.
        DestinationExists: if there is something at the path.
        MarkError: if the file cannot be marked safely; nothing is written then.
    """
    path = Path(destination) if isinstance(destination, (str, os.PathLike)) else None
    folder = None if path is None else path.parent
    with marked_copy(file, marking, limit=limit, folder=folder) as (copy, result):
        if path is not None:
            publish(copy, path)
            return replace(result, path=path)
        with open(copy, "rb") as marked:
            while block := marked.read(READ_SIZE):
                cast(BinaryIO, destination).write(block)
        return replace(result, path=None)


class _Opened:
    """A framework's file, of which some releases do not tell where they went."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._file.seek(offset, whence)
        return self._file.tell()

    def read(self, size: int = -1) -> Any:
        return self._file.read(size)
