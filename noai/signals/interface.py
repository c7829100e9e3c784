"""The seam to vocabularies: one reader a vocabulary, each turning what a file holds into findings.

The contract, in prose, is in ``signals/README.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Protocol

from noai.codes import Code
from noai.containers.interface import Detected, TagArea, XmpPacket
from noai.containers.registry import read_essence
from noai.errors import ContainerError, LimitExceeded, SourceError, XmpMalformed
from noai.essence import EssenceReading, Violation
from noai.hashing import Ahead
from noai.limits import HASH_ALONE
from noai.report import Finding, SignalSource
from noai.sources import ByteSource
from noai.trust import TrustList
from noai.xmp import Property, read_properties


@dataclass(frozen=True)
class ReadPacket:
    """An XMP packet and its properties, or why they could not be had."""

    packet: XmpPacket
    properties: tuple[Property, ...] = ()
    error: XmpMalformed | LimitExceeded | None = None

    @classmethod
    def of(cls, packet: XmpPacket) -> ReadPacket:
        try:
            return cls(packet, tuple(read_properties(packet.data)))
        except (XmpMalformed, LimitExceeded) as error:
            return cls(packet, error=error)


@dataclass
class Evidence:
    """What readers work on: the tag area of one source, and the means to check what it says.

    ``checks`` is False at decision depth's first pass: readers then report what is stated and
    leave every check ``not_run``.
    """

    source: ByteSource
    detected: Detected
    area: TagArea
    trust: TrustList
    now: datetime
    checks: bool = True
    #: A C2PA manifest store that stands in a sidecar file.
    sidecar_manifests: tuple[bytes, ...] = field(default=())
    _begun: Ahead[EssenceReading] | None = field(default=None, init=False, repr=False)
    _is_entered: bool = field(default=False, init=False, repr=False)

    @cached_property
    def essence(self) -> EssenceReading | Violation:
        """The essence, read once and only when a binding is checked; a violation if it cannot be."""
        try:
            if self._begun is not None:
                return self._begun.result()
            return read_essence(self.source, self.detected)
        except (ContainerError, SourceError) as error:
            return Violation(Code.ESSENCE_UNREADABLE, str(error))

    def begin_essence(self) -> None:
        """Read :attr:`essence`, of which somebody will ask, while other things are checked.

        Only ``with`` this evidence, which ends that before the source is closed.
        """
        if not self._is_entered or self._begun is not None or "essence" in self.__dict__:
            return
        # Where no manifest asks for a hash of the file, a thread costs more than there is to do meanwhile.
        if self.area.manifests and self.source.size >= HASH_ALONE:
            self._begun = Ahead.begin(self.source, lambda source: read_essence(source, self.detected))

    def __enter__(self) -> Evidence:
        self._is_entered = True
        return self

    def __exit__(self, *_: object) -> None:
        begun, self._begun, self._is_entered = self._begun, None, False
        if begun is not None:
            begun.stop()

    @cached_property
    def xmp(self) -> tuple[ReadPacket, ...]:
        """The XMP packets of the tag area, parsed once for all readers."""
        return tuple(ReadPacket.of(packet) for packet in self.area.xmp)


class SignalReader(Protocol):
    """Reads one vocabulary."""

    source: SignalSource

    def read(self, evidence: Evidence) -> Iterable[Finding]:
        """Every statement of this vocabulary in ``evidence.area``.

        What takes long may be left to the iterator that is returned: every reader is called before
        anything is asked of what the first one returned.

        A value that the reader does not understand is a finding with ``Code.UNKNOWN_VALUE`` and
        no uses; it is never dropped and never a permission. Does not raise on any content.
        """
