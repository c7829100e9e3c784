"""Cuts and recordings of lhotse that may enter: :func:`admitted` (``noai[lhotse]``).

Before anything is exported: Shar decodes audio and encodes it anew, which leaves no mark in it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from itertools import islice
from numbers import Number
from pathlib import PurePath
from typing import Any, Final, TypeVar

import numpy as np
from lhotse import CutSet, RecordingSet, SupervisionSet
from lhotse.audio import AudioSource, Recording
from lhotse.cut import MixedCut, MonoCut, MultiCut, PaddingCut

from noai.codes import Code
from noai.corpus.remote_urls import is_remote
from noai.errors import LimitExceeded
from noai.integrations.answers import Memo, foremost
from noai.integrations.gate import Gate, why
from noai.limits import CUT_ITEMS, GATE_ANSWERS, GATE_VERDICTS
from noai.verdict import Verdict

_Manifest = TypeVar("_Manifest")
#: What makes a plain mapping a source that is not restored yet.
_SOURCE: Final = frozenset({"type", "channels", "source"})
#: What holds no source of audio.
_SCALARS: Final = (str, float, int, type(None), bytes, Number, np.generic, Enum, PurePath)
_COLLECTIONS: Final = (CutSet, RecordingSet, SupervisionSet)

_log: Final = logging.getLogger(__name__)


class Admits:
    """Whether a cut or a recording may enter: a predicate for ``filter``, which can be pickled.

    Of a cut, every source of every recording in it counts: those of all channels and of all tracks, muted
    ones too, those among its custom fields, and impulse responses. Files and URLs are judged once each as
    long as they are among the last ones, audio in memory as often as it comes. Commands, placeholders of
    Shar, cuts without a recording, and objects in custom fields that are neither lhotse's nor plain data are
    ``undecided``; a :class:`PaddingCut` is silence, and may enter. Does not raise unless ``refused`` does.

    Args:
        gate: The question; by default that of ``noai verify``.
        refused: Is called with everything that may not enter and the verdict on it; besides, it is logged.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    def __init__(
        self, gate: Gate | None = None, refused: Callable[[Any, Verdict], object] | None = None
    ) -> None:
        self._gate = gate or Gate.of()
        self._refused = refused
        self._admits = Memo(self._is_admitted, GATE_ANSWERS)
        self._judged = Memo(self._judge, GATE_VERDICTS)

    def __call__(self, item: Any) -> bool:
        verdict = self.refusal(item)
        if verdict is None:
            return True
        _log.info("%s: %s", getattr(item, "id", type(item).__name__), why(verdict))
        if self._refused is not None:
            self._refused(item, verdict)
        return False

    def refusal(self, item: Any) -> Verdict | None:
        """The verdict that keeps an item out, a denial if there is one; None if it may enter."""
        try:
            return foremost(self._verdicts(item))
        except Exception as error:  # noqa: BLE001  one item's bug must neither stop nor admit the others
            return self._gate.failed(error)

    def _verdicts(self, item: Any) -> Iterator[Verdict | None]:
        if not isinstance(item, (MixedCut, MonoCut, MultiCut, PaddingCut, Recording)):
            yield self._undecided(f"{type(item).__name__} is no cut and no recording")
        for found in _audio(item):
            yield self._undecided(found) if isinstance(found, str) else self._verdict(found)

    def _verdict(self, audio: AudioSource) -> Verdict | None:
        """None for what is admitted."""
        kind, source = audio.type, audio.source
        if kind == "memory" and isinstance(source, bytes):
            return _against(self._gate.verdict(source))
        if (
            not isinstance(source, str)
            or kind not in ("file", "url")
            or (not is_remote(source) and (kind == "url" or "://" in source))
        ):
            named = source if isinstance(source, str) else None
            return self._undecided(f"a source of the kind {kind!r} cannot be judged", named)
        # What a relative name means depends on it.
        folder = None if is_remote(source) or os.path.isabs(source) else os.getcwd()
        return None if self._admits(source, folder) else self._judged(source, folder)

    def _is_admitted(self, source: str, folder: str | None) -> bool:
        return self._judged(source, folder) is None

    def _judge(self, source: str, _folder: str | None) -> Verdict | None:
        return _against(self._gate.verdict(source))

    def _undecided(self, message: str, name: str | None = None) -> Verdict:
        return self._gate.undecided(message, Code.SOURCE_UNREADABLE, name=name)


def _against(verdict: Verdict) -> Verdict | None:
    return None if verdict.admitted else verdict


def _audio(value: Any) -> Iterator[AudioSource | str]:
    """All sources of audio in what a manifest holds, at whatever depth; of what cannot be looked into, why.

    Raises:
        LimitExceeded: if a collection has too many things.
    """
    if isinstance(value, _SCALARS):
        return
    if isinstance(value, AudioSource):
        yield value
    elif isinstance(value, Mapping):
        if value.keys() >= _SOURCE:
            yield AudioSource(value["type"], value["channels"], value["source"])
        for held in value.values():
            yield from _audio(held)
    elif is_dataclass(value) and not isinstance(value, type):
        if isinstance(value, (MonoCut, MultiCut)) and value.recording is None:
            yield f"the cut {value.id} has no recording that could be judged"
        if isinstance(value, Recording) and not value.sources:
            yield f"the recording {value.id} has no sources that could be judged"
        for each in fields(value):
            yield from _audio(getattr(value, each.name))
    elif isinstance(value, _COLLECTIONS):
        for number, held in enumerate(islice(value, CUT_ITEMS + 1)):
            if number == CUT_ITEMS:
                raise LimitExceeded(f"a collection of more than {CUT_ITEMS} things in one cut")
            yield from _audio(held)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for held in value:
            yield from _audio(held)
    else:
        yield f"what is in an object of the kind {type(value).__name__} cannot be judged"


def admitted(
    manifest: _Manifest, gate: Gate | None = None, *, refused: Callable[[Any, Verdict], object] | None = None
) -> _Manifest:
    """The cuts of a ``CutSet``, or recordings of a ``RecordingSet``, that may enter; lazily if it is lazy.

    Arguments and errors are those of :class:`Admits`.
    """
    kept: _Manifest = manifest.filter(Admits(gate, refused))  # type: ignore[attr-defined]
    return kept
