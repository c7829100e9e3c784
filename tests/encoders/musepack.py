"""Musepack by mpcenc (stream version 8), and version 7 by :mod:`tests.encoders.musepack7_stream`."""

from __future__ import annotations

from pathlib import Path

from tests.audio import NAMES, Materials, recipe, run
from tests.encoders.ape_tags import add_cover, add_tags
from tests.encoders.musepack7_stream import stream


def _mpcenc(wav: Path, out: Path, *options: str) -> None:
    run("mpcenc", "--silent", "--overwrite", *options, wav, out)


@recipe("musepack", "plain", "mpc")
def _(m: Materials, out: Path) -> None:
    _mpcenc(m.clip, out)


@recipe("musepack", "long", "mpc")
def _(m: Materials, out: Path) -> None:
    _mpcenc(m.long, out, "--title", "Long")


@recipe("musepack", "tagged", "mpc")
def _(m: Materials, out: Path) -> None:
    _mpcenc(m.clip, out)
    add_tags(out)


@recipe("musepack", "own-tags", "mpc")
def _(m: Materials, out: Path) -> None:
    """As mpcenc itself writes tags; a packet for each frame."""
    _mpcenc(m.clip, out, "--num_frames", "1", "--comment", "by mpcenc", "--artist", NAMES["artist"])


@recipe("musepack", "cover", "mpc")
def _(m: Materials, out: Path) -> None:
    _mpcenc(m.clip, out, "--radio")
    add_cover(out, m)


@recipe("musepack", "gain", "mpc")
def _(m: Materials, out: Path) -> None:
    """Loudness in the stream itself."""
    _mpcenc(m.clip, out)
    run("mpcgain", out)


@recipe("musepack", "chapters", "mpc")
def _(m: Materials, out: Path) -> None:
    _mpcenc(m.clip, out)
    sheet = out.with_suffix(".ini")
    sheet.write_text("[0]\ntitle=One\ncomment=in a chapter\n[44100]\ntitle=Two\n")
    run("mpcchap", out, sheet)


@recipe("musepack", "from-sv7", "mpc")
def _(m: Materials, out: Path) -> None:
    seven = out.with_name("seven.mpc")
    seven.write_bytes(stream(50))
    run("mpc2sv8", seven, out)


@recipe("musepack-sv7", "plain", "mpc", name="musepack")
def _(m: Materials, out: Path) -> None:
    out.write_bytes(stream(77))


@recipe("musepack-sv7", "tagged", "mpc", name="musepack")
def _(m: Materials, out: Path) -> None:
    out.write_bytes(stream(77))
    add_tags(out)


@recipe("musepack-sv7", "id3", "mpc", name="musepack")
def _(m: Materials, out: Path) -> None:
    out.write_bytes(stream(20))
    run("id3v2", "--song", "Above", "--comment", "c:remark:eng", out)
