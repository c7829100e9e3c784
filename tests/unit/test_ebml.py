"""EBML: numbers, headers, nesting, limits."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.containers import _ebml
from noai.containers._ebml import (
    Element,
    ElementReader,
    Truncated,
    decode,
    parse_header,
    parse_number,
    parse_size,
    rebuilt,
    render,
    render_checked,
    render_size,
    render_uint,
    render_void,
    size_width,
)
from noai.errors import ContainerError, ContainerMalformed, LimitExceeded
from noai.limits import EBML_DEPTH
from noai.sources import BytesSource


def reader(data: bytes, elements: int = 1_000) -> ElementReader:
    return ElementReader(BytesSource(data), elements)


def whole(data: bytes) -> Element:
    return parse_header(data, 0, len(data))


# -- numbers (RFC 8794 §4 to §6) ------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "size", "width"),
    [
        ("80", 0, 1),
        ("fe", 126, 1),
        ("407f", 127, 2),
        ("4000", 0, 2),
        ("100000ff", 255, 4),
        ("0100000000000001", 1, 8),
        ("ff", None, 1),
        ("7fff", None, 2),
        ("01ffffffffffffff", None, 8),
    ],
)
def test_sizes_are_read_as_the_standard_has_them(data: str, size: int | None, width: int) -> None:
    assert parse_size(bytes.fromhex(data), 0) == (size, width)


@given(size=st.integers(0, (1 << 56) - 2), width=st.integers(0, 8))
def test_a_rendered_size_is_read_back(size: int, width: int) -> None:
    data = render_size(size, width)
    assert parse_size(data, 0) == (size, len(data))
    assert len(data) >= width


@pytest.mark.parametrize("data", ["", "00", "0000", "08", "40", "0100"])
def test_what_is_no_number_is_an_error(data: str) -> None:
    with pytest.raises(ContainerMalformed):
        parse_number(bytes.fromhex(data), 0, 4 if data != "0100" else 8)


@pytest.mark.parametrize("data", ["ec81", "ec", "1a45df", "ec40", "ec82ff"])
def test_an_element_that_is_cut_off_is_an_error(data: str) -> None:
    with pytest.raises(Truncated):
        whole(bytes.fromhex(data))


def test_an_element_without_a_size_ends_with_what_is_around_it() -> None:
    found = parse_header(b"\x18\x53\x80\x67\xff....", 0, 9)
    assert (found.id, found.data, found.end, found.sized) == (0x18538067, 5, 9, False)


@given(length=st.integers(2, 70_000))
def test_a_void_has_the_length_that_is_asked_for(length: int) -> None:
    data = render_void(length)
    found = whole(data)
    assert len(data) == length
    assert (found.id, found.end) == (_ebml.VOID, length)
    assert not any(data[found.data :])


@given(value=st.integers(0, (1 << 64) - 1), width=st.integers(1, 8))
def test_an_unsigned_number_is_read_back(value: int, width: int) -> None:
    data = render_uint(0x53AC, value, width)
    assert reader(data).uint(whole(data)) == value


@pytest.mark.parametrize(
    ("content", "value"),
    [("", 0.0), ("3f800000", 1.0), ("40e5888000000000", 44_100.0)],
)
def test_floats_have_no_bytes_or_four_or_eight(content: str, value: float) -> None:
    data = render(0x4489, bytes.fromhex(content))
    assert reader(data).real(whole(data)) == value


def test_signed_numbers() -> None:
    data = render(0x75A2, b"\xff\x38")
    assert reader(data).sint(whole(data)) == -200


@pytest.mark.parametrize("kind", ["uint", "sint", "real"])
def test_numbers_of_another_length_are_errors(kind: str) -> None:
    data = render(0x4489, bytes(9))
    with pytest.raises(ContainerMalformed):
        getattr(reader(data), kind)(whole(data))


def test_floats_of_three_bytes_are_errors() -> None:
    data = render(0x4489, bytes(3))
    with pytest.raises(ContainerMalformed):
        reader(data).real(whole(data))


def test_text_ends_at_its_terminator_and_keeps_every_byte() -> None:
    data = render(0x86, b"A_\xff\0more")
    assert reader(data).text(whole(data), 100) == "A_\udcff"
    assert decode(b"padded\0\0") == "padded"
    with pytest.raises(LimitExceeded):
        reader(data).text(whole(data), 3)


# -- nesting --------------------------------------------------------------------------------


def test_children_are_found_in_order() -> None:
    data = render(0x7373, render(0x63C0, b"") + render(0x67C8, b"ab") + render_void(3))
    assert [child.id for child in reader(data).children(whole(data))] == [0x63C0, 0x67C8, 0xEC]


@pytest.mark.parametrize("inner", ["67c885", "00", "67c8ff", "67"])
def test_what_stands_in_front_of_damage_is_still_found(inner: str) -> None:
    data = render(0x7373, render(0x63C0, b"") + bytes.fromhex(inner))
    children = reader(data).children(whole(data))
    assert next(children).id == 0x63C0
    with pytest.raises(ContainerMalformed):
        next(children)


def test_depth_and_number_of_elements_are_limited() -> None:
    data = render(0x7373, render_void(2) * 50)
    with pytest.raises(LimitExceeded):
        list(reader(data, 49).children(whole(data)))
    with pytest.raises(LimitExceeded):
        list(reader(data).children(whole(data), EBML_DEPTH + 1))


@given(data=st.binary(max_size=200))
def test_random_bytes_raise_only_typed_errors(data: bytes) -> None:
    try:
        master = parse_header(data, 0, len(data))
        for child in reader(data).children(master):
            reader(data).uint(child)
    except ContainerError:
        return


# -- checksums and rebuilding ---------------------------------------------------------------


def test_a_checksum_is_checked_and_made_right() -> None:
    inner = render(0x7BA9, b"title")
    data = render_checked(0x1549A966, render(_ebml.CRC32, bytes(4)) + inner)
    assert zlib.crc32(inner).to_bytes(4, "little") in data
    assert reader(data).checksum_holds(whole(data))
    broken = data.replace(b"title", b"TITLE")
    assert not reader(broken).checksum_holds(whole(broken))


def test_without_a_checksum_there_is_none_to_hold() -> None:
    data = render(0x1549A966, render(0x7BA9, b"title"))
    assert reader(data).checksum_holds(whole(data))


def test_rebuilding_changes_nothing_else() -> None:
    inner = render(0x45A3, b"A", 3), b"\xec\x81x", render(0x4487, b"old")
    data = render(0x67C8, b"".join(inner), 4)
    master = whole(data)
    last = list(reader(data).children(master))[-1]
    new = rebuilt(reader(data), master, 1, {last.start: render(0x4487, b"new one")}, b"\xec\x80")
    assert new == render(0x67C8, inner[0] + inner[1] + render(0x4487, b"new one") + b"\xec\x80", 4)
    assert size_width(master) == 4
