"""Ogg Vorbis and Opus: pages, chains, what retagging keeps and what damage shows."""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable
from pathlib import Path

import mutagen
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers import _ogg_essence, _ogg_streams, _ogg_write
from noai.containers._ogg_kinds import VORBIS
from noai.containers._ogg_pages import (
    FIRST,
    LAST,
    Gap,
    PacketSource,
    Page,
    PageReader,
    paginate,
    split_lacing,
    with_checksum,
)
from noai.containers._ogg_streams import read_heads
from noai.containers.interface import ContainerName, FieldRole, TagEdit
from noai.containers.ogg import Ogg
from noai.errors import ContainerError, ContainerMalformed, EssenceUnbindable, LimitExceeded, MarkError
from noai.limits import OGG_HEADER_PAGES, OGG_STREAMS
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, ffmpeg, run
from tests.unit.ogg_bytes import (
    KINDS,
    LIFT,
    MARK,
    MARKER,
    NOTHING,
    STATEMENT,
    codes,
    essence,
    granule_of,
    markers,
    notes,
    page,
    pages,
    tags,
    with_granule,
    with_serial,
    written,
)

Files = Callable[..., Path]

BOTH = pytest.mark.parametrize("container", ["ogg-vorbis", "ogg-opus"])
EACH = pytest.mark.parametrize("container", KINDS)


# -- pages ----------------------------------------------------------------------------------


def bitwise_checksum(data: bytes) -> int:
    """RFC 3533 §6, literally."""
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value


@given(data=st.binary(min_size=27, max_size=200))
def test_the_checksum_is_that_of_the_standard(data: bytes) -> None:
    made = with_checksum(data)
    expected = bitwise_checksum(data[:22] + bytes(4) + data[26:])
    assert made == data[:22] + struct.pack("<I", expected) + data[26:]


@BOTH
@pytest.mark.parametrize("variant", ["plain", "ffmpeg", "cover"])
def test_the_checksums_of_real_pages_hold(encoded: Files, container: str, variant: str) -> None:
    source = BytesSource(encoded(container, variant).read_bytes())
    for window in (300, 1 << 20):
        reader = PageReader(source, window)
        for found in reader:
            assert isinstance(found, Page)
            assert reader.checksum_holds(found)


