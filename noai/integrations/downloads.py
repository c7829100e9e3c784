"""For programs that download by a list of addresses: the site and the file judged as one (``noai[http]``).

Nothing is fetched here. A downloader hands in what it has: :meth:`DownloadGate.refuses` before it reads the
body, :meth:`DownloadGate.verdict` before it keeps it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.message import Message
from typing import IO, Any, Final
from urllib.request import HTTPRedirectHandler, Request

from noai.codes import Code
from noai.errors import UsageError
from noai.http.interface import UNREADABLE, Document, Headers
from noai.http.reading import HttpSignals, signals
from noai.integrations.gate import Gate
from noai.report import Depth, Note, Report
from noai.sources import Source
from noai.verdict import Verdict

#: The server says that there is nothing; another answer than this and the document says nothing either way.
_NONE: Final = frozenset({404, 410})
_DIGITS: Final = re.compile(r"[0-9]{1,18}")
_TOTAL: Final = re.compile(r"bytes\s+[0-9-]+/([0-9]{1,18})")


def document(status: int | None, body: bytes = b"") -> Document:
    """What robots.txt, ``tdmrep.json`` or a licence is to noai, by the last status of asking for it.

    ``None`` as status stands for no answer at all. What the server refuses or fails to give may exist.
    """
    if status == 200:
        return body
    return None if status in _NONE else UNREADABLE


class Redirections(HTTPRedirectHandler):
    """For an opener of :mod:`urllib.request` and one request: keeps what answers before the last one said."""

    def __init__(self) -> None:
        #: Each address that led to another one, and the headers with which it did.
        self.passed: list[tuple[str, Message]] = []

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        self.passed.append((req.full_url, headers))
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@dataclass(frozen=True)
class DownloadGate:
    """A :class:`Gate` for what comes from the web; it can be pickled, and used by many threads.

    ``user_agent`` is the name that the downloader goes by, or its whole ``User-Agent``; ``*`` is nobody in
    particular, whom only what is said to everybody concerns.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    gate: Gate = field(default_factory=Gate.of)
    user_agent: str = "*"

    def said(
        self,
        url: str,
        headers: Headers,
        *,
        robots_txt: Document = None,
        tdmrep: Document = None,
        rsl: Document = None,
    ) -> HttpSignals:
        """What a site says, as :func:`noai.http.signals`; what cannot be read as an exchange is a note.

        Of a redirection, each address is one of its own, with its own site's documents.

        Raises:
            ExtraMissing: where agents or paths have to be matched and ``noai[http]`` is not installed.
        """
        try:
            return signals(
                url, headers, robots_txt=robots_txt, tdmrep=tdmrep, rsl=rsl, user_agent=self.user_agent
            )
        except UsageError as error:
            return HttpSignals(notes=(Note(Code.SOURCE_UNREADABLE, str(error)),))

    def refuses(self, *said: HttpSignals) -> bool:
        """Whether one of these sites denies what is asked for: nothing has to be downloaded then."""
        uses = self.gate.verifier.policy.uses
        return not all(each.denies.isdisjoint(uses) for each in said)

    def verdict(
        self,
        url: str,
        headers: Headers,
        source: Source | None = None,
        *,
        robots_txt: Document = None,
        tdmrep: Document = None,
        rsl: Document = None,
        redirected: Iterable[HttpSignals] = (),
    ) -> Verdict:
        """One verdict on a file and on what the site says of it; a denial in either rejects it.

        Args:
            url: The address that answered, after redirections.
            headers: That response's alone: some speak of its body.
            source: The body: bytes, the path to it, or a seekable binary file; None if it was not read. It is
                ``undecided`` if it has another length than the headers say, since marks stand at ends.
            robots_txt: This and the other two: what :func:`document` makes of an answer.
            tdmrep: ``/.well-known/tdmrep.json``.
            rsl: The RSL document that robots.txt or a ``Link`` header names.
            redirected: What :meth:`said` makes of each address that led to this one.

        Raises:
            UsageError: for a source that is none.
            ExtraMissing: as :meth:`said`.
        """
        if isinstance(headers, Iterator):  # read twice: for what they say, and for the length
            headers = tuple(headers)
        said = (*redirected, self.said(url, headers, robots_txt=robots_txt, tdmrep=tdmrep, rsl=rsl))
        report = self._report(url, source, is_settled=self.refuses(*said))
        whole = _length(headers)
        if None not in (whole, report.size) and report.size != whole:
            note = Note(Code.SOURCE_CHANGED, f"{report.size} bytes are not what the headers announce")
            report = replace(report, notes=(*report.notes, note))
        for each in said:
            report = each.merged(report)
        return self.gate.verifier.policy.decide(report)

    def _report(self, url: str, source: Source | None, *, is_settled: bool) -> Report:
        verifier, name = self.gate.verifier, url if isinstance(url, str) else None
        if source is None and not is_settled:
            return self.gate.undecided("the file was not read", Code.SOURCE_MISSING, name=name).report
        if source is None or (is_settled and verifier.depth is Depth.DECISION and not verifier.digest):
            return Report(name, None, None, None, verifier.depth)
        return self.gate.verdict(source, name=name).report


def _length(headers: Headers) -> int | None:
    """The length of the whole file by its headers, -1 if none can be right; None where they tell none."""
    found: dict[str, list[str]] = {}
    with suppress(AttributeError, TypeError, ValueError):  # of no kind that headers have, which is a note
        for name, values in headers.items() if hasattr(headers, "items") else headers:
            for value in (values,) if isinstance(values, (str, bytes)) else values:
                found.setdefault(_text(name).strip().lower(), []).append(_text(value).lower())
    encodings, lengths = found.get("content-encoding", []), found.get("content-length", [])
    if "location" in found:  # a redirection's headers are among them, which speak of another body
        encodings, lengths = [], lengths[-1:]
    if not {"", "identity"}.issuperset(_parts(encodings)):
        return None
    # Of a download that went on after a break, the last answer has the length of the rest.
    totals = {_TOTAL.fullmatch(value.strip()) for value in found.get("content-range", ())}
    whole = {each and each[1] for each in totals} or {
        value if _DIGITS.fullmatch(value) else None for value in _parts(lengths)
    }
    told = {-1 if value is None else int(value) for value in whole}
    return None if not told else told.pop() if len(told) == 1 else -1


def _parts(values: Iterable[str]) -> Iterator[str]:
    """A header that is a list, which one line may have and several lines may be."""
    return (part.strip() for value in values for part in value.split(","))


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
