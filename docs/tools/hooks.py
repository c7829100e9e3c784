"""What mkdocs calls while it builds the site."""

from __future__ import annotations

import re
from typing import Final

#: Docstrings name other things by Sphinx roles, which mkdocstrings leaves as they are.
_ROLE: Final = re.compile(r":(?:attr|class|data|func|meth|mod):(?=<code>)")


def on_page_content(html: str, **_: object) -> str:
    return _ROLE.sub("", html)
