"""Where yt-dlp looks for ``--use-postprocessor Noai``: a namespace package that all its plugins share."""

from __future__ import annotations

from noai.integrations.yt_dlp import NoaiPP as _NoaiPP


class NoaiPP(_NoaiPP):
    """See :class:`noai.integrations.yt_dlp.NoaiPP`; yt-dlp only takes classes that are defined here."""
