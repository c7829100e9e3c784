"""Tarred manifests of NeMo: which member of which tar file a line means. :mod:`noai.integrations.nemo`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Final

from noai.corpus.batches import judgements
from noai.corpus.walking import Candidate
from noai.integrations.answers import Memo, Refusal
from noai.integrations.gate import Gate
from noai.limits import GATE_TARS

#: NeMo tells the utterances of one member apart by this and a number, where the name ends.
_PART: Final = "-sub"
_SHARD: Final = re.compile(r"[0-9]{1,18}")
#: By which NeMo knows the shard of one manifest among several; it does not ask the lines then.
_OF_MANIFEST: Final = re.compile(r"manifest[^/]*_(\d+)[^/]*\.json")

#: Manifests of which NeMo knows by this alone that names in them are those of members.
_TARRED: Final = re.compile(
    r".*/(tarred_audio_manifest|sharded_manifests/(.*/)?manifest_\d+)\.json", re.DOTALL
)


def is_tarred(manifest: str) -> bool:
    """Whether NeMo takes a manifest with this absolute path for a tarred one, whatever its lines say."""
    return _TARRED.fullmatch(manifest) is not None


class Shards:
    """Judges members of tar files, each tar file once as long as it is among the last ones.

    Args:
        tars: The tar files, with ``{shard_id}`` in place of a number.
        manifests: The names under which NeMo reads the manifest.
        gate: The question.
    """

    def __init__(self, tars: str, manifests: Iterable[str], gate: Gate) -> None:
        self._tars = tars
        self._numbers = {
            number: manifest for manifest in manifests for number in _OF_MANIFEST.findall(manifest)
        }
        self._gate = gate
        self._members = Memo(self._members_of, GATE_TARS)

    def refusal(self, shard: object, name: str) -> Refusal | None:
        """Why a member may not enter; ``shard`` is what a line has as its ``shard_id``."""
        if not _SHARD.fullmatch(str(shard)):
            return self._undecided(f"it is in shard {shard}, and nobody said which file that is", name)
        for number, manifest in self._numbers.items():
            if int(number) != int(str(shard)):
                return self._undecided(f"it is in shard {shard}, for NeMo in that of {manifest}", name)
        tar = self._tars.replace("{shard_id}", str(shard))
        members = self._members(tar)
        if None in members:
            return members[None]
        there = [each for each in _ids(name) if each in members]
        if not there:
            return self._undecided(f"{tar} has no member {name}", name)
        return next((members[each] for each in there if members[each] is not None), None)

    def _undecided(self, message: str, name: str) -> Refusal | None:
        return Refusal.of(self._gate.undecided(message, name=name))

    def _members_of(self, tar: str) -> Mapping[str | None, Refusal | None]:
        """The members of a tar file as NeMo tells them apart; under None, what is wrong with all of it."""
        found: dict[str | None, Refusal | None] = {}
        for judged in judgements(Candidate(tar, tar, True), self._gate.verifier):
            name = None if judged.verdict.member is None else _id(judged.verdict.member)
            if name is not None or not judged.admitted:
                found[name] = found.get(name) or Refusal.of(judged.verdict)
        return found


def _id(name: str) -> str:
    return os.path.splitext(os.path.basename(name))[0]


def _ids(name: str) -> list[str]:
    """All that a name may mean: of what looks like numbers of utterances, NeMo takes off the last."""
    parts = _id(name).split(_PART)
    return [_PART.join(parts[:length]) for length in range(len(parts), 0, -1)]
