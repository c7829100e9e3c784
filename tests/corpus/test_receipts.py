"""Receipts: what they say, and everything that makes them not hold."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from noai.claim import Use
from noai.codes import Code
from noai.corpus.receipts import (
    RECEIPT_TYPE,
    FileDigest,
    Listed,
    Run,
    make_receipt,
    read_receipt,
    trust_digest,
)
from noai.corpus.tallying import Tally
from noai.envelope import parse, seal
from noai.errors import SourceMissing, TokenRefused
from noai.limits import TOKEN_CHARS
from noai.marker import Marker
from noai.policy import Admission, Policy
from noai.report import Check, Depth
from noai.trust import Kind, May, TrustEntry, TrustList
from noai.verdict import Decision
from tests.signers import NOW, Cert, authority, forge, header, marker, new_key, signer, trusting

SIGNER = signer()
TRUST = trusting(SIGNER.chain)


def tally() -> Tally:
    counted = Tally(admitted=2, readable=4, skipped=1)
    counted.decisions.update({Decision.REJECTED: 2, Decision.UNRESERVED: 2, Decision.UNDECIDED: 1})
    return counted


@pytest.fixture
def output(tmp_path: Path) -> Path:
    path = tmp_path / "verdicts.jsonl"
    path.write_bytes(b'{"schema": "noai.verdict/1"}\n')
    return path


def run(output: Path, **changes: Any) -> Run:
    made = Run(
        paths=("album", "b\udcff\\c.mp3"),
        policy=Policy((Use.TRAINING,), Admission.OPT_IN),
        depth=Depth.DECISION,
        trust=TRUST,
        started=NOW - timedelta(seconds=90),
        finished=NOW - timedelta(seconds=30),
        tally=tally(),
        format="jsonl",
        output=FileDigest.of(str(output)),
        include=("*.mp3",),
        files_from=FileDigest("ab" * 32, 7),
    )
    return replace(made, **changes)


def payload(text: str) -> dict[str, Any]:
    return parse(text, RECEIPT_TYPE).payload


def test_a_receipt_says_what_the_run_was(output: Path) -> None:
    receipt = read_receipt(make_receipt(run(output), SIGNER) + "\n")
    assert receipt.paths == Listed(2, receipt.paths.sha256, ("album", "b\\xff\\\\c.mp3"))
    assert receipt.paths.sha256 == hashlib.sha256(b"album\0b\\xff\\\\c.mp3\0").hexdigest()
    assert (receipt.include.first, receipt.exclude.first) == (("*.mp3",), ())
    assert (receipt.uses, receipt.policy, receipt.depth) == (
        (Use.TRAINING,),
        Admission.OPT_IN,
        Depth.DECISION,
    )
    assert (receipt.records, receipt.admitted, receipt.skipped, receipt.unreadable) == (5, 2, 1, 1)
    assert receipt.decisions[Decision.REJECTED] == 2
    assert receipt.output == FileDigest(hashlib.sha256(output.read_bytes()).hexdigest(), 29)
    assert receipt.files_from == FileDigest("ab" * 32, 7)
    assert receipt.trust_sha256 == trust_digest(TRUST)
    assert (NOW - receipt.started, NOW - receipt.finished) == (timedelta(seconds=90), timedelta(seconds=30))


@pytest.mark.parametrize("key", ["es256", "es384", "ed25519", "rsa2048"])
def test_a_receipt_of_a_known_signer_over_its_output_holds(output: Path, key: str) -> None:
    signing = signer(key)
    check = read_receipt(make_receipt(run(output), signing)).check(str(output), trusting(signing.chain), NOW)
    assert check.holds
    assert (check.signature, check.signer, check.time, check.output) == (Check.PASS,) * 4


def test_without_an_output_nothing_is_said_about_it(output: Path) -> None:
    check = read_receipt(make_receipt(run(output), SIGNER)).check(None, TRUST, NOW)
    assert check.holds
    assert check.output is Check.NOT_RUN


@pytest.mark.parametrize(
    "tamper",
    [
        lambda data: data.replace(b"verdict/1", b"verdict/2"),
        lambda data: data + b"\n",
        lambda data: data[:-1],
        lambda data: b"",
    ],
    ids=["changed", "longer", "shorter", "emptied"],
)
def test_another_output_does_not_hold(output: Path, tamper: Callable[[bytes], bytes]) -> None:
    receipt = read_receipt(make_receipt(run(output), SIGNER))
    output.write_bytes(tamper(output.read_bytes()))
    check = receipt.check(str(output), TRUST, NOW)
    assert (check.signature, check.output, check.holds) == (Check.PASS, Check.FAIL, False)


def test_an_output_that_is_gone_is_an_error(output: Path) -> None:
    receipt = read_receipt(make_receipt(run(output), SIGNER))
    output.unlink()
    with pytest.raises(SourceMissing):
        receipt.check(str(output), TRUST, NOW)


def edited(text: str, change: Callable[[dict[str, Any]], object]) -> str:
    """``text`` with its payload changed and its signature as it was."""
    head, _, signature = text.split(".")
    members = payload(text)
    change(members)
    body = base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()
    return f"{head}.{body}.{signature}"


def test_an_edited_receipt_does_not_hold(output: Path) -> None:
    text = edited(make_receipt(run(output), SIGNER), lambda members: members["counts"].update(skipped=0))
    check = read_receipt(text).check(str(output), TRUST, NOW)
    assert (check.signature, check.signer, check.holds) == (Check.FAIL, Check.NOT_RUN, False)
    assert check.codes == (Code.SIGNATURE_INVALID,)


def test_a_signature_by_another_key_does_not_hold(output: Path) -> None:
    right = payload(make_receipt(run(output), SIGNER))
    text = forge(header(SIGNER.chain, typ=RECEIPT_TYPE), right, new_key("es256-mallory"))
    assert read_receipt(text).check(str(output), TRUST, NOW).signature is Check.FAIL


def test_a_signer_whom_nobody_knows_does_not_hold(output: Path) -> None:
    stranger = signer("es256-stranger", root=authority("elsewhere", "es256-elsewhere"))
    check = read_receipt(make_receipt(run(output), stranger)).check(str(output), TRUST, NOW)
    assert (check.signature, check.signer, check.holds) == (Check.PASS, Check.UNKNOWN, False)
    assert check.codes == (Code.SIGNER_UNKNOWN,)


def test_a_certificate_that_has_expired_does_not_hold(output: Path) -> None:
    receipt = read_receipt(make_receipt(run(output), SIGNER))
    check = receipt.check(str(output), TRUST, NOW + timedelta(days=4000))
    assert (check.signature, check.signer, check.time, check.holds) == (
        Check.PASS,
        Check.FAIL,
        Check.FAIL,
        False,
    )


def test_a_receipt_from_the_future_does_not_hold(output: Path) -> None:
    ahead = run(output, started=NOW, finished=NOW + timedelta(seconds=301))
    check = read_receipt(make_receipt(ahead, SIGNER)).check(str(output), TRUST, NOW)
    assert (check.time, check.holds) == (Check.FAIL, False)
    assert Code.ISSUED_IN_FUTURE in check.codes


def test_a_clock_that_was_set_back_costs_no_receipt(output: Path) -> None:
    receipt = read_receipt(make_receipt(run(output, finished=NOW - timedelta(hours=1)), SIGNER))
    assert receipt.started == receipt.finished


def refused(text: str) -> Code:
    with pytest.raises(TokenRefused) as caught:
        read_receipt(text)
    return caught.value.rule


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "RS256", None])
def test_algorithms_that_prove_nothing_are_refused(output: Path, algorithm: str | None) -> None:
    right = payload(make_receipt(run(output), SIGNER))
    head = header(SIGNER.chain, typ=RECEIPT_TYPE, alg=algorithm)
    for key in (None, SIGNER.key):
        assert refused(forge(head, right, key)) is Code.ALG_REFUSED


def test_a_marker_is_no_receipt() -> None:
    assert refused(seal(marker().payload(), SIGNER)) is Code.TYPE_MISMATCH


def test_a_receipt_is_no_marker(output: Path) -> None:
    text = make_receipt(run(output), SIGNER)
    with pytest.raises(TokenRefused) as caught:
        parse(text)
    assert caught.value.rule is Code.TYPE_MISMATCH
    with pytest.raises(TokenRefused) as caught:
        Marker.from_token(parse(text, RECEIPT_TYPE))
    assert caught.value.rule is Code.PAYLOAD_VERSION


def test_the_payload_of_a_marker_is_no_receipt() -> None:
    assert refused(seal(marker().payload(), SIGNER, RECEIPT_TYPE)) is Code.PAYLOAD_VERSION


def test_a_member_that_is_named_twice_is_refused(output: Path) -> None:
    document = json.dumps(payload(make_receipt(run(output), SIGNER)))
    twice = document.replace('"counts": {', '"counts": {"admitted": 9, ', 1)
    assert twice != document
    head = header(SIGNER.chain, typ=RECEIPT_TYPE)
    assert refused(forge(head, twice.encode(), SIGNER.key)) is Code.TOKEN_DUPLICATE_MEMBER


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda p: p.update(noai_receipt=True), Code.PAYLOAD_VERSION),
        (lambda p: p.update(noai_receipt=2), Code.PAYLOAD_VERSION),
        (lambda p: p.update(iat="now"), Code.PAYLOAD_MEMBERS),
        (lambda p: p.update(finished=p["started"] - 1), Code.PAYLOAD_MEMBERS),
        (lambda p: p.update(iat=p["finished"] - 1), Code.PAYLOAD_MEMBERS),
        (lambda p: p.pop("counts"), Code.PAYLOAD_MEMBERS),
        (lambda p: p["counts"].update(rejected=3), Code.PAYLOAD_MEMBERS),
        (lambda p: p["counts"].update(skipped=-1), Code.PAYLOAD_MEMBERS),
        (lambda p: p["counts"].update(skipped=True), Code.PAYLOAD_MEMBERS),
        (lambda p: p["output"].update(sha256="AB" * 32), Code.PAYLOAD_MEMBERS),
        (lambda p: p["output"].pop("size"), Code.PAYLOAD_MEMBERS),
        (lambda p: p["input"]["paths"].update(count=1), Code.PAYLOAD_MEMBERS),
        (lambda p: p["input"]["paths"].update(sha256="00" * 32), Code.PAYLOAD_MEMBERS),
        (lambda p: p["input"]["paths"].update(first=[1]), Code.PAYLOAD_MEMBERS),
        (lambda p: p["question"].update(uses=[]), Code.USES_EMPTY),
        (lambda p: p["question"].update(uses=["ai_training"]), Code.PAYLOAD_MEMBERS),
        (lambda p: p["question"].update(policy="anything"), Code.PAYLOAD_MEMBERS),
        (lambda p: p["question"].update(depth=None), Code.PAYLOAD_MEMBERS),
    ],
)
def test_a_payload_that_breaks_the_format_is_refused(
    output: Path, change: Callable[[dict[str, Any]], object], rule: Code
) -> None:
    members = payload(make_receipt(run(output), SIGNER))
    change(members)
    assert refused(seal(members, SIGNER, RECEIPT_TYPE)) is rule


def test_members_that_this_version_does_not_know_are_ignored(output: Path) -> None:
    members = payload(make_receipt(run(output), SIGNER))
    members["question"]["moon"] = members["tide"] = "high"
    assert read_receipt(seal(members, SIGNER, RECEIPT_TYPE)).records == 5


def test_any_number_of_paths_fits_and_each_counts(output: Path) -> None:
    many = tuple(f"folder/\u0001\u4e2d\U0001f3b5-{n}" for n in range(50_000))
    text = make_receipt(run(output, paths=many, include=many[:99], exclude=many[:99]), SIGNER)
    assert len(text) < TOKEN_CHARS // 2
    receipt = read_receipt(text)
    assert receipt.paths.count == len(many)
    assert not receipt.paths.is_whole
    assert receipt.paths.first == many[: len(receipt.paths.first)] != ()
    changed = make_receipt(run(output, paths=(*many[:-1], "other")), SIGNER)
    assert read_receipt(changed).paths.sha256 != receipt.paths.sha256


def test_the_longest_chain_leaves_room(output: Path) -> None:
    """Five RSA certificates of the usual size."""
    certs = [
        authority(f"ca {n}", f"rsa2048-{n}", path_length=n - 1) if n else Cert(key="rsa2048")
        for n in range(5)
    ]
    chain = tuple(cert.issue(issuer) for cert, issuer in zip(certs, [*certs[1:], certs[-1]], strict=True))
    long = tuple("p" * 200 for _ in range(100))
    made = make_receipt(
        run(output, paths=long, include=long, exclude=long), replace(signer("rsa2048"), chain=chain)
    )
    assert read_receipt(made).check(str(output), trusting(chain), NOW).holds


def test_the_digest_of_a_trust_list_is_of_what_it_says() -> None:
    first = TrustEntry(SIGNER.chain[-1], frozenset({May.IDENTIFY, May.PERMIT}), keys=("k2", "k1"))
    second = TrustEntry(Cert("other", "es256-other").issue())
    digest = trust_digest(TrustList((first, second)))
    assert digest == trust_digest(TrustList((second, replace(first, keys=("k1", "k2")))))
    others = [
        TrustList((first,)),
        TrustList((first,), own=(second,)),
        TrustList((replace(first, may=frozenset({May.IDENTIFY})), second)),
        TrustList((replace(first, kind=Kind.AUTHORITY), second)),
        TrustList((replace(first, keys=("k1",)), second)),
        TrustList((replace(first, isrc_prefixes=("QZ",)), second)),
        TrustList(),
    ]
    assert len({digest, *(trust_digest(trust) for trust in others)}) == len(others) + 1


def test_a_stranger_reads_a_receipt(output: Path) -> None:
    """joserfc, from the specification alone."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from joserfc import jws
    from joserfc.jwk import ECKey

    text = make_receipt(run(output), SIGNER)
    public = SIGNER.chain[0].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    registry = jws.JWSRegistry()
    registry.max_header_length = registry.max_payload_length = TOKEN_CHARS
    told = jws.deserialize_compact(text, ECKey.import_key(public), registry=registry)
    assert told.headers()["typ"] == "noai-receipt+jws"
    assert json.loads(told.payload)["output"]["sha256"] == hashlib.sha256(output.read_bytes()).hexdigest()
