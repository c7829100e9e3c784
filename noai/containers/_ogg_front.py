"""The streams of an Ogg file by what it says of itself, with no more pages met than that takes."""

from __future__ import annotations

from collections.abc import Iterator

from noai.containers._ogg_extent import is_one_stream, pages_of_picture
from noai.containers._ogg_pages import Gap, Page, PageWalk
from noai.containers._ogg_streams import Demultiplexer


class Front(Demultiplexer):
    """Believes what :mod:`noai.containers._ogg_extent` does: for reading tags, never to bind or to write."""

    def feed_heads(self) -> None:
        """Walk the file from header to header.

        Pages that a picture fills are taken for what they should be. If one stream is all that the file has,
        no page is met behind the first one of its audio.

        Raises:
            LimitExceeded: as :meth:`feed`, which keeps what was met before.
        """
        pages = PageWalk(self._source)
        for found in pages:
            if self._is_all(found):
                (stream,) = self.streams
                stream.has_data = stream.ended = True
                return
            if self._follow_on(found):
                continue
            self.feed(found)
            for page in self._of_picture(found):
                self.feed(page)
                pages.next = page.end

    def _is_all(self, page: Page | Gap) -> bool:
        """Whether the only stream, of which ``page`` is the first of its audio, is all that follows."""
        if isinstance(page, Gap) or len(self.streams) != 1 or self.problems:
            return False
        (stream,) = self.streams
        place = stream.place
        if place is None or stream.has_data or page.flags or page.serial != place.serial:
            return False
        return page.sequence - 1 == place.sequence and is_one_stream(self._source, page)

    def _of_picture(self, page: Page | Gap) -> Iterator[Page]:
        """The pages behind ``page``, the first of the comments, that hold nothing but a picture."""
        if isinstance(page, Gap) or len(self.streams) != 1 or self.problems or page.flags:
            return
        (stream,) = self.streams
        is_filled = page.lacing and page.lacing.count(255) == len(page.lacing)
        if is_filled and stream.kind.comment and len(stream.packets) == len(stream.header_pages) - 1 == 1:
            yield from pages_of_picture(self._source, page, stream.kind.comment_at)
