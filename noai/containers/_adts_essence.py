"""The essence of AAC in ADTS, scheme ``aac/1``: the same as of the same AAC in MP4.

Packets: the raw data block of each frame, without header and CRC. Configuration: that of an
AudioSpecificConfig that says what the header says (:func:`noai.containers._mpeg4_audio.aac_config`).

Channel configuration 0: the first raw data block starts with a program config element. It goes
into the configuration, and out of the block, which is what MP4 does with it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers import _adts_frames as adts
from noai.containers._adts_pce import element_at_start
from noai.containers._mpeg4_audio import aac_config
from noai.containers._tagged_stream import StreamLayout
from noai.errors import LimitExceeded
from noai.essence import StreamHasher, Violation
from noai.limits import ADTS_FRAMES, READ_SIZE
from noai.sources import ByteSource, read_exactly

CODEC: Final = "aac"


def hash_stream(source: ByteSource, layout: StreamLayout, first: int) -> tuple[StreamHasher, list[Violation]]:
    """The frames from ``first``, where one starts.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.ADTS_FRAMES`.
    """
    data = source.read_at(first, min(adts.LONGEST_FRAME, layout.end - first))
    header = adts.parse(data)
    assert header is not None, "a frame was found here"
    violations: list[Violation] = []
    if first > layout.start:
        message = f"{first - layout.start} bytes stand between the tags and the first ADTS frame"
        violations.append(Violation(Code.FRAME_SYNC, message))
    config, skip = (
        struct.pack(">H", header.object_type << 11 | header.rate_index << 7 | header.channels << 3),
        0,
    )
    if not header.channels:
        element = element_at_start(data[header.size : header.length])
        if element is None:
            message = "the channels are said by an element that does not start the first frame"
            violations.append(Violation(Code.ESSENCE_UNSUPPORTED, message))
        else:
            config, skip = config + element.data, element.length
    hasher = StreamHasher(CODEC, aac_config(config), packets=True)
    walk = _Walk(source, header, layout.end)
    for batch in walk.batches(first):
        if skip:
            batch.payloads[0] = batch.payloads[0][skip:]
            skip = 0
        hasher.packet_lengths(_lengths(batch.payloads), len(batch.payloads))
        hasher.update(b"".join(batch.payloads))
    violations += walk.violations()
    return hasher, violations


def _lengths(payloads: list[bytes]) -> bytes:
    return struct.pack(f"<{len(payloads)}I", *map(len, payloads))


@dataclass
class _Batch:
    payloads: list[bytes]


class _Walk:
    """The frames of one stream, and why they end where they do."""

    def __init__(self, source: ByteSource, first: adts.Header, end: int) -> None:
        self._source, self._first, self._end = source, first, end
        self._at = 0
        self._several = False

    def batches(self, start: int) -> Iterator[_Batch]:
        """The raw data blocks of all whole frames."""
        self._at, count = start, 0
        while self._at < self._end:
            payloads = self._payloads(
                read_exactly(self._source, self._at, min(READ_SIZE, self._end - self._at))
            )
            count += len(payloads)
            if count > ADTS_FRAMES:
                raise LimitExceeded(f"more than {ADTS_FRAMES} ADTS frames")
            if not payloads:
                return
            yield _Batch(payloads)

    def _payloads(self, data: bytes) -> list[bytes]:
        wanted, size, length = self._first.stream, self._first.size, len(data)
        found, at = [], 0
        while at + adts.HEADER <= length:
            word = int.from_bytes(data[at : at + adts.HEADER], "big")
            end = at + (word >> 13 & 0x1FFF)
            if word & adts.STREAM_BITS != wanted or end > length or end < at + size:
                break
            self._several = self._several or bool(word & 3)
            found.append(data[at + size : end])
            at = end
        self._at += at
        return found

    def violations(self) -> Iterator[Violation]:
        if self._several:
            # Without decoding them they cannot be told apart, and decoders play the first alone.
            yield Violation(Code.ESSENCE_UNSUPPORTED, "an ADTS frame holds several raw data blocks")
        if self._at == self._end:
            return
        rest = self._source.read_at(self._at, min(adts.HEADER, self._end - self._at))
        header = adts.parse(rest)
        if header is None:
            cut = len(rest) < adts.HEADER and rest[:1] == b"\xff"
            code = Code.ESSENCE_TRUNCATED if cut else Code.FRAME_SYNC
            yield Violation(code, f"the bytes at {self._at} are no whole ADTS frame")
        elif header.stream != self._first.stream:
            yield Violation(Code.FRAME_HEADER, f"the ADTS frame at {self._at} is of another stream")
        else:
            yield Violation(Code.ESSENCE_TRUNCATED, f"the ADTS frame at {self._at} is cut off")
