"""Readers of the simple vocabularies: what denies, what permits nothing, what is not understood."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.claim import ALL_USES, Claim, Permission, Profile, Use
from noai.codes import Code
from noai.containers.interface import (
    Container,
    ContainerName,
    Detected,
    FieldRole,
    TagArea,
    TagField,
    XmpPacket,
)
from noai.limits import FINDINGS_PER_READER, XMP_BYTES
from noai.report import Check, Finding, SignalSource
from noai.signals.aipref import AiPrefReader
from noai.signals.interface import Evidence, SignalReader
from noai.signals.registry import READERS as REGISTERED
from noai.signals.statement import StatementReader
from noai.signals.tag import TagReader
from noai.signals.tdmrep import TdmRepReader
from noai.signals.xmp import XmpReader
from noai.sources import BytesSource
from noai.statement import render
from noai.structured_field import FieldMalformed, Member, parse_dictionary
from noai.trust import TrustList
from noai.vocabulary import DENY_ALL, PLUS_VOCABULARY, TABLE, Token, Vocabulary
from noai.xmp import merge_data_mining

READERS: tuple[SignalReader, ...] = (
    XmpReader(),
    TdmRepReader(),
    TagReader(),
    StatementReader(),
    AiPrefReader(),
)
ALL = frozenset(ALL_USES)
GENERATIVE = Profile.NO_GENERATIVE.denied


def evidence(fields: Sequence[TagField] = (), xmp: Sequence[bytes] = ()) -> Evidence:
    return Evidence(
        BytesSource(b""),
        Detected(ContainerName("mp3"), cast(Container, None)),  # no reader of these asks it,
        TagArea(tuple(fields), tuple(XmpPacket("ID3v2.4 PRIV XMP", data) for data in xmp)),
        TrustList(),
        datetime(2026, 11, 1, tzinfo=timezone.utc),
    )


def field(key: str, value: str, role: FieldRole = FieldRole.OTHER) -> TagField:
    return TagField("ID3v2.4 TXXX", key.upper(), value, role)


def tagged(reader: SignalReader, key: str, value: str, role: FieldRole = FieldRole.OTHER) -> list[Finding]:
    return list(reader.read(evidence([field(key, value, role)])))


def xmp(body: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" xmlns:other="urn:other"'
        ' xmlns:tdm="http://www.w3.org/ns/tdmrep/" xmlns:tdmhash="http://www.w3.org/ns/tdmrep#">'
        f"{body}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def in_xmp(reader: SignalReader, body: str) -> list[Finding]:
    return list(reader.read(evidence(xmp=[xmp(body)])))


def says_nothing_but(finding: Finding, code: Code) -> bool:
    return not finding.uses and finding.codes == (code,)


# -- XMP ------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", TABLE[Vocabulary.PLUS], ids=lambda token: token.name)
@pytest.mark.parametrize(
    "spelt", [PLUS_VOCABULARY + "{}", "{}", "https://NS.useplus.org/LDF/vocab/{}/", "plus:{}"]
)
def test_plus_codes_in_full_and_bare(token: Token, spelt: str) -> None:
    name = token.name
    for value in (name, name.lower(), name.title()):
        (finding,) = in_xmp(XmpReader(), f"<plus:DataMining> {spelt.format(value)} </plus:DataMining>")
        assert finding.source is SignalSource.XMP
        assert finding.value == spelt.format(value)
        assert finding.signature is finding.binding is Check.NOT_RUN
        if name == "DMI-ALLOWED":
            assert set(finding.uses.values()) == {Permission.ALLOWED}
            assert finding.codes == (Code.PERMISSION_UNPROVEN,)
        elif name == "DMI-UNSPECIFIED":
            assert not finding.uses
            assert not finding.codes
        else:
            assert Use.GENERATIVE_TRAINING in finding.denies
            assert not finding.codes


def test_what_noai_writes_is_read_with_the_very_value() -> None:
    value = PLUS_VOCABULARY + "DMI-PROHIBITED"
    packet = merge_data_mining(None, value, None)
    assert packet is not None
    (finding,) = XmpReader().read(evidence(xmp=[packet]))
    assert (finding.value, finding.uses) == (value, DENY_ALL)


@pytest.mark.parametrize(
    "value", ["", "DMI-FORBIDDEN", "yes", "http://elsewhere/DMI-ALLOWED", "DMI-ALLOWED!"]
)
def test_an_unknown_plus_value_is_a_finding(value: str) -> None:
    (finding,) = in_xmp(XmpReader(), f"<plus:DataMining>{value}</plus:DataMining>")
    assert says_nothing_but(finding, Code.UNKNOWN_VALUE)


@pytest.mark.parametrize(
    "value", ["DMI-PROHIBITED-SOMEDAY", "http://elsewhere/dmi-prohibited", "not DMI-PROHIBITED"]
)
def test_an_unknown_prohibition_still_denies(value: str) -> None:
    (finding,) = in_xmp(XmpReader(), f"<plus:DataMining>{value}</plus:DataMining>")
    assert finding.uses == DENY_ALL
    assert finding.codes == (Code.UNKNOWN_VALUE,)


def in_namespace(uri: str, name: str, value: str) -> str:
    return f'<odd:{name} xmlns:odd="{uri}">{value}</odd:{name}>'


@pytest.mark.parametrize(
    "uri",
    [
        "http://ns.useplus.org/ldf/xmp/1.1/",
        "http://www.useplus.org/ldf/",
        "https://NS.UsePLUS.org/ldf/xmp/1.0",
        "urn:other",
    ],
)
@pytest.mark.parametrize("name", ["DataMining", "datamining", "Data-Mining", "plus.DataMining"])
@pytest.mark.parametrize("value", ["see DMI-PROHIBITED", "http://elsewhere/DMI-PROHIBITED-NEW"])
def test_data_mining_in_an_unknown_namespace_is_never_dropped(uri: str, name: str, value: str) -> None:
    (finding,) = in_xmp(XmpReader(), in_namespace(uri, name, value))
    assert (finding.uses, finding.codes) == (DENY_ALL, (Code.UNKNOWN_VALUE,))


def test_an_unknown_value_in_a_namespace_like_that_of_plus_is_a_finding() -> None:
    (finding,) = in_xmp(XmpReader(), in_namespace("http://www.useplus.org/x/", "DataMining", "what"))
    assert says_nothing_but(finding, Code.UNKNOWN_VALUE)


@pytest.mark.parametrize("host", ["www.useplus.org", "useplus.org", "NS.useplus.com"])
def test_a_code_after_another_host_of_plus_is_that_code(host: str) -> None:
    value = f"http://{host}/ldf/vocab/DMI-PROHIBITED-GENAIMLTRAINING"
    (finding,) = in_xmp(XmpReader(), f"<plus:DataMining>{value}</plus:DataMining>")
    assert (finding.denies, finding.codes) == (GENERATIVE, ())


def test_a_known_code_in_a_wrong_namespace_counts_and_other_properties_do_not() -> None:
    (finding,) = in_xmp(XmpReader(), "<other:datamining>DMI-PROHIBITED</other:datamining>")
    assert finding.denies == ALL
    assert in_xmp(XmpReader(), "<other:DataMining>coal</other:DataMining>") == []
    assert in_xmp(XmpReader(), "<other:title>DMI-PROHIBITED</other:title>") == []


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-32-be"])
def test_a_malformed_packet_is_a_finding_and_still_searched_for_a_denial(codec: str) -> None:
    whole = xmp("<plus:DataMining>dmi-prohibited-AIMLTRAINING</plus:DataMining>").decode()
    (finding,) = XmpReader().read(evidence(xmp=[whole[:-20].encode(codec)]))
    assert finding.uses == DENY_ALL
    assert finding.codes == (Code.XMP_MALFORMED,)
    (finding,) = XmpReader().read(evidence(xmp=[whole[:300].encode(codec)]))
    assert says_nothing_but(finding, Code.XMP_MALFORMED)


def test_a_packet_past_the_limit_is_a_finding() -> None:
    (finding,) = XmpReader().read(evidence(xmp=[b" " * XMP_BYTES + b"DMI-PROHIBITED"]))
    assert finding.uses == DENY_ALL
    assert finding.codes == (Code.LIMIT_EXCEEDED,)


# -- TDMRep ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        "tdm-reservation",
        "TDM_RESERVATION",
        "tdm:reservation",
        "tdm.reservation",
        "tdm reservation",
        "TDMReservation",
        "org.w3.tdm-reservation",
        "org.w3.tdm.reservation",
        "COMM:tdm-reservation",
    ],
)
def test_tdm_reservation_in_tags(key: str) -> None:
    (reserved,) = tagged(TdmRepReader(), key, " 1 ")
    assert (reserved.source, reserved.uses, reserved.codes) == (SignalSource.TDMREP, DENY_ALL, ())
    (free,) = tagged(TdmRepReader(), key, "0")
    assert not free.uses
    assert not free.codes
    for value in ("", "2", "true", "01"):
        (unknown,) = tagged(TdmRepReader(), key, value)
        assert says_nothing_but(unknown, Code.UNKNOWN_VALUE)


def test_tdm_reservation_in_xmp() -> None:
    for prefix in ("tdm", "tdmhash"):
        (finding,) = in_xmp(TdmRepReader(), f"<{prefix}:reservation>1</{prefix}:reservation>")
        assert finding.uses == DENY_ALL
    assert in_xmp(TdmRepReader(), "<other:reservation>1</other:reservation>") == []
    (finding,) = TdmRepReader().read(evidence(xmp=[b"<tdm:reservation>1</tdm:reservation"]))
    assert finding.uses == DENY_ALL
    assert Code.XMP_MALFORMED in finding.codes


@pytest.mark.parametrize(
    "uri",
    [
        "http://www.w3.org/ns/tdmrep/1.0/",
        "https://w3.org/ns/tdmrep#",
        "http://www.w3.org/2022/TDMRep/",
        "urn:tdmrep",
    ],
)
def test_a_reservation_in_a_namespace_like_that_of_tdmrep_is_never_dropped(uri: str) -> None:
    (finding,) = in_xmp(TdmRepReader(), in_namespace(uri, "reservation", "1"))
    assert (finding.uses, finding.codes) == (DENY_ALL, ())


def test_a_tdm_policy_alone_denies_nothing() -> None:
    (finding,) = tagged(TdmRepReader(), "tdm-policy", "https://example.org/terms")
    assert not finding.uses
    assert not finding.codes
    assert finding.value == "https://example.org/terms"


# -- tags -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("AI_TRAINING_OPT_OUT", "TRUE"),
        ("ai-training-opt-out", "yes"),
        ("com.example.AiTrainingOptOut", "1"),
        ("NO_AI_TRAINING_MARKER", "YES"),
        ("NO_AI_TRAINING_MARKER", "NO_AI_TRAINING"),
        ("NO_AI_TRAINING_MARKER", ""),
        ("NO_AI_TRAINING_MARKER", "3f2a"),
        ("No AI Training", " True "),
        ("NO_AI", "on"),
        ("DO_NOT_TRAIN", "1"),
        ("AI_TRAINING_ALLOWED", "no"),
        ("NO_AI_TRAINING.", "1"),
        ("No.AI.Training", "1"),
        ("com.example.no.ai.training", "1"),
        ("no:ai:training", "1"),
        ("NOAI.", "1"),
        ("NoAI..:", "1"),
        ("COMM:NO_AI_TRAINING", "1"),
        ("COMM:no.ai.training", "1"),
        ("TXXX:NOAI", "1"),
        ("\uff2e\uff2f\uff21\uff29", "1"),
        ("COMM\uff1ano\uff0eai_training", "1"),
        ("DO_NOT_TRAIN", "no.ai.training"),
    ],
)
def test_hobby_tags_deny_everything(key: str, value: str) -> None:
    (finding,) = tagged(TagReader(), key, value)
    assert (finding.source, finding.uses, finding.codes) == (SignalSource.TAG, DENY_ALL, ())


def test_a_name_is_not_found_inside_another_one() -> None:
    for key in ("CASINO_AI", "NOAI.NET", "NO_AI_TRAINING.COMMENT", "x" * 5000 + "NOAI", "." * 5000, "AI"):
        assert tagged(TagReader(), key, "1") == []


@pytest.mark.parametrize("value", ["1", "true", "YES", " Yes "])
def test_a_plain_yes_in_the_markers_tag_is_a_hobby_tag(value: str) -> None:
    (finding,) = tagged(TagReader(), "NOAI", value, FieldRole.MARKER)
    assert finding.uses == DENY_ALL


@pytest.mark.parametrize("value", ["0", "no", "on", "", "eyJ.eyJ.sig", "what"])
def test_anything_else_in_the_markers_tag_is_left_to_the_marker(value: str) -> None:
    assert tagged(TagReader(), "NOAI", value, FieldRole.MARKER) == []


@pytest.mark.parametrize("value", ["false", "0", "NO", "off"])
def test_not_opted_out_is_no_statement(value: str) -> None:
    for key in ("AI_TRAINING_OPT_OUT", "NO_AI_TRAINING_MARKER", "NO_AI_TRAINING"):
        assert tagged(TagReader(), key, value) == []


def test_an_unknown_value_of_a_hobby_tag_is_a_finding() -> None:
    for key in ("AI_TRAINING_OPT_OUT", "AI_TRAINING_ALLOWED", "NO-AI"):
        for value in ("", "maybe", "2"):
            (finding,) = tagged(TagReader(), key, value)
            assert says_nothing_but(finding, Code.UNKNOWN_VALUE)


def test_a_permission_in_a_tag_is_a_fact_without_proof() -> None:
    (finding,) = tagged(TagReader(), "AI_TRAINING_ALLOWED", "yes")
    assert set(finding.uses.values()) == {Permission.ALLOWED}
    assert finding.codes == (Code.PERMISSION_UNPROVEN,)
    assert finding.signature is Check.NOT_RUN
    (finding,) = tagged(TagReader(), "AI_TRAINING_ALLOWED", "NO_AI_TRAINING")
    assert says_nothing_but(finding, Code.UNKNOWN_VALUE)


def test_a_disclosure_is_no_opt_out() -> None:
    assert tagged(TagReader(), "AIGC", "1") == []


# -- statement ------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("role", [FieldRole.COPYRIGHT, FieldRole.COMMENT, FieldRole.OTHER])
def test_a_statement_is_read_from_any_text(profile: Profile, role: FieldRole) -> None:
    statement = render("urn:uuid:1", Claim(profile.uses))
    assert statement is not None
    (finding,) = tagged(StatementReader(), "TCOP", f"(C) 2026 | {statement} | more", role)
    assert (finding.source, finding.value, finding.codes) == (SignalSource.STATEMENT, statement, ())
    assert dict(finding.uses) == profile.uses
    (finding,) = in_xmp(StatementReader(), f"<other:rights>{statement}</other:rights>")
    assert finding.value == statement


def test_a_cut_statement_denies_everything() -> None:
    statement = render("urn:uuid:1", Claim(Profile.NO_GENERATIVE.uses))
    assert statement is not None
    for cut in (statement[:30], statement[:12], statement.replace("generative", "commercial")):
        (finding,) = tagged(StatementReader(), "COMM", cut)
        assert finding.uses == DENY_ALL
        assert finding.codes == (Code.STATEMENT_CUT,)
    assert tagged(StatementReader(), "COMM", "noai is a library") == []


def test_several_statements_are_all_read_and_the_rest_summed_up() -> None:
    three = " | ".join(f"noai:{'x' * 21}{n} No AI training without permission." for n in range(3))
    assert len(tagged(StatementReader(), "COMM", three)) == 3
    many = " | ".join(f"noai:{n:022} No generative AI training without permission." for n in range(500))
    found = tagged(StatementReader(), "COMM", many)
    assert len(found) == FINDINGS_PER_READER + 1
    assert found[-1].codes == (Code.LIMIT_EXCEEDED,)
    assert found[-1].denies == GENERATIVE


def test_a_denial_past_the_bound_is_never_lost() -> None:
    fields = [field("AI_TRAINING_ALLOWED", "yes")] * 200 + [field("NO_AI_TRAINING", "1")]
    found = list(TagReader().read(evidence(fields)))
    assert found[-1].denies == ALL
    assert len(found) == FINDINGS_PER_READER + 1


# -- AIPREF ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "denied", "allowed", "codes"),
    [
        ("train-ai=n", GENERATIVE, set(), ()),
        ("train-ai=n;why=unclear, search=y", GENERATIVE, set(), ()),
        ("search=n", {Use.DATA_MINING}, set(), ()),
        ("bots=n", ALL, set(), ()),
        ("train-ai=y", set(), {Use.GENERATIVE_TRAINING}, (Code.PERMISSION_UNPROVEN,)),
        ("train-ai=y, train-ai=n", GENERATIVE, set(), ()),
        ("train-ai=n, train-ai=y", GENERATIVE, set(), ()),
        ("train-ai=y;search=n", set(), {Use.GENERATIVE_TRAINING}, (Code.PERMISSION_UNPROVEN,)),
        ("", set(), set(), ()),
        ("colour=y, shape=(a b);c, size", set(), set(), ()),
        # Not understood, so never nothing.
        ("colour=n", set(), set(), (Code.UNKNOWN_VALUE,)),
        ("train-ai", set(), set(), (Code.UNKNOWN_VALUE,)),
        ("train-ai=maybe", set(), set(), (Code.UNKNOWN_VALUE,)),
        ("Train-AI=y", set(), set(), (Code.UNKNOWN_VALUE,)),
        ("train-ai=y,", set(), set(), (Code.UNKNOWN_VALUE,)),
        ("no thanks", set(), set(), (Code.UNKNOWN_VALUE,)),
        # A denial that breaks the syntax still denies.
        ('train-ai="n"', GENERATIVE, set(), (Code.UNKNOWN_VALUE,)),
        ("train-ai=?0", GENERATIVE, set(), (Code.UNKNOWN_VALUE,)),
        ("Train-AI = No", GENERATIVE, set(), (Code.UNKNOWN_VALUE,)),
        ("train-ai=y, search: n", {Use.DATA_MINING}, set(), (Code.UNKNOWN_VALUE,)),
        ("train-genai=n,,", GENERATIVE, set(), (Code.UNKNOWN_VALUE,)),
    ],
)
@pytest.mark.parametrize("key", ["CONTENT-USAGE", "Content_Usage", "content.usage", "COMM:Content-Usage"])
def test_usage_preferences(
    key: str, value: str, denied: set[Use], allowed: set[Use], codes: tuple[Code, ...]
) -> None:
    (finding,) = tagged(AiPrefReader(), key, value)
    assert finding.source is SignalSource.AIPREF
    assert finding.denies == denied
    assert set(finding.uses) - finding.denies == allowed
    assert finding.codes == codes


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("", []),
        ("a", [("a", "?1")]),
        ("a=1, b=-2.5 ,\tc=?0", [("a", "1"), ("b", "-2.5"), ("c", "?0")]),
        ('*a="x, \\"y\\""', [("*a", '"x, \\"y\\""')]),
        ("a=(x y;q=1);p, b=:aGk=:;q", [("a", "(x y;q=1)"), ("b", ":aGk=:")]),
        ('a=@12, b=%"f%c3%bc", c=()', [("a", "@12"), ("b", '%"f%c3%bc"'), ("c", "()")]),
        ("a=y, a=n", [("a", "y"), ("a", "n")]),
    ],
)
def test_dictionaries(text: str, members: list[tuple[str, str]]) -> None:
    assert parse_dictionary(text) == tuple(Member(*member) for member in members)


@pytest.mark.parametrize(
    "text",
    [
        "A=1",
        "a b",
        "a,",
        ",a",
        "a=",
        "a=1 b=2",
        "a==1",
        "a=1.2345",
        "a=(x",
        "a=(x)y",
        'a="x',
        "a;",
        "é=1",
        "a=1\n",
        "a=" + "x" * 5000,
        "a=1234567890123456",
        "a=?2",
        'a="é"',
    ],
)
def test_what_is_no_dictionary_is_an_error(text: str) -> None:
    with pytest.raises(FieldMalformed):
        parse_dictionary(text)


# -- any content ----------------------------------------------------------------------------

KEYS = st.sampled_from(
    [
        "NOAI",
        "AI_TRAINING_OPT_OUT",
        "CONTENT-USAGE",
        "TDM-RESERVATION",
        "TDM-POLICY",
        "COMM",
        "..",
        "",
        "no.ai",
    ]
)
VALUES = st.one_of(
    st.text(max_size=60),
    st.text(alphabet='noai:=yn,;()"?1 train-searchDMIPROHBTE', max_size=60),
    st.sampled_from(["train-ai=n", "noai:x", "1", "(((((((", "a" + ";b" * 2000, "a=(" + "b " * 2000]),
)


@given(
    st.lists(st.tuples(KEYS, VALUES, st.sampled_from(FieldRole)), max_size=6),
    st.lists(st.binary(max_size=80)),
)
def test_no_content_makes_a_reader_raise(
    fields: list[tuple[str, str, FieldRole]], packets: list[bytes]
) -> None:
    found = evidence([field(*item) for item in fields], packets)
    for reader in READERS:
        for finding in reader.read(found):
            assert finding.source is reader.source
            assert finding.uses or finding.codes or finding.message
            assert finding.signature is finding.signer is finding.binding is finding.time is Check.NOT_RUN


def test_an_empty_tag_area_has_no_findings() -> None:
    assert [list(reader.read(evidence())) for reader in READERS] == [[]] * len(READERS)


# -- registry -------------------------------------------------------------------------------


def test_every_source_in_a_file_has_its_reader_in_the_listed_order() -> None:
    assert [str(reader.source) for reader in REGISTERED] == [
        "marker",
        "c2pa",
        "xmp",
        "tdmrep",
        "tag",
        "statement",
        "aipref",
    ]


def test_judging_imports_neither_mutagen_nor_c2pa() -> None:
    code = (
        "import sys; import noai.signals.registry; "
        "print([m for m in ('mutagen', 'c2pa') if m in sys.modules], end='')"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout == "[]"
