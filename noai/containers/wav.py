"""RIFF WAVE up to 4 GiB, and RF64 and BW64, which are the same with sizes of 64 bits."""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO, Final

from noai.containers import _wav_essence, _wav_tags, _wav_write
from noai.containers._area import AreaBuilder, only_manifest
from noai.containers._inventory import Foreign
from noai.containers._riff import HEADER, is_wave, read_layout
from noai.containers._splices import apply, rewriting
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.errors import ContainerMalformed
from noai.essence import EssenceReading
from noai.sources import ByteSource, FileSource

WAV: Final = ContainerName("wav")
RF64: Final = ContainerName("rf64")
BW64: Final = ContainerName("bw64")


class Wav:
    """WAVE with tags in an ``id3 `` chunk, LIST INFO and ``_PMX``.

    The marker stands in ID3 (``TXXX:NOAI``), the statement in ID3 and in INFO, which is all that
    ffmpeg reads, XMP in ``_PMX``. RIFX is another container.
    """

    names: tuple[ContainerName, ...] = (WAV,)
    writable = True
    c2pa_type: str | None = "audio/wav"
    has_xmp = True
    #: The four letters that a file starts with.
    form = b"RIFF"

    def detect(self, source: ByteSource) -> ContainerName | None:
        return self.names[0] if is_wave(source, self.form) else None

    def read_tags(self, source: ByteSource) -> TagArea:
        """All chunks that hold text. A limit that was reached is a note; what was read counts.

        Raises:
            ContainerMalformed: if this is no WAVE file.
        """
        self._require_wave(source)
        area = AreaBuilder()
        with area.up_to_limits():
            _wav_tags.read_tags(source, read_layout(source), area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        """
        Raises:
            ContainerMalformed, LimitExceeded: if the chunks cannot be read.
        """
        self._require_wave(source)
        return _wav_essence.read_essence(source, read_layout(source))

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """All chunks but the audio and the manifest; INFO entries and ID3 frames one by one.

        Raises:
            ContainerMalformed, LimitExceeded: when not every chunk could be read to its end.
        """
        self._require_wave(source)
        return Counter(_wav_tags.describe(source, read_layout(source), Foreign(edit), AreaBuilder()))

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            MarkError: if the chunks contradict each other, or a RIFF file would exceed 4 GiB.
        """
        source = FileSource(file)
        with rewriting("the chunks"):
            self._require_wave(source)
            splices = _wav_write.plan(source, edit, xmp=self.has_xmp)
        apply(file, splices)

    def embed_manifest(self, file: BinaryIO, store: bytes) -> tuple[tuple[int, int], ...]:
        """In a chunk behind all others, which is left out of a hash without its padding."""
        source = FileSource(file)
        self._require_wave(source)
        apply(file, _wav_write.plan_manifest(source, store))
        ((offset, length),) = only_manifest(self.read_tags(FileSource(file))).pieces
        return ((offset - HEADER, HEADER + length),)

    def _require_wave(self, source: ByteSource) -> None:
        if not is_wave(source, self.form):
            raise ContainerMalformed(f"this is no {self.form.decode()} WAVE file")


class Rf64(Wav):
    """RF64 (EBU Tech 3306). The C2PA library refuses it."""

    names = (RF64,)
    c2pa_type = None
    form = b"RF64"


class Bw64(Wav):
    """BW64 (ITU-R BS.2088), which names no place for XMP; metadata of its own are in ``axml``."""

    names = (BW64,)
    c2pa_type = None
    has_xmp = False
    form = b"BW64"
