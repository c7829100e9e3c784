"""Claim bytes to compact JWS and back (RFC 7515), as strict as marker v1 asks.

:func:`parse` accepts exactly what :func:`seal` makes; everything else is refused with the rule
that it breaks. :func:`salvage` reads a refused token as leniently as it can, for denials only.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from uuid import uuid4

from cryptography import x509

from noai import algorithms, certificates
from noai.algorithms import Algorithm
from noai.claim import ALL_USES, Permission, Use
from noai.codes import Code
from noai.encoding import Json, b64_decode, b64url, b64url_decode, json_bytes, json_object
from noai.errors import KeyFileError, TokenRefused
from noai.limits import CERTIFICATE_BYTES, CERTIFICATES_KEPT, CHAIN_CERTIFICATES, TOKEN_CHARS
from noai.signing import Signer, sign_checked

#: The ``typ`` of a marker. Every other kind of statement has its own (DESIGN: Consent).
MARKER_TYPE: Final = "noai+jws"
_HEADER_MEMBERS: Final = frozenset({"alg", "typ", "kid", "x5c"})
_ASCII: Final = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True)
class Token:
    """A compact JWS that keeps every rule of the envelope. Its signature is not verified yet."""

    algorithm: Algorithm
    kid: str
    chain: tuple[x509.Certificate, ...]
    payload: dict[str, Json]
    signing_input: bytes
    signature: bytes

    def verifies(self) -> bool:
        """Whether the signature is right under the leaf's key."""
        key = self.algorithm.require_key(certificates.public_key(self.chain[0]))
        return algorithms.verify(self.algorithm, key, self.signature, self.signing_input)

    @property
    def input_sha256(self) -> str:
        """What names this token: over the signing input, since ECDSA signatures are malleable."""
        return b64url(hashlib.sha256(self.signing_input).digest())


def seal(
    payload: Mapping[str, object], signer: Signer, typ: str = MARKER_TYPE, limit: int = TOKEN_CHARS
) -> str:
    """Sign ``payload`` as a compact JWS of at most ``limit`` characters.

    Raises:
        SigningError: if the signer fails or its signature does not verify.
        TokenRefused: if the token would exceed the limits of the format.
    """
    header = {
        "alg": signer.algorithm.value,
        "typ": typ,
        "kid": certificates.thumbprint(signer.chain[0]),
        "x5c": [base64.b64encode(certificates.der(c)).decode("ascii") for c in signer.chain],
    }
    signing_input = f"{b64url(json_bytes(header))}.{b64url(json_bytes(payload))}"
    signature = sign_checked(signer, signing_input.encode("ascii"))
    token = f"{signing_input}.{b64url(signature)}"
    parse(token, typ, limit)
    return token


def parse(text: str, typ: str = MARKER_TYPE, limit: int = TOKEN_CHARS) -> Token:
    """Read a compact JWS of at most ``limit`` characters; nothing about its key or signature is trusted.

    Raises:
        TokenRefused: ``rule`` says which rule of the envelope is broken.
    """
    # 1. Size and shape.
    if len(text) > limit:
        raise TokenRefused(Code.TOKEN_TOO_LARGE, f"longer than {limit} characters")
    parts = text.split(".")
    if len(parts) != 3:
        raise TokenRefused(Code.MARKER_MALFORMED, "not three parts joined by dots")
    # 2. Header, chain and key.
    read = _read_kept_header if len(parts[0]) <= TOKEN_CHARS else _read_header
    algorithm, kid, chain = read(parts[0], typ)
    # 3. Payload and signature.
    payload = json_object(b64url_decode(parts[1]))
    signature = b64url_decode(parts[2])
    signing_input = f"{parts[0]}.{parts[1]}".encode("ascii")
    return Token(algorithm, kid, chain, payload, signing_input, signature)


