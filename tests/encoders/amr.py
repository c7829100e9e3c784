"""AMR by sox, which has the only encoders that Debian ships with a command line."""

from __future__ import annotations

from pathlib import Path

from tests.audio import Materials, recipe, run


@recipe("amr", "plain", "amr")
def _(m: Materials, out: Path) -> None:
    run("sox", m.clip, "-r", "8000", "-c", "1", "-t", "amr-nb", out)


@recipe("amr", "tagged", "amr")
def _(m: Materials, out: Path) -> None:
    """There is no place for tags: sox drops what it is given. In the smallest mode."""
    run("sox", m.clip, "-r", "8000", "-c", "1", "-C", "0", "--comment", "lost", "-t", "amr-nb", out)


@recipe("amr", "wide", "awb")
def _(m: Materials, out: Path) -> None:
    """AMR-WB, which no encoder here makes: frames of 12.65 kbit/s, of comfort noise and of no data."""
    bits = m.clip.read_bytes()[-4000:]
    speech = b"".join(b"\x14" + bits[at : at + 32] for at in range(0, 3200, 32))
    out.write_bytes(b"#!AMR-WB\n" + speech + b"\x4c" + bits[:5] + b"\x7c" + speech)
