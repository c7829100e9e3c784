"""Makes the frozen vectors of consent v1. Run once for a version of the format, never over old ones.

    python -m tests.vectors.make_consent_vectors tests/vectors/consent-v1.json

``statements`` are what was signed; ``cases`` say what an ingest that holds some of them, and asks for
somebody at some time, comes to about the one marked recording. Keys are made anew and thrown away.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from noai import certificates
from noai.claim import Claim, Profile, Use, Work
from noai.codes import Code
from noai.consent import Ended, Named, Scope, delegate, grant, revoke, status_list
from noai.consent.statements import Kind
from noai.encoding import b64url, b64url_decode
from noai.envelope import parse, seal
from noai.limits import STATUS_CHARS
from noai.signing import KeySigner
from tests.signers import ESSENCE, NOW, Cert, authority, forge, header, marker, signer

ARTIST = signer(leaf=Cert("artist"))
#: With an algorithm of another kind, so that both are there for ever.
LABEL = signer(
    "ed25519", leaf=Cert("distributor", "ed25519"), root=authority("distributor root", "ed25519-root")
)
A, B = "https://lab.example/a", "https://lab.example/b"
ISRC = "QZABC2600001"
URL = "https://artist.example/status.jws"
BOTH = (Use.GENERATIVE_TRAINING, Use.TRAINING)
THIS = Scope(tracks=frozenset({ESSENCE}))
DAY = timedelta(days=1)


def granted(by: KeySigner = ARTIST, **changes: Any) -> str:
    options = {"licensee": A, "uses": BOTH, "scope": THIS, "now": NOW, **changes}
    return grant(by, **options)  # type: ignore[arg-type]


def delegated(**changes: Any) -> str:
    options = {
        "to": certificates.thumbprint(LABEL.chain[0]),
        "uses": BOTH,
        "scope": THIS,
        "now": NOW,
        **changes,
    }
    return delegate(ARTIST, **options)  # type: ignore[arg-type]


def changed(token: str, **members: Any) -> str:
    """A statement by the artist with members changed, or taken out where ``...`` stands, signed again."""
    head, body, _ = token.split(".")
    payload = json.loads(b64url_decode(body)) | members
    typ = json.loads(b64url_decode(head))["typ"]
    return seal({n: v for n, v in payload.items() if v is not ...}, ARTIST, typ, STATUS_CHARS)


def named(token: str, kind: Kind) -> Named:
    opened = parse(token, kind.value, STATUS_CHARS)
    return Named(str(opened.payload["id"]), opened.input_sha256)


#: Statements that break a rule of their format, whatever their signature.
VOID = {
    "grant-with-an-unknown-member": Code.GRANT_MEMBER,
    "grant-without-territory": Code.GRANT_MEMBER,
    "grant-of-version-2": Code.GRANT_VERSION,
    "grant-of-version-true": Code.GRANT_VERSION,
    "grant-of-no-use": Code.GRANT_MEMBER,
    "grant-with-an-empty-scope": Code.GRANT_MEMBER,
    "grant-with-all-that-is-false": Code.GRANT_MEMBER,
    "grant-alg-none": Code.GRANT_VOID,
    "delegation-with-an-unknown-member": Code.GRANT_MEMBER,
    "revocation-with-an-unknown-member": Code.GRANT_MEMBER,
}
#: Statements whose signature any JOSE library refuses.
FORGED = {"grant-with-its-licensee-swapped", "grant-alg-none"}


def statements() -> dict[str, str]:
    plain, listed = granted(), granted(status_url=URL, ends=NOW + 3650 * DAY, agreement="2026/17")
    delegation = delegated()
    head, body, signature = plain.split(".")
    swapped = json.loads(b64url_decode(body)) | {"licensee": B}
    return {
        "grant": plain,
        "grant-by-isrc": granted(scope=Scope(isrcs=frozenset({ISRC}))),
        "grant-for-all": granted(scope=Scope(everything=True)),
        "grant-with-every-member": granted(
            status_url=URL, ends=NOW + 3650 * DAY, model="m/2", territory="DE", agreement="Vertrag ü/1"
        ),
        "grant-with-status-list": listed,
        "grant-of-one-use": granted(uses=(Use.TRAINING,)),
        "grant-from-tomorrow": granted(starts=NOW + DAY, ends=NOW + 2 * DAY),
        "grant-of-another-track": granted(scope=Scope(isrcs=frozenset({"QZABC2600002"}))),
        "grant-by-the-distributor": granted(LABEL),
        "grant-with-an-unknown-member": changed(plain, but_not="on Sundays"),
        "grant-without-territory": changed(plain, territory=...),
        "grant-of-version-2": changed(plain, noai_grant=2),
        "grant-of-version-true": changed(plain, noai_grant=True),
        "grant-of-no-use": changed(plain, uses=[]),
        "grant-with-an-empty-scope": changed(plain, scope={"tracks": []}),
        "grant-with-all-that-is-false": changed(plain, scope={"all": False}),
        "grant-for-too-long": changed(plain, until=json.loads(b64url_decode(body))["until"] + 1),
        "grant-with-its-licensee-swapped": f"{head}.{b64url(json.dumps(swapped).encode())}.{signature}",
        "grant-alg-none": forge(
            header(ARTIST.chain, alg="none", typ=Kind.GRANT.value), json.loads(b64url_decode(body)), None
        ),
        "delegation": delegation,
        "delegation-of-another-use": delegated(uses=(Use.DATA_MINING,)),
        "delegation-with-an-unknown-member": changed(delegation, but_not="on Sundays"),
        "revocation-of-grant": revoke(ARTIST, Ended.GRANT, named(plain, Kind.GRANT), NOW),
        "revocation-of-delegation": revoke(ARTIST, Ended.DELEGATION, named(delegation, Kind.DELEGATION), NOW),
        "revocation-by-the-distributor": revoke(LABEL, Ended.GRANT, named(plain, Kind.GRANT), NOW),
        "revocation-with-an-unknown-member": changed(
            revoke(ARTIST, Ended.GRANT, named(plain, Kind.GRANT), NOW), reason="none"
        ),
        "status-1": status_list(ARTIST, [], 1, NOW),
        "status-2-ends-the-grant": status_list(ARTIST, [named(listed, Kind.GRANT)], 2, NOW),
        "status-by-the-distributor": status_list(LABEL, [], 1, NOW),
    }


def case(
    name: str,
    grants: tuple[str, ...] = ("grant",),
    code: Code | None = None,
    *,
    decision: str = "rejected",
    licensee: str = A,
    revocations: tuple[str, ...] = (),
    status: tuple[str, ...] = (),
    now: datetime = NOW,
    may_grant: bool = True,
    **more: Any,
) -> dict[str, Any]:
    return {
        "name": name,
        "now": int(now.timestamp()),
        "may_grant": may_grant,
        "licensee": licensee,
        "model": more.get("model"),
        "territory": more.get("territory"),
        "uses": [use.value for use in more.get("uses", BOTH)],
        "grants": list(grants),
        "revocations": list(revocations),
        "status": list(status),
        "expected": {"decision": decision, "code": None if code is None else code.value},
    }


def allowed(name: str, *grants: str, **more: Any) -> dict[str, Any]:
    return case(name, grants, decision="allowed", **more)


def cases() -> Iterator[dict[str, Any]]:
    yield allowed("granted", "grant")
    yield allowed("granted-by-isrc", "grant-by-isrc")
    yield allowed("granted-for-all", "grant-for-all")
    yield allowed("granted-with-a-fresh-list", "grant-with-status-list", status=("status-1",))
    yield allowed(
        "granted-with-every-member",
        "grant-with-every-member",
        status=("status-1",),
        model="m/2",
        territory="DE",
    )
    yield allowed("one-use-asked", "grant-of-one-use", uses=(Use.TRAINING,))
    yield allowed("delegated", "delegation", "grant-by-the-distributor")
    yield allowed("begun", "grant-from-tomorrow", now=NOW + DAY)
    yield allowed("revoked-by-somebody-else", "grant", revocations=("revocation-by-the-distributor",))
    yield allowed("void-lines-beside-it", "grant-of-version-2", "grant")
    yield case("nothing-granted", ())
    yield case("another-licensee", code=Code.GRANT_OTHER_LICENSEE, licensee=B)
    yield case("licensee-spelled-otherwise", code=Code.GRANT_OTHER_LICENSEE, licensee=A.upper())
    yield case("no-model-declared", ("grant-with-every-member",), Code.GRANT_OTHER_MODEL, territory="DE")
    yield case("no-territory-declared", ("grant-with-every-member",), Code.GRANT_OTHER_TERRITORY, model="m/2")
    yield case("more-uses-asked", ("grant-of-one-use",), Code.GRANTED)
    yield case("another-track", ("grant-of-another-track",), Code.GRANT_OTHER_TRACK)
    yield case("nobody-may-grant", code=Code.GRANT_NOT_TRUSTED, may_grant=False)
    yield case("not-delegated", ("grant-by-the-distributor",), Code.GRANT_OTHER_IDENTITY)
    pair = ("delegation-of-another-use", "grant-by-the-distributor")
    yield case("delegated-for-another-use", pair, Code.DELEGATION_REFUSED)
    pair = ("delegation-with-an-unknown-member", "grant-by-the-distributor")
    yield case("delegation-void", pair, Code.GRANT_MEMBER)
    yield case("before-its-start", ("grant-from-tomorrow",), Code.GRANT_NOT_BEGUN)
    yield case("at-its-end", ("grant-from-tomorrow",), Code.GRANT_ENDED, now=NOW + 2 * DAY)
    yield case("dated-in-the-future", ("grant",), Code.GRANT_IN_FUTURE, now=NOW - timedelta(seconds=301))
    yield case("revoked", code=Code.GRANT_REVOKED, revocations=("revocation-of-grant",))
    yield case("revocation-void", code=Code.GRANT_REVOKED, revocations=("revocation-with-an-unknown-member",))
    yield case(
        "delegation-revoked", ("delegation", "grant-by-the-distributor"), Code.GRANT_REVOKED,
        revocations=("revocation-of-delegation",),
    )  # fmt: skip
    listed = ("grant-with-status-list",)
    yield case("no-list", listed, Code.STATUS_MISSING)
    yield case("somebody-elses-list", listed, Code.STATUS_MISSING, status=("status-by-the-distributor",))
    yield case("stale-list", listed, Code.STATUS_STALE, status=("status-1",), now=NOW + 7 * DAY)
    yield case("ended-by-list", listed, Code.GRANT_REVOKED, status=("status-2-ends-the-grant",))
    both = ("status-2-ends-the-grant", "status-1")
    yield case("what-ended-once-stays-so", listed, Code.GRANT_REVOKED, status=both)
    for name, code in (
        ("with-an-unknown-member", Code.GRANT_MEMBER),
        ("without-territory", Code.GRANT_MEMBER),
        ("of-version-2", Code.GRANT_VERSION),
        ("of-version-true", Code.GRANT_VERSION),
        ("of-no-use", Code.GRANT_MEMBER),
        ("with-an-empty-scope", Code.GRANT_MEMBER),
        ("with-all-that-is-false", Code.GRANT_MEMBER),
        ("for-too-long", Code.GRANT_TOO_LONG),
        ("with-its-licensee-swapped", Code.GRANT_SIGNATURE),
        ("alg-none", Code.GRANT_VOID),
    ):
        licensee = B if code is Code.GRANT_SIGNATURE else A
        yield case(name, (f"grant-{name}",), code, licensee=licensee)


def main(path: Path) -> None:
    if path.exists():
        sys.exit(f"{path} is frozen; vectors of a new version go into a new file")
    claim = Claim(Claim.from_profile(Profile.NO_AI).uses, work=Work(isrc=ISRC))
    document = {
        "format": "noai consent v1",
        "made": NOW.isoformat(),
        "artist": certificates.pem(ARTIST.chain[-1:]),
        "essence": {"scheme": ESSENCE.scheme, "digest": b64url(ESSENCE.digest)},
        "marker": seal(marker(claim).payload(), ARTIST),
        "statements": [
            {
                "name": name,
                "token": token,
                "expected": {
                    "void": VOID[name].value if name in VOID else None,
                    "jose_valid": name not in FORGED,
                },
            }
            for name, token in statements().items()
        ],
        "cases": list(cases()),
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{len(document['statements'])} statements, {len(document['cases'])} cases")  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
