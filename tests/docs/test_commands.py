"""What the documentation shows is what happens: every command and every Python snippet is run.

All steps of a page run in one shell, in an empty folder with ``sample_audio`` in it and a
``NOAI_HOME`` of its own. A command that fails must be followed by ``echo $?``, so that readers
see its exit code too. Of the output that a page shows, every line must be printed, in order; ``…``
stands for anything.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Step, name_of, pages, steps

PAGES = [page for page in pages() if steps(page)]
_END = "~~~ end of step"


def run(all_steps: list[Step], folder: Path) -> list[tuple[int, str]]:
    """Exit code and output of each step."""
    home = folder / "home"
    work = folder / "work"
    work.mkdir()
    shutil.copytree(ROOT / "sample_audio", work / "sample_audio", ignore=shutil.ignore_patterns("*.py"))
    script = ["exec 2>&1"]
    for step in all_steps:
        # The command's own exit code is still there for the next step's ``$?``.
        script.append(f"(exit ${{status-0}})\n{step.command}\nstatus=$?\nprintf '\\n{_END} %s\\n' $status")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("NOAI_", "COV_"))},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "NOAI_HOME": str(home),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PYTHONWARNINGS": "error",
    }
    # Not through standard input, which the commands would read.
    (folder / "steps").write_text("\n".join(script), "utf-8")
    done = subprocess.run(
        ["bash", folder / "steps"],
        cwd=work,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    parts = re.split(rf"^{_END} (\d+)\n", done.stdout, flags=re.M)
    assert len(parts) == 2 * len(all_steps) + 1, done.stdout[-2000:] + done.stderr[-2000:]
    return [(int(status), output) for output, status in zip(parts[::2], parts[1::2], strict=False)]


def squeeze(line: str) -> str:
    """Without runs of spaces and box drawing, which depend on the width of the terminal."""
    return " ".join(re.sub(r"[\u2500-\u257f]", " ", line).split())


def prints(shown: str, output: list[str], start: int) -> int | None:
    """The index behind the first line of ``output``, from ``start``, that is ``shown``."""
    pattern = re.compile(".*".join(re.escape(part) for part in squeeze(shown).split("…")))
    return next((i + 1 for i in range(start, len(output)) if pattern.fullmatch(squeeze(output[i]))), None)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_the_page_shows_is_what_happens(page: Path, tmp_path: Path) -> None:
    todo = steps(page)
    results = run(todo, tmp_path)
    for number, (step, (status, text)) in enumerate(zip(todo, results, strict=True)):
        where = f"{name_of(page)}:{step.line}: {step.command.splitlines()[0]}"
        shows_status = number + 1 < len(todo) and todo[number + 1].command.strip() == "echo $?"
        assert status == 0 or shows_status, f"{where} exits with {status}:\n{text}"
        output, at = text.splitlines(), 0
        for shown in step.output:
            if not squeeze(shown):
                continue
            found = prints(shown, output, at)
            assert found is not None, f"{where} does not print: {shown}\nbut:\n{text}"
            at = found


def test_the_readme_reaches_an_example_soon() -> None:
    assert steps(ROOT / "README.md")[0].line <= 45
