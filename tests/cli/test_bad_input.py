"""What people get wrong, through the installed command: one sentence, the right code, nothing written."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from noai.signing import KeySigner
from tests.audio import SAMPLES
from tests.cli.conftest import COMMAND, Done, Run, snapshot
from tests.signers import Cert, key_pem, new_key, signer
from tests.tracks import each_track


def make_missing(path: Path) -> None:
    pass


def make_empty(path: Path) -> None:
    path.touch()


def make_text(path: Path) -> None:
    path.write_text("These are words, not music.\n")


def make_forbidden(path: Path) -> None:
    shutil.copy(SAMPLES / "unmarked" / "tune.mp3", path)
    path.chmod(0)


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


#: What stands at ``song.mp3``, what is said about it, and the exit codes of mark, verify and inspect.
BAD_FILES = [
    pytest.param(make_missing, "no such file", (2, 2, 1), id="missing"),
    pytest.param(make_empty, "is empty", (1, 3, 1), id="empty"),
    pytest.param(make_text, "not audio", (1, 3, 1), id="text"),
    pytest.param(make_forbidden, "permissions", (2, 2, 1), id="forbidden"),
    pytest.param(make_pipe, "not a regular file", (2, 2, 1), id="pipe"),
]


@pytest.mark.parametrize(("make", "words", "codes"), BAD_FILES)
def test_a_bad_file(
    installed: Run, ana: Path, make: Callable[[Path], None], words: str, codes: tuple[int, int, int]
) -> None:
    song = Path("song.mp3")
    make(song)
    before = snapshot(Path())
    runs = (
        installed("mark", song, "-o", "out", unprivileged=True),
        installed("verify", song, unprivileged=True),
        installed("inspect", song, unprivileged=True),
    )
    for done, code in zip(runs, codes, strict=True):
        assert done.code == code, done
        assert words in done.out + done.err
        assert "Traceback" not in done.err
    assert snapshot(Path()) == before


def test_a_bad_file_never_stops_a_folder(installed: Run, ana: Path, album: Path) -> None:
    for make in (make_empty, make_text, make_forbidden, make_pipe):
        make(album / f"0 {make.__name__}.flac")
    (album / "1 folder.mp3").mkdir()
    closed = album / "2 closed"
    closed.mkdir()
    closed.chmod(0)
    tracks = len(list(album.glob("tune*")))
    done = installed("mark", album, "-o", "out", "--no-c2pa", "--json", unprivileged=True)
    assert done.code == 1
    outcomes = [line["outcome"] for line in done.lines]
    assert (outcomes.count("failed"), outcomes.count("marked")) == (5, tracks)
    assert len(list(Path("out").iterdir())) == tracks
    done = installed("verify", album, "--format", "jsonl", unprivileged=True)
    assert done.code == 3
    decisions = [line["decision"] for line in done.lines]
    assert (decisions.count("undecided"), decisions.count("unreserved")) == (5, tracks)


@each_track
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.97])
def test_a_file_that_was_cut_off(noai: Run, ana: Path, track: str, part: float) -> None:
    name = track
    data = (SAMPLES / "unmarked" / name).read_bytes()
    Path(name).write_bytes(data[: int(len(data) * part)])
    done = noai("mark", name, "-o", "out")
    assert done.code == 1, done
    assert "failed" in done.out
    assert "again" in done.out or "whole" in done.out
    assert not Path("out").exists()


def test_a_folder_in_place_of_a_key(noai: Run, ana: Path, track: Path) -> None:
    Path("folder").mkdir()
    noai("mark", track, "-o", "out", "--key", "folder", "--cert", "folder").refuses(
        "folder", "cannot be read"
    )


def test_a_folder_without_audio(installed: Run, ana: Path) -> None:
    Path("empty").mkdir()
    Path("empty/notes.txt").write_text("words")
    done = installed("mark", "empty", "-o", "out")
    done.refuses("no audio")
    assert done.out == ""
    installed("verify", "empty").refuses("no audio")
    installed("inspect", "empty").refuses("folder", code=1)


@pytest.fixture
def encrypted(home: Path, installed: Run) -> None:
    """The only identity is protected by a passphrase."""
    assert installed("keygen", "ana", NOAI_PASSPHRASE="right").code == 0


def refuses_to_sign(installed: Run, track: Path, *options: str, words: str, **environment: str) -> None:
    """One sentence, before any file is touched."""
    before = snapshot(Path())
    for place in (("-o", "out"), ("--in-place",)):
        installed("mark", track, *place, *options, **environment).refuses(words)
    assert snapshot(Path()) == before


def test_a_wrong_passphrase(installed: Run, encrypted: None, track: Path) -> None:
    refuses_to_sign(installed, track, words="passphrase is wrong", NOAI_PASSPHRASE="left")
    assert installed("mark", track, "-o", "out", NOAI_PASSPHRASE="right").code == 0


def test_a_passphrase_that_nobody_can_be_asked_for(installed: Run, encrypted: None, track: Path) -> None:
    refuses_to_sign(installed, track, words="NOAI_PASSPHRASE")


def closed(*arguments: str | Path) -> Done:
    """The installed command, its standard input closed."""
    command = ["sh", "-c", 'exec "$@" <&-', "sh", COMMAND, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def test_a_closed_standard_input(encrypted: None, track: Path) -> None:
    closed("verify", "--files-from", "-").refuses("standard input is closed")
    closed("mark", track, "--in-place").refuses("NOAI_PASSPHRASE")
    closed("keygen", "bo", "--passphrase").refuses("NOAI_PASSPHRASE")
    assert closed("verify", track).code == 0


@pytest.mark.parametrize(
    "command", [("verify", "x"), ("keygen", "bo"), ("mark", "x", "--in-place"), ("trust", "list")], ids=str
)
def test_a_file_in_place_of_the_folder_of_keys(
    noai: Run, track: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOAI_HOME", f"./{track}")
    done = noai(*command)
    done.refuses("is not a folder", "NOAI_HOME")
    assert "Errno" not in done.err


def test_rights_that_are_too_long_for_a_marker(noai: Run, ana: Path, track: Path) -> None:
    before = snapshot(Path())
    noai("mark", track, "--in-place", "--holder", "x" * 20_000).refuses("longer than 2000 characters")
    texts = (f"--{name}" for name in ("holder", "contact", "licence-url", "constraint", "title", "artist"))
    done = noai("mark", track, "--in-place", *(part for name in texts for part in (name, "x" * 2_000)))
    assert (done.code, "rights and work is too long for a marker (16384" in done.out) == (1, True)
    assert snapshot(Path()) == before


def write_signer(given: KeySigner, name: str = "own") -> tuple[str, str, str, str]:
    """The options that name a signer's files."""
    key, chain = Path(f"{name}-key.pem"), Path(f"{name}-chain.pem")
    key.write_bytes(key_pem(given.key))
    chain.write_bytes(b"".join(certificate.public_bytes(Encoding.PEM) for certificate in given.chain))
    return "--key", str(key), "--cert", str(chain)


