"""Markers in places of a Matroska file where few look, and audio that a permission does not cover.

Each attack is made where nothing else speaks against the file, and beside the artist's own permission. Both
depths have to agree on each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from noai.claim import Permission
from noai.marking import mark
from noai.verdict import Decision
from tests.attacks.places import (
    ARTIST,
    DENIAL,
    STATEMENT,
    claim,
    judge,
    require_not_admitted,
    require_rejected,
)
from tests.signers import NOW
from tests.unit.mkv_files import (
    HEAD,
    OPUS_HEAD,
    blocks,
    cluster,
    clusters,
    element,
    group,
    info,
    matroska,
    open_element,
    packet,
    real,
    segment,
    simple_block,
    simple_tag,
    size,
    tag,
    tags,
    text,
    track,
    tracks,
    uint,
    void,
)

XMP = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
    b"<rdf:Description rdf:about='' xmlns:plus='http://ns.useplus.org/ldf/xmp/1.0/'"
    b" plus:DataMining='http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED'/></rdf:RDF></x:xmpmeta>"
)
PARTS = (info(), tracks(), *clusters())
PLAIN = matroska(*PARTS)


def _tags_of(data: bytes) -> bytes:
    """The Tags element that marking put in front of the clusters."""
    start = data.index(b"\x12\x54\xc3\x67")
    return data[start : data.index(b"\x1f\x43\xb6\x75")]


#: A permission by the artist for the audio of PLAIN, as tags of their own.
PERMITTED = _tags_of(mark(PLAIN, signer=ARTIST, claim=claim(Permission.ALLOWED), c2pa=False, now=NOW))


def test_the_files_that_are_attacked_would_be_admitted() -> None:
    assert judge(PLAIN).decision is Decision.UNRESERVED
    assert judge(matroska(PERMITTED, *PARTS)).decision is Decision.ALLOWED


# -- denials in odd places ------------------------------------------------------------------


@dataclass(frozen=True)
class Hidden:
    """``put`` gives a file with a denial; its argument is what stands in front of the tracks."""

    name: str
    put: Callable[[bytes], bytes]

    def __str__(self) -> str:
        return self.name


def behind(*parts: bytes) -> Callable[[bytes], bytes]:
    """``parts`` at the end of the segment."""
    return lambda front: matroska(front, *PARTS, *parts)


def in_tags(*entries: bytes) -> Callable[[bytes], bytes]:
    return behind(tags(*entries))


def attached(*parts: bytes) -> bytes:
    return element(0x1941A469, element(0x61A7, *parts, uint(0x46AE, 7)))


def chapter(*parts: bytes) -> bytes:
    return element(0x1043A770, element(0x45B9, element(0xB6, uint(0x73C4, 5), uint(0x91, 0), *parts)))


def leading_to(hidden: bytes, number: int = 0x1254C367) -> Callable[[bytes], bytes]:
    """SeekHead leads to what stands inside another element behind the clusters."""

    def put(front: bytes) -> bytes:
        def head(position: int) -> bytes:
            target = element(0x53AB, number.to_bytes(4, "big"))
            return element(0x114D9B74, element(0x4DBB, target, uint(0x53AC, position, 4)))

        body = front + b"".join(PARTS)
        outer = element(0xEC, hidden)
        position = len(head(0)) + len(body) + len(outer) - len(hidden)
        return matroska(head(position), body, outer)

    return put


def between_open_clusters(front: bytes) -> bytes:
    first, second, third = (b"".join((uint(0xE7, 200 * n), *blocks(10 * n))) for n in range(3))
    opened = [open_element(0x1F43B675, content) for content in (first, second, third)]
    denial = tags(tag(simple_tag("NOAI", DENIAL)))
    return HEAD + open_element(0x18538067, front, info(), tracks(), opened[0], denial, *opened[1:])


NAMED = simple_tag("NOAI", DENIAL)
BINARY = element(0x67C8, text(0x45A3, "NOAI"), element(0x4485, DENIAL.encode()))
TWO_NAMES = element(0x67C8, text(0x45A3, "TITLE"), text(0x45A3, "NOAI"), text(0x4487, DENIAL))
READ = (
    Hidden("tags behind the clusters", in_tags(tag(NAMED))),
    Hidden("tags in front of everything", lambda front: matroska(tags(tag(NAMED)), front, *PARTS)),
    Hidden(
        "tags between clusters",
        lambda front: matroska(front, *PARTS[:3], tags(tag(NAMED)), *PARTS[3:]),
    ),
    Hidden("tags that end a cluster without a size", between_open_clusters),
    Hidden("third tags", behind(tags(), tags(tag(simple_tag("TITLE", "a"))), tags(tag(NAMED)))),
    Hidden("tag about a track", in_tags(tag(NAMED, targets=uint(0x63C5, 1)))),
    Hidden("tag about a chapter that is not there", in_tags(tag(NAMED, targets=uint(0x63C4, 9)))),
    Hidden("tag about an attachment", in_tags(tag(NAMED, targets=uint(0x63C6, 7)))),
    Hidden("tag of another type", in_tags(tag(NAMED, targets=text(0x63CA, "SHOT")))),
    Hidden("tag without targets", in_tags(element(0x7373, NAMED))),
    Hidden("tag in a tag", in_tags(tag(simple_tag("ARTIST", "me", NAMED)))),
    Hidden("tag in a tag in a tag", in_tags(tag(simple_tag("A", "", simple_tag("B", "", NAMED))))),
    Hidden("other letter case", in_tags(tag(simple_tag("nOaI", DENIAL)))),
    Hidden("name with spaces", in_tags(tag(simple_tag(" NOAI ", DENIAL)))),
    Hidden("name that goes on behind a zero", in_tags(tag(simple_tag("NOAI\0x", DENIAL)))),
    Hidden("second name", in_tags(tag(TWO_NAMES))),
    Hidden("in another language", in_tags(tag(simple_tag("NOAI", DENIAL, text(0x447A, "fra"))))),
    Hidden("not the default", in_tags(tag(simple_tag("NOAI", DENIAL, uint(0x4484, 0))))),
    Hidden("as bytes", in_tags(tag(BINARY))),
    Hidden("behind many tags", in_tags(tag(*[simple_tag("A", "b")] * 500, NAMED))),
    Hidden("in a second segment", lambda front: matroska(front, *PARTS) + segment(tags(tag(NAMED)))),
    Hidden("in a second file", lambda front: matroska(front, *PARTS) + matroska(tags(tag(NAMED)))),
    Hidden("statement as title", behind(info(text(0x7BA9, STATEMENT)))),
    Hidden("statement as name of a track", behind(tracks(track(text(0x536E, STATEMENT), number=2)))),
    Hidden("statement as chapter", behind(chapter(element(0x80, text(0x85, STATEMENT))))),
    Hidden("statement as description of a file", behind(attached(text(0x467E, STATEMENT)))),
    Hidden("statement as tag", in_tags(tag(simple_tag("SUBTITLE", f"a | {STATEMENT}")))),
    Hidden("attached XMP", behind(attached(text(0x466E, "track.xmp"), element(0x465C, XMP)))),
)
#: Places that are no tags: what stands there is not believed, and not overlooked.
SEARCHED = (
    Hidden("free space", behind(element(0xEC, tags(tag(NAMED))))),
    Hidden("free space in front", lambda front: matroska(element(0xEC, tag(NAMED)), front, *PARTS)),
    Hidden("free space in tags", in_tags(element(0xEC, NAMED), tag(simple_tag("TITLE", "a")))),
    Hidden("free space in a tag", in_tags(tag(element(0xEC, NAMED), simple_tag("TITLE", "a")))),
    Hidden("free space behind the segment", lambda front: matroska(front, *PARTS) + element(0xEC, NAMED)),
    Hidden("free space beyond what is searched", behind(void(5_000_000) + element(0xEC, NAMED))),
    Hidden("unknown element", behind(element(0x4ABC, tag(NAMED)))),
    Hidden("unknown element in tags", in_tags(element(0x4ABC, NAMED))),
    Hidden("tag outside tags", behind(tag(NAMED))),
    Hidden("name and value without a tag", in_tags(NAMED)),
    Hidden("tags behind the segment", lambda front: matroska(front, *PARTS) + tags(tag(NAMED))),
    Hidden("tags behind junk", lambda front: matroska(front, *PARTS) + b"\xff\xfe" + tags(tag(NAMED))),
    Hidden("tags in free space that SeekHead leads to", leading_to(tags(tag(NAMED)))),
    Hidden("tags that SeekHead calls a cluster", leading_to(tags(tag(NAMED)), 0x1F43B675)),
    Hidden("tags cut short", lambda front: matroska(front, *PARTS, tags(tag(NAMED)))[:-9]),
    Hidden("tag that runs past its tags", in_tags(b"\x73\x73" + size(9000) + NAMED)),
    Hidden("name that runs past its tag", in_tags(element(0x7373, b"\x67\xc8" + size(9000) + NAMED))),
    Hidden("wrong checksum", in_tags(element(0xBF, b"abcd"), tag(simple_tag("TITLE", "a")))),
    Hidden("name of a thousand characters", in_tags(tag(simple_tag("NOAI" + "\0" * 2000, DENIAL)))),
    Hidden("value of a megabyte", in_tags(tag(simple_tag("NOAI", "x" * 1_000_000)))),
    Hidden("more tags than are read", in_tags(tag(*[simple_tag("A", "b")] * 2_500, NAMED))),
)


@pytest.mark.parametrize("place", READ, ids=str)
def test_a_hidden_denial_rejects(place: Hidden) -> None:
    require_rejected(place.put(b""))
    require_rejected(place.put(PERMITTED))


@pytest.mark.parametrize("place", SEARCHED, ids=str)
def test_a_denial_where_no_tag_belongs_is_not_overlooked(place: Hidden) -> None:
    require_not_admitted(place.put(b""))
    require_not_admitted(place.put(PERMITTED))


# -- audio that a permission does not cover ---------------------------------------------------

#: Ten packets that nobody signed.
EVIL = cluster(5_000, *blocks(900))
#: To ffmpeg, blocks of such tracks are damage, behind which it looks for a cluster byte by byte.
ZLIB = element(0x6D80, element(0x6240, element(0x5034, uint(0x4254, 0))))


def other_track(kind: int, codec: str, *more: bytes) -> bytes:
    return element(0xAE, uint(0xD7, 2), uint(0x73C5, 2), uint(0x83, kind), text(0x86, codec), *more)


def beside(entry: bytes, *content: bytes) -> tuple[bytes, ...]:
    """A second track, and in the first cluster ``content`` of it."""
    return info(), tracks(track(), entry), cluster(0, *blocks(), *content), *clusters()[1:]


def last_group(*more: bytes) -> tuple[bytes, ...]:
    """The last block, in a group with ``more``."""
    first = clusters()[:2]
    last = cluster(400, *blocks(20, 9), group(180, packet(29), more=b"".join(more)))
    return info(), tracks(), *first, last


def with_first(first: bytes) -> tuple[bytes, ...]:
    return info(), tracks(), first, *clusters()[1:]


def first_cluster(*content: bytes) -> tuple[bytes, ...]:
    return with_first(cluster(0, *content))


def first_group(*more: bytes) -> tuple[bytes, ...]:
    return first_cluster(group(0, packet(0), more=b"".join(more)), *blocks()[1:])


def with_track(*more: bytes) -> tuple[bytes, ...]:
    return info(), tracks(track(*more)), *clusters()


def with_info(*more: bytes) -> tuple[bytes, ...]:
    return info(*more), tracks(), *clusters()


def with_part(part: bytes) -> tuple[bytes, ...]:
    return info(), tracks(), part, *clusters()


def timed(*times: int) -> tuple[bytes, ...]:
    """The three clusters at other times."""
    made = (cluster(time, *blocks(10 * n)) for n, time in enumerate(times))
    return info(), tracks(), *made


HEAD_OF_ANOTHER = OPUS_HEAD[:10] + b"\0\x0f" + OPUS_HEAD[12:]
#: All packets as they were signed, and what makes players play others, or leave some out.
SPOILED: dict[str, tuple[bytes, ...]] = {
    "another cluster at the end": (*PARTS, EVIL),
    "a cluster twice": (*PARTS, PARTS[-1]),
    "a cluster less": PARTS[:-1],
    "clusters in another order": (info(), tracks(), *reversed(clusters())),
    "a second audio track": beside(track(number=2), simple_block(0, packet(7), number=2)),
    "a second audio track without packets": beside(track(number=2)),
    "another configuration": (info(), tracks(track(private=HEAD_OF_ANOTHER)), *clusters()),
    "several descriptions of tracks": (tracks(track(private=HEAD_OF_ANOTHER)), *PARTS),
    "several clocks": (info(real(0x4489, 9.0)), *PARTS),
    "tracks behind the clusters": (info(), *clusters(), tracks()),
    "two tracks of one number": (info(), tracks(track(), track()), *clusters()),
    "two private data": with_track(element(0x63A2, HEAD_OF_ANOTHER)),
    "blocks of an undeclared track": beside(other_track(1, "V_VP8"), simple_block(0, EVIL, number=9)),
    "a track that no player knows": beside(other_track(99, "Q"), simple_block(0, EVIL, number=2)),
    "a track of buttons": beside(other_track(18, "B_VOBBTN"), simple_block(0, EVIL, number=2)),
    "audio that is called video": (info(), tracks(track(kind=1)), *clusters()),
    "video in damaged lacing": beside(
        other_track(1, "V_VP8"), simple_block(0, EVIL, number=2, flags=0x84, lacing=b"\x07")
    ),
    "video that cannot be inflated": beside(other_track(1, "V_VP8", ZLIB), simple_block(0, EVIL, number=2)),
    "subtitles that hold a cluster": beside(
        other_track(17, "D_WEBVTT/SUBTITLES"), simple_block(0, EVIL, number=2)
    ),
    "a number of nine bytes": (
        info(),
        tracks(),
        cluster(0, *blocks(), element(0xAB, bytes(9)), void(90)),
        *clusters()[1:],
        EVIL[:0],
    ),
    "a cluster in a cluster": (info(), tracks(), cluster(0, *blocks(), EVIL), *clusters()[1:]),
    "encrypted blocks": (info(), tracks(), cluster(0, *blocks(), element(0xAF, b"x" * 9)), *clusters()[1:]),
    "silent tracks": (
        info(),
        tracks(),
        cluster(0, element(0x5854, uint(0x58D7, 1)), *blocks()),
        *clusters()[1:],
    ),
    "invisible blocks": first_cluster(*(simple_block(20 * n, packet(n), flags=0x88) for n in range(10))),
    "blocks that may be dropped": first_cluster(
        *(simple_block(20 * n, packet(n), flags=0x81) for n in range(10))
    ),
    "another codec state": first_group(element(0xA4, b"x")),
    "more than a packet cut off at the end": last_group(element(0x75A2, (21_000_000).to_bytes(4, "big"))),
    "a packet cut off before the end": first_group(element(0x75A2, (5_000_000).to_bytes(4, "big"))),
    "another codec delay": with_track(uint(0x56AA, 900_000_000)),
    "a track that is not enabled": with_track(uint(0xB9, 0)),
    "a track at another speed": with_track(real(0x23314F, 0.5)),
    "a track that replaces others": with_track(uint(0x6FAB, 1)),
    "a track made of others": with_track(element(0xE2, element(0xE9, uint(0xED, 1)))),
    "compressed frames": with_track(ZLIB),
    "chapters in an order of their own": with_part(element(0x1043A770, element(0x45B9, uint(0x45DD, 1)))),
    "a chapter that is not enabled": with_part(chapter(uint(0x4598, 0))),
    "a chapter that may be skipped": with_part(chapter(uint(0x4588, 7))),
    "a chapter of another file": with_part(chapter(element(0x6E67, b"u" * 16))),
    "a chapter that runs commands": with_part(chapter(element(0x6944))),
    "another file to go on with": with_info(element(0x3EB923, b"u" * 16)),
    "a shorter duration": with_info(real(0x4489, 100.0)),
    "another clock": (element(0x1549A966, uint(0x2AD7B1, 1_000)), tracks(), *clusters()),
    "no clock": (element(0x1549A966, uint(0x2AD7B1, 0)), tracks(), *clusters()),
    "packets at one time": timed(0, 0, 0),
    "packets that go back in time": timed(400, 200, 0),
    "packets before the start": (info(), tracks(), cluster(0, simple_block(-30_000, packet(0)))),
    "a checksum that is wrong": with_first(
        element(0x1F43B675, element(0xBF, b"abcd"), uint(0xE7, 0), *blocks())
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_permission_does_not_cover_other_audio(name: str) -> None:
    require_not_admitted(matroska(PERMITTED, *SPOILED[name]))


@pytest.mark.parametrize(
    "data",
    [
        HEAD + element(0xEC, EVIL) + segment(PERMITTED, *PARTS),
        matroska(PERMITTED, *PARTS) + element(0xEC, EVIL),
        matroska(PERMITTED, *PARTS) + EVIL,
        matroska(PERMITTED, *PARTS) + b"junk" + EVIL,
        matroska(PERMITTED, *PARTS) + matroska(info(), tracks(), EVIL),
        HEAD + open_element(0x18538067, PERMITTED, *PARTS) + HEAD + open_element(0x18538067, EVIL),
    ],
    ids=["free space in front", "free space behind", "cluster behind", "junk behind", "file behind", "live"],
)
def test_a_permission_does_not_cover_what_stands_beside_the_segment(data: bytes) -> None:
    """ffmpeg 5.1 played the ten packets of each of these but the first."""
    require_not_admitted(data)


def test_a_permission_does_not_cover_tracks_that_seek_head_leads_to() -> None:
    hidden = tracks(track(private=HEAD_OF_ANOTHER))
    require_not_admitted(leading_to(hidden, 0x1941A469)(PERMITTED))


@pytest.mark.parametrize("gone", [1, 10, 100, 200, 400])
def test_a_permission_does_not_cover_a_file_that_is_cut_off(gone: int) -> None:
    require_not_admitted(matroska(PERMITTED, *PARTS)[:-gone])
