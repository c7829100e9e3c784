"""What noai finds in C2PA manifests, and how far it believes them: real files, real signatures."""

from __future__ import annotations

import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noai import _c2pa_process
from noai.certificates import thumbprint
from noai.claim import Claim, Permission, Profile, Use
from noai.codes import Code
from noai.containers.interface import AreaNote, ManifestStore, TagArea, XmpPacket
from noai.containers.registry import detect
from noai.errors import ManifestError, ManifestStopped
from noai.jumbf import read_store
from noai.limits import C2PA_PARSED_BYTES, MANIFEST_BYTES
from noai.manifest import read_validation
from noai.report import Check, Finding
from noai.signals._c2pa_binding import check_binding
from noai.signals._c2pa_checks import check_active
from noai.signals.c2pa import C2paReader
from noai.signals.interface import Evidence
from noai.sources import BytesSource
from noai.trust import May, TrustList
from noai.verdict import Decision
from noai.verifying import verify
from tests.audio import SAMPLES
from tests.manifests import (
    ALLOWED,
    NO_AI,
    assertion_box,
    assertions_box,
    box,
    cbor_bytes,
    changed_audio,
    claim_box,
    embedded,
    entries,
    flipped,
    foreign,
    frame,
    fresh,
    live_signer,
    manifest_box,
    marked,
    media_type,
    place,
    resigned,
    sidecar,
    signature_box,
    simple_manifest,
    store_box,
    store_of,
    urls,
    with_frames,
    with_malformed_frame,
    witness,
)
from tests.signers import Cert, authority, trusting
from tests.signers import signer as make_signer

UNMARKED = SAMPLES / "unmarked"
EMBEDDING = [UNMARKED / name for name in ("tune.mp3", "tune.flac", "tune.wav", "tune.m4a", "tune-alac.m4a")]
MP3 = UNMARKED / "tune.mp3"
TRAINING = "cawg.training-mining"
SIGNER = live_signer()
MALLORY = live_signer("es256-mallory")
KNOWN = trusting(SIGNER.chain)
PERMITTING = trusting(SIGNER.chain, May.PERMIT)
CHECKS = ("signature", "signer", "binding", "time")
each_container = pytest.mark.parametrize("path", EMBEDDING, ids=lambda path: path.name)


def evidence(data: bytes, trust: TrustList = KNOWN, **changes: Any) -> Evidence:
    source = BytesSource(data)
    detected = detect(source)
    options: dict[str, Any] = {"now": datetime.now(timezone.utc), **changes}
    if "area" not in options:
        options["area"] = detected.container.read_tags(source)
    return Evidence(source, detected, trust=trust, **options)


def findings(data: bytes, trust: TrustList = KNOWN, **changes: Any) -> list[Finding]:
    return list(C2paReader().read(evidence(data, trust, **changes)))


def only(data: bytes, trust: TrustList = KNOWN, **changes: Any) -> Finding:
    (finding,) = findings(data, trust, **changes)
    return finding


def checks(finding: Finding) -> list[str]:
    return [str(getattr(finding, name)) for name in CHECKS]


def speaking(said: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in said if finding.uses]


def training(*uses: tuple[str, Any], label: str = TRAINING) -> dict[str, Any]:
    return {"label": label, "data": entries(**dict(uses))}


DENIAL = training(("cawg.ai_training", "notAllowed"))
PERMIT = training(("cawg.ai_training", "allowed"), ("cawg.ai_generative_training", "allowed"))


# -- what is stated, and the checks of an intact manifest ------------------------------------


@each_container
def test_a_marked_file_states_its_denials_and_passes_every_check(path: Path) -> None:
    finding = only(marked(path))
    assert finding.uses == NO_AI.uses
    assert checks(finding) == ["pass"] * 4
    assert finding.codes == (Code.SIGNER_TRUSTED,)
    assert finding.place == "C2PA manifest, active"
    assert finding.id is not None
    assert finding.signed_by is not None
    assert finding.signed_by.kid == thumbprint(SIGNER.chain[0])
    assert finding.signed_by.subject == "leaf of es256"
    assert finding.message.startswith("signed as leaf of es256: ")
    assert "notAllowed" in finding.message


