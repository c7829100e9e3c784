"""What other people's tools do to a marked file: one function a tool, each an ordinary edit."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import mutagen
import mutagen.flac
import mutagen.id3
import mutagen.mp4

from tests.audio import Materials, ffmpeg, run

NEW_TITLE = "Retagged – 新"


class Outcome(str, Enum):
    """What is left of a mark after an edit."""

    #: The marker's signature, signer and binding are all ``pass``.
    HOLDS = "holds"
    #: The tool dropped the marker, but the statement stayed: the file is still rejected.
    STATEMENT = "statement"
    #: Nothing is left.
    LOST = "lost"


@dataclass(frozen=True)
class Retagger:
    """One tool, what it does, and what is known to be left in each container it is used on."""

    tool: str
    does: str
    edit: Callable[[Path, Materials], None]
    #: By container name, ``mp4-alac`` included.
    leaves: dict[str, Outcome]
    #: Which of the real files is edited.
    variant: str = "tagged"

    def __str__(self) -> str:
        return f"{self.tool}: {self.does}"


HOLDS, STATEMENT, LOST = Outcome.HOLDS, Outcome.STATEMENT, Outcome.LOST
MP4 = ("mp4", "mp4-alac")
OGG = ("ogg-vorbis", "ogg-opus")
EVERY = ("mp3", "flac", *OGG, *MP4, "wav")
#: One stretch of audio with tags around it; ``musepack-sv7`` is the older kind of stream.
APE = ("wavpack", "ape", "musepack", "musepack-sv7")
STREAMS = (*APE, "tta", "adts")
#: Kinds of audio in chunks.
CHUNKS = ("aiff", "rf64", "dsf", "dsdiff")
#: Other kinds whose common taggers are the same.
OTHERS = ("ogg-flac", "ogg-speex", "asf", *CHUNKS)
NO_RF64 = ("aiff", "dsf", "dsdiff")
MUTAGEN = (*APE, "tta", "mov", "ogg-flac", "ogg-speex", "asf", *NO_RF64)
FFMPEG_CANNOT_WRITE = ("dsf", "dsdiff", "ape", "musepack", "musepack-sv7")
MATROSKA = ("matroska", "webm")
#: What the second table shows.
MORE = ("ogg-flac", "ogg-speex", "mov", "mp4-fragments", *MATROSKA, "asf", *CHUNKS, *STREAMS)


def holds(*containers: str) -> dict[str, Outcome]:
    return dict.fromkeys(containers, HOLDS)


def _kid3(path: Path, *commands: str) -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    run("kid3-cli", *(part for command in (*commands, "save") for part in ("-c", command)), path)


def kid3_title(path: Path, m: Materials) -> None:
    _kid3(path, f"set title '{NEW_TITLE}'", "set 'Album Artist' 'Somebody'")


def kid3_cover(path: Path, m: Materials) -> None:
    _kid3(path, f"set picture:'{m.png}' 'front'")


def id3v2_title(path: Path, m: Materials) -> None:
    run("id3v2", "--song", "Retagged", "--album", "By id3v2", path)


def mid3v2_title(path: Path, m: Materials) -> None:
    run("mid3v2", f"--song={NEW_TITLE}", "--TXXX=MOOD:blue", path)


def eyed3_title(path: Path, m: Materials) -> None:
    run("eyeD3", "-Q", "--title", "Retagged", "--add-image", f"{m.png}:FRONT_COVER", path)


def metaflac_title(path: Path, m: Materials) -> None:
    run("metaflac", "--remove-tag=TITLE", f"--set-tag=TITLE={NEW_TITLE}", path)


def metaflac_cover(path: Path, m: Materials) -> None:
    run("metaflac", f"--import-picture-from={m.png}", path)
    run("metaflac", "--add-padding=4000", path)


def metaflac_gain(path: Path, m: Materials) -> None:
    run("metaflac", "--add-replay-gain", path)


def vorbiscomment_title(path: Path, m: Materials) -> None:
    run("vorbiscomment", "-a", "-t", f"TITLE={NEW_TITLE}", path)


def wvtag_title(path: Path, m: Materials) -> None:
    run("wvtag", "-q", "-w", f"Title={NEW_TITLE}", "--write-binary-tag", f"Cover Art (Back)=@{m.png}", path)


def mpcgain(path: Path, m: Materials) -> None:
    """Loudness in the stream itself."""
    run("mpcgain", path)


def mpcchap(path: Path, m: Materials) -> None:
    sheet = path.with_suffix(".ini")
    sheet.write_text("[0]\ntitle=One\n[44100]\ntitle=Two\n", encoding="utf-8")
    run("mpcchap", path, sheet)


def mkvpropedit_title(path: Path, m: Materials) -> None:
    run("mkvpropedit", "-q", path, "--edit", "info", "--set", f"title={NEW_TITLE}")
    run("mkvpropedit", "-q", path, "--edit", "track:a1", "--set", "language=is", "--add-attachment", m.png)


def atomicparsley_title(path: Path, m: Materials) -> None:
    run("AtomicParsley", path, "--title", "Retagged", "--artwork", m.png, "--overWrite")


def exiftool_title(path: Path, m: Materials) -> None:
    run("exiftool", "-q", "-overwrite_original", f"-Title={NEW_TITLE}", path)


def mutagen_title(path: Path, m: Materials) -> None:
    file = mutagen.File(path, easy=False)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, mutagen.id3.ID3):
        file.tags.add(mutagen.id3.TIT2(encoding=3, text=[NEW_TITLE]))
    elif isinstance(file, mutagen.mp4.MP4):
        file["\xa9nam"] = [NEW_TITLE]
    else:
        file["TITLE"] = [NEW_TITLE]
    file.save()


def mutagen_gain(path: Path, m: Materials) -> None:
    """ReplayGain tags as music managers write them."""
    file = mutagen.File(path, easy=False)
    if isinstance(file.tags, mutagen.id3.ID3):
        file.tags.add(mutagen.id3.RVA2(desc="track", channel=1, gain=-6.1, peak=0.9))
        file.tags.add(mutagen.id3.TXXX(encoding=0, desc="REPLAYGAIN_TRACK_GAIN", text=["-6.1 dB"]))
    elif isinstance(file, mutagen.mp4.MP4):
        file["----:com.apple.iTunes:replaygain_track_gain"] = [b"-6.1 dB"]
    else:
        file["REPLAYGAIN_TRACK_GAIN"] = ["-6.1 dB"]
    file.save()


def mutagen_cover(path: Path, m: Materials) -> None:
    file = mutagen.File(path, easy=False)
    if isinstance(file.tags, mutagen.id3.ID3):
        data = m.jpeg.read_bytes()
        file.tags.add(mutagen.id3.APIC(encoding=0, mime="image/jpeg", type=3, desc="", data=data))
    elif isinstance(file, mutagen.mp4.MP4):
        file["covr"] = [mutagen.mp4.MP4Cover(m.jpeg.read_bytes())]
    else:
        picture = mutagen.flac.Picture()
        picture.data, picture.mime, picture.type = m.jpeg.read_bytes(), "image/jpeg", 3
        file.add_picture(picture)
    file.save()


def _ffmpeg_copy(path: Path, *options: str) -> None:
    out = path.with_name(f"copy-{path.name}")
    title = ("-metadata", f"title={NEW_TITLE}", "-metadata:s:a:0", f"title={NEW_TITLE}")
    ffmpeg("-i", path, "-map", "0:a", "-c", "copy", *title, *options, out)
    os.replace(out, path)


def ffmpeg_title(path: Path, m: Materials) -> None:
    _ffmpeg_copy(path)


def ffmpeg_title_mdta(path: Path, m: Materials) -> None:
    _ffmpeg_copy(path, "-movflags", "use_metadata_tags")


def ffmpeg_strip(path: Path, m: Materials) -> None:
    _ffmpeg_copy(path, "-map_metadata", "-1", "-map_metadata:s:a", "-1")


RETAGGERS = (
    Retagger("kid3-cli", "set title and album artist", kid3_title, holds(*EVERY, *STREAMS, *OTHERS)),
    Retagger("kid3-cli", "add a cover", kid3_cover, holds(*EVERY, *STREAMS, *OTHERS[:3], *NO_RF64)),
    Retagger("mutagen", "set title", mutagen_title, holds(*EVERY, *MUTAGEN, "mp4-fragments")),
    Retagger("mutagen", "add ReplayGain", mutagen_gain, holds(*EVERY, *MUTAGEN)),
    Retagger("mutagen", "add a cover", mutagen_cover, holds("mp3", "flac", *MP4, "wav", "tta", *NO_RF64)),
    # id3v2 knows ID3v2.3 only; noai keeps the version that a file has.
    Retagger("id3v2", "set title and album", id3v2_title, holds("mp3"), "ffmpeg-v23"),
    Retagger("mid3v2", "set title, add TXXX", mid3v2_title, holds("mp3")),
    Retagger("eyeD3", "set title, add a cover", eyed3_title, holds("mp3")),
    Retagger("metaflac", "set title", metaflac_title, holds("flac")),
    Retagger("metaflac", "add a cover and padding", metaflac_cover, holds("flac")),
    Retagger("metaflac", "add ReplayGain", metaflac_gain, holds("flac")),
    Retagger("vorbiscomment", "append a title", vorbiscomment_title, holds("ogg-vorbis")),
    Retagger("wvtag", "set title, add a cover", wvtag_title, holds("wavpack")),
    Retagger("mpcgain", "write ReplayGain into the stream", mpcgain, holds("musepack")),
    Retagger("mpcchap", "add chapters", mpcchap, holds("musepack")),
    Retagger("mkvpropedit", "set title and language, attach a cover", mkvpropedit_title, holds(*MATROSKA)),
    Retagger("AtomicParsley", "set title and cover", atomicparsley_title, holds(*MP4)),
    Retagger("exiftool", "set title", exiftool_title, holds(*MP4)),
    Retagger(
        "ffmpeg",
        "-c copy -metadata title=…",
        ffmpeg_title,
        {
            **holds("mp3", "flac", *OGG, "ogg-flac", "ogg-speex", *MATROSKA, "asf", "wavpack", "tta"),
            **dict.fromkeys((*MP4, "wav", "mov", "mp4-fragments", "aiff", "rf64"), STATEMENT),
            "adts": LOST,
        },
    ),
    Retagger(
        "ffmpeg", "the same with use_metadata_tags", ffmpeg_title_mdta, holds(*MP4, "mov", "mp4-fragments")
    ),
    Retagger(
        "ffmpeg",
        "-c copy -map_metadata -1 (strip everything)",
        ffmpeg_strip,
        dict.fromkeys((*EVERY, *(name for name in MORE if name not in FFMPEG_CANNOT_WRITE)), LOST),
    ),
)
