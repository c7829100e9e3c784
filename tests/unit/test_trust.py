"""The chain rules of marker v1 and the trust list: who is identified, who may permit."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from noai import certificates
from noai.codes import Code
from noai.errors import KeyFileError, TrustError
from noai.report import Check
from noai.signing import now
from noai.trust import FILE_NAME, Kind, May, TrustEntry, TrustList, entries_from_pem
from tests.audio import run
from tests.signers import NOW, ROOT, Cert, authority, new_key, signer, trusting

LEAF = Cert()
CHAIN = signer().chain


def faults(*certs: Cert) -> tuple[Code, ...]:
    """What is wrong with the chain of ``certs``, each issued by the next, the last by itself."""
    issuers = [*certs[1:], certs[-1]]
    chain = [cert.issue(issuer) for cert, issuer in zip(certs, issuers, strict=True)]
    return certificates.chain_faults(chain, NOW)


def test_a_right_chain_has_no_fault() -> None:
    middle = authority("middle", "es256-middle", path_length=0)
    assert faults(LEAF, ROOT) == ()
    assert faults(LEAF, middle, ROOT) == ()
    assert faults(LEAF) == ()  # self-signed: right, but leads nowhere unless it is pinned


@pytest.mark.parametrize(
    "usage",
    [certificates.DOCUMENT_SIGNING, certificates.C2PA_CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION],
)
def test_leaf_usages_come_from_a_named_list(usage: ObjectIdentifier) -> None:
    assert faults(replace(LEAF, usages=(usage,)), ROOT) == ()


@pytest.mark.parametrize(
    "leaf",
    [
        replace(LEAF, usages=(ExtendedKeyUsageOID.SERVER_AUTH,)),
        replace(LEAF, usages=(ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)),
        replace(LEAF, usages=None),
        replace(LEAF, digital_signature=False, key_cert_sign=False),
        replace(LEAF, key_usage=False),
        replace(LEAF, ca=True, key_cert_sign=True),
    ],
    ids=["server", "any", "no-eku", "no-digital-signature", "no-key-usage", "ca"],
)
def test_a_leaf_must_be_made_for_signing(leaf: Cert) -> None:
    assert Code.CERTIFICATE_USAGE in faults(leaf, ROOT)


@pytest.mark.parametrize(
    "root",
    [
        replace(ROOT, ca=False),
        replace(ROOT, key_cert_sign=False),
        replace(ROOT, key_usage=False),
    ],
    ids=["not-a-ca", "no-cert-sign", "no-key-usage"],
)
def test_an_issuer_must_be_an_authority(root: Cert) -> None:
    assert Code.CERTIFICATE_USAGE in faults(LEAF, root)


def test_path_length_is_kept() -> None:
    middle = authority("middle", "es256-middle")
    assert Code.CERTIFICATE_USAGE in faults(LEAF, middle, replace(ROOT, path_length=0))
    assert faults(LEAF, middle, replace(ROOT, path_length=1)) == ()


def test_expiry_is_a_fault_of_any_certificate() -> None:
    past = replace(LEAF, end=NOW - timedelta(days=1))
    assert faults(past, ROOT) == (Code.SIGNER_EXPIRED,)
    assert faults(replace(LEAF, start=NOW + timedelta(days=1)), ROOT) == (Code.SIGNER_EXPIRED,)
    assert faults(LEAF, replace(ROOT, end=NOW - timedelta(days=1))) == (Code.SIGNER_EXPIRED,)


def test_an_unknown_critical_extension_is_a_fault() -> None:
    unknown = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00")
    assert faults(replace(LEAF, extra=((unknown, False),)), ROOT) == ()
    assert faults(replace(LEAF, extra=((unknown, True),)), ROOT) == (Code.CERTIFICATE_EXTENSION,)
    constraints = x509.NameConstraints([x509.DNSName("example.org")], None)
    assert Code.CERTIFICATE_EXTENSION in faults(LEAF, replace(ROOT, extra=((constraints, True),)))


def test_a_certificate_that_the_next_did_not_sign_breaks_the_chain() -> None:
    impostor = authority("root", "es256-impostor")  # the same name, another key
    chain = (LEAF.issue(ROOT), impostor.issue())
    assert certificates.chain_faults(chain, NOW) == (Code.CHAIN_BROKEN,)


def test_a_chain_to_no_anchor_is_unknown() -> None:
    assert TrustList().judge(CHAIN, NOW).check is Check.UNKNOWN


def test_a_chain_to_an_anchor_passes() -> None:
    judgement = trusting(CHAIN).judge(CHAIN, NOW)
    assert judgement.check is Check.PASS
    assert judgement.name == f"sha256:{certificates.fingerprint(CHAIN[1])}"
    assert Code.SIGNER_TRUSTED in judgement.codes


def test_an_anchor_that_is_not_in_the_chain_is_found_by_its_signature() -> None:
    assert trusting(CHAIN).judge(CHAIN[:1], NOW).check is Check.PASS


def test_an_anchor_matches_by_key_never_by_name() -> None:
    renewed = authority("renamed root", ROOT.key)
    namesake = authority("root", "es256-impostor")
    assert TrustList((TrustEntry(renewed.issue()),)).judge(CHAIN, NOW).check is Check.PASS
    assert TrustList((TrustEntry(namesake.issue()),)).judge(CHAIN, NOW).check is Check.UNKNOWN


def test_a_root_in_the_chain_means_nothing_by_itself() -> None:
    other = authority("other", "es256-other-root")
    mine = trusting((other.issue(),))
    assert mine.judge(CHAIN, NOW).check is Check.UNKNOWN


def test_a_pinned_leaf_vouches_for_nobody_else() -> None:
    pinned = TrustList((TrustEntry(CHAIN[0]),))
    assert pinned.judge(CHAIN, NOW).check is Check.PASS
    issued = Cert("issued", "es256-issued").issue(LEAF)
    assert pinned.judge((issued, CHAIN[0]), NOW).check is Check.FAIL
    assert pinned.judge((issued,), NOW).check is Check.UNKNOWN


def test_a_broken_chain_fails_even_under_an_anchor() -> None:
    expired = signer(leaf=replace(LEAF, end=NOW - timedelta(days=1))).chain
    assert trusting(expired).judge(expired, NOW).check is Check.FAIL


def test_own_identities_identify_and_never_permit() -> None:
    own = TrustEntry(CHAIN[1], frozenset(May))
    judgement = TrustList(own=(own,)).judge(CHAIN, NOW)
    assert judgement.check is Check.PASS
    assert judgement.own
    assert judgement.permits("kid", None) == (False, True)


def test_an_entry_permits_only_if_it_says_so() -> None:
    assert trusting(CHAIN).judge(CHAIN, NOW).permits("kid", None) == (False, True)
    assert trusting(CHAIN, May.GRANT).judge(CHAIN, NOW).permits("kid", None) == (False, True)
    assert trusting(CHAIN, May.PERMIT).judge(CHAIN, NOW).permits("kid", None) == (True, True)


def test_an_entry_added_on_purpose_counts_before_the_own_identity() -> None:
    both = replace(trusting(CHAIN, May.PERMIT), own=(TrustEntry(CHAIN[1]),))
    assert both.judge(CHAIN, NOW).permits("kid", None) == (True, True)


def test_scope_narrows_by_key_and_isrc() -> None:
    entry = TrustEntry(CHAIN[1], frozenset({May.PERMIT}), keys=("k1",), isrc_prefixes=("DEAB1",))
    assert entry.covers("k1", "DEAB12600001")
    assert not entry.covers("k2", "DEAB12600001")
    assert not entry.covers("k1", "USAB12600001")
    assert not entry.covers("k1", None)


def test_only_a_single_party_groups_keys() -> None:
    assert trusting(CHAIN).judge(CHAIN, NOW).identities("k")
    authority_entry = TrustEntry(CHAIN[1], kind=Kind.AUTHORITY)
    assert TrustList((authority_entry,)).judge(CHAIN, NOW).identities("k") == frozenset()


def test_a_single_party_groups_only_the_keys_that_it_covers() -> None:
    narrowed = TrustList((TrustEntry(CHAIN[1], keys=("k1",)),)).judge(CHAIN, NOW)
    assert narrowed.identities("k1")
    assert narrowed.identities("k2") == frozenset()


def test_an_expired_anchor_vouches_for_nobody_whether_or_not_it_is_in_the_chain() -> None:
    expired = replace(ROOT, end=NOW - timedelta(days=1))
    chain = (LEAF.issue(expired), expired.issue())
    mine = trusting(chain, May.PERMIT)
    assert mine.judge(chain, NOW).check is Check.FAIL
    assert mine.judge(chain[:1], NOW).check is Check.UNKNOWN


def test_sha_1_inside_rsassa_pss_is_weak(tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    sigopt = ("-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:20")
    extensions = (
        "keyUsage=digitalSignature",
        "extendedKeyUsage=emailProtection",
        "basicConstraints=CA:FALSE",
    )
    run(
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha1", "-subj", "/CN=x", "-days", "9",
        "-keyout", key, "-out", cert, *sigopt, *(part for e in extensions for part in ("-addext", e)),
    )  # fmt: skip
    chain = certificates.load_pem_chain(cert.read_bytes(), "x")
    assert Code.CERTIFICATE_WEAK in certificates.chain_faults(chain, now())


def test_certificates_of_unheard_of_versions_are_no_certificates() -> None:
    data = bytearray(certificates.der(CHAIN[0]))
    at = data.index(b"\xa0\x03\x02\x01\x02")
    data[at + 4] = 3
    with pytest.raises(KeyFileError):
        certificates.load_der(bytes(data))


# -- the file --------------------------------------------------------------------------------


def test_a_list_is_saved_and_loaded(tmp_path: Path) -> None:
    entry = TrustEntry(CHAIN[1], frozenset({May.IDENTIFY, May.GRANT}), Kind.AUTHORITY, ("k",), ("DE",))
    TrustList().with_entry(entry).save(tmp_path / "new")
    loaded = TrustList.load(tmp_path / "new")
    assert loaded.entries == (entry,)
    assert loaded.digest == TrustList((entry,)).digest
    assert (tmp_path / "new" / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_no_file_is_an_empty_list(tmp_path: Path) -> None:
    assert TrustList.load(tmp_path) == TrustList()


def test_adding_again_replaces_what_an_entry_may_do(tmp_path: Path) -> None:
    (first,) = entries_from_pem(certificates.pem([CHAIN[1]]).encode(), "x", (May.PERMIT,))
    (again,) = entries_from_pem(certificates.pem([CHAIN[1]]).encode(), "x")
    assert TrustList().with_entry(first).with_entry(again).entries == (again,)


def test_removing_needs_exactly_one_match() -> None:
    mine = trusting(CHAIN)
    prefix = mine.entries[0].fingerprint[:8]
    assert mine.without(prefix)[0].entries == ()
    for wrong in ("", "zz"):
        with pytest.raises(TrustError):
            mine.without(wrong)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: "not json",
        lambda d: "[]",
        lambda d: json.dumps({**d, "schema": "noai.trust/2"}),
        lambda d: json.dumps({**d, "entries": {}}),
        lambda d: json.dumps({**d, "entries": [1]}),
        lambda d: json.dumps({**d, "entries": [{**d["entries"][0], "may": ["everything"]}]}),
        lambda d: json.dumps({**d, "entries": [{**d["entries"][0], "may": "permit"}]}),
        lambda d: json.dumps({**d, "entries": [{**d["entries"][0], "sha256": "00"}]}),
        lambda d: json.dumps({**d, "entries": [{**d["entries"][0], "certificate": "x"}]}),
        lambda d: json.dumps({**d, "entries": [{}]}),
    ],
)
def test_a_damaged_list_is_an_error_never_a_part_of_a_list(tmp_path: Path, spoil) -> None:  # type: ignore[no-untyped-def]
    trusting(CHAIN, May.PERMIT).save(tmp_path)
    path = tmp_path / FILE_NAME
    path.write_text(spoil(json.loads(path.read_text())))
    with pytest.raises(TrustError):
        TrustList.load(tmp_path)


def test_pem_files_must_hold_certificates() -> None:
    for data in (b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        with pytest.raises(KeyFileError):
            entries_from_pem(data, "x.pem")


def test_thumbprints_are_those_of_rfc_7638() -> None:
    # RFC 7638, section 3.1.
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    from noai.encoding import b64url_decode

    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRX"
        "jBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs"
        "8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G"
        "_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    key = RSAPublicNumbers(65537, int.from_bytes(b64url_decode(modulus), "big")).public_key()
    assert certificates.key_thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_thumbprints_agree_with_another_implementation() -> None:
    from joserfc.jwk import import_key

    for kind in ("es256", "es384", "ed25519", "rsa2048"):
        key = new_key(kind).public_key()
        certificate = Cert(key=kind).issue(ROOT)
        theirs = import_key(certificates.pem([certificate]), _kty(kind))
        assert certificates.key_thumbprint(key) == theirs.thumbprint()


def _kty(kind: str) -> str:
    return {"es256": "EC", "es384": "EC", "ed25519": "OKP", "rsa2048": "RSA"}[kind]
