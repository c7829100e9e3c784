"""Whether a manifest was made for this very file: judged by noai, with the C2PA library as the witness."""

from __future__ import annotations

import hashlib
import io
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noai import cbor, manifest
from noai.c2pa_json import DATA_HASH, BmffHash, DataHash, HardBinding
from noai.codes import Code
from noai.containers.interface import Embedding, ManifestStore
from noai.containers.registry import detect
from noai.errors import SourceChanged
from noai.jumbf import Assertion, Content, Manifest, read_store
from noai.jumbf import Claim as JumbfClaim
from noai.limits import C2PA_EXCLUSIONS
from noai.manifesting import embed
from noai.report import Check, SignalSource
from noai.signals import _c2pa_bmff as bmff
from noai.signals._c2pa_binding import Binding, bind, check_binding, data_hash, unbound
from noai.signals._ranges import union, without
from noai.sources import BytesSource
from noai.verifying import verify
from tests.audio import SAMPLES
from tests.manifests import (
    NO_AI,
    cbor_bytes,
    changed_audio,
    flipped,
    foreign,
    live_signer,
    marked,
    media_type,
    place,
    sidecar,
    store_of,
    witness,
)
from tests.signers import trusting

UNMARKED = SAMPLES / "unmarked"
EMBEDDING = [UNMARKED / name for name in ("tune.mp3", "tune.flac", "tune.wav", "tune.m4a", "tune-alac.m4a")]
MP3, M4A = UNMARKED / "tune.mp3", UNMARKED / "tune.m4a"
each_container = pytest.mark.parametrize("path", EMBEDDING, ids=lambda path: path.name)
ORDER = manifest.Order(NO_AI, live_signer())
MISMATCH = Binding(Check.FAIL, (Code.C2PA_HASH_MISMATCH,))
EXCLUDED = Binding(Check.NOT_RUN, (Code.C2PA_EXCLUSIONS,))


def judged(data: bytes) -> Binding:
    """How the store that our reader finds in ``data`` is bound to it."""
    source = BytesSource(data)
    (store,) = detect(source).container.read_tags(source).manifests
    active = read_store(store.read(source)).active
    assert active is not None
    return check_binding(source, active, store)


def says_match(data: bytes, kind: str) -> bool:
    found = witness(data, kind)
    matches = any(code.endswith("Hash.match") for code in found.success)
    return matches and not any("Hash.mismatch" in code for code in found.failure)


# -- what noai and other programs sign ---------------------------------------------------------


@each_container
def test_what_noai_signs_is_bound_for_noai_and_for_the_library(path: Path) -> None:
    data = marked(path)
    assert judged(data) == Binding(Check.PASS)
    assert says_match(data, media_type(path))


@each_container
def test_what_the_library_signs_and_embeds_is_bound_for_noai(path: Path) -> None:
    data = foreign(path, [])
    assert judged(data) == Binding(Check.PASS)
    assert judged(changed_audio(data)) == MISMATCH


@each_container
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_noai_and_the_library_agree_on_every_flipped_bit(path: Path, data: st.DataObject) -> None:
    whole, kind = _signed(path), media_type(path)
    ((start, length),) = place(whole).pieces
    # Inside the store the library looks at other things as well.
    position = data.draw(st.integers(0, len(whole) - 1).filter(lambda at: not start <= at < start + length))
    altered = flipped(whole, position)
    try:
        expected = says_match(altered, kind)
    except Exception:  # noqa: BLE001 - the library finds no store any more, by any of its errors
        return
    found = check_binding(BytesSource(altered), _active(whole), _place(whole))
    assert (found.check is Check.PASS) == expected


_cache: dict[Path, bytes] = {}


def _signed(path: Path) -> bytes:
    return _cache.setdefault(path, marked(path))


def _active(data: bytes) -> Manifest:
    active = read_store(store_of(data)).active
    assert active is not None
    return active


def _place(data: bytes) -> ManifestStore:
    source = BytesSource(data)
    (store,) = detect(source).container.read_tags(source).manifests
    return store


