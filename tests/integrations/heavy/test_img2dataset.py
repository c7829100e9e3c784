"""img2dataset over a real server with the corpus that every integration is held against."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest

from noai.integrations.downloads import DownloadGate
from tests.audio import SAMPLES
from tests.integrations.heavy.snippets import snippet
from tests.integrations.test_downloads import RESERVED, ROBOTS, TDMREP, serving
from tests.integrations.thousand import Corpus

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its module imghdr
    import img2dataset

    from noai.integrations import img2dataset as gated

OPTIONS: dict[str, Any] = {
    "output_format": "files",
    "disable_all_reencoding": True,
    "processes_count": 2,
    "thread_count": 8,
    "number_sample_per_shard": 500,
    "compute_hash": None,
}


def rows(output: str | Path) -> list[dict[str, Any]]:
    return [row for part in Path(output).glob("*.parquet") for row in pq.read_table(part).to_pylist()]


@pytest.mark.parametrize("hook", [False, True])
def test_what_is_kept(thousand: Corpus, tmp_path: Path, hook: bool) -> None:
    names = sorted(thousand.relative(thousand.paths))
    documents = {"/robots.txt": (200, ROBOTS), "/.well-known/tdmrep.json": (200, TDMREP)}
    with serving(thousand.root, documents) as root:
        (tmp_path / "urls.txt").write_text("".join(f"{root}{quote(name)}\n" for name in names))
        urls, output = str(tmp_path / "urls.txt"), str(tmp_path / "out")
        if hook:
            (tmp_path / "run.py").write_text(snippet("downloads.md"))
            subprocess.run([sys.executable, "run.py"], cwd=tmp_path, check=True)
        else:
            img2dataset.download(urls, output_folder=output, **OPTIONS)
    told = rows(output)
    by_url = {f"{root}{quote(name)}": name for name in names}
    kept = {by_url[row["url"]] for row in told if row["status"] == "success"}
    assert len(told) == len(names)
    for row in told:
        file = Path(output) / row["key"][:5] / f"{row['key']}.jpg"
        name = by_url[row["url"]]
        assert file.exists() is (name in kept)
        assert name not in kept or file.read_bytes() == (thousand.root / name).read_bytes()
    if hook:
        expected = thousand.relative(thousand.kept)
        assert kept == {name for name in expected if not name.startswith(RESERVED)}
        assert all(row["error_message"] for row in told if row["status"] != "success")
    else:  # its own hook hears one header, and only from those who address everybody or it
        empty = {name for name in names if not (thousand.root / name).stat().st_size}
        assert kept | empty == {name for name in names if not name.startswith("disc 0/")} | empty


def test_every_site_on_the_way_is_asked_and_by_the_name_that_it_is_sent(tmp_path: Path) -> None:
    by_name = "User-agent: img2dataset\nContent-Usage: /named/ train-ai=n\n\n" + ROBOTS
    with serving(SAMPLES / "unmarked", {}) as network:
        names = ("free", "named/a", "disc%201/a", "disc%203/a", "disc%204/a", "disc%205/a")
        documents = {f"/{name}": (302, f"{network}tune.mp3") for name in names}
        documents |= {"/robots.txt": (200, by_name), "/.well-known/tdmrep.json": (200, TDMREP)}
        with serving(SAMPLES, documents) as root:
            (tmp_path / "urls.txt").write_text("".join(f"{root}{name}\n" for name in names))
            urls = str(tmp_path / "urls.txt")
            gated.download(urls, output_folder=str(tmp_path / "out"), **OPTIONS)
            gate = DownloadGate(user_agent="MyBot")
            gated.download(urls, output_folder=str(tmp_path / "other"), gate=gate, **OPTIONS)
    kept, other = (
        {row["url"].removeprefix(root) for row in rows(tmp_path / folder) if row["status"] == "success"}
        for folder in ("out", "other")
    )
    assert kept == {
        "free",
        "disc%205/a",
        "disc%203/a",
    }  # its own group in robots.txt is the one that it obeys
    assert other == {"free", "disc%205/a", "named/a"}


def test_two_downloads_do_not_take_each_other_s_gates(monkeypatch: pytest.MonkeyPatch) -> None:
    before, order = gated._main.Downloader, []

    def download(name: str) -> None:
        order.append((name, gated._main.Downloader.keywords["gate"].user_agent))
        if name == "first":
            second.start()
            second.join(0.5)  # it waits for this one, however long that takes
            order.append(("first", gated._main.Downloader.keywords["gate"].user_agent))

    monkeypatch.setattr(gated._main, "download", download)
    second = Thread(target=gated.download, args=("second",), kwargs={"gate": DownloadGate(user_agent="b")})
    gated.download("first", gate=DownloadGate(user_agent="a"))
    second.join()
    assert order == [("first", "a"), ("first", "a"), ("second", "b")]
    assert gated._main.Downloader is before
