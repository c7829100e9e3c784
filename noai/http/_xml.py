"""A small XML document as a tree of local names, within limits, without DTD and so without entities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from noai.errors import LimitExceeded, NoaiError
from noai.http.interface import Body
from noai.limits import RSL_DEPTH, RSL_ELEMENTS


class XmlMalformed(NoaiError):
    """A document is not well-formed XML, or declares a DTD."""

    code = "xml_malformed"


@dataclass(eq=False)
class Element:
    """One element. Names are in lower case and without prefixes: a wrong namespace hides nothing."""

    name: str
    attributes: dict[str, str]
    texts: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it, that of elements inside too."""
        return " ".join(text for element in self.walk() for text in element.texts).strip()

    def walk(self) -> Iterator[Element]:
        """This element and everything below it, in document order."""
        pending = [self]
        while pending:
            element = pending.pop()
            yield element
            pending.extend(reversed(element.children))


def parse(body: Body) -> Element:
    """The root of a document.

    Raises:
        XmlMalformed: not well-formed, or with a DOCTYPE.
        LimitExceeded: deeper, or of more elements, than :mod:`noai.limits` allows.
    """
    builder = _Builder(body.encoding)
    try:
        builder.parser.Parse(body.data, True)
    except expat.ExpatError as error:
        raise XmlMalformed(f"not well-formed XML: {error}") from None
    except (LookupError, ValueError):
        # Of an encoding that Python does not know, or not for this.
        raise XmlMalformed("not well-formed XML: unknown encoding") from None
    return builder.root


class _Builder:
    def __init__(self, encoding: str | None) -> None:
        self.root: Element = _NOTHING
        self._open: list[Element] = []
        self._count = 0
        self.parser = expat.ParserCreate(encoding)
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > RSL_ELEMENTS or len(self._open) >= RSL_DEPTH:
            raise LimitExceeded(f"XML of more than {RSL_ELEMENTS} elements, or deeper than {RSL_DEPTH}")
        element = Element(_local(name), {_local(key): value for key, value in attributes.items()})
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].texts.append(text)

    def _doctype(self, *_declaration: object) -> None:
        raise XmlMalformed("XML with a DTD")


_NOTHING: Final = Element("", {})


def _local(name: str) -> str:
    return name.rpartition(":")[2].casefold()
