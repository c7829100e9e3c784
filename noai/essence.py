"""The digest of an essence: codec packets plus canonical decoder configuration.

Never container bytes, so that retagging and remuxing keep it. The preimage is specified byte by
byte in ``docs/format/marker-v1.md``:

    "noai-essence/1" 00 | u32le number of streams | one record a stream, in defined order

    record = u8 length, codec id (ASCII)
           | u32le length, canonical configuration
           | u64le payload bytes | SHA-256 of the payload
           | u8 01, u64le packets, SHA-256 of the u32le packet lengths (packets that do not
             delimit themselves), or u8 00 (packets that do)
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.encoding import b64url
from noai.hashing import alongside
from noai.sources import ByteSource

DOMAIN: Final = b"noai-essence/1\x00"
ALGORITHM: Final = "sha-256"
VERSION: Final = 1


@dataclass(frozen=True)
class EssenceDigest:
    """``scheme`` says how the preimage was formed (``mp3/1``, ``opus/1``, …: by codec)."""

    scheme: str
    digest: bytes
    alg: str = ALGORITHM

    def members(self) -> dict[str, object]:
        """As the JSON of signed statements has it."""
        return {"alg": self.alg, "scheme": self.scheme, "digest": b64url(self.digest)}


class StreamHasher:
    """Hashes one stream of an essence.

    Feed self-delimiting codecs (MP3, FLAC frames, PCM) with :meth:`update`, all others with
    :meth:`packet`; never mix the two.
    """

    def __init__(self, codec: str, config: bytes, *, packets: bool) -> None:
        self.codec = codec
        self._config = config
        self._payload = hashlib.sha256()
        self._payload_bytes = 0
        self._lengths = hashlib.sha256() if packets else None
        self._packets = 0

    @property
    def payload_bytes(self) -> int:
        return self._payload_bytes

    def update(self, data: bytes) -> None:
        self._payload.update(data)
        self._payload_bytes += len(data)

    @contextmanager
    def alongside(self, source: ByteSource, start: int, end: int) -> Iterator[Iterator[bytes]]:
        """:meth:`update` with the bytes from ``start`` up to ``end``, and meanwhile each block to look at.

        Raises:
            SourceError: if they cannot be had.
        """
        with alongside(self._payload, source, start, end) as blocks:
            yield blocks
        self._payload_bytes += end - start

    def packet(self, data: bytes) -> None:
        self.packet_lengths(struct.pack("<I", len(data)), 1)
        self.update(data)

    def packet_lengths(self, lengths: bytes, count: int) -> None:
        """Announce ``count`` packets by their u32le lengths; their bytes go to :meth:`update`."""
        if self._lengths is None:
            raise ValueError(f"{self.codec} packets delimit themselves")
        self._lengths.update(lengths)
        self._packets += count

    def record(self) -> bytes:
        codec = self.codec.encode("ascii")
        head = struct.pack("<B", len(codec)) + codec
        head += struct.pack("<I", len(self._config)) + self._config
        head += struct.pack("<Q", self._payload_bytes) + self._payload.digest()
        if self._lengths is None:
            return head + b"\x00"
        return head + b"\x01" + struct.pack("<Q", self._packets) + self._lengths.digest()


def combine(streams: Sequence[StreamHasher]) -> EssenceDigest:
    """One digest over all streams, in the order given by the container's rule.

    ``scheme`` is the codec (joined with ``+``, sorted, where streams differ) and the version.
    """
    preimage = hashlib.sha256(DOMAIN + struct.pack("<I", len(streams)))
    for stream in streams:
        preimage.update(stream.record())
    codecs = "+".join(sorted({stream.codec for stream in streams})) or "none"
    return EssenceDigest(f"{codecs}/{VERSION}", preimage.digest())


@dataclass(frozen=True)
class Violation:
    """A place where a decoder could play something that the digest does not cover, or other audio.

    One violation makes binding ``fail``, whatever the digest.
    """

    code: Code
    message: str


@dataclass(frozen=True)
class EssenceReading:
    """The digest of a file's essence and what forbids binding to it."""

    digest: EssenceDigest
    payload_bytes: int
    violations: tuple[Violation, ...] = ()

    @classmethod
    def of(cls, streams: Sequence[StreamHasher], violations: Sequence[Violation] = ()) -> EssenceReading:
        """Combine ``streams``; an essence without samples never binds."""
        payload = sum(stream.payload_bytes for stream in streams)
        found = list(violations)
        if not payload:
            found.append(Violation(Code.ESSENCE_EMPTY, "the file holds no audio samples"))
        return cls(combine(streams), payload, tuple(found))
