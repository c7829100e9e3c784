"""Markers where few look in MP3: in odd ID3 tags, between joined files, in what players take for audio."""

from __future__ import annotations

import struct
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers import _mpeg
from noai.containers._mp3_layout import read_layout
from noai.containers.mp3 import Mp3
from noai.errors import EssenceUnbindable, MarkError
from noai.limits import ID3_TAGS, TAGS_BETWEEN
from noai.marking import mark
from noai.sources import BytesSource
from noai.verdict import Decision
from tests.attacks.places import (
    ARTIST,
    DENIAL,
    HARMLESS,
    LYRICS,
    LYRICS_V1,
    PERMISSION,
    PICTURE,
    STATEMENT,
    V1,
    V1_EXTENDED,
    Files,
    Place,
    footed,
    id3,
    judge,
    require_not_admitted,
    require_rejected,
    seeking,
    txxx,
)
from tests.audio import Studio, ffmpeg, run
from tests.signers import NOW
from tests.unit.id3_bytes import frame, syncsafe, tag
from tests.unit.mp3_bytes import ape, id3v1, sound

#: Flags of a frame: version 3 and 4 differ.
COMPRESSED = {3: 0x0080, 4: 0x0009}
ENCRYPTED = {3: 0x0040, 4: 0x0004}
GROUPED = {3: 0x0020, 4: 0x0040}
UNSYNCHRONISED = 0x0002
INDICATED = 0x0001

BOTH = (3, 4)


@pytest.fixture(scope="module")
def files(studio: Studio) -> Files:
    return Files(studio)


def marker(version: int, text: str, before: bytes = b"", flags: int = 0) -> bytes:
    return frame(version, "TXXX", before + b"\0NOAI\0" + text.encode(), flags)


def compressed(version: int, text: str) -> bytes:
    payload = b"\0NOAI\0" + text.encode()
    size = len(payload).to_bytes(4, "big") if version == 3 else syncsafe(len(payload))
    return frame(version, "TXXX", size + zlib.compress(payload), COMPRESSED[version])


def utf16(text: str, mark: bytes = b"\xff\xfe", codec: str = "utf-16-le") -> bytes:
    """A TXXX frame in UTF-16, with a byte order mark in front of either string."""
    strings = (mark + "NOAI".encode(codec), mark + text.encode(codec))
    return frame(4, "TXXX", b"\1" + b"\0\0".join(strings))


def unsynchronised(data: bytes) -> bytes:
    return data.replace(b"\xff", b"\xff\0")


def unsynchronised_frame(text: str) -> bytes:
    """Its content is not to be read as it stands: a byte FF is in the description in front."""
    comment = frame(4, "COMM", unsynchronised(b"\0eng\xff\0x"), UNSYNCHRONISED)
    content = unsynchronised(b"\1\xff\xfe" + "NOAI".encode("utf-16-le") + b"\0\0\xff\xfe")
    return comment + frame(4, "TXXX", content + text.encode("utf-16-le"), UNSYNCHRONISED)


def extended(version: int, *frames: bytes) -> bytes:
    header = struct.pack(">IHI", 6, 0, 0) if version == 3 else bytes((0, 0, 0, 6, 1, 0))
    return tag(version, header, *frames, flags=0x40)


def swallowed(text: str) -> bytes:
    """An extended header that claims the frames behind it."""
    frames = txxx(text)
    return tag(4, syncsafe(len(frames) + 6) + b"\1\0", frames, flags=0x40)


def not_syncsafe(text: str) -> bytes:
    data = bytearray(tag(4, txxx(text), padding=bytes(400)))
    data[6:10] = (len(data) - 10).to_bytes(4, "big")
    return bytes(data)


def too_small(text: str) -> bytes:
    """The tag ends, by its header, in front of its second frame."""
    first = frame(4, "TIT2", b"\3x")
    return b"ID3\4\0\0" + syncsafe(len(first)) + first + txxx(text)


def chapter(*frames: bytes) -> bytes:
    return frame(4, "CHAP", b"c\0" + bytes(16) + b"".join(frames))


def contents(*frames: bytes) -> bytes:
    return frame(4, "CTOC", b"t\0\3\1c\0" + b"".join(frames))


