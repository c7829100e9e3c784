"""``noai receipt verify``: what it says of a receipt, and by which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from noai import signing
from noai.claim import TRAINING_USES
from noai.corpus.receipts import FileDigest, Run, make_receipt
from noai.corpus.tallying import Tally
from noai.identities import IdentityStore
from noai.policy import Policy
from noai.report import Depth
from noai.trust import TrustList
from noai.verdict import Decision
from tests.cli.conftest import Run as Command


@pytest.fixture
def output() -> Path:
    path = Path("verdicts.jsonl")
    path.write_text('{"schema": "noai.verdict/1"}\n')
    return path


@pytest.fixture
def receipt(ana: Path, output: Path) -> Path:
    """A receipt by the identity ``ana`` over ``output``, and the path that hides an escape sequence."""
    now = signing.now()
    tally = Tally(admitted=1, readable=1)
    tally.count(Decision.REJECTED, False, True)
    tally.decisions[Decision.ALLOWED] = 1
    run = Run(
        paths=("album", "evil\x1b[2J"),
        policy=Policy(TRAINING_USES),
        depth=Depth.EVIDENCE,
        trust=TrustList(),
        started=now,
        finished=now,
        tally=tally,
        format="jsonl",
        output=FileDigest.of(str(output)),
    )
    path = Path("run.receipt")
    path.write_text(make_receipt(run, IdentityStore(ana).load("ana").signer()) + "\n")
    return path


def test_a_receipt_that_holds(noai: Command, receipt: Path, output: Path) -> None:
    done = noai("receipt", "verify", receipt, output)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("holds  run.receipt\n")
    for told in ('"ana", own identity', "2 records: 1 rejected, 1 allowed; 1 admitted", "album, evil"):
        assert told in done.out
    assert "\x1b" not in done.out


def test_as_json(noai: Command, receipt: Path, output: Path) -> None:
    record = noai("receipt", "verify", receipt, output, "--json").json
    assert record["holds"] is True
    assert {record[name] for name in ("signature", "signer", "time", "output")} == {"pass"}
    assert record["signed_by"]["trusted_as"].startswith("own:")
    assert record["receipt"]["output"] == {"format": "jsonl", **FileDigest.of(str(output)).members()}


def test_without_the_output(noai: Command, receipt: Path) -> None:
    done = noai("receipt", "verify", receipt)
    assert done.code == 0
    assert "none was given to compare" in done.out


def test_another_output(noai: Command, receipt: Path, output: Path) -> None:
    output.write_text("other\n")
    done = noai("receipt", "verify", receipt, output)
    assert done.code == 1
    assert done.out.startswith("does not hold  run.receipt\n")
    assert "is another file, or was changed since" in done.out


def test_a_receipt_that_was_edited(noai: Command, receipt: Path) -> None:
    head, body, signature = receipt.read_text().split(".")
    receipt.write_text(f"{head}.{body[:-8]}{body[-4:]}{body[-4:]}.{signature}")
    done = noai("receipt", "verify", receipt, "--json")
    assert (done.code, done.json["holds"]) == (1, False)


@pytest.mark.parametrize("content", [b"", b"hello", b"a.b.c", b"\xff\xfe.\x00."])
def test_a_file_that_is_no_receipt(noai: Command, ana: Path, content: bytes) -> None:
    Path("x").write_bytes(content)
    assert noai("receipt", "verify", "x").code == 1
    assert noai("receipt", "verify", "x", "--json").json["error"]["code"]


def test_somebody_else_needs_the_certificate(
    noai: Command, receipt: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noai("identity", "export", "ana", "-o", "ana.pem")
    monkeypatch.setenv("NOAI_HOME", str(Path("other-home").resolve()))
    stranger = noai("receipt", "verify", receipt, output)
    assert stranger.code == 1
    assert "nobody known here" in stranger.out
    assert noai("receipt", "verify", receipt, output, "--trust", "ana.pem").code == 0


def test_wrong_usage(noai: Command, receipt: Path) -> None:
    noai("receipt", "verify").refuses("RECEIPT")
    noai("receipt", "verify", "missing").refuses("missing", "no such file")
    noai("receipt", "verify", receipt, "missing").refuses("missing", "no such file")
    Path("large").write_bytes(bytes(1_000_000))
    noai("receipt", "verify", "large").refuses("too large")
    assert json.loads(noai("receipt", "verify", receipt, "--json").out)["output"] == "not_run"
