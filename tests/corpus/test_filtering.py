"""What enters a corpus: in Python, and put into a folder."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from noai.corpus import admitted, scan
from noai.corpus.filtering import Filtered, FolderDestination
from noai.corpus.placing import Placing, place
from noai.corpus.scanning import Scan
from noai.errors import DestinationExists, NotAShard, SourceChanged
from noai.policy import Admission, Policy
from noai.report import Depth
from noai.trust import TrustList
from noai.verdict import Decision
from noai.verifying import Verifier
from tests.corpus.archive_files import DENIAL, DENIED, OPEN, sample_folder, tar_of, verifier

NOBODY = TrustList(())


@pytest.fixture
def folder() -> Path:
    found = sample_folder(Path("samples"))
    tar_of(found / "shard.tar", [("1.mp3", OPEN), ("2.mp3", DENIED)])
    return found


def filtered(
    source: Path, placing: Placing | None, out: Path = Path("out"), **options: object
) -> list[Filtered]:
    checking = Verifier(trust=NOBODY, depth=Depth.DECISION)
    return list(FolderDestination(out, placing).filter(Scan(checking), [str(source)]))


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_admitted_is_what_the_scan_admits(folder: Path) -> None:
    found = {(v.path, v.member) for v in admitted(folder, trust=NOBODY)}
    assert found == {(v.path, v.member) for v in scan(folder, trust=NOBODY) if v.admitted}
    assert (str(folder / "shard.tar"), "1.mp3") in found
    assert (str(folder / "unmarked" / "tune.mp3"), None) in found
    assert not any(str(path).startswith(str(folder / "marked")) for path, _ in found)


def test_what_is_admitted_follows_the_policy(folder: Path) -> None:
    opt_in = Policy(admission=Admission.OPT_IN)
    assert list(admitted(folder, policy=opt_in, trust=NOBODY)) == []
    assert list(admitted(folder, trust=NOBODY, exclude=["*.mp3"], archives=False))


@pytest.mark.parametrize("placing", list(Placing))
def test_admitted_files_are_placed_at_their_way(placing: Placing, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = filtered(folder, placing)
    assert not any(each.failure for each in found)
    expected = {os.path.relpath(str(v.path), folder) for v in admitted(folder, trust=NOBODY, archives=False)}
    assert files(Path("out")) == expected | {"shard.tar"}
    for way in expected:
        there = Path("out") / way
        assert there.is_symlink() == (placing is Placing.LINK)
        assert there.read_bytes() == (folder / way).read_bytes()
        assert there.stat().st_mtime_ns == (folder / way).stat().st_mtime_ns
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_copies_keep_mode_and_are_files_of_their_own() -> None:
    Path("src").mkdir()
    track = Path("src/a.mp3")
    track.write_bytes(OPEN)
    track.chmod(0o640)
    filtered(Path("src"), Placing.COPY)
    track.write_bytes(b"changed later")
    assert Path("out/a.mp3").read_bytes() == OPEN
    assert stat.S_IMODE(Path("out/a.mp3").stat().st_mode) == 0o640


def test_links_lead_to_the_source_from_anywhere() -> None:
    Path("src").mkdir()
    Path("src/a.mp3").write_bytes(OPEN)
    filtered(Path("src"), Placing.LINK)
    assert os.readlink("out/a.mp3") == os.path.abspath("src/a.mp3")


@pytest.mark.parametrize("placing", list(Placing))
def test_sidecars_go_along(placing: Placing) -> None:
    Path("src").mkdir()
    for name in ("a.mp3", "a.flac.mp3", "b.mp3", "shared.mp3", "shared.wav"):
        Path("src", name).write_bytes(OPEN)
    silent = DENIAL.replace(b"DMI-PROHIBITED", b"DMI-UNSPECIFIED")
    for name in ("a.xmp", "a.flac.mp3.XMP", "shared.xmp"):
        Path("src", name).write_bytes(silent)
    Path("src/b.xmp").write_bytes(DENIAL)
    found = filtered(Path("src"), placing)
    assert not any(each.failure for each in found)
    assert files(Path("out")) == {
        "a.mp3", "a.xmp", "a.flac.mp3", "a.flac.mp3.XMP", "shared.mp3", "shared.wav", "shared.xmp",
    }  # fmt: skip


def test_sidecars_beside_what_a_track_links_to_get_its_name() -> None:
    Path("store").mkdir()
    Path("src").mkdir()
    Path("store/x.mp3").write_bytes(OPEN)
    Path("store/x.xmp").write_bytes(DENIAL.replace(b"DMI-PROHIBITED", b"DMI-UNSPECIFIED"))
    os.symlink("../store/x.mp3", "src/a.mp3")
    filtered(Path("src"), Placing.COPY)
    assert files(Path("out")) == {"a.mp3", "a.xmp"}
    assert not Path("out/a.mp3").is_symlink()


def test_files_of_their_own_are_no_shards(folder: Path) -> None:
    found = filtered(folder, None)
    assert files(Path("out")) == {"shard.tar"}
    failures = [each.failure for each in found if each.failure]
    assert failures
    assert {type(failure) for failure in failures} == {NotAShard}


def test_two_files_for_one_place_are_refused_and_the_first_stays() -> None:
    for root, data in (("one", OPEN), ("two", OPEN + b"\0" * 128)):
        Path(root).mkdir()
        Path(root, "a.mp3").write_bytes(data)
    checking = Scan(verifier())
    found = list(FolderDestination(Path("out"), Placing.COPY).filter(checking, ["one", "two"]))
    assert [type(each.failure) for each in found] == [type(None), DestinationExists]
    assert Path("out/a.mp3").read_bytes() == OPEN


def test_a_file_that_is_found_in_two_ways_is_placed_at_both() -> None:
    Path("src/sub").mkdir(parents=True)
    Path("src/sub/a.mp3").write_bytes(OPEN)
    list(FolderDestination(Path("out"), Placing.COPY).filter(Scan(verifier()), ["src", "src/sub"]))
    assert files(Path("out")) == {"sub/a.mp3", "a.mp3"}


@pytest.mark.parametrize("placing", list(Placing))
def test_what_changed_after_it_was_checked_is_not_placed(placing: Placing) -> None:
    Path("src").mkdir()
    Path("src/a.mp3").write_bytes(OPEN)
    report = verifier().report("src/a.mp3")
    Path("src/a.mp3").write_bytes(DENIED)
    with pytest.raises(SourceChanged):
        place(placing, report, Path("out/a.mp3"))
    assert files(Path("out")) == set()


def test_what_changes_before_it_is_placed_is_undecided(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("src").mkdir()
    Path("src/a.mp3").write_bytes(OPEN)
    shutil.copy("src/a.mp3", "src/b.mp3")
    taking = FolderDestination(Path("out"), Placing.COPY).filter(Scan(verifier()), ["src"])
    first = next(taking)
    assert first.judged is not None
    assert first.judged.admitted
    Path("src/b.mp3").write_bytes(DENIED)
    (second,) = taking
    assert second.judged is not None
    assert second.judged.decision in (Decision.UNDECIDED, Decision.REJECTED)
    assert files(Path("out")) == {"a.mp3"}


def test_nothing_stays_behind_where_placing_fails() -> None:
    Path("src").mkdir()
    Path("src/a.mp3").write_bytes(OPEN)
    Path("out").mkdir()
    Path("out/a.mp3").write_text("mine")
    with pytest.raises(DestinationExists):
        place(Placing.COPY, verifier().report("src/a.mp3"), Path("out/a.mp3"))
    assert [path.read_text() for path in Path("out").iterdir()] == ["mine"]


# -- several processes ----------------------------------------------------------------------------


def shards(number: int) -> Path:
    Path("shards").mkdir()
    for n in range(number):
        tar_of(Path(f"shards/{n}.tar"), [(f"{n}.mp3", OPEN), (f"{n}-no.mp3", DENIED), (f"{n}-ok.mp3", OPEN)])
    return Path("shards")


def test_processes_write_the_same() -> None:
    source = shards(7)
    Path("shards/3.tar").write_bytes(b"damaged")
    checking = Verifier(trust=NOBODY, depth=Depth.DECISION)
    told = {}
    for jobs in (1, 2):
        destination = FolderDestination(Path(f"out{jobs}"), None)
        told[jobs] = list(destination.filter(Scan(checking, jobs=jobs), [str(source)]))
    assert len(told[1]) == 6 * 3 + 1
    assert told[1] == told[2]
    assert {path.name: path.read_bytes() for path in Path("out1").iterdir()} == {
        path.name: path.read_bytes() for path in Path("out2").iterdir()
    }


def test_an_archive_that_kills_its_process_is_undecided_and_the_others_are_written() -> None:
    """In a process of its own, whose workers read the patch with the script."""
    shards(5)
    Path("script.py").write_text(KILLING)
    foreign = Path("out/.noai-0123456789abcdef.tmp")
    foreign.parent.mkdir()
    foreign.write_bytes(b"of another run")
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["shards/2.tar", "internal_error"]
    assert files(Path("out")) == {"0.tar", "1.tar", "3.tar", "4.tar", foreign.name}


KILLING = """
import os
from pathlib import Path

from noai.corpus import resharding_pool
from noai.corpus.resharding_pool import Task, filter_archives
from noai.trust import TrustList
from noai.verifying import Verifier

original = resharding_pool.filter_archive


def killing(path, destination, verifier):
    for judged in original(path, destination, verifier):
        if path == "shards/2.tar":
            os._exit(9)
        yield judged


resharding_pool.filter_archive = killing

if __name__ == "__main__":
    tasks = [Task(f"shards/{n}.tar", Path(f"out/{n}.tar")) for n in range(5)]
    for told in filter_archives(tasks, Verifier(trust=TrustList(())), 2):
        if told.error:
            print(told.verdict.path, told.error.value)
"""