IN_FRONT: dict[str, Callable[[str], bytes]] = {
    "third tag": lambda t: HARMLESS * 2 + id3(t),
    "last tag that is looked at": lambda t: HARMLESS * (ID3_TAGS - 1) + id3(t),
    "tag beyond the limit": lambda t: HARMLESS * ID3_TAGS + id3(t),
    "behind a picture": lambda t: tag(4, PICTURE, txxx(t)),
    "extended header 2.3": lambda t: extended(3, marker(3, t)),
    "extended header 2.4": lambda t: extended(4, marker(4, t)),
    "swallowed by an extended header": swallowed,
    "unsynchronised tag 2.3": lambda t: tag(3, unsynchronised(marker(3, t)), flags=0x80),
    "unsynchronised tag 2.4": lambda t: tag(4, unsynchronised_frame(t), flags=0x80),
    "unsynchronised frame": lambda t: tag(4, unsynchronised_frame(t)),
    "compressed frame 2.3": lambda t: tag(3, compressed(3, t)),
    "compressed frame 2.4": lambda t: tag(4, compressed(4, t)),
    "encrypted frame 2.3": lambda t: tag(3, marker(3, t, b"\1", ENCRYPTED[3])),
    "encrypted frame 2.4": lambda t: tag(4, marker(4, t, b"\1", ENCRYPTED[4])),
    "grouped frame 2.3": lambda t: tag(3, marker(3, t, b"\1", GROUPED[3])),
    "grouped frame 2.4": lambda t: tag(4, marker(4, t, b"\1", GROUPED[4])),
    "length indicated": lambda t: tag(4, marker(4, t, syncsafe(6 + len(t)), INDICATED)),
    "compressed tag 2.2": lambda t: tag(2, zlib.compress(t.encode()), flags=0x40),
    "tag 2.2": lambda t: tag(2, frame(2, "TXX", b"\0NOAI\0" + t.encode())),
    "name of 2.2 in 2.3": lambda t: tag(3, frame(3, "TXX\0", b"\0NOAI\0" + t.encode())),
    "name of 2.2 in 2.3, blank": lambda t: tag(3, frame(3, "TXX ", b"\0NOAI\0" + t.encode())),
    "chapter": lambda t: tag(4, chapter(txxx(t))),
    "chapter in a chapter": lambda t: tag(4, chapter(chapter(txxx(t)))),
    "table of contents": lambda t: tag(4, contents(txxx(t))),
    "behind padding": lambda t: tag(4, frame(4, "TIT2", b"\3x"), bytes(64), txxx(t)),
    "behind a damaged frame": lambda t: tag(4, frame(4, "TIT2", b"\3x"), b"\xff\xfe\xfd\xfc", txxx(t)),
    "size that is not syncsafe": not_syncsafe,
    "size too small": too_small,
    "size too large": lambda t: b"ID3\4\0\0" + syncsafe(len(txxx(t)) + 9000) + txxx(t),
    "version 2.5": lambda t: tag(5, txxx(t)),
    "junk in front of the tag": lambda t: b"\0" * 7 + id3(t),
    "junk in front of an APE tag": lambda t: b"\0" * 7 + ape(("NOAI", t.encode())),
    "APE tag behind ID3": lambda t: HARMLESS + ape(("NOAI", t.encode())),
    "UTF-16, little-endian": lambda t: tag(4, utf16(t)),
    "UTF-16, big-endian": lambda t: tag(4, utf16(t, b"\xfe\xff", "utf-16-be")),
    "UTF-16 without order, little-endian": lambda t: tag(4, utf16(t, b"")),
    "UTF-16 without order, big-endian": lambda t: tag(4, utf16(t, b"", "utf-16-be")),
    "UTF-16BE": lambda t: tag(4, frame(4, "TXXX", b"\2" + f"NOAI\0{t}".encode("utf-16-be"))),
    "Latin-1": lambda t: tag(4, marker(4, t)),
    "unknown encoding": lambda t: tag(4, frame(4, "TXXX", b"\4NOAI\0" + t.encode())),
    "second value": lambda t: tag(4, txxx(f"x\0{t}")),
    "many values": lambda t: tag(4, txxx("\0".join(["x"] * 50 + [t]))),
    "values of 2.3": lambda t: tag(3, marker(3, f"x/{t}")),
}

