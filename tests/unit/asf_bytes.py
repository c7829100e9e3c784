"""ASF files built object by object."""

from __future__ import annotations

import io
import struct
from types import SimpleNamespace

from noai.codes import Code
from noai.containers import _asf_objects
from noai.containers._asf_objects import guid
from noai.containers.asf import Asf
from noai.containers.interface import FieldRole, TagArea, TagEdit
from noai.essence import EssenceReading
from noai.sources import BytesSource

ASF = Asf()
obj = SimpleNamespace(
    **{name: value for name, value in vars(_asf_objects).items() if isinstance(value, bytes)},
    SIMPLE_INDEX=guid("33000890-E5B1-11CF-89F4-00A0C90349CB"),
    ENCRYPTED=guid("2211B3FB-BD23-11D2-B4B7-00A0C955FC6E"),
    AUDIO=guid("F8699E40-5B4D-11CF-A8FD-00805F5C442B"),
    VIDEO=guid("BC19EFC0-5B4D-11CF-A8FD-00805F5C442B"),
    EMBEDDED=guid("3AFB65E2-47EF-40F2-AC2C-70A90D71D343"),
    SPREAD=guid("BFC3CD50-618F-11CF-8BB2-00AA00B4E220"),
    NONE=guid("20FB5700-5B55-11CF-A8FD-00805F5C442B"),
)
PACKET = 200
#: Channels, rate, bytes a second, block size, bits of WMA v2 with its extension.
WMA2 = struct.pack("<HHIIHHH", 0x161, 1, 22_050, 4000, 300, 16, 10) + bytes(range(10))


def guid_object(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<Q", 24 + len(content)) + content


def text(value: str) -> bytes:
    return value.encode("utf-16-le") + b"\0\0"


def attribute(name: str, value: str | bytes, *, kind: int = 0, stream: int = 0, language: int = 0) -> bytes:
    """A record of Metadata and Metadata Library."""
    raw = text(value) if isinstance(value, str) else value
    return struct.pack("<HHHHI", language, stream, len(text(name)), kind, len(raw)) + text(name) + raw


def descriptor(name: str, value: str | bytes, kind: int = 0) -> bytes:
    """A record of an Extended Content Description."""
    raw = text(value) if isinstance(value, str) else value
    return struct.pack("<H", len(text(name))) + text(name) + struct.pack("<HH", kind, len(raw)) + raw


def library(*records: bytes, name: bytes = obj.LIBRARY) -> bytes:
    return guid_object(name, struct.pack("<H", len(records)) + b"".join(records))


def descriptors(*records: bytes) -> bytes:
    return library(*records, name=obj.EXTENDED_DESCRIPTION)


def description(*texts: str) -> bytes:
    """Title, author, copyright, description, rating."""
    raw = [text(each) if each else b"" for each in (*texts, *[""] * (5 - len(texts)))]
    return guid_object(obj.DESCRIPTION, struct.pack("<5H", *map(len, raw)) + b"".join(raw))


def language_list(*languages: str) -> bytes:
    raw = b"".join(bytes([len(text(each))]) + text(each) for each in languages)
    name = guid("7C4346A9-EFE0-4BFC-B229-393EDE415C85")
    return guid_object(name, struct.pack("<H", len(languages)) + raw)


def extension(*objects: bytes) -> bytes:
    inner = b"".join(objects)
    reserved = guid("ABD3D211-A9BA-11CF-8EE6-00C00C205365")
    return guid_object(obj.EXTENSION, reserved + b"\x06\0" + struct.pack("<I", len(inner)) + inner)


def properties(
    packets: int = 2, *, flags: int = 2, least: int = PACKET, largest: int = PACKET, duration: int = 10**8
) -> bytes:
    fields = struct.pack("<QQQQQQIIII", 0, 0, packets, duration, 0, 0, flags, least, largest, 1)
    return guid_object(obj.FILE_PROPERTIES, bytes(16) + fields)


def stream(
    number: int = 1,
    form: bytes = WMA2,
    *,
    kind: bytes = obj.AUDIO,
    span: int = 1,
    correction: bytes = obj.SPREAD,
    flags: int = 0,
) -> bytes:
    spread = struct.pack("<BHHH", span, 300, 300, 1) + b"\0"
    head = struct.pack("<16s16sQIIHI", kind, correction, 0, len(form), len(spread), number | flags, 0)
    return guid_object(obj.STREAM_PROPERTIES, head + form + spread)


def header(*objects: bytes, count: int | None = None) -> bytes:
    inner = b"".join(objects)
    number = len(objects) if count is None else count
    return guid_object(obj.HEADER, struct.pack("<I", number) + b"\x01\x02" + inner)


def payload(
    data: bytes, *, number: int = 0, offset: int = 0, size: int | None = None, time: int = 0, on: int = 1
) -> bytes:
    """A payload without its length: stream, object number, offset, replicated data. Then the bytes."""
    whole = len(data) if size is None else size
    return struct.pack("<BBIBII", on, number, offset, 8, whole, time) + data


def packet(data: bytes, *, length: int = PACKET, correction: bytes = b"\x82\0\0") -> bytes:
    """A data packet with one payload, padded to ``length``."""
    head = correction + b"\x10\x5d"
    padding = length - len(head) - 2 - 6 - len(data)
    return head + struct.pack("<H", padding) + bytes(6) + data + bytes(padding)


def several(*payloads: tuple[bytes, bytes], length: int = PACKET) -> bytes:
    """A data packet with payloads, each given by what stands in front of its length, and by its bytes."""
    inner = b"".join(head + struct.pack("<H", len(data)) + data for head, data in payloads)
    head = b"\x82\0\0\x11\x5d"
    padding = length - len(head) - 2 - 6 - 1 - len(inner)
    count = bytes([0x80 | len(payloads)])
    return head + struct.pack("<H", padding) + bytes(6) + count + inner + bytes(padding)


SOUND = bytes(range(150)), bytes(range(150, 200)) * 2
PACKETS = (packet(payload(SOUND[0])), packet(payload(SOUND[1], number=1, time=100)))


def data(*packets: bytes, count: int | None = None) -> bytes:
    number = len(packets) if count is None else count
    return guid_object(obj.DATA, bytes(16) + struct.pack("<QH", number, 0x101) + b"".join(packets))


def asf(*objects: bytes, packets: tuple[bytes, ...] = PACKETS, behind: bytes = b"") -> bytes:
    """A whole file with ``objects`` in its header besides the two that it must have."""
    return header(properties(len(packets)), stream(), *objects) + data(*packets) + behind


def essence(content: bytes) -> EssenceReading:
    return ASF.read_essence(BytesSource(content))


def violations(content: bytes) -> list[Code]:
    return [violation.code for violation in essence(content).violations]


def tags(content: bytes) -> TagArea:
    return ASF.read_tags(BytesSource(content))


def values(content: bytes, role: FieldRole = FieldRole.MARKER) -> list[str]:
    return [field.value for field in tags(content).fields if field.role is role]


def codes(content: bytes) -> list[Code]:
    return [note.code for note in tags(content).notes]


def written(content: bytes, edit: TagEdit) -> bytes:
    file = io.BytesIO(content)
    ASF.write_tags(file, edit)
    return file.getvalue()


NOTHING = TagEdit(markers=())
