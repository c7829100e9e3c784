"""Pages are as the code would write them, links lead somewhere, and nothing is loaded from elsewhere."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import noai
from noai.verdict import finding_record
from tests.audio import SAMPLES
from tests.docs.pages import DOCS, ROOT, name_of, pages
from tests.test_imports import LAYERS, modules, top


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference", DOCS / "tools" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = load_generator()


@pytest.mark.parametrize("name", sorted(REFERENCE.PAGES))
def test_the_page_is_what_the_code_says(name: str) -> None:
    written = (DOCS / name).read_text("utf-8")
    assert written == REFERENCE.PAGES[name](), f"docs/{name} is stale; run: python docs/tools/reference.py"


def help_sections() -> list[tuple[str, str]]:
    text = (DOCS / "reference" / "cli.md").read_text("utf-8")
    return re.findall(r"^#+ (noai[a-z -]*)\n\n```text\n(.*?)\n```$", text, re.M | re.S)


@pytest.mark.parametrize(("command", "shown"), help_sections(), ids=lambda part: part.split("\n")[0])
def test_the_page_shows_what_the_installed_command_prints(command: str, shown: str) -> None:
    program = Path(sys.executable).parent / "noai"
    done = subprocess.run(
        [program, *command.split()[1:], "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "80", "PATH": ""},
    )
    assert done.stdout.rstrip() == shown


def test_the_map_names_every_module_under_its_layer() -> None:
    text = (DOCS / "architecture.md").read_text("utf-8")
    mapped: dict[str, list[str]] = {}
    layer = ""
    for title, module in re.findall(r"^\| (?:\*\*(.+?)\*\*)? *\| `noai\.(\w+)` \|", text, re.M):
        layer = title or layer
        mapped.setdefault(layer, []).append(module)
    expected = {top(module) for module in modules()}
    assert {module for names in mapped.values() for module in names} == expected
    assert [set(names) for names in mapped.values()] == [names & expected for _, names in LAYERS]


def test_the_record_page_names_every_member() -> None:
    text = (DOCS / "reference" / "record.md").read_text("utf-8")
    record, signal = (
        {name for cell in re.findall(r"^\| (`.+?) \|", part, re.M) for name in re.findall(r"`(\w+)`", cell)}
        for part in text.split("Each signal:")
    )
    verdict = noai.verify(SAMPLES / "marked" / "tune.flac")
    assert record == set(verdict.record())
    assert signal == set(finding_record(verdict.signals[0]))


_LINK = re.compile(r"(?<!\!)\[[^\]^]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.M)


def anchors(page: Path) -> set[str]:
    """As mkdocs and most code hosts derive them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()).strip() for heading in _HEADING.findall(text))
    return {re.sub(r"[ -]+", "-", heading) for heading in plain}


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.M | re.S)
    text = re.sub(r"`[^`\n]*`", "", text)
    for match in _LINK.finditer(text):
        target = next(part for part in match.groups() if part)
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if there.is_dir():
            there = there / "index.md" if (there / "index.md").exists() else there
        assert there.exists(), f"{name_of(page)}: {target}"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{name_of(page)}: {target}"


def test_pages_load_nothing_from_elsewhere() -> None:
    for page in pages():
        text = page.read_text("utf-8")
        assert not re.search(r"!\[[^\]]*\]\(https?:|<(?:img|script|link|iframe)[^>]+https?:", text), page
    for image in (DOCS / "images").glob("*.svg"):
        assert not re.search(r"(?:url\(|href=|src=|@import )[\"']?https?:", image.read_text("utf-8")), image


def test_the_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    site = tmp_path / "site"
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        loaded = re.findall(r"<(?:script|img|iframe)\b[^>]*src=\"?(https?:[^\"> ]+)", text)
        loaded += re.findall(r"<link\b[^>]*stylesheet[^>]*href=\"?(https?:[^\"> ]+)", text)
        assert not loaded, page
