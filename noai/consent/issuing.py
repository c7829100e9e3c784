"""Making statements of consent: each is signed by an identity, and one line in a file of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from noai import certificates
from noai.claim import Use
from noai.consent.delegations import Delegable, Delegation
from noai.consent.endings import Ended, Revocation, StatusList
from noai.consent.grants import UNLISTED_LIFETIME, Grant, Scope
from noai.consent.statements import Kind, Named, StatusRef
from noai.envelope import new_id, seal
from noai.errors import TokenRefused, UsageError
from noai.limits import STATUS_CHARS, TOKEN_CHARS
from noai.signing import Signer

#: How long a status list is good for unless told otherwise: so late a revocation may be seen.
STATUS_LIFETIME: Final = timedelta(days=7)


def status_list_id(signer: Signer) -> str:
    """The id of the one status list of an identity, the same in all of its editions."""
    return f"urn:noai:status:{certificates.thumbprint(signer.chain[0])}"


def grant(
    signer: Signer,
    *,
    licensee: str,
    uses: Iterable[Use],
    scope: Scope,
    now: datetime,
    starts: datetime | None = None,
    ends: datetime | None = None,
    model: str | None = None,
    territory: str | None = None,
    status_url: str | None = None,
    agreement: str | None = None,
) -> str:
    """A signed grant, as a compact JWS without a line break.

    With ``status_url`` it names the signer's status list, and counts only beside a fresh one; without, it
    lasts at most 30 days from now, and so long unless ``ends`` says less.

    Raises:
        UsageError: for no use, an end in front of its start, or one too late without a status list.
        SigningError: if the signer fails.
        TokenRefused: if it is too large to be read again: name fewer tracks, and grant the others apart.
    """
    starts_at, ends_at, ref = _times(signer, now, starts, ends, status_url)
    statement = Grant(
        id=new_id(),
        issued_at=int(now.timestamp()),
        scope=scope,
        licensee=licensee,
        uses=_some(uses),
        starts=starts_at,
        ends=ends_at,
        model=model,
        territory=territory,
        status_list=ref,
        agreement=agreement,
    )
    token = _sealed(statement.payload(), signer, Kind.GRANT)
    Grant.parse(token)
    return token


def in_parts(scope: Scope, issue: Callable[[Scope], str]) -> list[str]:
    """What ``issue`` makes of ``scope``, in as many statements as its tracks or ISRCs take.

    Raises:
        UsageError: as ``issue`` raises it, if even one of them does not fit.
    """
    try:
        return [issue(scope)]
    except UsageError:
        halves = _halves(scope)
        if not halves:
            raise
    return [token for half in halves for token in in_parts(half, issue)]


def _halves(scope: Scope) -> tuple[Scope, ...]:
    """Two scopes in place of one; nothing for a single recording, and for everything."""
    tracks = sorted(scope.tracks, key=lambda track: (track.scheme, track.digest))
    isrcs = sorted(scope.isrcs)
    half = max(len(tracks), len(isrcs)) // 2
    if not half:
        return ()
    return (
        Scope(frozenset(tracks[:half]), frozenset(isrcs[:half])),
        Scope(frozenset(tracks[half:]), frozenset(isrcs[half:])),
    )


def delegate(
    signer: Signer,
    *,
    to: str,
    uses: Iterable[Use],
    scope: Scope,
    now: datetime,
    starts: datetime | None = None,
    ends: datetime | None = None,
    status_url: str | None = None,
) -> str:
    """A signed delegation: the key with the thumbprint ``to`` may grant ``uses`` in the signer's name.

    Raises: as :func:`grant`.
    """
    starts_at, ends_at, ref = _times(signer, now, starts, ends, status_url)
    statement = Delegation(
        id=new_id(),
        issued_at=int(now.timestamp()),
        to=to,
        types=frozenset({Delegable.GRANT}),
        uses=_some(uses),
        scope=scope,
        starts=starts_at,
        ends=ends_at,
        status_list=ref,
    )
    token = _sealed(statement.payload(), signer, Kind.DELEGATION)
    Delegation.parse(token)
    return token


def revoke(signer: Signer, what: Ended, named: Named, now: datetime) -> str:
    """A signed revocation of something that the same identity has signed.

    Raises:
        SigningError: if the signer fails.
    """
    statement = Revocation(new_id(), int(now.timestamp()), what, named)
    token = _sealed(statement.payload(), signer, Kind.REVOCATION)
    Revocation.parse(token)
    return token


def status_list(
    signer: Signer,
    ended: Iterable[Named],
    sequence: int,
    now: datetime,
    lifetime: timedelta = STATUS_LIFETIME,
) -> str:
    """The signer's status list: everything that it has ever ended, good for ``lifetime``.

    Raises:
        UsageError: for a lifetime that is none.
        SigningError: if the signer fails.
        TokenRefused: if it is too large to be read again.
    """
    issued_at = int(now.timestamp())
    statement = StatusList(
        status_list_id(signer),
        sequence,
        issued_at,
        issued_at + int(lifetime.total_seconds()),
        frozenset(ended),
    )
    if statement.next_update <= issued_at:
        raise UsageError("a status list has to be good for some time")
    token = _sealed(statement.payload(), signer, Kind.STATUS, STATUS_CHARS)
    StatusList.parse(token)
    return token


def _times(
    signer: Signer, now: datetime, starts: datetime | None, ends: datetime | None, status_url: str | None
) -> tuple[int, int | None, StatusRef | None]:
    issued_at = int(now.timestamp())
    starts_at = issued_at if starts is None else int(starts.timestamp())
    ends_at = None if ends is None else int(ends.timestamp())
    ref = None if status_url is None else StatusRef(status_list_id(signer), status_url)
    latest = min(issued_at, starts_at) + UNLISTED_LIFETIME
    if ref is None and ends_at is None:
        ends_at = latest
    if ends_at is not None and ends_at <= starts_at:
        raise UsageError("it would end before it starts")
    if ref is None and ends_at is not None and ends_at > latest:
        days = UNLISTED_LIFETIME // 86_400
        raise UsageError(
            f"without a status list it can last at most {days} days from now; name one with --status-list URL"
        )
    return starts_at, ends_at, ref


def _some(uses: Iterable[Use]) -> frozenset[Use]:
    chosen = frozenset(uses)
    if not chosen:
        raise UsageError("name at least one use")
    return chosen


def _sealed(payload: dict[str, object], signer: Signer, kind: Kind, limit: int = TOKEN_CHARS) -> str:
    try:
        return seal(payload, signer, kind.value, limit)
    except TokenRefused as refusal:
        raise UsageError(f"cannot be signed as one statement: {refusal}") from None
