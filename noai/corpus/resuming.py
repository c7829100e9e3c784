"""Going on with an output that was interrupted: what of it still stands is kept, and not judged again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, Protocol

from noai.corpus.batches import Finished, is_named_like_an_archive
from noai.corpus.judging import judge
from noai.corpus.known import Freshness, Known
from noai.corpus.state import State
from noai.corpus.tallying import Tally
from noai.corpus.walking import Candidate
from noai.errors import UsageError
from noai.text import escape_path
from noai.verifying import Verifier

#: Of a path, in memory for each record: 16 bytes leave no room for two paths with one key.
_KEY_BYTES: Final = 16


class Store(Protocol):
    """An output that can be gone on with."""

    def known(self) -> Iterator[Known]:
        """Its records, in their order, without a half-written end."""

    def keep(self, kept: bytes) -> None:
        """Let go of every record but those whose byte in ``kept`` is not zero."""


@dataclass
class ByKey:
    """Records in any order: everything is done that has a record which still stands."""

    tally: Tally
    done: set[bytes] = field(default_factory=set)
    archives: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, store: Store, state: State, tally: Tally) -> ByKey:
        """Hold every record against the file as it is, and let go of those that do not stand."""
        this, fresh = cls(tally), Freshness()
        archives = state.archives()
        found = dict.fromkeys(archives, 0)
        for known in store.known() if archives else ():
            if known.path in found:
                found[known.path] += 1
        this.archives = {
            path
            for path, (finished, records) in archives.items()
            if found[path] == records and fresh.holds_archive(finished)
        }
        kept = bytearray()
        for known in store.known():
            # What stands in an archive that was not read to its end is judged again with the rest of it.
            in_archive = known.member is not None or known.path in archives
            stands = known.path in this.archives if in_archive else fresh.holds(known)
            kept.append(stands)
            if stands:
                known.add_to(tally)
                if not in_archive:
                    this.done.add(_key(known.path))
        store.keep(bytes(kept))
        return this

    def take(self, candidates: Iterator[Candidate]) -> Iterator[Candidate]:
        return (each for each in candidates if not self._is_done(each.path))

    def takes_remote(self, url: str) -> bool:
        return _key(escape_path(url)) not in self.done

    def _is_done(self, path: str) -> bool:
        path = escape_path(path)
        return _key(path) in self.done or path in self.archives


class InOrder:
    """Records in the order of the paths: the longest beginning that still stands is kept."""

    def __init__(self, store: Store, state: State, tally: Tally, verifier: Verifier) -> None:
        self._store = store
        self._known = store.known()
        self._archives = state.archives()
        self._tally = tally
        self._verifier = verifier
        self._fresh = Freshness()
        #: Records that matched, and that were looked at.
        self._kept = self._seen = 0
        self._settled = False
        self._next: Known | None = None
        self._pull()

    def take(self, candidates: Iterator[Candidate]) -> Iterator[Candidate]:
        for each in candidates:
            if self._settled:
                yield each
            elif not self._matches(each):
                self.settle()
                yield each
        self.settle()

    def takes_remote(self, url: str) -> bool:
        raise UsageError("--resume with --ordered goes on with files only, not with URLs")

    def settle(self) -> None:
        """Let go of all records behind those that matched."""
        if not self._settled:
            self._settled = True
            rest = self._seen - self._kept + sum(1 for _ in self._known)
            self._store.keep(b"\1" * self._kept + bytes(rest))

    def _matches(self, each: Candidate) -> bool:
        path = escape_path(each.path)
        finished = self._archives.get(path) if is_named_like_an_archive(path) else None
        if finished is not None:
            return self._matches_archive(path, *finished)
        known = self._next
        if known is not None and known.path == path and known.member is None and self._fresh.holds(known):
            known.add_to(self._tally)
            self._kept += 1
            self._pull()
            return True
        if each.explicit or each.expects_audio or each.error is not None or is_named_like_an_archive(path):
            return False
        # What is passed over leaves no record to compare.
        judged = judge(each, self._verifier)
        self._tally.skipped += judged.skipped
        return judged.skipped

    def _matches_archive(self, path: str, finished: Finished, records: int) -> bool:
        if not self._fresh.holds_archive(finished):
            return False
        found = Tally()
        while found.records < records and self._next is not None and self._next.path == path:
            self._next.add_to(found)
            self._pull()
        if found.records < records:
            return False
        self._tally.merge(found)
        self._kept += records
        return True

    def _pull(self) -> None:
        self._next = next(self._known, None)
        self._seen += self._next is not None


def _key(path: str) -> bytes:
    return blake2b(path.encode("utf-8", "surrogatepass"), digest_size=_KEY_BYTES).digest()
