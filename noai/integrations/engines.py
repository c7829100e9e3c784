"""Where many files are judged: by this machine, or by an engine that has many (``noai verify --engine``).

What an engine does is :class:`Run`, a function called ``run`` in the module of this package that is called
as the engine. Everything else, lists in text, what an earlier run left, counting, one file in the end, is
the caller's.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from noai.errors import UsageError
from noai.words import Word

if TYPE_CHECKING:
    from noai.integrations.arrow import BatchGate


class Run(Protocol):
    """Judge a list of paths.

    An implementation starts its engine, or finds one that runs, and stops it only if it started it. Workers
    may die: their work is done again, and what it came to is there once.
    """

    def __call__(self, listed: str, folder: str, gate: BatchGate, *, jobs: int | None) -> None:
        """Write the verdicts of ``gate`` on the rows of ``listed`` into ``folder``.

        ``listed`` is a Parquet file with nothing but the column ``gate.path``, as bytes; a path may stand in
        it more than once. ``folder`` is there and empty. Of what stands in it in the end, files called
        ``*.parquet`` count, with the columns of :data:`noai.corpus.outputs_parquet.COLUMNS`: one row for
        each row of the list, in any order. A file takes its name when it is whole and is not made again
        under another, so that a later run finds what this one had done when it was killed. ``jobs`` is how
        many processes work; None: as many as the engine likes.

        Raises:
            EngineFailed: if the engine gives up.
        """


class Engine(Word):
    """Who judges."""

    LOCAL = "local"
    RAY = "ray"
    SPARK = "spark"

    def run(self) -> Run:
        """What the engine does.

        Raises:
            UsageError: if it is not installed.
        """
        try:
            return cast(Run, import_module(f"noai.integrations.{self}").run)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("noai"):
                raise
            raise UsageError(f"--engine {self} needs {error.name}: pip install 'noai[{self}]'") from None
