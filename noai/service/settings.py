"""Everything that a service is told when it starts."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from noai import signing
from noai.corpus.workers import usable_cores
from noai.errors import UsageError
from noai.integrations.gate import Gate
from noai.limits import (
    SERVICE_IDLE_SECONDS,
    SERVICE_JUDGE_SECONDS,
    SERVICE_REQUESTS,
    SERVICE_STOP_SECONDS,
    SERVICE_TOKEN_CHARS,
    SERVICE_UPLOAD_SECONDS,
    UPLOAD_BYTES,
)
from noai.report import Depth
from noai.signing import Signer, check_signer

#: What a header can carry behind ``Bearer``, and a little more: printable, without spaces.
_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_ROOT_PATH: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*")


@dataclass(frozen=True)
class Pace:
    """How slow a client may be, and the work for it, in seconds."""

    #: For a whole upload, and for a whole download.
    upload: float = SERVICE_UPLOAD_SECONDS
    #: For the head of a request, and between two pieces of what is sent or read.
    idle: float = SERVICE_IDLE_SECONDS
    #: How long a server that stops waits for what runs.
    stop: int = SERVICE_STOP_SECONDS
    #: For judging or marking one upload, once its turn has come.
    judge: float = SERVICE_JUDGE_SECONDS


@dataclass(frozen=True)
class Marking:
    """Who signs, and for whom: whoever has the token, of which only a digest is kept."""

    signer: Signer
    digest: bytes = field(repr=False)

    @classmethod
    def of(cls, signer: Signer, token: str) -> Marking:
        """
        Raises:
            UsageError: for a token that can be guessed, or that no header can carry.
            SigningError: if the signer's marks could never pass.
        """
        if not _TOKEN.fullmatch(token):
            raise UsageError("a token has letters, digits and signs of ASCII, and no spaces")
        if len(token) < SERVICE_TOKEN_CHARS:
            raise UsageError(f"a token of fewer than {SERVICE_TOKEN_CHARS} characters can be guessed")
        check_signer(signer, signing.now())
        return cls(signer, _digest(token))

    def admits(self, token: str) -> bool:
        """Whether this is the token; in the same time whatever it is."""
        return hmac.compare_digest(self.digest, _digest(token))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


@dataclass(frozen=True)
class Settings:
    """What a service does, for whom, and how much of it at a time.

    ``gate`` is the question where a request does not say otherwise; None: :meth:`Gate.of` at evidence depth.

    Raises:
        UsageError: for a path that cannot stand in front of addresses.
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    gate: Gate | None = None
    #: None: it only checks.
    marking: Marking | None = None
    #: Bytes of one upload.
    max_bytes: int = UPLOAD_BYTES
    #: Uploads that are judged or marked at a time, each in a thread.
    workers: int = field(default_factory=usable_cores)
    #: Uploads that are received, waiting, in work or sent back at a time.
    requests: int = SERVICE_REQUESTS
    pace: Pace = field(default_factory=Pace)
    #: Names of hosts under which it answers, beside those of this machine.
    hosts: tuple[str, ...] = ()
    #: What a proxy takes off the addresses that it passes on.
    root_path: str = ""

    def __post_init__(self) -> None:
        if not _ROOT_PATH.fullmatch(self.root_path):
            raise UsageError(f"{self.root_path!r} is no path such as /noai")
        object.__setattr__(self, "hosts", tuple(host.lower().rstrip(".") for host in self.hosts))
        object.__setattr__(self, "gate", self.gate or Gate.of(depth=Depth.EVIDENCE))

    @property
    def question(self) -> Gate:
        """The gate, which is there."""
        assert self.gate is not None
        return self.gate
