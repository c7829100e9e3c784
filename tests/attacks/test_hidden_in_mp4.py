"""Where a marker can hide in an MP4, and where a permission can be made to cover other audio.

Each attack is named after what it does. A hidden denial is found, or the file is undecided. A permission
never opens a file whose players could play something that it does not cover.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest

from noai.claim import Claim, Permission, Use
from noai.codes import Code
from noai.marking import mark
from noai.policy import Policy
from noai.report import Depth
from noai.trust import May
from noai.verdict import Decision, Verdict
from noai.verifying import verify
from tests.signers import NOW, signer, trusting
from tests.tracks import plant, tokens
from tests.unit.id3_bytes import frame, tag
from tests.unit.mp4_files import (
    FTYP,
    THREE,
    TREX,
    Fragment,
    Run,
    Track,
    box,
    data,
    entry,
    fragmented,
    freeform,
    full,
    hdlr,
    item,
    keyed,
    meta,
    mfra,
    movie,
    sidx,
    u32,
    with_offsets,
)

ARTIST = signer()
#: The verifier trusts the artist as far as it can, so that nothing below is refused for want of trust.
TRUST = trusting(ARTIST.chain, May.PERMIT)
ALLOWED, DENIED = Permission.ALLOWED, Permission.NOT_ALLOWED
#: Other audio, of the same form.
OTHER = Track(seed=66)


def judge(content: bytes) -> Verdict:
    """The verdict; both depths must agree."""
    deep, quick = (verify(content, trust=TRUST, now=NOW, depth=depth, policy=Policy()) for depth in Depth)
    assert (deep.decision, deep.admitted) == (quick.decision, quick.admitted)
    return deep


def codes(verdict: Verdict) -> set[Code]:
    found = {code for finding in verdict.signals for code in finding.codes}
    return found | {reason.code for reason in verdict.reasons}


@cache
def token(permission: Permission, *, in_fragments: bool = False) -> str:
    """The artist's marker for the audio of ``movie()``, or of ``fragmented()``."""
    bare = fragmented() if in_fragments else movie()
    claim = Claim(uses=dict.fromkeys(Use, permission))
    marked = mark(bare, signer=ARTIST, claim=claim, c2pa=False, now=NOW - timedelta(hours=1))
    (found,) = tokens(marked)
    return found


def atom(text: str) -> bytes:
    return freeform("NOAI", data(text.encode()))


# -- a marker where few look ----------------------------------------------------------------------

PLAIN = meta(item(b"\xa9nam", "title"))


def txxx(text: str, version: int = 4) -> bytes:
    return tag(version, frame(version, "TXXX", b"\x00NOAI\x00" + text.encode()))


def id32(*tags: bytes) -> bytes:
    return box(b"meta", bytes(4) + hdlr(b"ID32") + full(b"ID32", b"\x15\xc7" + b"".join(tags)))


def compressed(text: str) -> bytes:
    """A compressed movie header (QuickTime File Format, "Compressed Movie Resources")."""
    inner = movie(udta=meta(atom(text)))
    inner = inner[inner.index(b"moov") - 4 :]
    cmvd = box(b"cmvd", u32(len(inner)) + zlib.compress(inner))
    return movie(after=box(b"moov", box(b"cmov", box(b"dcom", b"zlib") + cmvd)))


