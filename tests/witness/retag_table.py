"""Write ``docs/retagging.md``: run every tool over marked files and note what is left.

python -m tests.witness.retag_table
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import noai
import tests.encoders  # noqa: F401  registers the recipes
from noai.algorithms import Algorithm
from tests.audio import Studio, decoded_md5, run
from tests.witness.retaggers import EVERY, MORE, RETAGGERS, Outcome, Retagger
from tests.witness.seen import Seen, look

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "retagging.md"

HEADINGS = {
    "mp3": "MP3",
    "flac": "FLAC",
    "ogg-vorbis": "Vorbis",
    "ogg-opus": "Opus",
    "mp4": "M4A AAC",
    "mp4-alac": "M4A ALAC",
    "wav": "WAV",
    "ogg-flac": "Ogg FLAC",
    "ogg-speex": "Speex",
    "mov": "MOV",
    "mp4-fragments": "MP4 in fragments",
    "matroska": "MKA",
    "webm": "WebM",
    "asf": "WMA",
    "aiff": "AIFF",
    "rf64": "RF64",
    "dsf": "DSF",
    "dsdiff": "DSDIFF",
    "wavpack": "WavPack",
    "ape": "APE",
    "musepack": "MPC SV8",
    "musepack-sv7": "MPC SV7",
    "tta": "TTA",
    "adts": "AAC",
}

INTRODUCTION = """# What retagging leaves of a mark

Made by `python -m tests.witness.retag_table`, which marks real files, lets other people's tools edit
them, and looks again. `tests/witness/test_retag.py` holds the first table to be true.

In every case the decoded audio was the same before and after.

"""

LEGEND = """
- **holds**: the marker's signature, signer and binding are all `pass`; the file is `rejected`.
- **statement**: the marker is dropped, the statement in copyright or comment kept: still `rejected`.
- **lost**: nothing is left in the tags.
- –: not a format of this tool.

"""

C2PA_INTRODUCTION = """## The C2PA manifest

By design its hash covers the whole file, so that a retag breaks it. Beside a marker that holds, such a
manifest is the finding `c2pa_stale`, and the file stays `rejected` because of the marker.

"""

C2PA_LEGEND = """
- **intact**: it still validates. **stale**: present, its file hash fails. **gone**: the tool dropped it.
- **mark: …**: what is left of the mark, where it differs from the first table.

id3v2 knows ID3v2.3 only and throws a tag of version 2.4 away, with everything in it. noai keeps the
version that a file has, and writes 2.3 where there was no tag.
"""


def shown(seen: Seen, expected: Outcome) -> str:
    return seen.outcome.value if seen.outcome is not Outcome.HOLDS else "**holds**"


def shown_c2pa(seen: Seen, expected: Outcome) -> str:
    """What is left of the manifest; and of the mark, where that is not what it is without a manifest."""
    left = _c2pa_left(seen)
    return left if seen.outcome is expected else f"{left}; mark: {seen.outcome.value}"


def _c2pa_left(seen: Seen) -> str:
    found = [finding for finding in seen.verdict.signals if finding.source == "c2pa"]
    if not found:
        return "gone"
    if any(noai.Code.C2PA_STALE in finding.codes for finding in found):
        return "stale"
    intact = all(finding.signature == finding.binding == noai.Check.PASS for finding in found)
    return "**intact**" if intact else ", ".join(code for finding in found for code in finding.codes)


def table(
    studio: Studio,
    artist: noai.Identity,
    containers: tuple[str, ...],
    cell: Callable[[Seen, Outcome], str],
    c2pa: bool,
) -> list[str]:
    rows = ["| tool | what it does | " + " | ".join(HEADINGS[name] for name in containers) + " |"]
    rows.append("|---" * (len(containers) + 2) + "|")
    for retagger in RETAGGERS:
        if not set(containers) & set(retagger.leaves):
            continue
        cells = []
        for container in containers:
            if container not in retagger.leaves:
                cells.append("–")
                continue
            with tempfile.TemporaryDirectory() as scratch:
                seen = _edited(studio, artist, retagger, container, Path(scratch), c2pa)
                cells.append(cell(seen, retagger.leaves[container]))
        rows.append(f"| {retagger.tool} | {retagger.does} | " + " | ".join(cells) + " |")
    return rows


def _edited(
    studio: Studio, artist: noai.Identity, retagger: Retagger, container: str, scratch: Path, c2pa: bool
) -> Seen:
    original = studio.encoded(container, retagger.variant)
    path = Path(shutil.copy(original, scratch))
    noai.mark(path, in_place=True, signer=artist.signer(), c2pa=c2pa)
    retagger.edit(path, studio.materials)
    if decoded_md5(path) != decoded_md5(original):
        raise SystemExit(f"{retagger} changed the audio of {container}")
    return look(path, artist)


def versions() -> str:
    """The versions of the tools, as far as they tell."""
    lines = {
        "ffmpeg": run("ffmpeg", "-version").decode().split()[2],
        "exiftool": run("exiftool", "-ver").decode().strip(),
        "metaflac": run("metaflac", "--version").decode().split()[-1],
        "mutagen": ".".join(map(str, __import__("mutagen").version[:3])),
    }
    return ", ".join(f"{name} {version}" for name, version in lines.items())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio(Path(folder))
        store = noai.IdentityStore(Path(folder))
        artist = store.create("artist", Algorithm.ES256, datetime.now(timezone.utc))
        text = INTRODUCTION
        text += "\n".join(table(studio, artist, EVERY, shown, c2pa=False)) + "\n"
        text += LEGEND
        text += "## Other containers\n\n"
        text += "\n".join(table(studio, artist, MORE, shown, c2pa=False)) + "\n\n"
        text += C2PA_INTRODUCTION
        embedding = ("mp3", "flac", "mp4", "mp4-alac", "wav")
        text += "\n".join(table(studio, artist, embedding, shown_c2pa, c2pa=True)) + "\n"
        text += C2PA_LEGEND
        text += f"\nSeen with {versions()}, and the versions in Debian 12 of the others.\n"
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
