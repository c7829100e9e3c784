"""Who reads audio files, and how each is called for one file."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import c2pa
import mutagen
import tinytag

import noai
from noai import corpus

HEAD = 4096
BLOCK = 1 << 20

#: An evaluator of files logs every file without a manifest as an error.
logging.disable(logging.CRITICAL)

NOBODY = noai.TrustList()
DECISION = noai.Verifier(trust=NOBODY, depth=noai.Depth.DECISION)
EVIDENCE = noai.Verifier(trust=NOBODY, depth=noai.Depth.EVIDENCE)


def _evaluator() -> Any:
    """An evaluator of files. Importing it prints that an API key is missing, which files do not need."""
    with contextlib.redirect_stdout(io.StringIO()):
        from datadiligence.evaluators import FileEvaluator

        return FileEvaluator()


_EVALUATOR = _evaluator()


def floor(path: str) -> None:
    """Nobody can look into a file for less."""
    descriptor = os.open(path, os.O_RDONLY)
    os.pread(descriptor, HEAD, 0)
    os.close(descriptor)


def sha256(path: str) -> None:
    """Nobody can tell for less whether any byte of a file changed."""
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    digest.digest()


def c2pa_reader(path: str) -> object:
    try:
        return c2pa.Reader.try_create(path)
    except c2pa.C2paError:
        return None  # a container that it does not know


def datadiligence(path: str) -> bool:
    return bool(_EVALUATOR.is_allowed(path=path))


FLOOR, MUTAGEN, SHA256 = "open + pread + close", "mutagen.File", "SHA-256"
VERIFY, VERIFY_EVIDENCE = "noai, Verifier.verify, decision", "noai, Verifier.verify, evidence"

#: Those that look at tags, by their work on one path.
READERS: dict[str, Callable[[str], object]] = {
    FLOOR: floor,
    VERIFY: DECISION.verify,
    "tinytag": tinytag.TinyTag.get,
    MUTAGEN: mutagen.File,
    "c2pa.Reader": c2pa_reader,
    "datadiligence": datadiligence,
}
#: Those that look at every byte.
HASHERS: dict[str, Callable[[str], object]] = {SHA256: sha256, VERIFY_EVIDENCE: EVIDENCE.verify}


def scanned(root: Path, depth: noai.Depth = noai.Depth.DECISION, jobs: int = 1) -> Iterable[noai.Verdict]:
    """The verdicts on a folder."""
    return corpus.scan([str(root)], trust=NOBODY, depth=depth, jobs=jobs)


def can_scan() -> bool:
    return hasattr(corpus, "scan")
