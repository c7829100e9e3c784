"""Marking Matroska: where tags go, what moves, and that all which points to it moves along."""

from __future__ import annotations

import io
import json
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from noai.containers import _mkv_places
from noai.containers._ebml import CRC32, VOID, ElementReader
from noai.containers._mkv_layout import Layout, read_layout
from noai.containers._mkv_schema import CLUSTER, POSITION, SEEK_HEAD, TAGS
from noai.containers._mkv_seek import read_entries
from noai.containers.interface import FieldRole, TagArea, TagEdit
from noai.containers.matroska import Matroska
from noai.errors import EssenceUnbindable, MarkError
from noai.sources import BytesSource
from tests.audio import decoded_md5, exif, ffmpeg, run
from tests.contract.edits import LIFT, MARK, MARKER, REPLACE, STATEMENT
from tests.unit.mkv_files import (
    HEAD,
    Part,
    checked,
    cluster,
    clusters,
    cues,
    element,
    info,
    laid_out,
    matroska,
    open_element,
    plain_clusters,
    positioned,
    seek_head,
    segment,
    simple_tag,
    tag,
    tags,
    text,
    tracks,
    uint,
    void,
)

MKV = Matroska()
Encoded = Callable[..., Path]
TITLE = tags(tag(simple_tag("TITLE", "a")))


def written(data: bytes, edit: TagEdit = MARK) -> bytes:
    """``data`` with ``edit`` applied, and nothing foreign lost."""
    file = io.BytesIO(data)
    MKV.write_tags(file, edit)
    new = file.getvalue()
    before, after = BytesSource(data), BytesSource(new)
    assert MKV.inventory(after, edit) == MKV.inventory(before, edit)
    assert MKV.read_essence(after) == MKV.read_essence(before)
    assert not MKV.read_essence(after).violations
    assert area(new).notes == ()
    assert values(new, FieldRole.MARKER) == list(edit.markers)
    check_positions(new)
    return new


def area(data: bytes) -> TagArea:
    return MKV.read_tags(BytesSource(data))


def values(data: bytes, role: FieldRole) -> list[str]:
    return [field.value for field in area(data).fields if field.role is role]


def layout(data: bytes) -> Layout:
    return read_layout(BytesSource(data))


def order(data: bytes) -> list[str]:
    """The parts of the segment, clusters in a row as one."""
    names = {0x114D9B74: "seek", 0x1549A966: "info", 0x1654AE6B: "tracks", 0x1C53BB6B: "cues", TAGS: "tags"}
    names |= {CLUSTER: "clusters", VOID: "void", 0x1941A469: "attachments"}
    found = [names[part.id] for part in layout(data).segments[0].elements]
    return [name for n, name in enumerate(found) if n == 0 or name != found[n - 1]]


def first_cluster(data: bytes) -> int:
    return layout(data).segments[0].all(CLUSTER)[0].start


def check_positions(data: bytes) -> None:
    """What SeekHead and clusters say of places is so."""
    source = BytesSource(data)
    reader = ElementReader(source)
    (part,) = layout(data).segments
    at = {each.start: each.id for each in part.elements}
    for head in part.all(SEEK_HEAD):
        for entry in read_entries(reader, part, head):
            assert at[entry.position] == entry.target
    for each in part.all(CLUSTER):
        for child in reader.children(each):
            if child.id == POSITION and any(reader.number(child)):
                assert reader.uint(child) == each.start - part.element.data
    if part.element.sized:
        assert part.element.end == len(data)


def made(*parts: Part, width: int = 8) -> bytes:
    return HEAD + element(0x18538067, *laid_out(parts), width=width)


INFO, TRACKS = Part("info", info()), Part("tracks", tracks())
CLUSTERS = plain_clusters()


# -- where tags go --------------------------------------------------------------------------


def test_free_space_in_front_of_the_clusters_is_used() -> None:
    data = made(seek_head("info", "tracks"), INFO, TRACKS, Part("void", void(4_000)), *CLUSTERS)
    new = written(data)
    assert len(new) == len(data)
    assert order(new) == ["seek", "info", "tracks", "tags", "void", "clusters"]


def test_free_space_behind_seek_head_keeps_room_for_entries() -> None:
    data = made(seek_head("info", "tracks"), Part("void", void(4_000)), INFO, TRACKS, *CLUSTERS)
    new = written(data)
    assert len(new) == len(data)
    assert order(new) == ["seek", "void", "tags", "info", "tracks", "clusters"]
    (part,) = layout(new).segments
    entries = list(read_entries(ElementReader(BytesSource(new)), part, part.elements[0]))
    assert [entry.target for entry in entries] == [0x1549A966, 0x1654AE6B, TAGS]


