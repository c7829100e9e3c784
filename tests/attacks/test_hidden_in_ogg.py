"""Markers where few look in Ogg, and header fields that change what is played.

Each attack is made on real files: where nothing else speaks against it, beside the artist's own marker, and
beside the artist's own permission. Both depths have to agree on each.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable

import pytest

from noai import manifesting
from noai.codes import Code
from noai.containers._ogg_pages import CONTINUED, FIRST, LAST, paginate, with_checksum
from noai.containers._ogg_streams import read_heads
from noai.containers.interface import TagEdit
from noai.containers.ogg import Ogg
from noai.errors import EssenceUnbindable, MarkError
from noai.manifest import Order
from noai.marking import mark
from noai.sources import BytesSource
from noai.verdict import Decision
from tests.attacks.places import (
    ARTIST,
    DENIAL,
    PERMISSION,
    Files,
    Place,
    block,
    judge,
    require_not_admitted,
    require_rejected,
)
from tests.audio import Studio
from tests.manifests import NO_AI, live_signer
from tests.signers import NOW
from tests.unit.ogg_bytes import (
    KINDS,
    granule_of,
    header_packets,
    page,
    pages,
    serial_of,
    with_granule,
    with_headers,
    with_serial,
    written,
)

each_kind = pytest.mark.parametrize("kind", KINDS)
COMMENT, PADDING, APPLICATION = 4, 1, 2
OTHER = 77


@pytest.fixture(scope="module")
def files(studio: Studio) -> Files:
    return Files(studio)


def comments(text: str, *more: str) -> bytes:
    items = [f"NOAI={text}".encode(), *(item.encode() for item in more)]
    packed = b"".join(struct.pack("<I", len(item)) + item for item in items)
    return struct.pack("<II", 0, len(items)) + packed


def opus_head(channels: int = 2) -> bytes:
    return b"OpusHead" + struct.pack("<BBHIhB", 1, channels, 312, 48_000, 0, 0)


def opus_stream(text: str, serial: int = OTHER) -> list[bytes]:
    """First page, comments, and one packet of silence."""
    return [
        page(serial, 0, FIRST, opus_head()),
        page(serial, 1, 0, b"OpusTags" + comments(text)),
        with_granule(page(serial, 2, LAST, b"\xfc\xff\xfe"), 960),
    ]


def other_stream(*packets: bytes) -> list[bytes]:
    head, *rest = packets
    made = [page(OTHER, number, 0, packet) for number, packet in enumerate(rest, start=1)]
    return [page(OTHER, 0, FIRST, head), *made, page(OTHER, 1 + len(made), LAST, b"")]


def multiplexed(data: bytes, stream: list[bytes]) -> bytes:
    """The first page of ``stream`` behind that of ``data``, the others behind its headers."""
    heads = read_heads(BytesSource(data)).streams[0].header_pages
    first, end = heads[0].end, heads[-1].end
    return b"".join([data[:first], stream[0], data[first:end], *stream[1:], data[end:]])


def before(data: bytes, at: int, inserted: bytes) -> bytes:
    """``inserted`` in front of the page with number ``at``."""
    parts = pages(data)
    return b"".join([*parts[:at], inserted, *parts[at:]])


def with_last(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    *kept, last = pages(data)
    return b"".join([*kept, change(last)])


# -- markers -----------------------------------------------------------------------------------


def tagged(data: bytes, text: str) -> bytes:
    return written(data, TagEdit(markers=(text,)))


def same_serial_link(data: bytes, text: str) -> bytes:
    """A link under the serial number of the first one, which a player that looks for that number plays."""
    return data + with_serial(tagged(data, text), serial_of(data))


def copied_link(data: bytes, text: str) -> bytes:
    """First and last link are one file, so that both ends look alike."""
    return with_serial(data, 1) + with_serial(tagged(data, text), 2) + with_serial(data, 3)


def never_begun(data: bytes, text: str) -> bytes:
    """Pages of a stream without its first one."""
    return before(data, 2, b"".join(opus_stream(text)[1:]))


def in_the_middle(data: bytes, text: str) -> bytes:
    """A stream that begins among the audio of another one."""
    return before(data, len(pages(data)) - 1, b"".join(opus_stream(text)))


def spread(data: bytes, text: str) -> bytes:
    """Comments over many pages that lie between those of the audio."""
    head, _, sound = opus_stream(text)
    tags = paginate([b"OpusTags" + comments(text)], 9, OTHER, 1, 0)
    sound = with_checksum(sound[:18] + struct.pack("<I", 10) + sound[22:])
    parts = pages(data)
    room = len(parts) - 2
    between = [piece for pair in zip(parts[1:-1], tags[:room], strict=False) for piece in pair]
    left = [*parts[1 + len(tags[:room]) : -1], *tags[room:]]
    return b"".join([parts[0], head, *between, *left, sound, parts[-1]])


def missing_page(data: bytes, text: str) -> bytes:
    """Comments whose first page some decoders would take for lost."""
    head, tags, sound = opus_stream(text)
    late = with_checksum(tags[:18] + struct.pack("<I", 3) + tags[22:])
    return multiplexed(data, [head, late, sound])


def bad_checksum(data: bytes, text: str) -> bytes:
    """Comments on a page that most decoders skip."""
    head, tags, sound = opus_stream(text)
    return multiplexed(data, [head, tags[:22] + bytes(4) + tags[26:], sound])


def unfinished(data: bytes, text: str) -> bytes:
    """A comment packet that is never finished."""
    head, *_ = opus_stream(text)
    body = (b"OpusTags" + comments(text)).ljust(255 * 9, b"\0")[: 255 * 9]
    start = struct.pack("<4sBBqIIIB", b"OggS", 0, 0, -1, OTHER, 1, 0, 9) + b"\xff" * 9 + body
    return multiplexed(data, [head, with_checksum(start), page(OTHER, 2, LAST | CONTINUED, b"")])


def version_one(data: bytes, text: str) -> bytes:
    """A link whose pages say that they are of a later version."""
    later = [with_checksum(part[:4] + b"\x01" + part[5:]) for part in opus_stream(text)]
    return data + b"".join(later)


def half_a_page(data: bytes, text: str) -> bytes:
    """A link that ends within the page of its comments."""
    head, tags, _ = opus_stream(text)
    return data + head + tags[:-1]


#: What any Ogg file can have in it.
PLACES = (
    Place("link of another codec", lambda d, t: d + b"".join(opus_stream(t))),
    Place("link in front", lambda d, t: b"".join(opus_stream(t)) + d),
    Place("link under the same serial number", same_serial_link),
    Place("link between two copies of one", copied_link),
    Place("link behind zeros", lambda d, t: d + bytes(5000) + b"".join(opus_stream(t))),
    Place("link behind junk", lambda d, t: d + b"OggX" * 99 + b"".join(opus_stream(t))),
    Place("link cut off in its comments", half_a_page),
    Place("link of another version", version_one),
    Place("second audio stream", lambda d, t: multiplexed(d, opus_stream(t))),
    Place("stream that never began", never_begun),
    Place("stream that begins in the middle", in_the_middle),
    Place("comments spread among the audio", spread),
    Place("comments behind a lost page", missing_page),
    Place("comments on a page with a wrong checksum", bad_checksum),
    Place("comments that are not finished", unfinished),
    Place(
        "video",
        lambda d, t: multiplexed(d, other_stream(b"\x80theora", b"\x81theora" + comments(t), b"\x82")),
    ),
    Place(
        "subtitles",
        lambda d, t: multiplexed(
            d, other_stream(b"\x80kate\0\0\0" + bytes(56), b"\x81kate\0\0\0\0" + comments(t) + b"\x01")
        ),
    ),
    Place("stream of an unknown kind", lambda d, t: multiplexed(d, other_stream(b"PCM     ", comments(t)))),
    Place(
        "FLAC of before the mapping",
        lambda d, t: multiplexed(d, other_stream(b"fLaC", block(4, comments(t)))),
    ),
    Place(
        "FLAC of a later mapping", lambda d, t: multiplexed(d, other_stream(b"\x7fFLAC\x02\0", comments(t)))
    ),
    Place("between pages", lambda d, t: before(d, 2, f"NOAI={t}".encode())),
    Place("lower case", lambda d, t: d + b"".join(opus_stream(t)).replace(b"NOAI=", b"noai=")),
)

each_place = pytest.mark.parametrize("place", PLACES, ids=str)


@each_kind
@each_place
def test_a_denial_hidden_in_an_unmarked_ogg_is_seen(files: Files, kind: str, place: Place) -> None:
    require_not_admitted(place.put(files.plain(kind), DENIAL))


@each_kind
@each_place
def test_a_permission_hidden_in_a_marked_ogg_opens_nothing(files: Files, kind: str, place: Place) -> None:
    require_not_admitted(place.put(files.marked(kind), PERMISSION))


@each_kind
@each_place
def test_a_denial_hidden_in_a_permitted_ogg_counts(files: Files, kind: str, place: Place) -> None:
    assert judge(files.permitted(kind)).decision is Decision.ALLOWED
    require_not_admitted(place.put(files.permitted(kind), DENIAL))


# -- long files, of which not every page is met (docs/adr/0010-ogg-ends.md) ------------------------


@each_kind
@each_place
def test_what_is_hidden_in_a_long_ogg_is_seen(files: Files, kind: str, place: Place) -> None:
    require_not_admitted(place.put(files.plain(kind, "long"), DENIAL))
    require_not_admitted(place.put(files.permitted(kind, "long"), DENIAL))


def in_the_midst(data: bytes, link: bytes) -> bytes:
    parts = pages(data)
    return before(data, len(parts) // 2, link)


@each_kind
def test_a_permission_opens_nothing_where_a_link_is_passed_over(files: Files, kind: str) -> None:
    """A short link in the midst of one stream is met by what binds alone, and by both depths alike."""
    data = files.permitted(kind, "long")
    link = tagged(files.plain(kind), DENIAL)
    assert judge(data).decision is Decision.ALLOWED
    for serial in (OTHER, serial_of(data)):
        hidden = in_the_midst(data, with_serial(link, serial))
        assert [slot.value for slot in Ogg().read_tags(BytesSource(hidden)).fields].count(DENIAL) == 0
        assert judge(hidden).decision is Decision.UNDECIDED
        plain = in_the_midst(files.plain(kind, "long"), with_serial(link, serial))
        assert judge(plain).decision is Decision.UNRESERVED
        require_rejected(in_the_midst(files.marked(kind, "long"), with_serial(link, serial)))


# -- markers among the header packets ---------------------------------------------------------


def flac(data: bytes, *more: bytes) -> bytes:
    """Metadata packets behind those of the file."""
    *kept, last = header_packets(data)
    return with_headers(data, [*kept, bytes([last[0] & 0x7F]) + last[1:], *more])


def streamed(text: str) -> bytes:
    return b"riffid3 " + struct.pack("<I", 0) + text.encode()


FLAC_PLACES = (
    Place("second comment block", lambda d, t: flac(d, block(COMMENT, comments(t), last=True))),
    Place(
        "comment block behind a picture",
        lambda d, t: flac(d, block(6, b"picture"), block(COMMENT, comments(t), last=True)),
    ),
    Place(
        "two blocks in one packet",
        lambda d, t: flac(d, block(PADDING, b"") + block(COMMENT, comments(t), last=True)),
    ),
    Place(
        "block over two packets",
        lambda d, t: flac(
            d, block(COMMENT, comments(t), last=True)[:20], block(COMMENT, comments(t), last=True)[20:]
        ),
    ),
    Place("metadata without an end", lambda d, t: flac(d, block(COMMENT, comments(t)))),
    Place(
        "damaged comment block",
        lambda d, t: flac(d, block(COMMENT, struct.pack("<III", 0, 9, 2**31) + t.encode(), last=True)),
    ),
    Place(
        "kept INFO chunk",
        lambda d, t: flac(
            d,
            block(
                APPLICATION,
                b"riffLIST" + struct.pack("<I4s4sI", 12 + len(t), b"INFO", b"NOAI", len(t)) + t.encode(),
                last=True,
            ),
        ),
    ),
    Place("kept id3 chunk that is cut off", lambda d, t: flac(d, block(APPLICATION, streamed(t), last=True))),
)


@pytest.mark.parametrize("place", FLAC_PLACES, ids=str)
def test_a_denial_hidden_in_flac_metadata_packets_is_seen(files: Files, place: Place) -> None:
    require_not_admitted(place.put(files.plain("ogg-flac"), DENIAL))
    require_not_admitted(place.put(files.permitted("ogg-flac"), DENIAL))
    require_not_admitted(place.put(files.marked("ogg-flac"), PERMISSION))


@pytest.mark.parametrize("kind", ["ogg-opus", "ogg-speex", "ogg-vorbis"])
def test_a_denial_behind_the_comments_is_seen(files: Files, kind: str) -> None:
    """In the comment packet, where the number of comments says that there are no more."""
    for data in (files.plain(kind), files.permitted(kind)):
        first, packet, *rest = header_packets(data)
        more = f"NOAI={DENIAL}".encode()
        hidden = packet + struct.pack("<I", len(more)) + more
        require_not_admitted(with_headers(data, [first, hidden, *rest]))


def test_a_denial_in_an_extra_header_of_speex_is_seen(files: Files) -> None:
    for data in (files.plain("ogg-speex"), files.permitted("ogg-speex")):
        first, packet = header_packets(data)
        announced = first[:68] + struct.pack("<i", 1) + first[72:]
        require_not_admitted(with_headers(data, [announced, packet, comments(DENIAL)]))


def test_more_comments_than_are_read_are_not_the_end(files: Files) -> None:
    filler = [f"X{number}=y" for number in range(3_000)]
    for kind in ("ogg-opus", "ogg-flac"):
        data = files.plain(kind)
        first, _, *rest = header_packets(data)
        block_of_many = comments("", *filler, f"NOAI={DENIAL}")
        packet = (
            b"OpusTags" + block_of_many
            if kind == "ogg-opus"
            else block(COMMENT, block_of_many, last=not rest)
        )
        require_not_admitted(with_headers(data, [first, packet, *rest]))


# -- C2PA --------------------------------------------------------------------------------------


def with_manifest(data: bytes) -> bytes:
    file = io.BytesIO(data)
    manifesting.embed(Ogg(), "audio/ogg", file, Order(NO_AI, live_signer()))
    return file.getvalue()


@each_kind
def test_a_c2pa_denial_is_seen_by_itself(files: Files, kind: str) -> None:
    require_rejected(with_manifest(files.plain(kind)))
    require_rejected(with_manifest(files.permitted(kind)))


def test_a_c2pa_denial_is_seen_wherever_its_stream_lies(files: Files) -> None:
    data = files.plain("ogg-opus")
    (place,) = Ogg().read_tags(BytesSource(with_manifest(data))).manifests
    store = place.read(BytesSource(with_manifest(data)))
    packet = b"\x00c2pa" + store
    single = page(OTHER, 0, FIRST | LAST, packet)
    many = paginate([packet], 20, OTHER, 0, LAST)
    begun = with_checksum(many[0][:5] + bytes([many[0][5] | FIRST]) + many[0][6:])
    second = page(OTHER + 1, 0, FIRST | LAST, packet)
    rejected = {
        "in front": single + data,
        "in the last link": data
        + with_serial(data, 1)[: len(pages(data)[0])]
        + single
        + with_serial(data, 1)[len(pages(data)[0]) :],
        "behind everything": data + single,
        "over many pages": multiplexed(data, [begun, *many[1:]]),
        "twice": multiplexed(multiplexed(data, [single]), [second]),
        "with a wrong checksum": multiplexed(data, [single[:22] + bytes(4) + single[26:]]),
        "with more behind it": multiplexed(data, [page(OTHER, 0, FIRST | LAST, packet, b"more")]),
    }
    for what, hidden in rejected.items():
        assert judge(hidden).decision is Decision.REJECTED, what
    require_not_admitted(multiplexed(data, [begun, *many[1:-1]]))
    require_not_admitted(multiplexed(data, [begun, many[2], many[1], *many[3:]]))
    require_not_admitted(multiplexed(data, [page(OTHER, 0, FIRST | LAST, b"\x00c2pa")]))


# -- audio that a permission does not cover ------------------------------------------------------


def flagged(part: bytes, flags: int) -> bytes:
    return with_checksum(part[:5] + bytes([flags]) + part[6:])


def early_end(data: bytes, _: bytes) -> bytes:
    parts = pages(data)
    middle = len(parts) - 2
    return b"".join([*parts[:middle], flagged(parts[middle], parts[middle][5] | LAST), *parts[middle + 1 :]])


def early_granule(data: bytes, _: bytes) -> bytes:
    return with_last(data, lambda last: with_granule(last, granule_of(last) // 4))


def early_granule_on_an_empty_page(data: bytes, _: bytes) -> bytes:
    *kept, last = pages(data)
    number = int.from_bytes(last[18:22], "little")
    empty = struct.pack("<4sBBqIIIB", b"OggS", 0, LAST, 1, serial_of(last), number + 1, 0, 0)
    return b"".join([*kept, flagged(last, last[5] & ~LAST), with_checksum(empty)])


def late_start(data: bytes, _: bytes) -> bytes:
    """Three seconds in front of zero, which GStreamer does not play."""
    parts = pages(data)
    begin = len(read_heads(BytesSource(data)).streams[0].header_pages)
    moved = [with_granule(part, granule_of(part) - 150_000) for part in parts[begin:]]
    return b"".join([*parts[:begin], *moved])


def skipped_page(data: bytes, _: bytes) -> bytes:
    return with_last(data, lambda last: last[:22] + bytes(4) + last[26:])


def lost_page(data: bytes, _: bytes) -> bytes:
    parts = pages(data)
    return b"".join([*parts[:-2], parts[-1]])


def second_link(data: bytes, other: bytes) -> bytes:
    return with_serial(data, 1) + with_serial(other, 2)


def first_link(data: bytes, other: bytes) -> bytes:
    return with_serial(other, 1) + with_serial(data, 2)


def second_stream(data: bytes, other: bytes) -> bytes:
    return multiplexed(data, pages(with_serial(other, OTHER)))


def continued_elsewhere(data: bytes, other: bytes) -> bytes:
    """Pages of other audio under the serial number of the stream, behind its end."""
    return data + b"".join(pages(with_serial(other, serial_of(data)))[2:])


def other_codec(data: bytes, _: bytes) -> bytes:
    return multiplexed(data, other_stream(b"PCM     " + bytes(20), b"", bytes(4000)))


SWAPS = (
    early_end,
    early_granule,
    early_granule_on_an_empty_page,
    late_start,
    skipped_page,
    lost_page,
    second_link,
    first_link,
    second_stream,
    continued_elsewhere,
    other_codec,
)


@each_kind
@pytest.mark.parametrize("swap", SWAPS, ids=lambda swap: swap.__name__)
def test_a_permission_does_not_cover_other_audio(
    files: Files, kind: str, swap: Callable[[bytes, bytes], bytes]
) -> None:
    """What some player would play besides what was permitted, or leave out of it."""
    data = files.permitted(kind, "long")
    assert judge(data).decision is Decision.ALLOWED
    changed = swap(data, files.plain("ogg-opus" if kind != "ogg-opus" else "ogg-vorbis"))
    assert judge(changed).decision is Decision.UNDECIDED


@pytest.mark.parametrize("swap", [early_granule, early_granule_on_an_empty_page, late_start])
def test_a_mark_that_could_never_pass_is_not_made(
    files: Files, swap: Callable[[bytes, bytes], bytes]
) -> None:
    data = swap(files.plain("ogg-vorbis", "long"), b"")
    with pytest.raises(EssenceUnbindable) as refused:
        mark(data, signer=ARTIST, c2pa=False, now=NOW)
    assert Code.OGG_GRANULES in str(refused.value)


def test_a_marked_chain_says_so_in_its_first_link_and_covers_all(files: Files) -> None:
    chain = b"".join(with_serial(files.plain(kind), number) for number, kind in enumerate(KINDS, start=1))
    marked = mark(chain, signer=ARTIST, c2pa=False, now=NOW)
    assert isinstance(marked, bytes)
    require_rejected(marked)
    links = [stream.link for stream in read_heads(BytesSource(marked)).streams]
    assert links == [0, 1, 2, 3]
    parts = pages(marked)
    cut = next(number for number, part in enumerate(parts) if serial_of(part) == 2)
    require_rejected(b"".join(parts[:cut]))


def test_a_file_of_video_alone_is_not_marked() -> None:
    with pytest.raises(MarkError):
        written(
            b"".join(other_stream(b"\x80theora", b"\x81theora" + comments("1"), b"\x82")),
            TagEdit(markers=("a",)),
        )
