"""Places in a file where somebody could hide a marker or put another one, and what is decided then."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import pytest

from noai.claim import Claim, Permission, Use
from noai.containers._flac_blocks import LAST, read_layout
from noai.envelope import seal
from noai.marker import Marker
from noai.marking import mark
from noai.policy import Policy
from noai.report import Depth
from noai.sources import BytesSource
from noai.trust import May
from noai.verdict import Decision, Verdict
from noai.verifying import Verifier
from tests.audio import Studio
from tests.signers import ESSENCE, NOW, signer, trusting
from tests.unit.id3_bytes import frame, syncsafe, tag
from tests.unit.mp3_bytes import ape, id3v1, lyrics3

ARTIST = signer()
#: The verifier trusts the artist as far as it can, so that nothing is refused for want of trust.
TRUST = trusting(ARTIST.chain, May.PERMIT)
STATEMENT = "noai:AbCdEfGhIjKlMnOpQrStUv No AI training without permission."
#: Longer than what is looked at in front of the end of a file.
PICTURE = frame(4, "APIC", b"\0image/png\0\3\0" + bytes(range(256)) * 40)


def claim(permission: Permission) -> Claim:
    return Claim(uses=dict.fromkeys(Use, permission))


@cache
def token(permission: Permission) -> str:
    """A token by the artist that says ``permission`` of all uses of another recording."""
    issued = int((NOW - timedelta(hours=2)).timestamp())
    marker = Marker(
        id="urn:uuid:7e8c0c0e-64a8-4d4b-9c6e-0a1c1f5f3d11",
        issued_at=issued,
        essence=ESSENCE,
        claim=claim(permission),
        expires_at=issued + 3_600_000,
    )
    return seal(marker.payload(), ARTIST)


DENIAL, PERMISSION = token(Permission.NOT_ALLOWED), token(Permission.ALLOWED)


def judge(data: bytes) -> Verdict:
    """The verdict, which is the same at both depths."""
    deep = Verifier(Policy(), TRUST, NOW, Depth.EVIDENCE).verify(data)
    quick = Verifier(Policy(), TRUST, NOW, Depth.DECISION).verify(data)
    assert quick.decision is deep.decision
    assert quick.admitted is deep.admitted
    return deep


def require_not_admitted(data: bytes) -> None:
    verdict = judge(data)
    assert verdict.decision in (Decision.REJECTED, Decision.UNDECIDED), verdict.reasons


def require_rejected(data: bytes) -> None:
    verdict = judge(data)
    assert verdict.decision is Decision.REJECTED, verdict.reasons


class Files:
    """Real files of every kind: as encoded, marked, permitted. Each is made once."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._marked: dict[tuple[str, str, Permission], bytes] = {}

    def plain(self, container: str, variant: str = "plain") -> bytes:
        return self._studio.encoded(container, variant).read_bytes()

    def saying(self, permission: Permission, container: str, variant: str = "plain") -> bytes:
        key = (container, variant, permission)
        if key not in self._marked:
            data = self.plain(container, variant)
            self._marked[key] = mark(data, signer=ARTIST, claim=claim(permission), c2pa=False, now=NOW)
        return self._marked[key]

    def marked(self, container: str, variant: str = "plain") -> bytes:
        return self.saying(Permission.NOT_ALLOWED, container, variant)

    def permitted(self, container: str, variant: str = "plain") -> bytes:
        return self.saying(Permission.ALLOWED, container, variant)


@dataclass(frozen=True)
class Place:
    """``put(data, token)`` gives ``data`` with a token, or with what else such a place can hold."""

    name: str
    put: Callable[[bytes, str], bytes]
    #: Whether the place has slots for markers; else it holds a statement whatever the token.
    slot: bool = True

    def __str__(self) -> str:
        return self.name


def txxx(value: str, description: bytes = b"NOAI") -> bytes:
    return frame(4, "TXXX", b"\3" + description + b"\0" + value.encode())


def id3(value: str) -> bytes:
    return tag(4, txxx(value))


