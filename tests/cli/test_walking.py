"""Finding files in folders."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from noai.corpus.walking import AUDIO_EXTENSIONS, Candidate, FolderId, Passed, folder_id, walk


def found(*paths: str, passed: Passed | None = None, exclude: Collection[FolderId] = ()) -> list[str]:
    return [candidate.path for candidate in walk(paths, passed=passed, exclude=exclude)]


@pytest.fixture
def tree() -> Path:
    root = Path("tree")
    for name in ("b/2.mp3", "b/10.mp3", "a.flac", "c.txt", "b/deep/er/x.wav"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def test_a_folder_is_walked_to_its_end_in_the_order_of_names(tree: Path) -> None:
    assert found("tree") == [
        "tree/a.flac",
        "tree/b/10.mp3",
        "tree/b/2.mp3",
        "tree/b/deep/er/x.wav",
        "tree/c.txt",
    ]


def test_arguments_keep_their_order_and_their_spelling(tree: Path) -> None:
    assert found("./tree/c.txt", "tree//b/deep/", "missing") == [
        "./tree/c.txt",
        "tree//b/deep/er/x.wav",
        "missing",
    ]


def test_only_what_was_named_itself_is_explicit(tree: Path) -> None:
    assert [c.explicit for c in walk(["tree/b/deep", "tree/a.flac", "missing", ""])] == [
        False,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize(
    ("candidate", "relative"),
    [
        (Candidate("tree/b/2.mp3", "tree", explicit=False), "b/2.mp3"),
        (Candidate("tree/b/2.mp3", "tree/", explicit=False), "b/2.mp3"),
        (Candidate("./2.mp3", ".", explicit=False), "2.mp3"),
        (Candidate("/2.mp3", "/", explicit=False), "2.mp3"),
        (Candidate("tree/b/2.mp3", "tree/b/2.mp3", explicit=True), "2.mp3"),
    ],
)
def test_the_way_below_the_folder_that_was_named(candidate: Candidate, relative: str) -> None:
    assert candidate.relative == relative


def test_links_to_folders_are_counted_and_not_followed(tree: Path) -> None:
    (tree / "b" / "round").symlink_to(tree.resolve(), target_is_directory=True)
    passed = Passed()
    assert len(found("tree", passed=passed)) == 5
    assert passed.folder_links == 1


def test_a_link_that_is_named_itself_is_walked(tree: Path) -> None:
    Path("link").symlink_to(tree, target_is_directory=True)
    assert "link/a.flac" in found("link")


def test_links_to_files_and_broken_links_are_candidates(tree: Path) -> None:
    (tree / "good.mp3").symlink_to("a.flac")
    (tree / "broken.mp3").symlink_to("nowhere")
    (tree / "itself.mp3").symlink_to("itself.mp3")
    assert {"tree/good.mp3", "tree/broken.mp3", "tree/itself.mp3"} <= set(found("tree"))


def test_special_files_are_named_and_never_opened(tree: Path) -> None:
    os.mkfifo(tree / "pipe.mp3")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tree / "socket"))
        assert {"tree/pipe.mp3", "tree/socket"} <= set(found("tree"))


def test_a_folder_can_be_left_out(tree: Path) -> None:
    inside = folder_id("tree/b")
    assert inside is not None
    assert found("tree", exclude=[inside]) == ["tree/a.flac", "tree/c.txt"]


def test_what_has_no_identity_as_a_folder(tree: Path) -> None:
    assert folder_id("tree/a.flac") is None
    assert folder_id("missing") is None
    assert folder_id("nul\0byte") is None


def test_a_path_with_a_nul_is_left_to_whoever_opens_it() -> None:
    assert found("nul\0byte.mp3") == ["nul\0byte.mp3"]


def test_names_that_are_not_utf8_are_kept() -> None:
    Path("odd").mkdir()
    os.close(os.open(b"odd/\xff.mp3", os.O_CREAT | os.O_WRONLY))
    assert [os.fsencode(path) for path in found("odd")] == [b"odd/\xff.mp3"]


@pytest.fixture
def deep() -> Iterator[int]:
    """The current folder holds a file below this many folders, more than calls may nest.

    Not below ``tmp_path``, and taken down step by step: what clears that calls itself once a level.
    """
    depth, before = sys.getrecursionlimit() + 50, Path.cwd()
    top = tempfile.mkdtemp()
    os.chdir(top)
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    Path("x.mp3").touch()
    bottom = os.open(".", os.O_RDONLY)
    os.chdir(top)
    yield depth
    os.chdir(bottom)
    os.close(bottom)
    os.unlink("x.mp3")
    for _ in range(depth):
        os.chdir("..")
        os.rmdir("d")
    os.chdir(before)
    os.rmdir(top)


def test_folders_nest_deeper_than_calls(deep: int) -> None:
    assert [candidate.relative.count("/") for candidate in walk(["d"])] == [deep - 1]


def test_extensions_are_compared_without_case() -> None:
    assert Candidate("A.MP3", "A.MP3", explicit=True).expects_audio
    assert not Candidate("mp3", "mp3", explicit=True).expects_audio
    assert all(extension == extension.lower() for extension in AUDIO_EXTENSIONS)
