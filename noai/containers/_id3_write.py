"""Editing an ID3v2 tag in place: which bytes have to change so that everything else stays.

Foreign frames are never rendered anew: name, flags and payload stay as they are, byte for byte.
The version of a tag is kept, but for 2.2, which has no frame that XMP could stand in: such a tag
becomes 2.3, whose frames are the same but for their names and pictures. New tags are 2.3: some tools
know no other, and wipe a 2.4 tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from noai.containers import _id3_render as render
from noai.containers._area import AreaBuilder
from noai.containers._id3 import FOOTER, HEADER, Id3Layout, Id3Tag, read_layout
from noai.containers._id3_frames import Frame, Treatment, holds_frames
from noai.containers._id3_values import (
    XMP_OWNER,
    FrameText,
    content_of,
    is_marker_slot,
    is_text,
    parse_text,
    role_of,
)
from noai.containers._splices import Splice
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import ContainerError, MarkError
from noai.limits import ID3_UNSYNCHRONISED_BYTES, KIB, TAG_VALUE_BYTES, XMP_BYTES
from noai.sources import ByteSource, read_exactly
from noai.statement import merge_values
from noai.xmp import merge_data_mining

#: Left behind the frames of a tag that had to grow, so that the next edit moves no audio.
PADDING: Final = 1 * KIB
#: The version of tags where there were none.
NEW_VERSION: Final = 3
_OPAQUE: Final = Treatment.COMPRESSED | Treatment.ENCRYPTED
#: Experimental, and in 2.4 that all frames are unsynchronised. The others go with what they announce.
_KEPT_FLAGS: Final = {3: 0x20, 4: 0xA0}


@dataclass(frozen=True)
class Id3Edit:
    """What changes in one tag."""

    edit: TagEdit
    #: False where only the markers and what ``edit`` lifts are taken out.
    writes: bool = True
    #: Whether XMP is written into this tag; else the container has another place for it.
    xmp: bool = True
    #: Whether the tag stands behind the audio.
    appended: bool = False


@dataclass
class _Changes:
    """New frames, by index what takes the place of frames (nothing: they go), and a last frame."""

    new: list[bytes] = field(default_factory=list)
    frames: dict[int, bytes] = field(default_factory=dict)
    last: bytes = b""


def plan(source: ByteSource, tag: Id3Tag, what: Id3Edit) -> list[Splice]:
    """The splices that apply ``what`` to ``tag``; none where nothing has to change.

    A tag grows only where its padding does not suffice. Where it is written, its padding is zero
    afterwards, and a footer and an extended header are gone: they hold no items, and their
    checksum would be wrong.

    Raises:
        MarkError: if the tag cannot be rewritten without loss.
    """
    if not what.writes and tag.problem is not None:
        return []
    layout = _layout(source, tag)
    changes = _changes(layout, what)
    if not changes.new and not changes.frames:
        return []
    _require_sound(layout)
    if not changes.new and not any(changes.frames.get(i, b"-") for i in range(len(layout.walk.frames))):
        # A tag must hold a frame (2.3 §3.1, 2.4 structure §3).
        return [Splice(tag.offset, tag.end - tag.offset, b"")]
    if tag.version == 2 or tag.unsynchronised:
        return [_rebuild(layout, changes)]
    return _edit_in_place(source, layout, changes, appended=what.appended)


def plan_frames(
    source: ByteSource, layout: Id3Layout, frames: Mapping[int, bytes], last: bytes, *, appended: bool = False
) -> list[Splice]:
    """The splices that put other bytes in place of some frames, by index, and ``last`` behind all of them.

    Raises:
        MarkError: if the tag cannot be rewritten without loss.
    """
    changes = _Changes(frames=dict(frames), last=last)
    tag = layout.tag
    if not last and len(frames) == len(layout.walk.frames) and not any(frames.values()):
        return [Splice(tag.offset, tag.end - tag.offset, b"")]
    if tag.version == 2 or tag.unsynchronised:
        return [_rebuild(layout, changes)]
    return _edit_in_place(source, layout, changes, appended=appended)


def plan_new(offset: int, what: Id3Edit) -> list[Splice]:
    """The splice that inserts a new tag at ``offset``; none where there is nothing to write."""
    changes = _Changes()
    _change_texts(changes, {}, what, NEW_VERSION, unsynchronised=False)
    _change_xmp(changes, {}, what, NEW_VERSION, unsynchronised=False)
    frames = b"".join(changes.new)
    if not frames:
        return []
    data = render.header(NEW_VERSION, len(frames) + PADDING) + frames + bytes(PADDING)
    return [Splice(offset, 0, data)]


def sound_layout(source: ByteSource, tag: Id3Tag) -> Id3Layout:
    """The frames of ``tag``.

    Raises:
        MarkError: if they cannot all be read, so that rewriting could lose some.
    """
    layout = _layout(source, tag)
    _require_sound(layout)
    return layout


def _layout(source: ByteSource, tag: Id3Tag) -> Id3Layout:
    if tag.problem is not None:
        raise MarkError(f"the ID3 tag at {tag.offset} has a header that contradicts the file")
    try:
        layout = read_layout(source, tag, AreaBuilder())
    except ContainerError as error:
        raise MarkError(f"the ID3 tag at {tag.offset} cannot be rewritten: {error}") from error
    if layout is None:
        raise MarkError(f"the ID3 tag at {tag.offset} cannot be read")
    return layout


def _require_sound(layout: Id3Layout) -> None:
    """Padding that is not zero is no loss; frames that cannot be read would be."""
    if layout.walk.others:
        raise MarkError(f"the ID3 tag at {layout.tag.offset} reads differently in different readers")
    if not layout.walk.clean and holds_frames(layout.body, layout.walk.end):
        raise MarkError(f"the ID3 tag at {layout.tag.offset} holds a damaged frame, and others behind it")


# -- what changes -----------------------------------------------------------------------------


def _changes(layout: Id3Layout, what: Id3Edit) -> _Changes:
    changes = _Changes()
    version = max(3, layout.tag.version)
    unsynchronised = layout.tag.frames_unsynchronised
    texts, packets = dict(_texts(layout)), dict(_packets(layout))
    _change_texts(changes, texts, what, version, unsynchronised=unsynchronised)
    _change_xmp(changes, packets, what, version, unsynchronised=unsynchronised)
    for index, frame in enumerate(layout.walk.frames):
        if is_marker_slot(layout.body, frame, layout.tag.version, unsynchronised):
            changes.frames[index] = b""
        elif changes.frames.get(index) and Treatment.GROUPED in frame.treatment:
            raise MarkError(f"the frame {frame.name} belongs to a group, which writing it anew would lose")
    return changes


def _texts(layout: Id3Layout) -> Iterator[tuple[int, FrameText]]:
    for index, frame in enumerate(layout.walk.frames):
        data = _content(layout, frame, TAG_VALUE_BYTES) if is_text(frame.name) else None
        text = parse_text(frame.name, data) if data is not None else None
        if text is not None:
            yield index, text


def _packets(layout: Id3Layout) -> Iterator[tuple[int, bytes]]:
    head = XMP_OWNER + b"\x00"
    for index, frame in enumerate(layout.walk.frames):
        if frame.name == "PRIV":
            data = _content(layout, frame, XMP_BYTES + len(head))
            if data is not None and data.startswith(head):
                yield index, data[len(head) :]


def _content(layout: Id3Layout, frame: Frame, limit: int) -> bytes | None:
    """The content of a frame, or None where it is longer than ``limit`` or not open to reading."""
    if frame.treatment & _OPAQUE:
        return None
    content = content_of(layout.body, frame, layout.tag.version, layout.tag.frames_unsynchronised)
    if content is None or content.end - content.start > limit:
        return None
    return content.read(content.start, content.end - content.start)


def _change_texts(
    changes: _Changes, texts: Mapping[int, FrameText], what: Id3Edit, version: int, *, unsynchronised: bool
) -> None:
    edit = what.edit
    sentence = edit.statement if what.writes else None
    if what.writes:
        changes.new += [render.slot(version, key, values) for key, values in edit.slots]
    targets = {FieldRole.COPYRIGHT: _copyright(texts), FieldRole.COMMENT: _comment(texts)}
    for index, text in texts.items():
        role = role_of(text)
        if role.is_slot:
            changes.frames[index] = b""
        elif role in targets:
            wanted = sentence if targets[role] == index else None
            values = merge_values(text.values, wanted, edit.lifted_statements)
            if values != text.values:
                new = render.text(version, text, values, unsynchronised=unsynchronised) if values else b""
                changes.frames[index] = new
    if sentence is not None:
        if targets[FieldRole.COPYRIGHT] is None:
            changes.new.append(render.copyright_text(version, sentence))
        if targets[FieldRole.COMMENT] is None:
            changes.new.append(render.comment(version, sentence))


def _copyright(texts: Mapping[int, FrameText]) -> int | None:
    return next((index for index, text in texts.items() if text.name == "TCOP"), None)


def _comment(texts: Mapping[int, FrameText]) -> int | None:
    """The comment that players show: one without a description, in English if there is such a one."""
    plain = [index for index, text in texts.items() if text.name == "COMM" and not text.description]
    return next(
        (index for index in plain if texts[index].language.lower() == b"eng"), plain[0] if plain else None
    )


def _change_xmp(
    changes: _Changes, packets: Mapping[int, bytes], what: Id3Edit, version: int, *, unsynchronised: bool
) -> None:
    value = what.edit.data_mining if what.writes and what.xmp else None
    lifted = what.edit.lifted_data_mining
    if not packets:
        packet = merge_data_mining(None, value, lifted)
        if packet is not None:
            changes.new.append(render.xmp(version, packet, unsynchronised=unsynchronised))
    for number, (index, old) in enumerate(packets.items()):
        packet = merge_data_mining(old, value if number == 0 else None, lifted)
        if packet != old:
            changes.frames[index] = (
                render.xmp(version, packet, unsynchronised=unsynchronised) if packet is not None else b""
            )


# -- how it is written ------------------------------------------------------------------------


def _padding(total: int, room: int) -> int:
    """What to leave behind ``total`` bytes of a tag that had ``room`` until now."""
    return room - total if total <= room <= total + ID3_UNSYNCHRONISED_BYTES else PADDING


def _rebuild(layout: Id3Layout, changes: _Changes) -> Splice:
    """The tag as a whole, because its frames do not lie in the file as they are read.

    Raises:
        MarkError: beyond :data:`noai.limits.ID3_UNSYNCHRONISED_BYTES`.
    """
    tag, body = layout.tag, layout.body
    if body.end - body.start > ID3_UNSYNCHRONISED_BYTES:
        raise MarkError(f"the ID3v2.2 tag is larger than {ID3_UNSYNCHRONISED_BYTES} bytes")
    frames = list(changes.new)
    for index, frame in enumerate(layout.walk.frames):
        if index in changes.frames:
            frames.append(changes.frames[index])
        elif tag.version == 2:
            payload = body.read(frame.data, frame.end - frame.data)
            frames.append(render.modernised(frame.raw_name, payload))
        else:
            frames.append(body.read(frame.offset, frame.end - frame.offset))
    data = b"".join((*frames, changes.last))
    padding = _padding(HEADER + len(data), tag.end - tag.offset)
    flags = tag.flags & _KEPT_FLAGS[3]
    head = render.header(3, len(data) + padding, flags)
    return Splice(tag.offset, tag.end - tag.offset, head + data + bytes(padding))


def _edit_in_place(
    source: ByteSource, layout: Id3Layout, changes: _Changes, *, appended: bool
) -> list[Splice]:
    tag, walk = layout.tag, layout.walk
    new = b"".join(changes.new)
    total = HEADER + len(new) + len(changes.last)
    splices: list[Splice] = []
    for index, frame in enumerate(walk.frames):
        if index in changes.frames:
            data = changes.frames[index]
            splices.append(Splice(frame.offset, frame.end - frame.offset, data))
            total += len(data)
        else:
            splices += _repaired_size(source, frame, tag.version)
            total += frame.end - frame.offset
    flags = tag.flags & _KEPT_FLAGS[tag.version]
    if appended:
        # It is found by its footer, and beside a footer there is no padding (2.4 structure §3.4).
        head = render.header(tag.version, total - HEADER, flags | FOOTER)
        splices.append(Splice(walk.end, tag.end - walk.end, changes.last + b"3DI" + head[3:]))
        splices.insert(0, Splice(tag.offset, layout.body.start - tag.offset, head + new))
        return splices
    padding = _padding(total, tag.end - tag.offset)
    head = render.header(tag.version, total - HEADER + padding, flags)
    splices.insert(0, Splice(tag.offset, layout.body.start - tag.offset, head + new))
    rest = tag.end - walk.end
    if changes.last or padding != rest or tag.has_footer or not walk.clean:
        splices.append(Splice(walk.end, rest, changes.last + bytes(padding)))
    return splices


def _repaired_size(source: ByteSource, frame: Frame, version: int) -> list[Splice]:
    """A 2.4 frame whose size is not syncsafe gets one that is: the one thing that is altered in it."""
    size = frame.end - frame.data
    if version != 4 or size < 0x80:
        return []
    wanted = render.syncsafe(size)
    return (
        [] if read_exactly(source, frame.offset + 4, 4) == wanted else [Splice(frame.offset + 4, 4, wanted)]
    )
