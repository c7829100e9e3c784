"""XMP packets as small element trees that remember where their tags stand.

Expat does the parsing, without DTD and within limits; the byte positions let
:mod:`noai.xmp` change one property and leave every other byte as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from noai.errors import LimitExceeded, XmpMalformed
from noai.limits import XMP_BYTES, XMP_DEPTH, XMP_NAMESPACE_CHARS, XMP_PACKETS

RDF_NS: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
XML_NS: Final = "http://www.w3.org/XML/1998/namespace"
META_NS: Final = "adobe:ns:meta/"

# Never legal in XML 1.0, not even as a character reference, so no name can contain it.
_SEPARATOR: Final = "\x1f"
# What may stand between and after packets: padding, also of NUL bytes, and byte order marks.
_BLANK: Final = re.compile(rb"(?:[\x00\t\n\r ]|\xef\xbb\xbf)*")
_ATTRIBUTE: Final = rb"""\s+(?P<name>[^\s=]+)\s*=\s*(?P<quoted>"[^"]*"|'[^']*')"""
_START_TAG: Final = re.compile(rb"<[^\s/>]+(?:" + re.sub(rb"\?P<\w+>", rb"?:", _ATTRIBUTE) + rb")*\s*/?>")
ATTRIBUTE: Final = re.compile(_ATTRIBUTE)

_BYTE_ORDER_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
# Which of the first four bytes are zero when they are ASCII characters.
_ZERO_PATTERNS: Final[dict[tuple[bool, ...], str]] = {
    (False, True, True, True): "utf-32-le",
    (True, True, True, False): "utf-32-be",
    (False, True, False, True): "utf-16-le",
    (True, False, True, False): "utf-16-be",
}


@dataclass(frozen=True)
class Attribute:
    namespace: str
    local: str
    qualified: bytes
    value: str


@dataclass(eq=False)
class Element:
    """One element. Positions are bytes in the UTF-8 form of the blob."""

    namespace: str
    local: str
    prefix: str
    attributes: tuple[Attribute, ...]
    #: Where the start tag begins, and the byte after it.
    start: int
    start_end: int
    #: Where the end tag begins; equal to ``end`` where there is none (``<a/>``).
    end_tag: int = 0
    #: The byte after the whole element.
    end: int = 0
    text: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    def walk(self) -> Iterator[Element]:
        """This element and everything below it, in document order."""
        pending = [self]
        while pending:
            element = pending.pop()
            yield element
            pending.extend(reversed(element.children))

    def attribute(self, namespace: str, local: str) -> str | None:
        for attribute in self.attributes:
            if (attribute.namespace, attribute.local) == (namespace, local):
                return attribute.value
        return None


@dataclass(frozen=True)
class Blob:
    """A blob of one or several packets: UTF-8 bytes, the codec they came in, and the root elements."""

    data: bytes
    codec: str
    roots: tuple[Element, ...]

    def elements(self) -> Iterator[Element]:
        for root in self.roots:
            yield from root.walk()

    def encode(self, data: bytes) -> bytes:
        """UTF-8 ``data`` in the encoding that the blob came in."""
        return data if self.codec == "utf-8" else data.decode("utf-8").encode(self.codec)


def parse(blob: bytes) -> Blob:
    """The element trees of an XMP blob in UTF-8, UTF-16 or UTF-32 (XMP part 1, section 7.1).

    Raises:
        XmpMalformed: not Unicode, not well-formed, or with a DOCTYPE (so no entity is ever defined).
        LimitExceeded: larger, deeper, more packets, or longer namespaces than :mod:`noai.limits` allows.
    """
    if len(blob) > XMP_BYTES:
        raise LimitExceeded(f"an XMP packet of {len(blob)} bytes; at most {XMP_BYTES} are read")
    codec = _codec(blob)
    try:
        data = blob.decode(codec).encode("utf-8")
    except UnicodeError as error:
        raise XmpMalformed(f"an XMP packet is not valid {codec.upper()}: {error}") from None
    return Blob(data, codec, tuple(_roots(data)))


