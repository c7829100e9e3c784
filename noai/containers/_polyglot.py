"""Files that are two things at once: players of different formats play different audio out of them.

Which of them a player takes depends on the name, the declared type, or on what it looks for first. A digest
covers what one of them plays, so that nothing may bind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from noai.codes import Code
from noai.containers._head import Head
from noai.containers._mp3_layout import find_first
from noai.containers.interface import Container, ContainerName
from noai.essence import EssenceReading, Violation
from noai.limits import MP3_UNTAGGED_JUNK_BYTES
from noai.sources import ByteSource

#: Schemes of audio that is MPEG audio frames, whatever holds them: to start at one is to play the same.
_MPEG_SCHEMES: Final = ("mp1", "mp2", "mp3", "wave-0050", "wave-0055")


def other_readings(
    source: ByteSource, name: ContainerName, reading: EssenceReading, containers: Iterable[Container]
) -> Iterator[Violation]:
    """What a file that is a ``name``, with the essence ``reading``, would be besides.

    ``containers`` are those that are told by how a file begins.
    """
    head = Head(source)
    for container in containers:
        other = None if name in container.names else container.detect(head)
        if other is not None:
            yield Violation(Code.POLYGLOT, f"the file is {name} and {other} at once")
    if any(codec.startswith(_MPEG_SCHEMES) for codec in reading.digest.scheme.split("+")):
        return
    at = find_first(source, 0, source.size, MP3_UNTAGGED_JUNK_BYTES, tagged=False)
    if at is not None:
        yield Violation(Code.POLYGLOT, f"the file is {name}, and MPEG audio begins at {at} in it")
