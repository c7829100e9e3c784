"""ID3v2 frames described alike in every version, encoding and order.

Frames whose bytes other writers are known to render anew (text, pictures, counters, lyrics,
chapters) are described by what they mean, all others by the digest of their bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from noai.containers._area import AreaBuilder
from noai.containers._id3 import Id3Layout, Id3Tag, read_layout
from noai.containers._id3_frames import Body, Frame, Treatment
from noai.containers._id3_text import TextEncoding, decode_all, split
from noai.containers._id3_values import (
    HEAD,
    RENAMED,
    XMP_OWNER,
    chapter_head,
    content_of,
    frames_in_chapter,
    is_manifest,
    is_marker_slot,
    is_text,
    object_offset,
    parse_text,
    role_of,
)
from noai.containers._inventory import Foreign, sha256
from noai.errors import LimitExceeded
from noai.limits import TAG_VALUE_BYTES, XMP_BYTES
from noai.sources import ByteSource

_PICTURE_FORMATS: Final = {"JPG": "image/jpeg", "PNG": "image/png"}


def describe_tag(source: ByteSource, tag: Id3Tag, foreign: Foreign, area: AreaBuilder) -> Iterator[str]:
    """One description for each foreign frame of ``tag``.

    Raises:
        LimitExceeded: when not every frame could be read.
    """
    layout = read_layout(source, tag, area)
    if layout is None:
        yield f"ID3v2={sha256(source, tag.offset, tag.end)}"
        return
    for frame in layout.walk.frames:
        if is_marker_slot(layout.body, frame, tag.version, tag.frames_unsynchronised):
            continue
        yield from _describe(layout, layout.body, frame, foreign, area)


def _describe(
    layout: Id3Layout, body: Body, frame: Frame, foreign: Foreign, area: AreaBuilder, nested: bool = False
) -> list[str]:
    name, tag = frame.name, layout.tag
    if frame.treatment & (Treatment.COMPRESSED | Treatment.ENCRYPTED):
        return [f"{name} {frame.treatment.value}={sha256(body.source, frame.data, frame.end)}"]
    content = content_of(body, frame, tag.version, tag.frames_unsynchronised and not nested)
    if content is None:
        raise LimitExceeded(f"{name} at {frame.offset} is unsynchronised and too large")
    if frame.treatment & Treatment.GROUPED:
        name += f" of group {body.read(frame.data, 1).hex()}"
    if is_text(frame.name):
        return _text(name, content, foreign)
    if frame.name in ("CHAP", "CTOC") and not nested:
        return _chapter(layout, frame, content, name, foreign, area)
    head = content.read(content.start, HEAD)
    if frame.name == "PRIV" and head.startswith(XMP_OWNER + b"\x00"):
        return _xmp(name, content, foreign)
    if frame.name == "GEOB":
        return [] if is_manifest(head) else _object(name, head, content)
    if frame.name == "APIC":
        return _picture(name, frame, head, content)
    if frame.name == "PCNT":
        return [f"{name}={int.from_bytes(head, 'big')}"]
    if frame.name == "POPM":
        return [_rating(name, head)]
    if frame.name == "SYLT":
        return _synchronised_text(name, content)
    return [f"{name}={sha256(content.source, content.start, content.end)}"]


def _text(name: str, content: Body, foreign: Foreign) -> list[str]:
    length = content.end - content.start
    text = parse_text(name[:4], content.read(content.start, length)) if length <= TAG_VALUE_BYTES else None
    if text is None:
        return [f"{name}={sha256(content.source, content.start, content.end)}"]
    name = RENAMED.get(name, name)
    label = "|".join((name, text.language.hex(), ascii(text.description)))
    return foreign.text(label, text.values, role_of(text))


def _xmp(name: str, content: Body, foreign: Foreign) -> list[str]:
    start = content.start + len(XMP_OWNER) + 1
    if content.end - start > XMP_BYTES:
        return [f"{name}={sha256(content.source, content.start, content.end)}"]
    return foreign.xmp(f"{name} XMP", content.read(start, content.end - start))


def _object(name: str, head: bytes, content: Body) -> list[str]:
    start = object_offset(head)
    if start is None:
        return [f"{name}={sha256(content.source, content.start, content.end)}"]
    encoding = TextEncoding(head[0])
    mime, _, names = head[1:start].partition(b"\x00")
    texts = decode_all(split(names, encoding, 2)[:2], encoding)
    return [f"{name}|{[mime, *texts]!a}={sha256(content.source, content.start + start, content.end)}"]


def _picture(name: str, frame: Frame, head: bytes, content: Body) -> list[str]:
    """2.2 §4.15 has three letters where 2.3 §4.15 has a MIME type."""
    raw = f"{name}={sha256(content.source, content.start, content.end)}"
    if not head or head[0] > TextEncoding.UTF8:
        return [raw]
    encoding = TextEncoding(head[0])
    if len(frame.raw_name) == 3:
        mime, rest = _PICTURE_FORMATS.get(head[1:4].decode("latin-1"), head[1:4].hex()), head[4:]
    else:
        found, _, rest = head[1:].partition(b"\x00")
        mime = found.decode("latin-1")
    pieces = split(rest[1:], encoding, 1)
    if len(pieces) != 2:
        return [raw]
    data = content.start + len(head) - len(pieces[1])
    texts = [mime.lower(), rest[0], *decode_all(pieces[:1], encoding)]
    return [f"{name}|{texts!a}={sha256(content.source, data, content.end)}"]


def _rating(name: str, data: bytes) -> str:
    """Counters have as many bytes as their writer liked (2.3 §4.17 and §4.18)."""
    owner, _, rest = data.partition(b"\x00")
    return f"{name}|{owner!a}|{rest[:1].hex()}={int.from_bytes(rest[1:], 'big')}"


def _synchronised_text(name: str, content: Body) -> list[str]:
    """2.3 §4.10: description, then text and a time of four bytes, again and again."""
    raw = f"{name}={sha256(content.source, content.start, content.end)}"
    if content.end - content.start > TAG_VALUE_BYTES:
        return [raw]
    data = content.read(content.start, content.end - content.start)
    if len(data) < 6 or data[0] > TextEncoding.UTF8:
        return [raw]
    encoding, head, rest = TextEncoding(data[0]), data[1:6].hex(), data[6:]
    description, *behind = split(rest, encoding, 1)
    rest = behind[0] if behind else b""
    pieces, times = [description], []
    while rest.strip(b"\x00"):
        text, *behind = split(rest, encoding, 1)
        if not behind or len(behind[0]) < 4:
            return [raw]
        pieces.append(text)
        times.append(behind[0][:4].hex())
        rest = behind[0][4:]
    entries = list(zip(decode_all(pieces, encoding), ["", *times], strict=True))
    return [f"{name}|{head}={entries!a}"]


def _chapter(
    layout: Id3Layout, frame: Frame, content: Body, name: str, foreign: Foreign, area: AreaBuilder
) -> list[str]:
    head = chapter_head(content, frame.name)
    if head is None:
        return [f"{name}={sha256(content.source, content.start, content.end)}"]
    inner: list[str] = []
    for body, each in frames_in_chapter(content, frame.name, layout.tag.version, area, name):
        inner += _describe(layout, body, each, foreign, area, nested=True)
    label = f"{name}|{sha256(content.source, content.start, content.start + head)}"
    return [f"{label}={hashlib.sha256(ascii(sorted(inner)).encode()).hexdigest()}"]
