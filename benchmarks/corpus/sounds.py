"""Music, covers and encodings: what is made once, and shared by many base files.

Two synthetic pieces over noise that swells and fades, so that encoders find about as much in them as in
recorded music. ``{wav}`` and ``{out}`` in a command are the paths; everything is bit-exact on one machine.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "sample_audio"))

import tune

WORKERS = 2


@dataclass(frozen=True)
class Encoding:
    """A track as an encoder writes it, without tags of a listener."""

    name: str
    suffix: str
    #: Which piece, how long, and how loud the noise over it is.
    piece: str
    seconds: int
    noise: float
    command: str


FFMPEG = "ffmpeg -v error -y -i {wav} -fflags +bitexact -flags:a +bitexact -map_metadata -1"
LAME = "lame --quiet"

MP3 = (
    Encoding("mp3-320", ".mp3", "tune", 205, 0.3, LAME + " -b 320 {wav} {out}"),
    Encoding("mp3-256", ".mp3", "waltz", 242, 0.3, LAME + " -b 256 {wav} {out}"),
    Encoding("mp3-192", ".mp3", "tune", 268, 0.2, LAME + " -b 192 {wav} {out}"),
    # As it comes out of the encoder, tags included.
    Encoding(
        "mp3-128-tagged",
        ".mp3",
        "waltz",
        221,
        0.2,
        LAME + " -b 128 --add-id3v2 --pad-id3v2 --tt 'Cold harbour' --ta 'The Paper Boats' --tl Marginalia"
        " --ty 2004 --tn 3/11 --tg Folk --tc 'ripped by hand' {wav} {out}",
    ),
    Encoding("mp3-v0", ".mp3", "tune", 236, 0.3, LAME + " -V 0 {wav} {out}"),
    Encoding("mp3-v2", ".mp3", "waltz", 287, 0.3, LAME + " -V 2 {wav} {out}"),
    Encoding("mp3-320-no-info", ".mp3", "tune", 245, 0.2, LAME + " -t -b 320 {wav} {out}"),
    Encoding(
        "mp3-192-no-info",
        ".mp3",
        "waltz",
        209,
        0.2,
        FFMPEG + " -c:a libmp3lame -b:a 192k -write_xing 0 -id3v2_version 0 {out}",
    ),
    Encoding("mp3-q2-lavf", ".mp3", "tune", 228, 0.3, FFMPEG + " -c:a libmp3lame -q:a 2 {out}"),
)
FLAC = (
    Encoding("flac-cd", ".flac", "tune", 233, 0.35, "flac -s -f -8 -o {out} {wav}"),
    Encoding("flac-quiet", ".flac", "waltz", 264, 0.1, "flac -s -f -5 -S 10s -o {out} {wav}"),
    Encoding("flac-loud", ".flac", "waltz", 288, 0.6, "flac -s -f -5 -P 65536 -o {out} {wav}"),
    Encoding(
        "flac-24-bit", ".flac", "tune", 186, 0.35, FFMPEG + " -c:a flac -sample_fmt s32 -ar 48000 {out}"
    ),
)
M4A = (
    Encoding("m4a-256-last", ".m4a", "tune", 214, 0.3, FFMPEG + " -c:a aac -b:a 256k {out}"),
    Encoding(
        "m4a-256-first", ".m4a", "waltz", 251, 0.3, FFMPEG + " -c:a aac -b:a 256k -movflags +faststart {out}"
    ),
    Encoding(
        "m4a-160-first", ".m4a", "tune", 223, 0.2, FFMPEG + " -c:a aac -b:a 160k -movflags +faststart {out}"
    ),
)
WAV = (
    Encoding("wav-cd", ".wav", "tune", 218, 0.3, FFMPEG + " -c:a pcm_s16le {out}"),
    Encoding("wav-short", ".wav", "waltz", 61, 0.3, FFMPEG + " -c:a pcm_s16le {out}"),
    Encoding(
        "wav-24-bit",
        ".wav",
        "waltz",
        168,
        0.3,
        FFMPEG + " -c:a pcm_s24le -ar 48000 -write_bext 1 -metadata originator=studio"
        " -metadata description=mix -metadata coding_history=A=PCM {out}",
    ),
)
VORBIS = (
    Encoding("vorbis-q5", ".ogg", "tune", 239, 0.3, "oggenc -Q -s 7 -q 5 -o {out} {wav}"),
    Encoding("vorbis-lavf", ".ogg", "waltz", 226, 0.3, FFMPEG + " -c:a libvorbis -q:a 6 {out}"),
)
OPUS = (
    Encoding("opus-160", ".opus", "waltz", 231, 0.3, "opusenc --quiet --serial 7 --bitrate 160 {wav} {out}"),
    Encoding("opus-lavf", ".opus", "tune", 219, 0.3, FFMPEG + " -c:a libopus -b:a 128k {out}"),
)
ENCODINGS = (*MP3, *FLAC, *M4A, *WAV, *VORBIS, *OPUS)

#: Covers by name: pixels a side and the quantiser of the JPEG, or None for a PNG.
COVERS: dict[str, tuple[int, int | None]] = {
    "cover-35.jpg": (300, 14),
    "cover-85.jpg": (450, 12),
    "cover-160.jpg": (600, 10),
    "cover-270.jpg": (800, 10),
    "cover-430.jpg": (1000, 9),
    "cover-510.jpg": (1200, 12),
    "cover-870.png": (560, None),
}


def make(folder: Path) -> dict[str, Path]:
    """Every encoding and cover in ``folder``, by name; what is there already is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = {(e.piece, e.seconds, e.noise) for e in ENCODINGS}
    wavs = {source: folder / "{}-{}-{}.source.wav".format(*source) for source in sources}
    made = {e.name: folder / (e.name + e.suffix) for e in ENCODINGS} | {n: folder / n for n in COVERS}
    if all(path.exists() for path in made.values()):
        return made
    for name, piece in (("tune", tune.TUNE), ("waltz", tune.WALTZ)):
        tune.write_wav(folder / f"{name}.loop.wav", tune.render(piece))
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda source: _mix(folder, *source, wavs[source]), sorted(sources)))
        # The longest first, so that both cores end at about the same time.
        slow = sorted(ENCODINGS, key=lambda e: (e.suffix not in {".mp3", ".m4a"}, -e.seconds))
        list(pool.map(lambda e: _encode(e, wavs[e.piece, e.seconds, e.noise], made[e.name]), slow))
        list(pool.map(lambda name: _cover(name, made[name]), COVERS))
    for wav in (*wavs.values(), *folder.glob("*.loop.wav")):
        wav.unlink()
    return made


