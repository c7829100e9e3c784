"""What the commands of consent take, refuse and write."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from noai.consent import Grant, Revocation
from noai.consent.files import FileKind, append
from noai.errors import ConsentError
from tests.audio import SAMPLES
from tests.cli.conftest import Run

A = "https://a.example"
GRANT = ("grant", "--licensee", A, "--allow", "ai_training", "-o", "grants.jsonl")
DELEGATE = ("delegate", "--to", "A" * 43, "--allow", "ai_training", "-o", "grants.jsonl")
DAY = 86_400

pytestmark = pytest.mark.usefixtures("ana")


def lines(name: str = "grants.jsonl") -> list[str]:
    return Path(name).read_text("ascii").splitlines()


@pytest.fixture
def marked(noai: Run, track: Path) -> str:
    assert noai("mark", "--in-place", "--no-c2pa", track).code == 0
    return str(track)


@pytest.fixture
def granted(noai: Run, marked: str) -> Grant:
    """A grant for the marked track in ``grants.jsonl``."""
    assert noai(*GRANT, "--track", marked).code == 0
    return Grant.parse(lines()[-1])


# -- grant and delegate ----------------------------------------------------------------------


def test_a_grant_is_one_line_that_says_what_was_asked(noai: Run, marked: str) -> None:
    options = (
        "--model",
        "m/2",
        "--territory",
        "DE",
        "--agreement",
        "2026/17",
        "--status-list",
        "https://ana.example/s",
    )
    done = noai(
        *GRANT,
        "--track",
        marked,
        "--allow",
        "data_mining",
        *options,
        "--from",
        "2026-01-01",
        "--until",
        "2120-06-01T12:00:00+02:00",
    )
    assert (done.code, done.err) == (0, "")
    (line,) = lines()
    made = Grant.parse(line)
    assert sorted(made.uses) == ["cawg.ai_training", "cawg.data_mining"]
    assert (made.licensee, made.model, made.territory, made.agreement) == (A, "m/2", "DE", "2026/17")
    assert (made.starts, made.ends) == (1_767_225_600, 4_746_679_200)
    assert made.status_list is not None
    assert made.status_list.url == "https://ana.example/s"
    for told in (made.id, "1 track", "2120-06-01T10:00:00Z", "m/2", "DE", "2026/17", "https://ana.example/s"):
        assert told in done.out


def test_grants_are_added_behind_those_that_are_there(noai: Run, granted: Grant) -> None:
    # Half a line, and no line break: what is added must stand on a line of its own.
    Path("grants.jsonl").write_text(lines()[0] + "\nhalf a li")
    assert noai(*GRANT, "--isrc", "QZ-ABC-26-00001", "--isrc", "QZABC2600002").code == 0
    assert noai(*GRANT, "--all").code == 0
    first, half, isrcs, everything = lines()
    assert (Grant.parse(first).id, half) == (granted.id, "half a li")
    assert Grant.parse(isrcs).scope.isrcs == {"QZABC2600001", "QZABC2600002"}
    assert Grant.parse(everything).scope.everything


def test_files_may_follow_the_first_one(noai: Run, album: Path) -> None:
    noai("mark", "--in-place", "--no-c2pa", album)
    tracks = sorted(str(path) for path in album.glob("tune*"))
    done = noai(*GRANT, "--track", *tracks)
    assert (done.code, done.err) == (0, "")
    assert len(Grant.parse(lines()[0]).scope.tracks) == len(tracks)
    # A track that is named twice is meant once.
    assert noai(*GRANT, "--track", tracks[0], "--track", tracks[0]).code == 0
    assert len(Grant.parse(lines()[1]).scope.tracks) == 1


def test_what_does_not_fit_into_one_grant_becomes_several(noai: Run) -> None:
    isrcs = [f"QZABC26{number:05}" for number in range(2_000)]
    assert noai(*GRANT, *(part for isrc in isrcs for part in ("--isrc", isrc))).code == 0
    made = [Grant.parse(line) for line in lines()]
    assert len(made) > 1
    assert len({each.id for each in made}) == len(made)
    assert sorted(isrc for each in made for isrc in each.scope.isrcs) == isrcs


def test_a_track_that_one_has_not_marked_is_granted_with_a_warning(noai: Run, track: Path) -> None:
    done = noai(*GRANT, "--track", track)
    assert done.code == 0
    assert "warning: tune.mp3: holds no marker by ana" in done.err
    noai("keygen", "eve")
    noai("mark", "--in-place", "--no-c2pa", "--identity", "eve", track)
    assert "holds no marker by ana" in noai(*GRANT, "--identity", "ana", "--track", track).err
    assert noai(*GRANT, "--identity", "eve", "--track", track).err == ""


def test_ones_own_key(noai: Run, ana: Path, marked: str) -> None:
    folder = ana / "identities" / "ana"
    own = ("--key", str(folder / "key.pem"), "--cert", str(folder / "chain.pem"))
    assert noai(*GRANT, *own, "--track", marked).err == ""
    noai(*GRANT, "--key", folder / "key.pem", "--all").refuses("--key and --cert belong together")
    revoke = ("revoke", Grant.parse(lines()[0]).id, "--grants", "grants.jsonl", "-o", "revocations.jsonl")
    assert noai(*revoke, *own).code == 0
    assert "1 statement ended" in noai("status", *own, "-o", "status.jws").out


@pytest.mark.parametrize("command", [GRANT, DELEGATE], ids=["grant", "delegate"])
@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "in one way"),
        (("--all", "--isrc", "QZABC2600001"), "in one way"),
        (("--all", "--track", "tune.mp3"), "in one way"),
        (("tune.mp3",), "say what the files are for"),
        (("--isrc", "QZ"), "12 characters"),
        (("--track", "missing.mp3"), "there is no such file"),
        (("--track", "."), "is a folder"),
        (("--track", "cover.txt"), "cover.txt: the content is not audio"),
        (("--all", "--until", "2120-01-01"), "30 days"),
        (("--all", "--until", "yesterday"), "give a date or an instant"),
        (("--all", "--until", "1969-01-01"), "give a date or an instant"),
        (("--all", "--until", "2026-13-01"), "give a date or an instant"),
        (("--all", "--from", "2120-01-02", "--until", "2120-01-01"), "end before it starts"),
        (("--all", "--allow", "everything"), "not a use"),
        (("--all", "--identity", "nobody"), "no identity 'nobody'"),
        (("--all", "-o", "tune.mp3"), "is a track"),
        (("--all", "-o", "cover.txt"), "holds something else than grants or delegations"),
        (("--all", "-o", "."), "directory"),
        (("--all", "-o", "missing/grants.jsonl"), "cannot be written"),
    ],
)
def test_what_cannot_be_signed(
    noai: Run, track: Path, command: tuple[str, ...], options: tuple[str, ...], told: str
) -> None:
    Path("cover.txt").write_text("no audio")
    noai(*command, *options).refuses(told)
    assert not Path("grants.jsonl").exists()
    assert Path("cover.txt").read_text() == "no audio"


@pytest.mark.parametrize("left_out", ["--licensee", "--allow", "-o"])
def test_what_a_grant_needs(noai: Run, left_out: str) -> None:
    at = GRANT.index(left_out)
    noai(*GRANT[:at], *GRANT[at + 2 :], "--all").refuses("Missing option")


def test_audio_that_nothing_can_be_bound_to(noai: Run) -> None:
    whole = (SAMPLES / "unmarked" / "tune.wav").read_bytes()
    Path("cut.wav").write_bytes(whole[: len(whole) // 2])
    noai(*GRANT, "--track", "cut.wav").refuses("cut.wav", "nothing can be bound")


@pytest.mark.parametrize("to", ["missing.pem", "B" * 42, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"])
def test_to_whom_nothing_can_be_delegated(noai: Run, to: str) -> None:
    noai("delegate", "--to", to, "--allow", "ai_training", "--all", "-o", "grants.jsonl").refuses(to)


def test_many_at_once_write_whole_lines(noai: Run, granted: Grant) -> None:
    (line,) = lines()
    Path("many.jsonl").touch()

    def write() -> None:
        for _ in range(20):
            append("many.jsonl", FileKind.GRANTS, [line, line])

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert lines("many.jsonl") == [line] * 160


def test_a_full_disk_leaves_the_file_as_it_was(granted: Grant, noai: Run) -> None:
    """As far as a limit on the size of files stands for a full disk."""
    import resource
    import signal

    size = Path("grants.jsonl").stat().st_size
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, limits[1]))
        with pytest.raises(ConsentError, match="cannot be written"):
            append("grants.jsonl", FileKind.GRANTS, ["x" * 1_000])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert Path("grants.jsonl").stat().st_size == size


# -- grants list -----------------------------------------------------------------------------


def test_the_list_shows_who_signed_what(noai: Run, granted: Grant) -> None:
    assert noai(*DELEGATE, "--all").code == 0
    done = noai("grants", "list", "grants.jsonl", "--json")
    grant, delegation = done.lines
    assert done.code == 0
    assert (grant["id"], grant["kind"], grant["licensee"]) == (granted.id, "grant", A)
    assert (grant["uses"], grant["scope"]) == (["cawg.ai_training"], granted.scope.members())
    assert (grant["signature"], grant["signer"], grant["signed_by"]["subject"]) == ("pass", "pass", "ana")
    assert (grant["status_list"], grant["agreement"], grant["error"]) == (None, None, None)
    assert (delegation["kind"], delegation["to"], delegation["scope"]) == (
        "delegation",
        "A" * 43,
        {"all": True},
    )
    shown = noai("grants", "list", "grants.jsonl").out
    for told in (granted.id, "ana", A, "1 track", "ai_training", "delegation"):
        assert told in shown


def test_strangers_are_told_by_their_claims(noai: Run, granted: Grant, tmp_path: Path, ana: Path) -> None:
    certificate = noai("identity", "export", "ana").out
    Path("ana.pem").write_text(certificate)
    shutil.move(ana, tmp_path / "elsewhere")
    (row,) = noai("grants", "list", "grants.jsonl", "--json").lines
    assert (row["signature"], row["signer"], row["signed_by"]["trusted_as"]) == ("pass", "unknown", None)
    (row,) = noai("grants", "list", "grants.jsonl", "--json", "--trust", "ana.pem").lines
    assert row["signer"] == "pass"


def test_lines_that_are_void_are_shown_as_such(noai: Run, granted: Grant) -> None:
    (line,) = lines()
    head, body, signature = line.split(".")
    other = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
    Path("grants.jsonl").write_text(f"nonsense\n\n{line}\r\n{head}.{body}.{other}\n")
    done = noai("grants", "list", "grants.jsonl", "--json")
    void, good, forged = done.lines
    assert done.code == 1
    assert (void["place"], void["id"], void["error"]["code"]) == ("grants.jsonl, line 1", None, "grant_void")
    assert (good["place"], good["signature"]) == ("grants.jsonl, line 3", "pass")
    assert forged["signature"] == "fail"
    shown = noai("grants", "list", "grants.jsonl").out
    assert "grants.jsonl, line 1" in shown
    assert "does not verify" in shown


def test_files_that_hold_no_grants(noai: Run, granted: Grant) -> None:
    noai("grants", "list", "missing.jsonl").refuses("missing.jsonl", "cannot be read")
    assert noai("status", "-o", "status.jws").code == 0
    noai("grants", "list", "status.jws").refuses("is a status list")
    Path("empty.jsonl").touch()
    assert "nothing in it" in noai("grants", "list", "empty.jsonl").out


# -- revoke and status -----------------------------------------------------------------------


def revoke(identifier: str, *options: str) -> tuple[str, ...]:
    return ("revoke", identifier, "-o", "revocations.jsonl", *(options or ("--grants", "grants.jsonl")))


def test_a_revocation_names_what_it_ends(noai: Run, granted: Grant) -> None:
    assert noai(*revoke(granted.id)).code == 0
    revocation = Revocation.parse(lines("revocations.jsonl")[0])
    assert granted.token is not None
    assert (revocation.what, revocation.named.id) == ("grant", granted.id)
    assert revocation.named.sha256 == granted.token.input_sha256


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--grants", "grants.jsonl", "--track", "tune.mp3"), "--grants FILE, or --track FILE"),
        (("--grants", "missing.jsonl"), "cannot be read"),
        (("--track", "tune.mp3"), "holds no marker"),
        (("--track", "missing.mp3"), "no such file"),
        (("--grants", "grants.jsonl", "-o", "grants.jsonl"), "is a track or a list to read"),
        (("--grants", "grants.jsonl", "-o", "copy.jsonl"), "holds something else than revocations"),
        (("--grants", "grants.jsonl", "--identity", "eve"), "is by ana, not by eve"),
    ],
)
def test_what_cannot_be_revoked(noai: Run, granted: Grant, options: tuple[str, ...], told: str) -> None:
    noai("keygen", "eve")
    shutil.copy("grants.jsonl", "copy.jsonl")
    before = lines()
    chosen = options if "--identity" in options else (*options, "--identity", "ana")
    noai(*revoke(granted.id, *chosen)).refuses(told)
    assert not Path("revocations.jsonl").exists()
    assert lines() == lines("copy.jsonl") == before


def test_somebody_elses_grant_is_not_ended_by_its_id(noai: Run, granted: Grant) -> None:
    noai(*revoke("urn:uuid:none")).refuses("holds no valid grant or delegation urn:uuid:none")
    noai(*revoke(granted.id, "--track", "tune.mp3")).refuses("holds no marker")


def test_a_marker_by_somebody_else(noai: Run, marked: str) -> None:
    (record,) = noai("verify", marked, "--format", "json").json
    marker = next(s["id"] for s in record["signals"] if s["source"] == "marker")
    noai("keygen", "eve")
    noai(*revoke(marker, "--track", marked, "--identity", "eve")).refuses("is no marker by eve")
    assert noai(*revoke(marker, "--track", marked, "--identity", "ana")).code == 0


def test_revocations_by_many_processes_are_all_remembered(installed: Run, noai: Run) -> None:
    for _ in range(4):
        noai(*GRANT, "--all")
    ids = [Grant.parse(line).id for line in lines()]
    runs = [threading.Thread(target=installed, args=revoke(each)) for each in ids]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert "4 statements ended" in noai("status", "-o", "status.jws").out
    assert len(lines("revocations.jsonl")) == 4


@pytest.mark.parametrize("days", ["0", "31", "x"])
def test_how_long_a_status_list_is_good_for(noai: Run, days: str) -> None:
    noai("status", "-o", "status.jws", "--days", days).refuses("--days")
    assert not Path("status.jws").exists()


# -- verify and filter -----------------------------------------------------------------------


def ask(noai: Run, *options: str | os.PathLike[str], command: str = "verify") -> Any:
    output = ("-o", "-") if command == "filter" else ()
    return noai(command, "tune.mp3", *output, *options)


@pytest.mark.parametrize("command", ["verify", "filter"])
@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--grants", "grants.jsonl"), "--licensee ID"),
        (("--revocations", "revocations.jsonl"), "--licensee ID"),
        (("--status", "status.jws"), "--licensee ID"),
        (("--model", "m"), "--licensee ID"),
        (("--territory", "DE"), "--licensee ID"),
        (("--licensee", ""), "empty"),
        (("--licensee", A, "--grants", "missing.jsonl"), "missing.jsonl: cannot be read"),
        (("--licensee", A, "--revocations", "missing.jsonl"), "missing.jsonl: cannot be read"),
        (("--licensee", A, "--status", "missing.jws"), "missing.jws: cannot be read"),
        (("--licensee", A, "--grants", "."), "cannot be read"),
        (
            ("--licensee", A, "--revocations", "notes.txt"),
            "notes.txt, line 1: cannot be read as a revocation",
        ),
        (("--licensee", A, "--status", "notes.txt"), "notes.txt, line 1: cannot be read as a status list"),
        (("--licensee", A, "--revocations", "status.jws"), "is a status list; give its file with --status"),
        (("--licensee", A, "--status", "grants.jsonl"), "is a grant; give its file with --grants"),
        (("--licensee", A, "--grants", "status.jws"), "is a status list; give its file with --status"),
        (
            ("--licensee", A, "--grants", "revocations.jsonl"),
            "is a revocation; give its file with --revocations",
        ),
        (
            ("--licensee", A, "--revocations", "cut.jsonl"),
            "cut.jsonl, line 2: cannot be read as a revocation",
        ),
        (("--licensee", A, "--revocations", "other.jsonl"), "other.jsonl, line 1: cannot be read"),
    ],
)
def test_what_cannot_be_judged(
    noai: Run, granted: Grant, command: str, options: tuple[str, ...], told: str
) -> None:
    noai(*revoke(granted.id))
    noai("status", "-o", "status.jws")
    (line,) = lines("revocations.jsonl")
    Path("notes.txt").write_text("all rights reserved\n")
    Path("cut.jsonl").write_text(f"{line}\n{line[: len(line) - 200]}")
    head, _, signature = line.split(".")
    Path("other.jsonl").write_text(f"{head}.bm90IGpzb24.{signature}")
    ask(noai, *options, command=command).refuses(told)


def test_a_void_line_is_told_once_and_the_others_count(noai: Run, granted: Grant) -> None:
    Path("grants.jsonl").write_text(
        "\n\n" + "".join(f"nonsense {n}\n" for n in range(30)) + lines()[0] + "\r\n\n"
    )
    shutil.copy("tune.mp3", "again.mp3")
    noai("identity", "export", "ana", "-o", "ana.pem")
    noai("trust", "add", "ana.pem", "--may", "grant")
    done = noai(
        "verify", "tune.mp3", "again.mp3", "--licensee", A, "--grants", "grants.jsonl", "--use", "ai_training"
    )
    assert done.code == 0
    warnings = done.err.splitlines()
    assert len(warnings) == 21
    assert warnings[0].startswith("noai: warning: grants.jsonl, line 3: ")
    assert "[grant_void]" in warnings[0]
    assert "and 10 more" in warnings[-1]


def test_a_licensee_alone_is_granted_nothing(noai: Run, marked: str) -> None:
    done = noai("verify", marked, "--licensee", A, "--format", "json")
    (record,) = done.json
    assert (done.code, record["decision"], record["licensee"]) == (1, "rejected", "declared")
    (record,) = noai("verify", marked, "--format", "json").json
    assert record["licensee"] is None


def test_files_of_consent_may_be_several_and_come_from_pipes(
    installed: Run, noai: Run, granted: Grant
) -> None:
    noai("identity", "export", "ana", "-o", "ana.pem")
    noai("trust", "add", "ana.pem", "--may", "grant")
    Path("empty.jsonl").touch()
    known = ("--licensee", A, "--grants", "empty.jsonl", "--use", "ai_training")
    done = installed(
        "verify", "tune.mp3", *known, "--grants", "/dev/stdin", stdin=Path("grants.jsonl").read_bytes()
    )
    assert done.code == 0, done


@pytest.mark.parametrize("content", [b"x" * (5 << 20), b"\n" * 1_000_001], ids=["a long line", "many lines"])
def test_files_beyond_the_limits(noai: Run, marked: str, content: bytes) -> None:
    Path("large").write_bytes(content)
    for option in ("--grants", "--revocations", "--status"):
        ask(noai, "--licensee", A, option, "large").refuses("large: ")


def test_an_output_that_would_destroy_what_is_read(noai: Run, granted: Grant) -> None:
    before = lines()
    known = ("--licensee", A, "--grants", "grants.jsonl")
    ask(noai, *known, "-o", "grants.jsonl", "--format", "jsonl").refuses("would be overwritten")
    noai("filter", "tune.mp3", *known, "-o", "grants.jsonl").refuses("would be overwritten")
    noai("filter", "tune.mp3", *known, "-o", "list", "--rejected", "grants.jsonl").refuses(
        "would be overwritten"
    )
    assert lines() == before


def test_a_damaged_memory_of_status_lists_stops_the_run(noai: Run, ana: Path, granted: Grant) -> None:
    (ana / "status-lists.json").write_text("{")
    ask(noai, "--licensee", A, "--grants", "grants.jsonl").refuses("status-lists.json")


def test_more_than_a_receipt_has_room_for_is_refused_first(noai: Run, granted: Grant) -> None:
    known = (
        "--licensee",
        "x" * 1_500,
        "--format",
        "jsonl",
        "-o",
        "out.jsonl",
        "--run-receipt",
        "run.receipt",
    )
    ask(noai, *known).refuses("too long for a receipt")
    assert not Path("out.jsonl").exists()
