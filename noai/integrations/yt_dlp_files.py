"""What yt-dlp leaves on the disk: which files were there before, and whose bytes are the site's own."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from typing import Any, Final

from yt_dlp.downloader import DashSegmentsFD, FFmpegFD, HlsFD, HttpFD, get_suitable_downloader
from yt_dlp.downloader.external import ExternalFD

#: Downloaders that write the bytes that they are sent. All others may make some of their own.
_COPYING: Final = (HttpFD, DashSegmentsFD)

#: What tells a file from another one that took its place: inode, size, time of change.
Identity = tuple[int, int, int]


class Files:
    """The files of one download, which begins when this is made."""

    def __init__(self, downloader: Any, info: dict[str, Any]) -> None:
        self._downloader = downloader
        names = {info.get("_filename"), downloader.prepare_filename(info, "temp")}
        self._before = {path: found for name in names if name for path, found in _beginning_as(name)}
        #: What yt-dlp says it has written itself.
        self._written: set[str] = set()

    def note(self, status: dict[str, Any]) -> None:
        """A progress hook of yt-dlp's."""
        # What was there already is "finished", too, but took no time.
        if status.get("status") == "finished" and "elapsed" in status:
            self._written.add(os.path.abspath(status["filename"]))

    def was_there(self, path: str) -> bool:
        """Whether a file is one that was there before."""
        path = os.path.abspath(path)
        try:
            return path in self._before and self._before[path] == _identity(os.stat(path))
        except FileNotFoundError:
            return False

    def are_copies(self, info: dict[str, Any]) -> bool:
        """Whether the bytes of a download are all those that the site sent, and no others."""
        whole = {name: value for name, value in info.items() if name != "requested_formats"}
        forms: list[dict[str, Any]] = info.get("requested_formats") or [{}]
        return all(self._is_copy({**whole, **form}) for form in forms)

    def _is_copy(self, part: dict[str, Any]) -> bool:
        made_by = get_suitable_downloader(part, self._downloader.params)
        if made_by is HlsFD:
            # It hands to ffmpeg what it does not know, and says of its own work alone that it is finished.
            return os.path.abspath(part["filepath"]) in self._written
        if made_by is None or issubclass(made_by, FFmpegFD):
            return False
        return made_by in _COPYING or issubclass(made_by, ExternalFD)


def downloaded(info: dict[str, Any]) -> Iterator[str]:
    """What was downloaded: one file, or one for each format that is merged or kept beside others."""
    parts = [form["filepath"] for form in info.get("requested_formats") or () if form.get("filepath")]
    yield from parts or [info["filepath"]]


def with_fragments(paths: Iterable[str]) -> Iterator[str]:
    """Files, and the fragments of each that ``--keep-fragments`` leaves."""
    for path in paths:
        yield path
        for whole in (path, f"{path}.part"):
            yield from glob.glob(f"{glob.escape(whole)}-Frag*")


def _beginning_as(name: str) -> Iterator[tuple[str, Identity]]:
    """What is there of which yt-dlp may make use for the output ``name``: its parts have longer names."""
    folder, base = os.path.split(os.path.abspath(name))
    stem = os.path.splitext(base)[0]
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(stem) and entry.is_file():
                    yield entry.path, _identity(os.stat(entry.path))
    except FileNotFoundError:
        return


def _identity(found: os.stat_result) -> Identity:
    return found.st_ino, found.st_size, found.st_mtime_ns
