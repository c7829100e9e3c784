"""Files that are two things at once: what one player plays is not what another one plays.

What a file is, is said by how it begins; MPEG audio, which has to be looked for, comes last. Where players of
another format would find audio of their own, nothing binds, so that no permission counts.
"""

from __future__ import annotations

import io
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers._flac_blocks import PADDING
from noai.containers.interface import ContainerName
from noai.containers.registry import CONTAINERS, detect, read_essence
from noai.errors import ContainerUnknown, EssenceUnbindable
from noai.limits import MP3_UNTAGGED_JUNK_BYTES
from noai.marking import mark
from noai.sources import BytesSource
from noai.verdict import Decision
from tests.attacks.places import (
    ARTIST,
    DENIAL,
    Files,
    id3,
    judge,
    require_not_admitted,
    require_rejected,
    with_block,
)
from tests.audio import Studio, cases, container_name, decoded_md5, ffmpeg
from tests.signers import NOW
from tests.unit.id3_bytes import frame, tag
from tests.unit.wav_bytes import chunk

WRITABLE = {name for container in CONTAINERS if container.writable for name in container.names}
KINDS = {container_name(kind): kind for kind, variant in cases() if variant == "plain"}
MARKABLE = [kind for name, kind in KINDS.items() if name in WRITABLE]


@pytest.fixture(scope="module")
def files(studio: Studio) -> Files:
    return Files(studio)


def codes(data: bytes) -> list[Code]:
    source = BytesSource(data)
    return [violation.code for violation in read_essence(source, detect(source)).violations]


def zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


HTML = b"<!doctype html><title>x</title><p>" + b"text " * 200
PDF = b"%PDF-1.4\n" + b"% comment\n" * 60
ZIP = zipped("a.txt", b"text " * 100)


# -- MPEG audio inside something else -------------------------------------------------------


def in_wav(data: bytes, mp3: bytes) -> bytes:
    return data[:12] + chunk(b"JUNK", mp3) + data[12:]


def in_flac(data: bytes, mp3: bytes) -> bytes:
    return with_block(data, PADDING, mp3)


@pytest.mark.parametrize(("kind", "put"), [("wav", in_wav), ("flac", in_flac)])
def test_an_mp3_in_front_of_other_audio_is_not_covered_by_a_permission(
    files: Files, tmp_path: Path, kind: str, put: Callable[[bytes, bytes], bytes]
) -> None:
    """The witness plays one or the other by what it is told that the file is."""
    hidden = put(files.permitted(kind), files.plain("mp3", "cover"))
    assert Code.POLYGLOT in codes(hidden)
    assert judge(hidden).decision is Decision.UNDECIDED
    path = tmp_path / "hidden"
    path.write_bytes(hidden)
    forced = ("ffmpeg", "-v", "quiet", "-f", "mp3", "-i", path, "-map", "0:a", "-f", "md5", "-")
    as_mp3 = subprocess.run(forced, capture_output=True, check=False).stdout.decode()
    assert as_mp3.startswith("MD5=")
    assert as_mp3.strip() != f"MD5={decoded_md5(path)}"


@pytest.mark.parametrize("kind", MARKABLE)
def test_an_mp3_inside_an_id3_tag_in_front_is_not_covered_by_a_permission(files: Files, kind: str) -> None:
    hidden = tag(4, frame(4, "GEOB", b"\0audio/mpeg\0a\0b\0" + files.plain("mp3", "cover")))
    assert judge(hidden + files.permitted(kind)).decision is not Decision.ALLOWED


@pytest.mark.parametrize(("kind", "variant"), [case for case in cases() if case[1] != "long"])
def test_real_files_are_one_thing_only(files: Files, kind: str, variant: str) -> None:
    assert Code.POLYGLOT not in codes(files.plain(kind, variant))


