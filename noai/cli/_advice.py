"""What a person can do about a file that noai cannot read or mark, by the code of the error."""

from __future__ import annotations

from typing import Final

from noai.codes import Code

_DAMAGED: Final = "it looks damaged or cut off: copy or export it again"

ADVICE: Final[dict[str, str]] = {
    Code.SOURCE_MISSING.value: "check how it is spelled",
    Code.SOURCE_EMPTY.value: "copy or export it again",
    Code.SOURCE_CHANGED.value: "try again when nothing writes to it",
    Code.SOURCE_NOT_A_FILE.value: "name the audio file itself",
    Code.CONTAINER_UNKNOWN.value: "is it audio, of one of these kinds, and whole?",
    Code.CONTAINER_MALFORMED.value: _DAMAGED,
    "essence_unbindable": _DAMAGED,
}


def with_advice(code: str, message: str) -> str:
    """``message``, and what to do, where there is something to do."""
    advice = ADVICE.get(code)
    return message if advice is None else f"{message}; {advice}"
