"""Whether tags are silent: no vocabulary that noai reads could find a statement in them.

Exact for names; for text a superset that costs two searches in bytes. What is not silent here may still say
nothing: then the readers of :mod:`noai.signals` decide. What is silent here they never find anything in; a
property test holds both against each other.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from noai.names import plain_name, plain_names
from noai.vocabulary import TABLE, Vocabulary

#: Names under which a tag speaks, as :func:`noai.names.plain_names` spells them.
SPEAKING_NAMES: Final = frozenset(
    {
        *(plain_name(token.name) for token in TABLE[Vocabulary.TAG] if token.denies),
        "CONTENTUSAGE",
        "TDMRESERVATION",
        "TDMPOLICY",
    }
)
#: Longer names than this are not silent, so that what is kept of them stays small.
_NAME_CHARS: Final = 64
#: Names that are kept. A corpus has some hundred.
_NAMES: Final = 4096

#: What noai's sentence begins with, without zeros, as a decoder that ignores case could see it: two more
#: letters fold to ``i``, in UTF-8 or UTF-16.
_SENTENCE: Final = re.compile(rb"noa[i01\x01\x80-\xff]")
_START: Final = b"noa"
_LOWER: Final = bytes(range(256)).lower()


@lru_cache(maxsize=_NAMES)
def is_silent_name(name: str) -> bool:
    """Whether a tag called ``name``, or with ``name`` behind a prefix, says nothing by that."""
    return len(name) <= _NAME_CHARS and SPEAKING_NAMES.isdisjoint(plain_names(name))


def is_silent_text(data: bytes) -> bool:
    """Whether the text in ``data`` holds no sentence of noai's, be it Latin-1, UTF-8 or UTF-16."""
    # Without zeros UTF-16 reads like ASCII.
    text = data.translate(_LOWER, b"\x00")
    # From behind, since that search is faster by a third.
    return text.rfind(_START) < 0 or _SENTENCE.search(text) is None