def test_samples_that_are_an_mp3_do_not_bind(files: Files) -> None:
    """A header that says PCM, and an MP3 for samples: noise to one player, music to another."""
    wave = files.plain("wav")
    at = wave.index(b"data")
    lying = wave[:at] + chunk(b"data", files.plain("mp3"))
    lying = lying[:4] + (len(lying) - 8).to_bytes(4, "little") + lying[8:]
    assert Code.POLYGLOT in codes(lying)
    with pytest.raises(EssenceUnbindable):
        mark(lying, signer=ARTIST, c2pa=False, now=NOW)


def test_samples_that_are_said_to_be_mp3_bind(files: Files, tmp_path: Path) -> None:
    source, wave = tmp_path / "a.mp3", tmp_path / "a.wav"
    source.write_bytes(files.plain("mp3"))
    ffmpeg("-i", source, "-c", "copy", wave)
    assert codes(wave.read_bytes()) == []
    require_rejected(mark(wave.read_bytes(), signer=ARTIST, c2pa=False, now=NOW))


# -- two beginnings -------------------------------------------------------------------------


def test_a_file_that_two_containers_claim_does_not_bind(files: Files) -> None:
    """WAVE by its first four letters, MP4 by the four behind them, which are a size there."""
    wave = files.permitted("wav")
    both = wave[:4] + b"ftyp" + wave[8:]
    assert [name for each in CONTAINERS if (name := each.detect(BytesSource(both)))] == ["wav", "mp4"]
    assert Code.POLYGLOT in codes(both)
    assert judge(both).decision is Decision.UNDECIDED


@pytest.mark.parametrize("front", [b"\0", b"\n", b"\xef\xbb\xbf", bytes(512), HTML, PDF, ZIP], ids=len)
@pytest.mark.parametrize("kind", MARKABLE)
def test_bytes_in_front_never_make_a_marked_file_admissible(files: Files, kind: str, front: bytes) -> None:
    require_not_admitted(front + files.marked(kind))


@pytest.mark.parametrize("front", [b"\0", b"\n", HTML, PDF, ZIP], ids=len)
@pytest.mark.parametrize("kind", MARKABLE)
def test_bytes_in_front_never_leave_a_permission(files: Files, kind: str, front: bytes) -> None:
    assert judge(front + files.permitted(kind)).decision is not Decision.ALLOWED


@pytest.mark.parametrize("front", [HTML, b"\0" * 100, b"GIF89a" + bytes(500)], ids=["html", "zeros", "gif"])
def test_a_marked_mp3_behind_what_players_skip_is_rejected(files: Files, front: bytes) -> None:
    require_rejected(front + files.marked("mp3"))


@pytest.mark.parametrize("front", [PDF, ZIP, HTML.ljust(MP3_UNTAGGED_JUNK_BYTES + 9000)])
def test_a_marked_mp3_behind_something_else_is_undecided(files: Files, front: bytes) -> None:
    data = front + files.marked("mp3")
    with pytest.raises(ContainerUnknown):
        detect(BytesSource(data))
    assert judge(data).decision is Decision.UNDECIDED


@pytest.mark.parametrize("kind", MARKABLE)
@pytest.mark.parametrize("behind", [PDF, ZIP, HTML], ids=["pdf", "zip", "html"])
def test_another_document_behind_a_marked_file_changes_nothing(
    files: Files, kind: str, behind: bytes
) -> None:
    require_not_admitted(files.marked(kind) + behind)


def test_a_marked_file_inside_an_archive_is_undecided(files: Files) -> None:
    require_not_admitted(zipped("a.mp3", files.marked("mp3")))


@pytest.mark.parametrize("kind", MARKABLE)
def test_a_whole_file_inside_an_id3_tag_stays_a_part_of_the_tag(files: Files, kind: str) -> None:
    """It is no audio of this file, and its tags are not this file's."""
    inner = frame(4, "GEOB", b"\0application/octet-stream\0a\0b\0" + files.plain(kind))
    data = tag(4, inner) + files.plain("flac")
    assert detect(BytesSource(data)).name == ContainerName("flac")


def test_a_denial_in_front_of_what_is_not_audio_is_never_unreserved() -> None:
    for behind in (b"", b"text " * 100, PDF, ZIP, bytes(4000)):
        require_not_admitted(id3(DENIAL) + behind)
