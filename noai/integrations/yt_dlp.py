"""yt-dlp: what was downloaded is judged before anything else is done to it (``noai[yt-dlp]``).

:class:`NoaiPP` is what ``--use-postprocessor Noai`` finds; ``yt_dlp_plugins`` beside this package names it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import Any, Final

from yt_dlp.downloader import FFmpegFD, get_suitable_downloader
from yt_dlp.postprocessor.common import PostProcessor
from yt_dlp.utils import UnavailableVideoError

from noai.claim import TRAINING_USES
from noai.codes import Code
from noai.integrations.gate import Gate, why
from noai.policy import Admission
from noai.report import Depth
from noai.verdict import Verdict

#: Where yt-dlp keeps the post-processors of its own for one download: they run before anybody else's.
_OWN: Final = "__postprocessors"
_JUDGED: Final = "__noai_judged"


class NotAdmitted(UnavailableVideoError):  # type: ignore[misc]
    """A download may not enter.

    It is no ``PostProcessingError``, after which yt-dlp, told to ignore errors, goes on with the file.
    """

    msg = "noai does not admit this download"


class NoaiPP(PostProcessor):  # type: ignore[misc]
    """Judges each downloaded file before it is merged, fixed, converted or moved, whatever its ``when`` is.

    What is not admitted is deleted, and the download fails. A file that was there before this run is refused
    as well, and stays: it may be the user's own.

    Args:
        policy: ``opt-out`` or ``opt-in``.
        uses: Uses that are asked about, separated by commas.
        depth: ``decision`` or ``evidence``.
        gate: In place of these.

    Raises:
        UsageError: for words that mean nothing.
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    def __init__(
        self,
        downloader: Any = None,
        policy: str = Admission.OPT_OUT.value,
        uses: str = ",".join(TRAINING_USES),
        depth: str = Depth.DECISION.value,
        gate: Gate | None = None,
    ) -> None:
        self._gate = gate or Gate.in_words(policy, uses.split(","), depth)
        super().__init__(downloader)

    def set_downloader(self, downloader: Any) -> None:
        """Put the check in front of every download of ``downloader``, once."""
        is_new = downloader is not None and downloader is not self._downloader
        super().set_downloader(downloader)
        if is_new:
            downloader.add_post_processor(_Arranging(self), when="before_dl")

    def run(self, info: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        """
        Raises:
            NotAdmitted: if a file of the download may not enter.
        """
        judged = info.get(_JUDGED, ())
        if "filepath" not in info or id(self) in judged:
            return [], info
        files = list(_files(info))
        for path in files:
            verdict = self._verdict(path, info)
            if not verdict.admitted:
                self._remove(files, info)
                raise NotAdmitted(why(verdict))
        # Another of this class may ask another question.
        info[_JUDGED] = (*judged, id(self))
        return [], info

    def _verdict(self, path: str, info: dict[str, Any]) -> Verdict:
        if info.get("__real_download") and _is_remade(info, self._downloader):
            message = "written by ffmpeg, which does not keep all that the original says"
            return self._gate.undecided(message, Code.SOURCE_UNREADABLE, name=path)
        return self._gate.verdict(os.path.abspath(path))

    def _remove(self, files: Iterable[str], info: dict[str, Any]) -> None:
        if not info.get("__real_download"):
            self.report_warning("the file was there before, and was not deleted")
            return
        for path in files:
            self.to_screen(f"Deleting {path}")
            with contextlib.suppress(FileNotFoundError):
                os.remove(path)


class _Arranging(PostProcessor):  # type: ignore[misc]
    """Puts the check in front of what yt-dlp itself does to a download: merging and fixing lose tags."""

    def __init__(self, check: NoaiPP) -> None:
        super().__init__()
        self._check = check

    def run(self, info: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        if info.get("_filename") == "-":
            raise NotAdmitted("what goes to standard output is gone before it can be judged")
        info.pop(_JUDGED, None)
        info[_OWN] = [self._check, *info.get(_OWN, ())]
        return [], info


def _files(info: dict[str, Any]) -> Iterator[str]:
    """What was downloaded: one file, or one for each format that is merged or kept beside others."""
    parts = [form["filepath"] for form in info.get("requested_formats") or () if form.get("filepath")]
    yield from parts or [info["filepath"]]


def _is_remade(info: dict[str, Any], downloader: Any) -> bool:
    """Whether the bytes of the download are not those that the site sent."""
    whole = {name: value for name, value in info.items() if name != "requested_formats"}
    forms: list[dict[str, Any]] = info.get("requested_formats") or [{}]
    parts = [{**whole, **form} for form in forms]
    return any(get_suitable_downloader(part, downloader.params) is FFmpegFD for part in parts)
