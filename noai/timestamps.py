"""Timestamps of markers (RFC 3161): which one belongs to a marker, and whether it proves the marker's time.

A timestamp stands beside its marker in the tags, in a field of its own, and is found by its message imprint
alone: the SHA-256 of the whole compact JWS, signature included. Checked by the package ``rfc3161-client``,
which is an extra; where it is missing no time is proven, and a code says why.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from noai import certificates
from noai.codes import Code
from noai.encoding import b64_decode
from noai.errors import KeyFileError, TokenRefused
from noai.limits import TIMESTAMP_BYTES, TIMESTAMPS_PER_MARKER
from noai.marker import CLOCK_SKEW

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

#: How far a timestamp may be from the ``iat`` of its marker: more is another event.
TOLERANCE: Final = timedelta(days=1)
#: What writers that know no lists put between several values. The first is a letter of base64, too.
_SEPARATORS: Final = ("/", ";")
#: id-sha256 (RFC 8017, appendix B.1).
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_RSA_BITS: Final = 2048
_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
#: The content of a ContentInfo, and the certificates of SignedData.
_CONTEXT_0: Final = 0xA0
#: "granted" as a TimeStampResp has it in front of its token (RFC 3161, section 2.4.2).
_GRANTED: Final = bytes((_SEQUENCE, 3, 2, 1, 0))


@dataclass(frozen=True)
class Dating:
    """The time that a trusted timestamp gives a marker, if one does, and what is to be said about it."""

    at: datetime | None
    codes: tuple[Code, ...]


class Timestamp(NamedTuple):
    """One timestamp, or what should be one, as it stands in a tag."""

    value: str
    #: DER; empty for what is no strict base64, or too long.
    data: bytes

    def is_of(self, token: str) -> bool:
        """Whether it names the marker ``token``. Nothing is verified."""
        return imprint(token) in self.data


def read_values(texts: Iterable[str]) -> tuple[Timestamp, ...]:
    """Every timestamp in the values of the tags of one file, in their order."""
    return tuple(Timestamp(value, _decoded(value)) for text in texts for value in _split(text.strip()))


def imprint(token: str) -> bytes:
    """What a timestamp of the marker ``token`` is over."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _split(text: str) -> Iterator[str]:
    """Where DER says how long the first timestamp is and a separator follows, another one does."""
    while True:
        length = _encoded_length(text)
        if length is None or text[length : length + 1] not in _SEPARATORS:
            yield text
            return
        yield text[:length]
        text = text[length + 1 :].strip()


def _decoded(value: str) -> bytes:
    if len(value) > 2 * TIMESTAMP_BYTES:
        return b""
    try:
        data = b64_decode(value)
    except TokenRefused:
        return b""
    return data if len(data) <= TIMESTAMP_BYTES else b""


def date(
    token: str, issued_at: int, found: Iterable[Timestamp], anchors: Sequence[x509.Certificate], now: datetime
) -> Dating:
    """How the timestamps in a file date its marker ``token``.

    Raises nothing: a timestamp that proves nothing is a code, and never one that blocks.
    """
    wanted = imprint(token)
    own = [timestamp.data for timestamp in found if wanted in timestamp.data]
    if not own:
        return Dating(None, (Code.TIME_UNPROVEN,))
    codes: dict[Code, None] = {}
    proven: list[datetime] = []
    for data in own[:TIMESTAMPS_PER_MARKER]:
        made = _proven_time(data, wanted, anchors)
        if isinstance(made, Code):
            codes[made] = None
        elif _is_apart(made, issued_at, now):
            codes[Code.TIMESTAMP_APART] = None
        else:
            proven.append(made)
    if proven:
        return Dating(min(proven), (Code.TIME_PROVEN,))
    if len(own) > TIMESTAMPS_PER_MARKER:
        codes[Code.TIMESTAMP_TOO_MANY] = None
    return Dating(None, (Code.TIME_UNPROVEN, *codes))


def _is_apart(made: datetime, issued_at: int, now: datetime) -> bool:
    seconds = made.timestamp()
    return abs(seconds - issued_at) > TOLERANCE.total_seconds() or seconds > now.timestamp() + CLOCK_SKEW


