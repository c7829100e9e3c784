"""``noai revoke``: end a grant, a delegation or a marker."""

from __future__ import annotations

from typing import Final, NamedTuple

import click

from noai import certificates, signing
from noai.cli import _render
from noai.cli._examining import Examination
from noai.cli._exits import Exit
from noai.cli._files import require_output
from noai.cli._granting import Speaker, output_option, signer_options
from noai.cli._options import PathType
from noai.consent import issuing, ledger
from noai.consent.delegations import Delegation
from noai.consent.endings import Ended, Revocation
from noai.consent.files import FileKind, StatementFile, append
from noai.consent.grants import Grant
from noai.consent.statements import Named
from noai.envelope import Token
from noai.errors import ConsentError, TokenRefused, UsageError
from noai.report import Check, SignedBy

_EPILOG: Final = """\
\b
A revocation is for ever. Give its file to the licensee, and sign a new status list if your grants name one:
  noai status --identity ana -o status.jws
Nothing is un-learned by it: it ends what may be done from now on.

\b
Examples:
  noai grants list grants.jsonl
  noai revoke urn:uuid:1e0f… --grants grants.jsonl -o revocations.jsonl
  noai revoke urn:uuid:77ab… --track song.flac -o revocations.jsonl
"""


@click.command(short_help="End a grant, a delegation or a marker.", epilog=_EPILOG)
@click.argument("statement_id", metavar="ID")
@signer_options
@click.option("--grants", type=PathType(), metavar="FILE", help="Where the grant or delegation stands.")
@click.option("--track", type=PathType(), metavar="FILE", help="The track whose marker is meant.")
@output_option("revocations.jsonl")
def revoke(
    statement_id: str,
    identity: str | None,
    key: str | None,
    cert: str | None,
    grants: str | None,
    track: str | None,
    output: str,
) -> int:
    """End the grant, delegation or marker ID, which the same identity has signed.

    What has ended is remembered beside the identity's key, for its status lists. A revoked marker counts no
    longer where the revocation is at hand; it makes a track unreserved at best, never allowed.
    """
    now = signing.now()
    if (grants is None) == (track is None):
        raise UsageError("say where it stands: --grants FILE, or --track FILE for a marker")
    speaker = Speaker.asked(identity, key, cert, now)
    require_output(output, [path for path in (grants, track) if path is not None])
    if track is not None:
        ending = _marker(speaker, track, statement_id)
    else:
        assert grants is not None
        ending = _statement(speaker, grants, statement_id)
    # Remembered first: whatever fails later, no status list is signed without it.
    with ledger.opened(speaker.ledger) as kept:
        kept.ended.setdefault(ending.named, ending.what)
    if _is_there(speaker, output, ending.named):
        _render.console().print(
            _render.text(f"The {ending.what} {statement_id} is revoked in {output} already.")
        )
        return Exit.OK
    append(output, FileKind.REVOCATIONS, [issuing.revoke(speaker.signer, ending.what, ending.named, now)])
    _render.console().print(
        _render.text("Revoked ", (f"the {ending.what} {statement_id}", "bold"), f" in {output}.")
    )
    return Exit.OK


class _Ending(NamedTuple):
    what: Ended
    named: Named


def _statement(speaker: Speaker, path: str, statement_id: str) -> _Ending:
    """The grant or delegation with this id that ``speaker`` may end.

    Raises:
        UsageError: if there is none.
        ConsentError: if the file cannot be read.
    """
    found: list[tuple[_Ending, SignedBy]] = []
    delegates: set[str] = set()
    for line in StatementFile(path, FileKind.GRANTS).lines():
        said = _read(line.text)
        if said is None or said.token is None or not said.token.verifies():
            continue
        by = _signed_by(speaker, said.token)
        what = Ended.DELEGATION if isinstance(said, Delegation) else Ended.GRANT
        if isinstance(said, Delegation) and by.same_identity(speaker.signed_by):
            delegates.add(said.to)
        if said.id == statement_id:
            found.append((_Ending(what, Named(said.id, said.token.input_sha256)), by))
    for ending, by in found:
        # What was granted in one's name is one's own to end.
        if by.same_identity(speaker.signed_by) or (ending.what is Ended.GRANT and by.kid in delegates):
            return ending
    if found:
        raise UsageError(
            f"{path}: {statement_id} is by {found[0][1].subject or found[0][1].kid}, not by {speaker.name}; "
            "only who has signed it, or in whose name it is, can end it"
        )
    raise UsageError(
        f"{path}: holds no valid grant or delegation {statement_id}; see: noai grants list {path}"
    )


def _read(text: str) -> Grant | Delegation | None:
    for kind in (Grant, Delegation):
        try:
            return kind.parse(text)
        except TokenRefused:
            continue
    return None


def _marker(speaker: Speaker, path: str, statement_id: str) -> _Ending:
    """The marker with this id by ``speaker``.

    Raises:
        UsageError: if there is none.
        SourceError, ContainerError: if the file cannot be read.
    """
    named = [f for f in Examination.of(path, speaker.trust, speaker.now).findings if f.id == statement_id]
    for finding in named:
        marker = finding.marker
        is_own = speaker.has_made(finding) and finding.signature is Check.PASS
        if is_own and marker is not None and marker.input_sha256 is not None:
            return _Ending(Ended.MARKER, Named(marker.id, marker.input_sha256))
    if named:
        raise UsageError(
            f"{path}: {statement_id} is no marker by {speaker.name}; only who has signed it can end it"
        )
    raise UsageError(f"{path}: holds no marker {statement_id}; see: noai inspect {path}")


def _is_there(speaker: Speaker, output: str, named: Named) -> bool:
    """Whether ``output`` holds a revocation of this by ``speaker`` already."""
    try:
        lines = list(StatementFile(output, FileKind.REVOCATIONS).lines())
    except ConsentError:
        return False  # it is not there yet, or append() says what is wrong with it
    for line in lines:
        try:
            revocation = Revocation.parse(line.text)
        except TokenRefused:
            continue
        token = revocation.token
        if revocation.named == named and token is not None and token.verifies() and token.kid == speaker.kid:
            return True
    return False


def _signed_by(speaker: Speaker, token: Token) -> SignedBy:
    judgement = speaker.trust.judge(token.chain, speaker.now)
    subject = certificates.subject(token.chain[0])
    return SignedBy(token.kid, subject, judgement.name, judgement.identities(token.kid))