HIDDEN: dict[str, Callable[[str], bytes]] = {
    "in a second moov": lambda t: movie(udta=PLAIN) + movie(udta=meta(atom(t)))[len(FTYP) :],
    "in the first of two moov": lambda t: movie(udta=meta(atom(t))) + movie(udta=PLAIN)[len(FTYP) :],
    "in a moov within moov": lambda t: movie(inner=movie(udta=meta(atom(t)))[len(FTYP) :]),
    "in a second udta": lambda t: movie(inner=box(b"udta", PLAIN) + box(b"udta", meta(atom(t)))),
    "in a udta within udta": lambda t: movie(udta=PLAIN + box(b"udta", meta(atom(t)))),
    "in a second meta": lambda t: movie(udta=PLAIN + meta(atom(t))),
    "in a meta of another handler": lambda t: movie(udta=PLAIN + meta(atom(t), handler=b"ID33")),
    "in a second ilst": lambda t: movie(
        udta=box(b"meta", bytes(4) + hdlr() + box(b"ilst", b"") + box(b"ilst", atom(t)))
    ),
    "in an ilst outside meta": lambda t: movie(inner=box(b"ilst", atom(t))),
    "in an atom outside ilst": lambda t: movie(udta=PLAIN + atom(t)),
    "in a track": lambda t: movie(Track(in_trak=box(b"udta", meta(atom(t))))),
    "in a sample table": lambda t: movie(Track(in_stbl=meta(atom(t)))),
    "in a meta of the file": lambda t: movie(after=meta(atom(t))),
    "under an mdta key": lambda t: movie(udta=keyed([("title", "t"), ("NOAI", t)])),
    "under an mdta key with a prefix": lambda t: movie(inner=keyed([("com.example.noai", t)])),
    "under another mean": lambda t: movie(udta=meta(freeform("noai", data(t.encode()), mean="org.example"))),
    "as binary data": lambda t: movie(udta=meta(freeform("NOAI", data(t.encode(), 13)))),
    "behind a value that is too long": lambda t: movie(
        udta=meta(item(b"\xa9lyr", "x" * 300_000), item(b"\xa9nam", "t"), atom(t))
    ),
    "in ID32": lambda t: movie(inner=id32(txxx(t))),
    "in ID32 of the file": lambda t: movie(after=id32(txxx(t, 3))),
    "in the second tag of ID32": lambda t: movie(inner=id32(tag(4, frame(4, "TIT2", b"\x03x")), txxx(t))),
    "in ID32 in user data": lambda t: movie(udta=full(b"ID32", b"\x15\xc7" + txxx(t))),
    "in a compressed frame in ID32": lambda t: movie(
        inner=id32(
            tag(4, frame(4, "TXXX", u32(len(t)) + zlib.compress(b"\x00NOAI\x00" + t.encode()), flags=9))
        )
    ),
    "freed atom in ilst": lambda t: movie(udta=meta(item(b"\xa9nam", "t"), box(b"free", atom(t)[8:]))),
    "freed ilst in meta": lambda t: movie(udta=box(b"meta", bytes(4) + hdlr() + box(b"free", atom(t)))),
    "freed meta in udta": lambda t: movie(udta=box(b"free", meta(atom(t))[8:])),
    "freed udta in moov": lambda t: movie(inner=box(b"skip", meta(atom(t)))),
    "freed keys and values": lambda t: movie(inner=box(b"free", keyed([("NOAI", t)])[8:])),
    "freed in front": lambda t: movie(before=box(b"free", atom(t))),
    "freed behind": lambda t: movie(after=box(b"wide", atom(t))),
    "freed movie": lambda t: movie(before=box(b"free", movie(udta=meta(atom(t))))),
    "freed in a fragment": lambda t: fragmented(Fragment(in_moof=box(b"free", atom(t)))),
    "in a uuid box": lambda t: movie(after=box(b"uuid", bytes(range(16)) + atom(t))),
    "in a uuid box of the movie": lambda t: movie(inner=box(b"uuid", bytes(range(16)) + meta(atom(t)))),
    "in user data of unknown kind": lambda t: movie(udta=box(b"abcd", atom(t))),
    "in a box of unknown kind": lambda t: movie(after=box(b"abcd", meta(atom(t)))),
    "in a renamed udta": lambda t: movie(inner=box(b"udtb", meta(atom(t)))),
    "in user data of a fragment": lambda t: fragmented(Fragment(in_moof=box(b"udta", meta(atom(t))))),
    "in user data of a track fragment": lambda t: fragmented(Fragment(in_traf=box(b"udta", meta(atom(t))))),
    "in meta of a fragment": lambda t: fragmented(Fragment(in_moof=meta(atom(t)))),
    "in front of fragments": lambda t: fragmented(between=meta(atom(t))),
    "in an event message": lambda t: fragmented(between=box(b"emsg", bytes(8) + txxx(t))),
    "in a moov behind garbage": lambda t: (
        movie()[: movie().index(b"moov") - 4]
        + b"garbage here"
        + movie(udta=meta(atom(t)))[movie().index(b"moov") - 4 :]
    ),
    "behind garbage": lambda t: movie() + b"garbage here" + box(b"udta", meta(atom(t))),
    "in a moov behind a box that is too long": lambda t: movie() + b"\xff\xff\xff\xffabcd" + meta(atom(t)),
    "in a second file behind the first": lambda t: movie() + movie(udta=meta(atom(t))),
    "in a first file in front of another": lambda t: movie(udta=meta(atom(t))) + movie(),
    "in a compressed movie header": compressed,
}


