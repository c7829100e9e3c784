"""The containers that noai knows, and how a source finds its own."""

from __future__ import annotations

from typing import Final

from noai.containers.flac import Flac
from noai.containers.interface import Container, Detected
from noai.containers.mp3 import Mp3
from noai.containers.mp4 import Mp4
from noai.containers.ogg import Ogg
from noai.containers.wav import Wav
from noai.errors import ContainerUnknown, SourceEmpty
from noai.sources import ByteSource

#: In the order in which they are asked. Those with a magic number come first; MP3, which has to
#: look for frames, comes last.
CONTAINERS: Final[tuple[Container, ...]] = (Flac(), Ogg(), Wav(), Mp4(), Mp3())


def detect(source: ByteSource) -> Detected:
    """The container that recognises ``source`` by its content. Names and extensions play no part.

    Raises:
        SourceEmpty: if there are no bytes at all.
        ContainerUnknown: if no container recognises it.
        SourceError: if the bytes could not be had.
    """
    if not source.size:
        raise SourceEmpty("the file is empty")
    for container in CONTAINERS:
        name = container.detect(source)
        if name is not None:
            return Detected(name, container)
    known = ", ".join(str(name) for container in CONTAINERS for name in container.names)
    raise ContainerUnknown(f"the content is not audio that noai knows ({known})")