@given(
    packets=st.lists(st.integers(0, 70_000).map(bytes), min_size=1, max_size=4),
    wanted=st.integers(1, 6),
)
def test_packets_come_back_from_their_pages(packets: list[bytes], wanted: int) -> None:
    packets = [bytes([number]) * len(packet) for number, packet in enumerate(packets, start=1)]
    made = paginate(packets, wanted, 7, 3, LAST)
    source = BytesSource(b"lead" + b"".join(made))
    found = [page for page in PageReader(source, 500, start=4) if isinstance(page, Page)]
    assert len(found) == len(made)
    segments = sum(len(packet) // 255 + 1 for packet in packets)
    assert len(found) == min(max(wanted, -(-segments // 255)), segments)
    assert [page.sequence for page in found] == list(range(3, 3 + len(found)))
    assert [bool(page.flags & LAST) for page in found] == [False] * (len(found) - 1) + [True]
    lengths, rest = split_lacing(b"".join(page.lacing for page in found))
    assert (lengths, rest) == ([len(packet) for packet in packets], 0)
    whole = PacketSource(source, [(page.body, page.end - page.body) for page in found])
    assert whole.read_at(0, whole.size) == b"".join(packets)
    assert whole.read_at(whole.size // 2, 9) == b"".join(packets)[whole.size // 2 :][:9]
    assert whole.read_at(whole.size, 9) == b""


@given(junk=st.binary(min_size=1, max_size=700), window=st.integers(1, 600))
def test_bytes_between_pages_are_gaps(junk: bytes, window: int) -> None:
    good = page(1, 0, FIRST, b"x" * 40)
    found = list(PageReader(BytesSource(good + junk + good), window))
    assert found[0].end == len(good)
    covered = 0
    for each in found:
        assert each.offset == covered
        covered = each.end
    assert covered == 2 * len(good) + len(junk)
    if b"OggS" not in junk:
        gap, last = found[1:]
        assert isinstance(gap, Gap)
        assert isinstance(last, Page)


# -- detection ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def video(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Theora and Vorbis, multiplexed."""
    out = tmp_path_factory.mktemp("video") / "video.ogv"
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x64:duration=1")
    audio = ("-i", studio.materials.clip, "-c:a", "libvorbis", "-shortest")
    ffmpeg(*picture, *audio, "-c:v", "libtheora", "-metadata:s:v", "title=Moving", out)
    return out.read_bytes()


def test_kinds_are_told_by_their_first_packets(encoded: Files, video: bytes) -> None:
    def kind(data: bytes) -> ContainerName | None:
        return Ogg().detect(BytesSource(data))

    assert kind(encoded("ogg-vorbis", "plain").read_bytes()) == ContainerName("ogg-vorbis")
    assert kind(encoded("ogg-opus", "plain").read_bytes()) == ContainerName("ogg-opus")
    assert kind(video) == ContainerName("ogg-vorbis")
    assert kind(page(1, 0, FIRST, b"\x80theora")) is None
    assert kind(b"OggS") is None
    assert kind(page(1, 0, 0, b"OpusHead")) is None


# -- the essence ----------------------------------------------------------------------------


def kid3(path: Path) -> None:
    run("kid3-cli", "-c", "set title 'Another'", "-c", "set picture:'' 'x'", "-c", "save", path)


def with_mutagen(path: Path) -> None:
    file = mutagen.File(path)
    file["TITLE"] = "T" * 70_000
    file.save()


def with_vorbiscomment(path: Path) -> None:
    run("vorbiscomment", "-a", "-t", "REPLAYGAIN_TRACK_GAIN=-3 dB", path)


def with_ffmpeg(path: Path) -> None:
    copy = path.with_name(f"copy{path.suffix}")
    ffmpeg("-i", path, "-map", "0:a", "-c", "copy", "-metadata", "title=Copied", copy)
    copy.replace(path)


def through_matroska(path: Path) -> None:
    copy = path.with_suffix(".mka")
    ffmpeg("-i", path, "-map", "0:a", "-c", "copy", copy)
    ffmpeg("-i", copy, "-c", "copy", path)


RETAGGERS = [
    *(
        (container, retag)
        for container in KINDS
        for retag in (kid3, with_mutagen, with_ffmpeg, through_matroska)
    ),
    ("ogg-vorbis", with_vorbiscomment),
]


@pytest.mark.parametrize(("container", "retag"), RETAGGERS)
@pytest.mark.parametrize("variant", ["plain", "tagged", "ffmpeg"])
def test_retagging_keeps_the_essence(
    fresh: Files, container: str, variant: str, retag: Callable[[Path], None]
) -> None:
    path = fresh(container, variant)
    path.write_bytes(written(path.read_bytes(), MARK))
    before = essence(path.read_bytes())
    retag(path)
    after = essence(path.read_bytes())
    assert after.digest == before.digest
    # TagLib takes the flag of the last metadata block away, after which libFLAC plays no such file.
    broken = (container, variant, retag) == ("ogg-flac", "ffmpeg", kid3)
    assert codes(after) == ({Code.FLAC_BLOCKS} if broken else set())
    if retag is not through_matroska:
        assert markers(path.read_bytes()) == [MARKER]


@BOTH
def test_every_flipped_byte_breaks_the_essence_or_is_a_violation(encoded: Files, container: str) -> None:
    """In the headers and the first page of audio; which bit, changes from byte to byte."""
    kept = pages(encoded(container, "plain").read_bytes())
    first = 3 if container == "ogg-vorbis" else 2
    data = b"".join(kept[:first]) + kept[first]
    original = essence(data)
    for at in range(len(data) - 2_500, len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        try:
            reading = essence(bytes(changed))
        except ContainerError:
            continue
        assert reading.violations
    fixed = bytearray(kept[first])
    fixed[-1] ^= 1
    reading = essence(b"".join(kept[:first]) + with_checksum(bytes(fixed)))
    assert reading.violations == ()
    assert reading.digest != original.digest


@BOTH
def test_damage_to_pages_is_a_violation(encoded: Files, container: str) -> None:
    data = encoded(container, "plain").read_bytes()
    parts = pages(data)
    assert essence(data).violations == ()
    middle = len(parts) // 2
    damaged = {
        "a page is missing": parts[:middle] + parts[middle + 1 :],
        "pages are swapped": [*parts[:middle], parts[middle + 1], parts[middle], *parts[middle + 2 :]],
        "a page stands twice": [*parts[:middle], parts[middle], *parts[middle:]],
        "bytes between pages": [*parts[:middle], b"junk", *parts[middle:]],
        "bytes behind pages": [*parts, b"TAG" + bytes(125)],
        "zeros behind pages": [*parts, bytes(9)],
        "a page is cut": [*parts[:-1], parts[-1][:-1]],
        "a header is cut": [*parts[:-1], parts[-1][:20]],
        "a packet goes on that was finished": [
            *parts[:-1],
            with_checksum(parts[-1][:5] + b"\5" + parts[-1][6:]),
        ],
        "a page follows the last": [*parts, parts[-1]],
        "another stream, never begun": [*parts[:middle], page(9, 0, 0, b"x"), *parts[middle:]],
        "the same stream begins again": [*parts, *parts],
        "a stream begins in the middle": [
            *parts[:-1],
            page(9, 0, FIRST, b"fishead\x00"),
            parts[-1],
        ],
    }
    for what, changed in damaged.items():
        found = codes(essence(b"".join(changed)))
        assert Code.OGG_PAGES in found, what
        assert found <= {Code.OGG_PAGES, Code.OGG_GRANULES}, what
        with pytest.raises(EssenceUnbindable):
            written(b"".join(changed), MARK)
    for at in (-1, len(parts[0]) + len(parts[1]) - 1):
        broken = bytearray(data)
        broken[at] ^= 1
        assert codes(essence(bytes(broken))) == {Code.OGG_CRC}
    with pytest.raises(EssenceUnbindable):
        written(bytes(broken), MARK)


def test_an_unfinished_packet_is_a_violation(encoded: Files) -> None:
    head = b"".join(pages(encoded("ogg-opus", "plain").read_bytes())[:2])
    serial, following = struct.unpack_from("<I", head, 14)[0], 2
    lacing = b"\xff\xff"
    body = struct.pack("<4sBBqIIIB", b"OggS", 0, LAST, 960, serial, following, 0, 2) + lacing + bytes(510)
    assert codes(essence(head + with_checksum(body))) == {Code.OGG_PAGES}


@BOTH
def test_headers_that_lack_or_lie_are_refused(encoded: Files, container: str) -> None:
    parts = pages(encoded(container, "plain").read_bytes())
    with pytest.raises(ContainerMalformed):
        essence(parts[0])
    cut = essence(b"".join(parts[:3]))
    assert cut.digest != essence(b"".join(parts)).digest
    assert [note.code for note in tags(parts[0]).notes] == [Code.TAG_UNREADABLE]


@pytest.mark.parametrize(
    ("offset", "new"),
    [(8, b"\x10"), (9, b"\x00"), (18, b"\x01"), (18, b"\xff")],
    ids=["version", "channels", "family without table", "unknown family"],
)
def test_an_opus_head_that_decoders_refuse_is_refused(encoded: Files, offset: int, new: bytes) -> None:
    parts = pages(encoded("ogg-opus", "plain").read_bytes())
    at = 28 + offset
    parts[0] = with_checksum(parts[0][:at] + new + parts[0][at + 1 :])
    with pytest.raises(ContainerMalformed):
        essence(b"".join(parts))


def test_the_output_gain_is_no_part_of_the_essence_but_of_the_inventory(encoded: Files) -> None:
    data = encoded("ogg-opus", "plain").read_bytes()
    parts = pages(data)
    parts[0] = with_checksum(parts[0][: 28 + 16] + struct.pack("<h", -500) + parts[0][28 + 18 :])
    louder = b"".join(parts)
    assert essence(louder) == essence(data)
    before, after = (Ogg().inventory(BytesSource(each), NOTHING) for each in (data, louder))
    assert sorted((before - after) + (after - before)) == ["Opus output gain=-500", "Opus output gain=0"]


# -- chains and multiplexes -----------------------------------------------------------------


@pytest.fixture
def links(encoded: Files) -> list[bytes]:
    """Three streams of their own, under serial numbers of their own."""
    names = [("ogg-vorbis", "plain"), ("ogg-vorbis", "ffmpeg"), ("ogg-opus", "plain")]
    return [with_serial(encoded(*name).read_bytes(), 100 + n) for n, name in enumerate(names)]


def test_a_chain_is_hashed_as_a_whole(links: list[bytes]) -> None:
    whole = essence(b"".join(links))
    assert whole.violations == ()
    assert whole.digest.scheme == "opus+vorbis/1"
    assert whole.payload_bytes == sum(essence(link).payload_bytes for link in links)
    seen = {whole.digest, *(essence(link).digest for link in links), essence(b"".join(links[:2])).digest}
    seen.add(essence(links[1] + links[0] + links[2]).digest)
    assert len(seen) == 6


def test_every_link_of_a_chain_is_read(links: list[bytes]) -> None:
    for number in range(3):
        marked = [written(link, MARK) if n == number else link for n, link in enumerate(links)]
        area = tags(b"".join(marked))
        assert markers(b"".join(marked)) == [MARKER]
        assert [note.code for note in area.notes] == [Code.TAG_DUPLICATE]
        (field,) = (field for field in area.fields if field.role is FieldRole.MARKER)
        assert field.place == ("Vorbis comment" if number == 0 else f"Vorbis comment (link {number + 1})")


@BOTH
@pytest.mark.parametrize("serials", [(1, 2, 1), (1, 1), (1, 1, 1), (1, 2, 3, 1)])
def test_a_link_is_read_whatever_serial_numbers_stand_around_it(
    encoded: Files, container: str, serials: tuple[int, ...]
) -> None:
    plain = encoded(container, "plain").read_bytes()
    for place in range(len(serials)):
        kept = [written(plain, MARK) if number == place else plain for number in range(len(serials))]
        chain = b"".join(with_serial(link, serial) for link, serial in zip(kept, serials, strict=True))
        assert markers(chain) == [MARKER]


@BOTH
def test_a_link_whose_first_page_does_not_say_so_is_a_note(encoded: Files, container: str) -> None:
    """FFmpeg takes pages of a new serial number for a new stream whatever their flags say."""
    plain = encoded(container, "plain").read_bytes()
    first, *rest = pages(with_serial(written(plain, MARK), 2))
    link = with_checksum(first[:5] + b"\0" + first[6:]) + b"".join(rest)
    for data in (with_serial(plain, 1) + link, with_serial(plain, 1) + link + with_serial(plain, 1)):
        assert Code.TAG_UNREADABLE in [note.code for note in tags(data).notes]


def test_a_limit_leaves_what_was_read_before_it(encoded: Files) -> None:
    link = encoded("ogg-opus", "plain").read_bytes()
    short = b"".join(pages(link)[:2])
    data = written(link, MARK) + b"".join(with_serial(short, number) for number in range(OGG_STREAMS))
    assert markers(data) == [MARKER]
    assert Code.LIMIT_EXCEEDED in [note.code for note in tags(data).notes]


def test_a_chain_is_marked_in_its_first_link_and_lifted_in_all(links: list[bytes]) -> None:
    data = b"".join([links[0], written(links[1], MARK), written(links[2], MARK)])
    other = TagEdit(markers=("a.b.c",), lifted_statements=(STATEMENT,))
    after = written(data, other)
    assert markers(after) == ["a.b.c"]
    assert STATEMENT.encode() not in after
    assert essence(after) == essence(data)
    assert Ogg().inventory(BytesSource(after), other) == Ogg().inventory(BytesSource(data), other)
    assert written(after, TagEdit(markers=())) == b"".join(links)


def test_video_is_in_no_digest_but_its_comments_are_read(video: bytes, tmp_path: Path) -> None:
    reading = essence(video)
    assert (reading.violations, reading.digest.scheme) == ((), "vorbis/1")
    source, audio = tmp_path / "a.ogv", tmp_path / "a.ogg"
    source.write_bytes(video)
    ffmpeg("-i", source, "-map", "0:a", "-c", "copy", audio)
    assert essence(audio.read_bytes()) == reading
    assert ("TITLE", "Moving") in [(field.key, field.value) for field in tags(video).fields]
    after = written(video, MARK)
    assert essence(after) == reading
    assert Ogg().inventory(BytesSource(after), MARK) == Ogg().inventory(BytesSource(video), MARK)
    marked = tmp_path / "m.ogv"
    marked.write_bytes(after)
    for streams in ("0:a", "0:v"):
        shown = [
            run("ffmpeg", "-v", "error", "-i", p, "-map", streams, "-f", "md5", "-") for p in (source, marked)
        ]
        assert shown[0] == shown[1]
    assert written(after, LIFT) == video


def test_a_marker_that_ffmpeg_wrote_into_every_stream_is_replaced_in_all(
    studio: Studio, tmp_path: Path
) -> None:
    out = tmp_path / "a.ogv"
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x64:duration=1")
    audio = ("-i", studio.materials.clip, "-c:a", "libvorbis", "-shortest")
    ffmpeg(*picture, *audio, "-c:v", "libtheora", "-metadata", "NOAI=a.b.c", "-metadata", "title=Both", out)
    data = out.read_bytes()
    assert markers(data) == ["a.b.c", "a.b.c"]
    after = written(data, MARK)
    assert markers(after) == [MARKER]
    assert essence(after) == essence(data)
    assert Ogg().inventory(BytesSource(after), MARK) == Ogg().inventory(BytesSource(data), MARK)
    assert [field.value for field in tags(after).fields if field.key == "TITLE"] == ["Both", "Both"]
    video = [with_serial(each, 1) for each in pages(data) if each[14:18] == data[14:18]]
    assert [with_serial(each, 1) for each in pages(after) if each[14:18] == data[14:18]][2:] == video[2:]


def test_a_stream_of_an_unknown_kind_could_be_audio(encoded: Files) -> None:
    parts = pages(encoded("ogg-opus", "plain").read_bytes())
    for first in (b"PCM     ", b"fLaC", b"\x7fFLAC\x02\x00"):
        data = b"".join([parts[0], page(5, 0, FIRST | LAST, first), *parts[1:]])
        assert codes(essence(data)) == {Code.ESSENCE_UNSUPPORTED}
        assert Code.TAG_UNREADABLE in notes(data)


def test_too_many_streams_are_too_many(encoded: Files) -> None:
    link = encoded("ogg-opus", "plain").read_bytes()
    short = b"".join(pages(link)[:2])
    data = b"".join(with_serial(short, number) for number in range(OGG_STREAMS + 1))
    with pytest.raises(LimitExceeded):
        essence(data)
    assert Code.LIMIT_EXCEEDED in [note.code for note in tags(data).notes]


def test_too_many_header_pages_are_too_many(encoded: Files) -> None:
    parts = pages(encoded("ogg-opus", "plain").read_bytes())
    serial = struct.unpack_from("<I", parts[0], 14)[0]
    empty = struct.pack("<4sBBqIIIB", b"OggS", 0, 0, 0, serial, 1, 0, 0)
    data = parts[0] + empty * OGG_HEADER_PAGES
    with pytest.raises(LimitExceeded):
        essence(data)
    assert Code.LIMIT_EXCEEDED in [note.code for note in tags(data).notes]


def test_packets_beyond_the_limits_are_refused(encoded: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    cover, plain = (encoded("ogg-vorbis", variant).read_bytes() for variant in ("cover", "plain"))
    monkeypatch.setattr(_ogg_essence, "CODEC_HEADER_BYTES", 1_000)
    with pytest.raises(LimitExceeded):
        essence(plain)
    monkeypatch.setattr(_ogg_streams, "OGG_PACKET_BYTES", 9_000)
    with pytest.raises(LimitExceeded):
        essence(cover)
    assert Code.LIMIT_EXCEEDED in [note.code for note in tags(cover).notes]
    monkeypatch.setattr(_ogg_write, "OGG_PACKET_BYTES", len(MARKER))
    with pytest.raises(MarkError):
        written(plain, MARK)
    serial = struct.unpack_from("<I", plain, 14)[0]
    endless = (
        struct.pack("<4sBBqIIIB", b"OggS", 0, 1, -1, serial, 0, 0, 255) + b"\xff" * 255 + bytes(255 * 255)
    )
    opus = pages(encoded("ogg-opus", "plain").read_bytes())[:2]
    head = with_serial(b"".join(opus), serial)
    monkeypatch.setattr(_ogg_essence, "OGG_PACKET_BYTES", 100_000)
    monkeypatch.setattr(_ogg_streams, "OGG_PACKET_BYTES", 100_000)
    with pytest.raises(LimitExceeded):
        essence(head + endless * 2)


def test_a_vorbis_header_of_another_length_is_refused(encoded: Files) -> None:
    parts = pages(encoded("ogg-vorbis", "plain").read_bytes())
    serial = struct.unpack_from("<I", parts[0], 14)[0]
    parts[0] = page(serial, 0, FIRST, parts[0][28:] + b"x")
    with pytest.raises(ContainerMalformed):
        essence(b"".join(parts))


def test_junk_is_a_note_because_a_link_could_hide_in_it(encoded: Files) -> None:
    data = encoded("ogg-vorbis", "plain").read_bytes()
    assert [note.code for note in tags(data + b"OggX" * 9).notes] == [Code.TAG_UNREADABLE]
    assert tags(data + bytes(9)).notes == ()
    assert tags(data[:-1]).notes == ()


# -- writing --------------------------------------------------------------------------------


@BOTH
def test_the_marker_stands_in_the_comments_and_audio_pages_only_move(encoded: Files, container: str) -> None:
    data = encoded(container, "tagged").read_bytes()
    after = written(data, MARK)
    headers = (
        2 if container == "ogg-opus" else next(n for n, p in enumerate(pages(data)) if p[6:14] != bytes(8))
    )
    assert b"NOAI=" in b"".join(pages(after)[:headers])
    assert pages(after)[headers:] == pages(data)[headers:]
    assert written(after, LIFT) == data


def test_padding_takes_up_a_short_mark(encoded: Files) -> None:
    data = encoded("ogg-opus", "plain").read_bytes()
    after = written(data, TagEdit(markers=("a.b.c",)))
    assert len(after) == len(data)
    assert markers(after) == ["a.b.c"]


@BOTH
def test_more_header_pages_number_the_others_anew(encoded: Files, tmp_path: Path, container: str) -> None:
    """Header pages that are filled to the last segment, so that a mark needs one more."""
    data = filled(encoded(container, "plain").read_bytes())
    after = written(data, MARK)
    assert len(pages(after)) == len(pages(data)) + 1
    assert essence(data).violations == ()
    assert essence(after) == essence(data)
    assert Ogg().inventory(BytesSource(after), MARK) == Ogg().inventory(BytesSource(data), MARK)
    heard = []
    for name, content in (("before", data), ("after", after)):
        path = tmp_path / f"{name}.ogg"
        path.write_bytes(content)
        heard.append(decoded_md5(path))
    assert heard[0] == heard[1]
    lifted = written(after, LIFT)
    assert (essence(lifted), markers(lifted)) == (essence(data), [])
    other = page(5, 0, FIRST, b"fishead\x00\x03\x00" + bytes(60))
    multiplexed = written(other + data + page(5, 1, LAST, b""), MARK)
    assert essence(multiplexed) == essence(data)
    assert multiplexed.endswith(page(5, 1, LAST, b""))
    broken = bytearray(data)
    broken[-1] ^= 1
    with pytest.raises(EssenceUnbindable):
        written(bytes(broken), MARK)


def filled(data: bytes) -> bytes:
    """``data`` with comments so long that the headers fill one page of 255 segments."""
    file = io.BytesIO(data)
    tagged = mutagen.File(file)
    tagged.clear()
    tagged.save(file, padding=lambda info: 0)
    stream = read_heads(BytesSource(file.getvalue())).streams[0]
    comment, *rest = (packet.read_at(0, packet.size) for packet in stream.packets[1:])
    free = 255 - sum(len(packet) // 255 + 1 for packet in (comment, *rest))
    fill = b"FILL=" + b"x" * (255 * free - 9)
    at = len(comment) - (stream.kind is VORBIS)
    comment = comment[: at - 4] + struct.pack("<II", 1, len(fill)) + fill + comment[at:]
    head, audio = stream.header_pages[0].end, stream.header_pages[-1].end
    (headers,) = paginate([comment, *rest], 1, stream.serial, 1, 0)
    assert headers[26] == 255
    shift = 2 - stream.header_pages[-1].sequence - 1
    behind = [
        with_checksum(p[:18] + struct.pack("<I", struct.unpack_from("<I", p, 18)[0] + shift) + p[22:])
        for p in pages(file.getvalue()[audio:])
    ]
    return b"".join([file.getvalue()[:head], headers, *behind])


def test_what_opus_keeps_behind_its_comments_stays(encoded: Files) -> None:
    """RFC 7845 §5.2: data whose first bit is set is to be preserved."""
    data = encoded("ogg-opus", "plain").read_bytes()
    parts = pages(data)
    serial = struct.unpack_from("<I", parts[0], 14)[0]
    comments = b"OpusTags" + struct.pack("<I", 1) + b"v" + struct.pack("<I", 0)
    parts[1] = page(serial, 1, 0, comments + b"\x01kept\x00")
    after = written(b"".join(parts), MARK)
    assert b"\x01kept\x00" in after
    assert Ogg().inventory(BytesSource(after), MARK) == Ogg().inventory(BytesSource(b"".join(parts)), MARK)
    assert [note.code for note in tags(after).notes] == [Code.TAG_UNREADABLE]


def test_a_comment_packet_that_is_damaged_is_not_written(encoded: Files) -> None:
    parts = pages(encoded("ogg-opus", "plain").read_bytes())
    serial = struct.unpack_from("<I", parts[0], 14)[0]
    for packet in (b"OpusTags" + b"\xff" * 8, b"something else", b"OpusTags"):
        data = b"".join([parts[0], page(serial, 1, 0, packet), *parts[2:]])
        with pytest.raises(MarkError):
            written(data, MARK)
        assert Code.TAG_UNREADABLE in [note.code for note in tags(data).notes]
        with pytest.raises(ContainerMalformed):
            Ogg().inventory(BytesSource(data), MARK)


def test_a_file_without_vorbis_or_opus_is_not_written() -> None:
    with pytest.raises(MarkError):
        written(page(1, 0, FIRST | LAST, b"\x80theora"), MARK)


def test_a_vorbis_comment_without_framing_bit_is_not_written(encoded: Files) -> None:
    parts = pages(encoded("ogg-vorbis", "plain").read_bytes())
    serial = struct.unpack_from("<I", parts[0], 14)[0]
    comments = b"\x03vorbis" + struct.pack("<I", 1) + b"v" + struct.pack("<I", 0)
    setup = b"\x05vorbis" + bytes(30)
    data = b"".join([parts[0], page(serial, 1, 0, comments, setup), *parts[2:]])
    with pytest.raises(MarkError):
        written(data, MARK)


def test_audio_on_the_page_of_the_headers_is_not_written(encoded: Files) -> None:
    parts = pages(encoded("ogg-opus", "plain").read_bytes())
    serial = struct.unpack_from("<I", parts[0], 14)[0]
    comments = b"OpusTags" + struct.pack("<I", 1) + b"v" + struct.pack("<I", 0)
    data = b"".join([parts[0], page(serial, 1, 0, comments, b"\x08audio"), *parts[2:]])
    assert codes(essence(data)) == {Code.OGG_PAGES}
    assert essence(data).payload_bytes == essence(b"".join(parts)).payload_bytes + 6
    with pytest.raises(EssenceUnbindable):
        written(data, MARK)


def test_page_offsets_in_a_skeleton_forbid_moving_pages(encoded: Files) -> None:
    parts = pages(encoded("ogg-vorbis", "plain").read_bytes())
    for version, refused in ((3, False), (4, True)):
        head = b"fishead\x00" + struct.pack("<HH", version, 0) + bytes(52)
        skeleton = page(5, 0, FIRST, head)
        data = b"".join([skeleton, parts[0], *parts[1:], page(5, 1, LAST, b"")])
        assert essence(data) == essence(b"".join(parts))
        if refused:
            with pytest.raises(MarkError):
                written(data, MARK)
        else:
            assert markers(written(data, MARK)) == [MARKER]


def test_pictures_are_in_the_inventory(encoded: Files) -> None:
    data = encoded("ogg-opus", "cover").read_bytes()
    area = tags(data)
    assert "METADATA_BLOCK_PICTURE" not in {field.key for field in area.fields}
    items = Ogg().inventory(BytesSource(data), NOTHING)
    assert sum(count for item, count in items.items() if item.startswith("METADATA_BLOCK_PICTURE=")) == 2
    at = data.index(b"METADATA_BLOCK_PICTURE=") + 2_000
    assert base64.b64decode(data[at : at + 4], validate=True)
    changed = data[:at] + (b"B" if data[at : at + 1] == b"A" else b"A") + data[at + 1 :]
    assert Ogg().inventory(BytesSource(changed), NOTHING) != items


def test_an_empty_page_at_the_end_is_fine(encoded: Files) -> None:
    parts = pages(encoded("ogg-vorbis", "plain").read_bytes())
    last = bytearray(parts[-1])
    last[5] &= ~LAST
    serial, sequence = struct.unpack_from("<II", last, 14)
    for granule in (-1, granule_of(parts[-1])):
        empty = struct.pack("<4sBBqIIIB", b"OggS", 0, LAST, granule, serial, sequence + 1, 0, 0)
        data = b"".join([*parts[:-1], with_checksum(bytes(last)), with_checksum(empty)])
        assert essence(data) == essence(b"".join(parts))
    # Players that go by the length of the file would find none.
    assert codes(essence(data[: -len(empty)] + with_granule(empty, 0))) == {Code.OGG_GRANULES}
