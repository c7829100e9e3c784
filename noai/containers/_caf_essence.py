"""The essence of CAF: the audio in ``data``, cut into packets by ``pakt``, and what configures its decoder.

Apple Core Audio Format Specification 1.0. What WAV, AIFF or MP4 carry as well is hashed as there:
``pcm``, ``pcm-be``, ``alac``, ``aac``, ``mp3-packets``. Every other format has codec ``caf-`` and its
identifier, and as its configuration ``desc`` without the identifier, then the magic cookie.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers._chunks import Chunk, ChunkLayout, audio_behind, content, several
from noai.containers._mp4_codecs import alac_config
from noai.containers._mpeg4_audio import aac_config, decoder_config, read_audio_specific
from noai.errors import ContainerMalformed, LimitExceeded
from noai.essence import EssenceReading, StreamHasher, Violation
from noai.limits import CAF_TABLE_BYTES, CODEC_HEADER_BYTES
from noai.sources import ByteSource, chunks, read_exactly

_DESC: Final = struct.Struct(">d4sIIIII")
_PAKT: Final = struct.Struct(">qqii")
#: A count of edits in front of the audio.
_EDIT_COUNT: Final = 4
_FLOAT, _LITTLE = 1, 2
#: In WAVE, format tags of one byte a sample.
_LOGARITHMIC: Final = {b"alaw": 6, b"ulaw": 7}
_MP3: Final = b".mp3"
#: Priming that encoders leave in front, at most, in seconds; as in an edit list of MP4.
_PRIMING_SECONDS: Final = 1


@dataclass(frozen=True)
class _Desc:
    rate: float
    format: bytes
    flags: int
    #: 0: they differ, and ``pakt`` names them.
    packet_bytes: int
    frames: int
    channels: int
    bits: int
    raw: bytes


@dataclass(frozen=True)
class _Table:
    """What ``pakt`` says. ``sizes`` is None where all packets have the same."""

    packets: int
    valid: int
    priming: int
    remainder: int
    sizes: array[int] | None
    frames: int


def read_essence(source: ByteSource, layout: ChunkLayout) -> EssenceReading:
    """
    Raises:
        ContainerMalformed: if a chunk that configures the decoder is damaged.
        LimitExceeded: a packet table beyond :data:`noai.limits.CAF_TABLE_BYTES`.
    """
    kinds = {name: (name.encode(),) for name in ("desc", "data", "kuki", "pakt")}
    violations = [*layout.problems, *several(layout, **kinds), *audio_behind(source, layout)]
    if not layout.chunks or layout.chunks[0].id != b"desc" or layout.chunks[0].size < _DESC.size:
        raise ContainerMalformed("the first chunk is no audio description")
    desc = _read_desc(source, layout.chunks[0])
    hasher = _hasher(desc, _cookie(source, layout))
    payload = next(iter(layout.audio), None)
    if payload is None or payload.size < _EDIT_COUNT:
        violations.append(Violation(Code.ESSENCE_UNREADABLE, "there is no usable data chunk"))
        return EssenceReading.of([hasher], violations)
    start, end = payload.data + _EDIT_COUNT, payload.end
    table = _read_table(source, layout, desc)
    if table is None and not desc.packet_bytes:
        violations.append(Violation(Code.ESSENCE_UNREADABLE, "there is no packet table"))
    elif table is not None:
        violations += _table_violations(desc, table, end - start)
    elif (end - start) % desc.packet_bytes:
        violations.append(Violation(Code.ESSENCE_TRUNCATED, "the last packet is cut off"))
    if not desc.packet_bytes and table is not None and table.sizes is not None:
        hasher.packet_lengths(_little_endian(table.sizes), len(table.sizes))
    for block in chunks(source, start, end):
        hasher.update(block)
    return EssenceReading.of([hasher], violations)


def _little_endian(sizes: array[int]) -> bytes:
    return struct.pack(f"<{len(sizes)}I", *sizes)


def _read_desc(source: ByteSource, chunk: Chunk) -> _Desc:
    data = read_exactly(source, chunk.data, _DESC.size)
    rate, name, flags, size, frames, channels, bits = _DESC.unpack(data)
    return _Desc(rate, name, flags, size, frames, channels, bits, data[:8] + data[12:])


def _cookie(source: ByteSource, layout: ChunkLayout) -> bytes:
    found = layout.all(b"kuki")
    if not found:
        return b""
    if found[0].size > CODEC_HEADER_BYTES:
        raise ContainerMalformed(f"the magic cookie has {found[0].size} bytes")
    return content(source, found[0])


def _hasher(desc: _Desc, cookie: bytes) -> StreamHasher:
    """Raises ContainerMalformed if the magic cookie is not that of the codec."""
    plain = _pcm(desc)
    if plain is not None:
        return plain
    packets = not desc.packet_bytes
    if desc.format == _MP3 and packets:
        return StreamHasher("mp3-packets", b"", packets=True)
    if desc.format == b"alac" and packets and cookie:
        # As Apple wrote it until 2008, the configuration stands in two atoms (ALACMagicCookieDescription).
        bare = cookie[24:] if cookie[4:8] == b"frma" else cookie
        return StreamHasher("alac", alac_config(bare), packets=True)
    if desc.format == b"aac " and packets and cookie:
        # An elementary stream descriptor, in front of which some leave version and flags of the esds box.
        _, specific = decoder_config(cookie if cookie[:1] == b"\0" else bytes(4) + cookie)
        if read_audio_specific(specific).is_aac:
            return StreamHasher("aac", aac_config(specific), packets=True)
    text = desc.format.rstrip(b" \0")
    name = text.decode("ascii") if text.isalnum() and text.isascii() else desc.format.hex()
    return StreamHasher(f"caf-{name}", desc.raw + cookie, packets=packets)


def _pcm(desc: _Desc) -> StreamHasher | None:
    """The stream if it is PCM that WAV or AIFF can hold byte for byte."""
    whole = 0 < desc.rate < 2**32 and desc.rate == int(desc.rate)
    if not whole or desc.frames != 1 or not 0 < desc.channels < 2**16 or desc.packet_bytes % desc.channels:
        return None
    container = desc.packet_bytes // desc.channels * 8
    if desc.format in _LOGARITHMIC:
        if container != 8:
            return None
        config = struct.pack("<HHIHH", _LOGARITHMIC[desc.format], desc.channels, int(desc.rate), 8, 8)
        return StreamHasher("pcm", config, packets=False)
    if desc.format != b"lpcm" or not 0 < desc.bits <= container or container > 64:
        return None
    tag = 3 if desc.flags & _FLOAT else 1
    # One byte has a sign here, and none in WAVE.
    codec = "pcm" if desc.flags & _LITTLE and container > 8 else "pcm-be"
    config = struct.pack("<HHIHH", tag, desc.channels, int(desc.rate), container, desc.bits)
    return StreamHasher(codec, config, packets=False)


def _read_table(source: ByteSource, layout: ChunkLayout, desc: _Desc) -> _Table | None:
    """The packet table ("Packet Table Chunk"), if there is one.

    Raises:
        ContainerMalformed: if it is cut off.
        LimitExceeded: beyond :data:`noai.limits.CAF_TABLE_BYTES`.
    """
    found = layout.all(b"pakt")
    if not found:
        return None
    if found[0].size > CAF_TABLE_BYTES:
        raise LimitExceeded(f"a packet table of more than {CAF_TABLE_BYTES} bytes")
    data = content(source, found[0])
    if len(data) < _PAKT.size:
        raise ContainerMalformed("the packet table is too short")
    packets, valid, priming, remainder = _PAKT.unpack_from(data)
    fields = (not desc.packet_bytes) + (not desc.frames)
    numbers = _numbers(data, _PAKT.size) if fields else array("I")
    if packets < 0 or len(numbers) < packets * fields:
        raise ContainerMalformed("the packet table does not hold what it counts")
    del numbers[packets * fields :]
    sizes = None if desc.packet_bytes else numbers[::fields]
    frames = packets * desc.frames if desc.frames else sum(numbers[fields - 1 :: fields])
    return _Table(packets, valid, priming, remainder, sizes, frames)


def _numbers(data: bytes, at: int) -> array[int]:
    """Numbers of seven bits a byte, the highest first; all bytes but the last have the highest bit set."""
    numbers, value = array("I"), 0
    for byte in data[at:]:
        value = (value << 7 | byte & 0x7F) & 0xFFFFFFFF
        if byte < 0x80:
            numbers.append(value)
            value = 0
    return numbers


def _table_violations(desc: _Desc, table: _Table, length: int) -> Iterator[Violation]:
    covered = table.packets * desc.packet_bytes if table.sizes is None else sum(table.sizes)
    if covered != length:
        message = f"the packet table covers {covered} bytes of {length}"
        yield Violation(Code.SEEK_TABLE, message)
    played = table.valid + table.priming + table.remainder
    # The last packet may be a short one, which nothing says.
    longest = max(desc.frames, 1)
    if (
        not 0 <= table.priming <= desc.rate * _PRIMING_SECONDS
        or not 0 <= table.remainder <= longest
        or not table.frames - longest <= played <= table.frames
    ):
        yield Violation(Code.EDIT_HIDES_AUDIO, "the packet table leaves audio out")
