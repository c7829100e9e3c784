"""The ``py`` blocks of the pages on these integrations: they are run here, and not with all other pages."""

from __future__ import annotations

from typing import Final

from tests.docs.pages import DOCS, blocks

FOLDER: Final = DOCS / "integrations"


def snippet(name: str) -> str:
    """The one ``py`` block of a page."""
    (found,) = [block.text for block in blocks(FOLDER / name) if block.language == "py"]
    return found


def shown(name: str) -> list[str]:
    """The lines that the page says it prints: its one ``text`` block."""
    (found,) = [block.text for block in blocks(FOLDER / name) if block.language == "text"]
    return found.splitlines()
