"""XMP: every form of a property is read, and merging leaves every other byte alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.errors import LimitExceeded, XmpMalformed, XmpUnwritable
from noai.limits import XMP_BYTES, XMP_DEPTH, XMP_NAMESPACE_CHARS, XMP_PACKETS
from noai.xmp import (
    DATA_MINING,
    PLUS_NS,
    Property,
    merge_data_mining,
    read_properties,
    without_data_mining,
)
from tests.audio import exif, run

DC = "http://purl.org/dc/elements/1.1/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ALL = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"
TRAINING = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-AIMLTRAINING"
FOREIGN = "http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED-EXCEPTSEARCHENGINEINDEXING"


def packet(body: str, *, rdf: str = "rdf") -> str:
    """A packet as Adobe's toolkit writes it: processing instructions, indents, padding."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core 5.6">\n'
        f' <{rdf}:RDF xmlns:{rdf}="{RDF}">\n{body}\n </{rdf}:RDF>\n</x:xmpmeta>\n'
        + (" " * 99 + "\n") * 3
        + '<?xpacket end="w"?>'
    )


def described(inside: str, attributes: str = "", *, rdf: str = "rdf") -> str:
    return packet(
        f'  <{rdf}:Description {rdf}:about="" xmlns:dc="{DC}" xmlns:plus="{PLUS_NS}"{attributes}>\n'
        f"   {inside}\n  </{rdf}:Description>",
        rdf=rdf,
    )


TITLE = '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Tune &amp; air</rdf:li></rdf:Alt></dc:title>'
TITLED = described(TITLE).encode()


def mining(data: bytes) -> list[str]:
    return [p.value for p in read_properties(data) if (p.namespace, p.name) == (PLUS_NS, DATA_MINING)]


# -- reading --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "inside",
    [
        f"<plus:DataMining>{ALL}</plus:DataMining>",
        f"<plus:DataMining>\n  {ALL}\n</plus:DataMining>",
        f'<plus:DataMining rdf:resource="{ALL}"/>',
        f"<plus:DataMining><![CDATA[{ALL}]]></plus:DataMining>",
        f"<plus:DataMining>{ALL.replace('D', '&#68;')}</plus:DataMining>",
        f"<plus:DataMining><rdf:Bag><rdf:li>{ALL}</rdf:li></rdf:Bag></plus:DataMining>",
        f"<plus:DataMining><rdf:Description><rdf:value>{ALL}</rdf:value></rdf:Description></plus:DataMining>",
        f'<dc:source rdf:parseType="Resource"><plus:DataMining>{ALL}</plus:DataMining></dc:source>',
    ],
)
def test_every_element_form_is_read(inside: str) -> None:
    assert mining(described(inside).encode()) == [ALL]


def test_attribute_form_is_read_under_any_prefix() -> None:
    text = packet(f'<r:Description r:about="" xmlns:p="{PLUS_NS}" p:DataMining="{ALL}"/>', rdf="r")
    assert mining(text.encode()) == [ALL]


def test_duplicates_and_array_items_are_kept_in_order() -> None:
    text = described(
        "<dc:creator><rdf:Seq><rdf:li>A</rdf:li><rdf:li>B</rdf:li></rdf:Seq></dc:creator>"
        f"<plus:DataMining>{FOREIGN}</plus:DataMining>",
        f' plus:DataMining="{ALL}"',
    )
    assert read_properties(text.encode()) == [
        Property(PLUS_NS, "DataMining", ALL),
        Property(DC, "creator", "A"),
        Property(DC, "creator", "B"),
        Property(PLUS_NS, "DataMining", FOREIGN),
    ]


def test_a_property_without_text_is_listed_all_the_same() -> None:
    for inside in (
        "<plus:DataMining/>",
        '<plus:DataMining rdf:parseType="Resource"><dc:x/></plus:DataMining>',
    ):
        assert mining(described(inside).encode()) == [""]


