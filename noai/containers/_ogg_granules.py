"""Granule positions, and the audio that they make players leave out.

A position is that of the last sample that a page completes (RFC 3533 §6). What stands behind the last one is
dropped (Vorbis I §A.2, RFC 7845 §4.4). Encoders use that for less than one packet, but libsndfile and
GStreamer stop where it says, however much follows. What has a negative position is dropped by some, all
of it by GStreamer; ``ffmpeg -c copy`` begins a cut so, with up to a page, which is a second in most files.
In a stream of one page both look the same. Positions between only serve seeking.

What comes from a longer stream, recorded from the air or cut out, begins at any position. Where pages are
lost positions jump ahead; nothing is left out by that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from noai.containers._ogg_durations import Durations
from noai.containers._ogg_pages import NO_GRANULE


class Timeline:
    """One stream's positions against how long its packets last."""

    def __init__(self, durations: Durations) -> None:
        self._durations = durations
        #: Samples of all packets that have ended.
        self._total = 0
        #: Those behind the last page with a position.
        self._since = 0
        #: Of a packet that the last page began and did not end.
        self._open = 0
        #: The position at which the first sample stands; None in front of the first one.
        self._origin: int | None = None
        self._position = 0
        #: Samples of the last page that stand behind its position.
        self._behind = 0

    @property
    def has_begun(self) -> bool:
        """Whether there was a page with a position. From then on only the last two count."""
        return self._origin is not None

    def page(
        self, granule: int, body: bytes, starts: Sequence[int], *, continued: bool, unfinished: bool
    ) -> None:
        """One page of audio with its position, whose packets begin at ``starts`` in ``body``.

        Where another page follows, and :attr:`has_begun`, several in a row may be taken for one.

        ``continued``: in front of them ends, or goes on, one that began on an earlier page.
        ``unfinished``: the last packet on the page goes on behind it.
        """
        last = starts[-1:] if unfinished else []
        ended = self._durations.of(body, starts[: len(starts) - len(last)])
        if continued and (starts or not unfinished):
            ended += self._open
            self._open = 0
        if last:
            self._open = self._durations.of(body, last)
        self._total += ended
        self._since += ended
        if granule != NO_GRANULE:
            self._take(granule)

    def _take(self, granule: int) -> None:
        if self._origin is None:
            self._origin = granule - self._total
        else:
            self._behind = self._position + self._since - granule
        self._position, self._since = granule, 0

    def problems(self) -> Iterator[str]:
        """Sentences on what is left out. Call it behind the last page."""
        longest = self._durations.longest
        if self._origin is None:
            if self._total > longest:
                yield "no page of a stream has a granule position"
            return
        if -self._origin > max(longest, self._durations.rate):
            # Of a stream of one page it may as well be the end.
            yield f"granule positions leave {-self._origin} samples out at the start"
        left_out = max(self._behind + self._since, self._total - (self._position - self._origin))
        if left_out > longest:
            yield f"granule positions leave {left_out} samples out at the end"