def test_tags_grow_into_the_free_space_behind_them() -> None:
    data = made(INFO, Part("tags", TITLE), Part("void", void(4_000)), TRACKS, *CLUSTERS)
    new = written(data)
    assert len(new) == len(data)
    assert order(new) == ["info", "tags", "void", "tracks", "clusters"]
    assert values(new, FieldRole.OTHER).count("a") == 1


@pytest.mark.parametrize("spare", [0, 1, 2, 3, 127, 128, 129, 130, 131])
def test_whatever_space_is_left_over_is_filled(spare: int) -> None:
    """One byte cannot be free space: the size of the tags takes it."""
    grown = len(written(made(INFO, TRACKS, Part("tags", TITLE), *CLUSTERS)))
    needed = grown - len(made(INFO, TRACKS, Part("tags", TITLE), *CLUSTERS))
    data = made(INFO, TRACKS, Part("tags", TITLE), Part("void", void(needed + spare)), *CLUSTERS)
    assert len(written(data)) == len(data)


def test_without_room_the_clusters_move() -> None:
    data = made(seek_head("info", "cues"), INFO, TRACKS, *CLUSTERS, cues())
    new = written(data)
    assert order(new) == ["seek", "info", "tracks", "tags", "clusters", "cues"]
    tagged = made(seek_head("tags", "cues"), INFO, Part("tags", TITLE), TRACKS, *CLUSTERS, cues())
    assert order(written(tagged)) == ["seek", "info", "tags", "tracks", "clusters", "cues"]


def test_tags_behind_the_clusters_grow_there_and_get_a_seek_entry() -> None:
    data = made(
        seek_head("info"), Part("void", void(60)), INFO, TRACKS, *CLUSTERS, Part("tags", TITLE), cues()
    )
    new = written(data)
    assert first_cluster(new) == first_cluster(data)
    assert order(new) == ["seek", "void", "info", "tracks", "clusters", "tags", "cues"]
    (part,) = layout(new).segments
    entries = list(read_entries(ElementReader(BytesSource(new)), part, part.elements[0]))
    assert TAGS in [entry.target for entry in entries]


@pytest.mark.parametrize("tagged", [True, False])
def test_where_there_is_too_much_to_move_tags_go_to_the_end(
    monkeypatch: pytest.MonkeyPatch, tagged: bool
) -> None:
    monkeypatch.setattr(_mkv_places, "MOVED_AUDIO_BYTES", 100)
    front = [Part("tags", TITLE)] if tagged else []
    data = made(seek_head("info"), Part("void", void(60)), INFO, TRACKS, *front, *CLUSTERS, cues())
    new = written(data)
    assert first_cluster(new) == first_cluster(data)
    assert order(new)[-2:] == ["cues", "tags"]