def _read_header(part: str, typ: str) -> tuple[Algorithm, str, tuple[x509.Certificate, ...]]:
    """
    Raises:
        TokenRefused: ``rule`` says which rule of the envelope is broken.
    """
    # 1. Strict JSON, exactly four members.
    header = json_object(b64url_decode(part))
    # The algorithm is looked at first, so that "none" is named for what it is.
    algorithm = Algorithm.from_header(header.get("alg"))
    if set(header) != _HEADER_MEMBERS:
        names = ", ".join(sorted(name[:20] for name in set(header) ^ _HEADER_MEMBERS))
        raise TokenRefused(Code.HEADER_MEMBERS, f"header members missing or foreign: {names}")
    if header["typ"] != typ:
        raise TokenRefused(Code.TYPE_MISMATCH, f"typ is not {typ}")
    # 2. The chain, the key it yields, and whether kid and alg agree with it.
    chain = _chain(header["x5c"])
    kid = header["kid"]
    try:
        leaf_key = certificates.public_key(chain[0])
        thumbprint = certificates.key_thumbprint(leaf_key)
    except KeyFileError as error:
        raise TokenRefused(Code.KEY_MISMATCH, f"the leaf's key cannot be used: {error}") from None
    if not isinstance(kid, str) or kid != thumbprint:
        raise TokenRefused(Code.KID_MISMATCH, "kid is not the thumbprint of the leaf's key")
    algorithm.require_key(leaf_key)
    return algorithm, kid, chain


#: A signer's tokens of one kind have one header.
_read_kept_header: Final = lru_cache(maxsize=CERTIFICATES_KEPT)(_read_header)


def new_id() -> str:
    """An id for a statement that is about to be signed."""
    return f"urn:uuid:{uuid4()}"


def require_version(payload: Mapping[str, Json], member: str, version: int) -> None:
    """
    Raises:
        TokenRefused: if ``payload`` is of another version. ``true`` is not 1.
    """
    if type(payload.get(member)) is not int or payload[member] != version:
        raise TokenRefused(Code.PAYLOAD_VERSION, f"{member} is not {version}")


def identifier(value: Json, what: str) -> str:
    """An identifier: ASCII, without spaces, compared byte by byte.

    Raises:
        TokenRefused: for anything else.
    """
    if not isinstance(value, str) or not _ASCII.fullmatch(value):
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{what} is not an ASCII identifier")
    return value


def salvage(text: str) -> dict[Use, Permission]:
    """Denials in a refused token: if any reading of it denies, it denies.

    Every part is decoded with any base64 alphabet and any padding, then read as JSON with
    duplicates kept, then as bare bytes. A permission is never salvaged.
    """
    text = text[: 4 * TOKEN_CHARS]
    named: set[Use] = set()
    denies = False
    for part in [text, *text.split(".")]:
        for data in (part.encode("utf-8", "replace"), decode_leniently(part)):
            # Escaped letters spell the same string: \u006e is n.
            plain = _ESCAPED.sub(lambda match: bytes([int(match[1], 16)]), data)
            named |= {use for use, denial in _DENIALS.items() if denial.search(plain)}
            denies = denies or _ANY_DENIAL.search(plain) is not None
    # A denial of nothing that version 1 knows is one of everything.
    found = named or (set(Use) if denies else set())
    return {use: Permission.NOT_ALLOWED for use in ALL_USES if use in found}


_BASE64_NOISE: Final = re.compile(r"[^A-Za-z0-9+/]")
_ESCAPED: Final = re.compile(rb"\\u00([2-7][0-9a-fA-F])")
_ANY_DENIAL: Final = re.compile(rb'"(?:notallowed|constrained)"', re.IGNORECASE)
_DENIALS: Final = {
    use: re.compile(
        rb'"' + re.escape(use.value.encode("ascii")) + rb'"\s*:\s*' + _ANY_DENIAL.pattern,
        re.IGNORECASE,
    )
    for use in Use
}


def decode_leniently(part: str) -> bytes:
    """Base64 of any alphabet and padding, whatever stands between."""
    plain = _BASE64_NOISE.sub("", part.replace("-", "+").replace("_", "/"))
    plain = plain[: len(plain) - 1] if len(plain) % 4 == 1 else plain
    return base64.b64decode(plain + "=" * (-len(plain) % 4))


def _chain(value: Json) -> tuple[x509.Certificate, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= CHAIN_CERTIFICATES:
        raise TokenRefused(Code.CHAIN_MALFORMED, f"x5c does not hold 1 to {CHAIN_CERTIFICATES} certificates")
    chain = []
    for item in value:
        data = b64_decode(item) if isinstance(item, str) else b""
        if not 0 < len(data) <= CERTIFICATE_BYTES:
            raise TokenRefused(Code.CHAIN_MALFORMED, "a certificate in x5c is missing or too large")
        try:
            chain.append(certificates.load_der(data))
        except KeyFileError as error:
            raise TokenRefused(Code.CHAIN_MALFORMED, f"x5c: {error}") from None
    return tuple(chain)
