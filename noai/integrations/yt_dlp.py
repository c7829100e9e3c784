"""yt-dlp: what was downloaded is judged before anything else is done to it (``noai[yt-dlp]``).

:class:`NoaiPP` is what ``--use-postprocessor Noai`` finds; ``yt_dlp_plugins`` beside this package names it.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any, Final

from yt_dlp.postprocessor.common import PostProcessor
from yt_dlp.utils import UnavailableVideoError

from noai.claim import TRAINING_USES
from noai.codes import Code
from noai.integrations.gate import Gate, why
from noai.integrations.yt_dlp_files import Files, downloaded, with_fragments
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

    What is not admitted is deleted, and the download fails. A file that was there before this download is
    refused as well, and stays: it may be the user's own.

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
        self._files: Files | None = None
        super().__init__(downloader)

    def set_downloader(self, downloader: Any) -> None:
        """Put the check around every download of ``downloader``, once."""
        is_new = downloader is not None and downloader is not self._downloader
        super().set_downloader(downloader)
        if is_new:
            downloader.add_progress_hook(self._note)
            # yt-dlp gives up the post-processors of a stage at the first that fails, and goes on to the next
            # stage: so this one comes first.
            downloader._pps["before_dl"].insert(0, _Arranging(self, downloader))
            downloader._pps["after_move"].insert(0, self)

    def run(self, info: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        """Refuse what nobody has judged; the check itself came before, when the file was as the site sent it.

        Raises:
            NotAdmitted: if there is a file that was not judged.
        """
        is_downloaded = "filepath" in info and not self.get_param("skip_download")
        if is_downloaded and id(self) not in info.get(_JUDGED, ()):
            verdict = self._gate.undecided("nobody judged it as it came", name=info["filepath"])
            self._refuse(verdict, info)
        return [], info

    def begin(self, files: Files) -> None:
        """Told of a download that begins."""
        self._files = files

    def judge(self, info: dict[str, Any]) -> None:
        """
        Raises:
            NotAdmitted: if a file of the download may not enter.
        """
        for path in downloaded(info):
            verdict = self._verdict(path, info)
            if not verdict.admitted:
                self._refuse(verdict, info)
        # Another of this class may ask another question.
        info[_JUDGED] = (*info.get(_JUDGED, ()), id(self))

    def _note(self, status: dict[str, Any]) -> None:
        if self._files is not None:
            self._files.note(status)

    def _verdict(self, path: str, info: dict[str, Any]) -> Verdict:
        if info.get("__real_download") and not (self._files and self._files.are_copies(info)):
            message = "not written as the site sent it, so that what the original says may be lost"
            return self._gate.undecided(message, Code.SOURCE_UNREADABLE, name=path)
        return self._gate.verdict(os.path.abspath(path))

    def _refuse(self, verdict: Verdict, info: dict[str, Any]) -> None:
        for path in with_fragments({*downloaded(info), info["filepath"]}):
            if self._files is None or self._files.was_there(path):
                self.report_warning(f"{path}: was there before, and was not deleted")
            elif os.path.exists(path):
                self.to_screen(f"Deleting {path}")
                with contextlib.suppress(FileNotFoundError):
                    os.remove(path)
        raise NotAdmitted(why(verdict))


class _Arranging(PostProcessor):  # type: ignore[misc]
    """Puts the check in front of what yt-dlp itself does to a download: merging and fixing lose tags."""

    def __init__(self, check: NoaiPP, downloader: Any) -> None:
        super().__init__(downloader)
        self._check = check

    def run(self, info: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        if info.get("_filename") == "-":
            raise NotAdmitted("what goes to standard output is gone before it can be judged")
        # What is left out may have said no.
        self._downloader.params["skip_unavailable_fragments"] = False
        self._check.begin(Files(self._downloader, info))
        info.pop(_JUDGED, None)
        info[_OWN] = [_First(self._check), *info.get(_OWN, ())]
        return [], info


class _First(PostProcessor):  # type: ignore[misc]
    """The check itself, which has one place only: before anything else is done to a file."""

    def __init__(self, check: NoaiPP) -> None:
        super().__init__()
        self._check = check

    def run(self, info: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
        self._check.judge(info)
        return [], info
