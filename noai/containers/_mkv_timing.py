"""Whether timestamps let players present all of a track's audio.

Times are not part of the essence digest, so that remuxing keeps it; instead, times that hide audio
forbid binding. RFC 9559 §11 (timestamps), §5.1.3.5.7 (DiscardPadding). In nanoseconds throughout.
"""

from __future__ import annotations

from typing import Final

from noai.codes import Code
from noai.essence import Violation

_SECOND: Final = 1_000_000_000
#: What rounding to milliseconds, and muxers that count otherwise, make of times.
_SLACK: Final = _SECOND // 10
#: How long a last packet may be of which nothing is known: the longest of Vorbis at 44.1 kHz.
_LONGEST_PACKET: Final = _SECOND // 5
#: Packets that sound longer than they have room for by more than this share are hidden in part.
_SHARE: Final = 0.98


class Timing:
    """Follows the blocks of one track in file order."""

    def __init__(self, trim: float = 0.0) -> None:
        """``trim`` is what may be cut off at the end, if that is more than a packet."""
        self._trim = trim
        self._first: int | None = None
        self._last = 0
        #: How long all packets but those of the last block sound, and those.
        self._sounded = 0.0
        self._last_sounds = 0.0
        self._trimmed = False
        self._found: dict[Violation, None] = {}

    def block(self, time: int, sounds: float) -> None:
        """A block that starts at ``time`` and sounds that long, 0 if that is not known."""
        if self._first is None:
            self._first = time
        elif time < self._last - _SLACK:
            self._violate("the audio goes back in time")
        if self._trimmed:
            self._violate("audio is cut off before the end of a track")
        self._sounded += self._last_sounds
        self._last, self._last_sounds = time, sounds

    def discard(self, padding: int, packet: float) -> None:
        """The block just seen loses ``padding`` at its end, or at its start if that is negative.

        ``packet``: how long its last packet sounds, 0 if that is not known.
        """
        if padding < 0 and (self._sounded or -padding > _SECOND):
            self._violate("audio is cut off behind the start of a track")
        elif padding > 0:
            self._trimmed = True
            if padding > max(self._trim, packet or _LONGEST_PACKET) + 1:
                self._violate("more than a packet is cut off at the end of a track")

    def finish(self, duration: float) -> list[Violation]:
        """What is wrong; ``duration`` is that of the segment, 0 if it is not stated."""
        if self._first is not None:
            if self._first < -_SECOND:
                self._violate("the audio starts before the beginning of the segment")
            if self._last - self._first < self._sounded * _SHARE - _SLACK:
                self._violate("the packets are timed closer together than they sound")
            if 0 < duration < self._last - _SLACK:
                self._violate("the segment states a shorter duration than the audio has")
        return list(self._found)

    def _violate(self, message: str) -> None:
        self._found[Violation(Code.EDIT_HIDES_AUDIO, message)] = None
