"""Musepack stream version 8: packets, each with a key of two letters and its size.

Musepack's own decoder (libmpcdec r495): ``mpc_demux.c``, ``mpc_bits_reader.c``, ``streaminfo.c``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._ape import IS_HEADER, ApeTag, read_ape
from noai.containers._area import AreaBuilder
from noai.containers._id3_frames import Window
from noai.containers._inventory import sha256
from noai.containers._tagged_stream import StreamLayout, hash_range
from noai.errors import LimitExceeded
from noai.essence import StreamHasher, Violation
from noai.limits import MUSEPACK_PACKETS
from noai.sources import ByteSource

CODEC: Final = "musepack8"
MAGIC: Final = b"MPCK"
HEADER, AUDIO, END, GAIN, CHAPTER = b"SH", b"AP", b"SE", b"RG", b"CT"
#: Loudness, and chapters with tags of their own: tools change them, and no sample with them.
_NOT_ESSENCE: Final = (GAIN, CHAPTER)
_LONGEST_SIZE: Final = 10
#: The highest version of APE tags that ffmpeg reads.
_APE_VERSION: Final = 2000
#: One read while walking: many small packets, or the head of a large one.
_WINDOW: Final = 128
_FRAME_SAMPLES: Final = 1152
#: What the synthesis filter holds back, and frames that an encoder may put behind the last sample.
_SPARE_SAMPLES: Final = 481 + 2 * _FRAME_SAMPLES
#: The APEv2 header of a chapter's tag, without its preamble.
_CHAPTER_TAG: Final = 24


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: ``content`` to ``end`` without key and size. ``end`` may lie behind the stream's."""

    key: bytes
    offset: int
    content: int
    end: int


def walk(source: ByteSource, start: int, end: int) -> Iterator[Packet]:
    """The packets behind the magic number at ``start``, up to the end packet, or where none follows.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.MUSEPACK_PACKETS`.
    """
    window, at, count = Window(source, _WINDOW), start + len(MAGIC), 0
    while (packet := _parse(window.read_at(at, min(2 + _LONGEST_SIZE, max(end - at, 0))), at)) is not None:
        count += 1
        if count > MUSEPACK_PACKETS:
            raise LimitExceeded(f"more than {MUSEPACK_PACKETS} Musepack packets")
        yield packet
        at = packet.end
        if packet.key == END:
            return


def _parse(data: bytes, at: int) -> Packet | None:
    key = data[:2]
    size = read_number(data, 2)
    if len(key) < 2 or not (key.isalpha() and key.isupper()) or size is None:
        return None
    value, after = size
    return Packet(key, at, at + after, at + value) if value >= after else None


def read_number(data: bytes, at: int) -> tuple[int, int] | None:
    """A number of seven bits a byte, highest first, and where it ends; None if it does not."""
    value = 0
    for position in range(at, min(len(data), at + _LONGEST_SIZE)):
        value = value << 7 | data[position] & 0x7F
        if not data[position] & 0x80:
            return value, position + 1
    return None


def hash_stream(source: ByteSource, layout: StreamLayout) -> tuple[StreamHasher, list[Violation]]:
    """Every byte but the packets with gain and chapters.

    Raises:
        LimitExceeded: see :func:`walk`.
    """
    hasher = StreamHasher(CODEC, b"", packets=False)
    check = _Check(source, layout)
    covered = layout.start
    for packet in walk(source, layout.start, layout.end):
        check.packet(packet)
        if packet.key in _NOT_ESSENCE and packet.end <= layout.end:
            hash_range(hasher, source, covered, packet.offset)
            covered = packet.end
    hash_range(hasher, source, covered, layout.end)
    return hasher, list(check.violations())


class _Check:
    """Whether packets make one stream, from its header to its end."""

    def __init__(self, source: ByteSource, layout: StreamLayout) -> None:
        self._source, self._layout = source, layout
        self._at = layout.start + len(MAGIC)
        self._last: Packet | None = None
        self._headers: list[Packet] = []
        self._audio = 0
        self._late_header = False

    def packet(self, packet: Packet) -> None:
        self._at, self._last = packet.end, packet
        if packet.key == AUDIO:
            self._audio += 1
        elif packet.key == HEADER:
            self._headers.append(packet)
            self._late_header = self._late_header or bool(self._audio)

    def violations(self) -> Iterator[Violation]:
        end = self._layout.end
        ended = self._last is not None and self._last.key == END
        if self._at > end or (self._at == end and not ended):
            yield Violation(Code.ESSENCE_TRUNCATED, "the Musepack stream is cut off")
        elif not ended:
            yield Violation(Code.FRAME_SYNC, f"the bytes at {self._at} are no Musepack packet")
        elif self._at < end:
            yield Violation(Code.TRAILING_AUDIO, f"{end - self._at} bytes stand behind the Musepack stream")
        lengths = None
        if len(self._headers) == 1 and not self._late_header:
            lengths = _lengths(self._source, self._headers[0])
        if lengths is None:
            yield Violation(Code.FRAME_HEADER, "there is not one Musepack header in front of the audio")
            return
        samples, in_packet = lengths
        if self._audio * in_packet < samples:
            yield Violation(Code.ESSENCE_TRUNCATED, f"fewer Musepack packets than {samples} samples need")
        elif (self._audio - 1) * in_packet >= samples + _SPARE_SAMPLES:
            yield Violation(Code.TRAILING_AUDIO, f"more Musepack packets than {samples} samples need")