@pytest.mark.parametrize("name", ["tune.ogg", "tune.opus"])
def test_a_format_that_the_library_does_not_know_is_judged_like_any_other(name: str) -> None:
    data = (UNMARKED / name).read_bytes()
    container = detect(BytesSource(data)).container
    assert isinstance(container, Embedding)
    file = io.BytesIO(data)
    embed(container, "audio/ogg", file, ORDER)
    assert judged(file.getvalue()) == Binding(Check.PASS)
    known = trusting(live_signer().chain)
    (found,) = (f for f in verify(file.getvalue(), trust=known).signals if f.source is SignalSource.C2PA)
    assert found.proven
    assert judged(flipped(file.getvalue(), len(data) // 2)) == MISMATCH


# -- ranges of bytes ---------------------------------------------------------------------------


def signed_with(data: bytes, extra: Sequence[tuple[int, int]] = (), *, digest: bytes | None = None) -> bytes:
    """``data`` with a manifest that leaves out ``extra`` besides itself."""
    container = detect(BytesSource(data)).container
    assert isinstance(container, Embedding)
    file = io.BytesIO(data)
    ranges = container.embed_manifest(file, manifest.draft(ORDER, unbound("audio/mpeg")))
    binding = data_hash(BytesSource(file.getvalue()), (*ranges, *extra))
    store = manifest.sign(ORDER, binding if digest is None else replace(binding, digest=digest))
    assert container.embed_manifest(file, store) == ranges
    return file.getvalue()


def test_a_store_of_the_same_length_changes_nothing_but_its_own_ranges() -> None:
    for path in EMBEDDING:
        container = detect(BytesSource(path.read_bytes())).container
        assert isinstance(container, Embedding)
        file = io.BytesIO(path.read_bytes())
        ranges = container.embed_manifest(file, bytes(5000))
        first = file.getvalue()
        assert container.embed_manifest(file, b"\xff" * 5000) == ranges
        outside = without(((0, len(first)),), union((start, start + length) for start, length in ranges))
        assert all(first[start:end] == file.getvalue()[start:end] for start, end in outside)
        assert len(first) == len(file.getvalue())
        # A longer one takes its place, and none is left behind.
        container.embed_manifest(file, bytes(9000))
        assert [store.length for store in container.read_tags(BytesSource(file.getvalue())).manifests] == [
            9000
        ]


def test_other_bytes_that_a_manifest_leaves_out_are_not_bound() -> None:
    data = signed_with(MP3.read_bytes(), ((60_000, 100),))
    assert judged(data) == EXCLUDED
    assert judged(flipped(data, 60_050)) == EXCLUDED
    assert judged(flipped(data, 50_000)) == MISMATCH


def test_a_manifest_that_leaves_out_everything_is_bound_to_nothing() -> None:
    """The library of its time called this a match."""
    size = len(signed_with(MP3.read_bytes()))
    data = signed_with(MP3.read_bytes(), ((0, size - 1),))
    assert judged(data) == EXCLUDED


def test_the_frame_around_a_store_may_be_left_out_with_it() -> None:
    """Other programs leave out the whole GEOB frame."""
    plain = signed_with(MP3.read_bytes())
    ((start, _),) = place(plain).pieces
    frame = plain.rindex(b"GEOB", 0, start)
    assert judged(signed_with(MP3.read_bytes(), ((frame, start - frame),))) == Binding(Check.PASS)
    assert judged(signed_with(MP3.read_bytes(), ((frame - 1, start - frame + 1),))) == EXCLUDED


def test_a_hash_over_the_store_itself_is_one_of_another_file() -> None:
    data = marked(MP3)
    ((start, length),) = place(data).pieces
    assert (
        check_binding(BytesSource(data), _active(data), ManifestStore("x", ((start - 1, length),)))
        == MISMATCH
    )


def test_a_store_beside_its_file_leaves_nothing_out() -> None:
    """An embedded one, taken out, would leave the place where it stood free to change."""
    data = MP3.read_bytes()
    active = read_store(sidecar(data)).active
    assert active is not None
    assert check_binding(BytesSource(data), active, None) == Binding(Check.PASS)
    assert check_binding(BytesSource(data + b"\0"), active, None) == MISMATCH
    embedded = marked(MP3)
    assert check_binding(BytesSource(embedded), _active(embedded), None) == MISMATCH


# -- any assertion -----------------------------------------------------------------------------

FILE = bytes(range(256)) * 8
STORE = ManifestStore("somewhere", ((100, 50), (200, 50)), wrapping=((90, 170),))


def stating(content: Any, *, label: str = DATA_HASH, alg: str | None = None, named: bool = True) -> Manifest:
    data = content if isinstance(content, bytes) else cbor_bytes(content)
    claim = JumbfClaim(created=(label,) if named else (), alg=alg)
    return Manifest("urn:c2pa:1", claim, (Assertion(label, (Content(b"cbor", data),)),))


def data_binding(*ranges: tuple[int, int], **members: Any) -> dict[str, Any]:
    left = union((start, start + length) for start, length in ranges)
    kept = b"".join(FILE[start:end] for start, end in without(((0, len(FILE)),), left))
    stated = [{"start": start, "length": length} for start, length in ranges]
    return {"exclusions": stated, "alg": "sha256", "hash": hashlib.sha256(kept).digest(), **members}


def check(content: Any, store: ManifestStore | None = STORE, **options: Any) -> Binding:
    return check_binding(BytesSource(FILE), stating(content, **options), store)


BOTH = ((100, 50), (200, 50))


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        (BOTH, Binding(Check.PASS)),
        (((90, 170),), Binding(Check.PASS)),
        (((200, 50), (100, 50)), Binding(Check.PASS)),
        (((90, 100), (150, 110)), Binding(Check.PASS)),
        (((100, 50), (120, 130)), Binding(Check.PASS)),
        ((*BOTH, (90, 0)), Binding(Check.PASS)),
        (((100, 50),), MISMATCH),
        (((101, 49), (200, 50)), MISMATCH),
        ((), MISMATCH),
        (((100, 5000),), MISMATCH),
        (((89, 171),), EXCLUDED),
        ((*BOTH, (1000, 1)), EXCLUDED),
        (((0, len(FILE)),), EXCLUDED),
    ],
)
def test_what_may_be_left_out(ranges: tuple[tuple[int, int], ...], expected: Binding) -> None:
    assert check(data_binding(*ranges)) == expected


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_every_algorithm_of_c2pa_and_the_one_of_the_claim(name: str) -> None:
    kept = FILE[:100] + FILE[150:200] + FILE[250:]
    digest = hashlib.new(name, kept).digest()
    assert check(data_binding(*BOTH, alg=name, hash=digest)).check is Check.PASS
    without_own = {key: value for key, value in data_binding(*BOTH, hash=digest).items() if key != "alg"}
    assert check(without_own, alg=name).check is Check.PASS
    assert check(without_own).check is (Check.PASS if name == "sha256" else Check.FAIL)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        [],
        {},
        {"hash": b""},
        {"hash": "text"},
        data_binding(*BOTH, alg="md5"),
        data_binding(*BOTH, alg=7),
        data_binding(*BOTH, exclusions={}),
        data_binding(*BOTH, exclusions=[1]),
        data_binding(*BOTH, exclusions=[{"start": 0}]),
        data_binding(*BOTH, exclusions=[{"start": -1, "length": 1}]),
        data_binding(*BOTH, exclusions=[{"start": False, "length": True}]),
        data_binding(*BOTH, exclusions=[{"start": "0", "length": 1}]),
        b"\xa2\x64hash\x41a\x64hash\x41b",
    ],
)
def test_a_binding_that_is_none_is_malformed_and_blocks(content: Any) -> None:
    found = check(content)
    assert (found.check, found.codes) == (Check.NOT_RUN, (Code.C2PA_MALFORMED,))
    assert found.message


