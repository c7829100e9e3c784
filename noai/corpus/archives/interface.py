"""The seam to archives: what each kind gives, whatever it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import BinaryIO, Final, Protocol

from noai.errors import NoaiError
from noai.sidecars import NO_SIDECARS, Sidecars
from noai.sources import ByteSource, DescriptorSource, is_shareable


@dataclass(frozen=True)
class Member:
    """One file inside an archive. Its bytes can be read until the next sample is asked for."""

    #: As the archive calls it, and nothing else: it may be absolute, or lead out of any folder.
    name: str
    #: In bytes, as the archive says.
    size: int | None
    mtime_ns: int | None
    #: None where ``error`` says why there are no bytes.
    data: ByteSource | None = None
    error: NoaiError | None = None
    sidecars: Sidecars = NO_SIDECARS
    #: Whether a name or the archive promises audio.
    expects_audio: bool = False
    #: Whether it stands among the members of a sample without being one of them.
    is_apart: bool = False


@dataclass(frozen=True)
class Sample:
    """What stands or falls together: members of one key, the values of one row. Folders have no members."""

    members: tuple[Member, ...]

    def without(self, positions: AbstractSet[int]) -> Sample | None:
        """What can be kept where some of the members are not; None for nothing."""
        return None


class Copier(Protocol):
    """Writes an archive of the samples that are kept, each as it stands in the original."""

    def keep(self, sample: Sample) -> None:
        """Take over ``sample``, which the archive gave last."""

    def close(self) -> None:
        """Write what ends the archive. The file stays open."""

    def discard(self) -> None:
        """Let go of the file, if the archive was not ended. What is in it then is of no use."""


class Archive(Protocol):
    """An open archive, read once from front to end."""

    def samples(self) -> Iterator[Sample]:
        """Everything in it, in its order.

        Raises:
            ArchiveMalformed, LimitExceeded: where it cannot be read on; what came before counts.
            SourceError: if the bytes cannot be had.
        """

    def copier(self, out: BinaryIO) -> Copier:
        """A copier of what :meth:`samples` gives, into the empty file ``out``."""


class Kind(Protocol):
    """One kind of archive."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """How its names end, in lower case."""

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins with ``head``, 512 bytes or all, is one by its content."""

    def open(self, source: DescriptorSource) -> Archive:
        """Begin to read one.

        Raises:
            ArchiveError, LimitExceeded, SourceError: if it cannot be read at all.
        """


#: Bytes by which a kind is recognised.
HEAD: Final = 512


class Slice:
    """A stretch of another source."""

    __slots__ = ("_source", "_start", "is_shareable", "size")

    def __init__(self, source: ByteSource, start: int, size: int) -> None:
        self._source = source
        self._start = start
        self.size = size
        self.is_shareable = is_shareable(source)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._source.read_at(self._start + offset, max(0, min(length, self.size - offset)))
