"""Judging statements of consent once for all files of an ingest: by signer, licensee and status."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, TypeVar

from noai import certificates
from noai.codes import Code
from noai.consent.delegations import Delegation
from noai.consent.endings import Ended, Revocation, StatusList
from noai.consent.grants import UNLISTED_LIFETIME, Grant, lasts_too_long
from noai.consent.held import (
    Consent,
    Declared,
    Held,
    HeldDelegation,
    HeldGrant,
    HeldRevocation,
    Line,
    Void,
    Window,
    names_of,
)
from noai.consent.memory import Seen, StatusMemory
from noai.consent.statements import Kind, Named, has_payload, kind_of
from noai.envelope import Token, decode_leniently
from noai.errors import ConsentError, TokenRefused
from noai.limits import CONSENT_DOUBT_CHARS
from noai.marker import CLOCK_SKEW
from noai.report import Check, SignedBy
from noai.trust import May, SignerJudgement, TrustList


def judge(
    declared: Declared,
    trust: TrustList,
    now: datetime,
    *,
    grants: Iterable[Line] = (),
    revocations: Iterable[Line] = (),
    statuses: Iterable[Line] = (),
    memory: StatusMemory | None = None,
) -> Consent:
    """What of these statements can count for ``declared``; certificates are judged at ``now``.

    ``grants`` are grants and delegations; ``memory`` knows the status lists that were seen before,
    and learns those seen now. A line that is void is kept as such.

    Raises:
        ConsentError: for a line among ``revocations`` or ``statuses`` of which cannot be told what it ends.
    """
    work = _Judge(declared, trust, now, memory or StatusMemory())
    work.take_statuses(statuses)
    work.take_revocations(revocations)
    # The same statement in two files, or twice in one, counts once.
    lines: dict[str, Line] = {}
    for line in grants:
        lines.setdefault(line.text, line)
    held = [work.held(line) for line in lines.values()]
    return Consent(
        declared,
        tuple(item for item in held if isinstance(item, HeldGrant)),
        tuple(item for item in held if isinstance(item, HeldDelegation)),
        tuple(work.marker_revocations),
        (*work.void, *(item for item in held if isinstance(item, Void))),
        {name: frozenset(ended) for name, ended in work.ended.items()},
        work.doubt,
        trust.fingerprint,
    )


_Ending = TypeVar("_Ending", StatusList, Revocation)


@dataclass(frozen=True)
class _Signer:
    """How far the checks of one statement's signature and signer got."""

    token: Token
    judgement: SignerJudgement | None
    signed_by: SignedBy

    @property
    def is_known(self) -> bool:
        return self.judgement is not None and self.judgement.check is Check.PASS

    @property
    def refusals(self) -> tuple[Code, ...]:
        if self.judgement is None:
            return (Code.GRANT_SIGNATURE,)
        return (Code.GRANT_SIGNER,) if self.judgement.check is Check.FAIL else ()

    @property
    def reach(self) -> tuple[tuple[str, ...], ...]:
        """For each trust entry that lets this key grant: prefixes of ISRCs."""
        entries = () if self.judgement is None else self.judgement.that_may(May.GRANT)
        return tuple(e.isrc_prefixes for e in entries if not e.keys or self.signed_by.kid in e.keys)


@dataclass(frozen=True)
class _Edition:
    """The newest status list at hand under one name, and what is against it."""

    status: StatusList
    input_sha256: str
    codes: frozenset[Code]