@pytest.mark.parametrize("attack", HIDDEN)
def test_a_hidden_denial(attack: str) -> None:
    verdict = judge(HIDDEN[attack](token(DENIED)))
    assert verdict.decision in (Decision.REJECTED, Decision.UNDECIDED)
    assert not verdict.admitted


@pytest.mark.parametrize("attack", HIDDEN)
def test_a_denial_hidden_beside_a_permission(attack: str) -> None:
    """The permission stands where everybody looks."""
    content = HIDDEN[attack](token(DENIED))
    at_top = box(b"udta", meta(atom(token(ALLOWED))))
    verdict = judge(content + at_top)
    assert verdict.decision in (Decision.REJECTED, Decision.UNDECIDED)


@pytest.mark.parametrize("attack", HIDDEN)
def test_a_permission_hidden_beside_a_denial(attack: str) -> None:
    content = HIDDEN[attack](token(ALLOWED))
    verdict = judge(content + box(b"udta", meta(atom(token(DENIED)))))
    assert verdict.decision in (Decision.REJECTED, Decision.UNDECIDED)


def test_a_permission_in_padding_opens_nothing() -> None:
    """Somebody took it out, and a tool left its bytes there."""
    for kind in (b"free", b"skip", b"uuid"):
        verdict = judge(movie(after=box(kind, bytes(16) + atom(token(ALLOWED)))))
        assert verdict.decision is Decision.UNDECIDED
        assert Code.TAG_HIDDEN in codes(verdict)


# -- other audio under a permission ---------------------------------------------------------------

PERMIT = meta(atom(token(ALLOWED)))
FRAGMENTS_PERMIT = box(b"udta", meta(atom(token(ALLOWED, in_fragments=True))))
START = len(FTYP) + 8
#: A movie whose sample table points to ``OTHER`` in the padding in front of the media data.
INTO_FREE = movie(
    with_offsets(Track(), START), before=box(b"free", b"".join(OTHER.samples)), udta=PERMIT, duration=0
)
SIZES = tuple(len(each.box(0)) for each in THREE)
FAKE = Fragment((Run((40, 50, 60)),), 7, 0, seed=9)


def with_other(content: bytes) -> bytes:
    """``content`` with another track of audio, in a movie box of its own."""
    return content + movie(OTHER)[len(FTYP) :]


def astray() -> bytes:
    content = fragmented(extra=FRAGMENTS_PERMIT)
    return content + box(b"mdat", FAKE.box(0)) + mfra([(0, len(content) + 8)])


