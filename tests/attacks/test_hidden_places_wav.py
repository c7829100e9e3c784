"""Markers where few look in WAVE: in chunks of every kind, several of one kind, in and behind the form."""

from __future__ import annotations

import pytest

from noai.errors import MarkError
from noai.marking import mark
from noai.verdict import Decision
from tests.attacks.places import (
    ARTIST,
    DENIAL,
    PERMISSION,
    PICTURE,
    STATEMENT,
    Files,
    Place,
    id3,
    judge,
    require_not_admitted,
    require_rejected,
    txxx,
)
from tests.audio import Studio
from tests.signers import NOW
from tests.unit.id3_bytes import tag
from tests.unit.mp3_bytes import ape, id3v1
from tests.unit.wav_bytes import chunk, extensible, fmt, wave

FORM = 12


@pytest.fixture(scope="module")
def files(studio: Studio) -> Files:
    return Files(studio)


def sized(data: bytes) -> bytes:
    """``data`` with a RIFF size that is right."""
    return data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:]


def in_front(data: bytes, *chunks: bytes) -> bytes:
    return sized(data[:FORM] + b"".join(chunks) + data[FORM:])


def at_end(data: bytes, *chunks: bytes) -> bytes:
    return sized(data + b"".join(chunks))


def info(*entries: bytes) -> bytes:
    return chunk(b"LIST", b"INFO" + b"".join(entries))


PLACES = (
    Place("id3 in front", lambda d, t: in_front(d, chunk(b"id3 ", id3(t)))),
    Place("ID3 at the end", lambda d, t: at_end(d, chunk(b"ID3 ", id3(t)))),
    Place("second id3", lambda d, t: at_end(in_front(d, chunk(b"id3 ", tag(4))), chunk(b"id3 ", id3(t)))),
    Place("second tag in one id3", lambda d, t: at_end(d, chunk(b"id3 ", tag(4) + id3(t)))),
    Place("id3 with junk in front", lambda d, t: at_end(d, chunk(b"id3 ", b"\0" + id3(t)))),
    Place("INFO entry", lambda d, t: at_end(d, info(chunk(b"NOAI", t.encode())))),
    Place(
        "second INFO",
        lambda d, t: at_end(in_front(d, info(chunk(b"INAM", b"x"))), info(chunk(b"NOAI", t.encode()))),
    ),
    Place("LIST in LIST", lambda d, t: at_end(d, chunk(b"LIST", b"XXXX" + info(chunk(b"NOAI", t.encode()))))),
    Place("JUNK", lambda d, t: in_front(d, chunk(b"JUNK", bytes(20) + id3(t)))),
    Place("PAD", lambda d, t: in_front(d, chunk(b"PAD ", f"NOAI={t}".encode()))),
    Place("name of a chunk in a chunk", lambda d, t: in_front(d, chunk(b"abcd", chunk(b"NOAI", t.encode())))),
    Place("adtl entry", lambda d, t: at_end(d, chunk(b"LIST", b"adtl" + chunk(b"file", id3(t))))),
    Place("FLLR", lambda d, t: in_front(d, chunk(b"FLLR", bytes(4000) + id3(t)))),
    Place("unknown chunk", lambda d, t: at_end(d, chunk(b"abcd", b"NOAI\0" + t.encode()))),
    Place("behind the form", lambda d, t: d + chunk(b"id3 ", id3(t))),
    Place("APEv2 in the form", lambda d, t: sized(d + ape(("NOAI", t.encode())))),
    Place("large id3", lambda d, t: at_end(d, chunk(b"id3 ", tag(4, PICTURE, txxx(t))))),
    Place("form in the form", lambda d, t: at_end(d, sized(at_end(d, chunk(b"id3 ", id3(t)))))),
    Place("second form", lambda d, t: d + at_end(d, chunk(b"id3 ", id3(t)))),
    Place("second form of another kind", lambda d, t: d + sized(b"RIFF0000AVIX" + chunk(b"id3 ", id3(t)))),
    Place("chunk that runs past the file", lambda d, t: d + b"id3 \xff\xff\xff\x7f" + id3(t)),
)
TEXT = STATEMENT.encode().ljust(700, b"\0")


def with_text(name: bytes) -> Place:
    return Place(f"text in {name.decode()}", lambda d, t: in_front(d, chunk(name, TEXT)), slot=False)


