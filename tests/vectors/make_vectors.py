"""Makes the frozen vectors of marker v1. Run once for a version of the format, never over old ones.

    python -m tests.vectors.make_vectors tests/vectors/marker-v1.json

Keys are made anew and thrown away: what is frozen is what they signed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from noai import certificates
from noai.claim import Claim, Permission, Profile, Rights, Superseded, Use, Work
from noai.codes import Code
from noai.encoding import b64url
from noai.envelope import seal
from noai.marker import companion
from noai.signing import KeySigner
from noai.statement import render
from tests.signers import (
    ESSENCE,
    NOW,
    NOW_SECONDS,
    ROOT,
    Cert,
    authority,
    forge,
    header,
    marker,
    new_key,
    signer,
)

LEAF = Cert()
GOOD = {"signature": "pass", "signer": "pass", "binding": "pass", "time": "pass"}
REFUSED = {"signature": "not_run", "signer": "not_run", "binding": "not_run", "time": "not_run"}


def vector(
    name: str,
    token: str,
    chain: tuple[Any, ...],
    *,
    checks: dict[str, str] | None = None,
    code: Code | None = None,
    uses: Claim | None = None,
    jose: bool = True,
    now: int = NOW_SECONDS,
    trusted: bool = True,
) -> dict[str, Any]:
    """``jose``: whether any JOSE library finds the signature right under the leaf's key."""
    return {
        "name": name,
        "token": token,
        "now": now,
        "essence": {"scheme": ESSENCE.scheme, "digest": b64url(ESSENCE.digest)},
        "anchors": certificates.pem(chain[-1:]) if trusted else "",
        "expected": {
            "checks": checks or (REFUSED if code and uses is None else GOOD),
            "code": code.value if code else None,
            "uses": {u.value: p.value for u, p in (uses.uses if uses else {}).items()},
            "jose_valid": jose,
        },
    }


def valid() -> Iterator[dict[str, Any]]:
    claim = Claim.from_profile(Profile.NO_AI)
    for key in ("es256", "es384", "ed25519", "rsa2048"):
        mine = signer(key, leaf=Cert(key=key))
        yield vector(
            f"valid-{mine.algorithm.value.lower()}", seal(marker().payload(), mine), mine.chain, uses=claim
        )
    mine = signer("ed25519", leaf=Cert(key="ed25519"))
    token = forge(header(mine.chain, alg="EdDSA"), marker().payload(), mine.key)
    yield vector("valid-eddsa-as-older-libraries-name-it", token, mine.chain, uses=claim)
    mine = signer()
    for profile in Profile:
        said = Claim.from_profile(profile)
        yield vector(f"valid-{profile}", seal(marker(said).payload(), mine), mine.chain, uses=said)
    middle = authority("label", "es256-middle", path_length=0)
    chain = (LEAF.issue(middle), middle.issue(ROOT), ROOT.issue())
    token = seal(marker().payload(), KeySigner(mine.key, chain))
    yield vector("valid-with-an-intermediate", token, chain, uses=claim)
    token = seal(marker().payload(), KeySigner(mine.key, mine.chain[:1]))
    yield vector("valid-without-its-root", token, mine.chain, uses=claim)
    sentence = render(marker().id, claim) or ""
    full = replace(
        marker(),
        claim=replace(
            claim,
            rights=Rights("Ünicode Records", "rights@example.org", "https://example.org/licence"),
            work=Work("Tune", "Artist", isrc="DEAB12600001"),
        ),
        supersedes=(Superseded("urn:uuid:00000000-0000-4000-8000-000000000000", b64url(bytes(32))),),
        companions=(companion("statement", sentence),),
    )
    yield vector("valid-with-every-member", seal(full.payload(), mine), mine.chain, uses=claim)
    unknown = {**marker().payload(), "future": {"deep": [[1, "x", None, True]]}}
    yield vector(
        "valid-with-unknown-members", forge(header(mine.chain), unknown, mine.key), mine.chain, uses=claim
    )
    allowing = Claim(uses=dict.fromkeys(Use, Permission.ALLOWED))
    permit = marker(allowing, expires_at=NOW_SECONDS + 86400)
    yield vector("valid-permission", seal(permit.payload(), mine), mine.chain, uses=allowing)


