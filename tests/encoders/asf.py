"""ASF by ffmpeg, mutagen and kid3, and one laid out as Windows Media Encoder does."""

from __future__ import annotations

import struct
from pathlib import Path

import mutagen.asf

from tests.audio import NAMES, Materials, ffmpeg, metadata, recipe, run
from tests.unit.asf_bytes import attribute, guid_object, language_list, library, obj

_PLAIN = ("-fflags", "+bitexact", "-map_metadata", "-1")


@recipe("asf", "plain", "wma")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-ac", "1", "-ar", "22050", *_PLAIN, "-c:a", "wmav2", "-b:a", "32k", out)


@recipe("asf", "long", "wma")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.long, *metadata(title="Long"), "-c:a", "wmav2", out)


@recipe("asf", "tagged", "wma")
def _(m: Materials, out: Path) -> None:
    """ffmpeg says everything twice: in the content description and in attributes."""
    ffmpeg("-i", m.clip, *metadata(**NAMES), "-c:a", "wmav2", out)


@recipe("asf", "wmav1", "asf")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, "-c:a", "wmav1", "-packet_size", "600", out)


@recipe("asf-mp3", "plain", "asf", name="asf")
def _(m: Materials, out: Path) -> None:
    """Media objects in pieces over several packets, and several in one."""
    ffmpeg("-i", m.clip, *_PLAIN, "-c:a", "libmp3lame", "-packet_size", "1000", out)


@recipe("asf-pcm", "plain", "asf", name="asf")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *_PLAIN, "-c:a", "pcm_s16le", out)


@recipe("asf-aac", "plain", "asf", name="asf")
def _(m: Materials, out: Path) -> None:
    ffmpeg("-i", m.clip, *_PLAIN, "-c:a", "aac", out)


@recipe("asf", "video", "wmv")
def _(m: Materials, out: Path) -> None:
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=5:duration=2")
    ffmpeg(*picture, "-i", m.clip, "-c:v", "wmv2", "-c:a", "wmav2", *metadata(title="Film"), out)


@recipe("asf", "chapters", "wma")
def _(m: Materials, out: Path) -> None:
    """A Marker Object."""
    maps = ("-map", "0:a", "-map_metadata", "1", "-map_chapters", "1")
    ffmpeg("-i", m.clip, "-i", m.chapters, *maps, "-c:a", "wmav2", out)


@recipe("asf", "cover", "wma")
def _(m: Materials, out: Path) -> None:
    """Pictures as attributes, the large one in the Metadata Library."""
    ffmpeg("-i", m.clip, *_PLAIN, "-c:a", "wmav2", out)
    file = mutagen.asf.ASF(out)
    pictures = [_picture(3, "image/jpeg", m.jpeg), _picture(4, "image/png", m.png)]
    file["WM/Picture"] = [mutagen.asf.ASFByteArrayAttribute(picture) for picture in pictures]
    file["Title"] = "Cover"
    file.save()


def _picture(kind: int, mime: str, path: Path) -> bytes:
    data = path.read_bytes()
    return struct.pack("<BI", kind, len(data)) + f"{mime}\0back\0".encode("utf-16-le") + data


@recipe("asf", "mutagen", "wma")
def _(m: Materials, out: Path) -> None:
    """Attributes of every type, in all three kinds of object; several values; texts that are empty."""
    ffmpeg("-i", m.clip, *_PLAIN, "-c:a", "wmav2", out)
    file = mutagen.asf.ASF(out)
    asf = mutagen.asf
    file["Title"] = NAMES["title"]
    file["Copyright"] = [NAMES["copyright"], "a second one"]
    file["Description"] = NAMES["comment"]
    file["Rating"] = ""
    file["WM/Genre"] = ["Électronique", "終"]
    file["WM/MediaClassPrimaryID"] = asf.ASFValue(bytes(range(16)), asf.GUID)
    file["IsVBR"] = [asf.ASFValue(True, asf.BOOL, stream=1), asf.ASFValue(False, asf.BOOL)]
    file["WM/EncodingTime"] = asf.ASFValue(2**40, asf.QWORD)
    file["WM/Provider"] = asf.ASFValue("für Strom 1", asf.UNICODE, stream=1, language=0)
    file["Count"] = [asf.ASFValue(70_000, asf.DWORD), asf.ASFValue(7, asf.WORD)]
    file["WM/MCDI"] = b"\x01\x02\x00\xff"
    file["Empty"] = ""
    file.save(padding=lambda info: 3000)


@recipe("asf", "kid3", "wma")
def _(m: Materials, out: Path) -> None:
    """TagLib's writer."""
    ffmpeg("-i", m.clip, *_PLAIN, "-c:a", "wmav2", out)
    sets = [f"set {key} '{NAMES[key]}'" for key in ("title", "artist", "album", "copyright", "comment")]
    run("kid3-cli", *(part for each in sets for part in ("-c", each)), out)


@recipe("asf", "windows", "wma")
def _(m: Materials, out: Path) -> None:
    """Padding and languages in the header extension, indexes and somebody's XMP behind the data."""
    ffmpeg("-i", m.clip, *metadata(title="Window"), "-c:a", "wmav2", out)
    data = out.read_bytes()
    extension = data.index(obj.EXTENSION)
    inner = language_list("en-US", "de") + library(
        attribute("WM/Mood", "ruhig", language=1), attribute("WM/Mood", "calm", language=0, stream=1)
    )
    inner += guid_object(obj.PADDING, bytes(3000))
    grown = bytearray(data)
    for at, width in ((16, 8), (extension + 16, 8), (extension + 42, 4)):
        size = int.from_bytes(grown[at : at + width], "little") + len(inner)
        grown[at : at + width] = size.to_bytes(width, "little")
    grown[extension + 46 : extension + 46] = inner
    index = guid_object(obj.SIMPLE_INDEX, bytes(16) + struct.pack("<QII", 10_000_000, 1, 2) + bytes(12))
    xmp = guid_object(obj.XMP, _XMP.encode())
    out.write_bytes(grown + xmp + index)


_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="x"/>'
    "</rdf:RDF></x:xmpmeta>"
)
