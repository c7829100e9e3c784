"""Movie fragments: their samples are those of the same file without fragments, or binding fails."""

from __future__ import annotations

import hashlib
import io
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noai.codes import Code
from noai.containers.interface import FieldRole, TagEdit
from noai.containers.mp4 import Mp4
from noai.errors import ContainerError, ContainerMalformed, ContainerReadOnly, MarkError
from noai.essence import EssenceReading
from noai.limits import MP4_FRAGMENT_BOXES
from noai.sources import BytesSource
from tests.audio import Studio, decoded_md5, ffmpeg
from tests.contract.edits import LIFT, MARK, MARKER, REPLACE
from tests.unit.mp4_files import (
    EMPTY,
    FTYP,
    THREE,
    TREX,
    Fragment,
    Run,
    Track,
    box,
    data,
    fragmented,
    freeform,
    full,
    item,
    meta,
    mfra,
    movie,
    sidx,
    u32,
    u64,
)

MP4 = Mp4()
#: An empty track with an edit list.
EDITED = replace(EMPTY, edits=((0, 1024, 0x10000),))


def read(content: bytes) -> EssenceReading:
    return MP4.read_essence(BytesSource(content))


def codes(content: bytes) -> set[Code]:
    return {violation.code for violation in read(content).violations}


def one(*runs: Run, **options: object) -> Fragment:
    return replace(Fragment(runs or (Run((200, 300)),)), **options)  # type: ignore[arg-type]


# -- the preimage -------------------------------------------------------------------------------


def test_the_digest_is_that_of_all_samples_in_file_order() -> None:
    """Computed here from the definition alone."""
    payload = b"".join(fragment.payload for fragment in THREE)
    sizes = [size for fragment in THREE for run in fragment.runs for size in run.sizes]
    config = struct.pack("<BIB", 2, 44_100, 2)
    record = b"\x03aac" + struct.pack("<I", len(config)) + config
    record += struct.pack("<Q", len(payload)) + hashlib.sha256(payload).digest()
    lengths = struct.pack(f"<{len(sizes)}I", *sizes)
    record += b"\x01" + struct.pack("<Q", len(sizes)) + hashlib.sha256(lengths).digest()
    expected = hashlib.sha256(b"noai-essence/1\x00" + struct.pack("<I", 1) + record).digest()
    found = read(fragmented(*THREE))
    assert (found.digest.scheme, found.digest.digest) == ("aac/1", expected)
    assert (found.payload_bytes, found.violations) == (len(payload), ())


def test_how_fragments_are_written_does_not_matter() -> None:
    expected = read(fragmented(*THREE))
    for fragments in (
        [replace(each, base="file") for each in THREE],
        [replace(each, base="first") for each in THREE],
        [replace(each, time=None) for each in THREE],
        [replace(each, time=(each.time or 0) + (1 << 40)) for each in THREE],
        [replace(each, description=1) for each in THREE],
        [replace(each, in_traf=box(b"free", bytes(40)), in_moof=box(b"uuid", bytes(30))) for each in THREE],
        [replace(each, runs=(replace(each.runs[0], durations=(1024,) * 43),)) for each in THREE],
        [replace(each, runs=(replace(each.runs[0], shifts=(0,) * 43, version=1),)) for each in THREE],
        [replace(each, runs=tuple(Run((size,)) for size in each.runs[0].sizes)) for each in THREE],
    ):
        assert read(fragmented(*fragments)) == expected
    for content in (
        fragmented(*THREE, index=True),
        fragmented(*THREE, access=True),
        fragmented(*THREE, track=EDITED),
        fragmented(*THREE, between=box(b"free", bytes(99)) + box(b"styp", b"msdh" + bytes(4))),
        fragmented(*THREE, extra=box(b"udta", meta(item(b"\xa9nam", "t")))),
    ):
        assert read(content) == expected


def test_a_default_size_is_that_of_every_sample() -> None:
    trex = full(b"trex", u32(1, 1, 1024, 100, 0))
    head = box(b"tfhd", u32(0x20000, 1))
    trun = box(b"trun", u32(1, 3) + struct.pack(">i", 8 + 16 + 8 + 16 + 20 + 8))
    moof = box(b"moof", full(b"mfhd", u32(1)) + box(b"traf", head + trun))
    payload = bytes(300)
    found = read(
        fragmented(mvex=trex)[: fragmented(mvex=trex).index(b"moof") - 4] + moof + box(b"mdat", payload)
    )
    assert (found.payload_bytes, found.violations) == (300, ())
    by_tfhd = moof.replace(u32(0x20000, 1), u32(0x20010, 1) + u32(150))
    assert by_tfhd != moof


