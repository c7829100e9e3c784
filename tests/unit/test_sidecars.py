"""Which files beside a track are read with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from noai.codes import Code
from noai.limits import XMP_BYTES
from noai.sidecars import read_sidecars


def track(folder: Path, name: str = "x.mp3") -> Path:
    path = folder / name
    path.write_bytes(b"audio")
    return path


@pytest.mark.parametrize("name", ["x.mp3.xmp", "x.xmp", "x.mp3.XMP", "x.XMP"])
def test_xmp_sidecars_in_either_case(tmp_path: Path, name: str) -> None:
    path = track(tmp_path)
    (tmp_path / name).write_bytes(b"packet")
    found = read_sidecars(path)
    assert [packet.data for packet in found.xmp] == [b"packet"]
    assert not found.notes


@pytest.mark.parametrize("name", ["x.mp3.c2pa", "x.c2pa", "x.mp3.C2PA", "x.C2PA"])
def test_manifest_sidecars_in_either_case(tmp_path: Path, name: str) -> None:
    path = track(tmp_path)
    (tmp_path / name).write_bytes(b"store")
    assert read_sidecars(path).manifests == (b"store",)


def test_several_sidecars_are_all_read_and_one_file_once(tmp_path: Path) -> None:
    path = track(tmp_path)
    (tmp_path / "x.xmp").write_bytes(b"one")
    (tmp_path / "x.mp3.xmp").write_bytes(b"two")
    os.link(tmp_path / "x.xmp", tmp_path / "x.XMP2")
    os.replace(tmp_path / "x.XMP2", tmp_path / "x.mp3.XMP")
    assert sorted(packet.data for packet in read_sidecars(path).xmp) == [b"one", b"two"]


def test_of_a_link_the_sidecars_beside_it_and_beside_its_target_count(tmp_path: Path) -> None:
    store, shelf = tmp_path / "store", tmp_path / "shelf"
    store.mkdir()
    shelf.mkdir()
    (store / "y.xmp").write_bytes(b"beside the target")
    (shelf / "x.mp3.xmp").write_bytes(b"beside the link")
    link = shelf / "x.mp3"
    link.symlink_to(track(store, "y.mp3"))
    assert {packet.data for packet in read_sidecars(link).xmp} == {b"beside the target", b"beside the link"}
    assert {packet.data for packet in read_sidecars(store / "y.mp3").xmp} == {b"beside the target"}


def test_of_a_link_in_the_same_folder_a_shared_sidecar_is_read_once(tmp_path: Path) -> None:
    track(tmp_path)
    (tmp_path / "x.xmp").write_bytes(b"packet")
    link = tmp_path / "x.flac"
    link.symlink_to("x.mp3")
    assert len(read_sidecars(link).xmp) == 1


def test_a_sidecar_whose_name_would_be_too_long_is_missing(tmp_path: Path) -> None:
    longest = os.pathconf(tmp_path, "PC_NAME_MAX")
    for length in (longest, longest - 1, longest - 4):
        path = track(tmp_path, "n" * (length - 2) + ".m")
        found = read_sidecars(path)
        assert not found.notes
        assert not found.xmp


def test_a_track_is_not_its_own_sidecar(tmp_path: Path) -> None:
    for name in ("x.xmp", "y.C2PA"):
        found = read_sidecars(track(tmp_path, name))
        assert not found.xmp
        assert not found.manifests


@pytest.mark.parametrize("name", ["x.xmp", "x.XMP"])
def test_a_sidecar_that_cannot_be_read_is_a_note(tmp_path: Path, name: str) -> None:
    path = track(tmp_path)
    (tmp_path / name).mkdir()
    assert [note.code for note in read_sidecars(path).notes] == [Code.SIDECAR_UNREADABLE]
    (tmp_path / name).rmdir()
    (tmp_path / name).write_bytes(bytes(XMP_BYTES + 1))
    assert [note.code for note in read_sidecars(path).notes] == [Code.SIDECAR_UNREADABLE]
