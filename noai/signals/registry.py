"""The vocabularies that noai reads in a file."""

from __future__ import annotations

from typing import Final

from noai.signals.aipref import AiPrefReader
from noai.signals.c2pa import C2paReader
from noai.signals.interface import SignalReader
from noai.signals.marker import MarkerReader
from noai.signals.statement import StatementReader
from noai.signals.tag import TagReader
from noai.signals.tdmrep import TdmRepReader
from noai.signals.xmp import XmpReader

#: In the order in which findings are listed: what is signed comes first.
READERS: Final[tuple[SignalReader, ...]] = (
    MarkerReader(),
    C2paReader(),
    XmpReader(),
    TdmRepReader(),
    TagReader(),
    StatementReader(),
    AiPrefReader(),
)
