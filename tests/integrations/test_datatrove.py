"""datatrove over the corpus that every integration is held against."""

from __future__ import annotations

import base64
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from datatrove.data import Document, Media, MediaType
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.media.readers.http_fetch import HTTPFetchReader
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.logging import logger
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3

from noai.integrations.datatrove import WHY, AdmittedFilter
from noai.integrations.gate import Gate
from noai.policy import Admission, Policy
from tests.audio import SAMPLES
from tests.integrations.thousand import FILES, Corpus

CLEAN = str(SAMPLES / "unmarked" / "tune.wav")
MARKED = str(SAMPLES / "marked" / "tune.wav")
BYTES = Path(CLEAN).read_bytes()
DENIED = Path(MARKED).read_bytes()
#: Any file that is no audio.
NO_AUDIO = __file__


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logger.disable("datatrove")
    yield
    logger.enable("datatrove")


def media(data: bytes | None = None, **more: Any) -> Media:
    return Media(
        **{"id": "m", "type": MediaType.AUDIO, "url": "https://a.example/t.wav", "media_bytes": data, **more}
    )


def document(*held: Media, **metadata: Any) -> Document:
    return Document("words", "d", list(held), metadata)


def lines(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_bytes().splitlines()
    ]


def run(
    folder: Path, rows: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, int]]:
    """What is kept, what goes, and what is counted, with two tasks in processes of their own."""
    source = folder / "in"
    source.mkdir()
    for task in (0, 1):
        with (source / f"{task}.jsonl").open("w") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows[task::2])
    whole = {"compression": None, "save_media_bytes": True}
    stats = LocalPipelineExecutor(
        [
            JsonlReader(str(source)),
            AdmittedFilter(exclusion_writer=JsonlWriter(str(folder / "gone"), **whole)),
            JsonlWriter(str(folder / "kept"), **whole),
        ],
        tasks=2,
        logging_dir=str(folder / "logs"),
    ).run()
    counts = {name: int(value.total) for name, value in stats.stats[1].stats.items()}
    return lines(folder / "kept"), lines(folder / "gone"), counts


def test_the_filter_keeps_what_verify_keeps(thousand: Corpus, tmp_path: Path) -> None:
    rows = [{"text": "words", "id": path, "path": path} for path in thousand.paths]
    kept, gone, counts = run(tmp_path, rows)
    assert {row["id"] for row in kept} == thousand.kept
    assert len(kept) + len(gone) == FILES == counts["total"]
    assert counts["forwarded"] == len(thousand.kept)
    for row in gone:
        decision = thousand.records[row["id"]]["decision"]
        assert row["metadata"]["filter_reason"].startswith(f"noai_{decision}_")
        assert row["metadata"][WHY].startswith(f"{decision}: ")
        assert counts[f"dropped_{row['metadata']['filter_reason']}"] >= 1


def test_media_with_bytes_are_kept_as_they_are(thousand: Corpus, tmp_path: Path) -> None:
    rows = [
        {
            "text": "words",
            "id": path,
            "media": [
                {
                    "id": "m",
                    "type": MediaType.AUDIO,
                    "url": Path(path).as_uri(),
                    "media_bytes": base64.b64encode(Path(path).read_bytes()).decode(),
                }
            ],
        }
        for path in thousand.paths
    ]
    kept, gone, _ = run(tmp_path, rows)
    assert {row["id"]: base64.b64decode(row["media"][0]["media_bytes"]) for row in kept} == {
        path: Path(path).read_bytes() for path in thousand.kept
    }
    assert len(kept) + len(gone) == FILES


@pytest.mark.parametrize(
    "kept",
    [
        document(path=CLEAN),
        document(path=Path(CLEAN)),
        document(media(BYTES)),
        document(media(bytearray(BYTES)), media(BYTES), path=CLEAN),
        document(media(None, path=CLEAN)),
        document(media(b"\xff\xd8", type=MediaType.IMAGE, url="https://a.example/t.jpg"), path=CLEAN),
        document(media(None, type=MediaType.DOCUMENT, url="https://a.example/"), path=CLEAN),
        document(media(b"", type=MediaType.DOCUMENT, url=None), path=CLEAN),
        document(media(path=NO_AUDIO, type=MediaType.IMAGE, url=None), media(BYTES)),
        document(media(path="nowhere.jpg", type=MediaType.IMAGE, url=None), media(BYTES)),
        document(media(BYTES, type=MediaType.DOCUMENT, url=None)),
    ],
)
def test_documents_whose_audio_is_admitted_stay(kept: Document) -> None:
    assert AdmittedFilter().filter(kept) is True
    assert WHY not in kept.metadata


