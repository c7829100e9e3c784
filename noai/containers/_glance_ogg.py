"""A glance at an Ogg file with one stream of Vorbis or Opus, which says itself where it ends.

What :mod:`noai.containers.ogg` reads of files longer than those that it walks page by page.
"""

from __future__ import annotations

import struct
from typing import Final

from noai.containers._glance_comments import COMMENT_BYTES, Comments, behind_picture
from noai.containers._glance_window import Window
from noai.containers._ogg_extent import is_one_stream, pages_to_pass
from noai.containers._ogg_kinds import OPUS, VORBIS
from noai.containers._ogg_pages import CAPTURE, CONTINUED, FIRST, HEADER, Page
from noai.containers.glance import Glance
from noai.containers.ogg import OGG_OPUS, OGG_VORBIS
from noai.limits import KIB, OGG_WALKED_BYTES
from noai.sources import ByteSource

#: Capture pattern and version, flags, granule position, serial, sequence, checksum, segments.
_HEADER: Final = struct.Struct("<5sBqIIIB")
_LONGEST_HEADER: Final = HEADER.size + 255
#: Pages with header packets that are met. Those of a picture mostly are not; where they are no more alike,
#: as noai itself leaves them, there are some hundred small ones.
_PAGES: Final = 256
#: Further reads: the first page of comments if it is long, behind a picture, the first page of audio.
_READS: Final = 12
#: One of them. Two pages of most encoders.
_WINDOW: Final = 9 * KIB
#: Where the first page has its only length, and its packet.
_FIRST_LENGTH: Final = HEADER.size
_FIRST_BODY: Final = HEADER.size + 1
#: Bytes of the framing bit of Vorbis, which GStreamer gives to all.
_FRAMING: Final = 1


def glance(source: ByteSource, head: bytes) -> Glance | None:
    """The answer for an Ogg file without surprises (see :mod:`noai.containers.glance`)."""
    if source.size <= OGG_WALKED_BYTES or len(head) < _FIRST_BODY or not head.startswith(CAPTURE):
        return None
    if head.startswith(OPUS.magic, _FIRST_BODY):
        name, kind, packets = OGG_OPUS, OPUS, 1
    elif head.startswith(VORBIS.magic, _FIRST_BODY):
        name, kind, packets = OGG_VORBIS, VORBIS, 2
    else:
        return None
    _, flags, _, serial, sequence, _, segments = _HEADER.unpack_from(head)
    length = head[_FIRST_LENGTH]
    if flags != FIRST or segments != 1 or length == 255 or length < len(kind.magic):
        return None
    headers = _Headers(source, head, serial, sequence)
    audio = headers.read(_FIRST_BODY + length, kind.comment or b"", packets)
    if audio is None or not is_one_stream(source, audio):
        return None
    if headers.comments.markers:
        return Glance(name, tuple(headers.comments.markers))
    return Glance(name) if headers.comments.silent else None


class _Headers(Window):
    """Walks the pages with header packets of one file, of which ``head`` are the first bytes."""

    __slots__ = ("_sequence", "_serial", "comments")

    def __init__(self, source: ByteSource, head: bytes, serial: int, sequence: int) -> None:
        self.comments = Comments()
        super().__init__(source, head, reads=_READS, length=_WINDOW)
        self._serial = serial
        #: Of the page that was met last.
        self._sequence = sequence

    def read(self, at: int, magic: bytes, packets: int) -> Page | None:
        """The first page of audio, behind ``packets`` header packets, which begin on the page at ``at``.

        None if something is unusual. The first of them is the comments, which begin with ``magic``.
        """
        page = self._page(at, 0)
        behind = None if page is None else self._comments(page, magic)
        if behind is None:
            return None
        page, lacing = behind
        # Only the setup header of Vorbis may follow, to the end of a page: nothing is read of it.
        for _ in range(_PAGES):
            packets -= len(lacing.translate(None, b"\xff"))
            flags = CONTINUED if lacing.endswith(b"\xff") else 0
            if packets <= 0:
                return self._page(page.end, 0) if packets == flags == 0 else None
            following = self._page(page.end, flags)
            if following is None:
                return None
            page, lacing = following, following.lacing
        return None

    def _comments(self, page: Page, magic: bytes) -> tuple[Page, bytes] | None:
        """The page with the end of the comments that begin on ``page``, and its lacing from that segment on.

        None if something is unusual.
        """
        comments, first = self.comments, page
        length, lacing = _part(page.lacing)
        text = self._bytes(page.body, length)
        at = comments.begin(text, len(magic), length) if text.startswith(magic) else None
        for _ in range(_PAGES):
            if at is not None:
                at = comments.walk(text, at, len(text))
            if at is None:
                return None
            if lacing:
                padding = text[at + _FRAMING :]
                return None if comments.left or padding != bytes(len(padding)) else (page, lacing)
            text, skip = text[at:], 0
            end = behind_picture(text) if comments.left else None
            if end is not None:
                skip, text = end - len(text), b""
                comments.left -= 1
            following = self._behind(page, skip, first)
            if following is None or len(text) > COMMENT_BYTES:
                return None
            page, skip = following
            length, lacing = _part(page.lacing)
            more = self._bytes(page.body + skip, length - skip)
            if len(more) != length - skip:
                return None
            text, at = text + more, 0
        return None

    def _behind(self, page: Page, skip: int, first: Page) -> tuple[Page, int] | None:
        """The page with what stands ``skip`` bytes behind ``page`` in its packet, and how far in its body.

        Behind the ``first`` one a picture is passed over by the rule of :func:`pages_to_pass`.
        """
        at, body = page.end, page.end - page.body
        number = pages_to_pass(self._source, page, body + skip) if page is first else 0
        if number:
            at = page.offset + number * (page.end - page.offset)
            skip -= (number - 1) * body
            self._sequence += number - 1
        for _ in range(_PAGES):
            following = self._page(at, CONTINUED)
            if following is None:
                return None
            length, lacing = _part(following.lacing)
            if skip < length or (skip == length and lacing):
                return following, skip
            if lacing:
                return None
            skip -= length
            at = following.end
        return None

    def _page(self, offset: int, flags: int) -> Page | None:
        """The next page of the stream, if it stands at ``offset`` and has just these flags."""
        o = self._at(offset, _LONGEST_HEADER)
        if o < 0:
            return None
        data = self._data
        capture, found, granule, serial, sequence, _, segments = _HEADER.unpack_from(data, o)
        if capture != CAPTURE or found != flags or serial != self._serial or sequence - 1 != self._sequence:
            return None
        self._sequence = sequence
        lacing = data[o + HEADER.size : o + HEADER.size + segments]
        body = offset + HEADER.size + segments
        end = body + sum(lacing)
        return Page(offset, flags, granule, serial, sequence, lacing, body, end) if segments else None

    def _bytes(self, offset: int, length: int) -> bytes:
        """``length`` bytes of the file, or fewer if they cannot be had within the bounds."""
        o = self._at(offset, length)
        return b"" if o < 0 else self._data[o : o + length]


def _part(lacing: bytes) -> tuple[int, bytes]:
    """Bytes that a packet has on a page with ``lacing``, and the lacing from its last segment on, if any."""
    rest = lacing.lstrip(b"\xff")
    return 255 * (len(lacing) - len(rest)) + (rest[0] if rest else 0), rest
