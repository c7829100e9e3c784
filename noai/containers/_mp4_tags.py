"""The tag area of an MP4: where iTunes metadata, ``mdta`` keys, user data, XMP, C2PA and ID3 stand.

Items of ``ilst``: :mod:`noai.containers._mp4_list`. XMP and C2PA: :mod:`noai.containers._mp4_uuid`.
ID3v2 in ``ID32`` boxes: MP4 Registration Authority, "ID3v2 in MP4" (id3.org/ID3v2InMP4).
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from noai.codes import Code
from noai.containers._bmff import Box, BoxReader
from noai.containers._id3 import HEADER, parse_header, read_id3v2
from noai.containers._mp4_hidden import HiddenStatements
from noai.containers._mp4_items import Form, Id3Place, Item, Metadata, XmpBox, scope_of
from noai.containers._mp4_list import FREEFORM, PADDING, ListReader, noted
from noai.containers._mp4_uuid import read_uuid, read_xmp
from noai.containers._mp4_values import read_3gpp, read_strings, role_of
from noai.containers.interface import FieldRole, TagArea
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import ID3_TAGS, TAG_VALUE_BYTES

#: Boxes in which players look for tag areas.
DESCENDED: Final = frozenset(
    (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"mvex", b"moof", b"traf", b"gmhd")
)
#: Boxes that are tag areas, and those that stand in them but that FFmpeg reads wherever they are.
AREAS: Final = frozenset((b"udta", b"meta", b"uuid", b"ilst", FREEFORM, b"ID32"))
#: Media data, and boxes of fixed form that hold numbers; all others are searched for hidden statements.
SILENT: Final = frozenset(
    (
        b"mdat", b"ftyp", b"styp", b"mvhd", b"tkhd", b"mdhd", b"hdlr", b"smhd", b"vmhd", b"elst", b"dref",
        b"stts", b"ctts", b"cslg", b"stsc", b"stsz", b"stz2", b"stco", b"co64", b"stss", b"sdtp", b"sbgp",
        b"sgpd", b"trex", b"mehd", b"mfhd", b"tfhd", b"tfdt", b"trun", b"sidx", b"ssix", b"prft",
    )
)  # fmt: skip
THREE_GPP: Final = frozenset((b"cprt", b"dscp", b"titl", b"auth", b"perf", b"gnre", b"albm"))
#: Version, flags and language in front of the tag in ``ID32``.
_ID32_HEAD: Final = 6


def read_metadata(reader: BoxReader, top: list[Box]) -> Metadata:
    """All of the tag area below the top-level boxes ``top``.

    Damage inside ``udta``, ``meta`` and ``uuid`` boxes becomes a note.

    Raises:
        ContainerMalformed: when the boxes around them contradict each other.
        LimitExceeded: when a limit on tags or boxes is reached.
    """
    scan = _Scan(reader)
    for box in top:
        scan.visit(box, ())
    scan.finish()
    return scan.found


def read_area(reader: BoxReader) -> TagArea:
    """The tag area of a file, as far as it can be read: what stopped the reading is a note."""
    scan = _Scan(reader)
    area = scan.found.area
    movie = False
    try:
        for box in reader.children(0, reader.size, 0):
            movie |= box.type == b"moov"
            with noted(area, Code.CONTAINER_MALFORMED):
                scan.visit(box, ())
    except (ContainerMalformed, LimitExceeded) as error:
        area.note(Code.of(error.code), str(error))
    scan.finish()
    if not movie:
        area.note(Code.CONTAINER_MALFORMED, "there is no moov box: the file is cut short or a fragment")
    return area.build()


class _Scan:
    def __init__(self, reader: BoxReader) -> None:
        self._reader = reader
        self.found = Metadata()
        self._hidden = HiddenStatements(reader, self.found.area)
        self._list = ListReader(reader, self.found, self._hidden)
        self._moovs = 0
        self._lists = 0
        #: Tag areas by the place of the box around them.
        self._areas: Counter[tuple[int, bytes]] = Counter()

    def visit(self, box: Box, path: tuple[Box, ...]) -> None:
        inner = (*path, box)
        if box.type in DESCENDED:
            self._moovs += box.type == b"moov"
            reader = self._reader.within(inner[0])
            for child in reader.children(box.body, box.end, len(inner)):
                self.visit(child, inner)
        elif box.type in AREAS:
            with noted(self.found.area):
                self._area(box, path)
        elif box.type == b"cmov":
            self.found.area.note(Code.TAG_COMPRESSED, "a compressed movie resource (cmov) was not inflated")
        elif box.type not in SILENT:
            self._hidden.search(box, padding=box.type in PADDING)

    def finish(self) -> None:
        """What can be said only when everything was seen."""
        counted = [(self._moovs, "moov"), (self._lists, "ilst")]
        counted += [(number, kind.decode()) for (_, kind), number in self._areas.items()]
        several = sorted({f"{number} {what} boxes" for number, what in counted if number > 1})
        if several:
            self.found.area.note(Code.TAG_DUPLICATE, ", ".join(several))
        self.found.hidden = self._hidden.hits
        self._hidden.report()

    # -- boxes -------------------------------------------------------------------------------

    def _area(self, box: Box, path: tuple[Box, ...]) -> None:
        inner = (*path, box)
        if box.type in (b"udta", b"meta"):
            self._areas[path[-1].start if path else -1, box.type] += 1
        if box.type == b"udta":
            for child in self._reader.children(box.body, box.end, len(inner)):
                self._user_data(child, inner)
        elif box.type == b"meta":
            self._meta(box, inner)
        elif box.type == b"uuid":
            label = label_of(path, box)
            if not read_uuid(self._reader, box, self.found, label, top_level=not path):
                self._hidden.search(box, padding=False)
        elif box.type == b"ID32":
            self._id3(box, path)
        elif box.type == b"ilst":
            self._items(box, path, [])
        else:
            self._list.read_item(box, path, [])

    def _user_data(self, box: Box, path: tuple[Box, ...]) -> None:
        if box.type in AREAS:
            self.visit(box, path)
        elif box.type == b"XMP_":
            read_xmp(self._reader, XmpBox(box, box.body, top_level=False), "XMP_ in user data", self.found)
        elif box.type[0] == 0xA9:
            self._string_item(box, path, Form.STRINGS)
        elif box.type in THREE_GPP and box.length > 6:
            self._string_item(box, path, Form.THREE_GPP)
        elif box.type in PADDING:
            self._hidden.search(box, padding=True)
        else:
            self.found.area.count_item()
            if role_of(box.name.upper()) is FieldRole.MARKER:
                self.found.area.note(Code.TAG_UNREADABLE, f"a user data box {box.name!r} was not read")
            self._opaque(box, path)

    def _opaque(self, box: Box, path: tuple[Box, ...]) -> None:
        self.found.opaque.append((label_of(path, box), box))
        self._hidden.search(box, padding=False)

    def _string_item(self, box: Box, path: tuple[Box, ...], form: Form) -> None:
        self.found.area.count_item()
        if box.length > TAG_VALUE_BYTES:
            self._list.too_long()
            return
        data = self._list.hold(box.body, box.end)
        values = read_strings(data, box.body) if form is Form.STRINGS else read_3gpp(data, box.body)
        key = box.name.upper()
        place, identity = f"{scope_of(path)} user data", f"udta:{box.name}"
        self._list.add(Item(box, path, form, place, key, identity, role_of(key), values))

    def _meta(self, meta: Box, path: tuple[Box, ...]) -> None:
        children = list(self._reader.meta_children(meta, len(path)))
        keys: list[str] = []
        for number, child in enumerate(child for child in children if child.type == b"keys"):
            keys += self._list.read_keys(child)
            if number:
                self.found.area.note(Code.TAG_UNREADABLE, "several lists of metadata keys in one meta box")
        for child in children:
            if child.type == b"ilst":
                self._items(child, path, keys)
            elif child.type in AREAS:
                self.visit(child, path)
            elif child.type in PADDING:
                self._hidden.search(child, padding=True)
            elif child.type not in (b"hdlr", b"keys"):
                self._opaque(child, path)

    def _items(self, box: Box, path: tuple[Box, ...], keys: list[str]) -> None:
        # Tracks have lists of their own.
        self._lists += not any(around.type == b"trak" for around in path)
        self._list.read_list(box, path, keys)

    def _id3(self, box: Box, path: tuple[Box, ...]) -> None:
        """The ID3v2 tags in ``box``: one is meant, and several are read."""
        start = box.body + _ID32_HEAD
        source, area = self._reader.source, self.found.area
        while start < box.end:
            head = self._reader.read(start, min(HEADER, box.end - start))
            tag = parse_header(head, start, box.end)
            if tag is None:
                break
            if len(self.found.id3) == ID3_TAGS:
                raise LimitExceeded(f"more than {ID3_TAGS} ID3v2 tags")
            self.found.id3.append(Id3Place(box, tag))
            read_id3v2(source, tag, area)
            start = tag.end
        rest = self._reader.read(start, min(box.end - start, TAG_VALUE_BYTES)) if start < box.end else b""
        if start == box.body + _ID32_HEAD or rest.strip(b"\x00"):
            area.note(Code.TAG_UNREADABLE, f"the ID32 box at {box.start} holds something else than ID3")
            self._opaque(box, path)


def label_of(path: tuple[Box, ...], box: Box) -> str:
    """What people call ``box`` in ``path``."""
    return "/".join(part.name for part in (*path, box))
