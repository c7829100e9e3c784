"""What is kept about certificates and headers: never across another clock, list, type or byte."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from noai import certificates, envelope
from noai.certificates import der
from noai.codes import Code
from noai.encoding import b64url, b64url_decode
from noai.envelope import MARKER_TYPE, parse, seal
from noai.errors import KeyFileError, TokenRefused
from noai.limits import CERTIFICATE_BYTES, CERTIFICATES_KEPT, TOKEN_CHARS
from noai.report import Check
from noai.trust import May, TrustEntry, TrustList
from tests.signers import NOW, ROOT, Cert, authority, forge, header, marker, signer, trusting

SIGNER = signer()
PAYLOAD = marker().payload()


def test_a_chain_is_judged_anew_at_every_time() -> None:
    leaf = Cert(start=NOW, end=NOW + timedelta(days=1))
    chain = signer(leaf=leaf).chain
    trust = trusting(chain)
    for _ in range(2):
        for days, expected in ((0, Check.PASS), (2, Check.FAIL), (-2, Check.FAIL)):
            assert trust.judge(chain, NOW + timedelta(days=days)).check is expected


def test_a_chain_is_judged_anew_by_every_list() -> None:
    chain = SIGNER.chain
    for _ in range(2):
        assert TrustList().judge(chain, NOW).check is Check.UNKNOWN
        assert trusting(chain).judge(chain, NOW).permits("", None) == (False, True)
        assert trusting(chain, May.PERMIT).judge(chain, NOW).permits("", None) == (True, True)
        assert TrustList(own=(TrustEntry(chain[-1]),)).judge(chain, NOW).codes == (Code.SIGNER_OWN,)


def test_one_name_and_key_with_another_issuer_is_another_certificate() -> None:
    stranger = authority("root", "es256-stranger")
    ours, theirs = Cert().issue(ROOT), Cert().issue(stranger)
    for _ in range(2):
        assert certificates.issued_by(ours, ROOT.issue())
        assert not certificates.issued_by(theirs, ROOT.issue())
        assert certificates.issued_by(theirs, stranger.issue())


def test_the_place_in_a_chain_is_part_of_the_question() -> None:
    leaf = Cert().issue(ROOT)
    for _ in range(2):
        assert certificates.chain_faults((leaf,), NOW) == ()
        assert Code.CERTIFICATE_USAGE in certificates.chain_faults((leaf, leaf), NOW)


def test_an_altered_certificate_is_read_anew() -> None:
    data = der(SIGNER.chain[0])
    altered = data[:-1] + bytes((data[-1] ^ 1,))
    assert certificates.load_der(data) == SIGNER.chain[0]
    assert certificates.load_der(altered) != SIGNER.chain[0]
    assert not certificates.issued_by(certificates.load_der(altered), SIGNER.chain[1])
    assert certificates.issued_by(certificates.load_der(data), SIGNER.chain[1])
    for _ in range(2):
        with pytest.raises(KeyFileError):
            certificates.load_der(data[:-1])


def test_a_header_that_was_read_serves_no_other_type() -> None:
    token = seal(PAYLOAD, SIGNER)
    for _ in range(2):
        assert parse(token, MARKER_TYPE).kid == certificates.thumbprint(SIGNER.chain[0])
        with pytest.raises(TokenRefused) as refused:
            parse(token, "noai-grant+jws")
        assert refused.value.rule is Code.TYPE_MISMATCH


def test_behind_a_header_that_was_read_everything_else_is_checked() -> None:
    head, payload, signature = seal(PAYLOAD, SIGNER).split(".")
    assert parse(f"{head}.{payload}.{signature}").verifies()
    wrong = bytearray(b64url_decode(signature))
    wrong[5] ^= 1
    assert not parse(f"{head}.{payload}.{b64url(bytes(wrong))}").verifies()
    with pytest.raises(TokenRefused):
        parse(f"{head}.{payload}x.{signature}")
    other = signer("es256-other")
    assert not parse(f"{head}.{payload}.{seal(PAYLOAD, other).split('.')[2]}").verifies()


def test_a_kid_of_another_key_is_refused_however_often_it_comes() -> None:
    parse(seal(PAYLOAD, SIGNER))
    kid = certificates.thumbprint(signer("es256-other").chain[0])
    forged = forge(header(SIGNER.chain, kid=kid), PAYLOAD, SIGNER.key)
    for _ in range(2):
        with pytest.raises(TokenRefused) as refused:
            parse(forged)
        assert refused.value.rule is Code.KID_MISMATCH


def test_what_is_kept_is_bounded() -> None:
    for number in range(CERTIFICATES_KEPT + 20):
        leaf = Cert(f"leaf {number}", serial=number + 1).issue(ROOT)
        assert certificates.subject(certificates.load_der(der(leaf))) == f"leaf {number}"
    assert certificates._load_kept.cache_info().currsize == CERTIFICATES_KEPT


def test_what_is_too_large_is_not_kept() -> None:
    before = certificates._load_kept.cache_info()
    with pytest.raises(KeyFileError):
        certificates.load_der(der(SIGNER.chain[0]) + bytes(CERTIFICATE_BYTES))
    assert certificates._load_kept.cache_info() == before


def test_a_header_longer_than_a_marker_is_not_kept() -> None:
    padded = json.dumps(header(SIGNER.chain)).replace(",", "," + " " * TOKEN_CHARS, 1)
    token = forge(padded.encode(), PAYLOAD, SIGNER.key)
    before = envelope._read_kept_header.cache_info()
    assert parse(token, limit=len(token)).verifies()
    assert envelope._read_kept_header.cache_info() == before
