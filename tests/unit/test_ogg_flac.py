"""FLAC in Ogg: the mapping's corner cases, what decoders disagree about, and remuxes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers import _ogg_flac, _ogg_streams
from noai.containers._ogg_pages import FIRST, LAST, Page, PageReader, with_checksum
from noai.containers.interface import TagEdit
from noai.containers.mp4 import Mp4
from noai.containers.ogg import Ogg
from noai.containers.registry import detect
from noai.errors import ContainerMalformed, EssenceUnbindable, LimitExceeded, MarkError
from noai.sources import BytesSource
from tests.audio import decoded_md5, ffmpeg, run
from tests.unit.ogg_bytes import (
    LIFT,
    MARK,
    MARKER,
    NOTHING,
    STATEMENT,
    codes,
    essence,
    granule_of,
    header_packets,
    markers,
    notes,
    page,
    pages,
    serial_of,
    tags,
    with_granule,
    with_headers,
    written,
)

Files = Callable[..., Path]

LAST_BLOCK = 0x80
PADDING, APPLICATION, COMMENT = 1, 2, 4


def block(kind: int, content: bytes, *, last: bool = False) -> bytes:
    return bytes([kind | (LAST_BLOCK if last else 0)]) + len(content).to_bytes(3, "big") + content


def comments(*items: str, last: bool = False) -> bytes:
    encoded = [item.encode() for item in items]
    body = struct.pack("<I", 1) + b"v" + struct.pack("<I", len(encoded))
    body += b"".join(struct.pack("<I", len(item)) + item for item in encoded)
    return block(COMMENT, body, last=last)


@pytest.fixture
def plain(encoded: Files) -> bytes:
    return encoded("ogg-flac", "plain").read_bytes()


def rebuilt(data: bytes, *blocks: bytes, together: bool = False) -> bytes:
    """The file with these metadata blocks behind its STREAMINFO."""
    return with_headers(data, [header_packets(data)[0], *blocks], together=together)


# -- the digest ------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["plain", "tagged", "cover", "ffmpeg"])
def test_a_remux_to_mp4_keeps_the_digest(encoded: Files, tmp_path: Path, variant: str) -> None:
    path = encoded("ogg-flac", variant)
    original = essence(path.read_bytes())
    assert original.digest.scheme == "flac-packets/1"
    direct, matroska, around = (tmp_path / name for name in ("a.mp4", "a.mka", "b.mp4"))
    ffmpeg("-i", path, "-map", "0:a", "-c", "copy", "-strict", "-2", direct)
    ffmpeg("-i", path, "-map", "0:a", "-c", "copy", matroska)
    ffmpeg("-i", matroska, "-c", "copy", "-strict", "-2", around)
    for copy in (direct, around):
        assert Mp4().read_essence(BytesSource(copy.read_bytes())) == original


def test_frame_sizes_are_no_part_of_the_configuration(plain: bytes) -> None:
    first, *rest = header_packets(plain)
    for at in range(len(first) - 34, len(first)):
        changed = with_headers(plain, [first[:at] + bytes([first[at] ^ 1]) + first[at + 1 :], *rest])
        same = essence(changed).digest == essence(plain).digest
        assert same == (4 <= at - (len(first) - 34) < 10), at


def test_an_empty_packet_is_no_packet(plain: bytes) -> None:
    """ffmpeg's encoder ends a stream with one; its muxers do not copy it."""
    *kept, last = pages(plain)
    end = page(serial_of(last), int.from_bytes(last[18:22], "little") + 1, LAST, b"")
    data = b"".join([*kept, without_end(last), with_granule(end, granule_of(last))])
    assert essence(data) == essence(plain)


def without_end(last: bytes) -> bytes:
    return with_checksum(last[:5] + bytes([last[5] & ~LAST]) + last[6:])


# -- header packets --------------------------------------------------------------------------


