"""Describing tag items so that the same item reads the same before and after an edit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from noai import statement
from noai.containers.interface import FieldRole, TagEdit
from noai.sources import ByteSource, chunks
from noai.xmp import without_data_mining

_STATEMENT_ROLES: Final = (FieldRole.COPYRIGHT, FieldRole.COMMENT)
#: Of a cut statement this much must be left to be known: ``noai:`` and six characters of its token.
_LEAST_CUT: Final = 11


def sha256(source: ByteSource, start: int, end: int) -> str:
    """The digest of a byte range, for items that are compared and never shown."""
    digest = hashlib.sha256()
    for block in chunks(source, start, end):
        digest.update(block)
    return digest.hexdigest()


class Foreign:
    """Takes out of a description what one edit writes and lifts."""

    def __init__(self, edit: TagEdit) -> None:
        self._statements = [*edit.lifted_statements, *([edit.statement] if edit.statement else [])]
        self._values = [value for value in (edit.data_mining, edit.lifted_data_mining) if value]

    def text(self, label: str, values: Sequence[str], role: FieldRole = FieldRole.OTHER) -> list[str]:
        """One description, or none where nothing foreign is left."""
        if role.is_slot:
            return []
        if role in _STATEMENT_ROLES:
            values = [kept for value in values if (kept := statement.without(value, self._statements))]
            if not values:
                return []
        return [f"{label}={list(values)!a}"]

    def cut_text(self, label: str, value: str) -> list[str]:
        """As :meth:`text`, for a comment of fixed width, in which statements are cut."""
        kept = without_cut(value, self._statements)
        return [f"{label}={kept!a}"] if kept else []

    def xmp(self, label: str, packet: bytes) -> list[str]:
        kept = without_data_mining(packet, self._values)
        return [f"{label}={hashlib.sha256(kept).hexdigest()}"] if kept else []


def without_cut(text: str, statements: Sequence[str]) -> str:
    """``text`` without each of ``statements`` that stands at its end, whole or cut short."""
    for sentence in statements:
        at = text.find(sentence[:_LEAST_CUT])
        if at >= 0 and sentence.startswith(text[at:]):
            text = text[:at].removesuffix(statement.SEPARATOR)
    return text
