"""The plain sentence: rendered, merged, found again, taken out again."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.claim import ALL_USES, Claim, Permission, Profile, Use
from noai.statement import SEPARATOR, find, merge_values, render, token, without

ID = "urn:uuid:00000000-0000-4000-8000-000000000001"
SENTENCE = f"noai:{token(ID)} No AI training without permission."


def test_the_token_is_22_characters_of_the_ids_digest() -> None:
    assert len(token(ID)) == 22
    assert base64.urlsafe_b64encode(hashlib.sha256(ID.encode()).digest()).decode().startswith(token(ID))


@pytest.mark.parametrize(
    ("profile", "wording"),
    [
        (Profile.NO_AI, "No AI training without permission."),
        (Profile.NO_TRAINING, "No AI model training without permission."),
        (Profile.NO_GENERATIVE, "No generative AI training without permission."),
    ],
)
def test_every_profile_has_its_wording_and_reads_back(profile: Profile, wording: str) -> None:
    sentence = render(ID, Claim.from_profile(profile))
    assert sentence == f"noai:{token(ID)} {wording}"
    (found,) = find(f"(c) 2026 Somebody | {sentence}")
    assert found.denies == profile.denied
    assert found.text == sentence
    assert found.complete


def test_a_statement_never_says_more_than_its_claim() -> None:
    less = Claim.from_profile(Profile.NO_GENERATIVE, constrain=[Use.VOICE_LIKENESS])
    (found,) = find(render(ID, less) or "")
    assert found.denies <= less.denied
    assert render(ID, Claim(uses={Use.DATA_MINING: Permission.NOT_ALLOWED})) is None
    assert render(ID, Claim(uses={Use.TRAINING: Permission.ALLOWED})) is None


@pytest.mark.parametrize(
    "text",
    [
        f"noai:{token(ID)}",
        f"noai:{token(ID)} No AI trai",
        f"noai:{token(ID)[:10]}",
        f"noai:{token(ID)} something else entirely",
        f"NOAI:{token(ID)} No AI training without permission.",
        f"x noai:{token(ID)}x No AI training without permission.",
    ],
)
def test_a_cut_or_altered_statement_denies_everything(text: str) -> None:
    (found,) = find(text)
    assert found.denies == frozenset(ALL_USES)


@pytest.mark.parametrize("text", ["", "noai", "noai:", "no ai: please", "casinoai:abc", "NOAI=1"])
def test_other_text_is_no_statement(text: str) -> None:
    assert list(find(text)) == []


def test_two_statements_in_one_field_are_both_found() -> None:
    other = f"noai:{'A' * 22} No generative AI training without permission."
    assert [s.text for s in find(SENTENCE + SEPARATOR + other)] == [SENTENCE, other]


@pytest.mark.parametrize("separator", ["; ", " / ", " ", "", ", ", "\n"])
def test_no_statement_hides_behind_another(separator: str) -> None:
    mild = f"noai:{'A' * 22} No generative AI training without permission."
    found = list(find(mild + separator + SENTENCE))
    assert [s.denies for s in found] == [Profile.NO_GENERATIVE.denied, frozenset(ALL_USES)]
    assert found[1].text == SENTENCE


@pytest.mark.parametrize(
    ("values", "lifted", "expected"),
    [
        ([], [], [SENTENCE]),
        (["(c) X"], [], [f"(c) X | {SENTENCE}"]),
        (["(c) X", "second"], [], [f"(c) X | {SENTENCE}", "second"]),
        ([""], [], [SENTENCE]),
        (["(c) X | old"], ["old"], [f"(c) X | {SENTENCE}"]),
        (["old"], ["old"], [SENTENCE]),
        (["old", "kept"], ["old"], [f"kept | {SENTENCE}"]),
        ([f"(c) X | {SENTENCE}"], [], [f"(c) X | {SENTENCE}"]),
    ],
)
def test_merging_appends_and_replaces_only_what_is_ours(
    values: list[str], lifted: list[str], expected: list[str]
) -> None:
    assert merge_values(values, SENTENCE, lifted) == expected


def test_lifting_leaves_the_foreign_text() -> None:
    assert merge_values([f"(c) X | {SENTENCE}"], None, [SENTENCE]) == ["(c) X"]
    assert merge_values([SENTENCE], None, [SENTENCE]) == []
    assert merge_values(["(c) X"], None) == ["(c) X"]


def test_somebody_elses_statement_stays() -> None:
    foreign = f"noai:{'B' * 22} No AI training without permission."
    assert merge_values([foreign], SENTENCE) == [f"{foreign} | {SENTENCE}"]


@given(st.lists(st.text(st.characters(exclude_characters="|"), min_size=1, max_size=20), max_size=4))
def test_writing_and_lifting_gives_back_what_was_there(values: list[str]) -> None:
    written = merge_values(values, SENTENCE)
    assert any(SENTENCE in value for value in written)
    assert merge_values(written, None, [SENTENCE]) == values
    assert [without(value, [SENTENCE]) for value in written] == (values or [""])