@pytest.mark.parametrize(
    "gone",
    [
        document(path=MARKED),
        document(media(DENIED)),
        document(media(DENIED), path=CLEAN),
        document(media(BYTES), path=MARKED),
        document(media(BYTES), media(DENIED)),
        document(media(None, path=MARKED)),
        document(media(DENIED, type=MediaType.IMAGE, url="https://a.example/t.jpg")),
        document(media(DENIED, type=None, url=None, metadata=None)),
    ],
)
def test_one_reservation_is_enough(gone: Document) -> None:
    assert AdmittedFilter().filter(gone) == (False, "noai_rejected_reserved")
    assert gone.metadata[WHY].startswith("rejected: ")


@pytest.mark.parametrize(
    "gone",
    [
        document(),
        Document("words", "d", None),
        document(path=None),
        document(path=7),
        document(path=""),
        document(path="nowhere.wav"),
        document(path="hf://datasets/a/tune.wav"),
        document(path=str(SAMPLES)),
        document(media()),
        document(media(), path=CLEAN),
        document(media(b"garbage")),
        document(media(b"")),
        document(media("UklGRg==")),
        document(media(path="warc.gz", offset=0)),
        document(media(path=CLEAN, offset=9, length=9)),
        document(media(BYTES, metadata={"reason": "length"})),
        document(media(BYTES, metadata={"reason": "Connection broken"}), path=CLEAN),
        document(media(BYTES, metadata={"reason": ""})),
        document(media(BYTES, metadata={"reason": None})),
        document(media(b"garbage", type=MediaType.IMAGE)),
        document(media(None, type=MediaType.IMAGE)),
        document(media(None, type=MediaType.IMAGE, url="https://a.example/t.jpg")),
        document(media(b"", type=MediaType.DOCUMENT, url=None)),
        document(media(path=NO_AUDIO, type=MediaType.IMAGE, url=None)),
        document(media(path="w.gz", offset=0, type=MediaType.IMAGE, url=None), path=CLEAN),
        Document("words", "d", [], None),
        Document("words", "d", [{"path": CLEAN}, None]),
        document(media(None, path=7, metadata=[1], type=[])),
        document(media(b"garbage", type=None, url=None)),
    ],
)
def test_what_cannot_be_judged_goes(gone: Document) -> None:
    kept, reason = AdmittedFilter().filter(gone)
    assert not kept
    assert reason.startswith("noai_undecided_")
    assert gone.metadata[WHY].startswith("undecided: ")


def test_where_the_path_stands_and_what_is_asked_can_be_said() -> None:
    assert AdmittedFilter(path_key="audio").filter(document(audio=CLEAN, path=MARKED)) is True
    assert AdmittedFilter(path_key=None).filter(document(media(BYTES), path=MARKED)) is True
    strict = AdmittedFilter(Gate.of(Policy(admission=Admission.OPT_IN)))
    assert strict.filter(document(path=CLEAN)) == (False, "noai_unreserved_nothing_found")


@pytest.mark.parametrize("kind", [MediaType.IMAGE, MediaType.DOCUMENT])
def test_a_file_is_audio_by_its_content_whatever_a_medium_says_that_it_is(tmp_path: Path, kind: int) -> None:
    blob = tmp_path / "blob-0001"
    shutil.copy(MARKED, blob)
    for more in ({}, {"path": CLEAN}):
        held = media(path=str(blob), type=kind, url="https://a.example/file?id=1")
        assert AdmittedFilter().filter(document(held, **more)) == (False, "noai_rejected_reserved")


class _BreaksOff(BaseHTTPRequestHandler):
    """Serves two megabytes, and then breaks off before the mark at the end of the file."""

    track: bytes

    def do_GET(self) -> None:
        if self.path != "/t.mp3":
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.track)))
        self.end_headers()
        self.wfile.write(self.track[:-1500])

    def log_message(self, *_: object) -> None:
        pass


def marked_at_its_end(path: Path) -> bytes:
    shutil.copy(SAMPLES / "unmarked" / "tune.mp3", path)
    ID3(path).delete()
    path.write_bytes(path.read_bytes() * (1 + (2 << 20) // path.stat().st_size))
    tags = APEv2()
    for frame in ID3(SAMPLES / "marked" / "tune.mp3").getall("TXXX"):
        tags[frame.desc] = [str(text) for text in frame.text]
    tags.save(path)
    return path.read_bytes()


@pytest.mark.filterwarnings(r"ignore:ssl\.\w+ .*deprecated:DeprecationWarning")
def test_what_broke_off_when_it_was_fetched_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    track = marked_at_its_end(tmp_path / "t.mp3")
    monkeypatch.setattr(_BreaksOff, "track", track, raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), _BreaksOff) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        fetched = media(url=f"http://127.0.0.1:{server.server_port}/t.mp3")
        (found,) = HTTPFetchReader(workers=1).run([document(fetched)])
        server.shutdown()
    held = found.media[0].media_bytes
    assert Gate.of().admits(held)
    assert not Gate.of().admits(track)
    assert AdmittedFilter().filter(found) == (False, "noai_undecided_source_unreadable")