def test_a_signer_on_no_list_is_unknown_and_its_denial_stands() -> None:
    finding = only(marked(MP3), TrustList())
    assert checks(finding) == ["pass", "unknown", "pass", "pass"]
    assert finding.codes == (Code.SIGNER_UNKNOWN,)
    assert finding.denies == NO_AI.denied


def test_an_own_identity_identifies() -> None:
    finding = only(marked(MP3), TrustList(own=KNOWN.entries))
    assert checks(finding) == ["pass"] * 4
    assert finding.codes == (Code.SIGNER_OWN,)
    assert not finding.permit.entry_permits


@each_container
def test_without_checks_the_same_uses_are_found_and_nothing_is_checked(path: Path) -> None:
    data = resigned(marked(path), media_type(path), ALLOWED, MALLORY)
    stated, checked = (findings(data, checks=wanted) for wanted in (False, True))
    assert [f.uses for f in stated] == [f.uses for f in checked]
    assert all(check is Check.NOT_RUN for f in stated for check in (f.signature, f.signer, f.binding, f.time))


def test_without_checks_the_library_is_never_loaded_anywhere(tmp_path: Path) -> None:
    code = """
import sys
from datetime import datetime, timezone
from noai.containers.registry import detect
from noai.signals.c2pa import C2paReader
from noai.signals.interface import Evidence
from noai.sources import BytesSource
from noai.trust import TrustList
source = BytesSource(open(sys.argv[1], "rb").read())
found = detect(source)
area = found.container.read_tags(source)
now = datetime.now(timezone.utc)
(finding,) = C2paReader().read(Evidence(source, found, area, TrustList(), now, checks=False))
assert finding.denies
from noai import _c2pa_process
assert "c2pa" not in sys.modules and _c2pa_process._SHARED.pid is None
"""
    path = tmp_path / "x.mp3"
    path.write_bytes(marked(MP3))
    subprocess.run([sys.executable, "-c", code, path], check=True, timeout=60)


def test_a_file_without_a_manifest_says_nothing() -> None:
    assert findings(MP3.read_bytes()) == []


# -- labels and entries ---------------------------------------------------------------------


def test_labels_of_cawg_and_of_c2pa_1x_are_both_read() -> None:
    old = training(
        ("c2pa.ai_training", "notAllowed"), ("c2pa.data_mining", "allowed"), label="c2pa.training-mining"
    )
    finding = only(foreign(MP3, [old]))
    assert finding.uses == {Use.TRAINING: Permission.NOT_ALLOWED, Use.DATA_MINING: Permission.ALLOWED}
    assert checks(finding) == ["pass"] * 4


def test_two_copies_are_two_findings_so_that_the_strictest_wins() -> None:
    said = findings(foreign(MP3, [PERMIT, DENIAL]))
    assert [finding.denies for finding in said] == [frozenset(), {Use.TRAINING}]
    assert all(checks(finding) == ["pass"] * 4 for finding in said)


@pytest.mark.parametrize("name", ["ai_training", "cawg.ai_training ", "CAWG.AI_TRAINING"])
def test_a_denial_in_another_spelling_of_its_use_denies(name: str) -> None:
    finding = only(foreign(MP3, [training((name, "notAllowed"))]))
    assert finding.denies == {Use.TRAINING}
    assert finding.codes == (Code.SIGNER_TRUSTED,)


def test_a_denial_of_an_unknown_use_is_a_finding() -> None:
    finding = only(foreign(MP3, [training(("com.example.ai_training", "notAllowed"))]))
    assert Code.UNKNOWN_VALUE in finding.codes


# -- who said it ----------------------------------------------------------------------------


def test_a_gathered_assertion_denies_but_cannot_permit() -> None:
    denial, permission = (only(foreign(MP3, [it], created=()), PERMITTING) for it in (DENIAL, PERMIT))
    assert denial.denies == {Use.TRAINING}
    assert Code.C2PA_GATHERED in denial.codes
    assert checks(permission) == ["pass"] * 4
    assert not permission.permit.entry_permits