MIDDLE: dict[str, Callable[[str], bytes]] = {
    "ID3v2": id3,
    "ID3v2.2": lambda t: tag(2, frame(2, "TXX", b"\0NOAI\0" + t.encode())),
    "ID3v2.3 with an extended header": lambda t: extended(3, marker(3, t)),
    "ID3v2 with footer": lambda t: footed(txxx(t)),
    "two ID3v2": lambda t: HARMLESS + id3(t),
    "large ID3v2": lambda t: tag(4, PICTURE, txxx(t)),
    "ID3v2, not syncsafe": not_syncsafe,
    "ID3v1 and ID3v2": lambda t: id3v1() + id3(t),
    "APEv2": lambda t: ape(("NOAI", t.encode())),
    "APEv2 without header": lambda t: ape(("NOAI", t.encode()), header=False),
    "APEv2, ID3v1 and ID3v2": lambda t: ape(("NOAI", t.encode())) + id3v1() + HARMLESS,
    "damaged APEv2": lambda t: ape(("NOAI", t.encode()), header=False)[-32:],
}

Put = Callable[[bytes, str], bytes]


def in_front(make: Callable[[str], bytes]) -> Put:
    return lambda data, text: make(text) + data


def between(make: Callable[[str], bytes]) -> Put:
    return lambda data, text: data + make(text) + data


def among(make: Callable[[str], bytes]) -> Put:
    return lambda data, text: among_frames(data, make(text))


def among_frames(data: bytes, piece: bytes) -> bytes:
    """``data`` with ``piece`` between two frames, well inside the audio."""
    layout = read_layout(BytesSource(data))
    assert layout.first is not None
    at = layout.first
    while at < layout.first + (layout.end - layout.first) // 2:
        header = _mpeg.parse(data, at)
        assert header is not None
        at += header.length
    return data[:at] + piece + data[at:]


PLACES = (
    *(Place(f"in front: {name}", in_front(put)) for name, put in IN_FRONT.items()),
    *(Place(f"between: {name}", between(put)) for name, put in MIDDLE.items()),
    *(Place(f"among frames: {name}", among(put)) for name, put in MIDDLE.items()),
    Place("at the end of the second file", lambda data, t: data * 2 + ape(("NOAI", t.encode()))),
    Place("SEEK to a tag among frames", lambda data, t: seeking(len(data)) + data + id3(t) + data),
)
TEXTS = (
    Place("between: ID3v1", lambda data, t: data + V1 + data, slot=False),
    Place("between: extended ID3v1", lambda data, t: data + V1_EXTENDED + data, slot=False),
    Place("between: Lyrics3v1", lambda data, t: data + LYRICS_V1 + data, slot=False),
    Place("between: Lyrics3v2", lambda data, t: data + LYRICS + data, slot=False),
    Place("in front: ID3v1", lambda data, t: V1 + data, slot=False),
    Place("encrypted text", lambda data, t: tag(4, frame(4, "TCOP", b"\0x", 4)) + data, slot=False),
)

each_slot = pytest.mark.parametrize("place", PLACES, ids=str)
each_place = pytest.mark.parametrize("place", [*PLACES, *TEXTS], ids=str)
#: Constant and variable bit rate, with tags, with APE and ID3v1, MPEG 2.
each_variant = pytest.mark.parametrize("variant", ["plain", "cover", "tagged", "apev2", "mpeg2"])


# -- tags -----------------------------------------------------------------------------------


@each_variant
@each_place
def test_a_denial_hidden_in_an_unmarked_mp3_is_seen(files: Files, variant: str, place: Place) -> None:
    require_not_admitted(place.put(files.plain("mp3", variant), DENIAL))


@each_slot
def test_a_permission_hidden_in_a_marked_mp3_opens_nothing(files: Files, place: Place) -> None:
    require_not_admitted(place.put(files.marked("mp3"), PERMISSION))


@each_place
def test_a_denial_hidden_in_a_permitted_mp3_counts(files: Files, place: Place) -> None:
    assert judge(files.permitted("mp3")).decision is Decision.ALLOWED
    require_not_admitted(place.put(files.permitted("mp3"), DENIAL))


@pytest.mark.parametrize("behind", [b"", id3v1(), ape(("TITLE", b"x")), LYRICS + id3v1()])
def test_a_marker_in_front_of_other_tags_behind_the_audio_is_rejected(files: Files, behind: bytes) -> None:
    for hidden in (ape(("NOAI", DENIAL.encode())), footed(txxx(DENIAL))):
        require_rejected(files.plain("mp3") + hidden + behind)


