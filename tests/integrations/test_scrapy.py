"""The pipeline in real crawls of a real site."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from scrapy.pipelines.files import FilesPipeline
from scrapy.settings import Settings

import noai
from noai.errors import UsageError
from noai.integrations.gate import Gate
from noai.integrations.scrapy import Admitted, gate_of
from noai.policy import Admission, Policy
from tests.audio import SAMPLES
from tests.docs.pages import DOCS, blocks
from tests.integrations.sites import Site, serving
from tests.integrations.thousand import Corpus
from tests.signers import signer

NAME = "noai.integrations.scrapy.NoaiFilesPipeline"
CRAWL = """
import json, sys
import scrapy
from scrapy.crawler import CrawlerProcess

told = json.load(sys.stdin)
class Tracks(scrapy.Spider):
    name = "tracks"
    async def start(self):
        for url in told["urls"]:
            yield scrapy.Request(told["page"], dont_filter=True, cb_kwargs={"url": url})
    def parse(self, response, url):
        yield {"file_urls": [url]}

class Kept:
    found = []
    def process_item(self, item):
        self.found.append(item["files"])
        return item

settings = {
    "ITEM_PIPELINES": {told["pipeline"]: 1, Kept: 2}, "LOG_LEVEL": "INFO", "TELNETCONSOLE_ENABLED": False,
    "DOWNLOAD_DELAY": 0, "CONCURRENT_REQUESTS_PER_DOMAIN": 16, "RETRY_TIMES": 1, **told["settings"],
}
process = CrawlerProcess(settings)
crawler = process.create_crawler(Tracks)
process.crawl(crawler)
process.start()
stats = {name: value for name, value in crawler.stats.get_stats().items() if isinstance(value, (int, str))}
print(json.dumps({"items": Kept.found, "stats": stats}))
"""


@dataclass(frozen=True)
class Crawl:
    """What one crawl came to."""

    items: list[list[dict[str, Any]]]
    stats: dict[str, Any]
    log: str
    store: Path

    @property
    def stored(self) -> list[bytes]:
        return sorted(path.read_bytes() for path in self.store.rglob("*") if path.is_file())


def crawl(
    site: Site,
    store: Path,
    urls: Sequence[str],
    pipeline: str = NAME,
    cwd: Path | None = None,
    **settings: Any,
) -> Crawl:
    site.answers.setdefault("/", (200, {"Content-Type": "text/html"}, b"<p>tracks"))
    told = {
        "urls": list(urls),
        "page": site.url,
        "pipeline": pipeline,
        "settings": {"FILES_STORE": str(store), **settings},
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CRAWL],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(DOCS.parent), os.environ.get("PYTHONPATH", "")]),
        },
    )
    assert done.returncode == 0, done.stderr
    return Crawl(**json.loads(done.stdout.splitlines()[-1]), log=done.stderr, store=store)


@pytest.fixture
def tracks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One track that is unmarked and one that is marked."""
    monkeypatch.setenv("NOAI_HOME", str(tmp_path / "home"))
    folder = tmp_path / "tracks"
    folder.mkdir()
    (folder / "plain.mp3").write_bytes((SAMPLES / "unmarked" / "tune.mp3").read_bytes())
    noai.mark(folder / "plain.mp3", folder / "marked.mp3", signer=signer())
    return folder


def test_a_crawl_stores_what_verify_keeps(thousand: Corpus, tmp_path: Path) -> None:
    with serving(thousand.root) as site:
        found = crawl(site, tmp_path / "store", [site.address(path) for path in thousand.paths])
        assert Counter(site.asked)["/robots.txt"] == Counter(site.asked)["/.well-known/tdmrep.json"] == 1
    kept = {site.address(path): path for path in thousand.kept}
    files = {file["url"]: file["path"] for files in found.items for file in files}
    assert set(files) == set(kept)
    for url, stored in files.items():
        assert (found.store / stored).read_bytes() == Path(kept[url]).read_bytes()
    assert len(found.stored) == len(kept)
    decisions = Counter(record["decision"] for record in thousand.records.values())
    assert {name: found.stats[f"noai/decision/{name}"] for name in decisions} == decisions
    assert found.stats["noai/admitted"] == len(kept)
    assert found.stats["noai/refused"] == len(thousand.paths) - len(kept)
    assert "Traceback" not in found.log


