"""ASF files with audio: WMA, and whatever else Windows Media kept in ASF and WMV."""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO, Final

from noai.containers import _asf_essence, _asf_tags, _asf_write
from noai.containers._area import AreaBuilder
from noai.containers._asf_objects import HEADER, read_layout
from noai.containers._inventory import Foreign
from noai.containers._splices import apply, rewriting
from noai.containers.interface import ContainerName, TagArea, TagEdit
from noai.errors import ContainerMalformed
from noai.essence import EssenceReading
from noai.sources import ByteSource, FileSource

ASF: Final = ContainerName("asf")


class Asf:
    """ASF (ASF Specification, revision 01.20.05).

    The marker is an attribute ``NOAI`` of the Extended Content Description, the statement stands
    in the Content Description, XMP in an object of its own behind the Data Object. c2pa writes no ASF.
    """

    names = (ASF,)
    writable = True
    c2pa_type: str | None = None
    has_xmp = True

    def detect(self, source: ByteSource) -> ContainerName | None:
        return ASF if source.read_at(0, len(HEADER)) == HEADER else None

    def read_tags(self, source: ByteSource) -> TagArea:
        """All objects that hold text. A limit that was reached is a note; what was read counts.

        Raises:
            ContainerMalformed: if this is no ASF file.
        """
        _require_asf(source)
        area = AreaBuilder()
        with area.up_to_limits():
            _asf_tags.read_tags(source, read_layout(source), area)
        return area.build()

    def read_essence(self, source: ByteSource) -> EssenceReading:
        """
        Raises:
            ContainerMalformed, LimitExceeded: if the header cannot be read.
        """
        _require_asf(source)
        return _asf_essence.read_essence(source, read_layout(source))

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """Attributes and descriptions one by one; every other object but padding by its content.

        The size of the file and the File ID's copies are not tags: the size is left out.

        Raises:
            ContainerMalformed, LimitExceeded: when not every item could be read to its end.
        """
        _require_asf(source)
        return Counter(_asf_tags.describe(source, read_layout(source), Foreign(edit), AreaBuilder()))

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """
        Raises:
            MarkError: if the objects contradict each other, or the header is signed.
        """
        source = FileSource(file)
        with rewriting("the objects"):
            _require_asf(source)
            splices = _asf_write.plan(source, edit)
        apply(file, splices)


def _require_asf(source: ByteSource) -> None:
    if source.read_at(0, len(HEADER)) != HEADER:
        raise ContainerMalformed("this is no ASF file")