@pytest.mark.parametrize(
    "data",
    [
        made(INFO, TRACKS, *CLUSTERS, cues()),
        HEAD + open_element(0x18538067, info(), tracks(), *clusters()),
        HEAD + open_element(0x18538067, info(), tracks(), open_element(0x1F43B675, uint(0xE7, 0))),
    ],
    ids=["no seek head", "no size", "no size at all"],
)
def test_tags_go_to_the_end_only_if_everybody_finds_them(
    monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    monkeypatch.setattr(_mkv_places, "MOVED_AUDIO_BYTES", 0)
    file = io.BytesIO(data)
    MKV.write_tags(file, MARK)
    assert order(file.getvalue())[:4] == ["info", "tracks", "tags", "clusters"]


def test_a_file_without_sizes_stays_one() -> None:
    content = (open_element(0x1F43B675, uint(0xE7, 200 * n), b"\xa3\x85\x81\0\0\x80x") for n in range(3))
    data = HEAD + open_element(0x18538067, info(), tracks(), *content)
    new = written(data)
    (part,) = layout(new).segments
    assert not part.element.sized
    assert [each.sized for each in part.all(CLUSTER)] == [False] * 3


# -- what moves along -----------------------------------------------------------------------


@pytest.mark.parametrize("before", [0, 60_000, 62_000, 63_000, 64_000, 64_500, 65_000, 65_400, 65_500])
def test_positions_that_need_more_bytes_get_them(before: int) -> None:
    """Around 65,536 a position grows, and with it the index in front, and with that the positions."""
    picture = Part("pad", element(0x1941A469, element(0x61A7, element(0x465C, bytes(before)))))
    many = [Part(f"cluster{n}", data) for n, data in enumerate(clusters(40))]
    data = made(seek_head("info", "cues"), INFO, TRACKS, picture, cues(40), *many)
    written(written(data), REPLACE)
    behind = made(seek_head("info", "cues"), INFO, TRACKS, picture, *many, cues(40))
    written(written(behind), REPLACE)


@pytest.mark.parametrize("crc", [False, True])
def test_clusters_that_state_their_position_and_checksum_keep_both_right(crc: bool) -> None:
    parts = [positioned(n, crc=crc) for n in range(3)]
    new = written(made(seek_head("info"), INFO, TRACKS, *parts, cues()))
    reader = ElementReader(BytesSource(new))
    found = [child for each in layout(new).segments[0].all(CLUSTER) for child in reader.children(each)]
    assert sum(child.id == POSITION and reader.uint(child) > 0 for child in found) == 3
    assert sum(child.id == CRC32 for child in found) == 3 * crc


def test_a_position_that_no_longer_fits_becomes_unknown() -> None:
    picture = Part("pad", element(0x1941A469, element(0x61A7, element(0x465C, bytes(64_000)))))
    new = written(made(INFO, TRACKS, picture, positioned(0, width=2), *CLUSTERS[1:]))
    reader = ElementReader(BytesSource(new))
    (first, *_) = layout(new).segments[0].all(CLUSTER)
    assert [reader.uint(child) for child in reader.children(first) if child.id == POSITION] == [0]


@pytest.mark.parametrize("width", [2, 3, 8])
def test_the_size_of_the_segment_grows_where_it_must(width: int) -> None:
    data = made(INFO, TRACKS, *plain_clusters(60), Part("tags", TITLE), width=width)
    new = written(data)
    assert layout(new).segments[0].element.length > 1 << 13
    if width > 2:
        assert first_cluster(new) == first_cluster(data)


def test_checksums_over_tags_and_segment_are_made_right() -> None:
    body = info(), tracks(), checked(TAGS, tag(simple_tag("COPYRIGHT", "me"))), *clusters()
    new = written(HEAD + checked(0x18538067, *body))
    source = BytesSource(new)
    (part,) = layout(new).segments
    assert part.elements[0].id == CRC32
    assert ElementReader(source).checksum_holds(part.element)
    assert ElementReader(source).checksum_holds(part.all(TAGS)[0])


def test_free_space_that_held_a_marker_is_wiped() -> None:
    stale = tags(tag(simple_tag("NOAI", MARKER), simple_tag("COPYRIGHT", STATEMENT)))
    data = matroska(info(), tracks(), element(0xEC, stale), *clusters(), element(0xEC, stale))
    assert area(data).notes
    assert written(data).count(MARKER.encode()) == 1


def test_random_layouts_keep_everything() -> None:
    chance = random.Random(7)
    for _ in range(60):
        written(written(_random_layout(chance)), REPLACE)


def _random_layout(chance: random.Random) -> bytes:
    count = chance.choice([1, 3, 8])
    front = [INFO, TRACKS]
    back = [cues(count, chance.choice([0, 8]))] if chance.random() < 0.6 else []
    if chance.random() < 0.7:
        chance.choice([front, back]).append(Part("tags", TITLE))
    if back and chance.random() < 0.4:
        front.append(back.pop(0))
    for number in range(chance.randrange(3)):
        length = chance.choice([2, 3, 60, 128, 129, 2_500, 3_600, 5_000])
        front.insert(chance.randrange(len(front) + 1), Part(f"void{number}", void(length)))
    names = [part.name for part in [*front, *back] if part.name in ("info", "tracks", "cues", "tags")]
    if chance.random() < 0.7:
        front.insert(0, seek_head(*chance.sample(names, chance.randrange(len(names) + 1))))
        front.insert(1, Part("room", void(chance.choice([2, 10, 30, 200, 4_096]))))
    middle = [positioned(n, crc=chance.random() < 0.5) for n in range(count)]
    return made(*front, *chance.choice([middle, plain_clusters(count)]), *back)


# -- what tags say --------------------------------------------------------------------------


def marked(*entries: bytes, edit: TagEdit = MARK) -> bytes:
    return written(matroska(info(), tracks(), tags(*entries), *clusters()), edit)


def said(data: bytes) -> Counter[tuple[str, str]]:
    return Counter((f.key, f.value) for f in area(data).fields if f.place.startswith("Matroska tag"))


def test_the_statement_joins_what_stands_there() -> None:
    new = marked(tag(simple_tag("Copyright", "© me"), simple_tag("COMMENT", "")))
    assert said(new) == Counter(
        {("NOAI", MARKER): 1, ("COPYRIGHT", f"© me | {STATEMENT}"): 1, ("COMMENT", STATEMENT): 1}
    )


def test_tags_about_parts_do_not_take_the_statement() -> None:
    new = marked(tag(simple_tag("COPYRIGHT", "of the track"), targets=uint(0x63C5, 1)))
    assert said(new)["COPYRIGHT", "of the track"] == 1
    assert said(new)["COPYRIGHT", STATEMENT] == 1


def test_tags_under_the_name_of_a_type_do_not_take_it() -> None:
    """ffmpeg puts the name of the type in front of those of the tags."""
    new = marked(tag(simple_tag("COPYRIGHT", "of the album"), targets=text(0x63CA, "ALBUM")))
    assert said(new)["COPYRIGHT", STATEMENT] == 1


def test_the_first_with_text_takes_it_and_others_only_lose_one() -> None:
    first = tag(simple_tag("COPYRIGHT", ""), simple_tag("COPYRIGHT", "a"), simple_tag("COPYRIGHT", "b"))
    second = simple_tag("DESCRIPTION", f"c | {STATEMENT}")
    new = marked(first, tag(second, targets=uint(0x63C5, 1)), edit=MARK)
    assert values(new, FieldRole.COPYRIGHT) == ["", f"a | {STATEMENT}", "b"]
    assert said(new)["DESCRIPTION", f"c | {STATEMENT}"] == 1
    lifted = written(new, LIFT)
    assert values(lifted, FieldRole.COPYRIGHT) == ["", "a", "b"]
    assert said(lifted)["DESCRIPTION", "c"] == 1


def test_markers_everywhere_are_taken_out() -> None:
    data = matroska(
        tags(tag(simple_tag("noai", "1"))),
        info(),
        tracks(),
        tags(tag(simple_tag("NoAi", "2", text(0x447A, "fra")), targets=uint(0x63C5, 1))),
        *clusters(),
        tags(tag(simple_tag("ARTIST", "a", simple_tag("NOAI", "3")))),
    )
    assert values(written(data), FieldRole.MARKER) == [MARKER]
    new = written(data, TagEdit(markers=()))
    assert [key for key, _ in said(new)] == ["ARTIST"]


def test_lifting_all_leaves_no_tags_behind() -> None:
    data = matroska(info(), tracks(), *clusters())
    assert TAGS not in [part.id for part in layout(written(written(data), LIFT)).segments[0].elements]
    assert written(data, LIFT) == data


def test_what_is_foreign_stays_byte_for_byte() -> None:
    odd = element(0x67C8, text(0x45A3, "ODD"), element(0x4487, b"S\xf8n\0\0"), void(5), width=4)
    other = tag(odd, targets=uint(0x63C5, 1, 8))
    new = marked(void(7), other, tag(simple_tag("TITLE", "a"), odd))
    assert new.count(odd) == 2
    assert other in new


def test_a_marker_that_holds_foreign_tags_is_not_written_over() -> None:
    data = matroska(info(), tracks(), tags(tag(simple_tag("NOAI", "1", simple_tag("URL", "u")))), *clusters())
    with pytest.raises(MarkError):
        MKV.write_tags(io.BytesIO(data), MARK)


LARGE = element(0x67C8, text(0x45A3, "NOAI"), element(0x4485, bytes(17_000_000)))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (matroska()[:-5], EssenceUnbindable),
        (matroska() + matroska(), EssenceUnbindable),
        (matroska() + b"\x00junk", EssenceUnbindable),
        (matroska(info(), tracks(), tags(b"\x81"), *clusters()), MarkError),
        (matroska(info(), tracks(), tags(element(CRC32, bytes(4)), tag()), *clusters()), MarkError),
        (b"no matroska", MarkError),
        (
            matroska(info(), tracks(), tags(tag(element(0x67C8, element(0x4485, bytes(17_000_000)))))),
            MarkError,
        ),
    ],
    ids=range(7),
)
def test_what_cannot_be_written_safely_is_refused(data: bytes, error: type[MarkError]) -> None:
    file = io.BytesIO(data)
    with pytest.raises(error):
        MKV.write_tags(file, MARK)
    assert file.getvalue() == data


