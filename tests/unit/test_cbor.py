"""The CBOR decoder: RFC 8949 examples, duplicates, limits, and damaged data."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.cbor import Budget, Map, Tagged, Value, decode, salvage, walk
from noai.errors import ContainerMalformed, LimitExceeded
from noai.limits import CBOR_DEPTH, CBOR_ITEMS
from tests.manifests import Pairs, cbor_bytes


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        # RFC 8949, appendix A.
        ("00", 0),
        ("17", 23),
        ("1818", 24),
        ("1903e8", 1000),
        ("1bffffffffffffffff", 2**64 - 1),
        ("20", -1),
        ("3bffffffffffffffff", -(2**64)),
        ("f93c00", 1.0),
        ("f97bff", 65504.0),
        ("fa47c35000", 100000.0),
        ("fb3ff199999999999a", 1.1),
        ("f97c00", math.inf),
        ("f4", False),
        ("f5", True),
        ("f6", None),
        ("f7", None),
        ("c074323031332d30332d32315432303a30343a30305a", Tagged(0, "2013-03-21T20:04:00Z")),
        ("d74401020304", Tagged(23, b"\1\2\3\4")),
        ("40", b""),
        ("4401020304", b"\1\2\3\4"),
        ("62225c", '"\\'),
        ("63e6b0b4", "水"),
        ("80", ()),
        ("8301820203820405", (1, (2, 3), (4, 5))),
        ("a0", Map()),
        ("a26161016162820203", Map((("a", 1), ("b", (2, 3))))),
        ("5f42010243030405ff", b"\1\2\3\4\5"),
        ("7f657374726561646d696e67ff", "streaming"),
        ("9fff", ()),
        ("9f018202039f0405ffff", (1, (2, 3), (4, 5))),
        ("bf61610161629f0203ffff", Map((("a", 1), ("b", (2, 3))))),
    ],
)
def test_examples_of_rfc_8949(encoded: str, value: Value) -> None:
    decoded = decode(bytes.fromhex(encoded))
    assert decoded == value
    assert type(decoded) is type(value)


@pytest.mark.parametrize(
    "encoded",
    [
        "",
        "18",
        "62c3",
        "62c328",
        "1c",
        "ff",
        "81",
        "a1",
        "a161",
        "bf6161ff",
        "c0",
        "df00",
        "1f",
        "5f00ff",
        "7f4101ff",
        "f800",
        "e0",
        "0000",
        "9bffffffffffffffff",
        "5bffffffffffffffff",
    ],
)
def test_what_is_not_well_formed_is_malformed(encoded: str) -> None:
    with pytest.raises(ContainerMalformed):
        decode(bytes.fromhex(encoded))


def test_duplicate_keys_are_all_visible() -> None:
    value = decode(cbor_bytes(Pairs(("use", "allowed"), ("use", "notAllowed"), (1, 2))))
    assert isinstance(value, Map)
    assert value.all("use") == ["allowed", "notAllowed"]
    assert value.first("use") == "allowed"
    assert value.first("none") is None
    assert value.repeats_a_key


def test_keys_are_compared_by_type_too() -> None:
    value = Map(((True, "yes"), (1, "one"), ("1", "text")))
    assert value.all(1) == ["one"]
    assert not value.repeats_a_key


def test_nesting_beyond_the_limit_is_refused_without_recursion() -> None:
    assert decode(b"\x81" * CBOR_DEPTH + b"\x00")
    with pytest.raises(LimitExceeded):
        decode(b"\x81" * 100_000 + b"\x00")
    with pytest.raises(LimitExceeded):
        decode(b"\x9f" * 100_000)


def test_items_beyond_the_limit_are_refused() -> None:
    with pytest.raises(LimitExceeded):
        decode(cbor_bytes([0] * CBOR_ITEMS))


def test_one_budget_serves_several_decodings() -> None:
    budget = Budget(4)
    decode(cbor_bytes([1, 2]), budget)
    with pytest.raises(LimitExceeded):
        decode(cbor_bytes([1, 2]), budget)


def test_damaged_data_are_read_as_far_as_they_go() -> None:
    whole = cbor_bytes({"entries": {"a": {"use": "notAllowed"}, "b": {"use": "allowed"}}})
    result = salvage(whole[:-3])
    assert isinstance(result.error, ContainerMalformed)
    assert result.value == Map((("entries", Map((("a", Map((("use", "notAllowed"),))), ("b", Map())))),))


def test_bytes_after_the_item_do_not_hide_it() -> None:
    result = salvage(cbor_bytes({"a": 1}) + b"\0")
    assert result.value == Map((("a", 1),))
    assert result.error is not None


def test_walk_sees_everything() -> None:
    value = Map((("k", (1, Tagged(5, Map((("deep", b"x"),))))),))
    seen = list(walk(value))
    assert all(part in seen for part in ("k", 1, "deep", b"x"))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.text(st.characters(codec="utf-8"))
    | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=20,
)


def plain(value: Value) -> object:
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Map):
        return {key: plain(item) for key, item in value.pairs}
    return value


@given(VALUES)
def test_what_was_encoded_is_decoded(value: object) -> None:
    assert plain(decode(cbor_bytes(value))) == value


@given(st.binary(max_size=200))
def test_salvage_takes_any_bytes(data: bytes) -> None:
    list(walk(salvage(data).value))


@given(VALUES, st.data())
def test_salvage_takes_any_damage(value: object, data: st.DataObject) -> None:
    encoded = bytearray(cbor_bytes(value))
    position = data.draw(st.integers(0, len(encoded) - 1))
    encoded[position] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(encoded)))
    list(walk(salvage(bytes(encoded[:cut])).value))
