"""Text in ASF: UTF-16LE with a terminator, in fields of counted bytes or characters."""

from __future__ import annotations

from typing import Final

TERMINATOR: Final = b"\0\0"


def decode(data: bytes) -> str:
    """``data`` as text, terminators and all; half a character at its end is left out."""
    return data[: len(data) & ~1].decode("utf-16-le", "replace")


def pieces(data: bytes) -> list[str]:
    """The texts in ``data``: readers in C see the first alone, others all of it."""
    return [piece for piece in decode(data).split("\0") if piece]


def encode(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass") + TERMINATOR


def is_exact(data: bytes) -> bool:
    """Whether nothing is lost when ``data`` is decoded and encoded again, but how it is terminated."""
    even = data[: len(data) & ~1]
    return "\ufffd" not in decode(even) and not any(data[len(even) :])


class Cursor:
    """Fields of an object held in memory, one behind the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, length: int) -> bytes:
        """The next ``length`` bytes. Raises EOFError where there are fewer."""
        taken = self._data[self._at : self._at + length]
        if len(taken) < length:
            raise EOFError
        self._at += length
        return taken

    def number(self, length: int) -> int:
        """Little-endian. Raises EOFError."""
        return int.from_bytes(self.take(length), "little")

    @property
    def left(self) -> int:
        return len(self._data) - self._at
