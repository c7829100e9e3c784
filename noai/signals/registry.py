"""The vocabularies that noai reads in a file."""

from __future__ import annotations

from typing import Final

from noai.report import Finding
from noai.signals.aipref import AiPrefReader
from noai.signals.c2pa import C2paReader
from noai.signals.interface import Evidence, SignalReader
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


def read_all(evidence: Evidence) -> tuple[Finding, ...]:
    """What every reader finds, in the order of :data:`READERS`.

    All of them are called before the first is waited for, so that one can hash the audio while another
    hashes the file.
    """
    with evidence:
        found = [reader.read(evidence) for reader in READERS]
        return tuple(finding for findings in found for finding in findings)
