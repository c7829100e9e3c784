"""Names of tags and properties, so that spellings compare.

One rule for every vocabulary: prefixes, letter case, punctuation and compatibility characters do not
make another name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

#: What sets off a prefix: ``org.example.NAME``, ``COMM:NAME``; in full width too.
_SEPARATOR: Final = re.compile("[.:\uff0e\uff1a]")
#: Letters and digits of the longest name that is compared; those in the vocabularies have 19.
_NAME_CHARS: Final = 40


@lru_cache(maxsize=256)
def plain_names(key: str) -> tuple[str, ...]:
    """What ``key`` may mean: its last part, its last two together, and so on up to the whole.

    So ``com.example.NoAI``, ``COMM:NO_AI.`` and ``No.AI`` all include ``NOAI``.
    """
    names: list[str] = []
    name = ""
    for part in reversed(_SEPARATOR.split(key)):
        plain = plain_name(part)
        if plain:
            name = plain + name
            if len(name) > _NAME_CHARS:
                break
            names.append(name)
    return tuple(names)


def plain_name(text: str) -> str:
    """``text`` so that spellings compare: compatibility characters resolved, upper case, no punctuation."""
    # Marks go first: normalisation sorts long runs of them in quadratic time.
    normal = unicodedata.normalize("NFKC", _letters(text))
    return _letters(normal.upper())


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())
