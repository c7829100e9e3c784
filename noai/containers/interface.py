"""The seam to audio files. The contract, in prose, is in ``containers/README.md``.

A container *locates*: which text fields, XMP packets and C2PA manifest stores a file holds, and
where its essence lies. It knows nothing of what they say.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import BinaryIO, Final, NewType, Protocol, runtime_checkable

from noai.codes import Code
from noai.essence import EssenceReading
from noai.sources import ByteSource, read_exactly

#: The stable name of a kind of audio file, as the verdict record shows it for ever: ``mp3``, ``ogg-opus``.
#: Each container names its own, so that no other module has to know of it.
ContainerName = NewType("ContainerName", str)


class FieldRole(Enum):
    """What a text field is for noai; the container maps its native keys onto these."""

    #: ``NOAI`` in any spelling of its case.
    MARKER = "marker"
    #: ``NOAI_TIMESTAMP``, likewise: what dates a marker (:mod:`noai.timestamps`).
    TIMESTAMP = "timestamp"
    COPYRIGHT = "copyright"
    COMMENT = "comment"
    OTHER = "other"

    @property
    def is_slot(self) -> bool:
        """Whether a :class:`TagEdit` names all values of such a field, so that those it does not name go."""
        return self in SLOT_KEYS


#: Keys of the fields that are noai's own, compared without case.
SLOT_KEYS: Final = MappingProxyType({FieldRole.MARKER: "NOAI", FieldRole.TIMESTAMP: "NOAI_TIMESTAMP"})


@dataclass(frozen=True)
class TagField:
    """One text value in a tag area. A native item with several values becomes several fields."""

    #: Where it stands, for people: ``ID3v2.3 TXXX``, ``Vorbis comment``, ``RIFF INFO``.
    place: str
    #: The key as a user knows it, upper case: a TXXX description, a Vorbis key, a freeform name
    #: or ``mdta`` key (for a plain frame or atom its native id: ``TIT2``, ``©NAM``, ``ICOP``).
    key: str
    value: str
    role: FieldRole = FieldRole.OTHER


@dataclass(frozen=True)
class XmpPacket:
    place: str
    data: bytes
    #: Whether it stands in a file beside the track.
    beside: bool = False


@dataclass(frozen=True)
class ManifestStore:
    """Where the bytes of a C2PA manifest store (a JUMBF superbox) lie in the file."""

    place: str
    #: Offset and length of each piece, in order: one piece, but for containers that lay packets on pages.
    pieces: tuple[tuple[int, int], ...]
    #: Offset and length of the items that hold the pieces, header and padding included: a frame, a chunk,
    #: pages. A manifest that binds to byte ranges may leave out these and nothing else.
    wrapping: tuple[tuple[int, int], ...] = ()

    @property
    def length(self) -> int:
        return sum(length for _, length in self.pieces)

    def read(self, source: ByteSource) -> bytes:
        """The store. The caller has held :attr:`length` against :data:`noai.limits.MANIFEST_BYTES`.

        Raises:
            SourceError: if the source ends before the store does.
        """
        return b"".join(read_exactly(source, offset, length) for offset, length in self.pieces)

    def moved(self, by: int) -> ManifestStore:
        """The same store in a file that has ``by`` more bytes in front."""
        return ManifestStore(
            self.place,
            tuple((offset + by, length) for offset, length in self.pieces),
            tuple((offset + by, length) for offset, length in self.wrapping),
        )


@dataclass(frozen=True)
class AreaNote:
    """Something about the tag area as a whole that a verdict must know."""

    code: Code
    message: str


@dataclass(frozen=True)
class TagArea:
    """Everything that a file says in places where a statement can be. Duplicates are kept, in file order."""

    fields: tuple[TagField, ...] = ()
    xmp: tuple[XmpPacket, ...] = ()
    manifests: tuple[ManifestStore, ...] = ()
    notes: tuple[AreaNote, ...] = ()


@dataclass(frozen=True)
class TagEdit:
    """What a marking changes. Everything that is not named here must survive."""

    #: The complete new list of ``NOAI`` values.
    markers: tuple[str, ...]
    #: Merged into the copyright and the comment field with :func:`noai.statement.merge_values`.
    statement: str | None = None
    #: Statements, exactly as an earlier marking wrote them, that this edit takes out again.
    lifted_statements: tuple[str, ...] = ()
    #: A ``plus:DataMining`` value (full URI), merged with :func:`noai.xmp.merge_data_mining`
    #: where the container has a standard place for XMP.
    data_mining: str | None = None
    #: The value that an earlier marking wrote and this edit takes out again.
    lifted_data_mining: str | None = None
    #: The complete new list of ``NOAI_TIMESTAMP`` values.
    timestamps: tuple[str, ...] = ()

    @property
    def slots(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Key and values of each field of noai's own that is written."""
        named = ((FieldRole.MARKER, self.markers), (FieldRole.TIMESTAMP, self.timestamps))
        return tuple((SLOT_KEYS[role], values) for role, values in named if values)


