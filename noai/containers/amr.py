"""AMR and AMR-WB files (RFC 4867 section 5): read, never written, for they have no place for tags."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import BinaryIO, Final

from noai.codes import Code
from noai.containers._area import AreaBuilder
from noai.containers._inventory import sha256
from noai.containers._opaque import note_marks, note_marks_at_end
from noai.containers._tails import locate_tails, read_tail
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.errors import ContainerMalformed, ContainerReadOnly
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.sources import ByteSource, chunks

AMR: Final = ContainerName("amr")
#: Bytes of a frame, its header of one byte included, by frame type; 0 for types that are reserved
#: (3GPP TS 26.101 table 1a and annex A, TS 26.201 table 1a: speech, comfort noise, no data).
_NARROW: Final = (13, 14, 16, 18, 20, 21, 27, 32, 6, 0, 0, 0, 0, 0, 0, 1)
_WIDE: Final = (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 0, 0, 0, 0, 1, 1)
#: The bits of a frame header that are zero: the first and the last two.
_RESERVED: Final = 0x83


@dataclass(frozen=True)
class _Kind:
    magic: bytes
    codec: str
    sizes: tuple[int, ...]
    #: Bytes behind the magic number that describe the channels.
    description: int = 0


#: No magic number begins another one.
_KINDS: Final = (
    _Kind(b"#!AMR\n", "amr", _NARROW),
    _Kind(b"#!AMR-WB\n", "amr-wb", _WIDE),
    _Kind(b"#!AMR_MC1.0\n", "amr", _NARROW, 4),
    _Kind(b"#!AMR-WB_MC1.0\n", "amr-wb", _WIDE, 4),
)
_LONGEST: Final = max(len(kind.magic) + kind.description for kind in _KINDS)


class Amr:
    """AMR. All of the file is read: it says nothing, unless somebody hung a tag on its end."""

    names = (AMR,)
    writable = False
    c2pa_type: str | None = None
    has_xmp = False

    def detect(self, source: ByteSource) -> ContainerName | None:
        return AMR if _kind(source) is not None else None

    def read_tags(self, source: ByteSource) -> TagArea:
        """What stands behind the last frame, where taggers that do not look at the format put tags.

        All frames are walked: only they tell where the audio ends.

        Raises:
            ContainerMalformed: if this is no AMR file.
        """
        kind = _require(source)
        start = _start(source, kind)
        area = AreaBuilder()
        with area.up_to_limits():
            for tail in locate_tails(source, start, source.size):
                read_tail(source, tail, area)
            end = _frames(source, kind, start).end
            note_marks(source, min(end, source.size), source.size, "bytes behind the frames", area)
            # Zeros are frames too, and a tag behind them need not begin where one ends.
            note_marks_at_end(source, start, "the end of the audio", area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        """Everything behind the magic number; the frames must follow each other up to the end of the file.

        Raises:
            ContainerMalformed: if this is no AMR file.
        """
        kind = _require(source)
        start = _start(source, kind)
        # What describes the channels is the configuration; a file of one channel has none.
        config = source.read_at(len(kind.magic), kind.description)
        hasher = StreamHasher(kind.codec, config, packets=False)
        for block in chunks(source, start, source.size):
            hasher.update(block)
        return EssenceReading.of([hasher], _frames(source, kind, start).violations())

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """The tags at the end. Raises ContainerMalformed, LimitExceeded if they cannot be read."""
        start = _start(source, _require(source))
        tails = locate_tails(source, start, source.size)
        return Counter(f"{tail.kind.value}={sha256(source, tail.offset, tail.end)}" for tail in tails)

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            ContainerReadOnly: always.
        """
        raise ContainerReadOnly("AMR has no place for tags")


def _kind(source: ByteSource) -> _Kind | None:
    head = source.read_at(0, _LONGEST)
    return next((kind for kind in _KINDS if head.startswith(kind.magic)), None)


def _require(source: ByteSource) -> _Kind:
    kind = _kind(source)
    if kind is None:
        raise ContainerMalformed("this is no AMR file")
    return kind


def _start(source: ByteSource, kind: _Kind) -> int:
    return min(len(kind.magic) + kind.description, source.size)


@dataclass(frozen=True)
class _Frames:
    """Where the frames that follow each other end: behind a whole one, or in front of what is none."""

    end: int
    size: int

    def violations(self) -> list[Violation]:
        if self.end < self.size:
            message = "bytes that begin no frame, and that decoders step over in different ways"
            return [Violation(Code.FRAME_SYNC, message)]
        if self.end > self.size:
            return [Violation(Code.ESSENCE_TRUNCATED, "the last frame is cut off")]
        return []


def _frames(source: ByteSource, kind: _Kind, start: int) -> _Frames:
    """Walk the frames from ``start`` on, in large reads."""
    # By the whole header byte; 0 where a reserved bit or type is set.
    sizes = [0 if byte & _RESERVED else kind.sizes[byte >> 3 & 15] for byte in range(256)]
    end = begin = start
    for block in chunks(source, start, source.size):
        at = end - begin
        while at < len(block):
            size = sizes[block[at]]
            if not size:
                return _Frames(begin + at, source.size)
            at += size
        end = begin + at
        begin += len(block)
    return _Frames(end, source.size)
