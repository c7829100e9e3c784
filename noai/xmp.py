"""Reading XMP properties, and setting ``plus:DataMining`` without touching any other byte.

Serialization: XMP specification part 1 (ISO 16684-1), section 7. The property: PLUS License Data
Format, ``DataMining``, as the IPTC Photo Metadata Standard 2023.1 took it over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

from noai._xmp_tree import ATTRIBUTE, META_NS, RDF_NS, XML_NS, Attribute, Blob, Element, parse
from noai.errors import LimitExceeded, XmpMalformed, XmpUnwritable
from noai.limits import XMP_BYTES

PLUS_NS: Final = "http://ns.useplus.org/ldf/xmp/1.0/"
DATA_MINING: Final = "DataMining"

_HEAD: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    f'<x:xmpmeta xmlns:x="{META_NS}">\n'
    f'<rdf:RDF xmlns:rdf="{RDF_NS}">'
)
_TAIL: Final = '</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'


_KEPT_BLANKS: Final = {ord(c): f"&#{ord(c)};" for c in "\t\n\r"}


@dataclass(frozen=True)
class Property:
    """One value of one property; a property with several values becomes several of these."""

    namespace: str
    name: str
    #: Without surrounding white space; empty where the property holds no text.
    value: str


def read_properties(packet: bytes) -> list[Property]:
    """Every property in ``packet``, in document order, duplicates kept, at every depth.

    Attribute and element forms, ``rdf:resource``, and the items of ``rdf:Alt``, ``rdf:Seq`` and
    ``rdf:Bag`` are all read; members of structures are listed like properties of their own.

    Raises:
        XmpMalformed: when the packet is not well-formed, or has a DTD.
        LimitExceeded: when it is larger or deeper than :mod:`noai.limits` allows.
    """
    return _properties(parse(packet))


def merge_data_mining(packet: bytes | None, value: str | None, lifted: str | None) -> bytes | None:
    """``packet`` with ``plus:DataMining`` set to ``value``; every other byte stays.

    Args:
        packet: UTF-8, UTF-16 or UTF-32, or None where the file has none yet.
        value: a full URI, or None to set nothing.
        lifted: the value that an earlier marking wrote and that goes now.

    Returns:
        The new packet; None where no packet should stay. The same bytes where nothing has to
        change: ``value`` stands there already, or somebody else's value does, which is never
        overridden.

    Raises:
        XmpUnwritable: when the packet cannot be parsed or would exceed the limit.
    """
    if packet is None or not packet.strip(b"\x00\t\n\r "):
        return _fresh(value) if value is not None else packet
    if value is None and lifted is None:
        return packet
    try:
        blob = parse(packet)
    except (XmpMalformed, LimitExceeded) as error:
        raise XmpUnwritable(f"the XMP packet in the file cannot be extended: {error}") from error
    edits = _merge_edits(blob, value, lifted)
    if not edits:
        return packet
    merged = blob.encode(_apply(blob.data, edits))
    if len(merged) > XMP_BYTES:
        raise XmpUnwritable(f"the XMP packet in the file has no room left below {XMP_BYTES} bytes")
    return merged if read_properties(merged) else None


def without_data_mining(packet: bytes, values: Collection[str]) -> bytes:
    """``packet`` without each ``plus:DataMining`` whose value is in ``values``.

    Empty where no property is left. A packet that cannot be parsed is returned as it is.
    """
    try:
        blob = parse(packet)
    except (XmpMalformed, LimitExceeded):
        return packet
    ours = [occurrence for occurrence in _occurrences(blob) if occurrence.value in values]
    rest = blob.encode(_apply(blob.data, _removals(blob, ours)))
    return rest if read_properties(rest) else b""


# -- reading --------------------------------------------------------------------------------


def _properties(blob: Blob) -> list[Property]:
    found: list[Property] = []
    for element in blob.elements():
        found.extend(
            Property(attribute.namespace, attribute.local, attribute.value.strip())
            for attribute in element.attributes
            if _is_property(attribute.namespace)
        )
        if _is_property(element.namespace):
            values = list(_values(element)) or [""]
            found.extend(Property(element.namespace, element.local, value) for value in values)
    return found


def _is_property(namespace: str) -> bool:
    return namespace not in (RDF_NS, XML_NS, META_NS)


def _values(element: Element) -> Iterator[str]:
    """The values of a property element: its text, its ``rdf:resource``, the items of its array."""
    for name in ("resource", "value"):
        value = element.attribute(RDF_NS, name)
        if value is not None:
            yield value.strip()
    text = "".join(element.text).strip()
    if text:
        yield text
    for child in element.children:
        if child.namespace == RDF_NS:
            yield from _values(child)


# -- writing --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Edit:
    """Replace the UTF-8 bytes from ``start`` up to ``end``."""

    start: int
    end: int
    replacement: bytes = b""


@dataclass(frozen=True)
class _Occurrence:
    """One ``plus:DataMining``: an attribute of ``owner``, or a child element of it."""

    owner: Element
    #: None where the value is spread over an array or structure: such a one is never ours.
    value: str | None
    #: The bytes that go when it is removed: the attribute with the space before it, or the element.
    span: tuple[int, int]
    #: The bytes that hold the value, and whether quotes belong to them.
    value_span: tuple[int, int]
    quoted: bool


def _fresh(value: str) -> bytes:
    return (_HEAD + _description("rdf", "", value) + _TAIL).encode("utf-8")


def _description(prefix: str, about: str, value: str) -> str:
    declared = prefix or "rdf"
    own = "" if prefix else f' xmlns:rdf="{RDF_NS}"'
    return (
        f"<{declared}:Description{own} {declared}:about={_quoted(about)}"
        f' xmlns:plus="{PLUS_NS}" plus:{DATA_MINING}={_quoted(value)}/>'
    )


def _quoted(value: str) -> str:
    """An attribute value; white space that a parser would make a blank is kept by reference."""
    return f'"{escape(value).translate(_KEPT_BLANKS)}"'


def _merge_edits(blob: Blob, value: str | None, lifted: str | None) -> list[_Edit]:
    occurrences = list(_occurrences(blob))
    ours = [o for o in occurrences if lifted is not None and o.value == lifted != value]
    if value is None or len(ours) < len(occurrences):  # what else stands there is never overridden
        return _removals(blob, ours)
    if not ours:
        return [_insertion(blob, value)]
    first, *others = ours
    written = _quoted(value) if first.quoted else _quoted(value)[1:-1]
    return [_Edit(*first.value_span, written.encode("utf-8")), *_removals(blob, others)]


def _occurrences(blob: Blob) -> Iterator[_Occurrence]:
    """Every ``plus:DataMining`` that speaks about the file itself, not about an ingredient inside."""
    described = (child for element in blob.elements() if _is_rdf(element) for child in element.children)
    for owner in described:
        for attribute in owner.attributes:
            if (attribute.namespace, attribute.local) == (PLUS_NS, DATA_MINING):
                span, quoted = _attribute_spans(blob, owner, attribute)
                yield _Occurrence(owner, attribute.value.strip(), span, quoted, quoted=True)
        for child in owner.children:
            if (child.namespace, child.local) == (PLUS_NS, DATA_MINING):
                yield _element_occurrence(blob, owner, child)


def _is_rdf(element: Element) -> bool:
    return (element.namespace, element.local) == (RDF_NS, "RDF")


def _attribute_spans(
    blob: Blob, owner: Element, sought: Attribute
) -> tuple[tuple[int, int], tuple[int, int]]:
    for match in ATTRIBUTE.finditer(blob.data, owner.start, owner.start_end):
        if match["name"] == sought.qualified:
            return match.span(), match.span("quoted")
    raise XmpUnwritable("an attribute of the XMP packet cannot be located")


def _element_occurrence(blob: Blob, owner: Element, element: Element) -> _Occurrence:
    span = (element.start, element.end)
    values = list(_values(element))
    nested = element.children or any(_is_property(attribute.namespace) for attribute in element.attributes)
    if nested or len(values) != 1:
        return _Occurrence(owner, None, span, span, quoted=False)
    for attribute in element.attributes:
        if (attribute.namespace, attribute.local) == (RDF_NS, "resource"):
            return _Occurrence(
                owner, values[0], span, _attribute_spans(blob, element, attribute)[1], quoted=True
            )
    return _Occurrence(owner, values[0], span, (element.start_end, element.end_tag), quoted=False)


def _removals(blob: Blob, occurrences: list[_Occurrence]) -> list[_Edit]:
    """Take ``occurrences`` out, and each ``rdf:Description`` that held nothing else."""
    by_owner: dict[Element, list[tuple[int, int]]] = {}
    for occurrence in occurrences:
        by_owner.setdefault(occurrence.owner, []).append(occurrence.span)
    edits: list[_Edit] = []
    for owner, spans in by_owner.items():
        if _held_only(blob, owner, spans):
            edits.append(_Edit(owner.start, owner.end))
        else:
            edits.extend(_Edit(*span) for span in spans)
    return edits


def _held_only(blob: Blob, owner: Element, spans: list[tuple[int, int]]) -> bool:
    """Whether ``owner`` is an ``rdf:Description`` with no property, text or comment outside ``spans``."""
    if (owner.namespace, owner.local) != (RDF_NS, "Description"):
        return False
    attributes = sum(_is_property(attribute.namespace) for attribute in owner.attributes)
    inner = [_Edit(*span) for span in spans if span[0] >= owner.start_end]
    outside = _apply(blob.data, inner, owner.start_end, owner.end_tag)
    return attributes == len(spans) - len(inner) and not outside.strip()


def _insertion(blob: Blob, value: str) -> _Edit:
    """A description of its own as the last child of the first ``rdf:RDF``."""
    for rdf in blob.elements():
        if _is_rdf(rdf):
            break
    else:
        raise XmpUnwritable("the XMP packet in the file has no rdf:RDF element")
    # All descriptions of a packet name the same resource (XMP part 1, section 7.4).
    about = next((a for child in rdf.children if (a := child.attribute(RDF_NS, "about")) is not None), "")
    description = _description(rdf.prefix, about, value).encode("utf-8")
    if rdf.end_tag != rdf.end:
        return _Edit(rdf.end_tag, rdf.end_tag, description)
    name = f"{rdf.prefix}:RDF" if rdf.prefix else "RDF"
    return _Edit(rdf.end - len(b"/>"), rdf.end, b">" + description + f"</{name}>".encode())


def _apply(data: bytes, edits: list[_Edit], start: int = 0, end: int | None = None) -> bytes:
    """``data`` from ``start`` up to ``end`` with ``edits``, which do not overlap, applied."""
    pieces = []
    for edit in sorted(edits, key=lambda edit: edit.start):
        pieces += [data[start : edit.start], edit.replacement]
        start = edit.end
    return b"".join([*pieces, data[start:end]])