@dataclass
class _Judge:
    declared: Declared
    trust: TrustList
    now: datetime
    memory: StatusMemory
    void: list[Void] = field(default_factory=list)
    marker_revocations: list[HeldRevocation] = field(default_factory=list)
    #: By list id and name of its signer.
    lists: dict[tuple[str, str], _Edition] = field(default_factory=dict)
    #: By name of who ended it.
    ended: dict[str, set[Named]] = field(default_factory=lambda: defaultdict(set))
    doubt: str = ""

    @property
    def seconds(self) -> float:
        return self.now.timestamp()

    def take_statuses(self, lines: Iterable[Line]) -> None:
        for _, status, signer in self._opened(lines, StatusList.parse):
            for name in names_of(signer.signed_by):
                # What ended once stays so, whichever edition says it.
                self.ended[name] |= status.ended
                self._take_edition(name, status, signer)

    def _take_edition(self, name: str, status: StatusList, signer: _Signer) -> None:
        codes = set(signer.refusals)
        if status.issued_at > self.seconds + CLOCK_SKEW:
            codes.add(Code.GRANT_IN_FUTURE)
        digest = signer.token.input_sha256
        if not codes:
            ended = frozenset(f"{named.id} {named.sha256}" for named in status.ended)
            key = f"{name} {status.id}"
            if not self.memory.saw(key, Seen(status.sequence, digest, ended)):
                codes.add(Code.STATUS_ROLLBACK)
            self.ended[name] |= {Named(*text.split(" ")) for text in self.memory.ended(key)}
        held = self.lists.get((status.id, name))
        if held is None or held.status.sequence < status.sequence:
            self.lists[status.id, name] = _Edition(status, digest, frozenset(codes))
        elif held.status.sequence == status.sequence and held.input_sha256 != digest:
            self.lists[status.id, name] = replace(held, codes=held.codes | {Code.STATUS_ROLLBACK})

    def take_revocations(self, lines: Iterable[Line]) -> None:
        for line, revocation, signer in self._opened(lines, Revocation.parse):
            if revocation.what is not Ended.MARKER:
                for name in names_of(signer.signed_by):
                    self.ended[name].add(revocation.named)
                continue
            ahead = revocation.issued_at > self.seconds + CLOCK_SKEW
            proven = signer.is_known and not ahead
            self.marker_revocations.append(
                HeldRevocation(revocation.named, line.place, signer.signed_by, proven)
            )

    def _opened(
        self, lines: Iterable[Line], parse: Callable[[str], _Ending]
    ) -> Iterator[tuple[Line, _Ending, _Signer]]:
        """What ends things and is signed as it says; what is not is kept as a doubt."""
        for line in lines:
            try:
                said = parse(line.text)
            except TokenRefused as refusal:
                self._refuse(line, void_of(line, refusal))
                continue
            signer = self._signer(said.token)
            if signer.judgement is None:
                self._refuse(line, _void(line, Code.GRANT_SIGNATURE))
            else:
                yield line, said, signer

    def held(self, line: Line) -> HeldGrant | HeldDelegation | Void:
        """A grant or a delegation with what can be said of it without a file."""
        try:
            if kind_of(line.text) is Kind.DELEGATION:
                return self._delegation(line, Delegation.parse(line.text))
            return self._grant(line, Grant.parse(line.text))
        except TokenRefused as refusal:
            return void_of(line, refusal)

    def _grant(self, line: Line, grant: Grant) -> HeldGrant:
        declared = self.declared
        wrong = {
            Code.GRANT_OTHER_LICENSEE: grant.licensee != declared.licensee,
            Code.GRANT_OTHER_MODEL: grant.model is not None and grant.model != declared.model,
            Code.GRANT_OTHER_TERRITORY: grant.territory is not None and grant.territory != declared.territory,
        }
        held = self._held(line, grant, [code for code, is_wrong in wrong.items() if is_wrong])
        return HeldGrant(**vars(held), grant=replace(grant, token=None))

    def _delegation(self, line: Line, delegation: Delegation) -> HeldDelegation:
        held = self._held(line, delegation)
        if not held.reach:
            held = replace(held, refusals=(*held.refusals, Code.GRANT_NOT_TRUSTED))
        return HeldDelegation(**vars(held), delegation=replace(delegation, token=None))

    def _held(self, line: Line, said: Grant | Delegation, wrong: Iterable[Code] = ()) -> Held:
        signer = self._signer(said.token)
        named = Named(said.id, signer.token.input_sha256)
        window, codes = self._standing(said, named, signer.signed_by)
        refusals = (*signer.refusals, *wrong, *codes)
        return Held(named, line.place, signer.signed_by, window, refusals, signer.reach)

    def _standing(
        self, said: Grant | Delegation, named: Named, by: SignedBy
    ) -> tuple[Window, tuple[Code, ...]]:
        """When a statement counts, and what revocations, its length and its status list have against it."""
        ref, names, codes = said.status_list, names_of(by), []
        if any(named in self.ended[name] for name in names) or self._is_doubtful(said, named):
            codes.append(Code.GRANT_REVOKED)
        if lasts_too_long(said.issued_at, said.starts, said.ends, ref):
            codes.append(Code.GRANT_TOO_LONG)
        stale_at = None
        if ref is not None:
            found = [self.lists[ref.id, name] for name in names if (ref.id, name) in self.lists]
            newest = max((edition.status.sequence for edition in found), default=None)
            editions = [edition for edition in found if edition.status.sequence == newest]
            stale_at = min((_stale_at(edition.status) for edition in editions), default=None)
            codes += sorted({code for edition in editions for code in edition.codes})
            codes += [] if editions else [Code.STATUS_MISSING]
        return Window(said.issued_at, said.starts, said.ends, stale_at), tuple(codes)

    def _is_doubtful(self, said: Grant | Delegation, named: Named) -> bool:
        ref = said.status_list
        texts = (said.id, named.sha256, *(() if ref is None else (ref.id,)))
        return bool(self.doubt) and any(text in self.doubt for text in texts)

    def _signer(self, token: Token | None) -> _Signer:
        assert token is not None, "what was parsed has its token"
        subject = certificates.subject(token.chain[0])
        if not token.verifies():
            return _Signer(token, None, SignedBy(token.kid, subject))
        judgement = self.trust.judge(token.chain, self.now)
        return _Signer(token, judgement, judgement.signed_by(token.kid, subject))

    def _refuse(self, line: Line, void: Void) -> None:
        """Keep what a statement names that ends things but does not hold: it may have meant to."""
        if not has_payload(line.text):
            raise ConsentError(f"{line.place}: cannot be read, so nobody knows what it ends")
        self.void.append(void)
        self.doubt += "\n".join(("", *_texts_in(line.text)))
        if len(self.doubt) > CONSENT_DOUBT_CHARS:
            raise ConsentError(f"{line.place}: too many statements that end something do not hold")