def tag_violations(source: ByteSource, layout: StreamLayout) -> Iterator[Violation]:
    """Where ffmpeg plays the tags behind the stream.

    In short files it reads on behind the end packet, up to an APE tag that ends the file and that it can
    read (``libavformat/mpc8.c``, ``apetag.c``); how such a tag begins is the key of audio.
    """
    sound = [
        tail.tag for tail in layout.tails if isinstance(tail.tag, ApeTag) and _is_sound(source, tail.tag)
    ]
    end = layout.tails[-1].end if layout.tails else layout.end
    stop = sound[-1].offset if sound and sound[-1].end == end else end
    # Of one in front of another tag it plays what begins it, which says nothing of an attack.
    known = {tag.offset for tag in sound}
    at, count = layout.end, 0
    while at < stop and count < MUSEPACK_PACKETS:
        packet = _parse(source.read_at(at, 2 + _LONGEST_SIZE), at)
        if packet is None:
            return
        if packet.key == AUDIO and at not in known:
            message = f"players find a Musepack packet at {at}, in or in front of a tag"
            yield Violation(Code.AUDIO_IN_TAG, message)
            return
        at, count = packet.end, count + 1


def _is_sound(source: ByteSource, tag: ApeTag) -> bool:
    """Whether ffmpeg takes the footer of ``tag`` for one."""
    flags = int.from_bytes(source.read_at(tag.end - 12, 4), "little")
    known = tag.version <= _APE_VERSION and not flags & IS_HEADER
    return known and tag.has_footer and bool(flags >> 31) is tag.has_header and not tag.broken


def _lengths(source: ByteSource, header: Packet) -> tuple[int, int] | None:
    """Samples in all and in one packet, from a stream header of version 8."""
    data = source.read_at(header.content, min(header.end - header.content, 32))
    if data[4:5] != b"\x08" or (samples := read_number(data, 5)) is None:
        return None
    silence = read_number(data, samples[1])
    if silence is None or len(data) < silence[1] + 2:
        return None
    return samples[0], _FRAME_SAMPLES << 2 * (data[silence[1] + 1] & 7)


# -- tags in the stream -------------------------------------------------------------------------


def read_chapters(source: ByteSource, start: int, end: int, area: AreaBuilder) -> int:
    """What the tags of chapters say goes to ``area``. Where the last packet ends.

    Raises:
        LimitExceeded: see :func:`walk` and :class:`noai.containers._area.AreaBuilder`.
    """
    last = start + len(MAGIC)
    for packet in walk(source, start, end):
        last = packet.end
        if packet.key != CHAPTER:
            continue
        area.count_item()
        tag = _chapter_tag(source, packet) if packet.end <= end else None
        if tag is None:
            area.note(Code.TAG_UNREADABLE, f"the Musepack chapter at {packet.offset} is damaged")
        elif tag.end > tag.offset:
            read_ape(source, tag, area)
    return last


def _chapter_tag(source: ByteSource, packet: Packet) -> ApeTag | None:
    """The tag behind position, gain and peak of a chapter; an empty one if there is none."""
    position = read_number(source.read_at(packet.content, _LONGEST_SIZE), 0)
    if position is None:
        return None
    at = packet.content + position[1] + 4
    if at == packet.end:
        return ApeTag(at, at, at, at, 0, 2000, has_header=False, has_footer=False)
    if at + _CHAPTER_TAG > packet.end:
        return None
    head = source.read_at(at, 12)
    version, count = int.from_bytes(head[:4], "little"), int.from_bytes(head[8:], "little")
    items = at + _CHAPTER_TAG
    return ApeTag(at, packet.end, items, packet.end, count, version, has_header=True, has_footer=False)


def describe(source: ByteSource, start: int, end: int, area: AreaBuilder) -> Iterator[str]:
    """What of the packets is no part of the essence."""
    for packet in walk(source, start, end):
        if packet.key in _NOT_ESSENCE and packet.end <= end:
            area.count_item()
            yield f"Musepack {packet.key.decode()}={sha256(source, packet.content, packet.end)}"
