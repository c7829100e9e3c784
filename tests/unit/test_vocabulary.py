"""The table of vocabularies: complete, consistent with the profiles, and what the docs show."""

from __future__ import annotations

from pathlib import Path

import pytest

from noai.claim import ALL_USES, Claim, Permission, Profile, Use
from noai.vocabulary import (
    DENY_ALL,
    PLUS_VOCABULARY,
    TABLE,
    Vocabulary,
    as_markdown,
    data_mining_value,
    lookup,
)

PAGE = Path(__file__).parents[2] / "docs" / "vocabularies.md"


def test_the_page_in_the_docs_is_the_table() -> None:
    rewrite = (
        "python -c 'import noai.vocabulary as v; print(v.as_markdown(), end=\"\")' > docs/vocabularies.md"
    )
    assert PAGE.read_text(encoding="utf-8") == as_markdown(), f"stale; run: {rewrite}"


def test_every_vocabulary_has_tokens_and_none_twice() -> None:
    assert set(TABLE) == set(Vocabulary)
    for tokens in TABLE.values():
        assert len({token.name for token in tokens}) == len(tokens) > 0


def test_plus_has_its_nine_codes() -> None:
    assert len(TABLE[Vocabulary.PLUS]) == 9
    denying = {token.name for token in TABLE[Vocabulary.PLUS] if token.denies}
    assert denying == {token.name for token in TABLE[Vocabulary.PLUS] if "PROHIBITED" in token.name}


def test_general_opt_outs_deny_everything() -> None:
    for vocabulary, name in (
        (Vocabulary.PLUS, "DMI-PROHIBITED"),
        (Vocabulary.TDMREP, "1"),
        (Vocabulary.TAG, "NOAI"),
        (Vocabulary.TAG, "AI_TRAINING_OPT_OUT"),
        (Vocabulary.ROBOTS, "noai"),
    ):
        token = lookup(vocabulary, name)
        assert token is not None
        assert token.denial == DENY_ALL


def test_a_denial_is_never_narrower_than_the_permission_of_the_same_token() -> None:
    for vocabulary, tokens in TABLE.items():
        for token in tokens:
            assert not token.denies or token.permits <= token.denies, (vocabulary, token.name)


@pytest.mark.parametrize("profile", Profile)
def test_the_token_of_a_profile_reads_back_as_the_profile(profile: Profile) -> None:
    value = data_mining_value(Claim(profile.uses))
    assert value is not None
    assert value.startswith(PLUS_VOCABULARY)
    token = lookup(Vocabulary.PLUS, value.removeprefix(PLUS_VOCABULARY))
    assert token is not None
    assert dict(token.denial) == profile.uses


NO, MAY, ASK = Permission.NOT_ALLOWED, Permission.ALLOWED, Permission.CONSTRAINED
GENERATIVE, TRAINING, VOICE = Use.GENERATIVE_TRAINING, Use.TRAINING, Use.VOICE_LIKENESS


@pytest.mark.parametrize(
    ("uses", "code"),
    [
        ({GENERATIVE: NO, TRAINING: NO, VOICE: NO}, "DMI-PROHIBITED-AIMLTRAINING"),
        ({GENERATIVE: NO, TRAINING: ASK, VOICE: NO}, "DMI-PROHIBITED-AIMLTRAINING"),
        ({GENERATIVE: NO, TRAINING: MAY, VOICE: ASK}, "DMI-PROHIBITED-GENAIMLTRAINING"),
        (dict.fromkeys(ALL_USES, ASK), "DMI-PROHIBITED-SEECONSTRAINT"),
        ({**dict.fromkeys(ALL_USES, ASK), VOICE: NO}, "DMI-PROHIBITED"),
        # Every token would say more than the claim: it also denies likeness.
        ({GENERATIVE: NO, TRAINING: NO}, None),
        ({GENERATIVE: ASK}, None),
        ({TRAINING: NO}, None),
        ({VOICE: NO}, None),
        (dict.fromkeys(ALL_USES, MAY), None),
    ],
)
def test_data_mining_value(uses: dict[Use, Permission], code: str | None) -> None:
    assert data_mining_value(Claim(uses)) == (code and PLUS_VOCABULARY + code)