def run(command: str, **names: Path) -> None:
    """Run a command; it must succeed."""
    words = [word.format(**names) for word in shlex.split(command)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{shlex.join(words)}\n{done.stderr.decode(errors='replace')}")


def _mix(folder: Path, piece: str, seconds: int, noise: float, out: Path) -> None:
    graph = (
        f"anoisesrc=c=pink:r=44100:a={noise}:s=7:d={seconds},tremolo=f=0.5:d=0.8,"
        f"aformat=channel_layouts=stereo[n];[0:a]atrim=duration={seconds}[m];"
        f"[m][n]amix=inputs=2:duration=first"
    )
    loop = folder / f"{piece}.loop.wav"
    run(
        f"ffmpeg -v error -y -stream_loop -1 -i {{loop}} -filter_complex {graph!r} -c:a pcm_s16le"
        " -fflags +bitexact -flags:a +bitexact {out}",
        loop=loop,
        out=out,
    )


def _encode(encoding: Encoding, wav: Path, out: Path) -> None:
    run(encoding.command, wav=wav, out=out)


def _cover(name: str, out: Path) -> None:
    side, quantiser = COVERS[name]
    quality = "" if quantiser is None else f" -q:v {quantiser}"
    picture = f"mandelbrot=size={side}x{side}:start_scale=0.02,noise=alls=6:all_seed=7"
    run(f"ffmpeg -v error -y -f lavfi -i {picture} -frames:v 1{quality} -fflags +bitexact {{out}}", out=out)
