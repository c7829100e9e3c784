"""The GitHub Action: its shell steps, run as a runner does.

``actions/setup-python`` and the installation are not run; the installed noai is there in their place.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.audio import SAMPLES
from tests.docs.pages import DOCS, ROOT, blocks
from tests.integrations.thousand import Corpus

_ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
_STEPS = {step["name"]: step for step in _ACTION["runs"]["steps"] if "run" in step}


@dataclass(frozen=True)
class Result:
    status: int
    log: str
    summary: str
    outputs: dict[str, str]

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in Path(self.outputs["verdicts"]).read_text("utf-8").splitlines()]


@dataclass
class Runner:
    """A checkout, and what a runner sets around it."""

    checkout: Path
    temporary: Path
    path: list[str] = field(default_factory=lambda: [str(Path(sys.executable).parent)])

    def __call__(self, step: str = "Verify", **given: str) -> Result:
        said = {name.replace("_", "-"): value for name, value in given.items()}
        assert said.keys() <= _ACTION["inputs"].keys()
        inputs = {name: said.get(name, about["default"]) for name, about in _ACTION["inputs"].items()}
        files = {name: self.temporary / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            file.write_text("", "utf-8")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("COV_")},
            "PATH": os.pathsep.join([*self.path, os.environ["PATH"]]),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_WORKSPACE": str(self.checkout),
            "RUNNER_TEMP": str(self.temporary),
            **{name: str(file) for name, file in files.items()},
            **{name: _evaluated(value, inputs) for name, value in _STEPS[step]["env"].items()},
        }
        script = self.temporary / "step.sh"
        script.write_text(_STEPS[step]["run"], "utf-8")
        # What a runner makes of ``shell: bash``.
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.checkout,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        outputs = dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text("utf-8").splitlines())
        summary = files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
        return Result(done.returncode, done.stdout.decode("utf-8"), summary, outputs)


def _evaluated(value: str, inputs: dict[str, str]) -> str:
    return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda match: inputs[match[1]], value)


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    made = Runner(tmp_path / "checkout", tmp_path / "temporary")
    made.temporary.mkdir()
    shutil.copytree(SAMPLES / "unmarked", made.checkout)
    return made


def test_no_input_is_a_part_of_a_script() -> None:
    for step in _STEPS.values():
        assert "${{" not in step["run"]
        assert "python -m" not in step["run"]


def test_it_admits_what_verify_admits(thousand: Corpus, runner: Runner) -> None:
    runner.checkout = thousand.root
    result = runner()
    assert result.status == 1
    admitted = {str(thousand.root / record["path"]) for record in result.records if record["admitted"]}
    assert admitted == thousand.kept
    assert len(result.summary.encode()) < 2**20
    assert "more." in result.summary
    for decision in ("allowed", "rejected", "undecided", "unreserved"):
        count = sum(record["decision"] == decision for record in result.records)
        assert f"| {decision} | {count} |" in result.summary


def test_all_admitted(runner: Runner) -> None:
    result = runner()
    assert (result.status, result.outputs["exit-code"]) == (0, "0")
    assert "All of it is admitted." in result.summary
    assert "not admitted |" not in result.summary


@pytest.mark.parametrize("fails", ["true", "false"])
def test_one_that_is_reserved_fails_the_job(runner: Runner, fails: str) -> None:
    shutil.copy(SAMPLES / "marked" / "tune.mp3", runner.checkout / "a | <b>.mp3")
    (runner.checkout / "b.wav").write_bytes(b"")
    result = runner(fail_on_undecided=fails)
    assert (result.status, result.outputs["exit-code"]) == (1, "1")
    assert "/a &#124; &#60;b&#62;.mp3 | rejected |" in result.summary
    assert "rejected: " in result.log


def test_undecided_fails_the_job_unless_told_otherwise(runner: Runner) -> None:
    (runner.checkout / "a.wav").write_bytes(b"RIFF")
    assert runner().status == 3
    result = runner(fail_on_undecided="false")
    assert (result.status, result.outputs["exit-code"]) == (0, "3")
    assert "::warning::" in result.log
    assert "/a.wav | undecided |" in result.summary
    assert runner(fail_on_undecided="no").status == 2
    assert runner(fail_on_undecided="").status == 2


@pytest.mark.parametrize("fails", ["true", "false"])
@pytest.mark.parametrize("paths", ["", "\n", "nowhere", "empty", "nowhere/*.mp3"])
def test_nothing_to_check_fails_the_job(runner: Runner, paths: str, fails: str) -> None:
    (runner.checkout / "empty").mkdir()
    result = runner(paths=paths, fail_on_undecided=fails)
    assert (result.status, result.outputs["exit-code"]) == (2, "2")
    assert "Nothing could be checked." in result.summary


def test_records_of_an_earlier_run_do_not_speak_for_this_one(runner: Runner) -> None:
    assert runner().status == 0
    result = runner(policy="none")
    assert result.status == 2
    assert not Path(result.outputs["verdicts"]).exists()
    assert "unreserved" not in result.summary


@pytest.mark.parametrize(
    "name", ["tune 1.mp3", "$(touch x).mp3", "-o.mp3", "'\"`.mp3", "::error::x.mp3", "☃.mp3"]
)
def test_paths_arrive_as_they_are(runner: Runner, name: str) -> None:
    shutil.copy(SAMPLES / "marked" / "tune.mp3", runner.checkout / name)
    result = runner(paths=f"tune.flac\r\n\n{name}\n")
    assert result.status == 1
    assert {record["path"] for record in result.records} == {"tune.flac", name}
    assert not [line for line in result.log.splitlines() if line.startswith("::")]
    assert not (runner.checkout / "x").exists()


def test_names_with_a_line_break_are_found_in_their_folder(runner: Runner) -> None:
    shutil.copy(SAMPLES / "marked" / "tune.mp3", runner.checkout / "a\n::stop-commands::x\nb.mp3")
    result = runner()
    assert result.status == 1
    assert not [line for line in result.log.splitlines() if line.startswith("::")]
    assert [line for line in result.summary.splitlines() if "rejected" in line and "stop" in line]


def test_what_is_asked_for(runner: Runner) -> None:
    shutil.copy(SAMPLES / "marked" / "tune.mp3", runner.checkout / "a.mp3")
    result = runner(uses="data_mining  ai_inference", depth="decision", policy="opt-in")
    assert result.status == 1
    assert {tuple(record["requested"]) for record in result.records} == {
        ("cawg.data_mining", "cawg.ai_inference")
    }
    assert {(record["depth"], record["policy"]) for record in result.records} == {("decision", "opt-in")}
    for wrong in ({"uses": "sing"}, {"depth": "deep"}, {"policy": ""}, {"uses": "*"}):
        assert runner(**wrong).status == 2


def test_what_is_checked_out_does_not_check_itself(runner: Runner) -> None:
    shutil.copy(SAMPLES / "marked" / "tune.mp3", runner.checkout / "a.mp3")
    for name in ("noai.py", "json.py", "collections.py", "sitecustomize.py"):
        (runner.checkout / name).write_text("import os; os._exit(0)", "utf-8")
    assert runner().status == 1


def test_more_files_than_a_command_line_takes(runner: Runner) -> None:
    folder = runner.checkout / ("x" * 200)
    folder.mkdir()
    for number in range(600):
        os.link(runner.checkout / "waltz.mp3", folder / f"{number:0200}.mp3")
    result = runner(
        paths="\n".join(f"{folder}/{path.name}" for path in list(folder.iterdir())[:200]), depth="decision"
    )
    assert (result.status, len(result.records)) == (0, 200)
    assert len(runner(depth="decision").records) == 608


@pytest.mark.parametrize(
    ("version", "what"), [("", str(ROOT)), ("1.2.3", "noai==1.2.3"), ("1; touch x", "noai==1; touch x")]
)
def test_what_is_installed(runner: Runner, version: str, what: str) -> None:
    """By a ``python`` that only says what it was asked to do."""
    shows = runner.temporary / "bin" / "python"
    shows.parent.mkdir()
    shows.write_text('#!/bin/sh\nfor word; do echo "<$word>"; done\n', "utf-8")
    shows.chmod(0o755)
    runner.path.insert(0, str(shows.parent))
    result = runner("Install noai", version=version)
    assert result.status == 0
    assert result.log.splitlines()[:4] == ["<-I>", "<-m>", "<pip>", "<install>"]
    assert result.log.splitlines()[-1] == f"<{what}>"


def test_the_page_is_a_workflow_of_this_action() -> None:
    page = (DOCS / "integrations" / "github-action.md").read_text("utf-8")
    shown = [
        block.text for block in blocks(DOCS / "integrations" / "github-action.md") if block.language == "yaml"
    ]
    steps = [step for text in shown for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    ours = [step for step in steps if "/noai@" in step.get("uses", "")]
    assert ours
    for step in ours:
        assert step.get("with", {}).keys() <= _ACTION["inputs"].keys()
    for name, about in _ACTION["inputs"].items():
        assert f"| `{name}` |" in page
        assert about["default"] == "" or f"`{about['default']}`" in page
    for name in _ACTION["outputs"]:
        assert f"`{name}`" in page