def test_what_noai_does_not_check_blocks() -> None:
    for found in (
        check(data_binding(*BOTH, url="https://example.org/")),
        check(data_binding(*BOTH), label="c2pa.hash.boxes"),
        check(data_binding(*BOTH), label="c2pa.hash.bmff"),
        check(data_binding(*BOTH), named=False),
        check_binding(BytesSource(FILE), Manifest("m", JumbfClaim(), ()), STORE),
        check({"hash": bytes(32), "merkle": []}, label="c2pa.hash.bmff.v3"),
    ):
        assert (found.check, found.codes) == (Check.NOT_RUN, (Code.C2PA_UNREAD,))
    two = replace(stating(data_binding(*BOTH)), assertions=2 * stating(data_binding(*BOTH)).assertions)
    assert check_binding(BytesSource(FILE), two, STORE).codes == (Code.C2PA_UNREAD,)


class Failing:
    """A source whose bytes end before its size says."""

    size = 1_000_000

    def read_at(self, offset: int, length: int) -> bytes:
        raise SourceChanged("the file became shorter while it was being read")


def test_a_source_that_fails_is_no_mismatch() -> None:
    content = {"hash": bytes(32), "exclusions": []}
    for label in (DATA_HASH, "c2pa.hash.bmff.v3"):
        with pytest.raises(SourceChanged):
            check_binding(Failing(), stating(content, label=label), None)


