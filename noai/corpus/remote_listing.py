"""Everything below a prefix of a bucket, page by page, and which names are sidecars of which."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from os.path import splitext
from typing import Final, NamedTuple

from noai.corpus.patterns import EVERYTHING, Selection
from noai.corpus.remote_loop import Elsewhere
from noai.corpus.remote_urls import is_prefix, recorded, shown, sidecars_of
from noai.corpus.walking import SIDECAR_SUFFIXES, Candidate, Passed
from noai.errors import LimitExceeded, SourceError, SourceMissing
from noai.limits import REMOTE_HELD_NAMES

_SIDECARS: Final = (*SIDECAR_SUFFIXES, *(suffix.upper() for suffix in SIDECAR_SUFFIXES))


class RemoteObject(NamedTuple):
    """An object that may be audio. Nothing of it was read."""

    #: Where it is, with all that a request needs.
    url: str
    #: As the records call it: without a user and a password.
    candidate: Candidate
    #: Its sidecars, as the listing has them; None if nobody looked.
    sidecars: tuple[str, ...] | None = None


def objects(
    url: str, elsewhere: Elsewhere, *, selection: Selection = EVERYTHING, passed: Passed | None = None
) -> Iterator[RemoteObject]:
    """The object that ``url`` names, or everything below it where it names a bucket or ends with a slash.

    In the order of the listing, which is that of the keys' bytes. A page that cannot be had ends it: then
    the last one says why, in its ``error``, and so do those of which the sidecars are not known yet.

    Raises:
        UsageError: if the packages that list it are not installed.
    """
    if not is_prefix(url):
        yield RemoteObject(url, Candidate(recorded(url), recorded(url), True))
        return
    passed = passed if passed is not None else Passed()
    takes = _Taking(selection)
    empty = True
    beside = _Beside()
    try:
        for key in _keys(url, elsewhere):
            empty = False
            for found, sidecars in beside.add(key):
                yield from _taken(found, url, sidecars, takes, passed)
        for found, sidecars in beside.rest():
            yield from _taken(found, url, sidecars, takes, passed)
        if empty:
            raise SourceMissing(f"{shown(url)}: there is nothing below it")
    except (SourceError, LimitExceeded) as error:
        cause = error if isinstance(error, SourceError) else SourceError(str(error))
        for found in beside.held():
            if takes(found[len(url) :].lstrip("/")):
                yield RemoteObject(found, Candidate(found, url, False, cause))
        yield RemoteObject(url, Candidate(url, url, False, cause))


def _keys(url: str, elsewhere: Elsewhere) -> Iterator[str]:
    token: str | None = None
    while True:
        page = elsewhere.call(partial(elsewhere.page, url, token))
        yield from page.keys
        if page.next is None:
            return
        if page.next == token:
            raise SourceError(f"{shown(url)}: the listing goes in circles")
        token = page.next


def _taken(
    found: str, url: str, sidecars: tuple[str, ...], takes: _Taking, passed: Passed
) -> Iterator[RemoteObject]:
    if takes(found[len(url) :].lstrip("/")):
        yield RemoteObject(found, Candidate(found, url, False), sidecars)
    else:
        passed.left_out += 1


class _Taking:
    """Whether the object at a way below the prefix is meant, and all folders on the way to it are."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._enters = lru_cache(maxsize=1_024)(self._is_entered)

    def __call__(self, way: str) -> bool:
        if not self._selection:
            return True
        return self._enters(way.rpartition("/")[0]) and self._selection.takes(way)

    def _is_entered(self, folder: str) -> bool:
        parts = folder.split("/") if folder else []
        ways = ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        return all(self._selection.enters(way) for way in ways)


class _Beside:
    """Tells which names of a sorted listing are sidecars of which, without holding the listing.

    A track, its sidecars and tracks that share them are one name up to a full stop. In the order of bytes
    such names lie in front of that name with a slash, which is the character behind the full stop.
    """

    def __init__(self) -> None:
        self._last = ""
        self._waiting: deque[str] = deque()
        #: Names of sidecars that may belong to what waits or comes.
        self._sidecars: set[str] = set()

    def add(self, key: str) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Take the next name, and let go of those that are complete.

        Raises:
            SourceError: if the listing is in no order, so that nothing is ever complete.
            LimitExceeded: if too many names wait.
        """
        if key < self._last:
            raise SourceError(f"{shown(key)}: the listing is not in order, so that sidecars cannot be told")
        self._last = key
        ready = []
        while self._waiting and key >= _behind(self._waiting[0]):
            ready.append(self._let_go())
        if not self._waiting:
            self._sidecars = {sidecar for sidecar in self._sidecars if key < _behind(sidecar)}
        self._waiting.append(key)
        if key.endswith(_SIDECARS):
            self._sidecars.add(key)
        if len(self._waiting) + len(self._sidecars) > REMOTE_HELD_NAMES:
            raise LimitExceeded(f"{shown(key)}: more than {REMOTE_HELD_NAMES} names begin like it")
        return ready

    def rest(self) -> Iterable[tuple[str, tuple[str, ...]]]:
        """Those that waited for the end."""
        while self._waiting:
            yield self._let_go()

    def held(self) -> tuple[str, ...]:
        """Names of which the sidecars are not known."""
        return tuple(self._waiting)

    def _let_go(self) -> tuple[str, tuple[str, ...]]:
        track = self._waiting.popleft()
        return track, tuple(name for name, _ in sidecars_of(track) if name in self._sidecars)


def _behind(key: str) -> str:
    """The first name behind all that may be sidecars of ``key``, or have it as theirs."""
    return splitext(key)[0] + "/"
