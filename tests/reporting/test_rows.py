"""What a page lists: all, as long as it can be opened; then what somebody may want to look at."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from noai.reporting.records import FileRecord, file_record
from noai.reporting.rows import BLOCK_ROWS, Rows
from noai.reporting.summary import Kinds, Summary
from tests.reporting.samples import marked, record


def unpacked(block: bytes) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(block)))


def plain(number: int) -> FileRecord:
    return file_record(record(path=f"plain/{number}", sha256=f"{number:064x}"))


def remarkable(number: int) -> FileRecord:
    return file_record(marked(path=f"marked/{number}", sha256=f"{number:064x}"))


def listed(rows: Rows) -> list[tuple[str, str]]:
    """Path and digest of each row, from the two places where the page has them."""
    paths = unpacked(rows.index())["path"]
    digests = [item["sha256"] for block in rows.blocks() for item in unpacked(block)]
    return list(zip(paths, digests, strict=True))


def test_rows_and_their_evidence_stay_together_over_many_blocks() -> None:
    with Rows() as rows:
        for number in range(2 * BLOCK_ROWS + 1):
            rows.add(plain(number) if number % 3 else remarkable(number))
        found = listed(rows)
        assert [path.split("/")[1] for path, _ in found] == [str(n) for n in range(2 * BLOCK_ROWS + 1)]
        assert [int(digest, 16) for _, digest in found] == list(range(2 * BLOCK_ROWS + 1))
        assert [len(unpacked(block)) for block in rows.blocks()] == [BLOCK_ROWS, BLOCK_ROWS, 1]
        assert (rows.summed_up, rows.left_out) == (0, 0)


def test_beyond_the_limit_unremarkable_files_are_summed_up_wherever_they_stood() -> None:
    with Rows(most=10, most_remarkable=10) as rows:
        for number in range(8):
            rows.add(plain(number))
        for number in range(4):
            rows.add(remarkable(number))
            rows.add(plain(100 + number))
        assert [path for path, _ in listed(rows)] == [f"marked/{n}" for n in range(4)]
        assert [int(digest, 16) for _, digest in listed(rows)] == list(range(4))
        assert (len(rows), rows.summed_up, rows.left_out) == (4, 12, 0)


def test_remarkable_files_have_a_limit_of_their_own() -> None:
    with Rows(most=3, most_remarkable=5) as rows:
        for number in range(9):
            rows.add(remarkable(number))
        rows.add(plain(0))
        assert (len(rows), rows.summed_up, rows.left_out) == (5, 1, 4)
        assert [path for path, _ in listed(rows)] == [f"marked/{n}" for n in range(5)]


def test_any_number_of_kinds_is_counted_in_a_limited_number() -> None:
    kinds: Kinds[str] = Kinds(limit=3)
    for number in range(1000):
        kinds.add(f"kind {number % 10}", "seen")
    assert len(kinds) == 3
    assert sum(counts.total() for _, counts in kinds) + kinds.others.total() == 1000


def test_containers_beyond_the_limit_share_a_name() -> None:
    with Rows() as rows:
        for number in range(2000):
            rows.add(file_record(record(container=f"c{number}")))
        index = unpacked(rows.index())
    assert len(index["containers"]) < 600
    assert index["containers"][index["container"][-1]] == "(others)"


def test_a_summary_adds_up() -> None:
    summary = Summary()
    for number in range(3):
        summary.add(plain(number))
    summary.add(remarkable(0))
    assert (summary.files, summary.admitted, summary.marked) == (4, 3, 1)
    assert summary.decisions == {"unreserved": 3, "rejected": 1}
    assert {name: counts.total() for name, counts in summary.containers} == {"flac": 3, "mp3": 1}
    assert {code: counts.total() for code, counts in summary.reasons} == {"nothing_found": 3, "reserved": 1}
    (signer, counts), *others = summary.signers
    assert (signer.subject, others) == ("demo-artist", [])
    assert counts["pass"] == counts.total() > 0
