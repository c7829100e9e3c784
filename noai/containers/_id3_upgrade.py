"""Making an ID3v2.2 or 2.3 tag one of 2.4 without rendering any frame anew.

Text encodings of 2.3 are valid in 2.4: what differs is the form of sizes and flags (2.4 changes §2).
Of the frames that 2.4 replaced, a year gets its new name, under which alone some players find it; its
text is a valid timestamp as it is. TDAT, TIME and TRDA are left as they are.
"""

from __future__ import annotations

from noai.containers import _id3_render as render
from noai.containers._area import AreaBuilder
from noai.containers._id3 import HEADER, Id3Tag
from noai.containers._id3_frames import Body, Frame, Treatment, walk
from noai.containers._id3_values import RENAMED, chapter_head
from noai.containers._id3_write import sound_layout
from noai.containers._splices import Splice
from noai.errors import ContainerError, MarkError
from noai.sources import ByteSource, BytesSource, read_exactly


def plan(source: ByteSource, tag: Id3Tag) -> list[Splice]:
    """The splices that make ``tag`` one of 2.4; none where it is one, or where it cannot be done.

    A frame that is compressed, encrypted or grouped has a head of another form in 2.4: a tag that
    holds one stays as it is.
    """
    if tag.version == 4:
        return []
    try:
        layout = sound_layout(source, tag)
        frames = layout.walk.frames
        if any(frame.treatment is not Treatment.NONE for frame in frames):
            return []
        if tag.version == 3 and not tag.unsynchronised and layout.body.start == tag.offset + HEADER:
            return [Splice(tag.offset + 3, 1, b"\x04"), *_headers(layout.body, frames)]
        data = b"".join(_frame(layout.body, frame, tag.version) for frame in frames)
    except (ContainerError, MarkError):
        return []
    padding = max(0, tag.end - tag.offset - HEADER - len(data))
    head = render.header(4, len(data) + padding)
    return [Splice(tag.offset, tag.end - tag.offset, head + data + bytes(padding))]


def _headers(body: Body, frames: tuple[Frame, ...]) -> list[Splice]:
    """Names, sizes and flags of ``frames``, and of the frames inside them, in their new form."""
    splices = []
    for frame in frames:
        flags = read_exactly(body.source, frame.offset + 8, 1)[0] >> 1 & 0x70
        size = render.syncsafe(frame.end - frame.data)
        name = RENAMED.get(frame.name, frame.name).encode("ascii")
        splices.append(Splice(frame.offset, 10, name + size + bytes((flags, 0))))
        splices += _headers(body, _inner(body, frame))
    return splices


def _inner(body: Body, frame: Frame) -> tuple[Frame, ...]:
    """The frames inside a chapter.

    Raises:
        MarkError: if they cannot be read.
    """
    if frame.name not in ("CHAP", "CTOC"):
        return ()
    content = body.within(frame.data, frame.end)
    head = chapter_head(content, frame.name)
    found = (
        None if head is None else walk(body.within(frame.data + head, frame.end), 3, AreaBuilder().count_item)
    )
    if found is None or not found.clean or any(f.treatment is not Treatment.NONE for f in found.frames):
        raise MarkError(f"the chapter at {frame.offset} cannot be rewritten")
    if any(f.name in ("CHAP", "CTOC") for f in found.frames):
        raise MarkError(f"the chapter at {frame.offset} holds another")
    return found.frames


def _frame(body: Body, frame: Frame, version: int) -> bytes:
    data = body.read(frame.offset, frame.end - frame.offset)
    if version == 2:
        data = render.modernised(frame.raw_name, data[6:])
    part = Body(BytesSource(data), 0, len(data))
    whole = walk(part, 3, AreaBuilder().count_item).frames
    for splice in _headers(part, whole):
        data = data[: splice.offset] + splice.data + data[splice.offset + splice.length :]
    return data
