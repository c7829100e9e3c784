"""Which module may import which: read from the code, held against the table below."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import noai
from tests.audio import SAMPLES

PACKAGE: Final = Path(noai.__file__).resolve().parent

#: From types to verbs. A module imports from its own layer and from those above it in this list.
LAYERS: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    (
        "types",
        frozenset(
            {
                *("_version", "words", "codes", "errors", "limits", "text", "claim", "identifiers"),
                *("declaration", "files", "hosts", "progress"),
            }
        ),
    ),
    (
        "mechanisms",
        frozenset(
            {
                "encoding",
                "algorithms",
                "certificates",
                "sources",
                "catalogue",
                "hashing",
                "essence",
                "statement",
                "_xmp_tree",
                "xmp",
                "structured_field",
                "vocabulary",
                "names",
                "silence",
                "signing",
                "envelope",
                "marker",
                "timestamps",
                "attestation",
                "fetching",
                "timestamping",
                "report",
                "trust",
                "identities",
                "cbor",
                "cose",
                "jumbf",
                "c2pa_json",
                "interrupts",
                "_c2pa_worker",
                "_c2pa_process",
                "manifest",
                "verdict",
                "records",
            }
        ),
    ),
    ("containers and signals", frozenset({"containers", "signals"})),
    (
        "verbs",
        frozenset(
            {
                "combining",
                "consent",
                "http",
                "publishing",
                "policy",
                "verifying",
                "glancing",
                "sidecars",
                "planning",
                "workspace",
                "rechecking",
                "destinations",
                "manifesting",
                "work_tags",
                "outcomes",
                "previewing",
                "marking",
                "mark_receipts",
            }
        ),
    ),
    ("many files", frozenset({"corpus", "reporting", "integrations", "service"})),
    ("command line", frozenset({"cli", "__main__"})),
)
LAYER_OF: Final = {name: number for number, (_, names) in enumerate(LAYERS) for name in names}


def modules() -> list[str]:
    """Dotted names of all modules under ``noai``, without the package itself."""
    names = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        names.append(".".join(part for part in parts if part != "__init__"))
    return [name for name in names if name]


def path_of(module: str) -> Path:
    path = PACKAGE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def imports(module: str) -> Iterator[tuple[str, ast.AST]]:
    """Dotted names that ``module`` imports anywhere in it, and the node that does."""
    package = module if path_of(module).name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path_of(module).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = f"noai.{package}".rstrip(".").split(".")
                kept = parents[: len(parents) - (node.level - 1)]
                base = ".".join([*kept, *([base] if base else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}".removeprefix("noai.")
                is_module = base.startswith("noai") and path_of(inner).exists()
                yield (f"noai.{inner}" if is_module else base), node


def own_imports(module: str) -> set[str]:
    """Names, without ``noai.``, of the modules of noai that ``module`` imports."""
    return {name.removeprefix("noai.") for name, _ in imports(module) if name.startswith("noai.")}


def top(module: str) -> str:
    return module.partition(".")[0]


def test_every_module_has_a_layer() -> None:
    assert {top(module) for module in modules()} <= set(LAYER_OF)


@pytest.mark.parametrize("module", modules())
def test_imports_point_from_verbs_to_types(module: str) -> None:
    allowed = LAYER_OF[top(module)]
    later = {name for name in own_imports(module) if LAYER_OF[top(name)] > allowed}
    assert not later, f"noai.{module} imports from a later layer: {sorted(later)}"


def test_only_the_command_line_and_integrations_import_the_public_names() -> None:
    """Everything that the public names are made of would import itself in a circle."""
    for module in modules():
        if top(module) not in ("cli", "corpus", "integrations"):
            assert "noai" not in {name for name, _ in imports(module)}, module


def test_containers_know_nothing_of_signals() -> None:
    for module in modules():
        if top(module) == "containers":
            assert not {name for name in own_imports(module) if top(name) == "signals"}, module


def test_judgement_reads_nothing() -> None:
    """Policy and combining are pure: no clock, no file, no container."""
    for module in ("policy", "combining", "verdict", "report"):
        found = {name for name, _ in imports(module)}
        assert not found & {"os", "io", "pathlib", "time"}, module
        assert not {n for n in own_imports(module) if top(n) in ("containers", "signals", "sources")}, module


def at_module_level(module: str) -> set[str]:
    """Names imported when ``module`` is, those for type checking only left out."""
    tree = ast.parse(path_of(module).read_text("utf-8"))
    inside = {
        id(node)
        for outer in ast.walk(tree)
        if isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) or _for_types_only(outer)
        for node in ast.walk(outer)
    }
    lines = {node.lineno for node in ast.walk(tree) if isinstance(node, ast.stmt) and id(node) not in inside}
    return {top(name) for name, node in imports(module) if getattr(node, "lineno", 0) in lines}


def _for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


@pytest.mark.parametrize("module", modules())
def test_c2pa_is_never_imported_with_a_module(module: str) -> None:
    assert "c2pa" not in at_module_level(module)


def test_nothing_imports_mutagen() -> None:
    """It is licensed GPL-2.0-or-later, and a witness in the tests only (docs/adr/0002)."""
    for module in modules():
        assert "mutagen" not in {top(name) for name, _ in imports(module)}, module


def test_only_signing_and_the_validating_process_import_c2pa() -> None:
    importing = {module for module in modules() if "c2pa" in {top(name) for name, _ in imports(module)}}
    assert importing <= {"manifest", "_c2pa_worker"}


def test_the_validating_process_imports_nothing_of_noai() -> None:
    """It runs without the package, which would take five times as long to load."""
    assert not own_imports("_c2pa_worker")


def test_judging_marked_files_never_loads_c2pa_into_this_process() -> None:
    assert "c2pa" not in loaded_after(VERIFY, *samples("marked"))


def loaded_after(code: str, *arguments: str) -> set[str]:
    """Top-level packages in ``sys.modules`` after ``code`` ran in a process of its own."""
    show = "\nprint(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}{show}", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_importing_noai_loads_neither_mutagen_nor_c2pa() -> None:
    assert not loaded_after("import noai") & {"mutagen", "c2pa"}


def test_checking_starts_without_what_only_consent_and_sites_need() -> None:
    loaded = "[m for m in sys.modules if m.startswith(('noai.consent', 'noai.http'))]"
    code = f"import sys, noai.cli.verify\nprint({loaded})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


VERIFY: Final = "import noai\nfor path in sys.argv[1:]:\n    noai.verify(path)"


def samples(folder: str) -> list[str]:
    found = [str(path) for path in (SAMPLES / folder).iterdir() if path.suffix != ".md"]
    assert found, f"sample_audio/{folder} is empty"
    return found


def test_judging_unmarked_files_loads_neither_mutagen_nor_c2pa() -> None:
    assert not loaded_after(VERIFY, *samples("unmarked")) & {"mutagen", "c2pa"}


def test_judging_never_loads_what_checks_identifiers() -> None:
    assert "stdnum" not in loaded_after(VERIFY, *samples("marked"))


def test_judging_marked_files_never_loads_mutagen() -> None:
    assert "mutagen" not in loaded_after(VERIFY, *samples("marked"))