def test_what_is_in_the_store_already_is_judged_again(tracks: Path, tmp_path: Path) -> None:
    with serving(tracks) as site:
        urls = [site.address(tracks / "plain.mp3")]
        first = crawl(site, tmp_path / "store", urls)
        # Scrapy's own pipeline would take it for up to date for ninety days.
        noai.mark(tracks / "plain.mp3", in_place=True, signer=signer())
        again = crawl(site, tmp_path / "store", urls)
        site.headers["tdm-reservation"] = "1"
        cached = {"HTTPCACHE_ENABLED": True, "HTTPCACHE_DIR": str(tmp_path / "cache")}
        (tracks / "plain.mp3").write_bytes((SAMPLES / "unmarked" / "tune.mp3").read_bytes())
        told = [crawl(site, tmp_path / "new", urls, **cached) for _ in range(2)]
    assert [len(files) for files in first.items] == [1]
    assert again.items == [[]]
    assert "not stored" in again.log
    assert [each.items for each in told] == [[[]], [[]]]
    assert told[1].stats["httpcache/hit"] > 0
    assert not told[1].stored


RESERVES = b"User-agent: *\nContent-Usage: train-ai=n\n"
TDMREP = "/.well-known/tdmrep.json"
SAID: dict[str, tuple[dict[str, str], dict[str, tuple[int, bytes]], bool]] = {
    "header": ({"X-Robots-Tag": "noai"}, {}, False),
    "another's header": ({"X-Robots-Tag": "OtherBot: noai"}, {}, True),
    "robots": ({}, {"/robots.txt": (200, RESERVES)}, False),
    "robots gone": ({}, {"/robots.txt": (410, b"gone")}, True),
    "tdmrep": ({}, {TDMREP: (200, b'[{"location": "/*", "tdm-reservation": 1}]')}, False),
    "tdmrep broken": ({}, {TDMREP: (200, b"{")}, False),
    **{f"robots {status}": ({}, {"/robots.txt": (status, b"no")}, False) for status in (204, 403, 425, 503)},
    **{f"tdmrep {status}": ({}, {TDMREP: (status, b"no")}, False) for status in (401, 408, 451)},
}


