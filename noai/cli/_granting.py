"""What the commands that sign statements of consent have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from noai import certificates, identities
from noai.claim import Use
from noai.cli import _options, _render
from noai.cli._examining import Examination
from noai.cli._options import PathType
from noai.cli._secrets import load_signer
from noai.consent.delegations import Delegation
from noai.consent.grants import Grant, Scope
from noai.consent.ledger import FILE_NAME
from noai.errors import ContainerError, UsageError
from noai.essence import EssenceDigest, Violation
from noai.identities import IdentityStore
from noai.report import Finding, SignedBy
from noai.signing import Signer
from noai.trust import TrustList
from noai.verdict import iso
from noai.verifying import default_trust

if TYPE_CHECKING:
    from rich.text import Text

_Command = TypeVar("_Command", bound=Callable[..., Any])

#: Where what a key has ended is kept, if it is no local identity's: in a folder a key.
_OTHERS: Final = "ended"


def instant(value: str) -> datetime:
    """A date, which is its midnight, or an instant, both UTC unless an offset says otherwise."""
    try:
        # Python 3.10 does not take the Z of ISO 8601.
        moment = datetime.fromisoformat(value[:-1] + "+00:00" if value[-1:] in ("Z", "z") else value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        if moment.timestamp() >= 0:
            return moment
    except (ValueError, OverflowError):
        pass
    raise click.BadParameter("give a date or an instant, such as 2026-12-31 or 2026-12-31T18:00:00Z")


# -- who signs -------------------------------------------------------------------------------

_SIGNER: Final = (
    click.option(
        "--identity", metavar="NAME", help="Sign as this identity. May be left out if there is one."
    ),
    click.option(
        "--key", type=PathType(), metavar="PEM", help="Sign with your own private key; with --cert."
    ),
    click.option(
        "--cert", type=PathType(), metavar="PEM", help="The certificate chain of --key, leaf first."
    ),
)
#: Everything else that a grant and a delegation say alike.
_SCOPE: Final = (
    click.option(
        "--allow",
        "uses",
        type=_options.use,
        shell_complete=_options.complete_use,
        multiple=True,
        required=True,
        metavar="USE",
        help="A use that is allowed. May be repeated.",
    ),
    click.option(
        "--track",
        "tracks",
        type=PathType(),
        multiple=True,
        metavar="FILE",
        help="For the recording in this file; more files may follow.",
    ),
    click.option(
        "--isrc",
        "isrcs",
        type=_options.isrc,
        multiple=True,
        metavar="ISRC",
        help="For the recording whose marker says this ISRC. May be repeated.",
    ),
    click.option(
        "--all", "everything", is_flag=True, help="For everything that the identity has marked up to now."
    ),
    click.option(
        "--from", "starts", type=instant, metavar="D", help="Not before this date (UTC). Default: now."
    ),
    click.option(
        "--until",
        "ends",
        type=instant,
        metavar="D",
        help="Not any more from this date on (UTC). Default: 30 days, or open with --status-list.",
    ),
    click.option(
        "--status-list",
        "status_url",
        type=_options.text,
        metavar="URL",
        help='Where your status list is ("noai status"); needed to last longer than 30 days.',
    ),
    click.argument("more", nargs=-1, type=PathType(), metavar="[FILE]..."),
)


def signer_options(command: _Command) -> _Command:
    for option in reversed(_SIGNER):
        command = option(command)
    return command


def scope_options(command: _Command) -> _Command:
    for option in reversed(_SCOPE):
        command = option(command)
    return command


def output_option(name: str) -> Callable[[_Command], _Command]:
    return click.option(
        "-o",
        "--output",
        type=PathType(),
        metavar="FILE",
        required=True,
        help=f"Add to this file, one statement a line, such as {name}.",
    )


@dataclass(frozen=True)
class Speaker:
    """Who signs, and where what they have ended is kept."""

    signer: Signer
    ledger: Path
    trust: TrustList
    now: datetime

    @classmethod
    def asked(cls, identity: str | None, key: str | None, cert: str | None, now: datetime) -> Speaker:
        """Raises: as :func:`noai.cli._secrets.load_signer`; TrustError, if the trust list is damaged."""
        signer = load_signer(identity, key, cert, now)
        store = IdentityStore()
        if key is not None:
            thumbprint = certificates.thumbprint(signer.chain[0])
            folder = identities.home() / _OTHERS / thumbprint
        else:
            folder = (store.only() if identity is None else store.load(identity)).folder
        return cls(signer, folder / FILE_NAME, default_trust(), now)

    @property
    def kid(self) -> str:
        return certificates.thumbprint(self.signer.chain[0])

    @property
    def name(self) -> str:
        return certificates.subject(self.signer.chain[0]) or self.kid

    @property
    def signed_by(self) -> SignedBy:
        judgement = self.trust.judge(self.signer.chain, self.now)
        return judgement.signed_by(self.kid, self.name)

    def has_made(self, finding: Finding) -> bool:
        """Whether a finding is a marker by this identity."""
        by = finding.signed_by
        return finding.marker is not None and by is not None and by.same_identity(self.signed_by)


def scope_of(
    speaker: Speaker, tracks: tuple[str, ...], more: tuple[str, ...], isrcs: tuple[str, ...], everything: bool
) -> Scope:
    """The recordings that the options name; a warning for each that the speaker has not marked.

    Raises:
        UsageError: if they name none, or in more than one way, or one that nothing can be bound to.
        SourceError, ContainerError: if a file cannot be read as audio.
    """
    if more and not tracks:
        raise UsageError(f"{more[0]}: say what the files are for: --track FILE...")
    ways = (bool(tracks), bool(isrcs), everything)
    if sum(ways) != 1:
        raise UsageError("say for which recordings, in one way: --track FILE..., --isrc ISRC or --all")
    if everything:
        return Scope(everything=True)
    if isrcs:
        return Scope(isrcs=frozenset(isrcs))
    return Scope(tracks=frozenset(_essence(speaker, path) for path in dict.fromkeys((*tracks, *more))))


def _essence(speaker: Speaker, path: str) -> EssenceDigest:
    try:
        examined = Examination.of(path, speaker.trust, speaker.now)
    except ContainerError as error:
        raise UsageError(f"{path}: {_render.about(path, str(error))}") from None
    essence = examined.evidence.essence
    faults = (essence,) if isinstance(essence, Violation) else essence.violations
    if isinstance(essence, Violation) or faults:
        raise UsageError(f"{path}: nothing can be bound to this audio: {faults[0].message}")
    if not any(f.intact and not f.lifted and speaker.has_made(f) for f in examined.findings):
        _render.say(
            f"warning: {path}: holds no marker by {speaker.name}; nothing is allowed by this until it does"
        )
    return essence.digest


def short(uses: Iterable[Use]) -> str:
    """Uses in their short form, in their order."""
    chosen = frozenset(uses)
    return ", ".join(use.value.rpartition(".")[2] for use in Use if use in chosen)


def told(scope: Scope) -> str:
    """A scope in a few words."""
    if scope.everything:
        return "everything marked up to then"
    if scope.isrcs:
        return ", ".join(sorted(scope.isrcs))
    return _render.count(len(scope.tracks), "track")


def iso_of(seconds: int) -> str:
    return iso(datetime.fromtimestamp(seconds, timezone.utc))


def show(headline: Text, made: Grant | Delegation, output: str, **more: str | None) -> None:
    """What was signed, for people."""
    rows = {
        "id": made.id,
        "from": iso_of(made.starts),
        "until": "the status list ends it" if made.ends is None else iso_of(made.ends),
        "status list": None if made.status_list is None else made.status_list.url,
        **more,
        "in": output,
    }
    console = _render.console()
    console.print(headline)
    grid = _render.grid()
    for label, value in rows.items():
        if value is not None:
            grid.add_row(_render.text((f"  {label}", "dim")), _render.text(value))
    console.print(grid)