def test_a_created_permission_by_an_entry_that_may_permit_is_proven() -> None:
    finding = only(foreign(MP3, [PERMIT]), PERMITTING)
    assert finding.proven
    assert finding.permit.entry_permits
    assert finding.permit.in_scope
    assert finding.permit.fresh


@pytest.mark.parametrize("trust", [KNOWN, TrustList(own=PERMITTING.entries), TrustList()])
def test_identifying_is_not_permitting(trust: TrustList) -> None:
    assert not only(foreign(MP3, [PERMIT]), trust).permit.entry_permits


def test_a_permission_outside_its_entrys_scope_is_not_in_scope() -> None:
    (entry,) = PERMITTING.entries
    finding = only(foreign(MP3, [PERMIT]), TrustList((replace(entry, isrc_prefixes=("QZ",)),)))
    assert not finding.permit.in_scope


def test_an_edit_cannot_launder_a_denial() -> None:
    """Whoever re-signs with a permission keeps the old denial in the store, and cannot permit for it."""
    laundered = resigned(marked(MP3), "audio/mpeg", ALLOWED, MALLORY)
    active, ingredient = findings(laundered, PERMITTING)
    assert active.place == "C2PA manifest, active"
    assert set(active.uses.values()) == {Permission.ALLOWED}
    assert active.signer is Check.UNKNOWN
    assert ingredient.place == "C2PA manifest, ingredient"
    assert ingredient.denies == NO_AI.denied
    assert {Code.C2PA_INGREDIENT, Code.C2PA_UNBOUND} <= set(ingredient.codes)
    assert checks(ingredient) == ["not_run"] * 4
    assert ingredient.signed_by is not None
    assert ingredient.signed_by.kid == thumbprint(SIGNER.chain[0])
    assert ingredient.message.startswith("claimed by leaf of es256: ")


def test_a_permission_of_an_earlier_manifest_never_counts() -> None:
    permitted = foreign(MP3, [PERMIT])
    _, ingredient = findings(resigned(permitted, "audio/mpeg", NO_AI, MALLORY), PERMITTING)
    assert Permission.ALLOWED in ingredient.uses.values()
    assert not ingredient.permit.entry_permits
    assert not ingredient.proven


def test_an_altered_earlier_manifest_is_a_finding() -> None:
    data = resigned(marked(MP3), "audio/mpeg", ALLOWED, MALLORY)
    altered = data.replace(b"notAllowed", b"xotAllowed", 1)
    active, ingredient = findings(altered)
    assert Code.C2PA_INVALID in active.codes
    assert Code.UNKNOWN_VALUE in ingredient.codes


def test_a_redacted_assertion_is_a_finding() -> None:
    original = foreign(MP3, [DENIAL])
    label = read_store(store_of(original)).manifests[0].label
    uri = f"self#jumbf=/c2pa/{label}/c2pa.assertions/{TRAINING}"
    action = {"action": "c2pa.redacted", "reason": "c2pa.PII.present", "parameters": {"redacted": uri}}
    data = foreign(
        MP3,
        [{"label": "c2pa.actions", "data": {"actions": [action]}}],
        parent=original,
        redactions=[uri],
    )
    assert not any(a.label == TRAINING for m in read_store(store_of(data)).manifests for a in m.assertions)
    said = findings(data)
    assert all(Code.C2PA_REDACTED in finding.codes for finding in said)
    assert said


def test_an_assertion_that_is_named_but_missing_is_a_finding() -> None:
    whole = marked(MP3)
    # The description's label, not the claim's reference to it.
    position = whole.index(TRAINING.encode() + b"\0")
    renamed = whole[:position] + b"xawg" + whole[position + 4 :]
    finding = only(renamed)
    assert {Code.C2PA_REDACTED, Code.C2PA_UNREAD} <= set(finding.codes)
    assert finding.signature is Check.NOT_RUN


# -- broken, stale, unread ------------------------------------------------------------------


@each_container
def test_a_hash_mismatch_keeps_the_reservation(path: Path) -> None:
    finding = only(changed_audio(marked(path)))
    assert finding.denies == NO_AI.denied
    assert checks(finding) == ["pass", "pass", "fail", "pass"]
    assert Code.C2PA_HASH_MISMATCH in finding.codes
    assert Code.C2PA_INVALID not in finding.codes
    assert finding.signed_by is not None
    assert finding.signed_by.kid == thumbprint(SIGNER.chain[0])


