"""Program config elements: channels that no channel configuration describes (ISO/IEC 14496-3 §4.4.1.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

#: The id of the element in a raw data block (table 4.85).
_ID: Final = 5


@dataclass(frozen=True)
class Element:
    """A program config element, and how many bytes of the raw data block it takes with its id."""

    #: Without the id, its comment at the next whole byte: as an AudioSpecificConfig holds it.
    data: bytes
    length: int


class _Bits:
    def __init__(self, data: bytes) -> None:
        self._value, self._size = int.from_bytes(data, "big"), 8 * len(data)
        self.at = 0

    def take(self, count: int) -> int:
        """
        Raises:
            IndexError: if there are not as many left.
        """
        self.at += count
        if self.at > self._size:
            raise IndexError("the element runs past its block")
        return self._value >> (self._size - self.at) & (1 << count) - 1

    def slice(self, start: int) -> tuple[int, int]:
        """The bits from ``start`` up to here as a number, and how many they are."""
        count = self.at - start
        return self._value >> (self._size - self.at) & (1 << count) - 1, count


def element_at_start(block: bytes) -> Element | None:
    """The element that a raw data block starts with; None if it starts with another, or is cut off."""
    # 3 + 10 + 23 + 14 bits, then 5 for each of 63 and 4 for each of 10 entries at most, and a comment of 255.
    bits = _Bits(block[:350])
    try:
        if bits.take(3) != _ID:
            return None
        bits.take(10)
        fives = bits.take(4) + bits.take(4) + bits.take(4)
        fours = bits.take(2) + bits.take(3)
        fives += bits.take(4)
        for width in (4, 4, 3):
            if bits.take(1):
                bits.take(width)
        bits.take(5 * fives + 4 * fours)
        value, count = bits.slice(3)
        bits.take(-bits.at % 8)
        comment_at = bits.at // 8
        bits.take(8 * bits.take(8))
    except IndexError:
        return None
    padding = -count % 8
    data = (value << padding).to_bytes((count + padding) // 8, "big")
    return Element(data + block[comment_at : bits.at // 8], bits.at // 8)
