"""Every rule of marker v1 that concerns the envelope, one test a rule (docs/format/marker-v1.md)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from noai.algorithms import Algorithm
from noai.certificates import der
from noai.claim import Permission, Use, Work
from noai.codes import Code
from noai.encoding import b64url, b64url_decode
from noai.envelope import parse, salvage, seal
from noai.errors import SigningError, TokenRefused
from noai.limits import TOKEN_CHARS
from noai.marker import Marker
from noai.signing import CallbackSigner, KeySigner
from tests.signers import ROOT, Cert, forge, header, marker, new_key, signer

SIGNER = signer()
PAYLOAD = marker().payload()


def refusal(token: str) -> Code:
    with pytest.raises(TokenRefused) as caught:
        Marker.from_token(parse(token))
    return caught.value.rule


def forged(payload: Any = None, **header_changes: Any) -> str:
    return forge(
        header(SIGNER.chain, **header_changes),
        PAYLOAD if payload is None else payload,
        SIGNER.key,
    )


@pytest.mark.parametrize(
    ("key", "alg"),
    [("es256", "ES256"), ("es384", "ES384"), ("ed25519", "Ed25519"), ("rsa2048", "PS256")],
)
def test_every_algorithm_seals_and_verifies(key: str, alg: str) -> None:
    token = parse(seal(PAYLOAD, signer(key)))
    assert token.algorithm.value == alg
    assert token.verifies()
    assert Marker.from_token(token).claim == marker().claim


def test_a_token_is_what_it_was_sealed_from() -> None:
    token = parse(seal(PAYLOAD, SIGNER))
    assert token.payload == PAYLOAD
    assert token.chain == SIGNER.chain
    assert Marker.from_token(token) == marker(input_sha256=token.input_sha256)


def test_eddsa_is_read_only_with_an_ed25519_key() -> None:
    ed = signer("ed25519")
    assert parse(forge(header(ed.chain, alg="EdDSA"), PAYLOAD, ed.key)).verifies()
    assert refusal(forged(alg="EdDSA")) is Code.KEY_MISMATCH


@pytest.mark.parametrize(
    "alg", ["none", "None", "nOnE", "HS256", "RS256", "ES512", "ES256K", "", None, 1, ["ES256"]]
)
def test_other_algorithms_are_refused(alg: Any) -> None:
    token = forge({**header(SIGNER.chain), "alg": alg}, PAYLOAD, SIGNER.key)
    assert refusal(token) is Code.ALG_REFUSED


def test_alg_none_with_an_empty_signature_is_refused() -> None:
    assert refusal(forge(header(SIGNER.chain, alg="none"), PAYLOAD, None)) is Code.ALG_REFUSED


def test_hs256_with_the_public_key_as_secret_is_refused() -> None:
    head = header(SIGNER.chain, alg="HS256")
    unsigned = forge(head, PAYLOAD, None)
    public = der(SIGNER.chain[0])
    mac = hmac.new(public, unsigned.rstrip(".").encode(), hashlib.sha256).digest()
    assert refusal(unsigned + b64url(mac)) is Code.ALG_REFUSED


@pytest.mark.parametrize("name", ["crit", "b64", "zip", "jku", "jwk", "x5u", "x5t#S256", "cty", "nonce"])
def test_foreign_header_members_are_refused(name: str) -> None:
    assert refusal(forged(**{name: "x"})) is Code.HEADER_MEMBERS


@pytest.mark.parametrize("name", ["typ", "kid", "x5c"])
def test_missing_header_members_are_refused(name: str) -> None:
    assert refusal(forged(**{name: None})) is Code.HEADER_MEMBERS


@pytest.mark.parametrize("typ", ["NOAI+JWS", "noai+jws ", "noai-grant+jws", "JWT", 1])
def test_typ_is_compared_byte_by_byte(typ: Any) -> None:
    assert refusal(forged(typ=typ)) is Code.TYPE_MISMATCH


def test_a_chain_that_does_not_match_kid_is_refused() -> None:
    other = signer("es256-other", leaf=Cert(key="es256-other"))
    swapped = [base64.b64encode(der(c)).decode() for c in other.chain]
    assert refusal(forged(x5c=swapped)) is Code.KID_MISMATCH


def test_a_key_that_does_not_match_alg_is_refused() -> None:
    assert refusal(forged(alg="ES384")) is Code.KEY_MISMATCH
    assert refusal(forged(alg="PS256")) is Code.KEY_MISMATCH


@pytest.mark.parametrize("key", ["rsa1024", "rsa3"])
def test_weak_rsa_keys_are_refused(key: str) -> None:
    weak = signer(key, leaf=Cert(key=key))
    assert refusal(forge(header(weak.chain, alg="PS256"), PAYLOAD, weak.key)) is Code.KEY_WEAK


@pytest.mark.parametrize("x5c", [[], "x", None, [1], ["!"], ["AAAA"], [""], [["AAAA"]]])
def test_x5c_holds_certificates(x5c: Any) -> None:
    token = forge({**header(SIGNER.chain), "x5c": x5c}, PAYLOAD, SIGNER.key)
    assert refusal(token) is Code.CHAIN_MALFORMED


def test_x5c_holds_at_most_five_certificates() -> None:
    one = base64.b64encode(der(SIGNER.chain[1])).decode()
    chain = [*header(SIGNER.chain)["x5c"], one, one, one]
    assert len(parse(forged(x5c=chain)).chain) == 5
    assert refusal(forged(x5c=[*chain, one])) is Code.CHAIN_MALFORMED


def test_x5c_is_strict_base64() -> None:
    leaf, *rest = header(SIGNER.chain)["x5c"]
    for spoiled in (
        leaf + "\n",
        leaf.rstrip("=") + "=" * 4,
        " " + leaf,
        leaf.replace("/", "_").replace("+", "-") + "_",
    ):
        assert refusal(forged(x5c=[spoiled, *rest])) is Code.CHAIN_MALFORMED


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c.d", "....", "NOAI"])
def test_a_token_has_three_parts(text: str) -> None:
    assert refusal(text) in (Code.MARKER_MALFORMED, Code.TOKEN_ENCODING)


@pytest.mark.parametrize("part", [0, 1, 2])
@pytest.mark.parametrize("spoil", ["pad", "space", "alphabet", "bits"])
def test_base64url_is_strict(part: int, spoil: str) -> None:
    parts = seal(PAYLOAD, SIGNER).split(".")
    text = parts[part]
    if spoil == "bits":
        # The last character of a part whose length is not a multiple of 4 has unused bits.
        data = b64url_decode(text)
        if len(data) % 3 == 0:
            return
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        text = text[:-1] + alphabet[alphabet.index(text[-1]) ^ 1]
    else:
        text = {"pad": text + "=", "space": text[:5] + " " + text[5:], "alphabet": "+" + text[1:]}[spoil]
    parts[part] = text
    assert refusal(".".join(parts)) is Code.TOKEN_ENCODING


def test_a_token_is_at_most_16_kib() -> None:
    padded = {**PAYLOAD, "constraint_info": "x" * TOKEN_CHARS}
    assert refusal(forged(padded)) is Code.TOKEN_TOO_LARGE
    with pytest.raises(TokenRefused):
        seal(padded, SIGNER)


RAW = json.dumps(PAYLOAD)


@pytest.mark.parametrize(
    ("payload", "rule"),
    [
        (RAW.replace('"noai": 1', '"noai": 1, "noai": 1'), Code.TOKEN_DUPLICATE_MEMBER),
        (
            RAW.replace('"cawg.ai_training":', '"cawg.ai_training": "allowed", "cawg.ai_training":'),
            Code.TOKEN_DUPLICATE_MEMBER,
        ),
        (RAW.replace('"noai": 1', '"noai": 1, "x": {"a": 1, "\\u0061": 2}'), Code.TOKEN_DUPLICATE_MEMBER),
        ("\ufeff" + RAW, Code.TOKEN_ENCODING),
        (RAW.replace('"noai": 1', '"noai": 1, "x": "\\ud800"'), Code.TOKEN_ENCODING),
        (RAW.replace('"noai": 1', '"noai": 1, "\\udc00": 1'), Code.TOKEN_ENCODING),
        (RAW.replace('"noai": 1', '"noai": 1, "x": 1.0'), Code.TOKEN_NUMBER),
        (RAW.replace('"noai": 1', '"noai": 1, "x": 1e3'), Code.TOKEN_NUMBER),
        (RAW.replace('"noai": 1', '"noai": 1, "x": NaN'), Code.TOKEN_NUMBER),
        (RAW.replace('"noai": 1', '"noai": 1, "x": -Infinity'), Code.TOKEN_NUMBER),
        (RAW.replace('"noai": 1', f'"noai": 1, "x": {2**53}'), Code.TOKEN_NUMBER),
        (RAW.replace('"noai": 1', f'"noai": 1, "x": {"9" * 5000}'), Code.TOKEN_NUMBER),
        (RAW.replace('"noai": 1', '"noai": 1, "x": ' + "[" * 8 + "]" * 8), Code.TOKEN_DEPTH),
        (RAW.replace('"noai": 1', '"noai": 1, "x": ' + "[" * 4000 + "]" * 4000), Code.TOKEN_DEPTH),
        ("[]", Code.TOKEN_ENCODING),
        ("1", Code.TOKEN_ENCODING),
        ("{", Code.TOKEN_ENCODING),
        (RAW + "x", Code.TOKEN_ENCODING),
    ],
)
def test_json_is_strict(payload: str, rule: Code) -> None:
    assert refusal(forged(payload.encode("utf-8", "surrogatepass"))) is rule


def test_json_is_utf_8() -> None:
    assert refusal(forged(RAW.encode("utf-16"))) is Code.TOKEN_ENCODING
    assert refusal(forged(RAW.replace("noai", "noai\xff").encode("latin-1"))) is Code.TOKEN_ENCODING


def test_the_header_is_as_strict_as_the_payload() -> None:
    raw = json.dumps(header(SIGNER.chain)).replace('"typ"', '"alg": "none", "typ"')
    assert refusal(forge(raw.encode(), PAYLOAD, SIGNER.key)) is Code.TOKEN_DUPLICATE_MEMBER


def test_depth_of_eight_is_accepted() -> None:
    deep = RAW.replace('"noai": 1', '"noai": 1, "x": ' + "[" * 7 + "]" * 7)
    assert parse(forged(deep.encode())).verifies()


def test_brackets_in_strings_are_not_depth() -> None:
    text = RAW.replace('"noai": 1', '"noai": 1, "x": "' + '[{\\"' * 50 + '"')
    assert parse(forged(text.encode())).verifies()


def test_ecdsa_signatures_in_der_do_not_verify() -> None:
    token = seal(PAYLOAD, SIGNER)
    signing_input, _, signature = token.rpartition(".")
    raw = b64url_decode(signature)
    as_der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    assert not parse(f"{signing_input}.{b64url(as_der)}").verifies()


def test_a_malleated_signature_changes_no_digest() -> None:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    token = seal(PAYLOAD, SIGNER)
    signing_input, _, signature = token.rpartition(".")
    raw = b64url_decode(signature)
    s = order - int.from_bytes(raw[32:], "big")
    other = parse(f"{signing_input}.{b64url(raw[:32] + s.to_bytes(32, 'big'))}")
    assert other.verifies()
    assert other.input_sha256 == parse(token).input_sha256


def test_a_signer_whose_signature_is_wrong_is_found_out() -> None:
    der_signer = CallbackSigner(lambda data: b"\x30" * 70, SIGNER.chain)
    with pytest.raises(SigningError, match="not DER"):
        seal(PAYLOAD, der_signer)


def test_a_callback_signs_like_a_key() -> None:
    remote = CallbackSigner(SIGNER.sign, SIGNER.chain)
    assert remote.algorithm is Algorithm.ES256
    assert parse(seal(PAYLOAD, remote)).verifies()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"noai": 2}, Code.PAYLOAD_VERSION),
        ({"noai": True}, Code.PAYLOAD_VERSION),
        ({"noai": "1"}, Code.PAYLOAD_VERSION),
        ({"noai": None}, Code.PAYLOAD_VERSION),
        ({"uses": {}}, Code.USES_EMPTY),
        ({"uses": None}, Code.USES_EMPTY),
        ({"uses": []}, Code.USES_EMPTY),
        ({"uses": {"org.example.other": "notAllowed"}}, Code.USES_EMPTY),
        ({"uses": {"cawg.ai_training": "maybe"}}, Code.PERMISSION_UNKNOWN),
        ({"uses": {"cawg.ai_training": "Allowed"}}, Code.PERMISSION_UNKNOWN),
        ({"uses": {"cawg.ai_training": True}}, Code.PERMISSION_UNKNOWN),
        ({"id": None}, Code.PAYLOAD_MEMBERS),
        ({"id": "urn:uüid"}, Code.PAYLOAD_MEMBERS),
        ({"iat": None}, Code.PAYLOAD_MEMBERS),
        ({"iat": True}, Code.PAYLOAD_MEMBERS),
        ({"iat": "1"}, Code.PAYLOAD_MEMBERS),
        ({"iat": -1}, Code.PAYLOAD_MEMBERS),
        ({"iat": 2**52}, Code.PAYLOAD_MEMBERS),
        ({"exp": "tomorrow"}, Code.PAYLOAD_MEMBERS),
        ({"essence": None}, Code.PAYLOAD_MEMBERS),
        ({"essence": {"alg": "md5", "scheme": "mp3/1", "digest": ""}}, Code.PAYLOAD_MEMBERS),
        ({"essence": {"alg": "sha-256", "scheme": "mp3/1", "digest": "AAAA"}}, Code.PAYLOAD_MEMBERS),
        ({"rights": "all"}, Code.PAYLOAD_MEMBERS),
        ({"rights": {"holder": 1}}, Code.PAYLOAD_MEMBERS),
        ({"supersedes": {}}, Code.PAYLOAD_MEMBERS),
        ({"supersedes": [{"id": "a"}]}, Code.PAYLOAD_MEMBERS),
        ({"companions": ["x"]}, Code.PAYLOAD_MEMBERS),
        ({"constraint_info": 1}, Code.PAYLOAD_MEMBERS),
    ],
)
def test_payload_members_are_typed(changes: dict[str, Any], rule: Code) -> None:
    assert refusal(forged({**PAYLOAD, **changes})) is rule


def test_unknown_payload_members_are_ignored() -> None:
    token = parse(forged({**PAYLOAD, "future": {"x": [1, "2", None, True]}}))
    assert Marker.from_token(token).claim == marker().claim
    assert "future" in token.payload


def test_members_that_were_named_later_never_refuse_a_token() -> None:
    """Before that they were unknown, and whatever stood there was ignored."""
    for strange in (["00014107338"], 14107338, {"name": "x"}):
        token = parse(forged({**PAYLOAD, "work": {"title": "T", "ipi": strange, "dpid": strange}}))
        assert Marker.from_token(token).claim.work == Work("T")
    token = parse(forged({**PAYLOAD, "work": {"ipi": "00014107338", "dpid": "PADPIDA2013020802I"}}))
    assert Marker.from_token(token).claim.work == Work(ipi="00014107338", dpid="PADPIDA2013020802I")


# -- a refused token is still searched for a denial ------------------------------------------

DENIES = b'{"noai": 1, "uses": {"cawg.ai_training": "notAllowed", "cawg.data_mining": "allowed"}}'


@pytest.mark.parametrize(
    "token",
    [
        f"e30.{b64url(DENIES)}.",
        f"e30.{b64url(DENIES)}=.",
        f"e30.{b64url(DENIES)}",
        f"{b64url(DENIES)}",
        f"a.b.c.{base64.b64encode(DENIES).decode()}",
        "e30." + "\n".join(b64url(DENIES)) + ".x",
        DENIES.decode(),
        f"e30.{b64url(DENIES.replace(b'notAllowed', b'not' + chr(92).encode() + b'u0041llowed'))}.",
        f"e30.{b64url(DENIES.replace(b'notAllowed', b'NOTALLOWED'))}.",
        f"e30.{b64url(DENIES.replace(b'notAllowed', b'constrained'))}.",
        f"e30.{b64url(DENIES + b'garbage')}.",
        f"e30.{b64url(DENIES[:-5])}.",
    ],
)
def test_a_refused_token_still_denies(token: str) -> None:
    assert salvage(token) == {Use.TRAINING: Permission.NOT_ALLOWED}


def test_a_duplicate_member_denies_in_either_order() -> None:
    for order in (("allowed", "notAllowed"), ("notAllowed", "allowed")):
        body = ", ".join(f'"cawg.ai_training": "{said}"' for said in order)
        assert salvage(f"x.{b64url(f'{{{body}}}'.encode())}.y") == {Use.TRAINING: Permission.NOT_ALLOWED}


def test_a_denial_of_an_unknown_use_denies_everything() -> None:
    body = b'{"uses": {"org.example.future": "notAllowed"}}'
    assert set(salvage(f"x.{b64url(body)}.y")) == set(Use)


def test_a_permission_is_never_salvaged() -> None:
    body = b'{"uses": {"cawg.ai_training": "allowed"}}'
    assert salvage(f"x.{b64url(body)}.y") == {}


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
def test_any_text_is_read_or_refused(text: str) -> None:
    salvage(text)
    with pytest.raises(TokenRefused):
        parse(text)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_change_of_one_character_is_refused_or_fails(data: st.DataObject) -> None:
    token = seal(PAYLOAD, KeySigner(SIGNER.key, SIGNER.chain[:1]))
    position = data.draw(st.integers(0, len(token) - 1))
    character = data.draw(st.sampled_from("ABCDEFGHIJabcdefgh0123456789-_.=+/ "))
    changed = token[:position] + character + token[position + 1 :]
    if changed == token:
        return
    with contextlib.suppress(TokenRefused):
        assert not parse(changed).verifies()


def test_the_roots_key_cannot_stand_in_for_the_leafs() -> None:
    token = forge(header(SIGNER.chain), PAYLOAD, new_key(ROOT.key))
    assert not parse(token).verifies()