@each_container
def test_a_permission_moved_onto_another_recording_is_not_bound(path: Path) -> None:
    data = marked(path, ALLOWED)
    finding = only(changed_audio(data), PERMITTING)
    assert finding.binding is Check.FAIL
    assert Code.C2PA_HASH_MISMATCH in finding.codes


def test_an_altered_assertion_fails_the_signature_and_still_denies() -> None:
    altered = marked(MP3).replace(b"cawg.data_mining", b"xawg.data_mining", 1)
    finding = only(altered)
    assert finding.signature is Check.FAIL
    assert (finding.signer, finding.time) == (Check.NOT_RUN, Check.NOT_RUN)
    assert finding.message.startswith("claimed by leaf of es256: ")
    assert Code.C2PA_INVALID in finding.codes
    assert Use.TRAINING in finding.denies


def test_a_denial_swapped_for_a_permission_fails_the_signature() -> None:
    denied = foreign(MP3, [training(("cawg.ai_training", "notAllowed"))])
    # Same length, so that every box keeps its size: an unknown entry takes up the rest.
    old = cbor_bytes({"use": "notAllowed"})
    new = cbor_bytes({"use": "allowed"})
    padded = new + bytes(len(old) - len(new))
    for forged in (denied.replace(old, padded, 1), denied.replace(b"notAllowed", b"allowed   ", 1)):
        finding = only(forged, PERMITTING)
        assert finding.signature is Check.FAIL
        assert Permission.ALLOWED not in finding.uses.values()


def test_an_altered_claim_fails_the_signature() -> None:
    data = marked(MP3)
    finding = only(flipped(data, data.index(b"instanceID") + 15))
    assert finding.signature is Check.FAIL
    assert Code.C2PA_INVALID in finding.codes


def test_a_stale_manifest_that_says_nothing_about_training_is_no_reason_to_doubt() -> None:
    finding = only(changed_audio(foreign(MP3, [])))
    assert finding.uses == {}
    assert finding.binding is Check.FAIL
    assert Code.C2PA_STALE_SILENT in finding.codes
    assert not any(code.blocks for code in finding.codes)


def test_a_silent_manifest_whose_signature_fails_is_one() -> None:
    data = foreign(MP3, [])
    finding = only(flipped(changed_audio(data), data.index(b"instanceID") + 15))
    assert finding.uses == {}
    assert Code.C2PA_INVALID in finding.codes
    assert Code.C2PA_STALE_SILENT not in finding.codes


def test_a_silent_manifest_that_holds_blocks_nothing() -> None:
    finding = only(foreign(MP3, []), TrustList())
    assert checks(finding) == ["pass", "unknown", "pass", "pass"]
    assert not any(code.blocks for code in finding.codes)


def test_a_store_that_the_library_refuses_keeps_what_we_read() -> None:
    data = marked(MP3)
    found = place(data)
    # The algorithm of the signature's protected header: one that there is not.
    at = data.index(b"\x01\x26\x18\x21", found.pieces[0][0])
    finding = only(flipped(data, at + 1))
    assert finding.denies == NO_AI.denied
    assert {Code.C2PA_UNREAD, Code.C2PA_INVALID} & set(finding.codes)


def test_a_cut_store_is_unread_and_still_denies() -> None:
    data = marked(MP3)
    found = place(data)
    ((start, length),) = found.pieces
    cut = TagArea(manifests=(replace(found, pieces=((start, length - 100),)),))
    said = findings(data, area=cut)
    assert {Code.C2PA_UNREAD, Code.C2PA_MALFORMED} <= {code for finding in said for code in finding.codes}
    assert speaking(said)[0].denies == NO_AI.denied
    assert speaking(said)[0].signature is Check.NOT_RUN


