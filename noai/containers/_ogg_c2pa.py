"""C2PA manifest stores in Ogg (C2PA 2.4, A.3.5): a logical bitstream of its own.

Its first packet, and only one, is ``00 "c2pa"`` and the store. The standard says no more of it, so the rest
follows RFC 3533: its first page stands among the first pages of the other streams (§4), behind theirs, so
that a player that looks at the first page alone finds what it plays. No time belongs to it, so its granule
position is 0.

A store that needs more than one page is not written: with a packet that runs over several pages among the
first ones, vorbiscomment, ogginfo and oggz-validate take the whole file for broken.
"""

from __future__ import annotations

from typing import BinaryIO, Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._ogg_kinds import C2PA
from noai.containers._ogg_pages import CAPTURE, FIRST, HEADER, LAST, Page, PageWalk, with_checksum
from noai.containers._ogg_streams import Demultiplexer, LogicalStream, read_heads
from noai.containers._ogg_write import has_index, require_sound
from noai.containers._splices import Splice, apply, growth
from noai.errors import ContainerError, MarkError
from noai.sources import FileSource

_PLACE: Final = "Ogg C2PA stream"
#: 254 segments of 255 bytes and one that ends the packet.
_LARGEST_PACKET: Final = 254 * 255 + 254
#: "c2pa", read as a serial number is. The next free number is taken where it is in use.
_SERIAL: Final = int.from_bytes(b"c2pa", "little")


def locate(stream: LogicalStream, area: AreaBuilder) -> None:
    """The store that ``stream``, which is of kind C2PA, holds goes to ``area``.

    Raises:
        LimitExceeded: see :meth:`noai.containers._area.AreaBuilder.manifest`.
    """
    if not stream.complete or stream.headers_broken:
        area.unread_manifest("the pages of an Ogg C2PA stream are incomplete or out of order")
        return
    pieces = stream.packets[0].ranges(len(C2PA.magic))
    if not pieces:
        area.unread_manifest("an Ogg C2PA stream holds no manifest store")
        return
    pages = tuple((page.offset, page.end - page.offset) for page in stream.header_pages)
    area.manifest(_PLACE, *pieces, wrapping=pages)
    if stream.has_data:
        area.note(Code.C2PA_UNREAD, "behind the manifest store in an Ogg C2PA stream stands something else")


def embed_manifest(file: BinaryIO, store: bytes) -> tuple[tuple[int, int], ...]:
    """Put ``store`` into ``file``, a copy, in place of the one that it has.

    Writing another store of the same length over it changes nothing outside the bytes returned: one
    range of offset and length, the whole page with the store. The checksum in the header of that page
    changes with the store, so all of it is outside a data hash.

    Raises:
        EssenceUnbindable: if the pages contradict RFC 3533.
        MarkError: if the store is too long for a page, the file has several, or pages cannot be moved.
    """
    if len(C2PA.magic) + len(store) > _LARGEST_PACKET:
        raise MarkError(f"a manifest store of {len(store)} bytes does not fit onto one Ogg page")
    try:
        source = FileSource(file)
        heads = read_heads(source)
        require_sound(source, heads)
        old = _old_stream(heads)
        if not all(stream.ended for stream in heads.streams):
            raise MarkError("an Ogg stream has no last page, which readers of C2PA insist on")
        page = _page(store, _free_serial(heads) if old is None else old.serial)
        return _replace(file, heads, old, page)
    except ContainerError as error:
        raise MarkError(f"no manifest can be put into the Ogg file: {error}") from error


def _old_stream(heads: Demultiplexer) -> LogicalStream | None:
    found = [stream for stream in heads.streams if stream.kind is C2PA]
    if len(found) > 1 or any(stream.has_data or not stream.complete for stream in found):
        raise MarkError("the file has several C2PA manifest stores, or more in their stream than a store")
    return found[0] if found else None


def _free_serial(heads: Demultiplexer) -> int:
    used = {stream.serial for stream in heads.streams}
    return next(number for number in range(_SERIAL, _SERIAL + len(used) + 1) if number not in used)


def _page(store: bytes, serial: int) -> bytes:
    packet = C2PA.magic + store
    lacing = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
    header = HEADER.pack(CAPTURE[:4], 0, FIRST | LAST, 0, serial, 0, 0, len(lacing))
    return with_checksum(header + lacing + packet)


def _replace(
    file: BinaryIO, heads: Demultiplexer, old: LogicalStream | None, page: bytes
) -> tuple[tuple[int, int], ...]:
    """Put ``page`` behind the first pages of the other streams of the first chain link."""
    source = FileSource(file)
    gone = old.header_pages if old is not None else []
    others = (found for found in PageWalk(source) if isinstance(found, Page) and found not in gone)
    place = next((found.offset for found in others if not found.flags & FIRST), source.size)
    splices = [Splice(found.offset, found.end - found.offset, b"") for found in gone]
    offset = place - sum(splice.length for splice in splices if splice.offset < place)
    splices.append(Splice(place, 0, page))
    if growth(splices) and any(has_index(stream) for stream in heads.streams):
        raise MarkError("a Skeleton track holds page offsets, which a manifest would make wrong")
    apply(file, splices)
    return ((offset, len(page)),)
