"""C2PA manifests in Ogg: found wherever they lie on pages, and put in so that players do not mind."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import mutagen
import pytest

from noai import manifesting
from noai.codes import Code
from noai.containers._ogg_c2pa import embed_manifest
from noai.containers._ogg_kinds import C2PA
from noai.containers._ogg_pages import FIRST, LAST, paginate, with_checksum
from noai.containers._ogg_streams import read_heads
from noai.containers.interface import Embedding
from noai.containers.ogg import Ogg
from noai.errors import EssenceUnbindable, MarkError
from noai.limits import MANIFESTS_PER_FILE
from noai.manifest import Order
from noai.policy import Policy
from noai.report import Check, Finding, SignalSource
from noai.sources import BytesSource
from noai.trust import TrustList
from noai.verifying import Verifier
from tests.audio import decoded_md5, ffmpeg, run
from tests.manifests import NO_AI, live_signer
from tests.unit.ogg_bytes import (
    KINDS,
    MARK,
    MARKER,
    codes,
    essence,
    markers,
    notes,
    page,
    pages,
    tags,
    with_serial,
    written,
)

Files = Callable[..., Path]

EACH = pytest.mark.parametrize("container", KINDS)
STORE = bytes(range(256)) * 40


def stream(store: bytes, *, serial: int = 5, more: bytes = b"") -> list[bytes]:
    """The pages of a C2PA stream, as long as they need be."""
    made = paginate([C2PA.magic + store, *([more] if more else [])], 1, serial, 0, LAST)
    return [with_checksum(made[0][:5] + bytes([made[0][5] | FIRST]) + made[0][6:]), *made[1:]]


def with_stream(data: bytes, made: list[bytes]) -> bytes:
    """The stream behind the first page of a file of one stream, its later pages spread over the file."""
    first, *rest = pages(data)
    spread = [part for pair in zip(rest, made[1:], strict=False) for part in pair]
    done = len(made) - 1
    return b"".join([first, made[0], *spread, *rest[done:], *made[1 + len(rest) :]])


def stores(data: bytes) -> list[bytes]:
    source = BytesSource(data)
    return [place.read(source) for place in tags(data).manifests]


def embedded(data: bytes, store: bytes) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    file = io.BytesIO(data)
    ranges = embed_manifest(file, store)
    return file.getvalue(), ranges


# -- reading ---------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("size", [1, 249, 250, 255 * 255 - 5, 200_000])
def test_a_store_is_found_however_many_pages_it_lies_on(encoded: Files, container: str, size: int) -> None:
    data = encoded(container, "plain").read_bytes()
    store = (STORE * 20)[:size]
    made = stream(store)
    mixed = with_stream(data, made)
    assert stores(mixed) == [store]
    assert notes(mixed) == []
    (place,) = tags(mixed).manifests
    assert [mixed[start : start + length] for start, length in place.wrapping] == made
    assert essence(mixed) == essence(data)


def test_each_of_several_stores_is_found(encoded: Files) -> None:
    data = encoded("ogg-opus", "plain").read_bytes()
    mixed = with_stream(with_stream(data, stream(b"one")), stream(b"two", serial=6))
    assert sorted(stores(mixed)) == [b"one", b"two"]
    assert stores(with_serial(data, 9) + with_stream(with_serial(data, 8), stream(b"three"))) == [b"three"]


def test_too_many_stores_are_too_many(encoded: Files) -> None:
    data = encoded("ogg-opus", "plain").read_bytes()
    for number in range(MANIFESTS_PER_FILE + 1):
        data = with_stream(data, stream(b"store", serial=50 + number))
    assert len(stores(data)) == MANIFESTS_PER_FILE
    assert Code.LIMIT_EXCEEDED in notes(data)


def test_what_cannot_be_located_is_never_passed_over(encoded: Files) -> None:
    data = encoded("ogg-opus", "plain").read_bytes()
    made = stream(STORE * 20)
    unread = {
        "no store": stream(b""),
        "not finished": made[:-1],
        "a page is missing": [made[0], *made[2:]],
        "pages are swapped": [made[0], made[2], made[1], *made[3:]],
    }
    for what, parts in unread.items():
        mixed = with_stream(data, parts)
        assert Code.C2PA_UNREAD in notes(mixed), what
        assert stores(mixed) == [], what


def test_more_than_a_store_in_its_stream_is_a_note(encoded: Files) -> None:
    """Some readers join all packets, others take the first."""
    data = encoded("ogg-opus", "plain").read_bytes()
    for more in (b"x", bytes(70_000)):
        mixed = with_stream(data, stream(STORE, more=more))
        assert stores(mixed) == [STORE]
        assert notes(mixed) == [Code.C2PA_UNREAD]


def test_a_marking_leaves_it_where_it_is(encoded: Files) -> None:
    data = with_stream(encoded("ogg-vorbis", "plain").read_bytes(), stream(STORE * 20))
    after = written(data, MARK)
    assert (markers(after), stores(after)) == ([MARKER], [STORE * 20])
    assert essence(after) == essence(data)


# -- embedding -------------------------------------------------------------------------------


@EACH
def test_an_embedded_store_is_one_page_behind_the_first_pages(encoded: Files, container: str) -> None:
    data = encoded(container, "tagged").read_bytes()
    after, ((start, length),) = embedded(data, STORE)
    before = pages(data)
    assert pages(after) == [before[0], after[start : start + length], *before[1:]]
    head = after[start : start + length]
    assert (head[5], head[6:14], head[18:22]) == (FIRST | LAST, bytes(8), bytes(4))
    assert stores(after) == [STORE]
    (place,) = tags(after).manifests
    assert place.wrapping == ((start, length),)
    assert essence(after) == essence(data)
    assert Ogg().inventory(BytesSource(after), MARK) == Ogg().inventory(BytesSource(data), MARK)


@EACH
def test_another_store_as_long_changes_nothing_outside_the_range(encoded: Files, container: str) -> None:
    draft, ranges = embedded(encoded(container, "plain").read_bytes(), bytes(len(STORE)))
    signed, same = embedded(draft, STORE)
    assert same == ranges
    ((start, length),) = ranges
    assert (signed[:start], signed[start + length :]) == (draft[:start], draft[start + length :])
    assert stores(signed) == [STORE]


def test_a_store_is_replaced_wherever_it_lay(encoded: Files) -> None:
    data = encoded("ogg-opus", "plain").read_bytes()
    other = encoded("ogg-vorbis", "plain").read_bytes()
    chain = with_serial(data, 1) + with_stream(with_serial(other, 2), stream(STORE * 20))
    for before in (with_stream(with_serial(data, 1), stream(STORE * 20)), chain):
        after, ((start, length),) = embedded(before, b"new")
        assert stores(after) == [b"new"]
        assert essence(after) == essence(before)
        assert start == len(pages(before)[0])
        assert after[start : start + length].endswith(b"\x00c2panew")


def test_the_first_pages_of_video_come_first(encoded: Files, tmp_path: Path) -> None:
    out = tmp_path / "a.ogv"
    picture = ("-f", "lavfi", "-i", "testsrc=size=64x64:duration=1")
    ffmpeg(
        *picture, "-i", encoded("ogg-vorbis", "plain"), "-c:v", "libtheora", "-c:a", "copy", "-shortest", out
    )
    after, _ = embedded(out.read_bytes(), STORE)
    heads = read_heads(BytesSource(after))
    assert [each.kind.name for each in heads.streams] == ["theora", "vorbis", "c2pa"]
    assert heads.problems == {}


def test_a_serial_number_in_use_is_not_taken(encoded: Files) -> None:
    data = with_serial(encoded("ogg-opus", "plain").read_bytes(), int.from_bytes(b"c2pa", "little"))
    after, _ = embedded(data, STORE)
    assert len({each.serial for each in read_heads(BytesSource(after)).streams}) == 2
    assert stores(after) == [STORE]


def test_what_cannot_take_a_store_is_left_alone(encoded: Files) -> None:
    data = encoded("ogg-opus", "plain").read_bytes()
    *kept, last = pages(data)
    open_ended = b"".join([*kept, with_checksum(last[:5] + bytes([last[5] & ~LAST]) + last[6:])])
    index = page(7, 0, FIRST, b"fishead\x00\x04\x00" + bytes(60))
    end = page(7, 1, LAST, b"")
    several = with_stream(with_stream(data, stream(b"one")), stream(b"two", serial=6))
    refused: dict[str, tuple[bytes, bytes, type[MarkError]]] = {
        "too long for a page": (data, bytes(65_020), MarkError),
        "no last page": (open_ended, STORE, MarkError),
        "page offsets": (index + data + end, STORE, MarkError),
        "several stores": (several, STORE, MarkError),
        "more in its stream": (with_stream(data, stream(STORE, more=b"x")), STORE, MarkError),
        "damaged pages": (data[:-1], STORE, EssenceUnbindable),
    }
    for what, (before, store, error) in refused.items():
        file = io.BytesIO(before)
        with pytest.raises(error):
            embed_manifest(file, store)
        assert file.getvalue() == before, what
    after, _ = embedded(data, bytes(65_019))
    assert len(stores(after)[0]) == 65_019


# -- players, taggers, and the whole way -----------------------------------------------------


@EACH
def test_players_play_it_and_mutagen_reads_the_tags(encoded: Files, tmp_path: Path, container: str) -> None:
    path = encoded(container, "tagged")
    after, _ = embedded(path.read_bytes(), STORE)
    out = tmp_path / path.name
    out.write_bytes(after)
    assert decoded_md5(out) == decoded_md5(path)
    before, now = mutagen.File(path), mutagen.File(out)
    assert dict(now.tags) == dict(before.tags)
    now["TITLE"] = "Another"
    now.save()
    assert stores(out.read_bytes()) == [STORE]
    assert essence(out.read_bytes()) == essence(after)


def test_vorbiscomment_keeps_it(encoded: Files, tmp_path: Path) -> None:
    out = tmp_path / "a.ogg"
    out.write_bytes(embedded(encoded("ogg-vorbis", "plain").read_bytes(), STORE)[0])
    run("vorbiscomment", "-a", "-t", "TITLE=Another", out)
    assert stores(out.read_bytes()) == [STORE]


@EACH
def test_a_manifest_that_noai_signs_holds(encoded: Files, container: str) -> None:
    """Signed as in other containers; nobody is asked to, unless by name: see ``c2pa_type``."""
    ogg = Ogg()
    assert ogg.c2pa_type is None
    assert isinstance(ogg, Embedding)
    file = io.BytesIO(encoded(container, "plain").read_bytes())
    manifesting.embed(ogg, "audio/ogg", file, Order(NO_AI, live_signer()))
    (finding,) = found(file.getvalue())
    assert (finding.signature, finding.binding) == (Check.PASS, Check.PASS)
    parts = pages(file.getvalue())
    flipped = bytearray(parts[-1])
    flipped[-1] ^= 1
    (finding,) = found(b"".join([*parts[:-1], with_checksum(bytes(flipped))]))
    assert finding.binding is Check.FAIL
    assert codes(essence(file.getvalue())) == set()


def found(data: bytes) -> list[Finding]:
    report = Verifier(Policy(), TrustList(())).report(data)
    return [each for each in report.findings if each.source is SignalSource.C2PA]