def test_more_ranges_than_the_limit_are_too_costly() -> None:
    many = [{"start": n, "length": 1} for n in range(C2PA_EXCLUSIONS + 1)]
    assert check(data_binding(exclusions=many)).codes == (Code.C2PA_TOO_COSTLY,)


@given(st.binary(max_size=200) | st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000))))
def test_no_content_raises_or_binds_to_bytes_that_may_change(content: Any) -> None:
    found = check(content if isinstance(content, bytes) else data_binding(*content))
    if found.check is Check.PASS:
        assert not isinstance(content, bytes)
        left_out = union((start, start + length) for start, length in content)
        assert not without(left_out, ((90, 260),))
    elif found.check is Check.NOT_RUN:
        assert found.codes


# -- boxes -------------------------------------------------------------------------------------


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


def movie() -> bytes:
    """A file with every kind of box that a manifest may name; it need not play."""
    table = box(b"stco", bytes(4) + struct.pack(">II", 1, 500))
    inner = box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", table))))
    return b"".join(
        (
            box(b"ftyp", b"M4A \0\0\2\0"),
            box(b"moov", inner + inner + box(b"udta", box(b"xtra", b"x" * 12))),
            box(b"free", b"y" * 30),
            box(b"uuid", b"0123456789abcdef" + b"z" * 40),
            box(b"mdat", bytes(range(256))),
            box(b"free"),
            box(b"mfra", box(b"tfra", bytes(30))),
        )
    )


@dataclass(frozen=True)
class Stated:
    """A binding with any exclusions, for the library to judge."""

    content: dict[str, Any]

    def assertion(self) -> dict[str, Any]:
        return {"label": "c2pa.hash.bmff.v3", "data": {"alg": "sha256", "name": "x", **self.content}}


C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
OWN = {"xpath": "/uuid", "data": [{"offset": 8, "value": list(C2PA_UUID)}]}
STCO = "/moov/trak/mdia/minf/stbl/stco"
RULES: list[tuple[list[dict[str, Any]], Check]] = [
    ([], Check.PASS),
    ([{"xpath": "/ftyp"}, {"xpath": "/free"}], Check.PASS),
    ([{"xpath": "/mfra"}], Check.PASS),
    ([{"xpath": "/mfra/tfra"}], Check.PASS),
    ([{"xpath": "/nope"}], Check.PASS),
    ([{"xpath": STCO, "subset": [{"offset": 16, "length": 0}]}], Check.NOT_RUN),
    ([{"xpath": STCO, "subset": [{"offset": 9, "length": 2}, {"offset": 16, "length": 4}]}], Check.NOT_RUN),
    ([{"xpath": "/free", "length": 38}], Check.PASS),
    ([{"xpath": "/free", "length": 39}], Check.PASS),
    ([{"xpath": "/free", "subset": [{"offset": 8, "length": 1000}]}], Check.PASS),
    ([{"xpath": "/free", "subset": [{"offset": 0, "length": 8}]}], Check.PASS),
    ([{"xpath": "/free", "data": [{"offset": 8, "value": list(b"yy")}]}], Check.PASS),
    ([{"xpath": "/free", "data": [{"offset": 8, "value": list(b"no")}]}], Check.PASS),
    ([{"xpath": "/uuid"}], Check.NOT_RUN),
    ([{"xpath": "/uuid", "data": [{"offset": 8, "value": list(b"0123456789abcdef")}]}], Check.NOT_RUN),
    ([{"xpath": "/moov"}], Check.NOT_RUN),
    ([{"xpath": "/mdat"}], Check.NOT_RUN),
    ([{"xpath": "/mdat", "subset": [{"offset": 16, "length": 0}]}], Check.NOT_RUN),
    ([{"xpath": "/moov/udta"}], Check.NOT_RUN),
]


