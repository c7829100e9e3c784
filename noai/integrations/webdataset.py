"""WebDataset: a stage that lets no sample through with audio that may not enter (``noai[webdataset]``).

It stands right behind the shards, where samples still hold files: before ``decode`` and ``rename``.
"""

from __future__ import annotations

import gzip
import io
import logging
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from noai.corpus.archives.interface import Member
from noai.corpus.archives.judging import judge_member
from noai.corpus.archives.samples import SidecarIndex, expects_audio, is_nested, is_sidecar
from noai.errors import ArchiveNested, AudioDecoded, LimitExceeded, NoaiError, SidecarApart, UsageError
from noai.integrations.gate import Gate, why
from noai.limits import ARCHIVE_SAMPLE_MEMBERS
from noai.sources import BytesSource
from noai.verdict import Verdict
from noai.verifying import Verifier

Sample = Mapping[str, Any]
_BYTES: Final = (bytes, bytearray, memoryview)
#: What a pipeline adds to a sample: where it is from, and numbers.
_ABOUT: Final = (str, int, float, type(None))
#: Endings of what holds in another form what the rest of the name says; ``decode`` unpacks the first, and
#: makes objects of the second row.
_COMPRESSED: Final = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".br")
_OBJECTS: Final = (".cbor", ".mp", ".msg", ".npy", ".npz", ".pickle", ".pkl", ".pth", ".pyd", ".tb", ".ten")
#: Of what is unpacked, enough to recognise audio.
_HEAD: Final = 1 << 16

_log: Final = logging.getLogger(__name__)


class SampleRejected(NoaiError):
    """A sample may not enter. ``verdicts`` are those on what is not admitted of it."""

    code = "sample_rejected"

    def __init__(self, key: str, url: str | None, verdicts: tuple[Verdict, ...]) -> None:
        super().__init__(key, url, verdicts)
        self.key = key
        self.url = url
        self.verdicts = verdicts

    def __str__(self) -> str:
        return "; ".join(f"{verdict.member}: {why(verdict)}" for verdict in self.verdicts)


def log_and_continue(rejected: Exception) -> bool:
    """The handler if no other is given: says why, and goes on with the next sample."""
    _log.info("%s", rejected)
    return True


class OnlyAdmitted:
    """A stage of a pipeline: ``WebDataset(urls).compose(OnlyAdmitted())``.

    Members are judged as ``noai verify`` judges those of a shard, with the ``.c2pa`` and ``.xmp`` files of
    their sample. All audio in it has to be admitted, else the sample goes as a whole; what goes on is the
    sample as it came. One without audio goes on. Beyond that, audio under a name like ``wav.gz``, which
    ``decode`` would unpack, is ``undecided``.

    Args:
        gate: The question; as :meth:`Gate.of` has it by default.
        handler: Is told of each sample that goes by a :class:`SampleRejected`, and says whether to go on, as
            those of ``webdataset.handlers`` do.

    It can be pickled if its handler can, and raises :class:`AudioDecoded` where a sample holds no bytes.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    def __init__(
        self, gate: Gate | None = None, *, handler: Callable[[Exception], bool] = log_and_continue
    ) -> None:
        self.gate = Gate.of() if gate is None else gate
        self.handler = handler

    def __call__(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        for sample in samples:
            refused = tuple(verdict for verdict in self.verdicts(sample) if not verdict.admitted)
            if not refused:
                yield sample
            elif not self.handler(SampleRejected(sample["__key__"], sample.get("__url__"), refused)):
                return

    def verdicts(self, sample: Sample) -> tuple[Verdict, ...]:
        """The verdicts on what is audio in one sample, or promises to be.

        Raises:
            AudioDecoded: if one of its members is no bytes. UsageError: if it is no sample.
        """
        if not isinstance(sample, Mapping) or "__key__" not in sample:
            raise UsageError("this is no sample: the stage belongs right behind WebDataset(…)")
        url = str(sample.get("__url__") or sample["__key__"])
        try:
            members = _members(sample, self.gate.verifier)
        except LimitExceeded as error:
            return (self.gate.failed(error, name=url, member=str(sample["__key__"])),)
        judged = (judge_member(url, member, self.gate.verifier) for member in members)
        return tuple(each.verdict for each in judged if not each.skipped)


def _members(sample: Sample, verifier: Verifier) -> list[Member]:
    """The files of a sample under the names that they have in the shard, each with its sidecars."""
    if strange := [ending for ending in sample if not isinstance(ending, str)]:
        raise UsageError(f"this is no sample: {strange[0]!r} is no name of a member")
    files = {
        f"{sample['__key__']}.{ending}": data
        for ending, data in sample.items()
        if not _is_about(ending, data)
    }
    for name, data in files.items():
        if not isinstance(data, _BYTES):
            raise AudioDecoded(
                f"{name} is {type(data).__name__}, no bytes: the stage belongs before .decode()"
            )
    if len(files) > ARCHIVE_SAMPLE_MEMBERS:
        raise LimitExceeded(
            f"the sample {sample['__key__']!r} is longer than {ARCHIVE_SAMPLE_MEMBERS} members"
        )
    index = SidecarIndex()
    for name, data in files.items():
        if is_sidecar(name):
            index.add(name, partial(BytesSource(data).read_at, 0))
    alone = all(map(is_sidecar, files))
    return [_member(name, data, index, verifier, alone=alone) for name, data in files.items()]


def _is_about(ending: str, data: object) -> bool:
    """Whether WebDataset has added it to the sample; a file may be called so, too."""
    return ending.startswith("__") and isinstance(data, _ABOUT)


def _member(name: str, data: bytes, index: SidecarIndex, verifier: Verifier, *, alone: bool) -> Member:
    member = Member(name, len(data), None, BytesSource(data), expects_audio=_expects_audio(name))
    if alone:
        apart = SidecarApart(f"{name}: stands apart from its track, which was judged without it")
        return replace(member, data=None, error=apart)
    if is_nested(name):
        nested = ArchiveNested(f"{name}: is an archive inside an archive, which is not opened")
        return replace(member, data=None, error=nested)
    if _packs_audio(name, data, verifier):
        packed = ArchiveNested(f"{name}: is audio in another form, which is not looked into")
        return replace(member, data=None, error=packed)
    return replace(member, sidecars=index.of(name))


def _expects_audio(name: str) -> bool:
    # Pipelines call it "audio" where shards call it by its kind.
    return expects_audio(name) or name.lower().endswith(".audio")


def _packs_audio(name: str, data: bytes, verifier: Verifier) -> bool:
    inner = name
    while inner.lower().endswith((*_COMPRESSED, *_OBJECTS)):
        inner = os.path.splitext(inner)[0]
    if inner == name or _expects_audio(inner) or is_nested(inner):
        return inner != name
    if not name.lower().endswith(".gz"):
        return False
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            head = file.read(_HEAD)
    except (OSError, EOFError, zlib.error):
        return False  # WebDataset cannot unpack it either
    return not judge_member(name, Member(name, None, None, BytesSource(head)), verifier).skipped
