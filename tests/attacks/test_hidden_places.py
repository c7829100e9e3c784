"""Markers where few look: whatever stands in front of or behind a file of any kind, and files joined.

Each attack is made on real files of every container: where nothing else speaks against the file, beside the
artist's own marker, and beside the artist's own permission. Both depths have to agree on each.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from noai.containers.interface import FieldRole, TagEdit
from noai.containers.registry import CONTAINERS, detect
from noai.errors import MarkError
from noai.marking import mark
from noai.sources import BytesSource
from noai.verdict import Decision
from tests.attacks.places import (
    ARTIST,
    DENIAL,
    HARMLESS,
    PERMISSION,
    Files,
    Place,
    each_place,
    each_slot,
    id3,
    judge,
    require_not_admitted,
    require_rejected,
)
from tests.audio import Studio, cases, container_name, decoded_md5
from tests.signers import NOW

WRITABLE = {name for container in CONTAINERS if container.writable for name in container.names}
#: One a container: the codec plays no part here.
KINDS = list({container_name(kind): kind for kind, variant in cases() if variant == "plain"}.values())
MARKABLE = [kind for kind in KINDS if container_name(kind) in WRITABLE]

each_kind = pytest.mark.parametrize("kind", KINDS)
each_markable = pytest.mark.parametrize("kind", MARKABLE)


@pytest.fixture(scope="module")
def files(studio: Studio) -> Files:
    return Files(studio)


# -- in front and behind --------------------------------------------------------------------


@each_kind
@each_place
def test_a_denial_around_an_unmarked_file_is_seen(files: Files, kind: str, place: Place) -> None:
    require_not_admitted(place.put(files.plain(kind), DENIAL))


@each_markable
@each_slot
def test_a_permission_around_a_marked_file_opens_nothing(files: Files, kind: str, place: Place) -> None:
    """The artist's own, for another recording, by a signer who may permit."""
    require_not_admitted(place.put(files.marked(kind), PERMISSION))


@each_markable
@each_place
def test_a_denial_around_a_permitted_file_counts(files: Files, kind: str, place: Place) -> None:
    assert judge(files.permitted(kind)).decision is Decision.ALLOWED
    require_not_admitted(place.put(files.permitted(kind), DENIAL))


@each_kind
@each_slot
def test_a_permission_around_an_unmarked_file_permits_nothing(files: Files, kind: str, place: Place) -> None:
    assert judge(place.put(files.plain(kind), PERMISSION)).decision is not Decision.ALLOWED


# -- joined files ---------------------------------------------------------------------------


@each_markable
def test_a_marked_file_behind_another_is_seen(files: Files, kind: str) -> None:
    require_not_admitted(files.plain(kind) + files.marked(kind))


@each_markable
def test_a_marked_file_in_front_of_another_is_seen(files: Files, kind: str) -> None:
    require_not_admitted(files.marked(kind) + files.plain(kind))


@each_markable
def test_a_marked_file_behind_a_permitted_one_is_seen(files: Files, kind: str) -> None:
    require_not_admitted(files.permitted(kind) + files.marked(kind))


@each_markable
def test_a_permission_does_not_cover_a_file_that_is_joined_to_it(files: Files, kind: str) -> None:
    for data in (
        files.permitted(kind) + files.plain(kind),
        files.plain(kind) + files.permitted(kind),
    ):
        assert judge(data).decision is not Decision.ALLOWED


@each_kind
def test_a_marked_mp3_behind_any_file_is_seen(files: Files, kind: str) -> None:
    require_not_admitted(files.plain(kind) + files.marked("mp3"))


@each_markable
def test_a_permission_does_not_cover_an_mp3_behind_the_file(files: Files, kind: str) -> None:
    assert judge(files.permitted(kind) + files.plain("mp3")).decision is not Decision.ALLOWED


# -- ID3 in front of what does not carry it -------------------------------------------------


@each_kind
def test_an_id3_tag_in_front_does_not_change_what_a_file_is(files: Files, kind: str) -> None:
    assert detect(BytesSource(HARMLESS + files.plain(kind))).name == container_name(kind)


@each_markable
def test_the_mark_inside_is_seen_behind_an_id3_tag(files: Files, kind: str) -> None:
    require_rejected(HARMLESS + files.marked(kind))


@each_markable
def test_a_permission_behind_an_id3_tag_counts_only_where_the_audio_stays_the_same(
    studio: Studio, files: Files, tmp_path: Path, kind: str
) -> None:
    """ffmpeg is the witness: it plays what it played, or the permission binds no longer."""
    path = studio.encoded(kind)
    behind = tmp_path / f"behind{path.suffix}"
    behind.write_bytes(HARMLESS + files.permitted(kind))
    if judge(behind.read_bytes()).decision is Decision.ALLOWED:
        assert decoded_md5(behind) == decoded_md5(path)


@each_markable
def test_marking_takes_markers_out_of_a_tag_in_front_and_keeps_the_rest(
    studio: Studio, files: Files, tmp_path: Path, kind: str
) -> None:
    data = HARMLESS + id3("1") + files.plain(kind)
    try:
        marked = mark(data, signer=ARTIST, c2pa=False, now=NOW)
    except MarkError:
        require_not_admitted(data)
        return
    source = BytesSource(marked)
    container = detect(source).container
    fields = container.read_tags(source).fields
    assert [field.value for field in fields if field.value == "A title"]
    assert sum(field.role is FieldRole.MARKER for field in fields) == 2
    original = BytesSource(data)
    nothing = TagEdit(markers=())
    assert not detect(original).container.inventory(original, nothing) - container.inventory(source, nothing)
    path = studio.encoded(kind)
    played = tmp_path / f"marked{path.suffix}"
    played.write_bytes(marked)
    assert decoded_md5(played) == decoded_md5(path)
