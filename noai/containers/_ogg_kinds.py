"""What a logical Ogg bitstream carries, told by how its first packet begins.

Vorbis I §4.2.1; RFC 7845 §5.1; FLAC: https://xiph.org/flac/ogg_mapping.html (mapping 1.0, RFC 9639 §10.1);
Speex: the Speex manual, "Ogg file format"; C2PA 2.4 A.3.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Kind:
    name: str
    magic: bytes
    #: Header packets in front of the data. None: the packets themselves say which one is the last.
    headers: int | None = 1
    #: How the second packet begins where it is a comment block; None where there are no comments.
    comment: bytes | None = None
    #: Bytes in front of the comment block in its packet.
    comment_at: int = 0
    #: Whether it is sound, or may be.
    audio: bool = False
    #: The codec id of its packets in an essence digest; empty where no digest is defined.
    codec: str = ""


VORBIS: Final = Kind("vorbis", b"\x01vorbis", 3, b"\x03vorbis", 7, audio=True, codec="vorbis")
OPUS: Final = Kind("opus", b"OpusHead", 2, b"OpusTags", 8, audio=True, codec="opus")
#: Major version 1. Every header packet behind the first is one metadata block with its header.
FLAC: Final = Kind("flac", b"\x7fFLAC\x01", None, b"", 4, audio=True, codec="flac-packets")
SPEEX: Final = Kind("speex", b"Speex   ", 2, b"", audio=True, codec="speex")
SKELETON: Final = Kind("skeleton", b"fishead\x00")
C2PA: Final = Kind("c2pa", b"\x00c2pa")
#: Whatever this is, it may be audio.
UNKNOWN: Final = Kind("unknown", b"", audio=True)
KINDS: Final = (
    VORBIS,
    OPUS,
    FLAC,
    SPEEX,
    Kind("theora", b"\x80theora", 3, b"\x81theora", 7),
    SKELETON,
    C2PA,
    Kind("kate", b"\x80kate\x00\x00\x00", 2, b"\x81kate\x00\x00\x00\x00", 9),
    Kind("dirac", b"BBCD\x00"),
    Kind("vp8", b"OVP80"),
)
#: Those that noai hashes and marks.
AUDIO: Final = tuple(kind for kind in KINDS if kind.codec)
#: As many bytes of a first packet as tell its kind.
MAGIC_BYTES: Final = 16


def kind_of(start: bytes) -> Kind:
    return next((kind for kind in KINDS if start.startswith(kind.magic)), UNKNOWN)
