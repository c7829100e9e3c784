"""Comment blocks rewritten, with every byte of what is foreign kept; and their inventory.

Not done with mutagen, which decodes all comments and writes them anew: what is not UTF-8 comes out
changed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from noai.containers._inventory import Foreign, sha256
from noai.containers._vorbis import Comment, CommentBlock
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import ContainerMalformed
from noai.sources import ByteSource, read_exactly
from noai.statement import merge_values

#: The fields that the statement goes to; DESCRIPTION only ever loses one.
STATEMENT_KEYS: Final = ("COPYRIGHT", "COMMENT")
_STATEMENT_ROLES: Final = (FieldRole.COPYRIGHT, FieldRole.COMMENT)


def new_block(edit: TagEdit) -> bytes:
    """A block for a file that has none. Its vendor, who encoded the audio, is not known."""
    return _block(b"", _new(edit, {}))


def edited(source: ByteSource, block: CommentBlock, edit: TagEdit, *, first: bool) -> bytes:
    """The bytes of ``block``, up to its last comment, with ``edit`` applied.

    Markers and statement go into the ``first`` block of a file; the others only lose theirs.
    Foreign comments keep bytes, letter case and order. What is new comes last: in front of a picture it could
    push it off the first page of an Ogg file, where readers know how to pass over it.

    Raises:
        ContainerMalformed: if the block is damaged.
    """
    if block.damage is not None:
        raise ContainerMalformed(f"the comments are damaged: {block.damage}")
    raws = [read_exactly(source, comment.start, comment.length) for comment in block.comments]
    targets = _targets(block, raws, edit) if first else {}
    kept: list[bytes] = []
    for number, (comment, raw) in enumerate(zip(block.comments, raws, strict=True)):
        if _goes(comment):
            continue
        if comment.role not in _STATEMENT_ROLES or comment.value is None:
            kept.append(raw)
            continue
        name, equals, value = _parts(_text(raw))
        sentence = edit.statement if number in targets.values() else None
        values = merge_values([value], sentence, _ours(edit, name))
        kept += [f"{name}{equals}{new}".encode("utf-8", "surrogateescape") for new in values]
    new = _new(edit, targets) if first else []
    return _block(block.vendor, [*kept, *new])


def _goes(comment: Comment) -> bool:
    """Whether a comment is one of noai's own; a timestamp that was too long to be read is none."""
    return comment.role is FieldRole.MARKER or (comment.role.is_slot and comment.value is not None)


def _targets(block: CommentBlock, raws: Sequence[bytes], edit: TagEdit) -> dict[str, int]:
    """The numbers of the comments that take the statement: of each key the first with text of its own."""
    targets: dict[str, int] = {}
    empty: dict[str, int] = {}
    for number, (comment, raw) in enumerate(zip(block.comments, raws, strict=True)):
        key = comment.key.strip().upper()
        if key in STATEMENT_KEYS and comment.value is not None:
            _, _, value = _parts(_text(raw))
            has_text = any(merge_values([value], None, _ours(edit, key)))
            (targets if has_text else empty).setdefault(key, number)
    return empty | targets


def _ours(edit: TagEdit, key: str) -> list[str]:
    """The statements that are taken out of a comment, before one is put in where it belongs."""
    written = [edit.statement] if edit.statement and key.strip().upper() in STATEMENT_KEYS else []
    return [*edit.lifted_statements, *written]


def _new(edit: TagEdit, targets: Mapping[str, int]) -> list[bytes]:
    """The comments that are new: the statement where no field was there to take it, and noai's own."""
    new: list[str] = []
    if edit.statement is not None:
        new += [f"{key}={edit.statement}" for key in STATEMENT_KEYS if key not in targets]
    new += [f"{key}={value}" for key, values in edit.slots for value in values]
    return [comment.encode("utf-8") for comment in new]


def _block(vendor: bytes, comments: Sequence[bytes]) -> bytes:
    sized = (struct.pack("<I", len(item)) + item for item in comments)
    return struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(comments)) + b"".join(sized)


def inventory(source: ByteSource, block: CommentBlock, foreign: Foreign) -> Iterator[str]:
    """Every foreign comment of ``block`` and its vendor string.

    Raises:
        ContainerMalformed: if the block is damaged.
    """
    if block.damage is not None:
        raise ContainerMalformed(f"the comments are damaged: {block.damage}")
    if block.vendor:
        yield from foreign.text("vendor", [_text(block.vendor)])
    for comment in block.comments:
        if comment.value is None and not _goes(comment):
            yield f"{comment.key}={sha256(source, comment.start, comment.start + comment.length)}"
            continue
        name, equals, value = _parts(_text(read_exactly(source, comment.start, comment.length)))
        yield from foreign.text(name + equals, [value], comment.role)


def _text(raw: bytes) -> str:
    """The file's own bytes, also where they are not UTF-8."""
    return raw.decode("utf-8", "surrogateescape")


def _parts(text: str) -> tuple[str, str, str]:
    """Key, equals sign and value; a comment without the sign is all value."""
    name, equals, value = text.partition("=")
    return (name, equals, value) if equals else ("", "", text)