# -- witnesses ------------------------------------------------------------------------------


def shown(path: Path) -> dict[str, str]:
    """The tags of the whole file that ffprobe shows, keys in upper case."""
    out = run("ffprobe", "-v", "error", "-of", "json", "-show_entries", "format_tags", path)
    found: dict[str, str] = json.loads(out)["format"].get("tags", {})
    return {key.upper(): value for key, value in found.items()}


VARIANTS = [
    *(("matroska", name) for name in ("plain", "tagged", "mkvmerge", "cover", "chapters", "front-index")),
    *(("webm", name) for name in ("plain", "live", "mkvmerge")),
]
each_variant = pytest.mark.parametrize(("container", "variant"), VARIANTS)


@each_variant
def test_other_programs_show_the_marker_and_accept_the_file(
    fresh: Encoded, container: str, variant: str
) -> None:
    path = fresh(container, variant)
    path.write_bytes(written(path.read_bytes()))
    found = shown(path)
    assert found["NOAI"] == MARKER
    assert STATEMENT in found["COPYRIGHT"]
    assert STATEMENT in found["COMMENT"]
    identified = json.loads(run("mkvmerge", "--identify", "-F", "json", path))
    assert (identified["errors"], identified["warnings"]) == ([], [])
    assert f"<String>{MARKER}</String>".encode() in run("mkvextract", path, "tags")
    assert subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "null", "-"], check=True, stderr=-1)


