"""What schemathesis sends as files: audio among all the rest, so that it sees what becomes of it."""

import schemathesis
from hypothesis import strategies
from schemathesis.transport.serialization import Binary

from tests.audio import SAMPLES

AUDIO = [(SAMPLES / "unmarked" / name).read_bytes() for name in ("tune.mp3", "tune.opus")]

schemathesis.openapi.format(
    "binary", strategies.one_of(strategies.sampled_from(AUDIO), strategies.binary(min_size=1)).map(Binary)
)