def embedded_movie(rules: list[dict[str, Any]]) -> bytes:
    """A movie whose manifest leaves out what ``rules`` say, hashed by noai and signed by the library."""
    exclusions = [OWN, *rules]
    store = manifest.draft(ORDER, _as_binding({"exclusions": exclusions, "hash": [0] * 32}))
    source = BytesSource(holding(store))
    digest = bmff.digest("sha256", source, bmff.plan(source, _rules(exclusions)))
    signed = manifest.sign(ORDER, _as_binding({"exclusions": exclusions, "hash": list(digest)}))
    assert len(signed) == len(store)
    return holding(signed)


def holding(store: bytes) -> bytes:
    whole = movie()
    return whole[:16] + box(b"uuid", C2PA_UUID + bytes(4) + b"manifest\0" + bytes(8) + store) + whole[16:]


def _as_binding(content: dict[str, Any]) -> HardBinding:
    stated: Any = Stated(content)
    binding: HardBinding = stated
    return binding


def _in_cbor(value: Any) -> Any:
    """Lists of numbers as byte strings, which JSON does not have."""
    if isinstance(value, dict):
        return {key: bytes(item) if key == "value" else _in_cbor(item) for key, item in value.items()}
    return [_in_cbor(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("rules", "expected"), RULES, ids=lambda value: str(value)[:60])
def test_boxes_are_left_out_as_by_the_library(rules: list[dict[str, Any]], expected: Check) -> None:
    data = embedded_movie(rules)
    assert says_match(data, "audio/mp4")
    bound = Binding(Check.PASS) if expected is Check.PASS else EXCLUDED
    assert judged(data) == bound
    assert not says_match(data + box(b"more"), "audio/mp4")
    assert judged(data + box(b"more")) == MISMATCH
    altered = flipped(data, data.rindex(b"mdat") + 50)
    leaves_audio_out = any(rule["xpath"] == "/mdat" for rule in rules)
    assert says_match(altered, "audio/mp4") is leaves_audio_out
    assert judged(altered) == (bound if leaves_audio_out else MISMATCH)


def test_offsets_that_are_left_out_could_lead_to_other_audio() -> None:
    """To the library of its time this was a match: the samples stood in a box that is left out, too."""
    rules = [{"xpath": "/free"}, {"xpath": STCO, "subset": [{"offset": 16, "length": 0}]}]
    data = bytearray(embedded_movie(rules))
    movie_at = data.rindex(b"moov")
    for table in re.finditer(b"stco", data[movie_at:]):
        offset = movie_at + table.start() + 12
        data[offset : offset + 4] = struct.pack(">I", len(data) + 8)
    data += box(b"free", b"other audio")
    assert says_match(bytes(data), "audio/mp4")
    assert judged(bytes(data)) == EXCLUDED


def test_a_box_by_its_number_is_that_one_alone() -> None:
    first, second = ([{"xpath": f"/moov/trak[{n}]/mdia/minf/stbl/stco"}] for n in (1, 2))
    source = BytesSource(movie())
    plans = [bmff.plan(source, _rules(rules)) for rules in (first, second, [{"xpath": STCO}])]
    assert [len(plan.left_out) for plan in plans] == [1, 1, 2]
    assert {*plans[0].left_out, *plans[1].left_out} == {*plans[2].left_out}


def _rules(rules: list[dict[str, Any]]) -> list[bmff.Exclusion]:
    parsed = cbor.decode(cbor_bytes(_in_cbor({"exclusions": rules})))
    assert isinstance(parsed, cbor.Map)
    return bmff.read_exclusions(parsed)


def test_boxes_that_are_chosen_by_their_flags_are_not_checked() -> None:
    content = {"exclusions": [{"xpath": "/moov", "flags": bytes(3)}], "hash": bytes(32)}
    found = check_binding(BytesSource(movie()), stating(content, label="c2pa.hash.bmff.v2"), None)
    assert (found.check, found.codes) == (Check.NOT_RUN, (Code.C2PA_UNREAD,))


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"xpath": 1},
        {"xpath": "moov"},
        {"xpath": "/moov/"},
        {"xpath": "/moovx"},
        {"xpath": "/moov[0]"},
        {"xpath": "//moov"},
        {"xpath": "/moov" * 20},
        {"xpath": "/\u4e00\u4e00\u4e00\u4e00"},
        {"xpath": "/free", "data": 1},
        {"xpath": "/free", "data": [{"offset": 1}]},
        {"xpath": "/free", "data": [{"offset": 1, "value": bytes(5000)}]},
        {"xpath": "/free", "subset": [{"offset": -1, "length": 0}]},
        {"xpath": "/free", "subset": [{"offset": 9, "length": 1}, {"offset": 8, "length": 1}]},
        {"xpath": "/free", "length": True},
    ],
)
def test_rules_that_are_none_are_malformed(rule: dict[str, Any]) -> None:
    content = {"exclusions": [rule], "hash": bytes(32)}
    found = check_binding(BytesSource(movie()), stating(content, label="c2pa.hash.bmff.v3"), None)
    assert (found.check, found.codes) == (Check.NOT_RUN, (Code.C2PA_MALFORMED,))


