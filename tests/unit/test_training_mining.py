"""What training-and-data-mining assertions say, in whatever state they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.cbor import Budget
from noai.claim import Permission, Use
from noai.codes import Code
from noai.jumbf import Content
from noai.limits import CBOR_DEPTH, TRAINING_ASSERTION_BYTES
from noai.signals._training_mining import is_training_label, read_assertion
from tests.manifests import Pairs, cbor_bytes


@pytest.mark.parametrize(
    ("label", "is_training"),
    [
        ("cawg.training-mining", True),
        ("c2pa.training-mining", True),
        ("cawg.training-mining__1", True),
        ("cawg.training-mining.v2", True),
        ("cawg.training-mining.v2__12", True),
        ("cawg.training-mining.metadata", False),
        ("cawg.metadata", False),
        ("xcawg.training-mining", False),
    ],
)
def test_which_labels_are_about_training(label: str, is_training: bool) -> None:
    assert is_training_label(label) is is_training


def read(value: Any, kind: bytes = b"cbor") -> tuple[dict[Use, Permission], set[Code]]:
    data = value if isinstance(value, bytes) else cbor_bytes(value)
    statement = read_assertion([Content(kind, data)])
    return dict(statement.uses), set(statement.codes)


@pytest.mark.parametrize(
    ("entry", "permission"),
    [
        ({"use": "allowed"}, Permission.ALLOWED),
        ({"use": "notAllowed"}, Permission.NOT_ALLOWED),
        ({"use": "constrained"}, Permission.NOT_ALLOWED),
        ({"use": "constrained", "constraint_info": " "}, Permission.NOT_ALLOWED),
        ({"use": "constrained", "constraint_info": 5}, Permission.NOT_ALLOWED),
        ({"use": "constrained", "constraint_info": "ask"}, Permission.CONSTRAINED),
        ({"use": "constrained", "constraints_info": "ask"}, Permission.CONSTRAINED),
        ({"use": "allowed", "more": {"deep": [1]}}, Permission.ALLOWED),
    ],
)
def test_constrained_without_information_is_not_allowed(
    entry: dict[str, Any], permission: Permission
) -> None:
    assert read({"entries": {"cawg.ai_training": entry}}) == ({Use.TRAINING: permission}, set())


@pytest.mark.parametrize(
    "key", [use.value for use in Use] + [f"c2pa.{use.value[5:]}" for use in list(Use)[:4]]
)
def test_every_entry_key_is_known(key: str) -> None:
    uses, codes = read({"entries": {key: {"use": "notAllowed"}}})
    assert (len(uses), codes) == (1, set())


@pytest.mark.parametrize(
    "entry", [{"use": "allowed"}, {"use": "allowed", "constraint_info": "none"}, {}, 6, "free text"]
)
def test_an_unknown_entry_that_denies_nothing_is_ignored(entry: Any) -> None:
    value = {"entries": {"org.example.x": entry, 5: 6, "cawg.data_mining": {"use": "allowed"}}}
    assert read(value) == ({Use.DATA_MINING: Permission.ALLOWED}, set())


@pytest.mark.parametrize(
    "key",
    [
        "ai_training",
        " AI_Training",
        "cawg.ai_training ",
        "CAWG.AI_TRAINING",
        "C2PA.ai_training",
        "cawg.ai_training\n",
        "\tCawg.AI_Training",
    ],
)
def test_an_entry_in_another_spelling_denies_and_never_permits(key: str) -> None:
    def stated(**entry: str) -> tuple[dict[Use, Permission], set[Code]]:
        return read({"entries": {key: entry}})

    assert stated(use="notAllowed") == ({Use.TRAINING: Permission.NOT_ALLOWED}, set())
    assert stated(use="constrained", constraint_info="ask") == ({Use.TRAINING: Permission.CONSTRAINED}, set())
    assert stated(use="allowed") == ({}, set())
    assert stated(use="denied") == ({}, {Code.UNKNOWN_VALUE})
    assert stated(word="notAllowed") == ({}, {Code.C2PA_MALFORMED})


@pytest.mark.parametrize("use", Use)
def test_every_use_is_known_by_its_short_name(use: Use) -> None:
    short = use.value.rpartition(".")[2]
    assert read({"entries": {short: {"use": "notAllowed"}}}) == ({use: Permission.NOT_ALLOWED}, set())


@pytest.mark.parametrize("key", ["org.example.x", "com.example.ai_training", "ai training", "", 5, b"x"])
@pytest.mark.parametrize(
    "entry",
    [
        {"use": "notAllowed"},
        {"use": "constrained", "constraint_info": "ask"},
        {"use": "NotAllowed"},
        {"use": "denied"},
        {"use": 0},
        Pairs(("use", "allowed"), ("use", "notAllowed")),
        {"Use": "notAllowed"},
        "notAllowed",
        ["constrained"],
    ],
)
def test_a_denial_under_an_unknown_name_is_a_finding(key: Any, entry: Any) -> None:
    value = {"entries": {key: entry, "cawg.data_mining": {"use": "allowed"}}}
    assert read(value) == ({Use.DATA_MINING: Permission.ALLOWED}, {Code.UNKNOWN_VALUE})


def test_a_denial_under_an_unknown_name_outside_the_entries_is_a_finding() -> None:
    assert read({"entries": {}, "more": {"org.example.x": {"use": "notAllowed"}}}) == (
        {},
        {Code.UNKNOWN_VALUE},
    )


@pytest.mark.parametrize("word", ["NotAllowed", "denied", "", "allowed "])
def test_an_unknown_word_is_a_finding_never_a_permission(word: str) -> None:
    value = {"entries": {"cawg.ai_training": {"use": word}, "cawg.data_mining": {"use": "allowed"}}}
    assert read(value) == ({Use.DATA_MINING: Permission.ALLOWED}, {Code.UNKNOWN_VALUE})


SAYS_NO = {"cawg.ai_training": {"use": "notAllowed"}, "cawg.data_mining": {"use": "allowed"}}


@pytest.mark.parametrize(
    "value",
    [
        Pairs(("entries", SAYS_NO), ("entries", {})),
        Pairs(("entries", {}), ("entries", SAYS_NO)),
        {"entries": [SAYS_NO]},
        {"Entries": SAYS_NO},
        SAYS_NO,
        [{"entries": SAYS_NO}],
        {"entries": Pairs(("cawg.ai_training", {"use": "allowed"}), *SAYS_NO.items())},
        {"entries": {**SAYS_NO, "cawg.ai_inference": {}}},
        {"entries": {**SAYS_NO, "cawg.ai_inference": "allowed"}},
        {"entries": {**SAYS_NO, "cawg.ai_inference": {"use": 1}}},
        {"entries": {"cawg.ai_training": Pairs(("use", "allowed"), ("use", "notAllowed"))}},
        {"entries": {"cawg.ai_training": Pairs(("use", "notAllowed"), ("use", "allowed"))}},
        cbor_bytes({"entries": SAYS_NO})[:-2],
        cbor_bytes({"entries": SAYS_NO}) + b"\0",
        b"\xff" + cbor_bytes({"entries": {"cawg.ai_training": {"use": "notAllowed"}}}),
        cbor_bytes({"entries": {"cawg.ai_training": {"use": "constrained"}}}) + b"\0",
    ],
)
def test_a_damaged_assertion_denies_and_never_permits(value: Any) -> None:
    uses, codes = read(value)
    assert uses[Use.TRAINING] is Permission.NOT_ALLOWED
    assert Permission.ALLOWED not in uses.values()
    assert codes == {Code.C2PA_MALFORMED}


def test_json_assertions_are_read_alike_duplicates_too() -> None:
    assert read(b'{"entries": {"c2pa.ai_training": {"use": "notAllowed"}}}', b"json") == (
        {Use.TRAINING: Permission.NOT_ALLOWED},
        set(),
    )
    twice = b'{"entries": {"cawg.ai_training": {"use": "allowed", "use": "notAllowed"}}}'
    assert read(twice, b"json") == ({Use.TRAINING: Permission.NOT_ALLOWED}, {Code.C2PA_MALFORMED})


@pytest.mark.parametrize("data", [b"{", b"\xff", b"[" * 100_000, b"", b"1" * 10_000, b'{"a": NaN}'])
def test_json_of_any_other_form_is_a_finding(data: bytes) -> None:
    uses, codes = read(data, b"json")
    assert not uses
    assert codes & {Code.C2PA_MALFORMED, Code.LIMIT_EXCEEDED}


@pytest.mark.parametrize("end", [b"", b"\\", b'"', b"[" * 40])
def test_escaped_quotes_in_json_cost_linear_time(end: bytes) -> None:
    """A pattern that starts again at every quote took 2 s for half as much."""
    count = (TRAINING_ASSERTION_BYTES - 100) // 2
    uses, codes = read(b'"' + b'\\"' * count + end, b"json")
    assert not uses
    assert codes == {Code.C2PA_MALFORMED}


def test_only_brackets_outside_strings_nest_json() -> None:
    text = '\\"[{' * CBOR_DEPTH
    assert read(f'{{"entries": {{}}, "x": "{text}"}}'.encode(), b"json") == ({}, set())
    deep = '["a\\\\",' * (CBOR_DEPTH + 1)
    assert Code.LIMIT_EXCEEDED in read(deep.encode(), b"json")[1]


def test_what_cannot_be_parsed_is_searched_in_any_spelling() -> None:
    uses, codes = read(b'{"entries": {"AI_Training": {"use": "NOTALLOWED"}', b"json")
    assert uses == {Use.TRAINING: Permission.NOT_ALLOWED}
    assert codes == {Code.C2PA_MALFORMED}


def test_an_assertion_of_both_forms_or_neither_is_damaged_and_searched() -> None:
    yes, no = ({"entries": {"cawg.ai_training": {"use": word}}} for word in ("allowed", "notAllowed"))
    both = read_assertion([Content(b"cbor", cbor_bytes(yes)), Content(b"cbor", cbor_bytes(no))])
    assert both.uses == {Use.TRAINING: Permission.NOT_ALLOWED}
    other = read_assertion([Content(b"uuid", cbor_bytes(no))])
    assert other.uses == {Use.TRAINING: Permission.NOT_ALLOWED}
    assert Code.C2PA_MALFORMED in both.codes
    assert Code.C2PA_MALFORMED in other.codes


def test_an_assertion_beyond_the_limit_is_searched_but_not_parsed() -> None:
    data = cbor_bytes({"entries": SAYS_NO, "pad": bytes(TRAINING_ASSERTION_BYTES)})
    uses, codes = read(data)
    assert Use.TRAINING in uses
    assert Code.LIMIT_EXCEEDED in codes


@pytest.mark.parametrize("kind", [b"cbor", b"json"])
def test_one_budget_serves_all_assertions_of_a_store(kind: bytes) -> None:
    data = cbor_bytes({"entries": SAYS_NO}) if kind == b"cbor" else json.dumps({"entries": SAYS_NO}).encode()
    budget = Budget(15)
    assert read_assertion([Content(kind, data)], budget).codes == ()
    spent = read_assertion([Content(kind, data)], budget)
    assert Code.LIMIT_EXCEEDED in spent.codes
    assert Use.TRAINING in spent.uses


def test_what_json_lists_hold_is_searched_too() -> None:
    data = b'{"entries": [{"cawg.ai_training": {"use": "notAllowed"}}]}'
    assert read(data, b"json") == ({Use.TRAINING: Permission.NOT_ALLOWED}, {Code.C2PA_MALFORMED})


@given(st.binary(max_size=120), st.sampled_from([b"cbor", b"json", b"uuid"]))
def test_any_bytes_give_a_statement(data: bytes, kind: bytes) -> None:
    statement = read_assertion([Content(kind, data)])
    assert Permission.ALLOWED not in statement.uses.values()
