"""The essence of ASF: the media objects of every stream of audio, in the order of stream numbers.

Not the data packets, which ``ffmpeg -c copy`` makes anew: only what they carry.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._acm_format import AcmFormat, acm_format
from noai.containers._asf_objects import (
    DATA,
    ENCRYPTION,
    FILE_PROPERTIES,
    HEADER,
    STREAM_PROPERTIES,
    AsfLayout,
    AsfObject,
    guid,
)
from noai.containers._asf_packets import AudioStream, PacketError, read_packets
from noai.containers._id3_frames import Body, all_zero
from noai.containers._tails import locate_tails
from noai.errors import ContainerMalformed
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.limits import CODEC_HEADER_BYTES, MIB
from noai.sources import ByteSource, read_exactly

_AUDIO: Final = guid("F8699E40-5B4D-11CF-A8FD-00805F5C442B")
#: A stream of any kind whose own header stands in the type-specific data, audio among them.
_EMBEDDED: Final = guid("3AFB65E2-47EF-40F2-AC2C-70A90D71D343")
_SPREAD: Final = guid("BFC3CD50-618F-11CF-8BB2-00AA00B4E220")
#: Flags, packet sizes: from the play duration on (section 3.2).
_FILE: Final = struct.Struct("<QQQQQQIII")
_STREAM: Final = struct.Struct("<16s16sQIIHI")
_BROADCAST: Final = 1
#: In front of the packets: file id, number of packets, reserved.
_DATA_HEAD: Final = 50
#: Least and largest data packet; ffmpeg writes 3,200 bytes and reads up to 64 KiB of them.
_PACKET_SIZES: Final = range(64, 1 * MIB)
#: ffmpeg reads a Data Object shorter than this to the end of the file.
_LEAST_DATA: Final = 100
#: How far the last object may begin behind the play duration, which writers round.
_SLACK_MS: Final = 1000


@dataclass(frozen=True)
class FileProperties:
    size: int
    packets: int
    duration: int
    flags: int
    least: int
    largest: int

    @property
    def broadcast(self) -> bool:
        return self.flags & _BROADCAST != 0


@dataclass(frozen=True)
class Stream:
    """One Stream Properties Object. ``format`` is None where it is no audio."""

    number: int
    format: AcmFormat | None


def read_properties(source: ByteSource, layout: AsfLayout) -> FileProperties:
    """
    Raises:
        ContainerMalformed: unless there is exactly one whole File Properties Object, in the header.
    """
    found = layout.all(FILE_PROPERTIES)
    if len(found) != 1 or not found[0].in_header or found[0].size < 24 + 16 + _FILE.size:
        raise ContainerMalformed("the header has not exactly one File Properties Object")
    content = read_exactly(source, found[0].data + 16, _FILE.size)
    size, _, packets, duration, _, _, flags, least, largest = _FILE.unpack(content)
    return FileProperties(size, packets, duration, flags, least, largest)


def read_essence(source: ByteSource, layout: AsfLayout) -> EssenceReading:
    """
    Raises:
        ContainerMalformed: if the header has no usable properties.
    """
    properties = read_properties(source, layout)
    violations = [*_structure(source, layout), *_counts(source, layout, properties)]
    streams: dict[int, AudioStream] = {}
    others: set[int] = set()
    for found in layout.all(STREAM_PROPERTIES):
        try:
            stream = _read_stream(source, found, violations)
        except ContainerMalformed as error:
            violations.append(Violation(Code.ESSENCE_UNREADABLE, f"a stream cannot be read: {error}"))
            continue
        if stream.number in streams or stream.number in others:
            violations.append(Violation(Code.ASF_OBJECTS, f"several streams of number {stream.number}"))
        elif stream.format is None:
            others.add(stream.number)
        else:
            form = stream.format
            hasher = StreamHasher(form.codec, form.config, packets=form.packets)
            streams[stream.number] = AudioStream(hasher, form.packets)
    violations += _hash(source, layout, properties, streams, frozenset(others))
    return EssenceReading.of([streams[number].hasher for number in sorted(streams)], violations)


def _hash(
    source: ByteSource,
    layout: AsfLayout,
    properties: FileProperties,
    streams: dict[int, AudioStream],
    others: frozenset[int],
) -> Iterator[Violation]:
    payload = layout.all(DATA)[:1]
    if not payload or properties.largest not in _PACKET_SIZES:
        yield Violation(Code.ESSENCE_UNREADABLE, "there are no data packets of a size that is read")
        return
    start, end = payload[0].offset + _DATA_HEAD, payload[0].end
    try:
        read_packets(source, start, end, properties.largest, streams, others)
    except PacketError as error:
        for stream in streams.values():
            stream.flush()
        yield Violation(error.code, str(error))
    last = max((stream.time for stream in streams.values()), default=0)
    if last > properties.duration // 10_000 + _SLACK_MS:
        yield Violation(Code.EDIT_HIDES_AUDIO, "there is audio behind the play duration of the file")


def _structure(source: ByteSource, layout: AsfLayout) -> Iterator[Violation]:
    """What readers that walk the objects in their own ways would take for different files."""
    for problem in layout.problems[:1]:
        yield Violation(Code.ASF_OBJECTS, problem)
    for found in layout.all(STREAM_PROPERTIES):
        if _top(found).offset != 0:
            yield Violation(Code.ASF_OBJECTS, "a stream is described outside the header")
    for found in layout.all(*ENCRYPTION)[:1]:
        yield Violation(Code.ESSENCE_UNSUPPORTED, f"the object at {found.offset} says that it is encrypted")
    top = [found for found in layout.objects if found.guid in (HEADER, DATA)]
    if [found.guid for found in top] != [HEADER, DATA] or top[1].parent is not None:
        yield Violation(Code.TRAILING_AUDIO, "there is not exactly one header and one Data Object behind it")
    tails = locate_tails(source, layout.rest, layout.size)
    rest = Body(source, layout.rest, tails[0].offset if tails else layout.size)
    if not all_zero(rest, rest.start):
        yield Violation(Code.TRAILING_AUDIO, f"bytes behind the last object, at {layout.rest}")


def _top(found: AsfObject) -> AsfObject:
    while found.parent is not None:
        found = found.parent
    return found


def _counts(source: ByteSource, layout: AsfLayout, properties: FileProperties) -> Iterator[Violation]:
    if properties.broadcast:
        yield Violation(Code.ESSENCE_UNSUPPORTED, "a live stream, whose end players look for in other ways")
    if properties.least != properties.largest:
        yield Violation(Code.ASF_OBJECTS, "data packets of several sizes")
    for payload in layout.all(DATA)[:1]:
        length = payload.end - payload.offset - _DATA_HEAD
        if length < 0 or payload.size < _LEAST_DATA:
            yield Violation(Code.ESSENCE_TRUNCATED, "the Data Object is too short")
            return
        counted = int.from_bytes(read_exactly(source, payload.offset + 40, 8), "little")
        whole = counted * properties.largest == length
        if counted != properties.packets or not whole:
            yield Violation(Code.ASF_OBJECTS, "the numbers of data packets contradict each other")


def _read_stream(source: ByteSource, found: AsfObject, violations: list[Violation]) -> Stream:
    """
    Raises:
        ContainerMalformed: if the object is too short or too long, or its format cannot be read.
    """
    length = found.end - found.data
    if not _STREAM.size <= length <= CODEC_HEADER_BYTES:
        raise ContainerMalformed(f"a Stream Properties Object of {length} bytes")
    content = read_exactly(source, found.data, length)
    kind, correction, _, specific, correcting, flags, _ = _STREAM.unpack_from(content)
    number = flags & 0x7F
    if flags & 0x8000:
        violations.append(Violation(Code.ESSENCE_UNSUPPORTED, f"stream {number} is encrypted"))
    if kind == _EMBEDDED:
        message = f"stream {number} is of a kind that holds another header"
        violations.append(Violation(Code.ESSENCE_UNSUPPORTED, message))
    if kind != _AUDIO:
        return Stream(number, None)
    data = content[_STREAM.size :]
    if specific + correcting != len(data):
        raise ContainerMalformed("a Stream Properties Object whose sizes contradict each other")
    # Spread audio begins with how many objects are interleaved with each other. Writers use 1: none.
    if correcting and (correction != _SPREAD or data[specific] > 1):
        message = f"the objects of stream {number} are interleaved for error correction"
        violations.append(Violation(Code.ESSENCE_UNSUPPORTED, message))
    form = acm_format(data[:specific])
    if form.problem is not None:
        violations.append(Violation(Code.ASF_OBJECTS, form.problem))
    return Stream(number, form)
