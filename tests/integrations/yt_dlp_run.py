"""The real yt-dlp, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from yt_dlp import YoutubeDL

import noai
from noai.integrations.yt_dlp import NotAdmitted
from tests.audio import SAMPLES
from tests.signers import signer


def plant(folder: Path) -> None:
    """Tracks, unmarked and marked, in a new folder."""
    folder.mkdir()
    for kind in ("mp3", "wav"):
        (folder / f"plain.{kind}").write_bytes((SAMPLES / "unmarked" / f"tune.{kind}").read_bytes())
        noai.mark(folder / f"plain.{kind}", folder / f"marked.{kind}", signer=signer())


class Log:
    """What yt-dlp says."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self.warnings: list[str] = []

    def debug(self, message: str) -> None:
        """Nothing."""

    def warning(self, message: str) -> None:
        self.warnings.append(message)

    def error(self, message: str) -> None:
        self.errors.append(message)


def told(folder: Path, *more: dict[str, Any], **options: Any) -> tuple[dict[str, Any], Log]:
    """Parameters of a run into ``folder``."""
    log = Log()
    return {
        "outtmpl": "%(title)s.%(ext)s",
        "paths": {"home": str(folder)},
        "logger": log,
        "noprogress": True,
        "ignoreerrors": "only_download",
        "postprocessors": [{"key": "Noai"}, *more],
        "cachedir": False,
        **options,
    }, log


def download(folder: Path, urls: list[str], *more: dict[str, Any], **options: Any) -> tuple[int, Log]:
    """A run over addresses: its exit code, and what it said."""
    params, log = told(folder, *more, **options)
    with YoutubeDL(params) as loader:
        return loader.download(urls), log


def extracted(
    folder: Path, name: str, formats: list[dict[str, str]], *more: dict[str, Any], **options: Any
) -> Log:
    """A run over what an extractor found: one track in formats, with what ``found`` adds to it."""
    found = options.pop("found", {})
    params, log = told(folder, *more, **{"retries": 0, "fragment_retries": 0, **options})
    info = {
        "id": name,
        "title": name,
        "extractor": "test",
        "extractor_key": "Test",
        "webpage_url": "http://x/",
    }
    with YoutubeDL(params) as loader:
        try:
            loader.process_ie_result({**info, **found, "formats": formats}, download=True)
        except NotAdmitted as error:
            log.errors.append(str(error))
    return log
