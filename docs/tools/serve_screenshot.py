"""Pictures of the web page of ``noai serve``: the real server, and sample audio under invented names.

    python docs/tools/serve_screenshot.py

Needs Chromium (Debian: chromium) and what ``pip install 'noai[test]'`` installs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from _browser import IMAGES, SAMPLES, chromium
from playwright.sync_api import Browser, Page

PORT: Final = 8642
URL: Final = f"http://127.0.0.1:{PORT}/"


def noai(home: Path, *arguments: str) -> None:
    environment = {**os.environ, "NOAI_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "noai", *arguments], env=environment, check=True)


def build(folder: Path, home: Path) -> tuple[Path, Path, Path]:
    """A track that its artist has marked, one that nobody has, one that somebody tampered with."""
    noai(home, "keygen", "ana-lima")
    marked, unmarked, tampered = (
        folder / name for name in ("Late Ferry.flac", "Northern Line.mp3", "Returned master.mp3")
    )
    shutil.copy(SAMPLES / "unmarked" / "tune.flac", marked)
    noai(home, "mark", "--in-place", str(marked))
    shutil.copy(SAMPLES / "unmarked" / "waltz.mp3", unmarked)
    shutil.copy(SAMPLES / "tampered" / "flipped.mp3", tampered)
    return marked, unmarked, tampered


@contextmanager
def serving(home: Path) -> Iterator[None]:
    token = home / "token"
    token.write_text("a-token-for-the-picture", "ascii")
    token.chmod(0o600)
    command = [sys.executable, "-m", "noai", "serve", "--port", str(PORT)]
    command += ["--identity", "ana-lima", "--token-file", str(token)]
    server = subprocess.Popen(command, env={**os.environ, "NOAI_HOME": str(home)})
    try:
        while server.poll() is None and not answers():
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait()


def answers() -> bool:
    try:
        with urllib.request.urlopen(f"{URL}healthz") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def opened(
    browser: Browser, scheme: Literal["light", "dark"], width: int, height: int, tracks: Sequence[Path]
) -> Page:
    page = browser.new_page(
        viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=2
    )
    page.goto(URL)
    page.locator("html[data-ready]").wait_for()
    page.get_by_label("Choose tracks").set_input_files(list(tracks))
    page.get_by_text(f"{len(tracks)} checked", exact=True).wait_for()
    page.wait_for_load_state("networkidle")
    return page


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder, home = Path(temporary), Path(temporary) / "home"
        marked, unmarked, tampered = build(folder, home)
        with serving(home), chromium() as browser:
            page = opened(browser, "light", 1040, 1000, [marked, unmarked])
            page.screenshot(path=IMAGES / "serve-light.png", scale="css")
            page = opened(browser, "dark", 360, 780, [tampered])
            page.locator(".card").evaluate("card => card.scrollIntoView({block: 'start'})")
            page.screenshot(path=IMAGES / "serve-dark-phone.png")
    print("drew docs/images/serve-light.png and docs/images/serve-dark-phone.png")


if __name__ == "__main__":
    main()
