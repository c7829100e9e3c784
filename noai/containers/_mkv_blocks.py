"""Clusters walked in file order, and the blocks of audio in them handed to their tracks.

RFC 9559 §5.1.3 (clusters), §10 (blocks).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

from noai.codes import Code
from noai.containers._ebml import CRC32, VOID, Element, parse_header, parse_number, render_id
from noai.containers._mkv_frames import LACING, AudioTrack, unlace
from noai.containers._mkv_rules import Rules
from noai.containers._mkv_schema import (
    BLOCK,
    BLOCK_DURATION,
    BLOCK_GROUP,
    CHILDREN,
    CLUSTER,
    DISCARD_PADDING,
    ENCRYPTED_BLOCK,
    KNOWN,
    REFERENCE_BLOCK,
    REFERENCE_PRIORITY,
    SILENT_TRACKS,
    SIMPLE_BLOCK,
    TIMESTAMP,
)
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import MATROSKA_BLOCK_BYTES, MATROSKA_BLOCKS, MATROSKA_CLUSTER_ELEMENTS, MIB, READ_SIZE
from noai.sources import ByteSource, read_exactly

#: What may stand beside the block in a group of audio without changing what is heard.
_HARMLESS: Final = frozenset(
    (BLOCK, BLOCK_DURATION, REFERENCE_PRIORITY, REFERENCE_BLOCK, DISCARD_PADDING, VOID, CRC32)
)
#: Of the flags in a block header (§10.1, 10.2).
_INVISIBLE: Final = 0x08
_DISCARDABLE: Final = 0x01
_SPECIAL: Final = LACING | _INVISIBLE | _DISCARDABLE
#: Longest block that ffmpeg reads.
_LONGEST_BLOCK: Final = 256 * MIB
_CLUSTER: Final = render_id(CLUSTER)
#: Number of the track in up to 8 bytes, timestamp, flags.
_BLOCK_HEADER: Final = 11
#: Bytes of what stands in front of the content of an element.
_HEADER: Final = 12
#: Of a block that is read without detours: id, size in two bytes, number in one, timestamp, flags.
_PLAIN_HEADER: Final = 7
_TICKS: Final = struct.Struct(">hB")


class ClusterReader:
    """Walks clusters in file order and hands the blocks of audio to their tracks."""

    def __init__(
        self,
        source: ByteSource,
        audio: Mapping[int, AudioTrack],
        others: Mapping[int, bool],
        scale: int,
        rules: Rules,
    ) -> None:
        """``others``: tracks that are not audio, and whether players open their frames.

        ``scale``: nanoseconds of a tick.
        """
        self._source = source
        self._audio = audio
        self._plain = {0x80 | number: track for number, track in audio.items() if number < 0x7F}
        self._others = others
        self._scale = scale
        self._rules = rules
        self._blocks = 0
        self._elements = 0
        self._beside = 0
        self._data = b""
        self._base = 0

    def read(self, cluster: Element) -> None:
        """
        Raises:
            ContainerMalformed: if something in ``cluster`` is not well-formed.
            LimitExceeded: for more or larger blocks than are read.
        """
        time: int | None = None
        at, end = cluster.data, cluster.end
        while at < end:
            after = self._plain_blocks(at, end, time)
            if after > at:
                at = after
                continue
            element = self._element(at, end)
            number = element.id
            if number == SIMPLE_BLOCK:
                self._block(element, time, _DISCARDABLE | _INVISIBLE)
            elif number == BLOCK_GROUP:
                self._group(element, time)
            elif number == TIMESTAMP and time is None:
                time = self._uint(element) * self._scale
            else:
                self._other(cluster, element)
            at = element.end
        self._flush()

    def _plain_blocks(self, at: int, end: int, time: int | None) -> int:
        """Take all blocks from ``at`` that are like nearly all blocks of audio, as far as they are in memory.

        That is: a SimpleBlock with a size of one or two bytes, of a track below 127, without lacing or
        flags. Where the first one begins that is not, or ``at``.
        """
        if time is None:
            return at
        data, base, tracks, scale = self._data, self._base, self._plain, self._scale
        index = at - base
        last = min(end - base, len(data)) - _PLAIN_HEADER
        if index < 0:
            return at
        while index <= last and data[index] == SIMPLE_BLOCK:
            size = data[index + 1]
            if 0x80 <= size < 0xFF:
                body, stop = index + 2, index + 2 + (size & 0x7F)
            elif 0x40 <= size < 0x7F:
                body, stop = index + 3, index + 3 + ((size & 0x3F) << 8 | data[index + 2])
            else:
                break
            track = tracks.get(data[body])
            if track is None or stop - body < 4 or stop > last + _PLAIN_HEADER:
                break
            ticks, flags = _TICKS.unpack_from(data, body + 1)
            if flags & _SPECIAL:
                break
            track.frame(time + ticks * scale, data[body + 4 : stop])
            self._blocks += 1
            index = stop
        return base + index

    def _element(self, at: int, end: int) -> Element:
        self._elements += 1
        if self._elements > MATROSKA_BLOCKS:
            raise LimitExceeded(f"more than {MATROSKA_BLOCKS} elements in clusters")
        index = self._load(at, min(_HEADER, end - at))
        element = parse_header(self._data, at, end, index)
        if not element.sized:
            raise ContainerMalformed(f"the element {element.name} at {at} has no size")
        return element

    def _load(self, at: int, length: int) -> int:
        """Have ``length`` bytes from ``at`` in memory; where they stand there."""
        index = at - self._base
        if index < 0 or index + length > len(self._data):
            self._flush()
            size = max(length, READ_SIZE)
            self._data = read_exactly(self._source, at, min(size, self._source.size - at))
            self._base, index = at, 0
        return index

    def _flush(self) -> None:
        if self._blocks > MATROSKA_BLOCKS:
            raise LimitExceeded(f"more than {MATROSKA_BLOCKS} blocks")
        for track in self._audio.values():
            track.flush()

    def _uint(self, element: Element) -> int:
        if element.length > 8:
            raise ContainerMalformed(f"the number {element.name} has {element.length} bytes")
        index = self._load(element.data, element.length)
        return int.from_bytes(self._data[index : index + element.length], "big")

    def _other(self, cluster: Element, element: Element) -> None:
        number = element.id
        self._beside += 1
        if self._beside > MATROSKA_CLUSTER_ELEMENTS:
            raise LimitExceeded(f"more than {MATROSKA_CLUSTER_ELEMENTS} elements beside the blocks")
        if number == TIMESTAMP:
            self._rules.violate("a cluster with several timestamps")
        elif number == ENCRYPTED_BLOCK:
            self._rules.violate("encrypted blocks", Code.ESSENCE_UNSUPPORTED)
        elif number == SILENT_TRACKS:
            self._rules.violate("tracks are silent in a cluster", Code.EDIT_HIDES_AUDIO)
        elif number in CHILDREN[CLUSTER]:
            self._uint(element)
        elif number == CRC32 and element.start != cluster.data:
            self._rules.violate("a checksum in a cluster that does not come first")
        elif number in KNOWN:
            self._rules.violate(f"the element {element.name} in a cluster, where it does not belong")

    def _group(self, group: Element, time: int | None) -> None:
        found: dict[int, Element] = {}
        at = group.data
        while at < group.end:
            child = self._element(at, group.end)
            rule = CHILDREN[BLOCK_GROUP].get(child.id)
            if child.id in found and rule is not None and not rule.repeats:
                self._rules.violate(f"the element {child.name} stands twice in a group")
            found[child.id] = child
            if rule is not None and rule.kind == "m":
                self._rules.part(child, 4)
            elif rule is not None and rule.kind in "ui":
                self._uint(child)
            elif rule is None and child.id in KNOWN:
                self._rules.violate(f"the element {child.name} in a group, where it does not belong")
            at = child.end
        if BLOCK not in found:
            raise ContainerMalformed(f"the group at {group.start} has no block")
        track = self._block(found[BLOCK], time, _INVISIBLE)
        if track is None:
            return
        audio, sounds = track
        if not found.keys() <= _HARMLESS:
            self._rules.violate("audio that other elements add to or take away", Code.ESSENCE_UNSUPPORTED)
        if DISCARD_PADDING in found:
            element = found[DISCARD_PADDING]
            bits = 8 * element.length
            padding = self._uint(element)
            padding -= 1 << bits if bits and padding >> (bits - 1) else 0
            audio.timing.discard(padding, sounds)

    def _block(self, block: Element, time: int | None, forbidden: int) -> tuple[AudioTrack, float] | None:
        """Hash one block. Its track and how long its last frame sounds; None if it is not audio."""
        self._blocks += 1
        index = self._load(block.data, min(_BLOCK_HEADER, block.length))
        number, body = parse_number(self._data, index, 8)
        head = body - index
        if block.length < head + 3:
            raise ContainerMalformed(f"the block at {block.start} is too short")
        number ^= 1 << 7 * head
        track = self._audio.get(number)
        if track is None:
            self._foreign_block(block, number, index + head + 3)
            return None
        if time is None:
            raise ContainerMalformed(f"the block at {block.start} stands in front of the cluster's timestamp")
        if block.length > MATROSKA_BLOCK_BYTES:
            raise LimitExceeded(f"a block of {block.length} bytes")
        index = self._load(block.data, block.length)
        data, end = self._data, index + block.length
        at = index + head
        ticks, flags = _TICKS.unpack_from(data, at)
        if flags & forbidden:
            self._rules.violate("blocks that players may leave out", Code.EDIT_HIDES_AUDIO)
        start = time + ticks * self._scale
        if not flags & LACING:
            return track, track.frame(start, data[at + 3 : end])
        sizes, at = unlace(data, at + 3, end, flags & LACING)
        return track, track.laced(start, data, sizes, at)

    def _foreign_block(self, block: Element, number: int, at: int) -> None:
        """A block that is not audio. If ffmpeg finds fault with it, it plays a cluster that is inside."""
        if block.length > _LONGEST_BLOCK:
            raise ContainerMalformed(f"a block of {block.length} bytes")
        opened = self._others.get(number)
        if opened is None:
            self._rules.violate("blocks of a track that is not described")
            return
        lacing = self._data[at - 1] & LACING
        if not lacing and not opened:
            return
        if block.length > MATROSKA_BLOCK_BYTES:
            raise LimitExceeded(f"a block of {block.length} bytes")
        head = at - (block.data - self._base)
        index = self._load(block.data, block.length)
        end = index + block.length
        unlace(self._data, index + head, end, lacing)
        if opened and self._data.find(_CLUSTER, index, end) >= 0:
            self._rules.violate("a block that is not audio holds a cluster")
