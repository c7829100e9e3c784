"""What stands in files beside a track: ``X.c2pa`` and ``X.xmp`` are signals of ``X``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from noai.codes import Code
from noai.containers.interface import XmpPacket
from noai.errors import SourceError, SourceMissing
from noai.limits import MANIFEST_BYTES, XMP_BYTES
from noai.report import Note
from noai.sources import open_path

#: Suffixes under which a sidecar stands beside ``X``: ``X.c2pa``, and ``Y.c2pa`` for ``X = Y.mp3``.
MANIFEST_SIDECAR: Final = ".c2pa"
XMP_SIDECAR: Final = ".xmp"
#: What is read of each at most.
SIDECAR_BYTES: Final = {MANIFEST_SIDECAR: MANIFEST_BYTES, XMP_SIDECAR: XMP_BYTES}


@dataclass(frozen=True)
class Sidecars:
    """What stands in files beside a track."""

    manifests: tuple[bytes, ...] = ()
    xmp: tuple[XmpPacket, ...] = ()
    notes: tuple[Note, ...] = ()


NO_SIDECARS: Final = Sidecars()


def read_sidecars(path: str | os.PathLike[str]) -> Sidecars:
    """The ``.c2pa`` and ``.xmp`` files beside a track; one that cannot be read is a note.

    If the track is a link, those beside what it leads to count as well.
    """
    found = [
        each for each in places_beside(os.fspath(path)) if os.access(each[0], os.F_OK, follow_symlinks=False)
    ]
    return _read(found) if found else NO_SIDECARS


def _read(found: list[tuple[str, str]]) -> Sidecars:
    manifests, packets, notes = [], [], []
    seen = set()
    for sidecar, suffix in found:
        name, limit = os.path.basename(sidecar), SIDECAR_BYTES[suffix]
        try:
            with open_path(sidecar) as (opened, status):
                # One file can answer to both cases, and stand beside both a link and its target.
                if (suffix, status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((suffix, status.st_dev, status.st_ino))
                data = opened.read_at(0, limit + 1)
        except SourceMissing:
            continue
        except SourceError as error:
            notes.append(Note(Code.SIDECAR_UNREADABLE, str(error)))
            continue
        if len(data) > limit:
            notes.append(Note(Code.SIDECAR_UNREADABLE, f"{name}: larger than {limit} bytes"))
        elif suffix == MANIFEST_SIDECAR:
            manifests.append(data)
        else:
            packets.append(XmpPacket(f"sidecar {name}", data, beside=True))
    return Sidecars(tuple(manifests), tuple(packets), tuple(notes))


def places_beside(path: str) -> Iterator[tuple[str, str]]:
    """Where sidecars of a track are looked for: ``x.mp3.xmp``, ``x.xmp``, and both in upper case."""
    tracks = (path, os.path.realpath(path)) if os.path.islink(path) else (path,)
    for suffix in (MANIFEST_SIDECAR, XMP_SIDECAR):
        for track in tracks:
            stem = os.path.splitext(track)[0]
            for spelt in (suffix, suffix.upper()):
                for candidate in (track + spelt, stem + spelt):
                    if candidate not in tracks:
                        yield candidate, suffix