TEXTS = [with_text(name) for name in (b"bext", b"cart", b"iXML", b"aXML", b"DISP")]

each_slot = pytest.mark.parametrize("place", PLACES, ids=str)
each_place = pytest.mark.parametrize("place", [*PLACES, *TEXTS], ids=str)


@each_place
@pytest.mark.parametrize("variant", ["plain", "tagged"])
def test_a_denial_hidden_in_an_unmarked_wav_is_seen(files: Files, variant: str, place: Place) -> None:
    require_not_admitted(place.put(files.plain("wav", variant), DENIAL))


@each_slot
def test_a_permission_hidden_in_a_marked_wav_opens_nothing(files: Files, place: Place) -> None:
    require_not_admitted(place.put(files.marked("wav"), PERMISSION))


@each_place
def test_a_denial_hidden_in_a_permitted_wav_counts(files: Files, place: Place) -> None:
    assert judge(files.permitted("wav")).decision is Decision.ALLOWED
    require_not_admitted(place.put(files.permitted("wav"), DENIAL))


@pytest.mark.parametrize("name", [b"data", b"fmt "])
def test_a_second_chunk_of_audio_is_not_covered_by_a_permission(files: Files, name: bytes) -> None:
    data = files.permitted("wav")
    at = data.index(name)
    again = data[at : at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")]
    assert judge(at_end(data, again)).decision is Decision.UNDECIDED
    assert judge(data + again).decision is Decision.UNDECIDED


def test_audio_behind_the_form_is_not_covered_by_a_permission(files: Files) -> None:
    for behind in (files.plain("wav"), files.plain("mp3"), files.plain("flac")):
        assert judge(files.permitted("wav") + behind).decision is not Decision.ALLOWED


# -- MPEG audio in WAVE -------------------------------------------------------------------------

MP3_FORMS = {
    "MPEG": fmt(0x50),
    "MPEG layer 3": fmt(0x55, extension=bytes(12)),
    "extensible": extensible(0x55, 0, 0),
}
AROUND_MP3 = (
    Place("ID3v2 in front", lambda d, t: id3(t) + d),
    Place("second ID3v2 in front", lambda d, t: tag(4) + id3(t) + d),
    Place("APEv2 behind", lambda d, t: d + ape(("NOAI", t.encode()))),
    Place("APEv2 and ID3v1 behind", lambda d, t: d + ape(("NOAI", t.encode())) + id3v1()),
)


@pytest.mark.parametrize("form", MP3_FORMS)
@pytest.mark.parametrize("place", AROUND_MP3, ids=str)
def test_a_denial_in_the_tags_of_an_mp3_inside_a_wav_is_seen(files: Files, form: str, place: Place) -> None:
    """Many a "wav" is an MP3 file with a header in front; mpg123 and taggers that sniff read its tags."""
    plain = wave(MP3_FORMS[form], chunk(b"data", files.plain("mp3")))
    assert judge(plain).decision is Decision.UNRESERVED
    data = wave(MP3_FORMS[form], chunk(b"data", place.put(files.plain("mp3"), DENIAL)))
    require_rejected(data)
    with pytest.raises(MarkError, match="inside the data chunk"):
        mark(data, signer=ARTIST, c2pa=False, now=NOW)


# -- writing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["wav", "aifc", "dst", "dsf", "rf64"])
@pytest.mark.parametrize(
    "behind", [ape(("NOAI", DENIAL.encode())), b"\0\0" + id3(DENIAL) + b"\0"], ids=["APE", "ID3"]
)
def test_a_marker_that_cannot_be_taken_out_stops_marking(files: Files, kind: str, behind: bytes) -> None:
    data = files.plain(kind) + behind
    require_not_admitted(data)
    with pytest.raises(MarkError):
        mark(data, signer=ARTIST, c2pa=False, now=NOW)


def test_tags_behind_the_last_chunk_without_a_marker_do_not_stop_marking(files: Files) -> None:
    data = files.plain("wav") + b"\0\0" + tag(4, txxx("x", b"OTHER")) + b"\0"
    marked = mark(data, signer=ARTIST, c2pa=False, now=NOW)
    assert tag(4, txxx("x", b"OTHER")) in marked
    require_rejected(marked)