def doubtful() -> Iterator[dict[str, Any]]:
    """Right envelopes whose checks fail, each in one way; the denial stands in all of them."""
    claim = Claim.from_profile(Profile.NO_AI)
    mine = signer()
    token = seal(marker().payload(), mine)
    yield vector(
        "unknown-signer", token, mine.chain, trusted=False, uses=claim,
        checks={**GOOD, "signer": "unknown"}, code=Code.SIGNER_UNKNOWN,
    )  # fmt: skip
    later = NOW_SECONDS + 20 * 365 * 86400
    yield vector(
        "signer-expired", token, mine.chain, now=later, uses=claim,
        checks={**GOOD, "signer": "fail", "time": "fail"}, code=Code.SIGNER_EXPIRED,
    )  # fmt: skip
    yield vector(
        "issued-in-the-future", token, mine.chain, now=NOW_SECONDS - 3600, uses=claim,
        checks={**GOOD, "time": "fail"}, code=Code.ISSUED_IN_FUTURE,
    )  # fmt: skip
    past = seal(marker(expires_at=NOW_SECONDS - 1).payload(), mine)
    yield vector("past-its-exp", past, mine.chain, uses=claim, checks=GOOD, code=Code.EXPIRED)
    other = replace(ESSENCE, digest=bytes(32))
    yield vector(
        "moved-to-another-recording", seal(marker(essence=other).payload(), mine), mine.chain, uses=claim,
        checks={**GOOD, "binding": "fail"}, code=Code.ESSENCE_MISMATCH,
    )  # fmt: skip
    scheme = replace(ESSENCE, scheme="aac/1")
    yield vector(
        "bound-by-another-scheme", seal(marker(essence=scheme).payload(), mine), mine.chain, uses=claim,
        checks={**GOOD, "binding": "fail"}, code=Code.SCHEME_MISMATCH,
    )  # fmt: skip
    server = signer(leaf=replace(LEAF, usages=(certificates.x509.oid.ExtendedKeyUsageOID.SERVER_AUTH,)))
    yield vector(
        "leaf-for-another-purpose", seal(marker().payload(), server), server.chain, uses=claim,
        checks={**GOOD, "signer": "fail"}, code=Code.CERTIFICATE_USAGE,
    )  # fmt: skip
    impostor = authority("root", "es256-impostor").issue()
    broken = KeySigner(mine.key, (mine.chain[0], impostor))
    yield vector(
        "chain-that-does-not-link", seal(marker().payload(), broken), broken.chain, uses=claim,
        checks={**GOOD, "signer": "fail"}, code=Code.CHAIN_BROKEN,
    )  # fmt: skip
    head, _, signature = token.split(".")
    failed = {**REFUSED, "signature": "fail"}
    edited = b64url(json.dumps({**marker().payload(), "constraint_info": "edited"}).encode())
    yield vector(
        "payload-edited", f"{head}.{edited}.{signature}", mine.chain, uses=claim,
        checks=failed, code=Code.SIGNATURE_INVALID, jose=False,
    )  # fmt: skip
    allowing = Claim(uses=dict.fromkeys(Use, Permission.ALLOWED))
    swapped = b64url(json.dumps(marker(allowing).payload()).encode())
    yield vector(
        "not-allowed-swapped-for-allowed", f"{head}.{swapped}.{signature}", mine.chain, uses=allowing,
        checks=failed, code=Code.SIGNATURE_INVALID, jose=False,
    )  # fmt: skip
    by_root = forge(header(mine.chain), marker().payload(), new_key(ROOT.key))
    yield vector(
        "signed-by-the-roots-key", by_root, mine.chain, uses=claim,
        checks=failed, code=Code.SIGNATURE_INVALID, jose=False,
    )  # fmt: skip


def refused() -> Iterator[dict[str, Any]]:
    """Tokens that break the format; what they deny is still found, what they permit is not."""
    mine = signer()
    denying = marker().payload()
    allowing = marker(Claim(uses=dict.fromkeys(Use, Permission.ALLOWED))).payload()
    raw = json.dumps(denying)
    twice = raw.replace('"cawg.ai_training":', '"cawg.ai_training": "allowed", "cawg.ai_training":')

    def made(payload: dict[str, Any] | bytes = denying, **changes: Any) -> str:
        return forge(header(mine.chain, **changes), payload, mine.key)

    cases: list[tuple[str, str, Code]] = [
        ("alg-none", forge(header(mine.chain, alg="none"), denying, None), Code.ALG_REFUSED),
        ("alg-hs256", made(alg="HS256"), Code.ALG_REFUSED),
        ("alg-of-another-key", made(alg="ES384"), Code.KEY_MISMATCH),
        ("crit", made(crit=["b64"]), Code.HEADER_MEMBERS),
        ("jwk", made(jwk={}), Code.HEADER_MEMBERS),
        ("typ-of-a-grant", made(typ="noai-grant+jws"), Code.TYPE_MISMATCH),
        ("kid-of-another-key", made(kid=b64url(bytes(32))), Code.KID_MISMATCH),
        ("no-chain", made(x5c=[]), Code.CHAIN_MALFORMED),
        ("version-2", made({**denying, "noai": 2}), Code.PAYLOAD_VERSION),
        ("version-true", made({**denying, "noai": True}), Code.PAYLOAD_VERSION),
        ("duplicate-member", made(twice.encode()), Code.TOKEN_DUPLICATE_MEMBER),
        ("fraction", made({**denying, "x": 1.5}), Code.TOKEN_NUMBER),
        ("padding", seal(denying, mine) + "=", Code.TOKEN_ENCODING),
    ]
    denial = Claim.from_profile(Profile.NO_AI)
    for name, token, code in cases:
        yield vector(f"refused-{name}", token, mine.chain, uses=denial, checks=REFUSED, code=code, jose=False)
    for name, head, code in (
        ("alg-none", header(mine.chain, alg="none"), Code.ALG_REFUSED),
        ("kid-of-another-key", header(mine.chain, kid=b64url(bytes(32))), Code.KID_MISMATCH),
    ):
        token = forge(head, allowing, mine.key)
        yield vector(f"refused-permission-{name}", token, mine.chain, checks=REFUSED, code=code, jose=False)


def main(path: Path) -> None:
    if path.exists():
        sys.exit(f"{path} is frozen; vectors of a new version go into a new file")
    vectors = [*valid(), *doubtful(), *refused()]
    document = {
        "format": "noai marker v1",
        "made": NOW.isoformat(),
        "vectors": vectors,
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{len(vectors)} vectors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
