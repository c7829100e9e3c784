"""The container contract: the same bodies over real files of every container.

``noai/containers/README.md`` says in prose what is held to here.
"""

from __future__ import annotations

import io
import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from noai.containers.interface import FieldRole, TagEdit
from noai.containers.registry import CONTAINERS, detect
from noai.errors import ContainerReadOnly, ContainerUnknown, SourceEmpty
from noai.sources import BytesSource
from tests.audio import NAMES, container_name, decoded_md5, exif, exiftool, run
from tests.contract.edits import (
    CASES,
    DATA_MINING,
    DATED,
    LIFT,
    MARK,
    MARKER,
    OTHER_DATA_MINING,
    OTHER_MARKER,
    OTHER_STATEMENT,
    OTHER_TIMESTAMP,
    PLAIN,
    READ_ONLY,
    REPLACE,
    STATEMENT,
    TAGGED,
    TIMESTAMP,
    WRITABLE,
    essence,
    opened,
    tags,
    values,
    write,
    written,
)

Files = Callable[..., Path]

every_file = pytest.mark.parametrize(("container", "variant"), CASES)
every_writable = pytest.mark.parametrize(("container", "variant"), WRITABLE)
every_read_only = pytest.mark.parametrize(("container", "variant"), READ_ONLY)
every_codec = pytest.mark.parametrize(("container", "variant"), PLAIN)
every_with_chapters = pytest.mark.parametrize(
    ("container", "variant"), [case for case in WRITABLE if case[1] in ("chapters", "cover")]
)
every_tagged = pytest.mark.parametrize(("container", "variant"), TAGGED)


def test_every_name_has_files() -> None:
    tested = {container_name(container) for container, _ in CASES}
    assert tested == {name for container in CONTAINERS for name in container.names}


# -- detection ------------------------------------------------------------------------------


@every_file
def test_a_file_is_recognised_by_its_own_container_alone(
    encoded: Files, container: str, variant: str
) -> None:
    """Only the last one, which has to look for frames, may claim what an earlier one knows."""
    source = BytesSource(encoded(container, variant).read_bytes())
    claims = [name for each in CONTAINERS[:-1] if (name := each.detect(source))]
    assert claims in ([container_name(container)], [])
    assert detect(source).name == container_name(container)


@pytest.mark.parametrize(
    "content",
    [
        b"\x00",
        b"A text file that somebody named track.mp3.\n" * 200,
        b"ID3 is what this text is about.\n" * 50,
        b"fLaC" + b"text about FLAC" * 30,
        b"OggS" + b"text about Ogg" * 30,
        b"RIFF\x24\x00\x00\x00AVI LIST" + bytes(400),
        b"\x00\x00\x00\x18ftypheic" + bytes(400),
        b"\x89PNG\r\n\x1a\n" + bytes(400),
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(400),
        b"PK\x03\x04" + bytes(400),
        b"\xff\xfe" + "UTF-16 text".encode("utf-16-le") * 40,
        bytes(5000),
        b"\xff" * 5000,
        random.Random(3).randbytes(20_000),
    ],
    ids=lambda content: content[:12].hex(),
)
def test_what_is_not_audio_is_not_recognised(content: bytes) -> None:
    with pytest.raises(ContainerUnknown):
        detect(BytesSource(content))


def test_nothing_is_not_audio() -> None:
    with pytest.raises(SourceEmpty):
        detect(BytesSource(b""))


# -- reading --------------------------------------------------------------------------------


@every_file
def test_an_unmarked_file_reads_without_marker_or_violation(
    encoded: Files, container: str, variant: str
) -> None:
    with opened(encoded(container, variant)) as (source, detected):
        area = detected.container.read_tags(source)
        reading = detected.container.read_essence(source)
    assert values(area, FieldRole.MARKER) == []
    assert (area.notes, area.manifests) == ((), ())
    assert reading.violations == ()
    assert reading.payload_bytes > 0


@every_tagged
def test_copyright_and_comment_are_found(encoded: Files, container: str, variant: str) -> None:
    area = tags(encoded(container, variant))
    assert NAMES["copyright"] in values(area, FieldRole.COPYRIGHT)
    assert NAMES["comment"] in values(area, FieldRole.COMMENT)


# -- writing --------------------------------------------------------------------------------


@every_read_only
def test_a_read_only_container_says_so_and_changes_nothing(
    fresh: Files, encoded: Files, container: str, variant: str
) -> None:
    path = fresh(container, variant)
    with pytest.raises(ContainerReadOnly):
        write(path, MARK)
    assert path.read_bytes() == encoded(container, variant).read_bytes()


@every_writable
def test_a_marker_is_read_back_exactly(fresh: Files, container: str, variant: str) -> None:
    path = fresh(container, variant)
    write(path, MARK)
    area = tags(path)
    assert values(area, FieldRole.MARKER) == [MARKER]
    assert {field.key for field in area.fields if field.role is FieldRole.MARKER} == {"NOAI"}
    assert area.notes == ()