def test_a_malformed_id3_frame_hides_no_manifest() -> None:
    """The library then sees no manifest at all; our scan does, or says that it could not look."""
    data = with_malformed_frame(marked(MP3))
    seen = findings(data, area=TagArea(manifests=(place(data),)))
    assert [f.denies for f in seen] == [NO_AI.denied]
    assert Code.C2PA_HASH_MISMATCH in seen[0].codes
    noted = evidence(data).area.notes
    assert any(note.code.blocks for note in noted)
    assert all(f.denies == NO_AI.denied and Code.C2PA_UNREAD in f.codes for f in findings(data))


def test_an_expired_signer_is_a_finding_and_its_denial_stands() -> None:
    later = datetime.now(timezone.utc) + timedelta(days=1000)
    finding = only(marked(MP3), now=later)
    assert checks(finding) == ["pass", "fail", "pass", "fail"]
    assert Code.SIGNER_EXPIRED in finding.codes
    assert Code.C2PA_INVALID not in finding.codes
    assert finding.denies == NO_AI.denied


def test_time_is_judged_by_the_given_clock_not_by_the_librarys() -> None:
    """A frozen sample holds for ever: judged at its own time although its certificate is past by now."""
    end = datetime.now(timezone.utc) + timedelta(seconds=2)
    signer = make_signer(
        leaf=replace(fresh(Cert("brief", "es256-brief-2")), end=end), root=fresh(authority("r", "es256-r"))
    )
    data = marked(MP3, signer=signer)
    store = store_of(data)
    while "signingCredential.expired" not in {s.code for s in read_validation(store).failure}:
        time.sleep(0.1)
    # The library still says so, which is why noai judges the time by itself.
    assert "claimSignature.insideValidity" in {s.code for s in read_validation(store).success}
    trust = trusting(signer.chain)
    assert checks(only(data, trust, now=end - timedelta(seconds=1))) == ["pass"] * 4
    assert checks(only(data, trust)) == ["pass", "fail", "pass", "fail"]
    broken = flipped(data, data.index(b"instanceID") + 15)
    assert only(broken, trust, now=end - timedelta(seconds=1)).signature is Check.FAIL


# -- believing the library, and no more than that -------------------------------------------


def test_what_the_library_judged_must_be_what_was_read() -> None:
    data = marked(MP3)
    (manifest,) = read_store(store_of(data)).manifests
    facts = read_validation(store_of(data), KNOWN.anchors)
    context, found = evidence(data), partial(check_binding, BytesSource(data), manifest, place(data))
    assert check_active(manifest, facts, context, found).signature is Check.PASS
    for doubted in (
        replace(facts, active_label="urn:c2pa:other"),
        replace(facts, serial=1),
        replace(facts, serial=None),
        replace(facts, trust_uri="urn:somebody:else"),
        replace(facts, success=()),
        replace(facts, success=tuple(s for s in facts.success if not s.url.endswith(TRAINING))),
        replace(facts, failure=(replace(facts.success[0], code="general.error"),)),
    ):
        result = check_active(manifest, doubted, context, found)
        assert result.signature is Check.FAIL
        assert result.codes == (Code.C2PA_INVALID,)


def test_a_chain_that_cannot_be_parsed_fails_the_signature() -> None:
    store = store_box(simple_manifest((TRAINING, entries(**{"cawg.ai_training": "notAllowed"}))))
    data = MP3.read_bytes() + store
    said = findings(data, area=TagArea(manifests=(place(data),)))
    assert speaking(said)[0].denies == {Use.TRAINING}
    assert speaking(said)[0].signed_by is None
    assert any(code.blocks for code in said[0].codes)


def test_a_second_store_cannot_borrow_the_checks_of_the_first() -> None:
    """A genuine permission for another file, in a file that has a valid manifest by somebody else.

    The library would find the valid one; what is checked is the one that was read.
    """
    genuine = store_of(marked(UNMARKED / "waltz.mp3", ALLOWED))
    tag_and_audio = with_frames(b"ID3\x03" + bytes(6) + MP3.read_bytes(), frame(b"PRIV", b"x\0" + genuine))
    hostile = embedded(tag_and_audio, NO_AI, MALLORY)
    assert witness(hostile, "audio/mpeg").state == "Valid"
    planted = ManifestStore("PRIV", ((hostile.index(genuine), len(genuine)),))
    finding = only(hostile, PERMITTING, area=TagArea(manifests=(planted,)))
    assert set(finding.uses.values()) == {Permission.ALLOWED}
    assert finding.signature is Check.PASS
    assert finding.binding is Check.FAIL


