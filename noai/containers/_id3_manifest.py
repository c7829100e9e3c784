"""A C2PA manifest store in an ID3v2 tag: as the object in a GEOB frame, behind all other frames.

C2PA 2.x, "Embedding manifests into ID3"; ID3v2.3 §4.16. The version of a tag is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from noai.containers import _id3_render as render
from noai.containers._id3 import Id3Layout, Id3Tag
from noai.containers._id3_frames import Treatment
from noai.containers._id3_values import HEAD, content_of, is_manifest
from noai.containers._id3_write import NEW_VERSION, PADDING, plan_frames, sound_layout
from noai.containers._splices import Splice
from noai.errors import MarkError
from noai.sources import ByteSource

#: Encoding, type, file name and description, as the C2PA library writes them.
_HEAD: Final = b"\x00application/c2pa\x00c2pa\x00c2pa manifest store\x00"
_CLOSED: Final = Treatment.COMPRESSED | Treatment.ENCRYPTED


def plan(
    source: ByteSource, leading: Sequence[Id3Tag], store: bytes, appended: Sequence[Id3Tag] = ()
) -> list[Splice]:
    """The splices that make ``store`` the only one in all tags: in the first of ``leading``, or in a new one.

    Raises:
        MarkError: if a tag cannot be rewritten without loss.
    """
    splices: list[Splice] = []
    for tag in (*leading[1:], *appended):
        layout = sound_layout(source, tag)
        gone = dict.fromkeys(_manifests(layout), b"")
        if gone:
            splices += plan_frames(source, layout, gone, b"", appended=tag in appended)
    if not leading:
        frame = render.frame(NEW_VERSION, "GEOB", _HEAD + store)
        head = render.header(NEW_VERSION, len(frame) + PADDING)
        return [Splice(0, 0, head + frame + bytes(PADDING)), *splices]
    first = leading[0]
    layout = sound_layout(source, first)
    if first.frames_unsynchronised:
        # Readers of manifests look for the store's own bytes, and differ in what the flag of a tag means.
        raise MarkError(f"the ID3 tag at {first.offset} is unsynchronised, which no manifest survives")
    frame = render.frame(max(3, first.version), "GEOB", _HEAD + store)
    return plan_frames(source, layout, dict.fromkeys(_manifests(layout), b""), frame) + splices


def _manifests(layout: Id3Layout) -> Iterator[int]:
    """Which frames hold manifest stores."""
    for index, frame in enumerate(layout.walk.frames):
        if frame.name != "GEOB" or frame.treatment & _CLOSED:
            continue
        content = content_of(layout.body, frame, layout.tag.version, layout.tag.frames_unsynchronised)
        if content is not None and is_manifest(content.read(content.start, HEAD)):
            yield index
