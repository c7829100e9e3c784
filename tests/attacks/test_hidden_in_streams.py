"""Tags and audio that only some programs find: behind the end of a stream, or where it is cut off."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from noai.containers._ogg_pages import PageReader
from noai.containers.flac import Flac
from noai.sources import BytesSource
from noai.verdict import Decision
from tests.attacks.places import DENIAL, Files, judge, require_not_admitted
from tests.audio import Studio, decoded_md5, run
from tests.unit.mp3_bytes import ape

_FOOTER = 32


@pytest.fixture(scope="module")
def files(studio: Studio) -> Files:
    return Files(studio)


@pytest.mark.parametrize("what", ["version", "flags"])
def test_a_permission_does_not_cover_a_musepack_tag_that_is_played(files: Files, what: str) -> None:
    """``APETAGEX`` begins like a packet of audio, and is one to who cannot read the tag."""
    data = bytearray(files.permitted("musepack"))
    assert judge(bytes(data)).decision is Decision.ALLOWED
    at = len(data) - _FOOTER + (8 if what == "version" else 20)
    (value,) = struct.unpack_from("<I", data, at)
    struct.pack_into("<I", data, at, 2001 if what == "version" else value | 1 << 29)
    assert judge(bytes(data)).decision is Decision.UNDECIDED


@pytest.mark.parametrize("kind", ["wavpack", "ape", "musepack", "musepack-sv7", "tta", "adts"])
def test_a_denial_at_the_end_of_a_cut_off_stream_is_not_overlooked(files: Files, kind: str) -> None:
    """The stream claims what is left of the tag as its own, since bytes of it are missing."""
    data = files.plain(kind)
    hidden = ape(("NOAI", DENIAL.encode()))[:-5]
    for missing in (1, 40):
        require_not_admitted(data[: len(data) // 2] + data[len(data) // 2 + missing :] + hidden)


@pytest.mark.parametrize("more", [1, 400])
def test_a_permission_does_not_cover_samples_that_stsz_does_not_count(
    files: Files, tmp_path: Path, more: int
) -> None:
    data = bytearray(files.permitted("mov", "ulaw"))
    before, after = tmp_path / "before.mov", tmp_path / "after.mov"
    before.write_bytes(data)
    at = data.rindex(b"stsc")
    (count,) = struct.unpack_from(">I", data, at + 8)
    last = at + 12 * count + 4
    (held,) = struct.unpack_from(">I", data, last)
    struct.pack_into(">I", data, last, held + more)
    after.write_bytes(data)
    assert decoded_md5(before) != decoded_md5(after)
    assert judge(before.read_bytes()).decision is Decision.ALLOWED
    assert judge(bytes(data)).decision is Decision.UNDECIDED


@pytest.mark.parametrize("kind", [1, 3, 6, 20])
def test_a_denial_in_the_place_of_ogg_flac_comments_is_seen_whatever_its_type(
    files: Files, kind: int
) -> None:
    """Some taggers take the second packet for the comments and do not look at its type."""
    data = bytearray(files.marked("ogg-flac"))
    pages = list(PageReader(BytesSource(bytes(data)), 1 << 16))
    start = pages[1].offset + 27 + data[pages[1].offset + 26]
    data[start] = data[start] & 0x80 | kind
    require_not_admitted(bytes(data))


def test_a_damaged_id3_tag_in_front_of_mpeg_audio_is_not_overlooked(files: Files) -> None:
    data = bytearray(files.marked("mp3"))
    data[0] = ord("X")
    require_not_admitted(bytes(data))


def test_a_flac_that_ends_in_silence_is_whole(tmp_path: Path) -> None:
    """Its last frame has 11 bytes."""
    sound, out = tmp_path / "a.raw", tmp_path / "a.flac"
    sound.write_bytes(bytes(2 * (4096 * 3 + 84)))
    layout = ("--endian=little", "--sign=signed", "--channels=1", "--bps=16", "--sample-rate=44100")
    run("flac", "-s", "--force-raw-format", *layout, "-b", "4096", "-o", out, sound)
    assert Flac().read_essence(BytesSource(out.read_bytes())).violations == ()