def test_several_stores_are_all_read_and_block() -> None:
    data = marked(MP3)
    first = place(data)
    both = data + store_of(foreign(MP3, [PERMIT], signer=MALLORY))
    second = place(both, len(data))
    said = findings(both, PERMITTING, area=TagArea(manifests=(first, second)))
    assert all(Code.C2PA_DUPLICATE in finding.codes for finding in said)
    assert said[0].denies == NO_AI.denied
    assert all(finding.binding is Check.FAIL for finding in said)


# -- what is not asked of the library -------------------------------------------------------


def test_a_tag_area_that_we_did_not_read_whole_stops_no_check() -> None:
    """The note blocks by itself. What the library is asked about does not depend on the tags."""
    data = marked(MP3)
    area = TagArea(manifests=(place(data),), notes=(AreaNote(Code.LIMIT_EXCEEDED, "why"),))
    finding = only(data, area=area)
    assert checks(finding) == ["pass"] * 4


def test_a_store_beyond_the_limit_is_not_read() -> None:
    data = MP3.read_bytes()
    area = TagArea(manifests=(ManifestStore("GEOB", ((0, MANIFEST_BYTES + 1),)),))
    assert only(data, area=area).codes == (Code.C2PA_TOO_COSTLY,)


def test_a_store_with_more_boxes_than_the_limit_is_not_handed_on() -> None:
    many = store_box(manifest_box(assertions_box(box(b"free") * 5000), claim_box(), signature_box()))
    data = MP3.read_bytes() + many
    said = findings(data, area=TagArea(manifests=(place(data),)))
    assert {Code.LIMIT_EXCEEDED, Code.C2PA_TOO_COSTLY} <= set(said[0].codes)


