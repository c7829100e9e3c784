"""The essence of MPEG audio, scheme ``mp3/1`` (``mp2/1``, ``mp1/1``), and what forbids binding to it.

Payload: every byte from the first frame, an Info frame apart, up to the first tag behind the
audio. Nothing in between is left out, whatever a decoder would make of it, so that junk between
frames does not forbid binding. A last frame that is cut off does: the file is not whole.

Codec: ``mp3``, ``mp2`` or ``mp1`` by layer. Configuration, six bytes: the MPEG version as u8 (1, 2
or 25 for 2.5), the layer as u8, the sample rate in hertz as u32le, of the first frame in the
payload. The channel mode may change from frame to frame and is in the frames.

The Info frame is container: ``ffmpeg -c copy`` writes its own. Its numbers for gapless playback can
hide at most 4,095 samples at either end.

What is not in the digest must not be playable: the tags in front and behind, and bytes between the
leading tags and the first frame. Where such bytes stand in front of an Info frame, ffmpeg does not
know it for one and plays it, so that they forbid binding whatever they are.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from noai.codes import Code
from noai.containers import _mpeg
from noai.containers._area import AreaBuilder
from noai.containers._between import MarkScan, tag_at
from noai.containers._id3 import VERSIONS, Id3Tag
from noai.containers._id3 import read_layout as read_id3_layout
from noai.containers._mp3_joined import find_joined
from noai.containers._mp3_layout import Mp3Layout, read_layout
from noai.containers._mpeg_search import RUN, holds_audio, stream_pattern
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.sources import ByteSource, read_exactly

_CONFIG: Final = struct.Struct("<BBI")


def read_essence(source: ByteSource) -> EssenceReading:
    """
    Raises:
        LimitExceeded: more tags or frames in them than :mod:`noai.limits` allows.
    """
    layout = read_layout(source)
    violations = list(_tag_violations(source, layout))
    if layout.first is None:
        if layout.end > layout.start:
            violations.append(Violation(Code.ESSENCE_UNREADABLE, "no MPEG audio frames were found"))
        return EssenceReading.of([StreamHasher("mp3", b"", packets=False)], violations)
    if layout.free_format:
        violations.append(Violation(Code.MP3_FREE_FORMAT, "the audio is in free format"))
    payload, header = _payload(source, layout, layout.first)
    if payload > layout.first > layout.tags_end:
        message = "bytes that are no ID3 tag stand in front of the Info frame"
        violations.append(Violation(Code.MP3_SYNC, message))
    violations += _hidden_audio(source, layout, header)
    if _is_cut_off(source, payload, layout.end, header):
        violations.append(Violation(Code.ESSENCE_TRUNCATED, "the last frame is cut off"))
    config = _CONFIG.pack(header.version, header.layer, header.rate)
    hasher = StreamHasher(f"mp{header.layer}", config, packets=False)
    scan = MarkScan(payload)
    with hasher.alongside(source, payload, max(payload, layout.end)) as blocks:
        for block in blocks:
            scan.feed(block)
    violations += _hidden_tags(source, layout, scan.offsets)
    return EssenceReading.of([hasher], violations)


def _hidden_tags(source: ByteSource, layout: Mp3Layout, places: list[int]) -> Iterator[Violation]:
    """Tags among the frames that reading the tags passes over: in what the file declares to be audio."""
    if not places:
        return
    declared = find_joined(source, layout).declared
    for at in places:
        passed_over = next((stretch for stretch in declared if stretch[0] <= at < stretch[1]), None)
        if passed_over is not None and tag_at(source, at, *passed_over) is not None:
            yield Violation(Code.TAG_IN_AUDIO, f"a tag at {at} stands inside what is declared to be audio")
            return


def _payload(source: ByteSource, layout: Mp3Layout, first: int) -> tuple[int, _mpeg.Header]:
    """Where the payload starts, and the header of its first frame."""
    data = source.read_at(first, min(_mpeg.LONGEST_FRAME + _mpeg.HEADER, layout.end - first))
    header = _mpeg.parse(data)
    assert header is not None, "a frame was found here"
    if not _mpeg.info_frame(data, header):
        return first, header
    start = min(first + header.length, layout.end)
    return start, _mpeg.parse(data, header.length) or header


def _tag_violations(source: ByteSource, layout: Mp3Layout) -> Iterator[Violation]:
    """What decoders that look for the end of ID3v2 tags in different ways could disagree about."""
    area = AreaBuilder()
    for tag in layout.leading:
        if tag.version not in VERSIONS:
            yield Violation(Code.ID3_VERSION, f"an ID3 tag is of version 2.{tag.version}")
        elif tag.problem is not None:
            yield Violation(tag.problem, "an ID3 size is not syncsafe or runs past the file")
        elif not _padding_is_zero(source, tag, area):
            yield Violation(Code.ID3_PADDING, f"the padding of the ID3 tag at {tag.offset} is not zero")


def _padding_is_zero(source: ByteSource, tag: Id3Tag, area: AreaBuilder) -> bool:
    layout = read_id3_layout(source, tag, area)
    return layout is None or layout.walk.clean


def _hidden_audio(source: ByteSource, layout: Mp3Layout, header: _mpeg.Header) -> Iterator[Violation]:
    junk = source.read_at(layout.start, layout.junk_end - layout.start)
    if any(_mpeg.parse(junk, at) is not None for at in _mpeg.candidates(junk)):
        message = "bytes between the tags and the first frame hold what some decoders take for a frame"
        yield Violation(Code.MP3_SYNC, message)
    regions = [(f"{tail.kind.value} tag", tail.offset, tail.end) for tail in layout.tails]
    # Some decoders, dr_mp3 among them, have never heard of ID3v2 and look for frames in it.
    regions += [(f"{tag.place} tag", tag.offset, tag.end) for tag in layout.leading]
    if layout.ape is not None:
        regions.append(("APE tag", layout.ape.offset, layout.ape.end))
    for name, start, end in regions:
        if holds_audio(source, start, end, header):
            yield Violation(Code.AUDIO_IN_TAG, f"the {name} at {start} holds audio frames")


def _is_cut_off(source: ByteSource, start: int, end: int, header: _mpeg.Header) -> bool:
    """Whether a row of frames leads to one that would end behind ``end``."""
    start = max(start, end - (RUN + 1) * _mpeg.LONGEST_FRAME)
    data = read_exactly(source, start, end - start)
    for match in stream_pattern(header).finditer(data):
        at, run = match.start(), 0
        while (frame := _mpeg.parse(data, at)) is not None and frame.length and frame.stream == header.stream:
            at, run = at + frame.length, run + 1
        if run >= RUN and len(data) - at < _mpeg.HEADER:
            return at > len(data) or data[at : at + 1] == b"\xff"
    return False
