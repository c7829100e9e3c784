"""Objects elsewhere: ``s3://``, ``gs://`` and ``https://``, read by ranges, many at a time.

* :func:`scan_remote`: verdicts on any number of them;
* :func:`expand`: what a URL means: an object, or everything below a prefix of a bucket;
* :func:`open_remote`: one object as a :class:`noai.sources.ByteSource`, for a verifier of one's own.

Nothing is asked for but what the caller names. One event loop does all reading; the parsers run in threads
that wait for it (docs: howto/remote). What cannot be read is ``undecided``, with the code of its cause.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from queue import SimpleQueue
from typing import Final

from noai.codes import Code
from noai.containers.interface import XmpPacket
from noai.corpus.judging import NOT_AUDIO, Judged, crashed, judge, where
from noai.corpus.patterns import EVERYTHING, Selection
from noai.corpus.remote_listing import RemoteObject, objects
from noai.corpus.remote_loop import Elsewhere
from noai.corpus.remote_source import RemoteSource
from noai.corpus.remote_store import Patience, RemoteStats
from noai.corpus.remote_urls import is_remote, shown, sidecars_of
from noai.corpus.walking import ARCHIVE_SUFFIXES, Passed
from noai.errors import SourceError, SourceMissing, UsageError
from noai.report import Note
from noai.sidecars import MANIFEST_SIDECAR, NO_SIDECARS, SIDECAR_BYTES, Sidecars
from noai.verifying import Verifier

__all__ = [
    "Patience",
    "RemoteObject",
    "RemoteSource",
    "RemoteStats",
    "expand",
    "is_remote",
    "open_remote",
    "scan_remote",
]

#: Objects that are read at a time. More than a hundred brought nothing with the servers that were measured.
CONCURRENCY: Final = 64
#: In order, so many objects may be begun for each that is read at a time: what is slow holds up no more.
_AHEAD: Final = 4


def scan_remote(
    urls: Iterable[str],
    verifier: Verifier,
    *,
    concurrency: int = CONCURRENCY,
    ordered: bool = False,
    sidecars: bool = False,
    selection: Selection = EVERYTHING,
    unsafe_http: bool = False,
    patience: Patience | None = None,
    stats: RemoteStats | None = None,
    passed: Passed | None = None,
    wanted: Callable[[str], bool] | None = None,
) -> Generator[Judged, None, None]:
    """The verdicts on what ``urls`` name, as they are there, or in the order of ``urls`` if ``ordered``.

    ``urls`` are asked for one by one as the work goes on, and memory does not grow with them. A bucket, or
    a prefix that ends with a slash, stands for everything below it that ``selection`` takes; its listing
    tells which sidecars there are, and they are read. Beside an object that is named itself they are looked
    for only with ``sidecars``, since that takes up to eight requests for each, most of them for nothing.

    An object that cannot be read, is missing or changes meanwhile is ``undecided``, never an error.
    Those are left out of which ``wanted`` says no, asked with what their records call them.
    ``stats`` is counted up. Close the iterator, or let go of it, to stop.

    Raises:
        UsageError: for fewer objects at a time than one; where ``noai[remote]`` is not installed.
        TrustError, KeyFileError: if the verifier's trust list cannot be read.
    """
    if concurrency < 1:
        raise UsageError("remote objects are read at least one at a time")
    verifier = replace(verifier, trust=verifier.trust_list)

    def run() -> Generator[Judged, None, None]:
        with Elsewhere(
            concurrency=concurrency, unsafe_http=unsafe_http, patience=patience, stats=stats
        ) as elsewhere:
            found = (
                each
                for url in urls
                for each in objects(url, elsewhere, selection=selection, passed=passed)
                if wanted is None or wanted(each.candidate.path)
            )
            with _Judges(verifier, elsewhere, sidecars) as judges, closing(found):
                yield from _in_order(found, judges) if ordered else _as_they_come(found, judges)

    return run()


def expand(
    url: str,
    *,
    selection: Selection = EVERYTHING,
    unsafe_http: bool = False,
    patience: Patience | None = None,
    stats: RemoteStats | None = None,
    passed: Passed | None = None,
) -> Generator[RemoteObject, None, None]:
    """The object that ``url`` names, or everything below a bucket or a prefix that ends with a slash.

    Page by page, in the order of the listing. What cannot be listed is an object with an ``error``.

    Raises:
        UsageError: where ``noai[remote]`` is not installed.
    """
    with Elsewhere(unsafe_http=unsafe_http, patience=patience, stats=stats) as elsewhere:
        yield from objects(url, elsewhere, selection=selection, passed=passed)


@contextmanager
def open_remote(
    url: str,
    *,
    unsafe_http: bool = False,
    patience: Patience | None = None,
    stats: RemoteStats | None = None,
) -> Iterator[RemoteSource]:
    """One object, to be read at any offset as long as the context lasts.

    Raises:
        SourceError: by cause, if its first bytes cannot be had.
        UsageError: where ``noai[remote]`` is not installed.
    """
    with Elsewhere(unsafe_http=unsafe_http, patience=patience, stats=stats) as elsewhere:
        yield elsewhere.call(lambda: elsewhere.open(url))


class _Judges:
    """Threads in which objects are judged, at most so many at a time as the loop reads."""

    def __init__(self, verifier: Verifier, elsewhere: Elsewhere, sidecars: bool) -> None:
        self._verifier = verifier
        self._elsewhere = elsewhere
        self._sidecars = sidecars
        self._threads = ThreadPoolExecutor(elsewhere.concurrency, thread_name_prefix="noai-remote")

    def __enter__(self) -> _Judges:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Closed first: a thread that waits for bytes would go on waiting.
        self._elsewhere.close()
        self._threads.shutdown(wait=kind is None, cancel_futures=True)

    @property
    def at_a_time(self) -> int:
        return self._elsewhere.concurrency

    def begin(self, item: RemoteObject) -> Future[Judged]:
        return self._threads.submit(self._judged, item)

    def _judged(self, item: RemoteObject) -> Judged:
        if item.candidate.error is not None:
            return judge(item.candidate, self._verifier)
        if item.url.partition("?")[0].lower().endswith(ARCHIVE_SUFFIXES):
            # What is in it was not read, so it is never passed over, nor taken for audio.
            error = SourceError(f"{shown(item.url)}: archives are looked into only where they are local")
            return judge(item.candidate._replace(error=error), self._verifier)
        try:
            source = self._elsewhere.call(lambda: self._elsewhere.open(item.url))
            return self._verdict(item, source, self._beside(item))
        except SourceError as error:
            return judge(item.candidate._replace(error=error), self._verifier)
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001  one object's bug must neither stop nor admit the others
            return crashed(item.candidate, self._verifier, where(error))

    def _verdict(self, item: RemoteObject, source: RemoteSource, sidecars: Sidecars) -> Judged:
        candidate = item.candidate
        report = self._verifier.examine(
            source, path=candidate.path, mtime_ns=source.mtime_ns, sidecars=sidecars
        )
        is_expected = candidate.explicit or candidate.expects_audio
        skipped = not is_expected and report.error is not None and report.error.code in NOT_AUDIO
        return Judged(self._verifier.policy.decide(report), skipped)

    def _beside(self, item: RemoteObject) -> Sidecars:
        """What stands beside an object: what its listing has, or what is there when it is asked for."""
        if item.sidecars is None and not self._sidecars:
            return NO_SIDECARS
        manifests, packets, notes = [], [], []
        for url, suffix in sidecars_of(item.url):
            if item.sidecars is not None and url not in item.sidecars:
                continue
            limit = SIDECAR_BYTES[suffix]
            name = shown(url).partition("?")[0].rpartition("/")[2]
            try:
                part = self._elsewhere.call(partial(self._elsewhere.get, url, limit))
            except SourceMissing:
                continue
            except SourceError as error:
                notes.append(Note(Code.SIDECAR_UNREADABLE, str(error)))
                continue
            if part.version.total > limit:
                notes.append(Note(Code.SIDECAR_UNREADABLE, f"{name}: larger than {limit} bytes"))
            elif suffix == MANIFEST_SIDECAR:
                manifests.append(part.data)
            else:
                packets.append(XmpPacket(f"sidecar {name}", part.data))
        if not (manifests or packets or notes):
            return NO_SIDECARS
        return Sidecars(tuple(manifests), tuple(packets), tuple(notes))


def _in_order(found: Iterator[RemoteObject], judges: _Judges) -> Iterator[Judged]:
    waiting: deque[Future[Judged]] = deque()
    for item in found:
        waiting.append(judges.begin(item))
        while waiting and (waiting[0].done() or len(waiting) >= _AHEAD * judges.at_a_time):
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _as_they_come(found: Iterator[RemoteObject], judges: _Judges) -> Iterator[Judged]:
    done: SimpleQueue[Future[Judged]] = SimpleQueue()
    begun = 0
    for item in found:
        judges.begin(item).add_done_callback(done.put)
        begun += 1
        while begun and (not done.empty() or begun >= judges.at_a_time):
            begun -= 1
            yield done.get().result()
    while begun:
        begun -= 1
        yield done.get().result()
