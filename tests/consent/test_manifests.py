"""Grants beside C2PA: the artist's own manifest goes with them, nobody else's does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from noai.claim import Claim, Permission, Use
from noai.codes import Code
from noai.consent import Scope
from noai.marking import mark
from noai.trust import May, TrustList
from noai.verdict import Decision
from tests.consent.studio import ARTIST, LABEL, Ingest, codes, essence, grant, marked, on
from tests.manifests import live_signer, media_type, resigned
from tests.signers import Cert, authority, signer, trusting
from tests.tracks import plant, unmarked

ALLOWING = Claim(dict.fromkeys(Use, Permission.ALLOWED))


@pytest.mark.parametrize("track", ["tune.mp3", "tune.flac", "tune.wav", "tune.m4a"])
def test_somebody_elses_edit_stays_closed_whatever_they_allow(track: str) -> None:
    """Denied by the artist, edited and signed again with a permission by somebody whom the ingest trusts."""
    artist = live_signer()
    other = signer(leaf=Cert("editor", "es256-editor"), root=authority("editor root", "es256-editor-root"))
    denied = mark(unmarked(track), signer=artist)
    edited = resigned(denied, media_type(Path(track)), ALLOWING, other)
    trust = TrustList((*trusting(artist.chain, May.GRANT).entries, *trusting(other.chain, *May).entries))
    for ingest in (Ingest(trust=trust), Ingest(trust=trusting(other.chain, *May))):
        assert ingest.judge(edited).decision is Decision.REJECTED
        assert ingest.judge(plant(edited, [])).decision is Decision.REJECTED


@pytest.mark.parametrize("scope", ["tracks", "all"])
def test_a_manifest_without_its_marker(scope: str) -> None:
    """A manifest says neither when it was made, to be relied on, nor which ISRC: only tracks name it."""
    data = marked("tune.wav", c2pa=True)
    granted = on("tune.wav") if scope == "tracks" else Scope(everything=True)
    alone = Ingest().judge(plant(data, []), grant(scope=granted))
    assert alone.decision is Decision.REJECTED  # its hash is of the file with the marker
    assert codes(alone) & {Code.GRANT_MARKER, Code.COMPANION_ALONE}


def test_a_grant_by_the_editor_opens_nothing_of_the_artists() -> None:
    data = marked(c2pa=True)
    trust = TrustList((*trusting(ARTIST.chain).entries, *trusting(LABEL.chain, *May).entries))
    granted = grant(LABEL, scope=Scope(tracks=frozenset({essence(data)})))
    verdict = replace(Ingest(), trust=trust).judge(data, granted)
    assert verdict.decision is Decision.REJECTED
    assert Code.GRANT_OTHER_IDENTITY in codes(verdict)
