"""How many samples the packets of an Ogg page last, which granule positions are held against.

By the first bytes of each packet: Vorbis I §4.3.1 and §4.3.8, RFC 6716 §3.1 and §3.2, RFC 9639 §9.1; a
packet of Speex lasts as long as its header says. Nothing is decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from operator import itemgetter
from typing import Final, Protocol

from noai.containers import _ogg_flac
from noai.containers._ogg_kinds import FLAC, OPUS, SPEEX
from noai.containers._ogg_speex import SpeexHeader
from noai.containers._ogg_streams import LogicalStream
from noai.errors import ContainerMalformed
from noai.sources import read_exactly


class Durations(Protocol):
    """Durations of one stream's packets, asked for in order."""

    @property
    def rate(self) -> int:
        """Samples a second."""

    @property
    def longest(self) -> int:
        """Samples of the longest packet that the codec allows."""

    def of(self, body: bytes, starts: Sequence[int]) -> int:
        """Samples of the packets that begin at ``starts`` in ``body``, each with a byte at least."""


def durations_of(stream: LogicalStream) -> Durations:
    """The header packets of ``stream`` are complete and within :data:`noai.limits.CODEC_HEADER_BYTES`.

    Raises:
        ContainerMalformed: if the header packets do not say how long packets are.
    """
    head = stream.packets[0]
    if stream.kind is OPUS:
        return _Opus()
    if stream.kind is FLAC:
        return _Flac(_ogg_flac.streaminfo(head))
    if stream.kind is SPEEX:
        return _Speex(SpeexHeader.parse(head))
    setup = stream.packets[2]
    return _Vorbis(read_exactly(head, 0, _IDENTIFICATION.size), read_exactly(setup, 0, setup.size))


def _first_bytes(body: bytes, starts: Sequence[int]) -> bytes:
    # Of one place itemgetter makes no tuple.
    return bytes(itemgetter(*starts)(body)) if len(starts) > 1 else bytes(body[at] for at in starts)


class _Opus:
    """Samples at 48 kHz, which granule positions count whatever the file was made from."""

    rate = 48_000
    longest = 5760

    def of(self, body: bytes, starts: Sequence[int]) -> int:
        firsts = _first_bytes(body, starts)
        if len(firsts.translate(None, _COUNTED)) == len(firsts):
            return sum(_OPUS_SAMPLES[first] * firsts.count(first) for first in set(firsts))
        return sum(
            _OPUS_SAMPLES[first] * (_frames(body, start) if first & 3 == 3 else 1)
            for first, start in zip(firsts, starts, strict=True)
        )


#: Samples of one frame by the upper five bits of a packet's first byte.
_FRAME_SAMPLES: Final = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4
#: Samples of a packet by its first byte, of one frame where the second byte says how many there are.
_OPUS_SAMPLES: Final = tuple(_FRAME_SAMPLES[byte >> 3] * (1, 2, 2, 1)[byte & 3] for byte in range(256))
_COUNTED: Final = bytes(byte for byte in range(256) if byte & 3 == 3)


def _frames(body: bytes, start: int) -> int:
    return body[start + 1] & 63 if start + 1 < len(body) else 0


class _Speex:
    def __init__(self, header: SpeexHeader) -> None:
        self.rate = header.rate
        self.longest = header.packet_samples

    def of(self, body: bytes, starts: Sequence[int]) -> int:
        return self.longest * len(starts)


#: As much of a FLAC frame as can hold its number of samples.
_FRAME_HEAD: Final = 16


class _Flac:
    def __init__(self, streaminfo: bytes) -> None:
        self.rate = int.from_bytes(streaminfo[10:13], "big") >> 4
        self.longest = int.from_bytes(streaminfo[2:4], "big")

    def of(self, body: bytes, starts: Sequence[int]) -> int:
        return sum(_ogg_flac.samples_of(body[start : start + _FRAME_HEAD]) for start in starts)


#: Of the identification header: sampling rate, and both block sizes as powers of two in one byte.
_IDENTIFICATION: Final = struct.Struct("<12xI12xB")
#: One mode in the setup header: block flag, two numbers of 16 bits that are zero, mapping.
_MODE_BITS: Final = 41
_MODES: Final = 64
#: As many bytes of the end of a setup header as hold them.
_MODES_BYTES: Final = 512
#: Beside the two block flags.
_NO_AUDIO: Final = 2


class _Vorbis:
    """A packet lasts a quarter of its block and of the block in front of it; the first one none."""

    def __init__(self, identification: bytes, setup: bytes) -> None:
        rate, blocks = _IDENTIFICATION.unpack(identification)
        self.rate: int = rate
        sizes: tuple[int, int] = (1 << (blocks & 15), 1 << (blocks >> 4))
        flags = _long_blocks(setup)
        width = (len(flags) - 1).bit_length()
        self.longest = max(sizes) // 2
        self._sizes = sizes
        # A first byte whose lowest bit is set begins no audio; unknown modes do not decode.
        self._kinds = bytes(
            _NO_AUDIO if byte & 1 or (mode := byte >> 1 & (1 << width) - 1) >= len(flags) else flags[mode]
            for byte in range(256)
        )
        self._block = 0

    def of(self, body: bytes, starts: Sequence[int]) -> int:
        firsts = _first_bytes(body, starts)
        kinds = firsts.translate(self._kinds).replace(bytes([_NO_AUDIO]), b"")
        if not kinds:
            return 0
        blocks = sum(size * kinds.count(kind) for kind, size in enumerate(self._sizes))
        # The sum over all packets of their block and the one before. The very first one lasts no time.
        before = self._block or -self._sizes[kinds[0]]
        self._block = self._sizes[kinds[-1]]
        return (before + 2 * blocks - self._block) // 4


def _long_blocks(setup: bytes) -> list[int]:
    """The block flags of all modes, read from the end of the setup header, to get by without its codebooks.

    The last bit that is set is the framing bit. Modes stand in front of it, and in front of them how
    many they are: the longest list that its own number confirms.
    """
    number = int.from_bytes(setup.rstrip(b"\x00")[-_MODES_BYTES:], "little")
    end = number.bit_length() - 1
    flags: list[int] = []
    best: list[int] = []
    while len(flags) < _MODES and end >= _MODE_BITS + 6:
        end -= _MODE_BITS
        if number >> (end + 1) & 0xFFFFFFFF:
            break
        flags.insert(0, number >> end & 1)
        if (number >> (end - 6) & 63) + 1 == len(flags):
            best = list(flags)
    if not best:
        raise ContainerMalformed("the Vorbis setup header has no modes")
    return best
