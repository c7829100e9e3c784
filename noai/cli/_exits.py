"""Exit codes, and errors that only the command line has."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from noai.errors import NoaiError


class Exit(IntEnum):
    """Exit codes. The first four are a contract (docs: command line)."""

    OK = 0
    #: ``verify``: a file was decided and not admitted. Elsewhere: part of the work failed.
    FAILED = 1
    #: The request cannot be carried out as it was given; nothing was done.
    USAGE = 2
    #: ``verify`` only: nothing was refused, but a file is undecided.
    UNDECIDED = 3
    #: A bug in noai (``EX_SOFTWARE`` of sysexits.h): never 1, which is an answer of ``verify``.
    INTERNAL = 70
    #: As a shell reports SIGINT and SIGPIPE.
    INTERRUPTED = 130
    PIPE_CLOSED = 141


class OutputFailed(NoaiError):
    """A result could not be written where it was asked for."""

    code: ClassVar[str] = "output_failed"
