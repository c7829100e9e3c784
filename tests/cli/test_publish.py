"""``noai publish``: what it writes, shows and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from noai import http
from noai.claim import ALL_USES, Profile
from tests.cli.conftest import Run, snapshot

ROBOTS = b"User-agent: *\nDisallow: /private/\n"


@pytest.fixture
def site() -> Path:
    folder = Path("site")
    folder.mkdir()
    (folder / "robots.txt").write_bytes(ROBOTS)
    return folder


def test_a_site(installed: Run, site: Path) -> None:
    done = installed("publish", "site", "--path", "/audio/", "--policy-url", "https://ana.example/p")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "changed    site/robots.txt",
        "created    site/.well-known/tdmrep.json",
        "created    site/noai/noai.nginx.conf",
        "created    site/noai/noai.apache.conf",
        "Each response says, once the snippet is in place:",
        "  Content-Usage: train-ai=n",
        "  Content-Signal: ai-train=no, ai-input=no",
        "  tdm-reservation: 1",
        "  tdm-policy: https://ana.example/p",
        "  X-Robots-Tag: noai",
        "note: Content-Usage has no word for ai_training, data_mining, ai_inference",
        "note: Content-Signal has no word for data_mining",
    ]
    robots = (site / "robots.txt").read_bytes()
    assert robots.startswith(b"User-agent: *\n# noai: begin\n")
    assert robots.endswith(b"# noai: end\nDisallow: /private/\n")
    heard = http.signals(
        "https://ana.example/audio/x.mp3",
        robots_txt=robots,
        tdmrep=(site / ".well-known/tdmrep.json").read_bytes(),
    )
    assert heard.denies == frozenset(ALL_USES)


def test_a_second_time_nothing_changes(noai: Run, site: Path) -> None:
    assert noai("publish", site).code == 0
    before = snapshot(site)
    done = noai("publish", site)
    assert done.code == 0
    assert [line.split()[0] for line in done.out.splitlines()[:4]] == ["unchanged"] * 4
    assert snapshot(site) == before


def test_a_profile_with_a_use_on_top(noai: Run, site: Path) -> None:
    done = noai("publish", site, "--profile", "no-training", "--deny", "ai_inference", "--json")
    assert done.json["denied"] == [
        "cawg.ai_generative_training",
        "cawg.ai_training",
        "cawg.ai_inference",
        "org.noai.voice_likeness",
    ]
    assert done.json["headers"] == [
        {"name": "Content-Usage", "value": "train-ai=n"},
        {"name": "Content-Signal", "value": "ai-train=no, ai-input=no"},
    ]
    assert not (site / ".well-known").exists()
    assert "tdm-reservation is left out: each of its words denies more than this" in done.json["notices"]


@pytest.mark.parametrize("profile", Profile, ids=str)
def test_a_dry_run_shows_what_a_run_writes(noai: Run, site: Path, profile: Profile) -> None:
    before = snapshot(site)
    planned = noai("publish", site, "--profile", profile.value, "--dry-run", "--json").json
    assert snapshot(site) == before
    shown = noai("publish", site, "--profile", profile.value, "--dry-run").out
    assert snapshot(site) == before
    assert shown.endswith("Nothing was written.\n")
    done = noai("publish", site, "--profile", profile.value, "--json").json
    assert planned["dry_run"]
    assert not done["dry_run"]
    for file in planned["files"]:
        assert Path(file["path"]).read_text("utf-8") == file["content"]
        assert all(f"  {line}" in shown.splitlines() for line in file["content"].splitlines())
    assert [{**file, "content": None} for file in planned["files"]] == [
        {**file, "content": None} for file in done["files"]
    ]


def test_snippets_elsewhere(noai: Run, site: Path) -> None:
    assert noai("publish", site, "--snippets", "deploy").code == 0
    assert sorted(path.name for path in Path("deploy").iterdir()) == ["noai.apache.conf", "noai.nginx.conf"]
    assert not (site / "noai").exists()


def test_agents_that_do_not_hear_it_are_named(noai: Run, site: Path) -> None:
    (site / "robots.txt").write_bytes(ROBOTS + b"\nUser-agent: GPTBot\nDisallow: /x\n")
    assert "note: robots.txt has groups of their own for GPTBot" in noai("publish", site).out


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("robots.txt", b"# noai: begin\n"),
        ("robots.txt", b"\xff\xfeU\0"),
        (".well-known/tdmrep.json", b"{}"),
        (".well-known/tdmrep.json", b"[{}]"),
        ("noai/noai.nginx.conf", b"server { }\n"),
    ],
)
def test_a_file_that_nothing_can_be_added_to(noai: Run, site: Path, name: str, content: bytes) -> None:
    (site / name).parent.mkdir(exist_ok=True)
    (site / name).write_bytes(content)
    before = snapshot(site)
    noai("publish", site).refuses(Path(name).name)
    assert snapshot(site) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("none",),
        ("site/robots.txt",),
        ("site", "--path", "audio"),
        ("site", "--path", "/*.mp3"),
        ("site", "--policy-url", "terms.html"),
        ("site", "--profile", "all"),
        ("site", "--deny", "everything"),
        (),
    ],
)
def test_wrong_usage_writes_nothing(noai: Run, site: Path, arguments: tuple[str, ...]) -> None:
    before = snapshot(site)
    noai("publish", *arguments).refuses()
    assert snapshot(site) == before


def test_what_cannot_be_written_is_a_failure_and_leaves_all_as_it_was(installed: Run, site: Path) -> None:
    (site / ".well-known").mkdir()
    (site / ".well-known").chmod(0o555)
    before = snapshot(site)
    done = installed("publish", "site", unprivileged=True)
    (site / ".well-known").chmod(0o755)
    done.refuses("well-known", "cannot be written", code=1)
    # Folders for the others may be there, but no file changed.
    assert {name: data for name, data in snapshot(site).items() if data} == {
        name: data for name, data in before.items() if data
    }


def test_json_in_ascii(noai: Run, site: Path) -> None:
    (site / "robots.txt").write_text("# é\x1b[31m\nUser-agent: *\n", "utf-8")
    done = noai("publish", site, "--dry-run", "--json")
    assert done.out.isascii()
    assert json.loads(done.out)["files"][0]["content"].startswith("# é\x1b[31m\n")
    assert "\x1b" not in noai("publish", site, "--dry-run").out
