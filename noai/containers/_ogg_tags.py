"""What the header packets of an Ogg file say: comments, what else FLAC keeps there, and C2PA manifests."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Final

from noai.codes import Code
from noai.containers import _ogg_c2pa, _ogg_flac
from noai.containers._area import AreaBuilder
from noai.containers._flac_blocks import APPLICATION, PADDING, PICTURE, VORBIS_COMMENT
from noai.containers._flac_foreign import read_foreign
from noai.containers._inventory import Foreign, sha256
from noai.containers._ogg_kinds import AUDIO, C2PA, FLAC, OPUS, SPEEX, UNKNOWN
from noai.containers._ogg_pages import Page, PageReader
from noai.containers._ogg_speex import SpeexHeader
from noai.containers._ogg_streams import (
    NEVER_BEGAN,
    Demultiplexer,
    LogicalStream,
    framing_bytes,
    read_heads,
)
from noai.containers._opaque import note_marks
from noai.containers._opus import OpusHead
from noai.containers._vorbis import collect, parse
from noai.containers._vorbis_edit import inventory
from noai.errors import ContainerMalformed
from noai.limits import READ_SIZE
from noai.sources import ByteSource, chunks, read_exactly

#: Bytes behind the comments that are none of them: the framing bit of Vorbis, which GStreamer gives to all.
_FRAMING: Final = 1


def read_tags(heads: Demultiplexer, area: AreaBuilder) -> None:
    """The comments of all streams that were met go to ``area``.

    Raises:
        LimitExceeded: see :class:`noai.containers._area.AreaBuilder`.
    """
    commented = 0
    for stream in heads.streams:
        if stream.kind is C2PA:
            _ogg_c2pa.locate(stream, area)
        elif stream.kind is UNKNOWN:
            area.note(Code.TAG_UNREADABLE, "an Ogg stream of an unknown kind was not read")
        elif stream.kind.comment is not None:
            commented += _read_comments(stream, area)
    if commented > 1:
        area.note(Code.TAG_DUPLICATE, f"{commented} comment blocks; all were read")
    if heads.gap is not None:
        length = heads.gap.end - heads.gap.offset
        area.note(Code.TAG_UNREADABLE, f"{length} bytes at {heads.gap.offset} are in no Ogg page")
    if NEVER_BEGAN in heads.problems:
        area.note(Code.TAG_UNREADABLE, NEVER_BEGAN)
    if any(stream.goes_back for stream in heads.streams if stream.kind in AUDIO):
        area.note(Code.OGG_GRANULE_ORDER, "granule positions of an Ogg stream go backwards")


def _read_comments(stream: LogicalStream, area: AreaBuilder) -> int:
    """How many comment blocks there were. What is wrong with one of them hides none of the others."""
    place = "Vorbis comment" if not stream.link else f"Vorbis comment (link {stream.link + 1})"
    numbers = stream.comment_numbers
    for number in numbers:
        try:
            packet = stream.comment_packet(number)
        except ContainerMalformed as error:
            area.note(Code.TAG_UNREADABLE, f"{place}: {error}")
        else:
            collect(packet, stream.kind.comment_at, packet.size, place, area, framing=_FRAMING)
    if stream.kind is FLAC:
        _read_flac_blocks(stream, area)
    if stream.kind is SPEEX:
        _look_for_extra_headers(stream, area)
    return len(numbers)


def _read_flac_blocks(stream: LogicalStream, area: AreaBuilder) -> None:
    """Blocks besides the comments; what could hide one."""
    if not stream.complete or stream.headers_broken:
        area.note(Code.TAG_UNREADABLE, "the metadata of a FLAC stream is not complete")
    for problem in _ogg_flac.problems(stream.packets):
        area.note(Code.TAG_UNREADABLE, problem)
    for number, packet in enumerate(stream.packets[1:], start=1):
        block = _ogg_flac.block_of(packet)
        if block is not None and block.type == APPLICATION:
            read_foreign(packet, block, area)
        # mutagen takes the first one for the comments, whatever its type.
        elif number not in stream.comment_numbers and (number == 1 or block is None or block.type != PICTURE):
            note_marks(packet, 0, packet.size, "a metadata block of a FLAC stream", area)


def _look_for_extra_headers(stream: LogicalStream, area: AreaBuilder) -> None:
    try:
        extra = not stream.packets or SpeexHeader.parse(stream.packets[0]).extra_headers
    except ContainerMalformed as error:
        area.note(Code.TAG_UNREADABLE, str(error))
        return
    if extra:
        area.note(Code.TAG_UNREADABLE, "extra headers of a Speex stream were not read")


# -- the inventory ---------------------------------------------------------------------------


def take_inventory(source: ByteSource, foreign: Foreign) -> Counter[str]:
    """As :meth:`noai.containers.interface.Container.inventory`.

    Raises:
        ContainerMalformed, LimitExceeded: if a comment header cannot be read to its end.
    """
    items: Counter[str] = Counter()
    area = AreaBuilder()
    heads = read_heads(source)
    for stream in heads.streams:
        if stream.kind in AUDIO:
            items.update(_header(stream))
        if stream.kind is FLAC:
            items.update(_flac_blocks(stream))
        for number in stream.comment_numbers:
            packet = stream.comment_packet(number)
            block = parse(packet, stream.kind.comment_at, packet.size, area)
            items.update(inventory(packet, block, foreign))
            rest = block.end + framing_bytes(stream.kind, packet, block.end)
            if any(map(any, chunks(packet, rest, packet.size))):
                items[f"behind the comments={sha256(packet, rest, packet.size)}"] += 1
    items.update(_other_streams(source, heads))
    return items


def _header(stream: LogicalStream) -> list[str]:
    """What the first packet says and no essence digest covers."""
    if not stream.packets:
        return []
    packet = stream.packets[0]
    if stream.kind is OPUS:
        head = OpusHead.parse(read_exactly(packet, 0, packet.size))
        return [f"Opus output gain={head.output_gain}"]
    return [f"{stream.kind.name} header={sha256(packet, 0, packet.size)}"] if stream.kind is SPEEX else []


def _flac_blocks(stream: LogicalStream) -> Counter[str]:
    items: Counter[str] = Counter()
    for packet in stream.packets[1:]:
        block = _ogg_flac.block_of(packet)
        if block is None:
            items[f"FLAC header packet={sha256(packet, 0, packet.size)}"] += 1
        elif block.type == PADDING and not any(map(any, chunks(packet, block.data, block.end))):
            continue
        elif block.type != VORBIS_COMMENT:
            items[f"{block.name}={sha256(packet, block.data, block.end)}"] += 1
    return items


def _other_streams(source: ByteSource, heads: Demultiplexer) -> Counter[str]:
    """Streams that noai does not mark, C2PA apart, by the digest of what they hold besides comments."""
    others: dict[int, hashlib._Hash] = {}
    for stream in heads.streams:
        if stream.kind in AUDIO or stream.kind is C2PA:
            continue
        digest = others[stream.serial] = hashlib.sha256(stream.kind.name.encode())
        for number, packet in enumerate(stream.packets):
            if number not in stream.comment_numbers:
                digest.update(bytes.fromhex(sha256(packet, 0, packet.size)))
    if not others:
        return Counter()
    headers = {page.offset for stream in heads.streams if stream.complete for page in stream.header_pages}
    reader = PageReader(source, READ_SIZE)
    for page in reader:
        if isinstance(page, Page) and page.serial in others and page.offset not in headers:
            others[page.serial].update(reader.body(page))
    return Counter(f"Ogg stream={digest.hexdigest()}" for digest in others.values())