def _codec(blob: bytes) -> str:
    for mark, codec in _BYTE_ORDER_MARKS:
        if blob.startswith(mark):
            return codec
    zeros = tuple(byte == 0 for byte in blob[:4])
    return _ZERO_PATTERNS.get(zeros, "utf-8")


def _roots(data: bytes) -> Iterator[Element]:
    position = _skip_blank(data, 0)
    packets = 0
    while position < len(data):
        packets += 1
        if packets > XMP_PACKETS:
            raise LimitExceeded(f"more than {XMP_PACKETS} packets in one XMP blob")
        builder = _Builder(data, position)
        position = builder.run()
        if builder.root is not None:
            yield builder.root


def _skip_blank(data: bytes, position: int) -> int:
    blank = _BLANK.match(data, position)
    return blank.end() if blank else position


class _Builder:
    """Builds the tree of the packet that starts at ``offset``."""

    def __init__(self, data: bytes, offset: int) -> None:
        self.root: Element | None = None
        self._data = data
        self._offset = offset
        self._open: list[Element] = []
        self._parser = expat.ParserCreate("utf-8", _SEPARATOR)
        self._parser.namespace_prefixes = True
        self._parser.ordered_attributes = True
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartNamespaceDeclHandler = self._namespace

    def run(self) -> int:
        """Parse one packet; the position where the next one starts, or the length of the data."""
        try:
            self._parser.Parse(memoryview(self._data)[self._offset :], True)
        except expat.ExpatError as error:
            # A second root, XML declaration or byte order mark after the first packet: go on there.
            stop = _skip_blank(self._data, self._offset + self._parser.ErrorByteIndex)
            if self._open:
                raise XmpMalformed(f"an XMP packet is not well-formed: {error}") from None
            if stop == len(self._data):
                return stop
            if self.root is None or self._data[stop : stop + 1] != b"<":
                raise XmpMalformed(f"an XMP packet is not well-formed: {error}") from None
            return stop
        return len(self._data)

    def _start(self, name: str, attributes: list[str]) -> None:
        if len(self._open) >= XMP_DEPTH:
            raise LimitExceeded(f"an XMP packet nests deeper than {XMP_DEPTH}")
        start = self._offset + self._parser.CurrentByteIndex
        tag = _START_TAG.match(self._data, start)
        if tag is None:
            raise XmpMalformed("an XMP packet has a start tag that cannot be located")
        namespace, local, prefix = _split(name)
        element = Element(
            namespace, local, prefix, tuple(_attributes(attributes)), start, tag.end(), tag.end(), tag.end()
        )
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        if not self._data.startswith(b"/>", element.start_end - 2):
            element.end_tag = self._offset + self._parser.CurrentByteIndex
            element.end = self._data.index(b">", element.end_tag) + 1

    def _text(self, text: str) -> None:
        self._open[-1].text.append(text)

    def _namespace(self, _prefix: str | None, uri: str | None) -> None:
        if uri is not None and len(uri) > XMP_NAMESPACE_CHARS:
            raise LimitExceeded(f"an XML namespace of {len(uri)} characters; at most {XMP_NAMESPACE_CHARS}")

    def _doctype(self, *_declaration: object) -> None:
        raise XmpMalformed("an XMP packet declares a DTD")


def _split(name: str) -> tuple[str, str, str]:
    """Namespace, local name and prefix of an expanded name."""
    parts = name.split(_SEPARATOR)
    if len(parts) == 1:
        return "", name, ""
    return parts[0], parts[1], parts[2] if len(parts) > 2 else ""


def _attributes(flat: list[str]) -> Iterator[Attribute]:
    for name, value in zip(flat[::2], flat[1::2], strict=True):
        namespace, local, prefix = _split(name)
        qualified = f"{prefix}:{local}" if prefix else local
        yield Attribute(namespace, local, qualified.encode("utf-8"), value)
