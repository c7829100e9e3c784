"""Markers in places of an ASF file where few look, and audio that a permission does not cover.

Each attack is made on a real file: where nothing else speaks against it, and beside the artist's own
permission. Both depths have to agree on each.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from noai.verdict import Decision
from tests.attacks.places import DENIAL, STATEMENT, Files, judge, require_not_admitted, require_rejected
from tests.audio import Studio
from tests.unit.asf_bytes import (
    attribute,
    description,
    descriptor,
    descriptors,
    extension,
    guid_object,
    header,
    library,
    obj,
    packet,
    payload,
    properties,
    stream,
    text,
)
from tests.unit.asf_bytes import data as data_object
from tests.unit.id3_bytes import frame, tag

XMP = (
    "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    "<rdf:Description rdf:about='' xmlns:plus='http://ns.useplus.org/ldf/xmp/1.0/'"
    " plus:DataMining='http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED'/></rdf:RDF></x:xmpmeta>"
)


def in_header(content: bytes, *objects: bytes, last: bool = True) -> bytes:
    """``content`` with more objects in its header, behind or in front of all others."""
    inner = b"".join(objects)
    size = int.from_bytes(content[16:24], "little")
    count = int.from_bytes(content[24:28], "little") + len(objects)
    at = size if last else 30
    sizes = struct.pack("<QI", size + len(inner), count)
    return content[:16] + sizes + content[28:at] + inner + content[at:]


def behind_header(content: bytes, inner: bytes) -> bytes:
    size = int.from_bytes(content[16:24], "little")
    return content[:size] + inner + content[size:]


def in_extension(content: bytes, inner: bytes) -> bytes:
    return in_header(content, extension(inner))


def token_in(name: str, kind: int = 0) -> Callable[[bytes, str], bytes]:
    def put(content: bytes, token: str) -> bytes:
        return in_header(content, descriptors(descriptor(name, text(token), kind)))

    return put


def uncounted(content: bytes, token: str) -> bytes:
    """An attribute that the count of its object leaves out."""
    records = descriptor("a", "b") + descriptor("NOAI", token)
    return in_header(content, guid_object(obj.EXTENDED_DESCRIPTION, b"\1\0" + records))


def uncounted_object(content: bytes, token: str) -> bytes:
    """An object in the size of the header that its count of objects leaves out."""
    more = in_header(content, descriptors(descriptor("NOAI", token)))
    return more[:24] + content[24:28] + more[28:]


def outside_the_extension(content: bytes, token: str) -> bytes:
    """A header extension whose own count of bytes ends in front of what ffmpeg reads in it."""
    whole = extension(library(attribute("NOAI", token)))
    return in_header(content, whole[:42] + bytes(4) + whole[46:])


def too_small_a_header(content: bytes, token: str) -> bytes:
    """An object that ffmpeg reads, since it walks on to the Data Object, and the header does not hold."""
    return behind_header(content, descriptors(descriptor("NOAI", token)))


def id3(token: str) -> bytes:
    return tag(4, frame(4, "TXXX", b"\3NOAI\0" + token.encode()))


def codec_list() -> bytes:
    said = text(STATEMENT)
    entry = struct.pack("<HH", 2, len(said) // 2) + said + bytes(4)
    return guid_object(obj.CODEC_LIST, bytes(16) + b"\1\0\0\0" + entry)


def stream_name() -> bytes:
    named = text(STATEMENT)
    return guid_object(obj.EXTENDED_STREAM, bytes(60) + struct.pack("<HHHH", 1, 0, 0, len(named)) + named)


def script() -> bytes:
    said = text(STATEMENT)
    head = struct.pack("<HHH", 1, 1, 4) + text("TXT") + bytes(6) + struct.pack("<H", len(said) // 2)
    return guid_object(obj.SCRIPT, bytes(16) + head + said)


def chapter() -> bytes:
    said = text(STATEMENT)
    head = struct.pack("<IHH", 1, 0, 0) + bytes(26) + struct.pack("<I", len(said) // 2)
    return guid_object(obj.MARKERS, bytes(16) + head + said)


@dataclass(frozen=True)
class Hidden:
    name: str
    put: Callable[[bytes, str], bytes]

    def __str__(self) -> str:
        return self.name


#: Places where some reader would find the denial: it is rejected.
READ = (
    Hidden("second description", token_in("NOAI")),
    Hidden("other letter case", token_in("nOaI")),
    Hidden("with a prefix", token_in("WM/NOAI")),
    Hidden("name that goes on behind a zero", token_in("NOAI\0x")),
    Hidden("as bytes", token_in("NOAI", 1)),
    Hidden("of an unknown type", token_in("NOAI", 77)),
    Hidden(
        "in front of all objects",
        lambda d, t: in_header(d, descriptors(descriptor("NOAI", t)), last=False),
    ),
    Hidden(
        "behind many attributes",
        lambda d, t: in_header(d, descriptors(*[descriptor("a", "b")] * 500, descriptor("NOAI", t))),
    ),
    Hidden("metadata", lambda d, t: in_extension(d, library(attribute("NOAI", t), name=obj.METADATA))),
    Hidden("metadata library", lambda d, t: in_extension(d, library(attribute("NOAI", t)))),
    Hidden(
        "bound to a language and a stream",
        lambda d, t: in_extension(d, library(attribute("noai", t, language=9, stream=127))),
    ),
    Hidden("library outside an extension", lambda d, t: in_header(d, library(attribute("NOAI", t)))),
    Hidden(
        "extension in an extension",
        lambda d, t: in_extension(d, extension(library(attribute("NOAI", t)))),
    ),
    Hidden("description in an extension", lambda d, t: in_extension(d, descriptors(descriptor("NOAI", t)))),
    Hidden("object in front of the data", too_small_a_header),
    Hidden("object behind the data", lambda d, t: d + descriptors(descriptor("NOAI", t))),
    Hidden("second header", lambda d, t: d + header(descriptors(descriptor("NOAI", t)))),
    Hidden("uncounted object", uncounted_object),
    Hidden("outside the size of an extension", outside_the_extension),
    Hidden("ID3 in an attribute", lambda d, t: in_header(d, descriptors(descriptor("ID3", id3(t), 1)))),
    Hidden("statement as title", lambda d, t: in_header(d, description(STATEMENT))),
    Hidden("statement as rating", lambda d, t: in_header(d, description("", "", "", "", STATEMENT))),
    Hidden("statement behind a zero", lambda d, t: in_header(d, description(f"title\0{STATEMENT}"))),
    Hidden("statement as a script command", lambda d, t: in_header(d, script())),
    Hidden("statement as a chapter", lambda d, t: in_header(d, chapter())),
    Hidden("statement as the name of a stream", lambda d, t: in_extension(d, stream_name())),
    Hidden("statement as the name of a codec", lambda d, t: in_header(d, codec_list())),
    Hidden("XMP behind the data", lambda d, t: d + guid_object(obj.XMP, XMP.encode())),
    Hidden("XMP in the header", lambda d, t: in_header(d, guid_object(obj.XMP, XMP.encode("utf-16")))),
    Hidden("XMP as an attribute", lambda d, t: in_header(d, descriptors(descriptor("xmp", XMP)))),
)
#: Places that are no tags: what stands there is not believed, and not overlooked.
SEARCHED = (
    Hidden("uncounted attribute", uncounted),
    Hidden("padding", lambda d, t: in_header(d, guid_object(obj.PADDING, text("NOAI") + text(t)))),
    Hidden(
        "padding in an extension",
        lambda d, t: in_extension(d, guid_object(obj.PADDING, b"NOAI=" + t.encode())),
    ),
    Hidden("unknown object", lambda d, t: in_header(d, guid_object(b"u" * 16, descriptor("NOAI", t)))),
    Hidden("unknown object behind the data", lambda d, t: d + guid_object(b"u" * 16, b"noai=" + t.encode())),
    Hidden(
        "bytes in an attribute",
        lambda d, t: in_header(d, descriptors(descriptor("WM/Else", f"NOAI={t}".encode(), 1))),
    ),
    Hidden("name of another attribute", token_in("x\0NOAI")),
    Hidden("bytes behind everything", lambda d, t: d + b"\0" * 8 + descriptor("NOAI", t)),
    Hidden("cut object behind the data", lambda d, t: d + descriptors(descriptor("NOAI", t))[:-1]),
)


@pytest.fixture(scope="module")
def files(studio: Studio) -> Files:
    return Files(studio)


@pytest.mark.parametrize("place", READ, ids=str)
def test_a_hidden_denial_rejects(files: Files, place: Hidden) -> None:
    require_rejected(place.put(files.plain("asf"), DENIAL))
    require_rejected(place.put(files.marked("asf"), DENIAL))
    require_rejected(place.put(files.permitted("asf"), DENIAL))


@pytest.mark.parametrize("place", SEARCHED, ids=str)
def test_a_denial_where_no_tag_belongs_is_not_overlooked(files: Files, place: Hidden) -> None:
    require_not_admitted(place.put(files.plain("asf"), DENIAL))
    require_rejected(place.put(files.marked("asf"), DENIAL))
    require_not_admitted(place.put(files.permitted("asf"), DENIAL))


def test_the_real_files_would_be_admitted(files: Files) -> None:
    assert judge(files.plain("asf")).decision is Decision.UNRESERVED
    assert judge(files.permitted("asf")).decision is Decision.ALLOWED


# -- audio that a permission does not cover ---------------------------------------------------


def other_packets(content: bytes) -> bytes:
    sound = (packet(payload(b"x" * 100)), packet(payload(b"y" * 100, number=1)))
    return header(properties(2), stream()) + data_object(*sound)


def flipped_sound(content: bytes) -> bytes:
    at = len(content) - 2000
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def in_place(name: bytes, at: int, value: bytes) -> Callable[[bytes], bytes]:
    """The bytes at ``at`` in the first object of a kind replaced."""

    def put(content: bytes) -> bytes:
        start = content.index(name) + at
        return content[:start] + value + content[start + len(value) :]

    return put


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "another file behind": lambda d: d + other_packets(d),
    "another data object behind": lambda d: d + data_object(packet(payload(b"x" * 100))),
    "another sound": flipped_sound,
    "another sampling rate": in_place(obj.STREAM_PROPERTIES, 24 + 54 + 4, struct.pack("<I", 8000)),
    "another bit rate": in_place(obj.STREAM_PROPERTIES, 24 + 54 + 8, struct.pack("<I", 9999)),
    "an interleaved stream": in_place(obj.STREAM_PROPERTIES, 24 + 54 + 28, b"\2"),
    "a live stream": in_place(obj.FILE_PROPERTIES, 24 + 64, b"\3"),
    "another packet size": in_place(obj.FILE_PROPERTIES, 24 + 68, struct.pack("<II", 1600, 1600)),
    "a second stream": lambda d: in_header(d, stream(2)),
    "a stream in place of the first": lambda d: in_header(d, stream(1), last=False),
    "encrypted": lambda d: in_header(d, guid_object(obj.ENCRYPTED, bytes(16))),
    "cut off": lambda d: d[: d.index(obj.DATA) + 5000],
    "fewer packets": in_place(obj.DATA, 40, b"\1"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_permission_does_not_cover_other_audio(files: Files, name: str) -> None:
    spoiled = SPOILED[name](files.permitted("asf"))
    assert spoiled != files.permitted("asf")
    require_not_admitted(spoiled)
