"""Where copies are made: published whole or not at all, and nothing left behind."""

from __future__ import annotations

import errno
import fcntl
import io
import os
import stat
from contextlib import ExitStack
from pathlib import Path

import pytest

from noai.errors import MarkError, SourceChanged, SourceForbidden, SourceMissing, SourceNotAFile, UsageError
from noai.sources import BytesSource, FileSource, as_file, open_path
from noai.workspace import (
    FolderWorkspace,
    MemoryWorkspace,
    copy_to,
    is_temporary,
    remove_abandoned,
)


def write_whole(path: Path, data: bytes) -> None:
    with ExitStack() as stack:
        workspace = FolderWorkspace(path, stack)
        file = workspace.new_file()
        file.write(data)
        workspace.publish(file)


def test_publishing_replaces_the_destination(tmp_path: Path) -> None:
    target = tmp_path / "a.mp3"
    target.write_bytes(b"old")
    with ExitStack() as stack:
        workspace = FolderWorkspace(target, stack, like=target)
        unused, file = workspace.new_file(), workspace.new_file()
        unused.write(b"scratch")
        file.write(b"new")
        assert target.read_bytes() == b"old"
        workspace.publish(file)
        assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.mp3"]


def test_nothing_stays_when_nothing_is_published(tmp_path: Path) -> None:
    with ExitStack() as stack:
        FolderWorkspace(tmp_path / "a.mp3", stack).new_file().write(b"x")
    assert os.listdir(tmp_path) == []


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path: Path) -> None:
    left = tmp_path / ".noai-0123456789abcdef.tmp"
    left.write_bytes(b"half")
    others = [tmp_path / name for name in (".noai-x.tmp", "a.tmp", ".noai-0123456789abcdef.tmp.mp3")]
    for other in others:
        other.write_bytes(b"")
    write_whole(tmp_path / "b", b"data")
    assert not left.exists()
    assert all(other.exists() for other in others)


def test_a_file_that_another_run_still_holds_is_left_alone(tmp_path: Path) -> None:
    held = tmp_path / ".noai-0123456789abcdef.tmp"
    with open(held, "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        remove_abandoned(tmp_path)
        assert held.exists()
    remove_abandoned(tmp_path)
    assert not held.exists()


def test_files_in_work_are_held(tmp_path: Path) -> None:
    with ExitStack() as stack:
        file = FolderWorkspace(tmp_path / "a", stack).new_file()
        remove_abandoned(tmp_path)
        assert is_temporary(os.path.basename(file.name))
        assert os.path.exists(file.name)


def test_mode_times_and_extended_attributes_follow_the_original(tmp_path: Path) -> None:
    original, target = tmp_path / "a", tmp_path / "b"
    original.write_bytes(b"x")
    original.chmod(0o640)
    attributes = {}
    try:
        os.setxattr(original, "user.note", b"kept")
        attributes = {"user.note": b"kept"}
    except OSError:
        pass  # this file system has none; mode and owner are still compared
    with ExitStack() as stack:
        workspace = FolderWorkspace(target, stack, like=original)
        workspace.publish(workspace.new_file())
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert target.stat().st_uid == original.stat().st_uid
    assert {name: os.getxattr(target, name) for name in attributes} == attributes


def test_a_new_file_gets_the_usual_mode(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    write_whole(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == usual.stat().st_mode


def test_what_another_program_wrote_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "a.mp3"
    target.write_bytes(b"old")
    with ExitStack() as stack:
        workspace = FolderWorkspace(target, stack, like=target, opened_as=target.stat())
        file = workspace.new_file()
        target.write_bytes(b"their edit")
        with pytest.raises(SourceChanged):
            workspace.publish(file)
    assert target.read_bytes() == b"their edit"


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MarkError, match="cannot be written"):
        write_whole(tmp_path / "no" / "b", b"")


def test_memory_keeps_bytes_or_fills_a_file_object() -> None:
    kept = MemoryWorkspace()
    file = kept.new_file()
    file.write(b"abc")
    kept.publish(file)
    assert kept.data == b"abc"
    target = io.BytesIO(b"longer than before")
    MemoryWorkspace(target).publish(file)
    assert target.getvalue() == b"abc"


# -- sources ------------------------------------------------------------------------------------


def test_sources_read_the_same_bytes(tmp_path: Path) -> None:
    data = bytes(range(256)) * 20
    path = tmp_path / "x"
    path.write_bytes(data)
    with open_path(path) as (opened, status):
        sources = [opened, BytesSource(data), FileSource(io.BytesIO(data))]
        assert status.st_size == len(data)
        for source in sources:
            assert source.size == len(data)
            assert source.read_at(5, 10) == data[5:15]
            assert source.read_at(len(data) - 3, 10) == data[-3:]
            assert source.read_at(len(data), 1) == b""
            assert as_file(source).read() == data
            copy = io.BytesIO()
            copy_to(source, copy)
            assert copy.getvalue() == data


@pytest.mark.parametrize("tail", [b"", b"end"], ids=["a hole at the end", "bytes at the end"])
def test_the_holes_of_a_sparse_file_stay_holes(tmp_path: Path, tail: bytes) -> None:
    original, copy = tmp_path / "a", tmp_path / "b"
    with original.open("wb") as file:
        file.write(b"start")
        file.seek(4_000_000)
        file.write(b"middle")
        file.seek(8_000_000 - len(tail))
        file.write(tail)
        file.truncate(8_000_000)
    in_memory = io.BytesIO()
    with open_path(original) as (source, _), copy.open("wb") as file:
        assert sum(end - start for start, end in source.stretches()) < 1_000_000
        copy_to(source, file)
        copy_to(source, in_memory)
    assert copy.read_bytes() == original.read_bytes() == in_memory.getvalue()
    assert copy.stat().st_blocks * 512 < 1_000_000


def test_a_file_system_that_tells_of_no_holes_is_copied_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, offset: int, whence: int) -> int:
        raise OSError(errno.EINVAL, "not here")

    monkeypatch.setattr(os, "lseek", refuse)
    (tmp_path / "a").write_bytes(b"abc" + bytes(100_000))
    copy = io.BytesIO()
    with open_path(tmp_path / "a") as (source, _):
        copy_to(source, copy)
    assert copy.getvalue() == b"abc" + bytes(100_000)


def test_an_empty_file_is_copied(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with open_path(tmp_path / "a") as (source, _), (tmp_path / "b").open("wb") as file:
        copy_to(source, file)
    assert (tmp_path / "b").read_bytes() == b""


def test_special_files_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/null")):
        with pytest.raises(SourceNotAFile), open_path(path):
            pass


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing), open_path(tmp_path / "no"):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(SourceMissing), open_path(tmp_path / "file" / "below"):
        pass


def test_a_file_object_must_be_binary_and_seekable() -> None:
    with pytest.raises(UsageError):
        FileSource(io.StringIO("x")).read_at(0, 1)  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        FileSource(object())  # type: ignore[arg-type]


def test_forbidden_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x")
    path.chmod(0)
    if os.geteuid() == 0:
        # root may read everything: give the privilege up in a child and look at its answer.
        child = os.fork()
        if child == 0:
            tmp_path.chmod(0o755)
            for folder in tmp_path.parents:
                if str(folder) != "/" and folder.stat().st_uid == 0 and "pytest" in str(folder):
                    folder.chmod(0o755)
            os.setuid(65534)
            try:
                with open_path(path):
                    os._exit(1)
            except SourceForbidden:
                os._exit(0)
            finally:
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        return
    with pytest.raises(SourceForbidden), open_path(path):
        pass
