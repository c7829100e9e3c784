"""``POST /v1/mark``: for whoever has the token, and for nobody else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import noai
from noai.claim import Permission, Use
from noai.cli.app import run
from noai.service import marks
from tests.audio import SAMPLES, decoded_md5
from tests.service.live import BEARER, FORM, TOKEN, Live, form, served

UNMARKED = SAMPLES / "unmarked"
TUNE = (UNMARKED / "tune.mp3").read_bytes()


@pytest.mark.parametrize("name", ["tune.mp3", "tune.flac", "tune.ogg", "tune.opus", "tune.m4a"])
def test_a_file_comes_back_marked(live: Live, name: str, tmp_path: Path) -> None:
    answer = live.mark((UNMARKED / name).read_bytes(), name, holder="Ana Lima", profile="no-training")
    assert answer.status == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["content-type"].startswith("audio/")
    assert answer.headers["noai-outcome"] == "marked"
    assert all(isinstance(notice, str) for notice in json.loads(answer.headers["noai-notices"]))
    marked = tmp_path / name
    marked.write_bytes(answer.body)
    verdict = noai.verify(marked)
    (marker,) = [signal.marker for signal in verdict.signals if signal.marker is not None]
    assert verdict.decision == "rejected"
    assert marker.claim.rights.holder == "Ana Lima"
    assert Use.DATA_MINING not in marker.claim.uses
    assert decoded_md5(marked) == decoded_md5(UNMARKED / name)
    # The service knows its own mark, and marks nothing twice.
    signals = live.verify(answer.body).json["signals"]
    assert [s["signer"] for s in signals if s["source"] == "marker"] == ["pass"]
    again = live.mark(answer.body, name, holder="Ana Lima", profile="no-training")
    assert (again.headers["noai-outcome"], again.body) == ("unchanged", answer.body)
    assert live.left() == []


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer ä",
        f"Bearer {TOKEN} {TOKEN}",
        f"Bearer {TOKEN.upper()}",
    ],
)
def test_without_the_token_nothing_is_read(live: Live, authorization: str | None) -> None:
    headers = dict(FORM) if authorization is None else {**FORM, "Authorization": authorization}
    answer = live.ask("POST", "/v1/mark", form(TUNE), **headers)
    answer.refuses(401, "unauthorized")
    assert answer.headers["www-authenticate"] == 'Bearer realm="noai"'
    # The last line of the log may still be about a test before.
    while not (sizes := [told["bytes"] for told in live.requests() if told["status"] == 401]):
        pass
    assert max(sizes) <= len(form(TUNE))


def test_a_token_in_the_form_or_in_the_address_is_none(live: Live) -> None:
    """Another site's form can send both, but no header."""
    live.ask("POST", "/v1/mark", form(TUNE, fields=(("token", TOKEN),)), **FORM).refuses(401, "unauthorized")
    live.ask("POST", f"/v1/mark?token={TOKEN}", form(TUNE), **FORM).refuses(401, "unauthorized")
    live.ask("POST", "/v1/mark?profile=no-ai", form(TUNE), **FORM, **BEARER).refuses(400, "bad-request")


def test_the_scheme_has_no_case(live: Live) -> None:
    assert live.ask("POST", "/v1/mark", form(TUNE), **FORM, Authorization=f"bearer  {TOKEN}").status == 200


@pytest.mark.parametrize(
    ("fields", "status", "kind"),
    [
        ((("profile", "all"),), 400, "bad-request"),
        ((("profile", "no-ai"), ("profile", "no-ai")), 400, "bad-request"),
        ((("deny", "everything"),), 400, "bad-request"),
        ((("deny", "ai_training"),) * 6, 400, "bad-request"),
        ((("holder", " "),), 400, "bad-request"),
        ((("holder", "a\nb"),), 400, "bad-request"),
        ((("holder", "x" * 5_000),), 400, "bad-request"),
        ((("c2pa", "yes"),), 400, "bad-request"),
        ((("identity", "ana"),), 400, "bad-request"),
        ((("constrain", "ai_training"),), 422, "cannot-be-marked"),
        ((("isrc", "no isrc"),), 422, "cannot-be-marked"),
        ((("isni", "0000000121452391"),), 422, "cannot-be-marked"),
        ((("deny", "ai_training"), ("allow", "ai_training")), 422, "cannot-be-marked"),
        (
            tuple(
                (name, "x" * 1_999)
                for name in ("holder", "contact", "title", "artist", "licence_url", "constraint")
            ),
            422,
            "cannot-be-marked",
        ),
    ],
)
def test_fields_that_mean_nothing(
    live: Live, fields: tuple[tuple[str, str], ...], status: int, kind: str
) -> None:
    live.ask("POST", "/v1/mark", form(TUNE, fields=fields), **FORM, **BEARER).refuses(status, kind)


