"""Which members belong together by their names: samples, and sidecars of tracks."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from noai.codes import Code
from noai.containers.interface import XmpPacket
from noai.corpus.walking import ARCHIVE_SUFFIXES, AUDIO_EXTENSIONS, SIDECAR_SUFFIXES
from noai.errors import LimitExceeded, NoaiError
from noai.limits import ARCHIVE_SIDECARS
from noai.report import Note
from noai.sidecars import NO_SIDECARS, SIDECAR_BYTES, XMP_SIDECAR, Sidecars

#: Reads at most so many bytes of one sidecar.
Reading = Callable[[int], bytes]


def key_of(name: str) -> str:
    """What members of one sample share, as WebDataset has it: the name up to the first dot of its last part.

    Where a blank stands behind that dot it is no sample's (``Mr. Jones.mp3``), and the last dot ends the
    key. A name without a dot, or that begins with its only one, is a key of its own.
    """
    folder, slash, last = name.rpartition("/")
    stem, dot, rest = last.partition(".")
    if any(character.isspace() for character in rest):
        stem, dot, rest = last.rpartition(".")
    return folder + slash + (stem if stem and dot else last)


#: As the webdataset library takes a name apart.
_IN_SAMPLE: Final = re.compile(r"^((?:.*/|)[^.]+)[.]([^/]*)$")


def sample_key(name: str) -> str | None:
    """The key of the sample to which WebDataset counts a member; None for one that it passes over."""
    matched = _IN_SAMPLE.match(name)
    return matched[1] if matched else None


def expects_audio(name: str) -> bool:
    """Whether a name promises audio."""
    return os.path.splitext(name)[1].lower() in AUDIO_EXTENSIONS


def is_nested(name: str) -> bool:
    """Whether a name promises an archive."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def is_sidecar(name: str) -> bool:
    """Whether a name is that of a sidecar."""
    return name.lower().endswith(SIDECAR_SUFFIXES)


class SidecarIndex:
    """The sidecars in an archive, or in one sample of it, by their names."""

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[str, Reading]]] = {}
        self._count = 0

    def add(self, name: str, read: Reading) -> None:
        """
        Raises:
            LimitExceeded: if there are too many.
        """
        self._count += 1
        if self._count > ARCHIVE_SIDECARS:
            raise LimitExceeded(f"more than {ARCHIVE_SIDECARS} sidecars in one archive")
        stem, suffix = os.path.splitext(_way(name))
        self._found.setdefault(stem + suffix.lower(), []).append((name, read))

    def of(self, track: str) -> Sidecars:
        """What stands beside ``track``: under its name, its stem, and its key."""
        if not self._found:
            return NO_SIDECARS
        return read_sidecars(self._found, track)


def read_sidecars(found: Mapping[str, list[tuple[str, Reading]]], track: str) -> Sidecars:
    """The sidecars of ``track`` among those that were ``found``; one that cannot be read is a note."""
    manifests, packets, notes = [], [], []
    for suffix, name, read in _beside(found, _way(track)):
        limit = SIDECAR_BYTES[suffix]
        try:
            data = read(limit + 1)
        except NoaiError as error:
            notes.append(Note(Code.SIDECAR_UNREADABLE, f"{name}: {error}"))
            continue
        if len(data) > limit:
            notes.append(Note(Code.SIDECAR_UNREADABLE, f"{name}: larger than {limit} bytes"))
        elif suffix == XMP_SIDECAR:
            packets.append(XmpPacket(f"sidecar {name}", data))
        else:
            manifests.append(data)
    if not (manifests or packets or notes):
        return NO_SIDECARS
    return Sidecars(tuple(manifests), tuple(packets), tuple(notes))


def _beside(found: Mapping[str, list[tuple[str, Reading]]], track: str) -> Iterator[tuple[str, str, Reading]]:
    for suffix in SIDECAR_SUFFIXES:
        for stem in dict.fromkeys((track, os.path.splitext(track)[0], key_of(track))):
            for name, read in found.get(stem + suffix, ()):
                yield suffix, name, read


def _way(name: str) -> str:
    """A name without the spellings that lead to the same place."""
    return posixpath.normpath("/" + name)