def test_samples_of_the_table_come_first() -> None:
    table = Track(sizes=(9,) * 43, per_chunk=43)
    content = fragmented(*[replace(each, time=(each.time or 0) + 44_032) for each in THREE], track=table)
    assert read(content).violations == ()
    assert read(content).payload_bytes == 43 * 9 + read(fragmented(*THREE)).payload_bytes
    late = fragmented(*THREE, track=table)
    assert codes(late) == {Code.FRAGMENT_SEQUENCE}


def test_tracks_may_share_a_fragment() -> None:
    """The second one begins where the first ended, if nothing else is said (section 8.8.7)."""
    first, second = Run((30, 40)), Run((50, 60))
    mvex = TREX + full(b"trex", u32(2, 1, 1024, 0, 0))
    traf = box(b"traf", box(b"tfhd", u32(0, 1)) + first.box(0))
    other = box(b"traf", box(b"tfhd", u32(0, 2)) + second.box(0))
    size = 8 + 16 + len(traf) + len(other)
    moof = box(
        b"moof",
        full(b"mfhd", u32(1)) + box(b"traf", box(b"tfhd", u32(0, 1)) + first.box(size + 8)) + other,
    )
    one_track = fragmented(mvex=mvex)
    head = one_track[: one_track.index(b"moof") - 4]
    tracks = head.replace(EMPTY.box(0), EMPTY.box(0) + replace(EMPTY, id=2).box(0))
    grown = len(tracks) - len(head)
    at = tracks.index(b"moov") - 4
    tracks = tracks[:at] + u32(int.from_bytes(tracks[at : at + 4], "big") + grown) + tracks[at + 4 :]
    found = read(tracks + moof + box(b"mdat", bytes(180)))
    assert (found.payload_bytes, found.violations) == (180, ())


def test_a_movie_that_only_announces_fragments_is_an_ordinary_one() -> None:
    table = movie(Track(), inner=box(b"mvex", TREX))
    assert read(table) == read(movie(Track()))
    assert codes(fragmented()[: fragmented().index(b"moof") - 4]) == {Code.ESSENCE_EMPTY}


# -- where players could differ -------------------------------------------------------------------


def twice(content: bytes) -> bytes:
    """The last fragment once more, byte for byte."""
    at = content.rindex(b"moof") - 4
    return content + content[at:]


def indexed(*sizes: int, first: int = 0) -> bytes:
    return fragmented(*THREE, between=sidx(sizes, first))


SIZES = tuple(len(each.box(0)) for each in THREE)
FAKE = Fragment((Run((20,)),), 9, 0).box(0)


def astray(media: bytes) -> bytes:
    """``media`` that no table covers, and a random access table that points to it."""
    content = fragmented(*THREE)
    return content + box(b"mdat", media) + mfra([(0, len(content) + 8)])


SEQUENCE = {
    "a fragment twice": twice(fragmented(*THREE)),
    "a fragment twice under another number": fragmented(*THREE, replace(THREE[2], number=4)),
    "out of order": fragmented(THREE[1], THREE[0]),
    "numbers that go back": fragmented(*[replace(each, number=4 - each.number) for each in THREE]),
    "overlapping times": fragmented(THREE[0], replace(THREE[1], time=22_000), THREE[2]),
    "many small overlaps": fragmented(
        *(Fragment((Run((9,) * 4),), number, number * 3200) for number in range(1, 30))
    ),
    "a long pause": fragmented(THREE[0], replace(THREE[1], time=100_000)),
    "a pause of years": fragmented(THREE[0], replace(THREE[1], time=1 << 62)),
    "a fragment in front of the movie": FTYP + FAKE + fragmented()[len(FTYP) :],
    "an index without the last one": indexed(*SIZES[:2]),
    "an index without the first one": indexed(*SIZES[1:], first=SIZES[0]),
    "an empty index": indexed(),
    "an index that jumps": indexed(SIZES[0] - 8, SIZES[1] + 8, SIZES[2]),
    "an index past the end": indexed(*SIZES, 40),
    "an index of indices": indexed(-sum(SIZES)),
    "access to a fragment in media data": astray(FAKE),
    "access to what leads to a fragment": astray(box(b"abcd", bytes(9)) + FAKE),
    "access to a long way": astray(box(b"free", b"") * (MP4_FRAGMENT_BOXES + 1)),
}