def test_a_compressed_manifest_is_unread() -> None:
    packed = store_box(manifest_box(box(b"brob", b"jumb", bytes(20)), uuid=b"c2cm"))
    data = MP3.read_bytes() + packed
    (finding,) = findings(data, area=TagArea(manifests=(place(data),)))
    assert Code.C2PA_UNREAD in finding.codes


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Everything that the library is given to read."""
    stores: list[bytes] = []
    validate = _c2pa_process.validate

    def count(settings: str, store: bytes) -> str:
        stores.append(store)
        return validate(settings, store)

    monkeypatch.setattr(_c2pa_process, "validate", count)
    return stores


def test_a_claim_that_names_an_assertion_twice_is_not_handed_on(handed_on: list[bytes]) -> None:
    """For each time the library holds all of it: 2 MB took 24 GB."""
    twice = urls(TRAINING, TRAINING)
    said = entries(**{"cawg.ai_training": "notAllowed"})
    data = MP3.read_bytes() + store_box(simple_manifest((TRAINING, said), created_assertions=twice))
    (finding,) = findings(data, area=TagArea(manifests=(place(data),)))
    assert finding.denies == {Use.TRAINING}
    assert Code.C2PA_TOO_COSTLY in finding.codes
    assert handed_on == []


@pytest.mark.parametrize(
    ("kind", "count", "asked"), [(b"cbor", 1, 1), (b"cbor", 2, 0), (b"json", 2, 0), (b"bidb", 4, 1)]
)
def test_what_the_library_would_make_millions_of_objects_of_is_not_handed_on(
    kind: bytes, count: int, asked: int, handed_on: list[bytes]
) -> None:
    """Up to 160 bytes of memory for each byte, but for pictures."""
    half = [assertion_box(f"org.{n}", bytes(C2PA_PARSED_BYTES // 2 + 1), kind) for n in range(count)]
    store = store_box(manifest_box(assertions_box(*half), claim_box(), signature_box()))
    data = MP3.read_bytes() + store
    said = findings(data, area=TagArea(manifests=(place(data),)))
    assert len(handed_on) == asked
    assert any(Code.C2PA_TOO_COSTLY in finding.codes for finding in said) is not bool(asked)


def test_twenty_thousand_frames_never_reach_the_library(handed_on: list[bytes]) -> None:
    """39 s, when it still read files."""
    frames = b"".join(frame(b"TXXX", b"\x03k%d\0v" % number) for number in range(20_000))
    gathered = evidence(with_frames(marked(MP3), frames))
    handed_on.clear()
    assert any(note.code is Code.LIMIT_EXCEEDED for note in gathered.area.notes)
    assert list(C2paReader().read(gathered)) == []
    assert handed_on == []


def test_a_zlib_bomb_never_reaches_the_library(handed_on: list[bytes]) -> None:
    """400 KB, which it inflated to 314 MB."""
    bomb = frame(
        b"GEOB", (10_000_000).to_bytes(4, "big") + zlib.compress(bytes(10_000_000)), flags=b"\x00\x80"
    )
    data = with_frames(marked(MP3), bomb)
    gathered = evidence(data)
    handed_on.clear()
    assert any(note.code is Code.TAG_COMPRESSED for note in gathered.area.notes)
    assert [finding.denies for finding in C2paReader().read(gathered)] == [NO_AI.denied]
    assert handed_on == [store_of(data)]


def test_a_hundred_thousand_boxes_never_reach_the_library(handed_on: list[bytes]) -> None:
    """Over a minute."""
    data = marked(UNMARKED / "tune.m4a") + b"\0\0\0\x08free" * 100_000
    gathered = evidence(data)
    handed_on.clear()
    assert any(note.code is Code.LIMIT_EXCEEDED for note in gathered.area.notes)
    assert [finding.denies for finding in C2paReader().read(gathered)] == [NO_AI.denied]
    assert handed_on == [store_of(data)]


@pytest.mark.parametrize("error", [ManifestStopped("it took too long"), ManifestError("no process")])
def test_a_library_that_cannot_be_asked_leaves_denials_standing_and_allows_nothing(
    error: ManifestError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_settings: str, _store: bytes) -> str:
        raise error

    denied, permitted = marked(MP3), marked(MP3, ALLOWED)
    monkeypatch.setattr(_c2pa_process, "validate", fail)
    code = Code.C2PA_STOPPED if isinstance(error, ManifestStopped) else Code.C2PA_UNREAD
    for data in (denied, permitted):
        finding = only(data, PERMITTING)
        assert checks(finding) == ["not_run"] * 4
        assert finding.codes == (code,)
        assert code.blocks
        assert str(error) in finding.message
    assert verify(denied, trust=PERMITTING).decision is Decision.REJECTED
    assert verify(permitted, trust=PERMITTING).decision is Decision.UNDECIDED


# -- sidecars and manifests elsewhere -------------------------------------------------------


@pytest.mark.parametrize("name", ["tune.ogg", "tune.opus", "tune.mp3"])
def test_a_sidecar_speaks_for_its_file(name: str) -> None:
    data = (UNMARKED / name).read_bytes()
    store = sidecar(data, ALLOWED)
    finding = only(data, PERMITTING, sidecar_manifests=(store,))
    assert finding.place == "C2PA sidecar manifest, active"
    assert finding.proven
    assert finding.permit.entry_permits
    other = only((UNMARKED / "waltz.mp3").read_bytes(), PERMITTING, sidecar_manifests=(store,))
    assert other.binding is Check.FAIL


def test_a_permission_put_inside_a_signed_assertion_allows_nothing(tmp_path: Path) -> None:
    """The library hashes what it understands of an assertion: to it the signature still holds."""
    path = tmp_path / "tune.mp3"
    path.write_bytes(MP3.read_bytes())
    store = sidecar(path.read_bytes(), Claim({Use.DATA_MINING: Permission.ALLOWED}))
    forged = assertion_box(TRAINING, entries(**{"cawg.ai_training": "allowed"}))
    # A box follows the content of the first assertion, in its own box and in those around it.
    end = store.index(b"c2pa.actions") - 25 - 8
    end += int.from_bytes(store[end : end + 4], "big")
    altered = bytearray(store[:end] + forged + store[end:])
    starts = [store.index(label) - 25 - 8 for label in (b"c2pa.actions", b"c2pa.assertions", b"urn:c2pa:")]
    for at in (0, *starts):
        altered[at : at + 4] = (int.from_bytes(store[at : at + 4], "big") + len(forged)).to_bytes(4, "big")
    (tmp_path / "tune.c2pa").write_bytes(bytes(altered))
    said = findings(path.read_bytes(), PERMITTING, sidecar_manifests=(bytes(altered),))
    assert all(finding.signature is Check.PASS for finding in said)
    assert all(Code.C2PA_MALFORMED in finding.codes for finding in said)
    assert verify(path, trust=PERMITTING).decision is Decision.UNDECIDED


def test_an_embedded_store_used_as_a_sidecar_is_not_bound() -> None:
    data = marked(MP3, ALLOWED)
    finding = only(data, PERMITTING, area=TagArea(), sidecar_manifests=(store_of(data),))
    assert finding.binding is Check.FAIL


@pytest.mark.parametrize("data", [b"", b"nonsense", bytes(100)])
def test_a_sidecar_that_is_no_store_is_malformed(data: bytes) -> None:
    finding = only(MP3.read_bytes(), sidecar_manifests=(data,))
    assert Code.C2PA_MALFORMED in finding.codes


@each_container
def test_a_remote_manifest_is_a_finding_and_not_fetched(path: Path) -> None:
    url = "http://127.0.0.1:9/m.c2pa"
    finding = only(foreign(path, [DENIAL], remote_url=url))
    assert finding.codes == (Code.REMOTE_MANIFEST,)
    assert finding.value == url
    assert finding.uses == {}


def xmp(body: str) -> TagArea:
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        f' xmlns:d="http://purl.org/dc/terms/">{body}</rdf:RDF></x:xmpmeta>'
    )
    return TagArea(xmp=(XmpPacket("XMP", packet.encode()),))


@pytest.mark.parametrize(
    ("body", "is_remote"),
    [
        ('<rdf:Description d:provenance="HTTPS://example.org/x"/>', True),
        ("<rdf:Description><d:provenance>http://example.org/x</d:provenance></rdf:Description>", True),
        ('<rdf:Description><d:provenance rdf:resource="https://e.org/"/></rdf:Description>', True),
        ('<rdf:Description d:provenance="self#jumbf=c2pa"/>', False),
        ('<rdf:Description d:source="https://example.org/x"/>', False),
        ("<rdf:Description>", False),
    ],
)
def test_links_to_manifests_are_recognised_in_every_form(body: str, is_remote: bool) -> None:
    assert len(findings(MP3.read_bytes(), area=xmp(body))) == is_remote


def test_a_link_beside_an_embedded_manifest_is_not_followed_by_anybody() -> None:
    data = marked(MP3)
    area = replace(xmp('<rdf:Description d:provenance="http://e.org"/>'), manifests=(place(data),))
    assert all(Code.REMOTE_MANIFEST not in finding.codes for finding in findings(data, area=area))


# -- any content ----------------------------------------------------------------------------


# cryptography warns of serial numbers that RFC 5280 forbids.
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
@given(data=st.data(), wanted=st.booleans())
@settings(max_examples=60)
def test_no_damage_raises_or_becomes_a_permission(data: st.DataObject, wanted: bool) -> None:
    """Whatever happens to a denying manifest, it never turns into a proven permission or into nothing."""
    whole = bytearray(_DENYING)
    found = place(bytes(whole))
    for _ in range(data.draw(st.integers(1, 3))):
        position = found.pieces[0][0] + data.draw(st.integers(8, 2500))
        whole[position] = data.draw(st.integers(0, 255))
    said = findings(bytes(whole), PERMITTING, area=TagArea(manifests=(found,)), checks=wanted)
    assert said
    for finding in said:
        assert not (finding.proven and Permission.ALLOWED in finding.uses.values())
    if wanted and not any(finding.denies for finding in said):
        assert any(code.blocks for finding in said for code in finding.codes)


_DENYING = marked(MP3, Claim.from_profile(Profile.NO_GENERATIVE))


def test_uses_are_read_only() -> None:
    assert isinstance(only(_DENYING).uses, MappingProxyType)
