"""The seam for a glance: what a few reads tell of the plainest files, which most of a corpus are.

A glance either answers for the whole file or not at all. It answers only where :meth:`read_tags` of the
container would find nothing that any vocabulary could read a statement in, but for the markers that it
names, and would note nothing that blocks; where :meth:`detect` would name the same container. Whatever is
out of the ordinary (other versions, flags, orders, sizes, damage) is for the container itself: the answer
is None then. So a glance may be simple, and never decides anything that reading would decide otherwise; a
property test over mutated files holds it to that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from noai.containers.interface import ContainerName, TagField
from noai.limits import KIB
from noai.sources import ByteSource

#: The first read of every glance: what most files say of themselves without their pictures.
HEAD: Final = 8 * KIB


class Glance(NamedTuple):
    """All that reading the tag area of a file could find and that matters."""

    container: ContainerName
    #: The fields of role ``MARKER``, in any order. Where there are some, other statements may stand beside
    #: them, and notes may block: nothing but further markers was ruled out.
    markers: tuple[TagField, ...] = ()


#: Takes a source and its first :data:`HEAD` bytes. Raises SourceError alone.
Glancer = Callable[[ByteSource, bytes], "Glance | None"]
