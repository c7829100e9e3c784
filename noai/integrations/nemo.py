"""NeMo manifests: JSON lines, each of which names the audio of one utterance. :func:`filter_manifest`.

Needs nothing but noai; :mod:`noai.integrations.nemo_curator` has the stage for pipelines.
"""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from noai.corpus.remote_urls import is_remote
from noai.errors import UsageError
from noai.integrations.answers import Memo, Refusal, foremost
from noai.integrations.gate import Gate
from noai.integrations.nemo_shards import Shards, is_tarred
from noai.limits import GATE_ANSWERS, MANIFEST_LINE_BYTES
from noai.text import escape_path
from noai.workspace import FolderWorkspace

#: Where NeMo looks for the audio of a line; a line that has both is judged by both.
AUDIO_KEYS: Final = ("audio_filepath", "audio_filename")

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class Line:
    """One line of a manifest as it stands there, with its end, and why it may not enter, if so."""

    number: int
    raw: bytes = field(repr=False)
    refusal: Refusal | None

    @property
    def admitted(self) -> bool:
        return self.refusal is None


class ManifestGate:
    """Judges lines of NeMo manifests, each distinct file once as long as it is among the last ones.

    Args:
        root: The folder that relative names are below: the manifest's. As NeMo would also take a file of that
            name below the working folder, or below a home folder for ``~``, each one that exists counts.
        gate: The question; by default that of ``noai verify``.
        shards: For tarred manifests: the tar files, with ``{shard_id}`` in place of a line's own, also below
            ``root``. Lines without a ``shard_id`` are ``undecided`` then, and without it, those with one.
        keys: Members that name audio. All that a line has count; it must have one.
        read_as: The manifests in which NeMo finds these lines. Relative names are below the folder of each
            of them as well. A ``shard_id`` that their own names contradict is ``undecided``.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] = ".",
        *,
        gate: Gate | None = None,
        shards: str | None = None,
        keys: Iterable[str] = AUDIO_KEYS,
        read_as: Iterable[str | os.PathLike[str]] = (),
    ) -> None:
        manifests = [_absolute(manifest) for manifest in read_as]
        self._folders = tuple(dict.fromkeys([_absolute(root), *map(os.path.dirname, manifests)]))
        self._gate = gate or Gate.of()
        tars = None if shards is None else os.path.join(self._folders[0], shards)
        self._shards = None if tars is None else Shards(tars, manifests, self._gate)
        self._is_tarred = tars is not None or any(map(is_tarred, manifests))
        self._keys = tuple(keys)
        self._files = Memo(self._judged, GATE_ANSWERS)

    def lines(self, lines: Iterable[bytes]) -> Iterator[Line]:
        """Every line of a manifest with what it comes to, in their order; blank ones are passed over."""
        for number, raw in enumerate(lines, 1):
            if raw.strip():
                yield Line(number, raw, self.refusal(raw))

    def refusal(self, raw: bytes) -> Refusal | None:
        """Why a line may not enter; None if it may. Does not raise on any content."""
        try:
            if len(raw) > MANIFEST_LINE_BYTES:
                raise ValueError(f"it has more than {MANIFEST_LINE_BYTES} bytes")
            return self.refusal_of(json.loads(raw.decode("utf-8"), object_pairs_hook=_members))
        except (ValueError, RecursionError) as error:
            return self._undecided(f"no line of a manifest: {error}")

    def refusal_of(self, entry: object) -> Refusal | None:
        """The same of a line that was parsed already, whatever is in it."""
        try:
            return self._refusal_of(entry)
        except Exception as error:  # noqa: BLE001  one line's bug must neither stop nor admit the others
            return Refusal.of(self._gate.failed(error))

    def _refusal_of(self, entry: object) -> Refusal | None:
        if not isinstance(entry, Mapping):
            return self._undecided("no line of a manifest: it is no JSON object")
        held = [entry[key] for key in self._keys if key in entry]
        lists = [value if isinstance(value, list) else [value] for value in held]
        names = [name for each in lists for name in each]
        if not lists or not all(lists) or not all(isinstance(name, str) and name for name in names):
            return self._undecided(f"no line of a manifest: it names no audio by {' or '.join(self._keys)}")
        if self._is_tarred or "shard_id" in entry:
            return foremost([self._member(entry, name) for name in names])
        return foremost([self._file(name) for name in names])

    def _member(self, entry: Mapping[str, Any], name: str) -> Refusal | None:
        if "shard_id" not in entry:
            return self._undecided("it is in a tar file, and does not say in which shard", name)
        shard = entry["shard_id"]
        if self._shards is None:
            return self._undecided(f"it is in shard {shard}, and nobody said which file that is", name)
        return self._shards.refusal(shard, name)

    def _file(self, name: str) -> Refusal | None:
        if "://" in name and not is_remote(name):
            return self._undecided("an address of a kind that is not read", name)
        try:
            places = self._places(name)
        except (ValueError, OSError) as error:
            return self._undecided(f"no name of a file: {error}", name)
        return foremost([self._files(place) for place in places])

    def _judged(self, place: str) -> Refusal | None:
        return Refusal.of(self._gate.verdict(place))

    def _places(self, name: str) -> list[str]:
        """Every file that ``name`` may be taken for, at least one."""
        if is_remote(name) or os.path.isabs(name):
            return [name]
        below = [str(Path(folder, name)) for folder in self._folders]
        elsewhere = (_absolute(name), _absolute(os.path.expanduser(name)))
        others = [place for place in elsewhere if os.path.lexists(place)]
        there = [place for place in below if not others or os.path.lexists(place)]
        return list(dict.fromkeys([*there, *others]))

    def _undecided(self, message: str, name: str | None = None) -> Refusal | None:
        return Refusal.of(self._gate.undecided(message, name=name))


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two members of one name, programs differ in which one they take."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("it has two members of one name")
    return found


def _absolute(path: str | os.PathLike[str]) -> str:
    """``path`` from the root on; ``..`` stays, which behind a link leads elsewhere than it looks."""
    return str(Path.cwd() / path)


def filter_manifest(
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    rejected: str | os.PathLike[str] | None = None,
    gate: Gate | None = None,
    shards: str | None = None,
    keys: Iterable[str] = AUDIO_KEYS,
) -> Counter[str]:
    """Write the lines of the manifest ``source`` that may enter to ``destination``, byte for byte.

    What may not is written to ``rejected``, ``<destination>.rejected.jsonl`` by default: an object a line
    with its number, the reason and the line itself. Both files are there whole or not at all, and replace
    those of their name. In another folder a relative name is another file: it has to be there, and to be
    admitted too. Arguments are those of :class:`ManifestGate`.

    Returns:
        How many lines were admitted, rejected, and undecided or not admitted otherwise, by these words.

    Raises:
        UsageError: if two of the three files are one.
        OSError: if the manifest cannot be read.
        MarkError: if a file cannot be written.
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """
    wanted, left = Path(destination), Path(rejected or f"{os.fspath(destination)}.rejected.jsonl")
    if len({os.path.realpath(path) for path in (source, wanted, left)}) < 3:
        raise UsageError("the manifest, what is kept of it and what is not are three files")
    root = os.path.dirname(_absolute(source))
    judge = ManifestGate(root, gate=gate, shards=shards, keys=keys, read_as=(source, destination))
    counted: Counter[str] = Counter()
    with open(source, "rb") as stream, ExitStack() as stack:
        spaces = [FolderWorkspace(path, stack) for path in (left, wanted)]
        refused, kept = (space.new_file() for space in spaces)
        for line in judge.lines(_lines(stream)):
            if line.refusal is None:
                counted["admitted"] += 1
                kept.write(line.raw)
                continue
            counted[line.refusal.decision.value] += 1
            _log.info("%s, line %s: %s", os.fspath(source), line.number, line.refusal.why)
            refused.write(_told(line, line.refusal))
        # First what was refused: what is kept is never there without it.
        for space, file in zip(spaces, (refused, kept), strict=True):
            space.publish(file)
    return counted


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a file, of too long ones the beginning."""
    while line := stream.readline(MANIFEST_LINE_BYTES + 1):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = stream.readline(MANIFEST_LINE_BYTES)
        yield line


def _told(line: Line, refusal: Refusal) -> bytes:
    told = {
        "line": line.number,
        "decision": refusal.decision.value,
        "path": None if refusal.path is None else escape_path(refusal.path),
        "codes": [code.value for code in refusal.codes],
        "why": refusal.why,
        "entry": None
        if len(line.raw) > MANIFEST_LINE_BYTES
        else line.raw.decode("utf-8", "backslashreplace"),
    }
    return json.dumps(told).encode() + b"\n"