@pytest.mark.parametrize("codec", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_every_encoding_is_read_and_kept(codec: str, mark: str) -> None:
    text = mark + described(TITLE + "<dc:rights>Zoë ♪ 🎵</dc:rights>")
    data = text.encode(codec)
    assert Property(DC, "rights", "Zoë ♪ 🎵") in read_properties(data)
    merged = merge_data_mining(data, ALL, None)
    assert merged is not None
    assert mining(merged) == [ALL]
    assert re.sub(r"<rdf:Description[^>]*DataMining=[^>]*/>", "", merged.decode(codec)) == text
    assert merge_data_mining(merged, None, ALL) == data


def test_several_packets_and_padding_of_zeros() -> None:
    first = described(f"<plus:DataMining>{ALL}</plus:DataMining>")
    second = '<?xml version="1.0"?>\n' + described(f"<plus:DataMining>{FOREIGN}</plus:DataMining>")
    data = first.encode() + b"\x00\x00\xef\xbb\xbf" + second.encode() + b"\x00\x00\n"
    assert mining(data) == [ALL, FOREIGN]


@pytest.mark.parametrize(
    "data",
    [
        TITLED[:400],
        TITLED.replace(b"</dc:title>", b""),
        TITLED.replace(b'xmlns:dc="', b'xmlns:cd="'),
        TITLED.replace(b"Tune", b"\xff\xfe"),
        TITLED.replace(b"&amp;", b"&nbsp;"),
        b"<a>\x00</a>",
        b"just words",
        b"<a/> and words",
        b"\xff\xfe<\x00",
    ],
)
def test_what_is_not_well_formed_is_an_error(data: bytes) -> None:
    with pytest.raises(XmpMalformed):
        read_properties(data)


def test_a_doctype_is_refused_so_that_no_entity_is_ever_defined() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "' + b"x" * 1000 + b'"><!ENTITY c "' + b"&b;" * 1000 + b'">]><a>&c;</a>'
    with pytest.raises(XmpMalformed, match="DTD"):
        read_properties(bomb)
    with pytest.raises(XmpMalformed, match="DTD"):
        read_properties(b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>')


@pytest.mark.parametrize(
    "data",
    [
        b" " * (XMP_BYTES + 1),
        b"<a>" * (XMP_DEPTH + 1) + b"</a>" * (XMP_DEPTH + 1),
        b"<a/>" * (XMP_PACKETS + 1),
        b"<a xmlns='%s'/>" % (b"u" * (XMP_NAMESPACE_CHARS + 1)),
        b"<a xmlns:p='%s'/>" % (b"u" * (XMP_NAMESPACE_CHARS + 1)),
    ],
)
def test_limits(data: bytes) -> None:
    with pytest.raises(LimitExceeded):
        read_properties(data)


# -- merging --------------------------------------------------------------------------------


def test_a_fresh_packet_says_one_thing_and_goes_again() -> None:
    fresh = merge_data_mining(None, ALL, None)
    assert fresh is not None
    assert fresh.startswith('<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'.encode())
    assert read_properties(fresh) == [Property(PLUS_NS, DATA_MINING, ALL)]
    assert merge_data_mining(fresh, ALL, None) == fresh
    assert merge_data_mining(fresh, ALL, ALL) == fresh
    assert merge_data_mining(fresh, None, ALL) is None
    assert without_data_mining(fresh, {ALL}) == b""
    assert merge_data_mining(b"\x00 \n", ALL, None) == fresh
    assert merge_data_mining(None, None, ALL) is None


def test_exiftool_shows_the_property(tmp_path: Path) -> None:
    fresh = merge_data_mining(None, ALL, None)
    merged = merge_data_mining(TITLED, TRAINING, None)
    for name, data, expected in (("a.xmp", fresh, ALL), ("b.xmp", merged, TRAINING)):
        assert data is not None
        (tmp_path / name).write_bytes(data)
        tags = exif(tmp_path / name)
        assert tags["XMP-plus:DataMining"] == expected
        assert (name == "a.xmp") or tags["XMP-dc:Title"] == "Tune & air"


def test_a_packet_that_exiftool_rewrote_is_still_ours(tmp_path: Path) -> None:
    path = tmp_path / "x.xmp"
    fresh = merge_data_mining(None, ALL, None)
    assert fresh is not None
    path.write_bytes(fresh)
    run("exiftool", "-q", "-overwrite_original", "-XMP-dc:Rights=mine", path)
    rewritten = path.read_bytes()
    assert mining(rewritten) == [ALL]
    lifted = merge_data_mining(rewritten, None, ALL)
    assert lifted is not None
    assert [(p.name, p.value) for p in read_properties(lifted)] == [("rights", "mine")]
    replaced = merge_data_mining(rewritten, TRAINING, ALL)
    assert replaced == rewritten.replace(ALL.encode(), TRAINING.encode())


@pytest.mark.parametrize(
    "text",
    [
        described(TITLE),
        described(TITLE.replace("rdf:", "R-1:"), rdf="R-1"),
        packet('  <rdf:Description rdf:about="uuid:1 &amp; 2"/>'),
        packet(""),
        f'<rdf:RDF xmlns:rdf="{RDF}"/>',
        f'<RDF xmlns="{RDF}"></RDF>',
        f"<RDF xmlns='{RDF}' />",
        f'<rdf:RDF xmlns:rdf="{RDF}" xmlns:plus="urn:other"><!-- > --></rdf:RDF>\x00\x00',
        described("<dc:rights>a > b, 'c' \"d\"</dc:rights>", " dc:source='a>b/>'"),
        described(TITLE).replace("\n", "\r\n"),
    ],
)
def test_everything_else_stays_byte_for_byte(text: str) -> None:
    data = text.encode()
    merged = merge_data_mining(data, ALL, None)
    assert merged is not None
    assert mining(merged) == [ALL]
    others = [p for p in read_properties(merged) if p.name != DATA_MINING]
    assert others == read_properties(data)
    match = re.search(rb"<[^<>]*:Description[^<>]*plus:DataMining=[^<>]*/>", merged)
    assert match is not None
    rest = merged.replace(match[0], b"")
    opened = re.sub(rb"(<(?:\w+:)?RDF[^<>]*?)\s*/>", rb"\1></>", data)
    assert re.sub(rb"\s*></(?:\w+:)?RDF>", b"></>", rest) == re.sub(rb"\s*></(?:\w+:)?RDF>", b"></>", opened)
    assert without_data_mining(merged, {ALL}) == without_data_mining(data, {ALL})


def test_descriptions_of_one_packet_name_one_resource() -> None:
    merged = merge_data_mining(packet('<rdf:Description rdf:about="uuid:1 &amp; 2"/>').encode(), ALL, None)
    assert merged is not None
    assert merged.count(b'rdf:about="uuid:1 &amp; 2"') == 2


@pytest.mark.parametrize(
    ("inside", "attributes"),
    [
        (f"{TITLE}<plus:DataMining>%s</plus:DataMining>", ""),
        (f'{TITLE}<plus:DataMining rdf:resource="%s" />', ""),
        (f"{TITLE}", ' plus:DataMining="%s" dc:format="audio/mpeg"'),
        (f"{TITLE}", " dc:source='plus:DataMining=\"%s\"' plus:DataMining = '%s'"),
    ],
)
def test_our_value_is_replaced_in_place_and_taken_out(inside: str, attributes: str) -> None:
    def text(value: str) -> bytes:
        return described(inside.replace("%s", value), attributes.replace("%s", value, 1)).encode()

    template = described(inside, attributes)
    original = template.replace("%s", ALL).encode()
    replaced = merge_data_mining(original, TRAINING, ALL)
    assert replaced is not None
    assert mining(replaced) == [TRAINING]
    assert len(replaced) == len(original) + len(TRAINING) - len(ALL)
    lifted = merge_data_mining(original, None, ALL)
    assert lifted is not None
    assert mining(lifted) == []
    assert [p for p in read_properties(original) if p.name != DATA_MINING] == read_properties(lifted)
    assert without_data_mining(replaced, {TRAINING}) == without_data_mining(original, {ALL}) == lifted


@pytest.mark.parametrize("value", [ALL, None])
@pytest.mark.parametrize("lifted", [ALL, TRAINING, None])
def test_a_foreign_value_is_never_overridden(value: str | None, lifted: str | None) -> None:
    for inside in (
        f"<plus:DataMining>{FOREIGN}</plus:DataMining>",
        f"<plus:DataMining><rdf:Bag><rdf:li>{ALL}</rdf:li></rdf:Bag></plus:DataMining>",
        "<plus:DataMining/>",
    ):
        data = described(inside).encode()
        assert merge_data_mining(data, value, lifted) == data


def test_ours_goes_and_the_foreign_one_beside_it_stays() -> None:
    data = described(f"<plus:DataMining>{FOREIGN}</plus:DataMining>", f' plus:DataMining="{ALL}"').encode()
    for value in (None, TRAINING):
        merged = merge_data_mining(data, value, ALL)
        assert merged is not None
        assert mining(merged) == [FOREIGN]


def test_the_denial_of_an_ingredient_is_neither_ours_nor_in_the_way() -> None:
    nested = f'<dc:source rdf:parseType="Resource"><plus:DataMining>{ALL}</plus:DataMining></dc:source>'
    data = described(nested).encode()
    merged = merge_data_mining(data, ALL, None)
    assert merged is not None
    assert mining(merged) == [ALL, ALL]
    assert merge_data_mining(merged, None, ALL) == data
    assert merge_data_mining(data, None, ALL) == data


def test_a_comment_in_the_description_keeps_it() -> None:
    data = described(f"<!-- keep --><plus:DataMining>{ALL}</plus:DataMining>{TITLE}").encode()
    lifted = merge_data_mining(data, None, ALL)
    assert lifted is not None
    assert b"<!-- keep -->" in lifted


@pytest.mark.parametrize(
    "data",
    [
        TITLED[:400],
        b"<a/>",
        b"<!DOCTYPE a><a/>",
        b"\xff\xff",
        described("<dc:x>" + "x" * (XMP_BYTES - 700) + "</dc:x>").encode(),
    ],
)
def test_what_cannot_be_extended_safely_is_refused(data: bytes) -> None:
    with pytest.raises(XmpUnwritable):
        merge_data_mining(data, ALL, None)
    assert merge_data_mining(data, None, None) == data


def test_what_cannot_be_parsed_is_inventoried_as_it_is() -> None:
    assert without_data_mining(TITLED[:400], {ALL}) == TITLED[:400]


# -- any bytes ------------------------------------------------------------------------------


def survives(data: bytes) -> None:
    try:
        before = read_properties(data)
    except (XmpMalformed, LimitExceeded):
        with pytest.raises(XmpUnwritable):
            merge_data_mining(b"x" + data, ALL, None)
        return
    without_data_mining(data, {ALL})
    try:
        merged = merge_data_mining(data, TRAINING, ALL)
    except XmpUnwritable:
        return
    assert merged is not None
    after = [p for p in read_properties(merged) if p.name != DATA_MINING]
    assert after == [p for p in before if p.name != DATA_MINING]
    assert without_data_mining(merged, {ALL, TRAINING}) == without_data_mining(data, {ALL, TRAINING})


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_typed_errors(data: bytes) -> None:
    survives(data)


@given(st.data())
def test_mutated_packets_raise_nothing_but_typed_errors(data: st.DataObject) -> None:
    text = described(f'{TITLE}<plus:DataMining rdf:resource="{ALL}"/>', f' plus:DataMining="{ALL}"').encode()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    insert = data.draw(
        st.one_of(st.binary(max_size=8), st.sampled_from([b"/>", b"<rdf:li>", b'"', b"</", b"<!--", b"]]>"]))
    )
    survives(text[:start] + insert + text[end:])


NODES = st.recursive(
    st.sampled_from(
        [
            f"<plus:DataMining>{ALL}</plus:DataMining>",
            f'<plus:DataMining rdf:resource="{TRAINING}"/>',
            "<dc:x/>",
        ]
    ),
    lambda inner: st.builds(
        "<{0}{1}>{2}</{0}>".format,
        st.sampled_from(["rdf:Description", "rdf:RDF", "plus:DataMining", "dc:x", "rdf:Bag"]),
        st.sampled_from(["", f' plus:DataMining="{ALL}"', f" dc:y='' plus:DataMining='{TRAINING}'"]),
        st.lists(inner, max_size=3).map(" ".join),
    ),
    max_leaves=8,
)


@given(NODES)
def test_any_well_formed_tree_merges_without_loss(node: str) -> None:
    survives(f'<x xmlns:rdf="{RDF}" xmlns:plus="{PLUS_NS}" xmlns:dc="{DC}">{node}</x>'.encode())