def test_rules_that_lead_to_too_many_boxes_are_too_costly() -> None:
    content = {"exclusions": [{"xpath": "/free"}] * 1000, "hash": bytes(32)}
    source = BytesSource(movie() + box(b"free") * 1000)
    found = check_binding(source, stating(content, label="c2pa.hash.bmff.v3"), None)
    assert found.codes == (Code.C2PA_TOO_COSTLY,)


@pytest.mark.parametrize(
    "many",
    [
        {"data": [{"offset": 8, "value": b"\0"}] * 1000},
        {"subset": [{"offset": n, "length": 1} for n in range(1000)]},
    ],
    ids=["data", "subset"],
)
def test_all_that_rules_ask_of_each_box_counts(many: dict[str, Any]) -> None:
    content = {"exclusions": [{"xpath": "/emsg", **many}], "hash": bytes(32)}
    source = BytesSource(movie() + box(b"emsg", bytes(8)) * 200)
    found = check_binding(source, stating(content, label="c2pa.hash.bmff.v3"), None)
    assert found.codes == (Code.C2PA_TOO_COSTLY,)


def test_boxes_bind_no_file_that_does_not_start_as_a_movie() -> None:
    """What stands in front may be left out, and so be exchanged for the start of another format."""
    other = movie()
    other = other.replace(b"ftyp", b"mfra", 1)
    rules = [{"xpath": "/ftyp"}, {"xpath": "/mfra"}]
    digests = [
        bmff.digest("sha256", BytesSource(d), bmff.plan(BytesSource(d), _rules(rules)))
        for d in (movie(), other)
    ]
    assert digests[0] == digests[1]
    stated = stating({"exclusions": rules, "hash": digests[0]}, label="c2pa.hash.bmff.v3")
    assert check_binding(BytesSource(movie()), stated, None).check is Check.PASS
    found = check_binding(BytesSource(other), stated, None)
    assert (found.check, found.codes) == (Check.NOT_RUN, (Code.C2PA_UNREAD,))


def test_a_file_that_is_no_movie_is_not_bound_by_boxes() -> None:
    content = {"exclusions": [], "hash": bytes(32)}
    found = check_binding(BytesSource(MP3.read_bytes()), stating(content, label="c2pa.hash.bmff.v3"), None)
    assert found.check is Check.NOT_RUN
    assert found.codes == (Code.C2PA_MALFORMED,)


def test_formats_are_bound_as_c2pa_says() -> None:
    source = BytesSource(movie())
    assert isinstance(bind(source, "audio/mp4", ()), BmffHash)
    assert isinstance(bind(source, "audio/mpeg", ((0, 4),)), DataHash)
    assert isinstance(unbound("audio/mp4"), BmffHash)


# -- stretches of bytes ------------------------------------------------------------------------

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)).map(lambda pair: (min(pair), max(pair))))


def covered(ranges: Sequence[tuple[int, int]]) -> set[int]:
    return {at for start, end in ranges for at in range(start, end)}


@given(RANGES, RANGES)
def test_stretches_are_joined_and_subtracted_as_sets_of_bytes(
    ranges: list[tuple[int, int]], holes: list[tuple[int, int]]
) -> None:
    joined, gone = union(ranges), union(holes)
    assert covered(joined) == covered(ranges)
    assert all(before[1] < after[0] for before, after in pairwise(joined))
    assert covered(without(joined, gone)) == covered(ranges) - covered(holes)