@every_writable
def test_a_timestamp_is_read_back_exactly(fresh: Files, container: str, variant: str) -> None:
    path = fresh(container, variant)
    with opened(path) as (source, detected):
        before = detected.container.inventory(source, DATED)
    write(path, DATED)
    area = tags(path)
    found = [field for field in area.fields if field.role is FieldRole.TIMESTAMP]
    assert [(field.key, field.value) for field in found] == [("NOAI_TIMESTAMP", TIMESTAMP)]
    assert values(area, FieldRole.MARKER) == [MARKER]
    assert area.notes == ()
    with opened(path) as (source, detected):
        assert detected.container.inventory(source, DATED) == before
    write(path, MARK)
    assert values(tags(path), FieldRole.TIMESTAMP) == []


@every_writable
def test_every_foreign_item_survives(fresh: Files, container: str, variant: str) -> None:
    path = fresh(container, variant)
    with opened(path) as (source, detected):
        before = detected.container.inventory(source, MARK)
    write(path, MARK)
    with opened(path) as (source, detected):
        assert detected.container.inventory(source, MARK) == before


@every_writable
def test_the_audio_stays_bit_for_bit(fresh: Files, encoded: Files, container: str, variant: str) -> None:
    original, path = encoded(container, variant), fresh(container, variant)
    write(path, MARK)
    assert essence(path.read_bytes()) == essence(original.read_bytes())
    assert decoded_md5(path) == decoded_md5(original)


@every_with_chapters
def test_chapters_and_pictures_still_play(fresh: Files, encoded: Files, container: str, variant: str) -> None:
    original, path = encoded(container, variant), fresh(container, variant)
    write(path, MARK)
    assert _chapters_and_streams(path) == _chapters_and_streams(original)


def _chapters_and_streams(path: Path) -> Any:
    shown = run(
        *("ffprobe", "-v", "error", "-of", "json", "-show_chapters"),
        *("-show_entries", "stream=codec_name,codec_type,sample_rate,channels,width,height"),
        path,
    )
    return json.loads(shown)


@every_writable
def test_a_second_edit_replaces_the_first(fresh: Files, container: str, variant: str) -> None:
    path = fresh(container, variant)
    write(path, MARK)
    write(path, REPLACE)
    area = tags(path)
    assert values(area, FieldRole.MARKER) == [OTHER_MARKER]
    texts = "\n".join(field.value for field in area.fields)
    assert STATEMENT not in texts
    assert OTHER_STATEMENT in texts
    assert all(DATA_MINING.encode() + b"<" not in packet.data for packet in area.xmp)


@every_writable
def test_two_markers_are_both_read_back(fresh: Files, container: str, variant: str) -> None:
    path = fresh(container, variant)
    write(path, TagEdit(markers=(MARKER, OTHER_MARKER)))
    assert sorted(values(tags(path), FieldRole.MARKER)) == sorted((MARKER, OTHER_MARKER))
    write(path, TagEdit(markers=(OTHER_MARKER,)))
    assert values(tags(path), FieldRole.MARKER) == [OTHER_MARKER]


@every_writable
def test_two_timestamps_are_both_read_back(fresh: Files, container: str, variant: str) -> None:
    path = fresh(container, variant)
    write(path, TagEdit((MARKER,), timestamps=(TIMESTAMP, OTHER_TIMESTAMP)))
    assert sorted(values(tags(path), FieldRole.TIMESTAMP)) == sorted((TIMESTAMP, OTHER_TIMESTAMP))
    write(path, TagEdit((MARKER,), timestamps=(OTHER_TIMESTAMP,)))
    assert values(tags(path), FieldRole.TIMESTAMP) == [OTHER_TIMESTAMP]


@every_writable
def test_lifting_restores_what_was_there(fresh: Files, encoded: Files, container: str, variant: str) -> None:
    original, path = encoded(container, variant), fresh(container, variant)
    write(path, MARK)
    write(path, LIFT)
    nothing = TagEdit(markers=())
    with opened(original) as (source, detected):
        expected = detected.container.inventory(source, nothing)
        said = [(field.key, field.value) for field in detected.container.read_tags(source).fields]
    with opened(path) as (source, detected):
        assert detected.container.inventory(source, nothing) == expected
        left = [(field.key, field.value) for field in detected.container.read_tags(source).fields]
    assert sorted(left) == sorted(said)