def test_all_metadata_packets_are_read(plain: bytes) -> None:
    chunk = b"riffLIST" + struct.pack("<I", 4 + 8 + 6) + b"INFOICMT" + struct.pack("<I", 6) + b"chunk\0"
    data = rebuilt(
        plain,
        comments("TITLE=first"),
        block(PADDING, bytes(40)),
        block(APPLICATION, chunk),
        comments(f"NOAI={MARKER}", "COMMENT=second"),
        block(6, b"picture", last=True),
    )
    area = tags(data)
    assert {field.value for field in area.fields} == {"first", "chunk", MARKER, "second"}
    assert [note.code for note in area.notes] == [Code.TAG_DUPLICATE]
    assert essence(data) == essence(plain)
    items = Ogg().inventory(BytesSource(data), NOTHING)
    assert {item.partition("=")[0] for item in items} >= {"APPLICATION", "PICTURE", "TITLE", "COMMENT"}
    assert not any(item.startswith("PADDING") for item in items)


@pytest.mark.parametrize("count", [0, 1, 3, 65_535])
def test_the_announced_number_of_header_packets_plays_no_part(plain: bytes, count: int) -> None:
    """0 is unknown; GStreamer has been seen to write a wrong one, and no decoder looks."""
    first, *rest = header_packets(plain)
    data = with_headers(plain, [first[:7] + struct.pack(">H", count) + first[9:], *rest])
    assert essence(data) == essence(plain)
    assert notes(data) == []
    assert markers(written(data, MARK)) == [MARKER]


def test_streaminfo_alone_has_no_comments(plain: bytes) -> None:
    first = header_packets(plain)[0]
    data = with_headers(plain, [first[:13] + bytes([LAST_BLOCK]) + first[14:]])
    assert (tags(data).fields, notes(data)) == ((), [])
    assert essence(data) == essence(plain)
    with pytest.raises(MarkError):
        written(data, MARK)


def differently_read(first: bytes) -> dict[str, list[bytes]]:
    """Header packets, each after ``first``, that decoders read differently."""
    title = comments("TITLE=a")
    return {
        "audio before the last block": [title, block(PADDING, b"")],
        "two blocks in a packet": [title + comments("NOAI=1", last=True)],
        "a block cut short": [title, comments("TITLE=b")[:-1], comments(last=True)],
        "a second STREAMINFO": [title, block(0, first[-34:], last=True)],
        "the forbidden type": [title, b"\x7f\0\0\0", comments(last=True)],
        "an empty packet": [title, b"", comments(last=True)],
    }


@pytest.mark.parametrize("what", list(differently_read(b"")))
def test_metadata_that_decoders_read_differently_is_a_violation(plain: bytes, what: str) -> None:
    data = rebuilt(plain, *differently_read(header_packets(plain)[0])[what])
    assert Code.FLAC_BLOCKS in codes(essence(data))
    assert Code.TAG_UNREADABLE in notes(data)
    assert ("TITLE", "a") in [(field.key, field.value) for field in tags(data).fields]
    with pytest.raises(EssenceUnbindable):
        written(data, MARK)


def test_a_packet_that_is_no_frame_is_a_violation(plain: bytes) -> None:
    *kept, last = pages(plain)
    number = int.from_bytes(last[18:22], "little")
    data = b"".join([*kept, without_end(last), page(serial_of(last), number + 1, LAST, comments("NOAI=1"))])
    assert Code.FLAC_SYNC in codes(essence(data))


def test_a_first_packet_of_another_form_is_refused(plain: bytes) -> None:
    first, *rest = header_packets(plain)
    for changed in (
        first + b"x",
        first[:-1],
        first[:9] + b"flac" + first[13:],
        first[:16] + b"\x21" + first[17:],
    ):
        with pytest.raises(ContainerMalformed):
            essence(with_headers(plain, [changed, *rest]))


