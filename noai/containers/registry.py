"""The containers that noai knows, and how a source finds its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from noai.containers._head import Head
from noai.containers._polyglot import other_readings
from noai.containers._prefixed import Prefixed, behind_tags
from noai.containers.adts import Adts
from noai.containers.aiff import Aiff
from noai.containers.amr import Amr
from noai.containers.asf import Asf
from noai.containers.au import Au
from noai.containers.caf import Caf
from noai.containers.dsdiff import Dsdiff
from noai.containers.dsf import Dsf
from noai.containers.flac import Flac
from noai.containers.interface import Container, Detected
from noai.containers.matroska import Matroska
from noai.containers.monkeys_audio import MonkeysAudio
from noai.containers.mp3 import Mp3
from noai.containers.mp4 import Mp4
from noai.containers.musepack import Musepack
from noai.containers.ogg import Ogg
from noai.containers.trueaudio import TrueAudio
from noai.containers.w64 import W64File
from noai.containers.wav import Bw64, Rf64, Wav
from noai.containers.wavpack import WavPack
from noai.errors import ContainerUnknown, SourceEmpty
from noai.essence import EssenceReading
from noai.sources import ByteSource

#: In the order in which they are asked. Those with a magic number come first; MP3, which has to
#: look for frames, comes last.
CONTAINERS: Final[tuple[Container, ...]] = (
    Flac(),
    Ogg(),
    Wav(),
    Mp4(),
    Aiff(),
    Rf64(),
    Bw64(),
    Dsf(),
    Dsdiff(),
    W64File(),
    Asf(),
    Matroska(),
    Caf(),
    Au(),
    Amr(),
    WavPack(),
    MonkeysAudio(),
    Musepack(),
    TrueAudio(),
    Adts(),
    Mp3(),
)


def detect(source: ByteSource) -> Detected:
    """The container that recognises ``source`` by its content. Names and extensions play no part.

    Raises:
        SourceEmpty: if there are no bytes at all.
        ContainerUnknown: if no container recognises it.
        SourceError: if the bytes could not be had.
    """
    if not source.size:
        raise SourceEmpty("the file is empty")
    head = Head(source)
    # An ID3v2 tag begins few files but MPEG audio, and that one is asked last.
    for container in CONTAINERS[:-1]:
        name = container.detect(head)
        if name is not None:
            return Detected(name, container)
    behind = behind_tags(head)
    if behind is not None:
        for container in CONTAINERS[:-1]:
            name = container.detect(behind)
            if name is not None:
                return Detected(name, Prefixed(container))
    name = CONTAINERS[-1].detect(head)
    if name is not None:
        return Detected(name, CONTAINERS[-1])
    known = ", ".join(str(name) for container in CONTAINERS for name in container.names)
    raise ContainerUnknown(f"the content is not audio that noai knows ({known})")


def read_essence(source: ByteSource, detected: Detected) -> EssenceReading:
    """The essence of ``source``, with a violation where it could be taken for another kind of file as well.

    Raises:
        ContainerMalformed, LimitExceeded: when the audio could not be located.
    """
    reading = detected.container.read_essence(source)
    others = tuple(other_readings(source, detected.name, reading, CONTAINERS[:-1]))
    return replace(reading, violations=(*reading.violations, *others)) if others else reading
