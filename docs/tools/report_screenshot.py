"""Pictures of a report in a browser: the real commands, run on the sample audio under invented names.

    python docs/tools/report_screenshot.py

Needs Chromium (Debian: chromium) and what ``pip install 'noai[test]'`` installs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final, Literal

from _browser import IMAGES, SAMPLES, chromium

ALBUMS: Final = {
    "Ana Lima/Late Ferry": ("marked", 9),
    "Ana Lima/Low Tide EP": ("marked", 4),
    "Bo Okafor/Field Notes": ("unmarked", 12),
    "Crane & Daughters/Hinterland": ("unmarked", 10),
    "Jun Sato/Glass Hours": ("unmarked", 11),
    "Marta Ilves/Northern Line": ("unmarked", 8),
    "Various/Returned masters": ("tampered", 6),
}


def build(folder: Path) -> None:
    """An intake of tracks, each a copy of a sample."""
    for album, (kind, tracks) in ALBUMS.items():
        sources = sorted(path for path in (SAMPLES / kind).iterdir() if path.suffix != ".md")
        (folder / album).mkdir(parents=True)
        for track in range(tracks):
            source = sources[track % len(sources)]
            shutil.copy2(source, folder / album / f"{track + 1:02} Track{source.suffix}")


def run(folder: Path, *command: str) -> None:
    environment = {**os.environ, "NOAI_HOME": str(folder / "home")}
    done = subprocess.run(
        [Path(sys.executable).parent / command[0], *command[1:]], cwd=folder, env=environment, check=False
    )
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} failed")


def draw(page_file: Path, scheme: Literal["light", "dark"]) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1160, "height": 1000}, color_scheme=scheme)
        page.goto(page_file.as_uri())
        page.locator("#rows tr").first.wait_for()
        if scheme == "dark":
            # The same page further down: the table, with one file's evidence.
            page.get_by_label("Search").fill("low tide flac")
            page.get_by_text("of 1 file").wait_for()
            page.locator("#rows .file").first.click()
            page.locator("tr.detail").wait_for()
            page.locator("#files").evaluate("element => element.scrollIntoView({behavior: 'instant'})")
        page.screenshot(path=IMAGES / f"report-{scheme}.png")
    print(f"drew docs/images/report-{scheme}.png")


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        build(folder / "intake")
        run(folder, "noai", "trust", "add", str(SAMPLES / "demo-artist.pem"))
        run(folder, "noai", "verify", "intake", "--format", "jsonl", "-o", "verdicts.jsonl", "--ordered")
        run(folder, "noai", "report", "verdicts.jsonl", "-o", "report.html", "--title", "Autumn intake")
        draw(folder / "report.html", "light")
        draw(folder / "report.html", "dark")


if __name__ == "__main__":
    main()