def test_a_key_that_does_not_match_the_certificate(installed: Run, track: Path) -> None:
    options = write_signer(KeySigner(new_key("es256-other"), signer().chain))
    refuses_to_sign(installed, track, *options, words="is not the key of the first certificate")


def test_an_expired_certificate(installed: Run, track: Path) -> None:
    now = datetime.now(timezone.utc)
    leaf = Cert(start=now - timedelta(days=30), end=now - timedelta(days=1))
    options = write_signer(signer(leaf=leaf))
    refuses_to_sign(installed, track, *options, words="renew it or make a new identity")


def test_a_certificate_that_may_not_sign(noai: Run, track: Path) -> None:
    options = write_signer(signer(leaf=Cert(digital_signature=False)))
    noai("mark", track, "-o", "out", *options).refuses("cannot sign marks")


def test_an_unknown_identity(installed: Run, ana: Path, track: Path) -> None:
    refuses_to_sign(installed, track, "--identity", "bo", words="there is no identity 'bo' (known: ana)")


def test_no_identity_at_all(installed: Run, track: Path) -> None:
    refuses_to_sign(installed, track, words="noai keygen NAME")


@pytest.mark.parametrize(
    ("key", "cert"), [("missing", "chain"), ("key", "missing"), ("text", "chain"), ("key", "text")]
)
def test_key_files_that_are_none(noai: Run, track: Path, key: str, cert: str) -> None:
    write_signer(signer())
    Path("text").write_text("words")
    files = {"key": "own-key.pem", "chain": "own-chain.pem"}
    key, cert = files.get(key, key), files.get(cert, cert)
    noai("mark", track, "-o", "out", "--key", key, "--cert", cert).refuses(
        "missing" if "missing" in (key, cert) else "text"
    )


def test_an_unwritable_folder(installed: Run, ana: Path, track: Path) -> None:
    Path("closed").mkdir(mode=0o500)
    shutil.copy(track, "closed/tune.mp3")
    before = snapshot(Path())
    done = installed("mark", track, "-o", "closed/new", unprivileged=True)
    assert (done.code, "Permission denied" in done.out) == (1, True)
    done = installed("mark", "closed", "--in-place", unprivileged=True)
    assert (done.code, "Permission denied" in done.out) == (1, True)
    assert snapshot(Path()) == before