@pytest.mark.parametrize(
    "data", [b"", b"no audio", (SAMPLES / "marked" / "tune.mp3").read_bytes()[:-5_000][:400]]
)
def test_what_cannot_be_marked(live: Live, data: bytes) -> None:
    answer = live.mark(data)
    answer.refuses(422, "cannot-be-marked")
    assert answer.json["code"]
    assert live.left() == []


def test_a_field_that_is_not_utf8(live: Live) -> None:
    body = form(TUNE, fields=(("holder", "~~"),)).replace(b"~~", b"\xff\xfe")
    live.ask("POST", "/v1/mark", body, **FORM, **BEARER).refuses(400, "bad-request")


def test_what_fields_ask_for() -> None:
    order = marks.order(
        [
            *(("deny", "ai_inference"), ("deny", "cawg.data_mining"), ("allow", "ai_training")),
            *(("profile", "no-generative"), ("constrain", "voice_likeness"), ("constraint", "ask")),
            *(("isrc", "QZ-ABC-26-00001"), ("title", "Tune"), ("c2pa", "false"), ("tags", "false")),
        ]
    )
    assert order.claim.uses[Use.TRAINING] is Permission.ALLOWED
    assert order.claim.uses[Use.VOICE_LIKENESS] is Permission.CONSTRAINED
    assert order.claim.denied >= {Use.INFERENCE, Use.DATA_MINING, Use.GENERATIVE_TRAINING}
    assert (order.claim.work.isrc, order.claim.work.title) == ("QZABC2600001", "Tune")
    assert (order.c2pa, order.from_tags) == (False, False)
    assert marks.order([]) == marks.order([("profile", "no-ai"), ("c2pa", "true"), ("tags", "true")])


@pytest.mark.parametrize(
    ("name", "header"),
    [
        (None, 'filename="marked"'),
        ("...", 'filename="marked"'),
        ("tune.mp3", 'filename="tune.mp3"'),
        ('a"b;c.mp3', "filename=\"a_b_c.mp3\"; filename*=UTF-8''a_b%3Bc.mp3"),
        ("tüne.mp3", "filename=\"t_ne.mp3\"; filename*=UTF-8''t%C3%BCne.mp3"),
        ("a\u202e3pm.exe", 'filename="a_3pm.exe"'),
        ("a\udcff.mp3", 'filename="a_.mp3"'),
        ("<x>|?*:.mp3", 'filename="_x_____.mp3"'),
        ("../x/..\\y", 'filename="_x_.._y"'),
    ],
)
def test_the_name_of_a_download_is_safe(name: str | None, header: str) -> None:
    assert marks.disposition(name) == f"attachment; {header}"


# -- who may mark ------------------------------------------------------------------------------------


def test_a_service_without_an_identity_only_checks(tmp_path: Path) -> None:
    with served(tmp_path, NOAI_TOKEN=TOKEN) as live:
        live.mark(TUNE).refuses(403, "marking-off")
        assert live.ask("GET", "/v1/identity").json["marking"] is False


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "noai", "keygen", "ana"]
    subprocess.run(command, env={**os.environ, "NOAI_HOME": str(folder)}, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize(
    ("options", "token", "words"),
    [
        (("--identity", "ana"), "", "takes a token"),
        (("--identity", "ana"), "secret", "guessed"),
        (("--identity", "ana"), "a token with spaces in it", "no spaces"),
        (("--identity", "ana", "--token-file", "/nowhere/token"), "", "cannot be read"),
        (("--token-file", "/nowhere/token"), "", "for marking"),
        (("--identity", "bo"), TOKEN, "no identity 'bo'"),
        (("--key", "x.pem"), TOKEN, "--cert"),
        (("--root-path", "noai/"), "", "no path"),
        ((), "", "cannot listen"),
    ],
)
def test_starts_that_are_refused(
    home: Path,
    options: tuple[str, ...],
    token: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("NOAI_HOME", str(home))
    monkeypatch.setenv("NOAI_TOKEN", token)
    # An address for documentation, which no machine has: nothing ever starts here.
    assert run(["serve", "--host", "203.0.113.1", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
    assert TOKEN not in line


def test_the_token_may_be_in_a_file(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)
    with served(tmp_path, "--identity", "ana", "--token-file", str(file), NOAI_HOME=str(home)) as live:
        assert live.mark(TUNE).status == 200
        identity: dict[str, Any] = live.ask("GET", "/v1/identity").json
        assert (identity["marking"], identity["identity"]["subject"]) == (True, "ana")
        assert TOKEN not in json.dumps(live.lines())
        assert "warning" not in {line["level"] for line in live.lines()}


def test_a_token_that_everybody_can_read_is_warned_of(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o604)
    with served(tmp_path, "--identity", "ana", "--token-file", str(file), NOAI_HOME=str(home)) as live:
        assert live.ask("GET", "/healthz").status == 200
        (warning,) = [line["message"] for line in live.lines() if line["level"] == "warning"]
        assert "everybody" in warning
        assert str(file) not in warning
