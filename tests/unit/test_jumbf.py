"""The manifest store reader: real stores, stores by hand, limits, and damaged data."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from noai.codes import Code
from noai.jumbf import Manifest, read_store
from noai.limits import BOX_DEPTH, CERTIFICATE_BYTES, CHAIN_CERTIFICATES, JUMBF_BOXES
from tests.audio import SAMPLES
from tests.manifests import (
    NO_AI,
    assertion_box,
    assertions_box,
    box,
    claim_box,
    entries,
    live_signer,
    manifest_box,
    marked,
    resigned,
    signature_box,
    simple_manifest,
    store_box,
    store_of,
    superbox,
    urls,
)

TRAINING = "cawg.training-mining"
DATA = entries(**{"cawg.ai_training": "notAllowed"})


@pytest.fixture(scope="module")
def real() -> bytes:
    return marked(SAMPLES / "unmarked" / "tune.mp3")


def only(store: bytes) -> Manifest:
    (manifest,) = read_store(store).manifests
    return manifest


def fault_codes(store: bytes) -> set[Code]:
    return {fault.code for fault in read_store(store).all_faults}


# -- what real stores hold ------------------------------------------------------------------


def test_a_real_store_is_read_whole(real: bytes) -> None:
    store = read_store(store_of(real))
    assert store.all_faults == ()
    assert store.active is not None
    assert store.active.label.startswith("urn:c2pa:")
    assert store.active.claim.generator == "noai"
    assert store.active.claim.instance_id
    assert store.active.claim.created == (TRAINING, "c2pa.hash.data", "c2pa.actions.v2")
    assert {assertion.label for assertion in store.active.assertions} == set(store.active.claim.created)
    chain = [x509.load_der_x509_certificate(der) for der in store.active.chain]
    assert tuple(chain) == live_signer().chain


def test_manifests_come_in_order_and_the_last_is_active(real: bytes) -> None:
    edited = read_store(store_of(resigned(real, "audio/mpeg", NO_AI)))
    first, second = edited.manifests
    assert first == read_store(store_of(real)).active
    assert edited.active is second
    assert "c2pa.ingredient.v3" in second.claim.created
    assert edited.all_faults == ()


def test_every_container_gives_a_readable_store() -> None:
    for name in ("tune.flac", "tune.wav", "tune.m4a"):
        assert read_store(store_of(marked(SAMPLES / "unmarked" / name))).all_faults == ()


# -- stores by hand -------------------------------------------------------------------------


def test_the_assertions_of_a_1x_claim_are_created_ones() -> None:
    parts = (
        assertions_box(assertion_box("c2pa.training-mining", DATA)),
        claim_box(
            "c2pa.claim", assertions=urls("c2pa.training-mining"), claim_generator="old/1", signature="x"
        ),
        signature_box(name="x5chain"),
    )
    manifest = only(store_box(manifest_box(*parts)))
    assert manifest.claim.created == ("c2pa.training-mining",)
    assert manifest.claim.generator == "old/1"
    assert manifest.chain == (b"leaf", b"root")
    assert manifest.faults == ()


def test_the_generator_of_a_1x_claim_may_be_a_list() -> None:
    info = [{"name": "first"}, {"name": "second"}]
    manifest = only(store_box(manifest_box(claim_box(claim_generator_info=info), signature_box())))
    assert manifest.claim.generator == "first"


def test_created_gathered_and_redacted_are_told_apart() -> None:
    manifest = only(
        store_box(
            simple_manifest(
                (TRAINING, DATA),
                created_assertions=urls("a"),
                gathered_assertions=urls(TRAINING, f"{TRAINING}__1"),
                redacted_assertions=[f"self#jumbf=/c2pa/urn:c2pa:0/c2pa.assertions/{TRAINING}"],
            )
        )
    )
    assert manifest.claim.created == ("a",)
    assert manifest.claim.gathered == (TRAINING, f"{TRAINING}__1")
    assert manifest.claim.redacted == (TRAINING,)


def test_cbor_and_json_boxes_are_both_kept() -> None:
    both = superbox(b"json", TRAINING, box(b"json", b"{}"), box(b"cbor", b"\xa0"))
    manifest = only(store_box(manifest_box(assertions_box(both), claim_box(), signature_box())))
    (assertion,) = manifest.assertions
    assert [(content.kind, content.data) for content in assertion.contents] == [
        (b"json", b"{}"),
        (b"cbor", b"\xa0"),
    ]


def test_an_assertion_outside_the_assertion_store_is_seen() -> None:
    stray = assertion_box(TRAINING, DATA)
    manifest = only(store_box(manifest_box(stray, claim_box(), signature_box())))
    assert [assertion.label for assertion in manifest.assertions] == [TRAINING]


def test_zero_padding_after_the_store_is_no_fault() -> None:
    assert fault_codes(store_box(simple_manifest((TRAINING, DATA))) + bytes(7)) == set()


def test_large_and_open_box_sizes_are_read() -> None:
    inner = simple_manifest((TRAINING, DATA))
    whole = store_box(inner)
    body = whole[8:]
    large = b"\0\0\0\1jumb" + (len(body) + 16).to_bytes(8, "big") + body
    until_end = b"\0\0\0\0jumb" + body
    assert read_store(large) == read_store(whole)
    assert read_store(until_end) == read_store(whole)


def test_a_compressed_manifest_is_unread_not_empty() -> None:
    packed = manifest_box(box(b"brob", b"jumb", bytes(20)), uuid=b"c2cm")
    assert Code.C2PA_UNREAD in fault_codes(store_box(packed))


@pytest.mark.parametrize(
    "store",
    [
        b"",
        b"\0\0\0\4jumb",
        box(b"free", b"x"),
        store_box(),
        store_box(box(b"free", b"x"), simple_manifest((TRAINING, DATA))),
        superbox(b"xxxx", "c2pa", simple_manifest((TRAINING, DATA))),
        store_box(simple_manifest((TRAINING, DATA))) * 2,
        store_box(manifest_box(signature_box())),
        store_box(manifest_box(claim_box())),
        store_box(manifest_box(claim_box(), claim_box(), signature_box())),
        store_box(manifest_box(superbox(b"c2cl", "c2pa.claim", box(b"cbor", b"\x00")), signature_box())),
        store_box(manifest_box(superbox(b"c2cl", "c2pa.claim"), signature_box())),
        store_box(manifest_box(claim_box(created_assertions=[5]), signature_box())),
        store_box(manifest_box(claim_box(), superbox(b"c2cs", "c2pa.signature", box(b"cbor", b"\x00")))),
        store_box(manifest_box(superbox(b"xxxx", "c2pa.claim.v2", box(b"cbor", b"\xa0")), signature_box())),
        store_box(manifest_box(claim_box(), superbox(b"c2cs", "c2pa.signature.v2"), signature_box())),
        store_box(manifest_box(claim_box(), signature_box(), superbox(b"c2cl", "other"))),
        store_box(manifest_box(claim_box(), signature_box(), assertions_box(*2 * [assertion_box("x", {})]))),
        store_box(box(b"jumb", box(b"free", b"x"))),
        store_box(box(b"jumb")),
        store_box(box(b"jumb", box(b"jumd", bytes(16), b"\x03", b"\xff\0"))),
        store_box(box(b"jumb", box(b"jumd", bytes(16), b"\x03", b"no end"))),
    ],
)
def test_what_breaks_the_layout_is_a_fault(store: bytes) -> None:
    assert Code.C2PA_MALFORMED in fault_codes(store)


def test_a_box_inside_an_assertion_is_a_fault_and_is_read() -> None:
    inner = assertion_box(TRAINING, DATA)
    outer = superbox(b"cbor", "c2pa.actions.v2", box(b"cbor", b"\xa0"), inner)
    store = store_box(manifest_box(assertions_box(outer), claim_box(), signature_box()))
    assert Code.C2PA_MALFORMED in fault_codes(store)
    assert [assertion.label for assertion in only(store).assertions] == ["c2pa.actions.v2", TRAINING]


def test_a_cut_store_keeps_what_stands_before_the_cut() -> None:
    parts = (assertions_box(assertion_box(TRAINING, DATA)), claim_box(), signature_box())
    whole = store_box(manifest_box(*parts))
    manifest = only(whole[: -len(signature_box()) - 5])
    assert [assertion.label for assertion in manifest.assertions] == [TRAINING]
    assert manifest.faults


@pytest.mark.parametrize(
    "chain",
    [(), tuple([b"c"] * (CHAIN_CERTIFICATES + 1)), (bytes(CERTIFICATE_BYTES + 1),), ("text",), "text", 5],
)
def test_a_chain_of_another_shape_is_a_fault(chain: Any) -> None:
    store = store_box(manifest_box(claim_box(), signature_box(chain)))
    assert Code.CHAIN_MALFORMED in fault_codes(store)
    assert only(store).chain == ()


def test_a_single_certificate_stands_without_an_array() -> None:
    assert only(store_box(manifest_box(claim_box(), signature_box(b"leaf")))).chain == (b"leaf",)


def test_nesting_beyond_the_limit_is_a_fault() -> None:
    nested = assertion_box(TRAINING, DATA)
    for _ in range(BOX_DEPTH + 1):
        nested = superbox(b"c2as", "x", nested)
    assert Code.LIMIT_EXCEEDED in fault_codes(store_box(manifest_box(nested, claim_box(), signature_box())))
    deep = b""
    for _ in range(20_000):
        deep = b"\0\0\0\0jumb" + deep if len(deep) < 160_000 else deep
    assert Code.LIMIT_EXCEEDED in fault_codes(deep)


def test_boxes_beyond_the_limit_are_a_fault() -> None:
    many = box(b"free") * (JUMBF_BOXES + 1)
    assert Code.LIMIT_EXCEEDED in fault_codes(store_box(manifest_box(many)))


# -- any bytes ------------------------------------------------------------------------------


@given(st.binary(max_size=300))
def test_any_bytes_give_a_store(data: bytes) -> None:
    assert read_store(data).all_faults


@given(data=st.data())
def test_any_damage_gives_a_store(data: st.DataObject, real: bytes) -> None:
    store = bytearray(store_of(real))
    # Padding of the signature makes up most of a store; damage belongs where the structure is.
    for _ in range(data.draw(st.integers(1, 4))):
        store[data.draw(st.integers(0, 1500))] = data.draw(st.integers(0, 255))
    read_store(bytes(store[: data.draw(st.integers(0, len(store)))]))