def test_metadata_that_never_ends_is_not_read_as_empty(plain: bytes) -> None:
    parts = pages(plain)
    data = parts[0] + page(serial_of(plain), 1, LAST, comments("NOAI=1"))
    assert Code.TAG_UNREADABLE in notes(data)
    with pytest.raises(ContainerMalformed):
        essence(data)


def test_more_header_packets_than_are_read(plain: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    data = rebuilt(plain, comments("NOAI=1"), *[block(PADDING, b"")] * 20, block(PADDING, b"", last=True))
    assert markers(data) == ["1"]
    monkeypatch.setattr(_ogg_streams, "BOXES", 20)
    assert Code.LIMIT_EXCEEDED in notes(data)
    with pytest.raises(LimitExceeded):
        essence(data)


# -- writing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["plain", "tagged", "cover", "ffmpeg"])
def test_only_the_page_of_the_comments_changes(encoded: Files, variant: str) -> None:
    data = encoded("ogg-flac", variant).read_bytes()
    after = written(data, MARK)
    before_pages, after_pages = pages(data), pages(after)
    assert before_pages[0] == after_pages[0]
    assert before_pages[2:] == after_pages[2:]
    assert b"NOAI=" in after_pages[1]
    assert written(after, LIFT) == data


def test_comments_that_share_a_page_with_others_take_them_along(plain: bytes) -> None:
    data = rebuilt(
        plain, comments("TITLE=a"), block(6, b"picture" * 50), comments("NOAI=old", last=True), together=True
    )
    after = written(data, MARK)
    assert markers(after) == [MARKER]
    assert essence(after) == essence(data)
    assert Ogg().inventory(BytesSource(after), MARK) == Ogg().inventory(BytesSource(data), MARK)
    assert len(pages(after)) == len(pages(data))


def test_every_comment_block_loses_its_marker(plain: bytes) -> None:
    data = rebuilt(
        plain,
        comments("NOAI=a", f"COMMENT={STATEMENT}"),
        block(6, b"picture"),
        comments("noai=b", f"COMMENT=kept | {STATEMENT}", last=True),
    )
    after = written(data, TagEdit(markers=("x.y.z",), lifted_statements=(STATEMENT,)))
    assert markers(after) == ["x.y.z"]
    assert STATEMENT.encode() not in after
    assert b"COMMENT=kept" in after
    assert essence(after) == essence(data)


def test_more_pages_number_the_others_anew(plain: bytes, tmp_path: Path) -> None:
    full = comments("FILL=" + "x" * 64_900, last=True)
    data = rebuilt(plain, comments("FILL=" + "y" * 64_900), block(6, b"picture"), full)
    edit = TagEdit(markers=(MARKER,))
    after = written(data, edit)
    assert len(pages(after)) == len(pages(data)) + 1
    assert essence(after) == essence(data)
    assert Ogg().inventory(BytesSource(after), edit) == Ogg().inventory(BytesSource(data), edit)
    heard = []
    for name, content in (("before.oga", data), ("after.oga", after)):
        (tmp_path / name).write_bytes(content)
        heard.append(decoded_md5(tmp_path / name))
        run("flac", "--ogg", "--silent", "--test", tmp_path / name)
    assert heard[0] == heard[1]
    lifted = written(after, NOTHING)
    assert (essence(lifted), markers(lifted)) == (essence(data), [])


def test_comments_beyond_a_metadata_block_are_not_written(
    plain: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ogg_flac, "LARGEST_PACKET", len(MARKER))
    with pytest.raises(MarkError):
        written(plain, MARK)


def test_it_is_told_from_native_flac(plain: bytes) -> None:
    assert detect(BytesSource(plain)).name == "ogg-flac"
    (first, *_) = [each for each in PageReader(BytesSource(plain), 4096) if isinstance(each, Page)]
    assert first.flags == FIRST
    assert plain[first.body :].startswith(b"\x7fFLAC\x01\x00")
