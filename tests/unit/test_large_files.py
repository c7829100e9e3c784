"""Files beyond 4 GiB: sizes of 64 bits, bounded reads, and audio that stays where it is."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pytest

from noai.codes import Code
from noai.containers import _aiff_write, _dsdiff_tags, _wav_write
from noai.containers._splices import Splice
from noai.containers.aiff import Aiff
from noai.containers.dsdiff import Dsdiff
from noai.containers.dsf import Dsf
from noai.containers.interface import Container, FieldRole, TagArea, TagEdit
from noai.containers.w64 import W64File
from noai.containers.wav import Rf64, Wav
from noai.limits import KIB, MIB, MOVED_AUDIO_BYTES, MOVED_CHUNK_BYTES
from noai.marking import mark
from noai.progress import watching
from noai.report import Check
from noai.sources import ByteSource, FileSource
from noai.verifying import verify
from tests.audio import Studio
from tests.encoders.dsdiff import chunk as long_chunk
from tests.encoders.dsdiff import properties
from tests.signers import signer, trusting
from tests.unit import chunk_files, test_rf64, test_w64, wav_bytes
from tests.unit.chunk_files import VirtualSource
from tests.unit.id3_bytes import LIFT, MARK, STATEMENT, frame, tag
from tests.unit.wav_bytes import DATA_MINING, FMT, chunk, id3, info

GB = 10**9
OPEN = b"\xff\xff\xff\xff"
TITLE = id3(frame(3, "TIT2", b"\0kept"))
AIFF_TAGS = chunk_files.chunk(b"ID3 ", tag(3, frame(3, "TIT2", b"\0kept")))
AIFF_TAGS += chunk_files.chunk(b"(c) ", b"me")
EDIT = TagEdit(MARK.markers, STATEMENT, data_mining=DATA_MINING)


def rf64(audio: int, front: bytes = b"", tail: bytes = b"", form: int | None = None) -> dict[int, bytes]:
    """A file with ``audio`` silent bytes, as pieces of a sparse one."""
    behind = FMT + front + b"data" + OPEN
    length = 4 + 36 + len(behind) + audio + len(tail) if form is None else form
    head = (
        b"RF64" + OPEN + b"WAVE" + chunk(b"ds64", struct.pack("<QQQI", length, audio, audio // 2, 0)) + behind
    )
    return {0: head, len(head) + audio: tail}


def riff(audio: int, front: bytes = b"", tail: bytes = b"") -> dict[int, bytes]:
    behind = FMT + front + b"data" + struct.pack("<I", audio)
    head = b"RIFF" + struct.pack("<I", 4 + len(behind) + audio + len(tail) & 0xFFFFFFFF) + b"WAVE" + behind
    return {0: head, len(head) + audio: tail}


def aiff(audio: int, front: bytes = b"", tail: bytes = b"") -> dict[int, bytes]:
    body = b"AIFF" + chunk_files.comm(frames=audio // 2) + front
    head = b"FORM" + struct.pack(">I", len(body) + 16 + audio + len(tail)) + body
    head += b"SSND" + struct.pack(">III", audio + 8, 0, 0)
    return {0: head, len(head) + audio: tail}


def dsdiff(audio: int, front: bytes = b"", tail: bytes = b"") -> dict[int, bytes]:
    body = b"DSD " + properties() + front
    head = b"FRM8" + struct.pack(">Q", len(body) + 12 + audio + len(tail)) + body
    head += b"DSD " + struct.pack(">Q", audio)
    return {0: head, len(head) + audio: tail}


def end(pieces: dict[int, bytes]) -> int:
    return max(at + len(piece) for at, piece in pieces.items())


def virtual(pieces: dict[int, bytes], size: int | None = None) -> VirtualSource:
    return VirtualSource(end(pieces) if size is None else size, pieces)


# -- sizes ------------------------------------------------------------------------------------


def test_sizes_of_64_bits_are_read_without_reading_the_audio() -> None:
    tail = id3(frame(3, "TXXX", b"\0NOAI\0a.b.c")) + info(ICOP=b"me")
    source = virtual(rf64(6 * GB, info(INAM=b"x"), tail))
    area = Rf64().read_tags(source)
    assert [field.value for field in area.fields if field.role is FieldRole.MARKER] == ["a.b.c"]
    assert [field.value for field in area.fields if field.role is FieldRole.COPYRIGHT] == ["me"]
    assert area.notes == ()
    assert source.bytes_read < 128 * KIB


@pytest.mark.parametrize("form", [10, 1 << 32, 6 * GB - 100, 7 * GB, 1 << 62])
def test_a_form_size_that_contradicts_ds64_is_a_note(form: int) -> None:
    assert Code.TAG_UNREADABLE in _codes(Rf64().read_tags(virtual(rf64(6 * GB, form=form))))


def test_a_riff_size_left_open_in_front_of_more_than_4_gib_is_a_note() -> None:
    """Some players stop after 4 GiB, some play on."""
    pieces = riff(0xFFFFFFFF)
    assert _codes(Wav().read_tags(virtual(pieces, end(pieces) + 10_000)))


def test_w64_and_dsdiff_and_dsf_beyond_4_gib_are_read() -> None:
    head = test_w64.w64(test_w64.FMT, test_w64.chunk(b"data", b"", 24 + 6 * GB), size=6 * GB + 200)
    source = virtual({0: head, len(head) + 6 * GB: test_w64.summary((b"ICOP", "me"))})
    assert [field.value for field in W64File().read_tags(source).fields] == ["me"]
    marked = long_chunk(b"ID3 ", tag(4, frame(4, "TXXX", b"\0NOAI\0a.b.c")))
    source = virtual(dsdiff(6 * GB, tail=marked))
    assert [field.value for field in Dsdiff().read_tags(source).fields] == ["a.b.c"]
    at = 92 + 6 * GB
    fmt = struct.pack("<IIIIIIQII", 1, 0, 2, 2, 2_822_400, 1, 24 * GB, 4096, 0)
    head = b"DSD " + struct.pack("<QQQ", 28, at + 100, at) + b"fmt " + struct.pack("<Q", 52) + fmt
    head += b"data" + struct.pack("<Q", 12 + 6 * GB)
    source = virtual({0: head, at: marked[12:]})
    assert [field.value for field in Dsf().read_tags(source).fields] == ["a.b.c"]
    assert source.bytes_read < 128 * KIB


def _codes(area: TagArea) -> list[Code]:
    return [note.code for note in area.notes]


# -- where tags go ----------------------------------------------------------------------------

Planner = Callable[[ByteSource, TagEdit], list[Splice]]
LARGE = MOVED_AUDIO_BYTES + 2


@pytest.mark.parametrize(
    ("plan", "pieces"),
    [
        (_wav_write.plan, rf64(6 * GB)),
        (_wav_write.plan, rf64(6 * GB, TITLE + info(ICOP=b"me"), chunk(b"cue ", b"abc"))),
        (_wav_write.plan, riff(LARGE, info(ICMT=b"me"))),
        (_wav_write.plan, riff(LARGE, TITLE + chunk(b"_PMX", b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'))),
        (_aiff_write.plan, aiff(LARGE)),
        (_aiff_write.plan, aiff(LARGE, AIFF_TAGS)),
        (_dsdiff_tags.plan, dsdiff(6 * GB)),
        (_dsdiff_tags.plan, dsdiff(6 * GB, long_chunk(b"ID3 ", tag(3, frame(3, "TIT2", b"\0x"))))),
    ],
    ids=[
        "rf64",
        "rf64, tagged",
        "riff, INFO",
        "riff, tagged",
        "aiff",
        "aiff, tagged",
        "dsdiff",
        "dsdiff, tagged",
    ],
)
def test_much_audio_is_not_moved(plan: Planner, pieces: dict[int, bytes]) -> None:
    source = virtual(pieces)
    splices = plan(source, MARK)
    audio_start = len(pieces[0])
    assert sum(splice.growth for splice in splices if splice.offset < audio_start) == 0
    assert any(b"a.b.c" in splice.data and splice.offset >= audio_start for splice in splices)
    assert source.bytes_read < MIB


def test_a_chunk_that_is_too_large_to_keep_in_memory_moves_the_audio() -> None:
    private = frame(3, "PRIV", b"x\0" + bytes(MOVED_CHUNK_BYTES))
    splices = _wav_write.plan(virtual(riff(LARGE, id3(private))), MARK)
    assert sum(splice.growth for splice in splices if splice.offset < 1000) > 0


def test_properties_keep_their_place_in_front_of_the_audio() -> None:
    nested = long_chunk(b"ID3 ", tag(3, frame(3, "TIT2", b"\0x")))
    head = dsdiff(LARGE)[0].replace(properties(), properties(b"DSD ", nested))
    head = head[:4] + struct.pack(">Q", len(head) - 12 + LARGE) + head[12:]
    splices = _dsdiff_tags.plan(virtual({0: head}, len(head) + LARGE), MARK)
    assert all(splice.offset < len(head) for splice in splices)


# -- on disk ----------------------------------------------------------------------------------


def sparse(path: Path, pieces: dict[int, bytes]) -> BinaryIO:
    file = path.open("w+b")
    for at, piece in pieces.items():
        file.seek(at)
        file.write(piece)
    file.truncate(end(pieces))
    return file


@pytest.mark.parametrize(
    ("container", "pieces"),
    [
        (Rf64(), rf64(6 * GB, TITLE + info(ICOP=b"me"), chunk(b"cue ", b"abc"))),
        (Wav(), riff(LARGE, TITLE + info(ICOP=b"me"))),
        (Aiff(), aiff(LARGE, AIFF_TAGS)),
        (Dsdiff(), dsdiff(6 * GB)),
    ],
    ids=["rf64", "wav", "aiff", "dsdiff"],
)
def test_a_large_file_is_marked_in_place_and_lifted(
    tmp_path: Path, container: Container, pieces: dict[int, bytes]
) -> None:
    path = tmp_path / "large"
    with sparse(path, pieces) as file:
        before = container.inventory(FileSource(file), MARK)
        container.write_tags(file, MARK)
        area = container.read_tags(FileSource(file))
        assert [field.value for field in area.fields if field.role is FieldRole.MARKER] == ["a.b.c"]
        assert area.notes == ()
        assert container.inventory(FileSource(file), MARK) == before
        container.write_tags(file, LIFT)
        area = container.read_tags(FileSource(file))
        assert STATEMENT not in "".join(field.value for field in area.fields)
        assert container.inventory(FileSource(file), LIFT) == before
    assert path.stat().st_blocks * 512 < MIB


def test_a_small_rf64_whose_tags_moved_behind_reads_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same way with audio short enough to hash."""
    monkeypatch.setattr("noai.containers._chunk_write.MOVED_AUDIO_BYTES", 100)
    data = test_rf64.rf64(TITLE, info(ICOP=b"me"), FMT, test_rf64.LONG_DATA, chunk(b"cue ", b"abc"))
    under = test_rf64.UNDER
    marked = under.written(data, EDIT)
    assert under.essence(marked) == under.essence(data)
    assert marked.index(test_rf64.LONG_DATA) == data.index(test_rf64.LONG_DATA)
    assert under.same_items(marked, data, EDIT)
    assert sorted(under.values(marked, FieldRole.COPYRIGHT)) == [f"me | {STATEMENT}", STATEMENT]
    assert marked.index(b"JUNK") < marked.index(test_rf64.LONG_DATA) < marked.index(b"a.b.c")
    assert wav_bytes.chunk(b"cue ", b"abc") in marked


# -- how often the audio is read --------------------------------------------------------------


def test_marking_reads_the_audio_twice_and_verifying_once(
    studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The essence of the original and that of the copy, and the copying; nothing is moved."""
    monkeypatch.setattr("noai.containers._chunk_write.MOVED_AUDIO_BYTES", 0)
    original, marked = studio.encoded("rf64", "long"), tmp_path / "marked.wav"
    size, artist = original.stat().st_size, signer()
    steps: list[int] = []
    with watching(steps.append):
        mark(original, marked, signer=artist)
    assert sum(steps) < 3.1 * size
    steps.clear()
    with watching(steps.append):
        verdict = verify(marked, trust=trusting(artist.chain))
    assert sum(steps) < 1.1 * size
    assert [finding.binding for finding in verdict.signals if finding.marker] == [Check.PASS]
