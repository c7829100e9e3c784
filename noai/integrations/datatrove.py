"""datatrove: a filter that keeps documents whose audio may enter (``noai[datatrove]``)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from typing import Final

from datatrove.data import Document, Media, MediaType
from datatrove.pipeline.filters.base_filter import BaseFilter
from datatrove.pipeline.writers.disk_base import DiskWriter

from noai.codes import Code
from noai.corpus.archives.samples import expects_audio
from noai.corpus.judging import NOT_AUDIO
from noai.integrations.gate import Gate, why
from noai.text import printable
from noai.verdict import Verdict

#: Media that are no audio, if neither content nor name says that they are.
_OTHER: Final = (MediaType.IMAGE, MediaType.DOCUMENT)
#: Where a document that goes says why, beside datatrove's own ``filter_reason``.
WHY: Final = "noai_why"
_log: Final = logging.getLogger(__name__)


class AdmittedFilter(BaseFilter):  # type: ignore[misc]
    """Keeps a document if all of its audio is admitted.

    Its audio is the file that its metadata names, and its media. A document without any is ``undecided``:
    somebody expected audio in it.

    What goes has ``filter_reason`` in its metadata, the decision and the code of its first reason, which
    datatrove counts too, and ``noai_why``, a line for people.

    Args:
        gate: The question; as :meth:`Gate.of` has it by default.
        path_key: The member of the metadata that names a file or URL; None if only media count.
        exclusion_writer: Takes what goes, as for every filter.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    name = "🎼 noai"

    def __init__(
        self,
        gate: Gate | None = None,
        *,
        path_key: str | None = "path",
        exclusion_writer: DiskWriter | None = None,
    ) -> None:
        super().__init__(exclusion_writer)
        self.gate = Gate.of() if gate is None else gate
        self.path_key = path_key

    def filter(self, doc: Document) -> bool | tuple[bool, str]:
        """Whether to keep ``doc``, or not and why. Does not raise on anything that it holds."""
        for verdict in self.verdicts(doc):
            if not verdict.admitted:
                said = why(verdict)
                _log.info("%s: %s", printable(str(doc.id)), said)
                if not isinstance(doc.metadata, dict):
                    doc.metadata = {}
                doc.metadata[WHY] = said
                codes = [reason.code.value for reason in verdict.reasons[:1]]
                return False, "_".join(["noai", verdict.decision.value, *codes])
        return True

    def verdicts(self, doc: Document) -> Iterator[Verdict]:
        """The verdicts on the audio of ``doc``, at least one."""
        metadata = doc.metadata if isinstance(doc.metadata, dict) else {}
        is_judged = self.path_key is not None and self.path_key in metadata
        if is_judged:
            yield self._named(metadata[self.path_key])
        for media in doc.media or ():
            verdict = self._held(media)
            if verdict is not None:
                is_judged = True
                yield verdict
        if not is_judged:
            yield self.gate.undecided("the document names no audio and has none", Code.SOURCE_MISSING)

    def _named(self, path: object) -> Verdict:
        if not isinstance(path, (str, os.PathLike)):
            return self.gate.undecided("what should name the audio names no file", Code.SOURCE_MISSING)
        return self.gate.verdict(path)

    def _held(self, media: object) -> Verdict | None:
        """The verdict on one of the media; None for one that is no audio."""
        if not isinstance(media, Media):
            return self.gate.undecided(f"{type(media).__name__} is none of datatrove's media")
        names = [name for name in (media.url, media.path) if isinstance(name, str)]
        name = names[0] if names else None
        is_other = media.type in _OTHER and not any(map(expects_audio, names))
        data = media.media_bytes
        if data is None and is_other and not media.path:
            return None
        if isinstance(media.metadata, dict) and "reason" in media.metadata:
            # HTTPFetchReader hands on what it has where a limit or an error ends it, and the reason with it.
            return self.gate.undecided("it was not fetched to its end", name=name)
        if isinstance(data, (bytes, bytearray, memoryview)):
            verdict = self.gate.verdict(data, name=name)
        elif data is None and media.path and media.offset is None:
            verdict = self._named(media.path)
        else:
            return self.gate.undecided("its bytes were not read before", Code.SOURCE_MISSING, name=name)
        error = verdict.report.error
        return None if is_other and error is not None and error.code in NOT_AUDIO else verdict