def _stale_at(status: StatusList) -> int:
    """A list that says it is good for years would hide for years what has ended since."""
    return min(status.next_update, status.issued_at + UNLISTED_LIFETIME)


_OWN_CODES: Final = frozenset(
    {Code.GRANT_MEMBER, Code.GRANT_VERSION, Code.GRANT_TOO_LONG, Code.GRANT_VOID, Code.GRANT_SIGNATURE}
)


def void_of(line: Line, refusal: TokenRefused) -> Void:
    """What a refused line is. The envelope's codes block, which a line in a list of grants must not."""
    rule = refusal.rule
    return Void(line.place, rule if rule in _OWN_CODES else Code.GRANT_VOID, str(refusal))


def _void(line: Line, code: Code) -> Void:
    return Void(line.place, code, code.meaning)


_ESCAPED: Final = re.compile(r"\\u([0-9a-fA-F]{4})")


def _texts_in(text: str) -> Iterator[str]:
    """A refused statement, its parts decoded as far as they can be, and every string in them."""
    yield text
    for part in text.split("."):
        plain = decode_leniently(part).decode("utf-8", "replace")
        yield _ESCAPED.sub(lambda match: chr(int(match[1], 16)), plain)
        try:
            yield from _strings(json.loads(plain))
        except (ValueError, RecursionError):
            continue


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from (name, *_strings(inner))
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