@pytest.mark.parametrize("case", SEQUENCE)
def test_fragments_that_players_could_leave_out_or_repeat(case: str) -> None:
    assert Code.FRAGMENT_SEQUENCE in codes(SEQUENCE[case])


@pytest.mark.parametrize(
    "content",
    [
        indexed(*SIZES),
        indexed(SIZES[0] + SIZES[1], SIZES[2]),
        indexed(sum(SIZES)),
        fragmented(*THREE, between=sidx(SIZES, version=1)),
        fragmented(*THREE) + mfra([]),
        fragmented(*THREE) + mfra([(0, 900)]),
        fragmented(*THREE) + mfra([(0, 1 << 60)]),
        fragmented(*THREE) + mfra([(0, 0)], version=0),
        fragmented(*[replace(each, number=5 * each.number, seed=1) for each in THREE]),
        fragmented(THREE[0], replace(THREE[1], time=44_032 + 20_000)),
        fragmented(THREE[0], replace(THREE[1], time=44_032 - 1000)),
    ],
)
def test_harmless_indices_and_times(content: bytes) -> None:
    """A table that a tagger left behind points into media data, where no box begins."""
    assert codes(content) == set()


UNSUPPORTED = {
    "another sample entry": fragmented(one(description=2)),
    "no sample entry": fragmented(one(description=0)),
    "a run of unknown place": fragmented(one(Run((20, 30)), Run((40,), offset=False))),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_fragments_that_no_digest_is_defined_for(case: str) -> None:
    assert Code.ESSENCE_UNSUPPORTED in codes(UNSUPPORTED[case])


def test_samples_of_fragments_lie_in_mdat_each_for_itself() -> None:
    for offset, code in (
        (0, Code.SAMPLES_OUTSIDE_MDAT),
        (60, Code.SAMPLES_OUTSIDE_MDAT),
        (-200, Code.SAMPLES_OUTSIDE_MDAT),
        (False, Code.SAMPLES_OUTSIDE_MDAT),
    ):
        assert code in codes(fragmented(one(Run((200, 300), offset=offset))))
    place = len(one(Run((200,)), Run((200,)))._moof(0, 0)) + 8
    shared = one(Run((200,)), Run((200,), offset=place))
    assert codes(fragmented(shared)) == {Code.SAMPLES_OVERLAP}


def test_a_base_into_media_of_another_fragment_overlaps() -> None:
    content = bytearray(fragmented(*[replace(each, base="file") for each in THREE[:2]]))
    second = content.rindex(b"tfhd") + 12
    first = content.index(b"tfhd") + 12
    content[second : second + 8] = content[first : first + 8]
    assert Code.SAMPLES_OVERLAP in codes(bytes(content))


@pytest.mark.parametrize(
    ("content", "hides"),
    [
        (fragmented(*THREE, track=replace(EMPTY, edits=((2980, 0, 0x10000),))), False),
        (fragmented(*THREE, track=replace(EMPTY, edits=((1000, 0, 0x10000),))), True),
        (fragmented(*THREE, track=replace(EMPTY, edits=((0, 60_000, 0x10000),))), True),
        (fragmented(*THREE, track=replace(EMPTY, edits=((0, -1, 0x10000),))), True),
        (fragmented(*THREE, track=replace(EMPTY, edits=((0, 0, 0x10000), (0, 0, 0x10000)))), True),
        (fragmented(*THREE, mvex=TREX + full(b"mehd", u32(2990))), False),
        (fragmented(*THREE, mvex=TREX + full(b"mehd", u32(0))), False),
        (fragmented(*THREE, mvex=TREX + full(b"mehd", u64(1000), version=1)), True),
        (fragmented(*THREE, mvex=full(b"trex", u32(1, 1, 10, 0, 0))), True),
        (fragmented(one(Run((9,) * 3, shifts=(0, 0, 90_000)))), True),
        (fragmented(one(Run((9,) * 3, shifts=(0, 0, 0xFFFF_FFFF - 90_000), version=1))), True),
        (fragmented(one(Run((9,) * 3, shifts=(0, 0, 0xFFFF_FF00), version=1))), False),
        (fragmented(one(Run((9,) * 3, durations=(1, 1, 1)))), False),
        (fragmented(one(Run((9,) * 300, durations=(1,) * 300))), True),
    ],
)
def test_times_of_fragments_that_hide_audio(content: bytes, hides: bool) -> None:
    assert codes(content) == ({Code.EDIT_HIDES_AUDIO} if hides else set())


# -- contradictions -------------------------------------------------------------------------------


def changed(old: bytes, new: bytes) -> bytes:
    content = fragmented(*THREE)
    assert old in content
    return content.replace(old, new, 1)


BROKEN = {
    "no defaults": fragmented(*THREE, mvex=b""),
    "defaults twice": fragmented(*THREE, mvex=TREX * 2),
    "of another track": fragmented(one(track=2)),
    "of a track without media": fragmented(one(track=2), mvex=TREX + full(b"trex", u32(2, 1, 1, 1, 0))),
    "no number": changed(b"mfhd", b"mfhx"),
    "no head": changed(b"tfhd", b"tfhx"),
    "a short head": changed(box(b"tfhd", u32(0x20000, 1)), box(b"tfhd", u32(0x20038, 1))),
    "a short run": changed(u32(43), u32(44)),
    "no sizes": fragmented(one()).replace(b"trun\x00\x00\x02\x01", b"trun\x00\x00\x00\x01"),
    "empty by its flag": fragmented(one(flags=0x10000)),
    "two times": fragmented(replace(THREE[0], in_traf=full(b"tfdt", u32(0)))),
    "a time of version 2": changed(b"tfdt\x01", b"tfdt\x02"),
    "samples behind the end": fragmented(one(Run((200, 300), offset=400))),
    "samples before the start": fragmented(one(Run((200, 300), offset=-5000))),
    "an index cut short": indexed(*SIZES).replace(struct.pack(">HH", 0, 3), struct.pack(">HH", 0, 4)),
    "a table cut short": fragmented(*THREE) + mfra([(0, 0)]).replace(u32(1, 0, 1), u32(1, 0, 9)),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_fragments_that_contradict_themselves(case: str) -> None:
    with pytest.raises(ContainerMalformed):
        read(BROKEN[case])


def test_a_run_that_claims_billions_costs_nothing() -> None:
    for claimed in (0xFFFF_FFFF, 1 << 24):
        with pytest.raises(ContainerError):
            read(changed(u32(43), u32(claimed)))


@pytest.mark.parametrize(
    "kind", [b"traf", b"trun", b"tfhd", b"tfdt", b"mfhd", b"trex", b"mvex", b"mehd", b"moof"]
)
def test_boxes_of_fragments_elsewhere(kind: bytes) -> None:
    for content in (
        fragmented(*THREE, extra=box(b"udta", box(kind, bytes(40)))),
        fragmented(*THREE, between=box(b"udta", box(kind, bytes(40)))),
    ):
        assert Code.BOX_MISPLACED in codes(content)


def test_boxes_of_the_movie_in_a_fragment() -> None:
    for kind in (b"trak", b"stbl", b"stsd", b"elst", b"esds"):
        assert Code.BOX_MISPLACED in codes(fragmented(one(in_moof=box(kind, b""))))


# -- writing --------------------------------------------------------------------------------------

MANY = tuple(Fragment((Run((40, 50)),), number, number * 2048, base="file") for number in range(1, 30))
LAYOUTS = {
    "plain": fragmented(*THREE),
    "explicit bases": fragmented(*MANY, extra=box(b"udta", meta(item(b"\xa9nam", "title")))),
    "nothing said": fragmented(*[replace(each, base="first") for each in THREE]),
    "index": fragmented(*THREE, index=True),
    "access": fragmented(*THREE, access=True),
    "access of 32 bits": fragmented(*THREE) + mfra([(0, fragmented(*THREE).index(b"moof") - 4)], version=0),
    "index in front": fragmented(*THREE, before=sidx(SIZES, len(fragmented()) - len(FTYP) - sum(SIZES))),
    "room": fragmented(*MANY, between=box(b"free", bytes(9_000)), access=True),
    "a little room": fragmented(*MANY, between=box(b"skip", bytes(50)), access=True),
    "room in the movie": fragmented(
        *MANY, extra=box(b"udta", meta(item(b"\xa9nam", "t")) + box(b"free", bytes(9_000)))
    ),
    "samples in the movie too": fragmented(
        replace(THREE[0], time=4096), track=replace(Track(), stts=((4, 1024),))
    ),
}


def written(content: bytes, edit: TagEdit) -> bytes:
    file = io.BytesIO(content)
    MP4.write_tags(file, edit)
    return file.getvalue()


def edited(content: bytes, edit: TagEdit = MARK) -> bytes:
    """``content`` with ``edit``, after everything that a marking checks."""
    after = written(content, edit)
    assert read(after) == read(content)
    assert MP4.inventory(BytesSource(after), edit) == MP4.inventory(BytesSource(content), edit)
    return after


def said(content: bytes) -> list[str]:
    fields = MP4.read_tags(BytesSource(content)).fields
    return [field.value for field in fields if field.role is FieldRole.MARKER]


def markers(content: bytes) -> list[str]:
    assert MP4.read_tags(BytesSource(content)).notes == ()
    return said(content)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_marked_replaced_and_lifted(layout: str) -> None:
    content = LAYOUTS[layout]
    assert codes(content) == set()
    marked = edited(content)
    assert markers(marked) == [MARKER]
    assert written(marked, MARK) == marked
    replaced = edited(marked, REPLACE)
    assert markers(replaced) == list(REPLACE.markers)
    assert markers(edited(replaced, LIFT)) == []


def test_padding_is_used_before_fragments_move() -> None:
    for layout in ("room", "room in the movie"):
        content = LAYOUTS[layout]
        marked = written(content, TagEdit(markers=(MARKER,)))
        assert len(marked) == len(content)
        assert marked[marked.index(b"moof") :] == content[content.index(b"moof") :]


def test_the_random_access_box_stays_last() -> None:
    content = LAYOUTS["access"]
    table = content[content.rindex(b"mfra") - 4 :]
    marked = edited(content)
    size = int.from_bytes(marked[-4:], "big")
    assert (size, marked[-size + 4 : -size + 8]) == (len(table), b"mfra")
    places = [at - 4 for at in range(len(marked)) if marked.startswith(b"moof", at)]
    assert all(u64(place) in marked[-size:] for place in places)


def test_an_index_in_front_of_the_movie_still_points_to_the_fragments() -> None:
    content = LAYOUTS["index in front"]
    marked = edited(content)
    assert codes(marked) == set()
    assert marked[: marked.index(b"moov")] != content[: content.index(b"moov")]


MEDIA = box(b"mdat", bytes(900))
BEHIND = fragmented(one(), before=MEDIA).index(b"moof") - 4 - len(FTYP) - 8


@pytest.mark.parametrize(
    "content",
    [
        fragmented(*THREE, before=sidx((len(fragmented()) - len(FTYP),))),
        fragmented(one(Run((200, 300), offset=-BEHIND)), before=MEDIA),
    ],
    ids=["index over the movie", "samples in front"],
)
def test_what_cannot_follow_is_refused(content: bytes) -> None:
    assert codes(content) == set()
    file = io.BytesIO(content)
    with pytest.raises(MarkError):
        MP4.write_tags(file, MARK)
    assert file.getvalue() == content


def test_markers_in_fragments_are_taken_out_where_they_are() -> None:
    hidden = box(b"udta", meta(freeform("NOAI", data(b"x" * 30)), item(b"\xa9nam", "kept")))
    content = fragmented(replace(THREE[0], in_moof=hidden), replace(THREE[1], in_traf=hidden))
    assert said(content) == ["x" * 30, "x" * 30]
    marked = edited(content)
    assert said(marked) == [MARKER]
    assert b"x" * 30 not in marked
    assert [field.value for field in MP4.read_tags(BytesSource(marked)).fields].count("kept") == 2


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"tfhd\x00\x02", b"tfhd\x01\x02"),
        (b"trun\x00", b"trun\x01"),
        (b"tfdt\x01\x00", b"tfdt\x01\x01"),
        (b"mfhd\x00", b"mfhd\x01"),
        (struct.pack(">HHI", 0, 3, SIZES[0]), struct.pack(">HHI", 1, 3, SIZES[0])),
        (b"\x01\x01\x01\x00\x00\x00\x00\x00\x00\xac", b"\x01\x02\x01\x00\x00\x00\x00\x00\x00\xac"),
        (u64(44_032), u64(44_033)),
    ],
)
def test_the_inventory_sees_every_change(old: bytes, new: bytes) -> None:
    content = fragmented(*THREE, index=True, access=True)
    at = content.rindex(old)
    other = content[:at] + new + content[at + len(old) :]
    assert MP4.inventory(BytesSource(other), MARK) != MP4.inventory(BytesSource(content), MARK)


