"""XMP packets and C2PA manifests in an MP4, which stand in ``uuid`` boxes.

XMP specification part 3 (2020), section 1.1.4; C2PA specification 2.2, section A.5.1.
"""

from __future__ import annotations

from typing import Final

from noai.containers._bmff import Box, BoxReader
from noai.containers._mp4_items import Metadata, XmpBox
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import XMP_BYTES

XMP_UUID: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
C2PA_UUID: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
#: Purpose and offset of a C2PA box stand within this many bytes.
_C2PA_HEAD: Final = 64


def read_uuid(reader: BoxReader, box: Box, found: Metadata, label: str, *, top_level: bool) -> bool:
    """What ``box`` holds, into ``found``; a box of another identifier is listed there as ``label``.

    Returns:
        Whether the identifier is a known one.

    Raises:
        ContainerMalformed: if it has no identifier.
        LimitExceeded: for an XMP packet that is too long, or too many items or manifests.
    """
    if box.length < 16:
        raise ContainerMalformed(f"the uuid box at {box.start} has no identifier")
    identifier = reader.read(box.body, 16)
    if identifier == XMP_UUID:
        read_xmp(reader, XmpBox(box, box.body + 16, top_level), "XMP uuid box", found)
    elif identifier == C2PA_UUID:
        _read_manifest(reader, box, found)
    else:
        found.opaque.append((f"{label} {identifier.hex()}", box))
        return False
    return True


def read_xmp(reader: BoxReader, packet: XmpBox, place: str, found: Metadata) -> None:
    """Raises: LimitExceeded, for a packet that is too long, or too many items."""
    length = packet.box.end - packet.offset
    if length > XMP_BYTES:
        raise LimitExceeded(f"an XMP packet longer than {XMP_BYTES} bytes")
    found.area.count_item()
    found.area.count_bytes(length)
    found.xmp.append(packet)
    found.area.xmp(f"MP4 {place}", reader.read(packet.offset, length))


def _read_manifest(reader: BoxReader, box: Box, found: Metadata) -> None:
    start = min(box.body + 20, box.end)
    head = reader.read(start, min(_C2PA_HEAD, box.end - start))
    purpose, terminator, _ = head.partition(b"\x00")
    if purpose == b"merkle":
        return
    if terminator:
        start = min(start + len(purpose) + 1 + 8, box.end)
    whole = (box.start, box.end - box.start)
    found.area.manifest("MP4 uuid box", (start, box.end - start), wrapping=(whole,))
