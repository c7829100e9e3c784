"""The container file: what it says, held against what there is. No image is built here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from noai.cli.serve import serve
from tests.docs.pages import ROOT

LINES = re.sub(r"\\\n", " ", (ROOT / "Containerfile").read_text("utf-8")).splitlines()
STEPS = [tuple(line.split(None, 1)) for line in LINES if line and not line.startswith("#")]


def arguments(name: str) -> list[str]:
    return [rest for step, rest in STEPS if step == name]


def exec_form(text: str) -> list[str]:
    """The command of a step in its exec form, behind its options."""
    found: list[str] = json.loads(text[text.index("[") :])
    return found


def test_it_runs_as_nobody_in_particular() -> None:
    (user,) = arguments("USER")
    assert all(int(number) > 0 for number in user.split(":"))
    assert [step for step, _ in STEPS].index("USER") > max(
        at for at, (step, _) in enumerate(STEPS) if step == "RUN"
    )


def test_no_shell_is_between() -> None:
    commands = [*arguments("RUN"), *arguments("ENTRYPOINT"), *arguments("HEALTHCHECK")]
    assert len(commands) == 4
    for command in commands:
        assert exec_form(command)[0] in ("python", "noai")


def test_it_starts_the_service_with_options_that_there_are() -> None:
    (entry,) = arguments("ENTRYPOINT")
    name, command, *options = exec_form(entry)
    assert (name, command) == ("noai", "serve")
    with serve.make_context("serve", options) as context:
        assert arguments("EXPOSE") == [str(context.params["port"])]
        assert context.params["host"] == "0.0.0.0"


def test_its_health_is_asked_for_where_the_service_answers() -> None:
    (check,) = arguments("HEALTHCHECK")
    assert "http://127.0.0.1:8642/healthz" in check
    # Where there is no service, it fails.
    done = subprocess.run(
        [sys.executable, *exec_form(check)[1:-1], exec_form(check)[-1].replace("8642", "9")],
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0


@pytest.mark.parametrize("name", ["pyproject.toml", "README.md", "LICENSE", "NOTICE", "noai"])
def test_what_it_is_built_from_is_let_in_and_nothing_else(name: str) -> None:
    rules = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [rule for rule in rules if rule and not rule.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    assert name in allowed
    assert not any(Path(rule).name.startswith(".") for rule in allowed)


def test_every_package_of_the_wheel_is_let_in() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    wheel = re.search(r"\[tool\.hatch\.build\.targets\.wheel\]\npackages = (\[.*?\])", project, re.S)
    assert wheel is not None
    rules = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {f"!{package}" for package in json.loads(wheel[1])} <= set(rules)
