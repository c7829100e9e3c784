"""The marked and the tampered samples, made from the unmarked ones by noai and by its enemies."""

from __future__ import annotations

import json
import shutil
import tempfile
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final

import forge
import mutagen.id3
from cryptography.hazmat.primitives.serialization import Encoding

import noai
from noai.algorithms import Algorithm

RIGHTS: Final = noai.Rights(holder="The Demonstrators", contact="rights@example.org")

#: What ``noai verify`` has to say to each sample, given the artist's root as a trusted identity:
#: the decision and a code that must be among those of its reasons or signals.
EXPECTED: Final[dict[str, tuple[str, str]]] = {
    "unmarked/*": ("unreserved", "nothing_found"),
    "marked/*": ("rejected", "signer_trusted"),
    "tampered/moved.mp3": ("rejected", "essence_mismatch"),
    "tampered/flipped.mp3": ("rejected", "essence_mismatch"),
    "tampered/flipped.opus": ("rejected", "essence_mismatch"),
    "tampered/payload-edited.mp3": ("rejected", "signature_invalid"),
    "tampered/allowed-swapped.mp3": ("undecided", "signature_invalid"),
    "tampered/alg-none.mp3": ("undecided", "alg_refused"),
    "tampered/hs256.mp3": ("undecided", "alg_refused"),
    "tampered/kid-mismatch.mp3": ("rejected", "kid_mismatch"),
    "tampered/allowed-by-stranger.mp3": ("unreserved", "permission_unknown_signer"),
}


def make_marked(here: Path) -> None:
    """``marked/``, ``tampered/``, the artist's public root, and what verifying them has to say.

    The artist's key exists only while this runs.
    """
    for folder in ("marked", "tampered"):
        shutil.rmtree(here / folder, ignore_errors=True)
        (here / folder).mkdir()
    now = datetime.now(timezone.utc).replace(microsecond=0)
    with tempfile.TemporaryDirectory() as scratch:
        store = noai.IdentityStore(Path(scratch))
        artist = store.create("demo-artist", Algorithm.ES256, now)
        stranger = store.create("stranger", Algorithm.ES256, now)
        (here / "demo-artist.pem").write_bytes(artist.root.public_bytes(Encoding.PEM))
        for source in sorted((here / "unmarked").glob("tune*")):
            noai.mark(source, here / "marked" / source.name, signer=artist.signer(), rights=RIGHTS, now=now)
        _tamper(here, artist.signer(), stranger.signer(), now)
    expected = {
        # A permission counts only while fresh, so the samples carry the clock to judge them by.
        "now": (now + timedelta(hours=1)).isoformat(),
        "trust": "demo-artist.pem",
        "files": {name: {"decision": decision, "code": code} for name, (decision, code) in EXPECTED.items()},
    }
    (here / "expected.json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")


def _tamper(here: Path, artist: noai.Signer, stranger: noai.Signer, now: datetime) -> None:
    """Each attack on a file that was never marked, so that no statement or XMP helps."""
    tampered, waltz = here / "tampered", here / "unmarked" / "waltz.mp3"
    token = _token(noai.mark(waltz.read_bytes(), signer=artist, rights=RIGHTS, c2pa=False, now=now))
    foreign = _token(noai.mark(waltz.read_bytes(), signer=stranger, c2pa=False, now=now))
    _plant(_token((here / "marked" / "tune.mp3").read_bytes()), waltz, tampered / "moved.mp3")
    for name, forged in (
        ("payload-edited.mp3", forge.with_payload(token, b"rights@example.org", b"thief@example.org")),
        ("allowed-swapped.mp3", forge.with_allowed(token)),
        ("alg-none.mp3", forge.with_alg_none(token)),
        ("hs256.mp3", forge.with_hs256(token)),
        ("kid-mismatch.mp3", forge.with_chain_of(token, foreign)),
    ):
        _plant(forged, waltz, tampered / name)
    allowing = noai.mark(waltz.read_bytes(), signer=stranger, allow=noai.Use, c2pa=False, now=now)
    (tampered / "allowed-by-stranger.mp3").write_bytes(allowing)
    marked_waltz = noai.mark(waltz.read_bytes(), signer=artist, rights=RIGHTS, c2pa=False, now=now)
    (tampered / "flipped.mp3").write_bytes(_flipped(marked_waltz))
    (tampered / "flipped.opus").write_bytes(_flipped((here / "marked" / "tune.opus").read_bytes()))


def _token(marked: bytes) -> str:
    (value,) = (
        finding.value
        for finding in noai.verify(marked, trust=noai.TrustList()).signals
        if finding.source == "marker" and finding.value is not None
    )
    return value


def _plant(token: str, source: Path, destination: Path) -> None:
    """Put a token into a copy of ``source`` with an ordinary tagger."""
    shutil.copyfile(source, destination)
    tags = mutagen.id3.ID3(destination)
    tags.add(mutagen.id3.TXXX(encoding=mutagen.id3.Encoding.LATIN1, desc="NOAI", text=[token]))
    tags.save(destination, v1=0, v2_version=3)


def _flipped(data: bytes) -> bytes:
    """``data`` with one bit changed in the middle of its audio."""
    middle = len(data) * 2 // 3
    return data[:middle] + bytes([data[middle] ^ 0x10]) + data[middle + 1 :]