class Container(Protocol):
    """One kind of audio file."""

    @property
    def names(self) -> tuple[ContainerName, ...]:
        """Kinds that this implementation detects."""

    @property
    def writable(self) -> bool:
        """Whether :meth:`write_tags` can mark files of this kind at all."""

    @property
    def c2pa_type(self) -> str | None:
        """MIME type of the format, if a C2PA manifest is embedded: then this is an :class:`Embedding`."""

    @property
    def has_xmp(self) -> bool:
        """Whether there is a standard place for XMP, which :meth:`write_tags` fills."""

    def detect(self, source: ByteSource) -> ContainerName | None:
        """The kind of ``source`` by its content, or None. Cheap: a few small reads."""

    def read_tags(self, source: ByteSource) -> TagArea:
        """All of the tag area.

        Raises:
            ContainerMalformed, LimitExceeded: when it could not be read to its end.
        """

    def read_essence(self, source: ByteSource) -> EssenceReading:
        """The essence digest and what forbids binding. Reads the whole audio.

        Raises:
            ContainerMalformed, LimitExceeded: when the audio could not be located.
        """

    def inventory(self, source: ByteSource, edit: TagEdit) -> Counter[str]:
        """Every foreign tag item, as a multiset of descriptions, equal before and after ``edit``.

        Foreign means: not a marker, not a statement that ``edit`` writes or lifts (taken out of the
        text around it), not a ``plus:DataMining`` that it writes or lifts, not a C2PA manifest. A
        description names the item and holds its text or the SHA-256 of its bytes, independent of
        tag version, text encoding, order and padding. Pictures, chapters, cue points and unknown
        items are included.
        """

    def write_tags(self, file: BinaryIO, edit: TagEdit) -> None:
        """Apply ``edit`` in place to ``file``, a *copy* opened for reading and writing.

        Audio bytes stay as they are. May move them. The tag version that the file has is kept.

        Raises:
            ContainerReadOnly: where :attr:`writable` is False.
            MarkError: when the container cannot be written safely.
        """


@runtime_checkable
class Embedding(Protocol):
    """A container that can hold a C2PA manifest store."""

    def embed_manifest(self, file: BinaryIO, store: bytes) -> tuple[tuple[int, int], ...]:
        """Put ``store`` into ``file``, a *copy*, in place of every store that is there.

        Called twice: with a draft, and with the signed store, which is as long and must change nothing but
        the bytes in the ranges that are returned. Those are what a hash over the file leaves out (C2PA 2.x,
        "Data Hash"), as other programs expect it: offset and length, in order, adjacent ones merged.

        Raises:
            MarkError: when the container cannot hold it, or not safely.
            ContainerError: as reading does.
        """


@runtime_checkable
class EmbeddingOnRequest(Embedding, Protocol):
    """One with a ``c2pa_type`` of None, since common software does not take a file with a manifest."""

    @property
    def requested_c2pa_type(self) -> str:
        """The MIME type, for who asks for a manifest all the same."""


@dataclass(frozen=True)
class Detected:
    """A source and the container that recognised it."""

    name: ContainerName
    container: Container = field(repr=False)