# -- any bytes ------------------------------------------------------------------------------------

SEEDS = [*LAYOUTS.values(), fragmented(*THREE, track=EDITED, index=True, access=True)]
PIECES = st.one_of(
    st.binary(min_size=1, max_size=4),
    st.sampled_from(
        [b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff", u32(1), u32(8), b"moof", b"traf", b"trun"]
    ),
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 9_000), PIECES), max_size=5),
)
def test_mutated_fragments_raise_only_typed_errors(seed: bytes, changes: list[tuple[int, bytes]]) -> None:
    for place, piece in changes:
        at = place % len(seed)
        seed = seed[:at] + piece + seed[at + len(piece) :]
    try:
        before = read(seed)
    except ContainerError:
        before = None
    file = io.BytesIO(seed)
    try:
        MP4.write_tags(file, MARK)
    except (ContainerError, MarkError):
        assert file.getvalue() == seed
        return
    if before is not None and not before.violations:
        assert read(file.getvalue()) == before


# -- real files -----------------------------------------------------------------------------------

VARIETIES = {
    "own base": ["-movflags", "frag_keyframe+empty_moov+default_base_moof"],
    "absolute base": ["-movflags", "frag_keyframe+empty_moov"],
    "one big fragment": ["-movflags", "frag_keyframe+empty_moov", "-frag_duration", "9000000"],
    "half in the movie": ["-movflags", "frag_keyframe"],
    "a fragment each packet": ["-movflags", "frag_every_frame+empty_moov"],
    "an index for each": ["-movflags", "dash"],
    "one index": ["-movflags", "dash+global_sidx+delay_moov"],
    "CMAF": ["-movflags", "cmaf"],
    "no base at all": ["-movflags", "frag_keyframe+empty_moov+omit_tfhd_offset"],
    "smooth": ["-f", "ismv"],
}


