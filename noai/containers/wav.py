"""RIFF WAVE: WAV files up to 4 GiB."""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO, Final

from noai.codes import Code
from noai.containers import _wav_essence, _wav_tags, _wav_write
from noai.containers._area import AreaBuilder
from noai.containers._inventory import Foreign
from noai.containers._riff import is_wave, read_layout
from noai.containers._splices import apply
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.errors import ContainerError, ContainerMalformed, LimitExceeded, MarkError
from noai.essence import EssenceReading
from noai.sources import ByteSource, FileSource

WAV: Final = ContainerName("wav")


class Wav:
    """WAVE with tags in an ``id3 `` chunk, LIST INFO and ``_PMX``.

    The marker stands in ID3 (``TXXX:NOAI``), the statement in ID3 and in INFO, which is all that
    ffmpeg reads, XMP in ``_PMX``. RF64, BW64 and RIFX are other containers.
    """

    names = (WAV,)
    writable = True
    c2pa_type: str | None = "audio/wav"
    has_xmp = True

    def detect(self, source: ByteSource) -> ContainerName | None:
        return WAV if is_wave(source) else None

    def read_tags(self, source: ByteSource) -> TagArea:
        """All chunks that hold text. A limit that was reached is a note; what was read counts.

        Raises:
            ContainerMalformed: if this is no WAVE file.
        """
        _require_wave(source)
        area = AreaBuilder()
        try:
            _wav_tags.read_tags(source, read_layout(source), area)
        except LimitExceeded as limit:
            area.note(Code.LIMIT_EXCEEDED, str(limit))
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        """
        Raises:
            ContainerMalformed, LimitExceeded: if the chunks cannot be read.
        """
        _require_wave(source)
        return _wav_essence.read_essence(source)

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """All chunks but the audio and the manifest; INFO entries and ID3 frames one by one.

        Raises:
            ContainerMalformed, LimitExceeded: when not every chunk could be read to its end.
        """
        _require_wave(source)
        return Counter(_wav_tags.describe(source, read_layout(source), Foreign(edit), AreaBuilder()))

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            MarkError: if the chunks contradict each other, or the file would exceed 4 GiB.
        """
        source = FileSource(file)
        try:
            _require_wave(source)
            splices = _wav_write.plan(source, edit)
        except ContainerError as error:
            raise MarkError(f"the chunks cannot be rewritten: {error}") from error
        apply(file, splices)

    def prepare_manifest(self, file: BinaryIO) -> None:
        """Nothing to do: the C2PA library adds a chunk and keeps the others."""


def _require_wave(source: ByteSource) -> None:
    if not is_wave(source):
        raise ContainerMalformed("this is no RIFF WAVE file")
