"""The gate and its batches over the corpus that every integration is held against."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from noai.claim import Use
from noai.consent import Scope
from noai.errors import UsageError
from noai.integrations.arrow import BatchGate
from noai.integrations.gate import Gate, why
from noai.policy import Admission, Policy
from noai.report import Depth
from noai.verdict import Decision
from tests.audio import SAMPLES
from tests.consent import studio
from tests.integrations.thousand import FILES, GARBAGE, PERMITTED, TAMPERED, Corpus

_FINGERPRINT = "from noai.integrations.gate import Gate; import pickle, hashlib; g = Gate.of(); "


def test_the_corpus_is_what_it_says(thousand: Corpus) -> None:
    decisions = Counter(record["decision"] for record in thousand.records.values())
    assert len(thousand.paths) == FILES == len(thousand.records)
    assert decisions["allowed"] == PERMITTED
    assert decisions["rejected"] >= 180
    assert decisions["undecided"] >= GARBAGE
    assert 760 <= decisions["unreserved"] <= 770 + TAMPERED // 2


@pytest.mark.parametrize("depth", list(Depth))
def test_a_gate_keeps_what_verify_keeps(thousand: Corpus, depth: Depth) -> None:
    gate = Gate.of(depth=depth)
    assert {path for path in thousand.paths if gate.admits(path)} == thousand.kept
    held = pickle.loads(pickle.dumps(gate))  # noqa: S301  our own
    kept = {path for path in thousand.paths if held.verdict(Path(path).read_bytes(), name=path).admitted}
    assert kept == thousand.kept


def test_batches_of_paths_and_of_bytes_keep_it_too(thousand: Corpus) -> None:
    paths = pa.table({"id": range(FILES), "path": thousand.paths})
    verdicts = BatchGate(Gate.of(), keep=("id",))(paths)
    assert verdicts["id"].to_pylist() == list(range(FILES))
    assert verdicts["path"].to_pylist() == list(thousand.paths)
    assert _admitted(verdicts) == thousand.kept
    held = [{"bytes": Path(path).read_bytes(), "path": path} for path in thousand.paths]
    audio = pa.table({"audio": held})
    assert _admitted(BatchGate(Gate.of(), audio="audio")(audio)) == thousand.kept
    kept = BatchGate(Gate.of(), audio="audio").admitted(audio)
    assert kept.schema == audio.schema
    assert {cell["path"]: cell["bytes"] for cell in kept["audio"].to_pylist()} == {
        path: Path(path).read_bytes() for path in thousand.kept
    }


def _admitted(verdicts: pa.Table) -> set[str]:
    return set(verdicts.filter(verdicts["admitted"])["path"].to_pylist())


def test_every_row_has_its_verdict_whatever_is_in_it(tmp_path: Path) -> None:
    tune = str(SAMPLES / "unmarked" / "tune.mp3")
    paths = [tune, None, str(tmp_path), "/nowhere/at/all.mp3", "", "a\0b", "s3://a/b/", tune]
    for column in (
        pa.array(paths),
        pa.array(paths, pa.large_string()),
        pa.array(paths).dictionary_encode(),
        pa.array([None if path is None else path.encode() for path in paths]),
    ):
        for rows in (pa.table({"path": column}), pa.record_batch({"path": column})):
            verdicts = BatchGate(Gate.of())(rows)
            decisions = verdicts["decision"].to_pylist()
            assert decisions == ["unreserved", *["undecided"] * 6, "unreserved"]
            assert BatchGate(Gate.of()).admitted(rows).num_rows == 2


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, None]),
        pa.array([[b"a"], []]),
        pa.array([{"x": 1}, None]),
        pa.array([{"bytes": None, "path": None}, {"bytes": None, "path": "/nowhere.mp3"}]),
        pa.array([b"", None]),
        pa.nulls(2),
    ],
    ids=str,
)
def test_columns_of_another_kind_are_undecided(column: pa.Array) -> None:
    rows = pa.table({"x": column})
    for gate in (BatchGate(Gate.of(), "x"), BatchGate(Gate.of(), audio="x"), BatchGate(Gate.of(), "y")):
        assert gate(rows)["decision"].to_pylist() == ["undecided"] * 2
        assert gate.admitted(rows).num_rows == 0
        assert gate(rows.slice(0, 0)).num_rows == 0


@pytest.mark.parametrize("kind", [pa.string_view(), pa.binary_view()], ids=str)
def test_columns_of_views_are_filtered_as_they_are(kind: pa.DataType) -> None:
    tracks = [SAMPLES / "unmarked" / "tune.mp3", SAMPLES / "marked" / "tune.mp3"]
    texts = pa.array(["a", "b", "c", "d"]).cast(kind)
    held = pa.StructArray.from_arrays([texts], ["view"])
    for order in ((0, 1, 1, 0), (0, 0, 0, 0), (1, 1, 1, 1)):
        paths = pa.array([str(tracks[n]) for n in order]).cast(kind)
        batch = pa.record_batch({"path": paths, "text": texts, "held": held})
        kept = [text for text, n in zip("abcd", order, strict=True) if n == 0]
        for rows in (
            batch,
            pa.Table.from_batches([batch]),
            pa.Table.from_batches([batch.slice(0, 1), batch.slice(1)]),
        ):
            found = BatchGate(Gate.of()).admitted(rows)
            assert type(found) is type(rows)
            assert found.schema == rows.schema
            assert found["text"].cast(pa.string()).to_pylist() == kept
            assert found.num_rows == len(kept) == len(found["held"])


def test_columns_that_go_along_are_as_they_were() -> None:
    tune = str(SAMPLES / "unmarked" / "tune.mp3")
    kinds = pa.array(["a", "b"]).dictionary_encode()
    for rows in (
        pa.table([[tune, tune], kinds], ["path", "kind"]),
        pa.record_batch([pa.array([tune, tune]), kinds], ["path", "kind"]),
        pa.table([[tune, tune], kinds, kinds], ["path", "kind", "kind"]),
    ):
        verdicts = BatchGate(Gate.of(), keep=("kind",))(rows)
        assert verdicts["kind"].combine_chunks().equals(kinds)
        assert verdicts["decision"].to_pylist() == ["unreserved"] * 2


def test_columns_that_rows_lack_are_refused_before_any_work() -> None:
    with pytest.raises(UsageError, match="no column 'path' among: a, b"):
        BatchGate(Gate.of()).check(["a", "b"])
    with pytest.raises(UsageError, match="'size' of the verdict"):
        BatchGate(Gate.of(), keep=("size",)).check(["path", "size"])
    with pytest.raises(UsageError, match="'Admitted' of the verdict"):
        BatchGate(Gate.of(), keep=("Admitted",)).check(["path", "Admitted"])
    with pytest.raises(UsageError, match="several columns 'path'"):
        BatchGate(Gate.of()).check(["path", "path"])
    BatchGate(Gate.of(), audio="a", keep=("b",)).check(["a", "b"])


def test_a_gate_is_pickled_alike_in_every_process(thousand: Corpus) -> None:
    show = _FINGERPRINT + "print(hashlib.sha256(pickle.dumps(g)).hexdigest(), g.fingerprint)"
    shown = {
        subprocess.run([sys.executable, "-c", show], capture_output=True, check=True, text=True).stdout
        for _ in range(3)
    }
    assert len(shown) == 1


def test_another_question_is_another_fingerprint(thousand: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    gates = [
        Gate.of(),
        Gate.of(Policy((Use.INFERENCE,))),
        Gate.of(Policy(admission=Admission.OPT_IN)),
        Gate.of(depth=Depth.EVIDENCE),
    ]
    monkeypatch.setenv("NOAI_HOME", "/nowhere/else")
    gates.append(Gate.of())
    assert len({gate.fingerprint for gate in gates}) == len(gates)


_AGAIN = """
import hashlib, pickle, sys
from noai.integrations.gate import Gate
trust, consent = pickle.load(open(sys.argv[1], "rb"))
gate = Gate.of(trust=trust, consent=consent)
print(hashlib.sha256(pickle.dumps(gate)).hexdigest(), gate.fingerprint)
"""


def test_consent_is_pickled_alike_in_every_process(tmp_path: Path) -> None:
    # Enough in each set, or they could have one order by chance.
    granted = studio.grant()
    others = studio.grant(scope=Scope(isrcs=frozenset(f"QZABC26{n:05}" for n in range(20))))
    statuses = [studio.status(*[studio.grant() for _ in range(20)])]
    consent = studio.Ingest().consent([granted, others], statuses=statuses)
    gate = Gate.of(trust=studio.TRUST, now=studio.NOW, consent=consent)
    before = pickle.dumps(gate)
    track = studio.marked()
    assert gate.verdict(track).decision is Decision.ALLOWED
    assert pickle.dumps(gate) == before
    held = pickle.loads(before)  # noqa: S301  our own
    assert held == gate
    assert held.fingerprint == gate.fingerprint
    assert held.verdict(track) == gate.verdict(track)

    kept = tmp_path / "consent"
    kept.write_bytes(pickle.dumps((studio.TRUST, consent)))
    shown = {
        subprocess.run(
            [sys.executable, "-c", _AGAIN, kept],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(shown) == 1
    less = studio.Ingest().consent([granted])
    assert Gate.of(trust=studio.TRUST, now=studio.NOW, consent=less).fingerprint != gate.fingerprint


class _BytesPath:
    def __fspath__(self) -> bytes:
        return b"/nowhere/\xff.mp3"


class _Broken(io.BytesIO):
    def seek(self, *_: int) -> int:
        raise RuntimeError("no")


def test_a_source_that_fails_is_undecided() -> None:
    track = (SAMPLES / "unmarked" / "tune.mp3").read_bytes()
    released = memoryview(track)
    released.release()
    for source in (_BytesPath(), memoryview(track)[::2], released, _Broken(track)):
        verdict = Gate.of().verdict(source)
        assert (verdict.decision, verdict.admitted) == (Decision.UNDECIDED, False)
    closed = io.BytesIO(track)
    closed.close()
    for source in (None, 7, closed):
        with pytest.raises(UsageError):
            Gate.of().verdict(source)


def test_why_is_one_line() -> None:
    gate = Gate.of()
    said = why(gate.verdict(SAMPLES / "marked" / "tune.mp3"))
    assert said.startswith("rejected: ")
    assert "\n" not in said
    assert why(gate.undecided("a\nb")).count("\n") == 0
    assert gate.undecided("a").decision is Decision.UNDECIDED
