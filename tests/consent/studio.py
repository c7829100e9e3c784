"""An artist, a marked track, grants for it, and what an ingest makes of them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from noai.claim import Claim, Use, Work
from noai.codes import Code
from noai.consent import Consent, Declared, Ended, Scope, StatusMemory, issuing, judge
from noai.consent.held import Line
from noai.consent.statements import Kind, Named
from noai.containers.registry import detect, read_essence
from noai.encoding import b64url_decode
from noai.envelope import parse, seal
from noai.essence import EssenceDigest, EssenceReading
from noai.limits import STATUS_CHARS
from noai.marking import mark
from noai.policy import Admission, Policy
from noai.report import Depth
from noai.signing import KeySigner
from noai.sources import BytesSource
from noai.trust import May, TrustList
from noai.verdict import Verdict
from noai.verifying import Verifier
from tests.signers import NOW, ROOT, Cert, authority, signer, trusting
from tests.tracks import unmarked

ARTIST = signer()
#: Another key under the very root of the artist's.
SIBLING = signer(leaf=Cert("sibling", "es256-sibling"), root=ROOT)
LABEL = signer(leaf=Cert("label", "es256-label"), root=authority("label root", "es256-label-root"))
#: The ingest lets the artist grant, and knows the label.
TRUST = TrustList((*trusting(ARTIST.chain, May.GRANT).entries, *trusting(LABEL.chain).entries))
A, B = "https://a.example", "https://b.example"
GENERATIVE, TRAINING = Use.GENERATIVE_TRAINING, Use.TRAINING
BOTH = frozenset({GENERATIVE, TRAINING})
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TRACK, OTHER_TRACK = "tune.mp3", "tune.flac"
ISRC = "QZABC2600001"
STATUS_URL = "https://artist.example/status.jws"


@cache
def marked(
    track: str = TRACK, by: KeySigner = ARTIST, *, c2pa: bool = False, isrc: str | None = ISRC
) -> bytes:
    claim = replace(Claim.from_profile(), work=Work(isrc=isrc))
    return mark(unmarked(track), signer=by, claim=claim, c2pa=c2pa, now=NOW - HOUR)


def essence(data: bytes) -> EssenceDigest:
    source = BytesSource(data)
    reading = read_essence(source, detect(source))
    assert isinstance(reading, EssenceReading)
    return reading.digest


def on(*tracks: str) -> Scope:
    return Scope(tracks=frozenset(essence(unmarked(track)) for track in tracks or (TRACK,)))


def grant(by: KeySigner = ARTIST, **changes: Any) -> str:
    options: dict[str, Any] = {"licensee": A, "uses": BOTH, "scope": on(), "now": NOW - HOUR, **changes}
    return issuing.grant(by, **options)


def changed(token: str, by: KeySigner, **members: Any) -> str:
    """A statement with members changed, or taken out where None stands for one, signed rightly again."""
    head, body, _ = token.split(".")
    payload = json.loads(b64url_decode(body)) | members
    typ = json.loads(b64url_decode(head))["typ"]
    return seal({n: v for n, v in payload.items() if v is not ...}, by, typ, STATUS_CHARS)


def name_of(token: str, kind: Kind = Kind.GRANT) -> Named:
    opened = parse(token, kind.value)
    return Named(str(opened.payload["id"]), opened.input_sha256)


def revocation(token: str, by: KeySigner = ARTIST) -> str:
    return issuing.revoke(by, Ended.GRANT, name_of(token), NOW)


def status(*tokens: str, by: KeySigner = ARTIST, sequence: int = 1, now: datetime = NOW - HOUR) -> str:
    return issuing.status_list(by, [name_of(token) for token in tokens], sequence, now)


@dataclass(frozen=True)
class Ingest:
    """Somebody's gate."""

    licensee: str = A
    model: str | None = None
    territory: str | None = None
    trust: TrustList = TRUST
    now: datetime = NOW
    uses: Iterable[Use] = (GENERATIVE, TRAINING)
    admission: Admission = Admission.OPT_OUT

    def consent(
        self,
        grants: Iterable[str] = (),
        revocations: Iterable[str] = (),
        statuses: Iterable[str] = (),
        memory: StatusMemory | None = None,
    ) -> Consent:
        return judge(
            Declared(self.licensee, self.model, self.territory),
            self.trust,
            self.now,
            grants=_lines("grants", grants),
            revocations=_lines("revocations", revocations),
            statuses=_lines("status", statuses),
            memory=memory,
        )

    def judge(self, data: bytes, *grants: str, **held: Any) -> Verdict:
        """The verdict at evidence depth; at decision depth it is the same, or this fails."""
        consent = self.consent(grants, **held)
        policy = Policy(tuple(self.uses), self.admission)
        verdicts = [
            Verifier(policy, self.trust, self.now, depth, consent=consent).verify(data) for depth in Depth
        ]
        assert len({(v.decision, v.admitted) for v in verdicts}) == 1
        return verdicts[0]


def _lines(name: str, texts: Iterable[str]) -> list[Line]:
    return [Line(f"{name}, line {number}", text) for number, text in enumerate(texts, 1)]


def codes(verdict: Verdict) -> set[Code]:
    """All codes of what a verdict tells of consent."""
    return {code for finding in verdict.signals for code in finding.codes} | {r.code for r in verdict.reasons}