def test_exiftool_shows_the_marker_where_tags_stand_in_front(fresh: Encoded) -> None:
    path = fresh("matroska", "tagged")
    path.write_bytes(written(path.read_bytes()))
    texts: Sequence[str] = [str(value) for value in exif(path).values()]
    assert any(MARKER in value for value in texts)


@pytest.mark.parametrize(("container", "variant"), [("matroska", "chapters"), ("webm", "long")])
def test_seeking_finds_the_same_place_after_clusters_moved(
    encoded: Encoded, fresh: Encoded, container: str, variant: str
) -> None:
    original, path = encoded(container, variant), fresh(container, variant)
    path.write_bytes(written(path.read_bytes()))
    assert first_cluster(path.read_bytes()) != first_cluster(original.read_bytes())

    def sought(file: Path) -> bytes:
        place = ("-ss", "1.2", "-i", file, "-map", "0:a", "-f", "md5", "-")
        return run("ffmpeg", "-v", "error", *place)

    assert sought(path) == sought(original)


@each_variant
def test_the_marker_survives_other_taggers_and_muxers(
    fresh: Encoded, tmp_path: Path, container: str, variant: str
) -> None:
    path = fresh(container, variant)
    path.write_bytes(written(path.read_bytes()))
    played = decoded_md5(path)
    run(
        "mkvpropedit",
        "-q",
        path,
        "--edit",
        "info",
        "--set",
        "title=another",
        "--edit",
        "track:a1",
        "--set",
        "name=n",
    )
    assert values(path.read_bytes(), FieldRole.MARKER) == [MARKER]
    assert not MKV.read_essence(BytesSource(path.read_bytes())).violations
    muxed = tmp_path / "muxed.mka"
    run("mkvmerge", "-q", "-o", muxed, path)
    copied = tmp_path / "copied.mkv"
    ffmpeg("-i", path, "-map", "0:a", "-c", "copy", copied)
    for other in (muxed, copied):
        assert values(other.read_bytes(), FieldRole.MARKER) == [MARKER]
        assert decoded_md5(other) == played
    written(path.read_bytes(), REPLACE)


def test_tags_that_mkvpropedit_takes_out_are_not_overlooked(fresh: Encoded) -> None:
    """It turns them into free space. What it leaves there is found, or it is gone."""
    path = fresh("matroska", "tagged")
    path.write_bytes(written(path.read_bytes()))
    run("mkvpropedit", "-q", path, "--tags", "all:")
    data = path.read_bytes()
    assert values(data, FieldRole.MARKER) == []
    assert (MARKER.encode() in data) == bool(area(data).notes)
    written(data)


def test_cluster_content_is_never_touched(fresh: Encoded) -> None:
    path = fresh("matroska", "chapters")
    data = path.read_bytes()
    new = written(data)

    def content(which: bytes) -> list[bytes]:
        return [which[each.start : each.end] for each in layout(which).segments[0].all(CLUSTER)]

    assert content(new) == content(data)


def test_several_segments_are_refused() -> None:
    with pytest.raises(EssenceUnbindable):
        MKV.write_tags(io.BytesIO(HEAD + segment(info()) + segment(cluster(0))), MARK)