@pytest.mark.parametrize("variety", VARIETIES)
def test_fragmenting_keeps_the_digest(studio: Studio, tmp_path: Path, variety: str) -> None:
    """Both ways; and what is marked plays as before."""
    source = studio.encoded("mp4", "plain")
    path, back = tmp_path / "x.mp4", tmp_path / "back.m4a"
    copy = ("-map", "0:a", "-c", "copy")
    ffmpeg("-i", source, *copy, "-frag_duration", "300000", *VARIETIES[variety], path)
    content = path.read_bytes()
    assert b"moof" in content or variety == "one big fragment" or variety == "half in the movie"
    assert read(content) == read(source.read_bytes())
    played = decoded_md5(path)
    path.write_bytes(edited(content))
    assert decoded_md5(path) == played
    ffmpeg("-i", path, *copy, back)
    assert read(back.read_bytes()) == read(content)


def test_a_recording_that_was_cut_off_binds_to_what_there_is(studio: Studio, tmp_path: Path) -> None:
    content = studio.encoded("mp4-fragments", "plain").read_bytes()
    at = content.rindex(b"moof") - 4
    shorter = content[:at]
    assert (codes(shorter), read(shorter).digest != read(content).digest) == (set(), True)


def test_video_beside_audio_is_no_part_of_the_digest(studio: Studio) -> None:
    content = studio.encoded("mp4-fragments", "video").read_bytes()
    found = read(content)
    assert (found.digest.scheme, found.violations) == ("aac/1", ())
    assert read(edited(content)) == found
    assert "track 1" in " ".join(MP4.inventory(BytesSource(content), MARK))


def test_a_marker_outside_padding_is_refused() -> None:
    content = fragmented(replace(THREE[0], in_moof=box(b"abcd", freeform("NOAI", data(b"x")))))
    with pytest.raises(ContainerReadOnly):
        written(content, MARK)
