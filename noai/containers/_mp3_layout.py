"""Where things lie in an MPEG audio file: tags, frames, tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from noai.containers import _mpeg
from noai.containers._ape import ApeTag, locate_by_header
from noai.containers._id3 import VERSIONS, Id3Tag, locate_leading, parse_header
from noai.containers._tails import Tail, locate_tails
from noai.errors import LimitExceeded
from noai.limits import ID3_TAGS, KIB, MP3_JUNK_BYTES, MP3_UNTAGGED_JUNK_BYTES
from noai.sources import ByteSource, read_exactly

#: Frames that must follow each other before bytes count as MPEG audio, where junk stands in front
#: of them. Right behind the tags two will do, as they do for decoders.
_FRAMES: Final = 4
#: One read in the search for them; it holds that many of the longest.
_WINDOW: Final = 12 * KIB
_OVERLAP: Final = _FRAMES * _mpeg.LONGEST_FRAME

#: What other formats start with, some of which can hold MPEG frames or follow an ID3 tag.
_FOREIGN: Final = (
    b"fLaC", b"OggS", b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff", b"FORM", b"MAC ", b"MPCK", b"MP+",
    b"TTA1", b"TTA2", b"wvpk", b"DSD ", b"FRM8", b"caff", b"ADIF", b"#!AMR", b".snd", b"TRUEHD",
    b"\x1aE\xdf\xa3", b"0&\xb2u", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"\x0bw", b"tBaK", b"OFR ",
    b"LA0", b"FWS", b"CWS", b"FLV", b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"\x7fELF",
    # What holds other files, whose audio must not be taken for its own.
    b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08", b"\x1f\x8b", b"(\xb5/\xfd", b"BZh", b"\xfd7zXZ",
    b"7z\xbc\xaf", b"Rar!", b"PAR1", b"PARE", b"ARROW1", b"\xff\xff\xff\xff", b"FEA1", b"Obj\x01", b"ORC",
    b"\x89HDF", b"SQLite format 3", b"\x93NUMPY",
)  # fmt: skip
TAR_BLOCK: Final = 512
_TAR_SUM: Final = slice(148, 156)
FOREIGN_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


@dataclass(frozen=True)
class Mp3Layout:
    """``first`` is the first frame, None if there is none. ``tails`` are in file order."""

    leading: tuple[Id3Tag, ...]
    ape: ApeTag | None
    start: int
    first: int | None
    tails: tuple[Tail, ...]
    end: int
    size: int
    free_format: bool = False

    @property
    def tags_end(self) -> int:
        """Where the leading ID3v2 tags end, and decoders start to look for audio."""
        return self.leading[-1].end if self.leading else 0

    @property
    def junk_end(self) -> int:
        """Where the bytes end that are neither leading tag nor audio."""
        return self.end if self.first is None else self.first


def read_layout(source: ByteSource) -> Mp3Layout:
    """Where the tags and the audio of ``source`` lie.

    Raises:
        LimitExceeded: more tags than :data:`noai.limits.ID3_TAGS` in front or behind.
    """
    leading = locate_leading(source)
    start = leading[-1].end if leading else 0
    ape = locate_by_header(source, start)
    if ape is not None:
        start = ape.end
    tails = locate_tails(source, start, source.size)
    end = tails[0].offset if tails else source.size
    first = find_first(source, start, end, MP3_JUNK_BYTES)
    free_format = False
    if first is None:
        data = source.read_at(start, min(2 * _WINDOW, end - start))
        found = _mpeg.find_free_format(data)
        first, free_format = (None if found is None else start + found), found is not None
    return Mp3Layout(tuple(leading), ape, start, first, tuple(tails), end, source.size, free_format)


def find_first(source: ByteSource, start: int, end: int, limit: int, *, tagged: bool = True) -> int | None:
    """The first frame of a run of them, searched for in the first ``limit`` bytes behind ``start``.

    Behind a tag, which says that this is audio, a run may be shorter where it ends with the audio.
    """
    head = source.read_at(start, min(_WINDOW, end - start))
    if _mpeg.starts_with_frames(head, complete=start + len(head) >= end):
        return start
    window, at, last = _WINDOW, start, min(end, start + limit + _OVERLAP)
    while at < last:
        data = read_exactly(source, at, min(window, last - at))
        complete = at + len(data) >= end
        found = _mpeg.find_frames(data, _FRAMES, complete=complete and tagged)
        if found is not None:
            return at + found
        if at + len(data) >= last:
            return None
        at += len(data) - _OVERLAP
        window = 256 * KIB
    return None


def is_mpeg_audio(source: ByteSource) -> bool:
    """Whether ``source`` is MPEG audio of layer I, II or III.

    An ID3v2 tag in front of nothing known is taken for it too, so that what the tag says is seen.

    Raises:
        LimitExceeded: see :func:`read_layout`.
    """
    leading = locate_leading(source)
    start = leading[-1].end if leading else 0
    ape = locate_by_header(source, start)
    if ape is not None:
        start = ape.end
    head = source.read_at(start, _WINDOW)
    if _is_foreign(head):
        return False
    if any(tag.version in VERSIONS for tag in leading) or _mpeg.starts_with_frames(head, complete=False):
        return True
    if start + len(head) >= source.size:
        # One frame will do where it ends with the file; no more is known of so short a file.
        tails = locate_tails(source, start, source.size)
        head = head[: tails[0].offset - start] if tails else head
        if _mpeg.starts_with_frames(head, complete=True):
            return True
    if _mpeg.find_free_format(head) == 0:
        return True
    return find_first(source, start, source.size, MP3_UNTAGGED_JUNK_BYTES, tagged=False) is not None


def _is_foreign(head: bytes) -> bool:
    if head.startswith(_FOREIGN) or head[4:8] in FOREIGN_BOXES or is_tar(head[:TAR_BLOCK]):
        return True
    # ADTS: the sync word of MPEG audio with layer bits of zero (ISO/IEC 13818-7 §6.2).
    return len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0


def is_tar(block: bytes) -> bool:
    """Whether ``block`` is the header of a member of a tar archive, by its checksum (POSIX.1-1988)."""
    digits = block[_TAR_SUM].strip(b" \0")
    if len(block) < TAR_BLOCK or not digits or digits.strip(b"01234567"):
        return False
    return int(digits, 8) == sum(block) - sum(block[_TAR_SUM]) + 8 * 0x20


def detached_tags(source: ByteSource, layout: Mp3Layout) -> list[Id3Tag]:
    """ID3v2 tags in the bytes between the leading tags and the first frame.

    Those with a damaged header, too, behind which the search goes on: their size is not to be trusted.

    Raises:
        LimitExceeded: beyond :data:`noai.limits.ID3_TAGS`.
    """
    end = min(layout.junk_end, layout.start + MP3_JUNK_BYTES)
    junk = source.read_at(layout.start, end - layout.start) if end > layout.start else b""
    tags: list[Id3Tag] = []
    at = junk.find(b"ID3")
    while at >= 0:
        tag = parse_header(junk[at : at + 10], layout.start + at, source.size)
        if tag is not None and tag.version in VERSIONS:
            if len(tags) == ID3_TAGS:
                raise LimitExceeded(f"more than {ID3_TAGS} ID3v2 tags apart from each other")
            tags.append(tag)
        whole = tag is not None and tag.version in VERSIONS and tag.problem is None
        at = junk.find(b"ID3", tag.end - layout.start if tag is not None and whole else at + 3)
    return tags
