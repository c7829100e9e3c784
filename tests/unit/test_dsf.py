"""DSF: a digest over its audio, and a tag that is pointed to."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import mutagen.dsf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.dsf import DSF, Dsf
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import ContainerMalformed, MarkError, NoaiError
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, run
from tests.encoders.dsf import dsf as built
from tests.unit.chunk_files import Under
from tests.unit.id3_bytes import LIFT, MARK, frame, tag

UNDER = Under(Dsf())
SOUND = bytes(range(256)) * 16
#: One channel, one block.
PLAIN = built([SOUND])
END = len(PLAIN)
MARKED = tag(4, frame(4, "TXXX", b"\0NOAI\0a.b.c"))
TITLE = tag(3, frame(3, "TIT2", b"\0x"))


def dsf(*behind: bytes, pointer: int | None = None, size: int | None = None) -> bytes:
    """The plain file with ``behind`` it, and a pointer to where that starts."""
    rest = b"".join(behind)
    place = (END if rest else 0) if pointer is None else pointer
    total = END + len(rest) if size is None else size
    return PLAIN[:12] + struct.pack("<QQ", total, place) + PLAIN[28:] + rest


def pointer(data: bytes) -> int:
    return int.from_bytes(data[20:28], "little")


def test_only_dsf_is_recognised() -> None:
    assert UNDER.container.detect(BytesSource(PLAIN)) is DSF
    for other in (b"FRM8" + PLAIN[4:], PLAIN[:35], PLAIN[:4] + b"\x1d" + PLAIN[5:], PLAIN[:28] + b"junk"):
        assert UNDER.container.detect(BytesSource(other)) is None
        with pytest.raises(ContainerMalformed):
            UNDER.tags(other)


def test_audio_that_does_not_follow_is_malformed() -> None:
    for data in (PLAIN[:90], PLAIN[:80] + b"DATA" + PLAIN[84:]):
        with pytest.raises(ContainerMalformed):
            UNDER.essence(data)


# -- the digest -------------------------------------------------------------------------------


def test_the_digest_is_the_one_that_is_specified() -> None:
    config = struct.pack("<IIIIIIQI", 1, 0, 1, 1, 2_822_400, 1, len(SOUND) * 8, 4096)
    record = b"\x03dsf" + struct.pack("<I", len(config)) + config
    record += struct.pack("<Q", len(SOUND)) + hashlib.sha256(SOUND).digest() + b"\0"
    expected = hashlib.sha256(b"noai-essence/1\0" + struct.pack("<I", 1) + record).digest()
    for data in (PLAIN, dsf(MARKED), dsf(bytes(9)), PLAIN[:76] + b"abcd" + PLAIN[80:]):
        found = UNDER.essence(data)
        assert (found.digest.scheme, found.digest.digest, found.violations) == ("dsf/1", expected, ())


@pytest.mark.parametrize("place", [40, 44, 48, 52, 56, 60, 64, 72, 92, END - 1])
def test_every_other_byte_of_the_audio_counts(place: int) -> None:
    changed = PLAIN[:place] + bytes([PLAIN[place] ^ 1]) + PLAIN[place + 1 :]
    assert UNDER.essence(changed).digest != UNDER.essence(PLAIN).digest


@pytest.mark.parametrize(
    "data",
    [
        PLAIN[:-1],
        PLAIN[:84] + struct.pack("<Q", 5) + PLAIN[92:],
        PLAIN[:84] + struct.pack("<Q", 1 << 63) + PLAIN[92:],
        dsf(size=100),
        dsf(MARKED, pointer=100),
        dsf(MARKED, pointer=5),
        dsf(MARKED, pointer=1 << 40),
        dsf(MARKED, pointer=(1 << 64) - 1),
    ],
)
def test_contradictions_forbid_binding_and_marking(data: bytes) -> None:
    assert Code.CHUNK_SIZE in UNDER.violations(data)
    assert Code.TAG_UNREADABLE in UNDER.codes(data)
    with pytest.raises(MarkError):
        UNDER.written(data, MARK)


def test_no_sound_never_binds() -> None:
    assert UNDER.violations(built([b""])) == [Code.ESSENCE_EMPTY]


# -- tags -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        dsf(MARKED),
        dsf(MARKED, pointer=0),
        dsf(bytes(7), MARKED, pointer=END + 7),
        dsf(TITLE, MARKED),
        dsf(MARKED, TITLE, pointer=END + len(MARKED)),
        dsf(TITLE, bytes(20), MARKED, pointer=END + len(TITLE) + 20),
    ],
    ids=["pointed to", "not pointed to", "behind zeros", "second", "in front of it", "in front, apart"],
)
def test_markers_are_found_and_replaced_wherever_they_stand(data: bytes) -> None:
    assert UNDER.values(data, FieldRole.MARKER) == ["a.b.c"]
    assert Code.TAG_UNREADABLE not in UNDER.codes(data)
    replaced = UNDER.written(data, TagEdit(markers=("d.e.f",)))
    assert UNDER.values(replaced, FieldRole.MARKER) == ["d.e.f"]
    assert replaced[pointer(replaced) :].startswith(b"ID3")
    assert int.from_bytes(replaced[12:20], "little") == len(replaced)
    assert UNDER.essence(replaced) == UNDER.essence(PLAIN)
    nothing = TagEdit(markers=())
    assert UNDER.same_items(data, replaced, nothing)


@pytest.mark.parametrize(
    "data",
    [
        dsf(bytes(40), pointer=END + 3),
        dsf(tag(4, frame(4, "TIT2", b"\0x")) + b"xx" + b"APETAGEX"),
    ],
)
def test_what_cannot_be_read_is_a_note(data: bytes) -> None:
    assert Code.TAG_UNREADABLE in UNDER.codes(data)


@pytest.mark.parametrize("data", [dsf(b"junk" + MARKED, pointer=0), dsf(TITLE + b"junk" + MARKED)])
def test_a_tag_behind_junk_is_read(data: bytes) -> None:
    assert UNDER.values(data, FieldRole.MARKER) == ["a.b.c"]
    assert UNDER.codes(data) == [Code.TAG_DUPLICATE]
    with pytest.raises(MarkError, match="behind the last chunk"):
        UNDER.written(data, TagEdit(markers=("d.e.f",)))


def test_audio_behind_the_audio_is_a_violation() -> None:
    other = dsf(b"", pointer=0)
    codes = [violation.code for violation in UNDER.essence(dsf(TITLE + bytes(3) + other)).violations]
    assert codes == [Code.TRAILING_AUDIO]


def test_a_mark_comes_off_again() -> None:
    for data in (PLAIN, dsf(TITLE), dsf(TITLE, b"TAG" + bytes(125))):
        marked = UNDER.written(data, MARK)
        lifted = UNDER.written(marked, LIFT)
        assert UNDER.same_items(data, lifted, LIFT)
        assert (pointer(lifted) == 0) is (data is PLAIN)
        assert data is not PLAIN or lifted == PLAIN


def test_mutagen_and_kid3_see_the_marker(studio: Studio, tmp_path: Path) -> None:
    for variant in ("plain", "tagged", "id3"):
        original, path = studio.encoded("dsf", variant), tmp_path / f"{variant}.dsf"
        path.write_bytes(UNDER.written(original.read_bytes(), MARK))
        assert mutagen.dsf.DSF(path).tags["TXXX:NOAI"].text == ["a.b.c"]
        assert b"a.b.c" in run("kid3-cli", "-c", "get all", path)
        assert decoded_md5(path) == decoded_md5(original)


def test_mutagen_edits_a_marked_file(studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "a.dsf"
    path.write_bytes(UNDER.written(studio.encoded("dsf", "tagged").read_bytes(), MARK))
    before = UNDER.essence(path.read_bytes())
    file = mutagen.dsf.DSF(path)
    file.tags.delall("TIT2")
    file.save()
    assert UNDER.essence(path.read_bytes()) == before
    assert UNDER.values(path.read_bytes(), FieldRole.MARKER) == ["a.b.c"]


@given(head=st.binary(max_size=64), behind=st.binary(max_size=200), place=st.integers(0, END + 300))
def test_any_bytes_raise_only_named_errors(head: bytes, behind: bytes, place: int) -> None:
    for data in (
        PLAIN[:28] + head + PLAIN[28 + len(head) :],
        dsf(behind, pointer=place),
        dsf(MARKED, behind),
    ):
        for read in (UNDER.tags, UNDER.essence):
            try:
                read(data)
            except NoaiError:
                continue
        try:
            UNDER.written(data, MARK)
        except NoaiError:
            continue