# -- keys -----------------------------------------------------------------------------------

#: Everything that some tool shows as the name NOAI.
SEEN = (
    "NOAI", "noai", "NoAi", "NOAI ", " NOAI", "NOAI\t", "NO-AI", "NO_AI", "No AI", "ＮＯＡＩ", "ｎｏａｉ",
    "NOAI\u200b", "N\u00adOAI", "NOAI\ufe0f", "N.O.A.I", "org.example.NOAI", "example:noai", "NOAI\u0301",
)  # fmt: skip
#: Other words, and letters of other alphabets: nobody writes a marker there, and nobody reads one.
OTHERS = ("NOAID", "MONOAI", "", "NΟAI", "NОАI", "ΝOAI", "N0AI", "ⓃⓄⒶⒾ")


@pytest.mark.parametrize("key", SEEN, ids=ascii)
@pytest.mark.parametrize("value", [DENIAL, "1"], ids=["token", "flag"])
def test_a_key_that_is_spelled_in_another_way_is_seen(files: Files, key: str, value: str) -> None:
    require_not_admitted(tag(4, txxx(value, key.encode())) + files.plain("mp3"))
    if key.isascii() and key.isprintable():
        require_not_admitted(files.plain("mp3") + ape((key, value.encode())))


@pytest.mark.parametrize("key", OTHERS, ids=ascii)
def test_a_key_that_only_looks_alike_is_another_key(files: Files, key: str) -> None:
    assert judge(tag(4, txxx(DENIAL, key.encode())) + files.plain("mp3")).decision is Decision.UNRESERVED


@pytest.mark.parametrize(
    "hidden",
    [
        frame(4, "COMM", b"\3engNOAI\0" + DENIAL.encode()),
        frame(4, "USLT", b"\3engNOAI\0" + DENIAL.encode()),
        frame(4, "WXXX", b"\3NOAI\0" + DENIAL.encode()),
        frame(4, "PRIV", b"NOAI\0" + DENIAL.encode()),
        frame(4, "UFID", b"NOAI\0" + DENIAL[:64].encode()),
        frame(4, "GEOB", b"\3text/plain\0\0NOAI\0" + DENIAL.encode()),
    ],
    ids=lambda data: data[:4].decode(),
)
def test_a_marker_in_another_frame_of_that_name_is_seen(files: Files, hidden: bytes) -> None:
    require_not_admitted(tag(4, hidden) + files.plain("mp3"))


@pytest.mark.parametrize(
    "hidden",
    [
        frame(4, "TXXX", b"\3\0" + STATEMENT.encode()),
        frame(4, "TIT2", b"\3" + STATEMENT.encode()),
        frame(4, "COMM", b"\3xxxyyy\0" + STATEMENT.encode()),
        frame(4, "APIC", b"\3image/png\0\3" + STATEMENT.encode() + b"\0PNG"),
        frame(4, "TXXX", b"\3" + STATEMENT.encode()),
        frame(4, "WOAR", STATEMENT.encode()),
    ],
    ids=["no description", "title", "comment", "picture", "description", "link"],
)
def test_a_statement_in_any_text_is_rejected(files: Files, hidden: bytes) -> None:
    require_rejected(tag(4, hidden) + files.plain("mp3"))


# -- joined files ---------------------------------------------------------------------------


def played(path: Path) -> int:
    """The bytes of audio that ffmpeg plays."""
    command = ("ffmpeg", "-v", "quiet", "-i", path, "-f", "s16le", "-")
    return len(subprocess.run(command, capture_output=True, check=False).stdout)


@each_variant
def test_players_play_all_of_joined_files(files: Files, studio: Studio, tmp_path: Path, variant: str) -> None:
    """So what stands between them is in the file as much as what stands in front."""
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(files.plain("mp3") + id3(DENIAL) + files.plain("mp3", variant))
    assert played(joined) > played(studio.encoded("mp3")) * 3 // 2
    require_rejected(joined.read_bytes())


@each_variant
def test_any_file_may_stand_in_front_of_a_marked_one(files: Files, variant: str) -> None:
    require_rejected(files.plain("mp3", variant) + files.marked("mp3", "cover"))


def test_the_last_of_twenty_joined_files_is_rejected(files: Files) -> None:
    album = b"".join(HARMLESS + files.plain("mp3", "tagged") + id3v1() for _ in range(19))
    assert judge(album).decision is Decision.UNRESERVED
    require_rejected(album + files.marked("mp3"))