def _proven_time(data: bytes, wanted: bytes, anchors: Sequence[x509.Certificate]) -> datetime | Code:
    """When ``data`` was made, or why that is not known.

    Certificates have to be valid when it was made, not now: a timestamp outlives its authority's certificate.
    """
    try:
        from rfc3161_client import VerificationError, VerifierBuilder
    except ImportError:
        return Code.TIMESTAMP_UNCHECKED
    if not anchors:
        return Code.TIMESTAMP_UNTRUSTED
    try:
        response = open_token(data)
        info = response.tst_info
        if info.message_imprint.hash_algorithm.dotted_string != _SHA256:
            return Code.TIMESTAMP_UNTRUSTED
        held = [certificates.load_der(data) for data in response.signed_data.certificates]
        (signer,) = response.signed_data.signer_infos
        # The library reads every certificate that comes along, whatever that raises.
        if not all(certificates.is_readable(c) and _may_date(c) for c in held if c not in anchors):
            return Code.TIMESTAMP_UNTRUSTED
        with certificates.without_warnings():
            # What OpenSSL checks and what the library looks at has to be the same certificate.
            if [(c.issuer, c.serial_number) for c in held].count((signer.issuer, signer.serial_number)) != 1:
                return Code.TIMESTAMP_UNTRUSTED
            VerifierBuilder(roots=list(anchors)).build().verify(response, wanted)
        return info.gen_time
    except (ValueError, KeyError, TypeError, KeyFileError, VerificationError):
        # KeyError and TypeError: names in a kind of string that they may not be in.
        return Code.TIMESTAMP_UNTRUSTED


def _may_date(certificate: x509.Certificate) -> bool:
    """Whether it is strong enough, and not for other purposes; the library asks that of the leaf alone."""
    key = certificates.public_key(certificate)
    is_weak = isinstance(key, rsa.RSAPublicKey) and key.key_size < _RSA_BITS
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        purposes = None
    is_meant = purposes is None or ExtendedKeyUsageOID.TIME_STAMPING in purposes
    return not is_weak and is_meant and certificates.is_strong(certificate)


def open_token(data: bytes) -> TimeStampResponse:
    """The TimeStampToken ``data``, as the library reads it: in an answer around it.

    Raises:
        ValueError: if it is none, in DER.
        ImportError: without the library.
    """
    from rfc3161_client import decode_timestamp_response

    return decode_timestamp_response(_element(_SEQUENCE, _GRANTED + _sorted(data)))


def parse_answer(data: bytes) -> tuple[int, bytes]:
    """The status of a TimeStampResp, and its TimeStampToken, if there is one (RFC 3161, section 2.4.2).

    Raises:
        ValueError: if it is none, in DER.
    """
    start, end = _content(data, 0, _SEQUENCE)
    if end != len(data):
        raise ValueError("cut off")
    status, _ = _content(data, start, _SEQUENCE)
    at, stop = _content(data, status, _INTEGER)
    return int.from_bytes(data[at:stop], "big"), data[_end(data, start) :]


# -- as much of DER as it takes ---------------------------------------------------------------------


def _encoded_length(text: str) -> int | None:
    """Characters of the base64 with which ``text`` begins, by the length in its DER, if it is DER."""
    try:
        head = base64.b64decode(text[:8], validate=True)
        start, end = _content(head, 0, _SEQUENCE)
    except ValueError:
        return None
    return -(-end // 3) * 4 if end - start <= TIMESTAMP_BYTES else None


def _sorted(data: bytes) -> bytes:
    """``data`` with its certificates in the order that DER has for a set.

    They are signed by nobody as a set, and OpenSSL, which many authorities run, leaves them unsorted; the
    library takes that for damage.

    Raises:
        ValueError: if ``data`` is no ContentInfo with SignedData in DER (RFC 5652, sections 3 and 5.1).
    """
    start, _ = _content(data, 0, _SEQUENCE)
    start, _ = _content(data, _end(data, start), _CONTEXT_0)
    at, end = _content(data, start, _SEQUENCE)
    while at < end:
        following = _end(data, at)
        if data[at] == _CONTEXT_0:
            first, parts = _content(data, at, _CONTEXT_0)[0], []
            at = first
            while at < following:
                parts.append(data[at : _end(data, at)])
                at += len(parts[-1])
            return data[:first] + b"".join(sorted(parts)) + data[at:]
        at = following
    return data


def _content(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the content of the element at ``at`` begins and ends."""
    if data[at : at + 1] != bytes((tag,)):
        raise ValueError("another element was expected")
    length, start = data[at + 1] if at + 1 < len(data) else 0xFF, at + 2
    if length & 0x80:
        size = length & 0x7F
        if not 0 < size <= 3:
            raise ValueError("a length that is not definite, or too large")
        length, start = int.from_bytes(data[start : start + size], "big"), start + size
    return start, start + length


def _end(data: bytes, at: int) -> int:
    """Where the element at ``at`` ends."""
    if at >= len(data):
        raise ValueError("cut off")
    _, end = _content(data, at, data[at])
    if end > len(data):
        raise ValueError("cut off")
    return end


def _element(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    # DER asks for the shortest form.
    size = (length.bit_length() + 7) // 8
    return bytes((tag, 0x80 | size)) + length.to_bytes(size, "big") + content
