"""What a request asks: the parameters of its address."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from noai.claim import Use
from noai.errors import UsageError
from noai.integrations.gate import Gate
from noai.policy import Admission
from noai.report import Depth
from noai.service.problems import Kind, Problem
from noai.text import printable

_Word = TypeVar("_Word")


def asked(parameters: Sequence[tuple[str, str]], gate: Gate) -> Gate:
    """The gate that ``use``, ``policy`` and ``depth`` ask for; what they leave open is as in ``gate``.

    Raises:
        Problem: for other parameters and for words that mean nothing. A question that is misspelt must not
            be answered as another one.
    """
    if not parameters:
        return gate
    said: dict[str, list[str]] = {}
    for name, value in parameters:
        said.setdefault(name, []).append(value)
    policy = gate.verifier.policy
    uses = tuple(_word(Use.parse, "use", use) for use in said.pop("use", ()))
    admission = _once(Admission, "policy", said.pop("policy", ()))
    depth = _once(Depth, "depth", said.pop("depth", ()))
    require_none(said)
    policy = replace(policy, uses=uses or policy.uses, admission=admission or policy.admission)
    return Gate(replace(gate.verifier, policy=policy, depth=depth or gate.verifier.depth))


def require_none(parameters: Iterable[str]) -> None:
    """
    Raises:
        Problem: if there are parameters.
    """
    for name in parameters:
        raise Problem(Kind.BAD_REQUEST, f"there is no parameter {printable(name, 60)!r} here")


def _once(kind: Callable[[str], _Word], name: str, values: Sequence[str]) -> _Word | None:
    if len(values) > 1:
        raise Problem(Kind.BAD_REQUEST, f"{name} is given more than once")
    return _word(kind, name, values[0]) if values else None


def _word(kind: Callable[[str], _Word], name: str, value: str) -> _Word:
    try:
        return kind(value)
    except UsageError as error:
        raise Problem(Kind.BAD_REQUEST, str(error)) from None
    except ValueError:
        raise Problem(Kind.BAD_REQUEST, f"{value!r} is no {name} that noai knows") from None
