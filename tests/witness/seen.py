"""What a verifier that knows the artist sees in a retagged file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import noai
from tests.witness.retaggers import Outcome


@dataclass(frozen=True)
class Seen:
    verdict: noai.Verdict
    outcome: Outcome


def look(path: Path, artist: noai.Identity) -> Seen:
    verdict = noai.verify(path, trust=noai.TrustList((artist.as_trust(),)))
    markers = [finding for finding in verdict.signals if finding.source == "marker"]
    if markers:
        # A marker that is there has to hold: anything else would be damage by the tool.
        (marker,) = markers
        checks = (marker.signature, marker.signer, marker.binding)
        assert checks == (noai.Check.PASS,) * 3, str(verdict)
        return Seen(verdict, Outcome.HOLDS)
    if any(finding.denies for finding in verdict.signals):
        return Seen(verdict, Outcome.STATEMENT)
    return Seen(verdict, Outcome.LOST)
