"""No vocabulary says more than is denied, and what noai reads back is what was denied."""

from __future__ import annotations

from itertools import combinations

import pytest

from noai import http
from noai.claim import ALL_USES, Profile, Use
from noai.publishing import SiteStatement
from noai.vocabulary import Vocabulary, denying_tokens

URL = "https://ana.example/audio/tune.mp3"
SETS = [frozenset(some) for count in range(6) for some in combinations(ALL_USES, count)]


def names(uses: frozenset[Use]) -> str:
    return "+".join(use.name for use in ALL_USES if use in uses) or "nothing"


def heard(statement: SiteStatement) -> frozenset[Use]:
    """What noai reads out of the response fields."""
    return http.signals(URL, [(field.name, field.value) for field in statement.fields]).denies


@pytest.mark.parametrize("denied", SETS, ids=names)
def test_never_more_than_is_denied(denied: frozenset[Use]) -> None:
    statement = SiteStatement(denied)
    assert heard(statement) <= denied


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (
            Profile.NO_AI,
            {
                "Content-Usage": "train-ai=n",
                "Content-Signal": "ai-train=no, ai-input=no",
                "tdm-reservation": "1",
                "X-Robots-Tag": "noai",
            },
        ),
        (Profile.NO_TRAINING, {"Content-Usage": "train-ai=n", "Content-Signal": "ai-train=no"}),
        (Profile.NO_GENERATIVE, {"Content-Usage": "train-ai=n"}),
    ],
    ids=str,
)
def test_each_profile_in_words(profile: Profile, said: dict[str, str]) -> None:
    statement = SiteStatement(profile.denied)
    assert {field.name: field.value for field in statement.fields} == said
    assert heard(statement) == profile.denied


def test_a_use_on_top_of_a_profile_is_said_where_there_is_a_word() -> None:
    statement = SiteStatement(Profile.NO_TRAINING.denied | {Use.INFERENCE})
    assert ("Content-Signal", "ai-train=no, ai-input=no", False) in statement.fields
    assert heard(statement) == statement.denied


def test_what_has_no_word_is_named() -> None:
    assert SiteStatement(Profile.NO_TRAINING.denied).omissions == (
        "Content-Usage has no word for ai_training",
        "tdm-reservation is left out: each of its words denies more than this",
        "X-Robots-Tag is left out: each of its words denies more than this",
    )
    assert SiteStatement(Profile.NO_GENERATIVE.denied, "https://ana.example/p").omissions[-1] == (
        "tdm-policy is left out: it stands beside tdm-reservation only"
    )


def test_a_policy_stands_beside_a_reservation_only() -> None:
    policy = ("tdm-policy", "https://ana.example/p", True)
    assert policy in SiteStatement(frozenset(ALL_USES), "https://ana.example/p").fields
    assert policy not in SiteStatement(Profile.NO_TRAINING.denied, "https://ana.example/p").fields


def test_search_engines_are_never_turned_away() -> None:
    """``search=n`` is read as a denial of data mining; written, it would take the site out of results."""
    for vocabulary in Vocabulary:
        for token in denying_tokens(vocabulary, frozenset(ALL_USES)):
            assert token.name != "search"
            assert "retired" not in token.note
