"""FLAC in Ogg, mapping 1.0 (https://xiph.org/flac/ogg_mapping.html; RFC 9639 §10.1).

The first packet is ``7F "FLAC"``, the version, a count of the header packets behind it (0: unknown),
``fLaC`` and STREAMINFO. Each header packet behind it is one metadata block; the last one has the flag that
native FLAC has. Decoders go by different things: libFLAC joins the packets and reads them as a native
stream, ffmpeg takes every packet that does not begin with ``FF`` for a header. Both have to agree. Nobody
goes by the count, which GStreamer gets wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from noai.containers._flac_blocks import (
    HEADER,
    INVALID,
    LARGEST_BLOCK,
    LAST,
    STREAMINFO,
    VORBIS_COMMENT,
    Block,
)
from noai.errors import ContainerMalformed
from noai.sources import ByteSource

#: A header packet is one metadata block.
LARGEST_PACKET: Final = HEADER + LARGEST_BLOCK
#: Behind the magic, the version, the count and ``fLaC``: the header of the STREAMINFO block.
_STREAMINFO_AT: Final = 13
_STREAMINFO_BYTES: Final = 34
_FIRST_BYTES: Final = _STREAMINFO_AT + HEADER + _STREAMINFO_BYTES
_NATIVE: Final = slice(9, 13)
#: Smallest and largest frame, which encoders leave out where they cannot go back.
_FRAME_SIZES: Final = slice(4, 10)
#: Samples in a frame by four bits of its header; 6 and 7 are followed by the number itself.
_BLOCK_SIZES: Final = {1: 192, **{n: 144 << n for n in range(2, 6)}, **{n: 1 << n for n in range(8, 16)}}
#: How frames begin (RFC 9639 §9.1). No metadata block begins with the first byte: 127 is no type.
SYNCS: Final = (b"\xff\xf8", b"\xff\xf9")


def is_last_header(packet: ByteSource, *, first: bool) -> bool:
    """Whether no further metadata block follows, by the flag of this one."""
    return any(byte & LAST for byte in packet.read_at(_STREAMINFO_AT if first else 0, 1))


def begins_audio(source: ByteSource, offset: int) -> bool:
    """Whether the packet at ``offset`` of the file is a frame."""
    return source.read_at(offset, 1) == b"\xff"


def streaminfo(packet: ByteSource) -> bytes:
    """The 34 bytes of STREAMINFO in the first packet.

    Raises:
        ContainerMalformed: if it is not the first packet that the mapping asks for.
    """
    data = packet.read_at(0, _FIRST_BYTES + 1)
    header = data[_STREAMINFO_AT : _STREAMINFO_AT + HEADER]
    sound = len(data) == _FIRST_BYTES and data[_NATIVE] == b"fLaC"
    if not sound or header[0] & ~LAST or int.from_bytes(header[1:], "big") != _STREAMINFO_BYTES:
        raise ContainerMalformed("the first packet of a FLAC stream is malformed")
    return data[-_STREAMINFO_BYTES:]


def configuration(packet: ByteSource) -> bytes:
    """STREAMINFO as FLAC packets in MP4 and Matroska have it: without the sizes of frames.

    Raises:
        ContainerMalformed: as :func:`streaminfo`.
    """
    info = bytearray(streaminfo(packet))
    info[_FRAME_SIZES] = bytes(6)
    return bytes(info)


def block_of(packet: ByteSource) -> Block | None:
    """The metadata block that a header packet behind the first one is, if it is one and nothing more."""
    header = packet.read_at(0, HEADER)
    if len(header) < HEADER or HEADER + int.from_bytes(header[1:], "big") != packet.size:
        return None
    if header[0] & ~LAST == INVALID:
        return None
    return Block(header[0] & ~LAST, 0, packet.size - HEADER)


def with_length(packet: bytes) -> bytes:
    """A metadata block whose header says how long it is now."""
    return packet[:1] + (len(packet) - HEADER).to_bytes(HEADER - 1, "big") + packet[HEADER:]


def problems(packets: Sequence[ByteSource]) -> Iterator[str]:
    """Where decoders would disagree about these header packets, the first one included."""
    blocks = [block_of(packet) for packet in packets[1:]]
    if None in blocks:
        yield "a header packet of a FLAC stream is not one metadata block"
    if any(block is not None and block.type == STREAMINFO for block in blocks):
        yield "there are several STREAMINFO blocks"
    if packets and not is_last_header(packets[-1], first=len(packets) == 1):
        yield "the metadata of a FLAC stream has no end"


def comment_packets(packets: Sequence[ByteSource]) -> Iterator[int]:
    """The numbers of the packets that begin as VORBIS_COMMENT blocks, also where they are more or less."""
    for number, packet in enumerate(packets[1:], start=1):
        if any(byte & ~LAST == VORBIS_COMMENT for byte in packet.read_at(0, 1)):
            yield number


def samples_of(frame: bytes) -> int:
    """Samples in a frame, by its first bytes (RFC 9639 §9.1.1, §9.1.5); 0 if it does not say."""
    code = frame[2] >> 4 if len(frame) > 2 else 0
    if code not in (6, 7):
        return _BLOCK_SIZES.get(code, 0)
    # The size itself stands behind the coded number, of as many bytes as its first one has leading ones.
    leading = 8 - (frame[4] ^ 0xFF).bit_length() if len(frame) > 4 else 0
    at, width = 4 + max(1, leading), code - 5
    size = frame[at : at + width]
    return int.from_bytes(size, "big") + 1 if len(size) == width else 0
