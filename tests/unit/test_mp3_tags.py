"""MP3: tags in unusual places, and what other tools leave of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from noai.codes import Code
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import MarkError
from noai.sources import BytesSource
from tests.audio import Studio, ffmpeg, run
from tests.unit.id3_bytes import LIFT, MARK, STATEMENT, frame, syncsafe, tag
from tests.unit.mp3_bytes import ID3, MP3, ape, essence, id3v1, lyrics3, sound, values, written

APPENDED_BODY = frame(4, "TXXX", b"\0NOAI\0a.b.c") + frame(4, "TIT2", b"\0kept")
APPENDED_HEAD = b"\x04\0\x10" + syncsafe(len(APPENDED_BODY))
APPENDED = b"ID3" + APPENDED_HEAD + APPENDED_BODY + b"3DI" + APPENDED_HEAD


@pytest.mark.parametrize(
    "data",
    [
        ID3 + tag(3, frame(3, "TXXX", b"\0NOAI\0a.b.c")) + sound(9),
        sound(9) + ape(("noai", b"a.b.c"), ("Title", b"x")) + id3v1(),
        sound(9) + ape(("NOAI", b"a.b.c"), header=False, version=1000),
        ape(("Noai", b"a.b.c")) + sound(9),
        sound(9) + APPENDED + id3v1(),
        ID3 + bytes(30) + tag(4, frame(4, "TXXX", b"\0NOAI\0a.b.c")) + sound(9),
    ],
)
def test_a_marker_is_found_and_replaced_wherever_it_stands(data: bytes) -> None:
    assert values(data, FieldRole.MARKER) == ["a.b.c"]
    replaced = written(data, TagEdit(markers=("d.e.f",)))
    assert values(replaced, FieldRole.MARKER) == ["d.e.f"]
    assert essence(replaced) == essence(data)
    nothing = TagEdit(markers=())
    assert MP3.inventory(BytesSource(replaced), nothing) == MP3.inventory(BytesSource(data), nothing)


def test_a_tag_whose_size_was_cut_does_not_read_as_empty() -> None:
    marked = written(sound(9), MARK)
    cut = marked[:6] + bytes(4) + marked[10:]
    assert Code.TAG_UNREADABLE in [note.code for note in MP3.read_tags(BytesSource(cut)).notes]


def test_lyrics3_and_ape_texts_are_read() -> None:
    data = sound(9) + lyrics3(("LYR", "la"), ("INF", "mine")) + ape(("Copyright", b"me\0you")) + id3v1(b"old")
    assert values(data, FieldRole.COMMENT) == ["mine", "old"]
    assert values(data, FieldRole.COPYRIGHT) == ["me", "you"]


@pytest.mark.parametrize("text", ["", "mine | "])
def test_a_lifted_statement_goes_from_ape_and_id3v1_too(text: str) -> None:
    copied = (text + STATEMENT).encode()
    data = sound(9) + ape(("Comment", copied), ("Title", b"x")) + id3v1(copied[:30])
    lifted = written(data, LIFT)
    assert values(lifted, FieldRole.COMMENT) == ([text.removesuffix(" | ")] * 2 if text else [])
    assert MP3.inventory(BytesSource(lifted), LIFT) == MP3.inventory(BytesSource(data), LIFT)
    assert essence(lifted) == essence(data)


def test_a_damaged_ape_tag_is_a_note_and_is_not_rewritten() -> None:
    whole = ape(("NOAI", b"a.b.c"), ("Title", b"x"))
    data = sound(9) + whole.replace(b"\x01\0\0\0\0\0\0\0Title", b"\xff\0\0\0\0\0\0\0Title")
    assert [note.code for note in MP3.read_tags(BytesSource(data)).notes] == [Code.TAG_UNREADABLE]
    with pytest.raises(MarkError):
        written(data, MARK)


# -- real files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("-p",), ("-V", "2"), ("-t",), ("-m", "m", "--resample", "11.025")])
def test_lame_output_binds_through_ffmpegs_stream_copy(
    studio: Studio, tmp_path: Path, options: tuple[str, ...]
) -> None:
    path, copied = tmp_path / "a.mp3", tmp_path / "b.mp3"
    run("lame", "--quiet", *options, studio.materials.clip, path)
    path.write_bytes(written(path.read_bytes(), MARK))
    ffmpeg("-i", path, "-c", "copy", "-id3v2_version", "3", "-write_id3v1", "1", copied)
    assert essence(copied.read_bytes()) == essence(path.read_bytes())
    assert values(copied.read_bytes(), FieldRole.MARKER) == list(MARK.markers)


@pytest.mark.parametrize(
    "command",
    [
        ("kid3-cli", "-c", "set title new", "-c", "set title new 1"),
        ("id3v2", "--TIT2", "new", "--COMM", "a comment"),
        ("eyeD3", "-Q", "-t", "new", "-a", "someone"),
    ],
    ids=lambda command: command[0],
)
def test_other_taggers_keep_marker_and_digest(
    encoded: Callable[..., Path], tmp_path: Path, command: tuple[str, ...]
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(
        written(encoded("mp3", "ffmpeg-v23").read_bytes(), TagEdit(("a.b.c", "d.e.f"), STATEMENT))
    )
    before = essence(path.read_bytes())
    run(*command, path)
    after = path.read_bytes()
    assert essence(after) == before
    assert values(after, FieldRole.MARKER) == ["a.b.c", "d.e.f"]
    assert any(STATEMENT in value for value in values(after, FieldRole.COPYRIGHT))