def test_more_joined_files_than_the_limit_are_undecided() -> None:
    require_not_admitted((sound(4) + HARMLESS) * (TAGS_BETWEEN + 1) + id3(DENIAL))


@pytest.mark.parametrize("cut", [1, 500, 20_000])
def test_a_first_file_that_is_cut_off_hides_nothing(files: Files, cut: int) -> None:
    require_rejected(files.plain("mp3")[:-cut] + files.marked("mp3"))


def test_a_first_file_without_an_info_frame_hides_nothing(files: Files) -> None:
    first = files.plain("mp3")
    header = _mpeg.parse(first)
    assert header is not None
    require_rejected(first[header.length :] + files.marked("mp3"))


@pytest.mark.parametrize("variant", ["plain", "ffmpeg-v23"])
def test_a_converter_that_copies_tags_as_audio_does_not_make_a_permission_hold(
    files: Files, tmp_path: Path, variant: str
) -> None:
    """``ffmpeg -i concat:a|b -c copy`` counts b's tag as audio, in an Info frame that fits the file."""
    first, second, joined = (tmp_path / name for name in ("a.mp3", "b.mp3", "joined.mp3"))
    first.write_bytes(files.plain("mp3", variant))
    second.write_bytes(id3(DENIAL) + files.plain("mp3", variant))
    ffmpeg("-i", f"concat:{first}|{second}", "-c", "copy", "-map_metadata", "-1", joined)
    assert DENIAL.encode() in joined.read_bytes()
    with pytest.raises((EssenceUnbindable, MarkError)):
        mark(joined.read_bytes(), signer=ARTIST, c2pa=False, now=NOW)


def test_a_tag_inside_what_an_info_frame_counts_does_not_let_a_permission_hold(files: Files) -> None:
    """Reading tags trusts the count; hashing, which reads all, does not."""
    data = bytearray(among_frames(files.plain("mp3", "ffmpeg-v23"), id3(DENIAL)))
    layout = read_layout(BytesSource(data))
    assert layout.first is not None
    at = data.index(b"Xing", layout.first) + 12
    data[at : at + 4] = (layout.end - layout.first).to_bytes(4, "big")
    reading = Mp3().read_essence(BytesSource(data))
    assert [violation.code for violation in reading.violations] == [Code.TAG_IN_AUDIO]


def test_joined_files_can_be_marked_and_the_mark_holds(files: Files) -> None:
    joined = files.plain("mp3", "tagged") + HARMLESS + files.plain("mp3", "cover")
    marked = mark(joined, signer=ARTIST, c2pa=False, now=NOW)
    require_rejected(marked)
    assert marked.endswith(HARMLESS + files.plain("mp3", "cover"))


def test_a_marker_among_frames_is_never_left_behind_in_silence(files: Files) -> None:
    """It is part of the audio: whoever would have to take it out is told so."""
    with pytest.raises(MarkError):
        mark(files.plain("mp3") + files.marked("mp3"), signer=ARTIST, c2pa=False, now=NOW)


# -- audio in tags --------------------------------------------------------------------------


def test_an_mp3_inside_a_tag_is_not_covered_by_a_permission(files: Files, tmp_path: Path) -> None:
    """Players that do not know ID3v2 start inside it."""
    other = files.plain("mp3", "cover")
    for hidden in (
        tag(4, frame(4, "GEOB", b"\0audio/mpeg\0a\0b\0" + other)),
        tag(3, frame(3, "APIC", b"\0image/png\0\3\0" + other)),
        tag(4, frame(4, "PRIV", b"x\0" + other)),
        ape(("Cover Art (Front)", b"a.png\0" + other)),
    ):
        assert judge(hidden + files.permitted("mp3")).decision is not Decision.ALLOWED


def test_mpg123_shows_the_tag_between_joined_files(files: Files, tmp_path: Path) -> None:
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(files.plain("mp3") + tag(3, frame(3, "TIT2", b"\0Hidden")) + files.plain("mp3"))
    command = ("mpg123", "-v", "--long-tag", "-t", joined)
    shown = subprocess.run(command, capture_output=True, check=True)
    assert b"Hidden" in shown.stdout + shown.stderr
    assert run("mpg123", "--version")
