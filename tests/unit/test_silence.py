"""What is told silent at once, no reader finds anything in."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from noai.containers.interface import TagField
from noai.signals.registry import READERS
from noai.silence import SPEAKING_NAMES, is_silent_name, is_silent_text
from noai.statement import WORDINGS
from tests.unit.test_signals import evidence

CODECS = ("utf-8", "latin-1", "utf-16", "utf-16-le", "utf-16-be")
#: Pieces of names that speak, and what writers put between and around them.
PIECES = st.sampled_from(
    [
        *sorted(SPEAKING_NAMES), "No", "AI", "noai", "Noai", "NO_AI_TRAINING", "training", "opt", "out",
        "Content", "Usage", "content-usage", "tdm", "reservation", "tdm-policy", "do-not", "train",
        "n", "o", "a", "i", "ai", "ＮＯＡＩ", "ﬀ", "İ", "ı", "é", "x", "COMM", "org.example", "title",
        ":", ".", "-", "_", " ", "\u200b", "\0", "：", "/", "1",
    ]
)  # fmt: skip
NAMES = st.lists(PIECES, max_size=6).map("".join)
TEXTS = st.lists(
    st.sampled_from(
        [
            "noai:",
            "NOAI:",
            "noaİ:",
            "NOAı:",
            "no",
            "ai",
            ":",
            "abc-_9",
            " ",
            "|",
            "\0",
            "Noah",
            "é",
            "潮",
            "x" * 30,
            *WORDINGS.values(),
        ]
    ),
    max_size=8,
).map("".join)


def finds(name: str, value: str) -> bool:
    area = evidence([TagField("place", name.upper(), value)])
    return any(True for reader in READERS for _ in reader.read(area))


@settings(max_examples=2_000)
@given(NAMES, st.sampled_from(["1", "yes", "x", "", "train-ai=n"]))
@example("No.AI", "1")
def test_a_silent_name_says_nothing_whatever_its_value(name: str, value: str) -> None:
    if is_silent_name(name):
        assert not finds(name, value)


@settings(max_examples=2_000)
@given(TEXTS, st.sampled_from(CODECS))
@example("noaİ:x", "utf-16-be")
def test_a_silent_text_says_nothing_under_a_silent_name(text: str, codec: str) -> None:
    if is_silent_text(text.encode(codec, "replace")):
        assert not finds("TITLE", text.encode(codec, "replace").decode(codec, "replace"))


@pytest.mark.parametrize(
    "name", [*sorted(SPEAKING_NAMES), "No-AI", "COMM:noai", "org.example.NO_AI_TRAINING"]
)
def test_speaking_names_are_not_silent(name: str) -> None:
    assert not is_silent_name(name)


@pytest.mark.parametrize("codec", CODECS)
def test_statements_are_not_silent(codec: str) -> None:
    assert not is_silent_text(f"(c) 2026 | NOAI:{'A' * 22} No AI training".encode(codec))
    assert is_silent_text("Noah and the whale, in Genoa".encode(codec))


def test_a_name_of_any_length_is_decided_without_being_kept() -> None:
    assert not is_silent_name("x" * 100_000)