def footed(*frames: bytes) -> bytes:
    """An ID3v2.4 tag with a footer."""
    body = b"".join(frames)
    head = b"\x04\0\x10" + syncsafe(len(body))
    return b"ID3" + head + body + b"3DI" + head


def seeking(offset: int) -> bytes:
    return tag(4, frame(4, "SEEK", offset.to_bytes(4, "big")))


def block(kind: int, data: bytes, *, last: bool = False) -> bytes:
    """A FLAC metadata block."""
    return bytes((kind | (LAST if last else 0),)) + len(data).to_bytes(3, "big") + data


def with_block(data: bytes, kind: int, content: bytes) -> bytes:
    """The FLAC ``data`` with a block more, behind STREAMINFO."""
    at = read_layout(BytesSource(data)).blocks[0].end
    flag = data[4] & LAST
    opened = data[:4] + bytes((data[4] & ~LAST,)) + data[5:at]
    return opened + block(kind, content, last=bool(flag)) + data[at:]


HARMLESS = tag(4, frame(4, "TIT2", b"\3A title"))
V1 = id3v1(STATEMENT[:30].encode())
V1_EXTENDED = b"TAG+" + STATEMENT[:60].encode().ljust(60, b"\0") + bytes(163) + id3v1()
LYRICS = lyrics3(("INF", STATEMENT))
LYRICS_V1 = b"LYRICSBEGIN" + STATEMENT.encode() + b"LYRICSEND"

#: What any file can have in front of it or behind it.
AROUND = (
    Place("ID3v2 in front", lambda data, t: id3(t) + data),
    Place("second ID3v2 in front", lambda data, t: HARMLESS + id3(t) + data),
    Place("ID3v2.2 in front", lambda data, t: tag(2, frame(2, "TXX", b"\0NOAI\0" + t.encode())) + data),
    Place("ID3v2 with footer in front", lambda data, t: footed(txxx(t)) + data),
    Place("APEv2 in front", lambda data, t: ape(("NOAI", t.encode())) + data),
    Place("ID3v1 behind", lambda data, t: data + V1, slot=False),
    Place("extended ID3v1 behind", lambda data, t: data + V1_EXTENDED, slot=False),
    Place("ID3v1 and a zero behind", lambda data, t: data + V1 + b"\0", slot=False),
    Place("APEv2 behind", lambda data, t: data + ape(("NOAI", t.encode()))),
    Place("APEv2 without header behind", lambda data, t: data + ape(("NOAI", t.encode()), header=False)),
    Place("APEv1 behind", lambda data, t: data + ape(("NOAI", t.encode()), header=False, version=1000)),
    Place("APEv2 and ID3v1 behind", lambda data, t: data + ape(("NOAI", t.encode())) + id3v1()),
    Place("Lyrics3v1 behind", lambda data, t: data + LYRICS_V1, slot=False),
    Place("Lyrics3v2 behind", lambda data, t: data + LYRICS, slot=False),
    Place("Lyrics3v2 and ID3v1 behind", lambda data, t: data + LYRICS + id3v1(), slot=False),
    Place("ID3v2 with footer behind", lambda data, t: data + footed(txxx(t))),
    Place("ID3v2 with footer in front of ID3v1", lambda data, t: data + footed(txxx(t)) + id3v1()),
    Place("ID3v2 without footer behind", lambda data, t: data + id3(t)),
    Place("large ID3v2 without footer behind", lambda data, t: data + tag(4, txxx(t), PICTURE)),
    Place("ID3v2 behind zeros", lambda data, t: data + bytes(5000) + id3(t)),
    Place("ID3v2 in front of zeros", lambda data, t: data + id3(t) + bytes(9000)),
    Place("APEv2 in front of junk", lambda data, t: data + ape(("NOAI", t.encode())) + b"\x55" * 9000),
    Place("SEEK to a tag behind", lambda data, t: seeking(len(data)) + data + id3(t)),
)

each_place = pytest.mark.parametrize("place", AROUND, ids=str)
each_slot = pytest.mark.parametrize("place", [place for place in AROUND if place.slot], ids=str)
