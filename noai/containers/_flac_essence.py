"""The essence of a FLAC file, codec id ``flac``.

Payload: every byte from the end of the metadata to the end of the file, without an ID3v1 tag (FLAC
frames delimit themselves, RFC 9639 §9). Configuration: the 34 bytes of STREAMINFO (§8.2) with the six
of the smallest and largest frame size zero, which encoders that cannot go back leave empty. The number
of samples and their MD5 stay in it, so that audio cut off at a frame's end is another essence.
"""

from __future__ import annotations

from typing import Final

from noai.codes import Code
from noai.containers._flac_blocks import STREAMINFO, SYNCS, FlacLayout, read_layout
from noai.containers._flac_end import truncation
from noai.containers._flac_joined import STREAM_BEGINS
from noai.containers._mpeg_search import holds_audio
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.sources import ByteSource, read_exactly

_FRAME_SIZES: Final = slice(4, 10)


def read_essence(source: ByteSource) -> EssenceReading:
    """
    Raises:
        ContainerMalformed, LimitExceeded: if the end of the metadata could not be found.
    """
    layout = read_layout(source)
    layout.require_sound()
    hasher = StreamHasher("flac", _configuration(source, layout), packets=False)
    violations = _violations(source, layout)
    cut = truncation(source, layout, read_exactly(source, layout.blocks[0].data, layout.blocks[0].length))
    if cut is not None:
        violations.append(Violation(Code.ESSENCE_TRUNCATED, cut))
    second = False
    seam = b""
    with hasher.alongside(source, layout.audio, max(layout.audio, layout.end)) as blocks:
        for block in blocks:
            second = second or any(map(STREAM_BEGINS.search, (seam + block[:7], block)))
            seam = (seam + block[-7:])[-7:]
    if holds_audio(source, 0, layout.audio):
        message = "the metadata holds MPEG audio, which players that look for frames would play"
        violations.append(Violation(Code.AUDIO_IN_TAG, message))
    if second:
        violations.append(Violation(Code.TRAILING_AUDIO, "a second FLAC stream lies behind the first"))
    return EssenceReading.of([hasher], violations)


def _configuration(source: ByteSource, layout: FlacLayout) -> bytes:
    block = layout.blocks[0]
    streaminfo = bytearray(read_exactly(source, block.data, block.length))
    streaminfo[_FRAME_SIZES] = bytes(6)
    return bytes(streaminfo)


def _violations(source: ByteSource, layout: FlacLayout) -> list[Violation]:
    found: list[Violation] = []
    for tag in layout.leading:
        if tag.problem is not None:
            message = f"the ID3 tag at {tag.offset} has a size or version that decoders read differently"
            found.append(Violation(tag.problem, message))
    if len(layout.of_type(STREAMINFO)) > 1:
        found.append(Violation(Code.FLAC_BLOCKS, "there are several STREAMINFO blocks"))
    if layout.audio < layout.end and source.read_at(layout.audio, 2) not in SYNCS:
        found.append(Violation(Code.FLAC_SYNC, "no audio frame follows the metadata"))
    if layout.id3v1 is not None:
        tail = read_exactly(source, layout.id3v1, source.size - layout.id3v1)
        if any(sync in tail for sync in SYNCS):
            found.append(Violation(Code.AUDIO_IN_TAG, "the ID3v1 tag at the end could hold an audio frame"))
    return found