PLAYED: dict[str, Callable[[], bytes]] = {
    "a second moov": lambda: with_other(movie(udta=PERMIT)),
    "a moov in front": lambda: movie(OTHER) + movie(udta=PERMIT)[len(FTYP) :],
    "two files joined": lambda: movie(udta=PERMIT) + movie(OTHER),
    "stco into free": lambda: INTO_FREE,
    "stco into a second mdat": lambda: movie(
        with_offsets(Track(), len(movie(udta=PERMIT)) + 8),
        udta=PERMIT,
        after=box(b"mdat", b"".join(OTHER.samples)),
    ),
    "a second track": lambda: movie(Track(), replace(OTHER, id=2), udta=PERMIT),
    "a second track of an unknown handler": lambda: movie(
        Track(), replace(OTHER, id=2, handler=b"meta"), udta=PERMIT
    ),
    "a second sample entry": lambda: movie(Track(entries=(entry(), entry())), udta=PERMIT),
    "samples in another file": lambda: movie(Track(dref=box(b"url ", bytes(4) + b"file:x\x00")), udta=PERMIT),
    "an edit list that hides the audio": lambda: movie(Track(edits=((1000, -1, 0x10000),)), udta=PERMIT),
    "fragments behind an ordinary movie": lambda: movie(udta=PERMIT, inner=box(b"mvex", TREX))
    + Fragment((Run((200, 300)),), 1, 4096).box(0),
    "a fragment more": lambda: fragmented(
        *THREE, Fragment((Run((9, 9)),), 4, 132_096), extra=FRAGMENTS_PERMIT
    ),
    "a fragment twice": lambda: fragmented(*THREE, replace(THREE[2], number=4), extra=FRAGMENTS_PERMIT),
    "fragments in another order": lambda: fragmented(*THREE[::-1], extra=FRAGMENTS_PERMIT),
    "a fragment in front of the movie": lambda: FTYP
    + FAKE.box(0)
    + fragmented(extra=FRAGMENTS_PERMIT)[len(FTYP) :],
    "a fragment of an unknown track": lambda: fragmented(
        *THREE, Fragment((Run((9, 9)),), 4, track=2), extra=FRAGMENTS_PERMIT
    ),
    "samples of a fragment in free": lambda: fragmented(
        *THREE[:2], replace(THREE[2], runs=(replace(THREE[2].runs[0], offset=-4000),)), extra=FRAGMENTS_PERMIT
    ),
    "a segment index that leaves audio out": lambda: fragmented(
        *THREE, between=sidx(SIZES[:2]), extra=FRAGMENTS_PERMIT
    ),
    "a segment index into media data": lambda: fragmented(*THREE, extra=FRAGMENTS_PERMIT)
    + box(b"mdat", FAKE.box(0))
    + sidx((40,)),
    "a random access table into media data": astray,
    "a pause of years between fragments": lambda: fragmented(
        THREE[0], THREE[1], replace(THREE[2], time=1 << 50), extra=FRAGMENTS_PERMIT
    ),
    "overlapping fragments": lambda: fragmented(
        THREE[0], replace(THREE[1], time=0), THREE[2], extra=FRAGMENTS_PERMIT
    ),
    "a sample table in user data": lambda: movie(udta=PERMIT + box(b"stco", u32(0, 1, START))),
    "a compressed movie header": lambda: movie(udta=PERMIT, after=compressed("x")[len(FTYP) :]),
}  # fmt: skip


@pytest.mark.parametrize("attack", PLAYED)
def test_a_permission_over_other_audio(attack: str) -> None:
    verdict = judge(PLAYED[attack]())
    assert verdict.decision is Decision.UNDECIDED, verdict.reasons
    assert not verdict.admitted


def test_the_same_permissions_without_an_attack_open_the_file() -> None:
    """The witness of the tests above."""
    for content in (
        movie(udta=PERMIT),
        movie(inner=box(b"udta", PERMIT), first=True),
        movie(Track(per_chunk=2, wide=True), udta=PERMIT),
        fragmented(extra=FRAGMENTS_PERMIT),
        fragmented(*THREE, extra=FRAGMENTS_PERMIT, index=True, access=True),
        movie(udta=PERMIT, after=box(b"free", bytes(500)) + box(b"uuid", bytes(60))),
    ):
        verdict = judge(content)
        assert verdict.decision is Decision.ALLOWED, verdict.reasons


def test_marking_takes_hidden_markers_along() -> None:
    """What can be taken out is; what cannot, forbids marking. Nothing is left that nobody sees."""
    for attack in ("freed atom in ilst", "in user data of a fragment", "in ID32", "in a second meta"):
        content = HIDDEN[attack]("a.b.c")
        assert tokens(plant(content, ["x.y.z"])) == ["x.y.z"]
        assert b"a.b.c" not in plant(content, ["x.y.z"])


def test_a_size_that_runs_over_the_marker() -> None:
    """A box in front claims the movie box as its own content."""
    content = movie(udta=meta(atom(token(DENIED))))
    at = content.index(b"moov") - 4
    swallowed = content[:at] + struct.pack(">I4s", len(content) - at + 8, b"free") + content[at:]
    verdict = judge(swallowed)
    assert verdict.decision in (Decision.REJECTED, Decision.UNDECIDED)
