"""Media types: which may hold audio, and which containers each names.

Content decides what a file is. A type that names one thing while the content is another is refused, so
that whoever believes it learns of it.
"""

from __future__ import annotations

from typing import Final

from noai.service.problems import Kind, Problem

#: A type that says nothing about the content.
ANYTHING: Final = "application/octet-stream"

#: Types of each container, the one that marked files are sent with first.
_TYPES: Final = {
    "mp3": ("audio/mpeg", "audio/mp3", "audio/x-mp3", "audio/mpeg3", "audio/x-mpeg"),
    "flac": ("audio/flac", "audio/x-flac"),
    "wav": ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"),
    "rf64": ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"),
    "bw64": ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"),
    "mp4": ("audio/mp4", "audio/x-m4a", "audio/m4a", "audio/aac", "video/mp4", "video/quicktime"),
    "adts": ("audio/aac", "audio/aacp", "audio/x-aac"),
    "ogg-vorbis": ("audio/ogg", "application/ogg", "video/ogg", "audio/vorbis"),
    "ogg-opus": ("audio/ogg", "application/ogg", "video/ogg", "audio/opus"),
    "ogg-flac": ("audio/ogg", "application/ogg", "video/ogg", "audio/flac", "audio/x-flac"),
    "ogg-speex": ("audio/ogg", "application/ogg", "video/ogg", "audio/speex"),
    "matroska": ("audio/x-matroska", "audio/matroska", "video/x-matroska", "video/matroska"),
    "webm": ("audio/webm", "video/webm"),
    "aiff": ("audio/aiff", "audio/x-aiff"),
    "asf": ("audio/x-ms-wma", "video/x-ms-asf", "audio/x-ms-asf"),
    "wavpack": ("audio/x-wavpack", "audio/wavpack"),
    "ape": ("audio/x-ape", "audio/ape"),
    "musepack": ("audio/x-musepack", "audio/musepack"),
    "tta": ("audio/x-tta", "audio/tta"),
    "dsf": ("audio/x-dsf", "audio/dsf"),
    "dsdiff": ("audio/x-dff", "audio/x-dsdiff"),
    "caf": ("audio/x-caf",),
    "au": ("audio/basic",),
    "amr": ("audio/amr", "audio/amr-wb"),
    "w64": ("audio/x-w64",),
}


def of(container: str | None) -> str:
    """The type that a file of this container is sent with."""
    return _TYPES[container][0] if container in _TYPES else ANYTHING


def may_be_audio(media_type: str) -> bool:
    """Whether a body of this type is taken at all."""
    return media_type in (ANYTHING, "application/ogg") or media_type.partition("/")[0] in ("audio", "video")


def require_true(media_type: str | None, container: str | None) -> None:
    """
    Raises:
        Problem: if the type names another container than the content is.
    """
    named = [name for name, types in _TYPES.items() if media_type in types]
    if named and container not in named:
        found = f"it is {container}" if container else "no audio was recognised in it"
        raise Problem(
            Kind.UNSUPPORTED_TYPE,
            f"the content is not what its type {media_type} says: {found}; it was not judged for that. "
            f"Send {ANYTHING} to leave the type to noai",
        )
