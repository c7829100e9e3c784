"""From what a crawler has fetched to findings, and from those to one verdict with the file's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from noai.claim import Use
from noai.codes import Code
from noai.errors import UsageError
from noai.http import content_signal, content_usage, rsl, tdmrep, x_robots_tag
from noai.http._matching import is_absolute
from noai.http.interface import (
    Body,
    Document,
    Exchange,
    Field,
    Headers,
    HeaderValue,
    HttpReader,
    Text,
    Unread,
)
from noai.limits import (
    HTTP_FIELD_CHARS,
    HTTP_FIELDS,
    REMOTE_URL_CHARS,
    ROBOTS_BYTES,
    ROBOTS_RULES,
    RSL_BYTES,
    TDMREP_BYTES,
)
from noai.report import Depth, Finding, Note, Report, SignalSource
from noai.signals._reading import bounded
from noai.sources import Source, as_path
from noai.verdict import Verdict
from noai.verifying import Verifier

#: In the order in which findings are listed; it decides nothing.
READERS: Final[tuple[HttpReader, ...]] = (
    content_usage.read,
    content_signal.read,
    x_robots_tag.read,
    tdmrep.read,
    rsl.read,
)

#: Each document with the most of it that is read.
_DOCUMENTS: Final = {"robots.txt": ROBOTS_BYTES, "tdmrep.json": TDMREP_BYTES, "RSL": RSL_BYTES}


@dataclass(frozen=True)
class HttpSignals:
    """What a site says about one address, to one agent."""

    findings: tuple[Finding, ...] = ()
    #: What could not be had or was not read to its end; it forbids ``allowed`` and ``unreserved``.
    notes: tuple[Note, ...] = ()

    @property
    def denies(self) -> frozenset[Use]:
        """The uses that the site denies: reason enough not to download anything for them."""
        return frozenset[Use]().union(*(finding.denies for finding in self.findings))

    def merged(self, report: Report) -> Report:
        """``report`` with these signals behind the file's own."""
        return replace(
            report, findings=(*report.findings, *self.findings), notes=(*report.notes, *self.notes)
        )

    def verdict(self, source: Source, verifier: Verifier | None = None) -> Verdict:
        """One verdict on a file and on what the site says of it.

        At decision depth a file that the site reserves is not read at all; the decision is the same.

        Raises:
            UsageError: for something that is no source at all.
            TrustError, KeyFileError: if the configuration folder's trust list is damaged.
        """
        verifier = verifier or Verifier()
        path = as_path(source)
        is_settled = not self.denies.isdisjoint(verifier.policy.uses)
        if is_settled and verifier.depth is Depth.DECISION and not verifier.digest:
            report = Report(None if path is None else str(path), None, None, None, Depth.DECISION)
        else:
            report = verifier.report(source)
        return verifier.policy.decide(self.merged(report))


def signals(
    url: str,
    headers: Headers = (),
    *,
    robots_txt: Document = None,
    tdmrep: Document = None,
    rsl: Document = None,
    user_agent: str = "*",
) -> HttpSignals:
    """What a site says about the use of what stands at ``url``, from what was fetched already.

    Args:
        url: The absolute address that answered, after redirections.
        headers: The response's: any mapping or list of pairs, as client libraries have them. Names in any
            case; one name may come several times, or have a list of values. Of a chain of redirections, hand
            in the headers of every answer.
        robots_txt: ``/robots.txt`` of the same site. This and the next two: the body as bytes or text; None
            where there is none (404); :data:`UNREADABLE` where it could not be had.
        tdmrep: ``/.well-known/tdmrep.json`` of the same site.
        rsl: The RSL document that robots.txt or a ``Link`` header names.
        user_agent: The crawler's name in robots.txt, or its whole ``User-Agent``; ``*`` for nobody in
            particular.

    Does not raise on any content.

    Raises:
        UsageError: for an address that is not absolute, an empty agent, or headers of the wrong kind.
        ExtraMissing: where agents or paths have to be matched and ``noai[http]`` is not installed.
    """
    if not isinstance(url, str) or len(url) > REMOTE_URL_CHARS or not is_absolute(url.strip()):
        raise UsageError("an absolute address is needed, with a host, of at most 8 KiB")
    if not user_agent.strip():
        raise UsageError("a crawler without a name has no place in robots.txt; '*' is nobody in particular")
    notes: list[Note] = []
    fields = tuple(_fields(headers, notes))
    exchange = Exchange(
        url.strip().encode("utf-8", "replace").decode("utf-8"),
        user_agent,
        fields,
        _body("robots.txt", robots_txt, notes),
        _body("tdmrep.json", tdmrep, notes),
        _body("RSL", rsl, notes),
        rsl_unreadable=isinstance(rsl, Unread),
    )
    if exchange.robots.is_cut:
        notes.append(Note(Code.LIMIT_EXCEEDED, f"robots.txt has more than {ROBOTS_RULES} rules about use"))
    found = [
        finding
        for read in READERS
        for finding in bounded(SignalSource.HTTP, read(exchange), "what else the site says")
    ]
    return HttpSignals(tuple(found), tuple(notes))


def _fields(headers: Headers, notes: list[Note]) -> Iterator[Field]:
    pairs = iter(_pairs(headers))
    for name, value in islice(pairs, HTTP_FIELDS):
        if len(value) > HTTP_FIELD_CHARS:
            message = f"a response header of more than {HTTP_FIELD_CHARS} characters"
            notes.append(Note(Code.LIMIT_EXCEEDED, message))
        yield Field(_text(name).strip().casefold(), _text(value[:HTTP_FIELD_CHARS]).strip())
    if next(pairs, None) is not None:
        notes.append(Note(Code.LIMIT_EXCEEDED, f"more than {HTTP_FIELDS} response headers"))


def _pairs(headers: Headers) -> Iterator[tuple[Text, Text]]:
    items = headers.items() if hasattr(headers, "items") else headers
    try:
        for name, values in items:
            for value in _each(values):
                if not isinstance(name, (str, bytes)) or not isinstance(value, (str, bytes)):
                    raise UsageError("names and values of headers are text or bytes")
                yield name, value
    except (TypeError, ValueError):
        raise UsageError("headers are a mapping, or pairs of name and value") from None


def _each(values: HeaderValue) -> Iterable[Text]:
    return (values,) if isinstance(values, (str, bytes)) else values


def _text(value: Text) -> str:
    """As RFC 9110, section 5.5, has it for octets outside ASCII."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _body(name: str, document: Document, notes: list[Note]) -> Body | None:
    if document is None:
        return None
    if isinstance(document, Unread):
        notes.append(Note(Code.SOURCE_UNREADABLE, f"{name} could not be had"))
        return None
    if isinstance(document, str):
        body = Body(document.encode("utf-8", "replace"), "utf-8")
    elif isinstance(document, (bytes, bytearray, memoryview)):
        body = Body(bytes(document))
    else:
        raise UsageError(f"{name} is text, bytes, None or UNREADABLE")
    limit = _DOCUMENTS[name]
    if len(body.data) > limit:
        notes.append(Note(Code.LIMIT_EXCEEDED, f"{name} is longer than {limit} bytes"))
        body = Body(body.data[:limit], body.encoding)
    return body