def test_what_each_site_says_counts(tracks: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        urls = {}
        for name, (headers, answers, _) in SAID.items():
            site = stack.enter_context(serving(tracks))
            site.headers.update(headers)
            site.answers.update({path: (status, {}, body) for path, (status, body) in answers.items()})
            urls[site.address(tracks / "plain.mp3")] = name
        found = crawl(site, tmp_path / "store", list(urls))
    stored = {urls[file["url"]] for files in found.items for file in files}
    assert stored == {name for name, (_, _, is_stored) in SAID.items() if is_stored}
    assert len(found.items) == len(SAID)
    assert found.stats["noai/decision/undecided"] == 8
    assert "Traceback" not in found.log


def test_what_redirections_and_their_sites_say_counts(tracks: Path, tmp_path: Path) -> None:
    with ExitStack() as stack:
        behind = stack.enter_context(serving(tracks)).url + "plain.mp3"
        urls = {}
        for name, headers, answers in (
            ("silent", {}, {}),
            ("header", {"tdm-reservation": "1"}, {}),
            ("robots", {}, {"/robots.txt": (200, {}, RESERVES)}),
            ("tdmrep", {}, {TDMREP: (200, {}, b'[{"location": "/x.mp3", "tdm-reservation": 1}]')}),
            ("loop", {"Location": "/x.mp3"}, {}),
        ):
            site = stack.enter_context(serving(tracks))
            site.answers.update(answers)
            # By way of another address of the same site.
            site.answers["/x.mp3"] = (302, {"Location": "/y.mp3", **headers}, b"")
            site.answers["/y.mp3"] = (307, {"Location": behind}, b"")
            urls[site.url + "x.mp3"] = name
        site = stack.enter_context(serving(tracks))
        page = f'<meta http-equiv="refresh" content="0; url={behind}">'.encode()
        site.answers["/x.html"] = (200, {"Content-Type": "text/html"}, page)
        urls[site.url + "x.html"] = "out of sight"
        found = crawl(site, tmp_path / "store", list(urls), MEDIA_ALLOW_REDIRECTS=True)
        assert [urls[file["url"]] for files in found.items for file in files] == ["silent"]
        assert found.stored == [(tracks / "plain.mp3").read_bytes()]
        assert found.stats["noai/decision/rejected"] == 3
        assert found.stats["noai/decision/undecided"] == 1
        assert "a redirection of which nobody has the headers" in found.log
        unfollowed = crawl(site, tmp_path / "unfollowed", list(urls)[:1])
        assert unfollowed.items == [[]]
        assert "status 302" in unfollowed.log


def test_documents_that_did_not_come_whole_are_not_taken_for_whole(tracks: Path, tmp_path: Path) -> None:
    body = b"User-agent: *\nAllow: /\n"
    with ExitStack() as stack:
        urls = {}
        for name, headers in {
            "whole": {},
            "cut": {"Content-Length": "400", "Connection": "close"},
            "endless": {"Content-Length": "", "Connection": "close"},
            "encoded": {"Content-Encoding": "compress"},
            "decoded": {"Content-Encoding": "gzip"},
        }.items():
            site = stack.enter_context(serving(tracks))
            data = gzip.compress(RESERVES)[:-9] if name == "decoded" else body
            site.answers["/robots.txt"] = (200, headers, data)
            urls[site.address(tracks / "plain.mp3")] = name
        found = crawl(site, tmp_path / "store", list(urls), DOWNLOAD_FAIL_ON_DATALOSS=False)
    assert [urls[file["url"]] for files in found.items for file in files] == ["whole"]


def test_a_site_that_moved_its_robots_txt_is_heard_and_may_be_left_unasked(
    tracks: Path, tmp_path: Path
) -> None:
    with serving(tracks) as site:
        site.answers["/robots.txt"] = (301, {"Location": "/elsewhere.txt"}, b"")
        site.answers["/elsewhere.txt"] = (200, {}, b"User-agent: *\nContent-Usage: train-ai=n\n")
        urls = [site.address(tracks / "plain.mp3")]
        assert crawl(site, tmp_path / "heard", urls).items == [[]]
        site.asked.clear()
        unasked = crawl(site, tmp_path / "unasked", urls, NOAI_SITE_FILES=False)
        assert len(unasked.stored) == 1
        assert not [path for path in site.asked if "robots" in path or "tdmrep" in path]


def test_what_came_only_in_part_is_not_stored(tracks: Path, tmp_path: Path) -> None:
    """Tags may stand at the end of a file."""
    data = (tracks / "plain.mp3").read_bytes()
    cut = zlib.compressobj(wbits=31)
    encoded = cut.compress(data) + cut.flush(zlib.Z_FULL_FLUSH)
    with serving(tracks) as site:
        short = {"Content-Length": str(len(data) + 1), "Connection": "close"}
        site.answers["/short.mp3"] = (200, short, data)
        site.answers["/endless.mp3"] = (200, {"Content-Length": "", "Connection": "close"}, data)
        site.answers["/decoded.mp3"] = (200, {"Content-Encoding": "gzip"}, encoded)
        site.answers["/missing.mp3"] = (404, {}, data)
        urls = [site.url + f"{name}.mp3" for name in ("short", "endless", "decoded", "missing")]
        cached = {"HTTPCACHE_ENABLED": True, "HTTPCACHE_DIR": str(tmp_path / "cache")}
        for _ in range(2):
            found = crawl(site, tmp_path / "store", urls, DOWNLOAD_FAIL_ON_DATALOSS=False, **cached)
            assert found.items == [[]] * 4
            assert not found.stored
            assert found.stats["noai/decision/undecided"] == 3
            assert "nobody knows whether it came to its end" in found.log
            assert "missing.mp3: status 404" in found.log
    assert found.stats["httpcache/hit"] > 3


def test_settings_are_the_policy(tracks: Path, tmp_path: Path) -> None:
    with serving(tracks) as site:
        urls = [site.address(path) for path in sorted(tracks.iterdir())]
        inference = crawl(site, tmp_path / "a", urls, NOAI_USES=["ai_inference"], NOAI_DEPTH="evidence")
        assert len(inference.stored) == 1
        assert not crawl(site, tmp_path / "b", urls, NOAI_POLICY="opt-in").stored
        wrong = crawl(site, tmp_path / "c", urls, NOAI_POLICY="none")
    assert "UsageError" in wrong.log
    assert not wrong.items
    assert not wrong.stored


@pytest.mark.parametrize(
    "wrong", [{"NOAI_USES": "all"}, {"NOAI_USES": []}, {"NOAI_GATE": "x"}, {"NOAI_DEPTH": "x"}]
)
def test_settings_that_mean_nothing(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        gate_of(Settings(wrong))


def test_a_gate_is_taken_as_it_is(thousand: Corpus) -> None:
    gate = Gate.of(Policy(admission=Admission.OPT_IN))
    # Scrapy copies settings deeply.
    assert gate_of(Settings({"NOAI_GATE": gate}).copy()).fingerprint == gate.fingerprint
    told = gate_of(Settings({"NOAI_POLICY": "opt-in", "NOAI_USES": "ai_training,ai_generative_training"}))
    assert told.fingerprint == gate.fingerprint


def test_a_damaged_trust_list_stops_the_crawl(tracks: Path, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "trust.json").write_text("{")
    with serving(tracks) as site:
        stopped = crawl(site, tmp_path / "store", [site.address(tracks / "plain.mp3")])
    assert "TrustError" in stopped.log
    assert not stopped.stored


def test_a_pipeline_of_one_s_own(tracks: Path, tmp_path: Path) -> None:
    """The one that the documentation shows, in a module of the project's."""
    (snippet,) = [each for each in blocks(DOCS / "integrations" / "scrapy.md") if "class " in each.text]
    (tmp_path / "project.py").write_text(snippet.text)
    with serving(tracks) as site:
        urls = [site.address(path) for path in sorted(tracks.iterdir())]
        found = crawl(site, tmp_path / "store", urls, "project.Tracks", cwd=tmp_path)
    assert [path.name for path in found.store.rglob("*") if path.is_file()] == ["plain.mp3"]
    (line,) = (tmp_path / "refused.jsonl").read_text().splitlines()
    assert json.loads(line)["decision"] == "rejected"


def test_the_check_cannot_be_gone_around_by_mistake() -> None:
    async def media_downloaded(self: Any, response: Any, request: Any, info: Any, *, item: Any = None) -> Any:
        return await FilesPipeline.media_downloaded(self, response, request, info, item=item)

    body = {"media_downloaded": media_downloaded}
    with pytest.raises(UsageError, match="in front"):
        type("Instead", (Admitted, FilesPipeline), body)
    with pytest.raises(UsageError, match="in front"):
        type("First", (type("Theirs", (), body), Admitted, FilesPipeline), {})
    assert type("After", (Admitted, type("Keeps", (FilesPipeline,), body)), {})
    with pytest.raises(UsageError, match="in front"):
        type("Behind", (FilesPipeline, Admitted), {})
    with pytest.raises(UsageError, match="in front"):
        type(
            "Skips",
            (Admitted, FilesPipeline),
            {"media_to_download": lambda self, request, info, item=None: {}},
        )
