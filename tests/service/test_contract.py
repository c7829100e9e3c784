"""The service keeps to its own OpenAPI document: schemathesis, with all of its checks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from noai.service import Settings, openapi
from noai.service.marks import FIELDS
from noai.service.problems import Kind
from tests.audio import SAMPLES
from tests.docs.pages import ROOT
from tests.service.live import BEARER, Live

#: Enough that each address is met with what it allows, what it forbids, and what is nearly allowed.
EXAMPLES = 10


def test_schemathesis_finds_nothing(live: Live, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    command = [
        *(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            ROOT / "tests/service/schemathesis.toml",
        ),
        *(
            "run",
            f"{live.url}/openapi.json",
            "--checks",
            "all",
            "--max-examples",
            str(EXAMPLES),
            "--no-color",
        ),
        *("--seed", "1", "--report", "json", "--report-json-path", report),
        *("-H", f"Authorization: {BEARER['Authorization']}"),
    ]
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.service.strategies", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5_000:] + done.stderr[-2_000:]
    met = {(line["path"], line["status"]) for line in live.requests()}
    assert {("/v1/verify", 200), ("/v1/verify", 400), ("/v1/mark", 200), ("/v1/mark", 401)} <= met
    assert live.left() == []


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(openapi.document(Settings())))
    return made


def test_it_is_an_openapi_document(document: dict[str, Any]) -> None:
    validate(document)


def test_each_field_of_a_marking_is_in_it(document: dict[str, Any]) -> None:
    body = document["paths"]["/v1/mark"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert list(body["schema"]["properties"]) == ["file", *FIELDS]


@pytest.mark.parametrize("name", ["marked/tune.mp3", "marked/tune.flac", "unmarked/tune.ogg", "README.md"])
def test_records_are_as_it_says_and_have_no_other_members(
    live: Live, document: dict[str, Any], name: str
) -> None:
    record = live.verify((SAMPLES / name).read_bytes()).json
    schemas = document["components"]["schemas"]
    whole = {**schemas["Verdict"], "components": {"schemas": schemas}}
    Draft202012Validator(whole).validate(record)
    assert set(record) == set(schemas["Verdict"]["properties"])
    for signal in record["signals"]:
        assert set(signal) == set(schemas["Signal"]["properties"])


def test_each_kind_of_problem_is_in_the_docs() -> None:
    page = (ROOT / "docs/howto/serve.md").read_text("utf-8")
    for kind in Kind:
        if kind is not Kind.CLIENT_GONE:
            assert f"| {kind.status} | `{kind.type.rpartition(':')[2]}` |" in page, kind
