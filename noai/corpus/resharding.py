"""Writing an archive anew without what is not admitted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from noai.codes import Code
from noai.corpus.archives.interface import Sample
from noai.corpus.archives.judging import judge_member, require_unchanged, unreadable
from noai.corpus.archives.registry import Opened, open_archive
from noai.corpus.judging import Judged
from noai.corpus.placing import new_file
from noai.errors import DestinationExists, NoaiError
from noai.verdict import Reason
from noai.verifying import Verifier


def filter_archive(path: str, destination: Path, verifier: Verifier) -> Iterator[Judged]:
    """Write the archive at ``path`` to ``destination``, without each sample of which a track is not admitted.

    What is kept stands there as in the original: members of tar and zip with the blocks around them byte by
    byte, rows of Parquet in their row groups. What is no audio is kept with its sample. Yields the verdicts
    on the members; a track that is admitted, and goes because another one of its sample is not, is not
    ``admitted``, with the reason ``sample_rejected``.

    Where the archive cannot be read on, what came before is kept, and the last verdict is ``undecided``
    and on the archive itself. If it cannot be opened, or changed meanwhile, nothing is written.

    Raises:
        DestinationExists: if something stands there already.
        TrustError, KeyFileError: if the verifier's trust list cannot be read.
        OSError: if the destination cannot be written.
    """
    verifier = replace(verifier, trust=verifier.trust_list)
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(open_archive(path))
        except Exception as error:  # noqa: BLE001  one archive's bug must neither stop nor admit the others
            yield unreadable(path, error, verifier)
            return
        destination.parent.mkdir(parents=True, exist_ok=True)
        if destination.exists():
            raise DestinationExists(f"{destination}: exists already")
        new = stack.enter_context(new_file(destination))
        try:
            copier = opened.archive.copier(new.file)
        except NoaiError as error:
            yield unreadable(path, error, verifier)
            return
        stack.callback(copier.discard)
        reading = _Reading(path, opened, verifier)
        try:
            for sample, judgements in reading.samples():
                gone = _gone(sample, judgements)
                left = sample.without(gone) if gone else sample
                if left is not None:
                    copier.keep(left)
                for position, each in enumerate(judgements):
                    yield _with_its_sample(each) if position in gone else each
            copier.close()
            require_unchanged(path, opened)
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001  one archive's bug must neither stop nor admit the others
            yield unreadable(path, error, verifier)
            return
        new.publish()
        if reading.failure is not None:
            yield unreadable(path, reading.failure, verifier)


class _Reading:
    """The samples of an archive with their verdicts, up to where it can be read."""

    def __init__(self, path: str, opened: Opened, verifier: Verifier) -> None:
        self._path = path
        self._opened = opened
        self._verifier = verifier
        #: Why it could not be read to its end.
        self.failure: Exception | None = None

    def samples(self) -> Iterator[tuple[Sample, list[Judged]]]:
        samples = self._opened.archive.samples()
        while True:
            try:
                sample = next(samples, None)
            except Exception as error:  # noqa: BLE001  what was read before counts
                self.failure = error
                return
            if sample is None:
                return
            yield sample, [judge_member(self._path, member, self._verifier) for member in sample.members]


def _gone(sample: Sample, judgements: list[Judged]) -> set[int]:
    """The positions of members that are left out: a sample goes as a whole, what stands apart does not."""
    refused = {position for position, each in enumerate(judgements) if not (each.admitted or each.skipped)}
    bound = {position for position, member in enumerate(sample.members) if not member.is_apart}
    return refused | bound if refused & bound else refused


def _with_its_sample(judged: Judged) -> Judged:
    """The verdict on a member of a sample that is left out."""
    if not judged.admitted:
        return judged
    reason = Reason(Code.SAMPLE_REJECTED, None, Code.SAMPLE_REJECTED.meaning)
    reasons = (*judged.verdict.reasons, reason)
    return replace(judged, verdict=replace(judged.verdict, admitted=False, reasons=reasons))