@every_writable
@pytest.mark.parametrize("role", [FieldRole.COPYRIGHT, FieldRole.COMMENT], ids=lambda role: role.value)
def test_the_statement_is_appended_and_nothing_overwritten(
    fresh: Files, encoded: Files, container: str, variant: str, role: FieldRole
) -> None:
    before = values(tags(encoded(container, variant)), role)
    path = fresh(container, variant)
    write(path, MARK)
    after = values(tags(path), role)
    with_statement = [value for value in after if STATEMENT in value]
    assert with_statement
    for value in with_statement:
        assert value == STATEMENT or value.removesuffix(f" | {STATEMENT}") in before
    for value in before:
        assert value in after or f"{value} | {STATEMENT}" in after


@every_codec
def test_where_there_is_no_text_the_statement_stands_alone(
    fresh: Files, container: str, variant: str
) -> None:
    path = fresh(container, variant)
    write(path, MARK)
    area = tags(path)
    assert set(values(area, FieldRole.COPYRIGHT)) == {STATEMENT}
    assert set(values(area, FieldRole.COMMENT)) == {STATEMENT}


@every_tagged
def test_writing_the_same_again_changes_no_field(fresh: Files, container: str, variant: str) -> None:
    path = fresh(container, variant)
    write(path, MARK)
    once = tags(path)
    write(path, MARK)
    assert tags(path).fields == once.fields
    assert [packet.data for packet in tags(path).xmp] == [packet.data for packet in once.xmp]


@every_writable
def test_memory_and_file_are_written_alike(fresh: Files, container: str, variant: str) -> None:
    path = fresh(container, variant)
    data = path.read_bytes()
    write(path, MARK)
    assert path.read_bytes() == written(data, MARK)


# -- XMP ------------------------------------------------------------------------------------


@every_writable
def test_xmp_is_written_where_it_has_a_place(fresh: Files, container: str, variant: str) -> None:
    path = fresh(container, variant)
    before = tags(path).xmp
    write(path, MARK)
    with opened(path) as (_, detected):
        has_xmp = detected.container.has_xmp
    packets = tags(path).xmp
    if has_xmp:
        assert [packet for packet in packets if DATA_MINING.encode() in packet.data]
    else:
        assert packets == before


@every_tagged
def test_exiftool_shows_the_xmp_value(fresh: Files, container: str, variant: str) -> None:
    path = fresh(container, variant)
    write(path, MARK)
    with opened(path) as (_, detected):
        has_xmp = detected.container.has_xmp
    shown = [value for key, value in exif(path).items() if key.startswith("XMP") and "DataMining" in key]
    assert shown == ([DATA_MINING] if has_xmp else [])
    write(path, REPLACE)
    shown = [value for key, value in exif(path).items() if key.startswith("XMP") and "DataMining" in key]
    assert shown == ([OTHER_DATA_MINING] if has_xmp else [])


# -- a witness for the inventory ------------------------------------------------------------


def test_exiftool_sees_every_other_tag_unchanged(encoded: Files, tmp_path: Path) -> None:
    """All files at once, because starting exiftool is what costs."""
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    for container, variant in WRITABLE:
        path = encoded(container, variant)
        shutil.copy(path, before)
        write(Path(shutil.copy(path, after)), MARK)
    seen, now = _exif_folder(before), _exif_folder(after)
    assert len(seen) == len(WRITABLE)
    for name, shown in seen.items():
        assert now[name] == shown, name


def _exif_folder(folder: Path) -> dict[str, Counter[str]]:
    """What exiftool shows of each file that is foreign to noai; a tag may stand there several times."""
    shown = exiftool("-b", "-ext", "*", folder)
    documents: list[list[tuple[str, Any]]] = json.loads(shown, object_pairs_hook=list)
    return {Path(dict(pairs)["SourceFile"]).name: _foreign(pairs) for pairs in documents}


#: What describes the file, places in it, or our XMP rather than somebody's tags.
_NOT_CONTENT = ("SourceFile", "System:", "ExifTool:", "File:", "XMP", "Composite:")
_PLACES = (
    *("MediaDataOffset", "MediaDataSize", "Unknown_XMP", "HandlerType", "HandlerVendorID"),
    *("RIFFSize64", "FileLength"),
)


def _foreign(pairs: list[tuple[str, Any]]) -> Counter[str]:
    kept: Counter[str] = Counter()
    for key, value in pairs:
        text = str(value).replace(f" | {STATEMENT}", "")
        ours = MARKER in text or text == STATEMENT or text == f"(eng) {STATEMENT}"
        if not ours and not key.startswith(_NOT_CONTENT) and not key.endswith(_PLACES):
            kept[f"{key}={text}"] += 1
    return kept


def test_a_file_object_in_memory_needs_no_name(encoded: Files) -> None:
    file = io.BytesIO(encoded("mp3").read_bytes())
    assert not hasattr(file, "name")
    detect(BytesSource(file.getvalue())).container.write_tags(file, MARK)
    assert essence(file.getvalue()) == essence(encoded("mp3").read_bytes())
