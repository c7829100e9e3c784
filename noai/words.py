"""Enumerations whose members are words of a vocabulary: on the command line, in records, in tokens."""

from __future__ import annotations

from enum import Enum


class Word(str, Enum):
    """A member is its value wherever it is shown, as ``enum.StrEnum`` has it from Python 3.11 on."""

    def __str__(self) -> str:
        return str(self.value)
