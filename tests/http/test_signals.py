"""What counts of what a site says: to whom it is addressed, for which path, in which spelling."""

from __future__ import annotations

import email.message
from collections.abc import Sequence
from typing import Any

import pytest

from noai.claim import ALL_USES, Permission, Use
from noai.codes import Code
from noai.errors import UsageError
from noai.http import UNREADABLE, HttpSignals, signals
from noai.http.interface import Document
from noai.limits import (
    FINDINGS_PER_READER,
    HTTP_FIELD_CHARS,
    HTTP_FIELDS,
    ROBOTS_BYTES,
    ROBOTS_RULES,
    RSL_BYTES,
    RSL_DEPTH,
    RSL_ELEMENTS,
    RSL_LICENCES,
    TDMREP_BYTES,
    TDMREP_RULES,
)
from noai.report import Check, SignalSource

URL = "https://example.org/audio/a.mp3"
ALL = frozenset(ALL_USES)
GENERATIVE = frozenset({Use.GENERATIVE_TRAINING, Use.VOICE_LIKENESS})
TRAINING = frozenset({Use.GENERATIVE_TRAINING, Use.TRAINING, Use.VOICE_LIKENESS})
MINE = frozenset({Use.DATA_MINING})
INFER = frozenset({Use.INFERENCE})
NOTHING: frozenset[Use] = frozenset()


def codes(found: HttpSignals) -> set[Code]:
    return {code for finding in found.findings for code in finding.codes} | {n.code for n in found.notes}


# -- response headers -----------------------------------------------------------------------


def message(*pairs: tuple[str, str]) -> email.message.Message:
    made = email.message.Message()
    for name, value in pairs:
        made.add_header(name, value)
    return made


@pytest.mark.parametrize(
    "headers",
    [
        {"TDM-Reservation": "1"},
        {"tdm-reservation": " 1 "},
        {b"Tdm-ReSerVation": b"1"},
        {"tdm-reservation": ["0", "1"]},
        {"tdm-reservation": "0, 1"},
        [("tdm-reservation", "0"), ("TDM-RESERVATION", "1")],
        (pair for pair in [("tdm-reservation", "1")]),
        message(("tdm-reservation", "0"), ("Tdm-Reservation", "1")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_headers_come_in_any_case_and_any_kind_of_collection(headers: Any) -> None:
    assert signals(URL, headers).denies == ALL


@pytest.mark.parametrize("headers", [7, ["tdm-reservation: 1"], [("a", 1)], {"a": None}, [(1, "b")], "a: b"])
def test_headers_of_another_kind_are_an_error(headers: Any) -> None:
    with pytest.raises(UsageError):
        signals(URL, headers)


@pytest.mark.parametrize(
    "url", ["", "/audio/a.mp3", "example.org/a.mp3", "https://", "https://h/" + "a" * 9000]
)
def test_an_address_has_to_be_absolute(url: str) -> None:
    with pytest.raises(UsageError):
        signals(url, {})
    with pytest.raises(UsageError):
        signals(URL, {}, user_agent=" ")


ROBOTS_TAGS: list[tuple[str, frozenset[Use], set[Code]]] = [
    ("noai", ALL, set()),
    ("NoAI", ALL, set()),
    ("noindex, noai, nofollow", ALL, set()),
    ("MyBot: noai", ALL, set()),
    ("mybot:NOAI", ALL, set()),
    ("MyBot: noindex, noai", ALL, set()),
    ("*: noai", ALL, set()),
    ("OtherBot: noai", NOTHING, set()),
    ("OtherBot: noindex, MyBot: noai", ALL, set()),
    ("MyBot: noindex, OtherBot: noai", NOTHING, set()),
    # Bot is not MyBot, and MyBot is not MyBot-Images.
    ("Bot: noai", NOTHING, set()),
    ("MyBot-Images: noai", NOTHING, set()),
    # Two fields that a client joined look the same.
    ("OtherBot: noindex, noai", ALL, set()),
    ("unavailable_after: 25 Jun 2040 15:00:00 PST", NOTHING, set()),
    ("unavailable_after: Sat, 25 Jun 2040 15:00:00 GMT, noai", ALL, set()),
    ("OtherBot: unavailable_after: Sat, 25-Jun-40 15:00:00 GMT", NOTHING, set()),
    ("max-snippet: 20, max-image-preview:large", NOTHING, set()),
    ("noindex nofollow", NOTHING, set()),
    ("noimageai", NOTHING, set()),
    ("", NOTHING, set()),
    (",,", NOTHING, set()),
    # Not known, and so never nothing.
    ("sometimes", NOTHING, {Code.UNKNOWN_VALUE}),
    ("no-ai", ALL, {Code.UNKNOWN_VALUE}),
    ("noml", ALL, {Code.UNKNOWN_VALUE}),
    ("no_ai_training", ALL, {Code.UNKNOWN_VALUE}),
    ("noindex noai", ALL, {Code.UNKNOWN_VALUE}),
    ("nomail", NOTHING, {Code.UNKNOWN_VALUE}),
    ("see-terms: https://example.org/terms", NOTHING, set()),
    ("noai: true", ALL, {Code.UNKNOWN_VALUE}),
]


@pytest.mark.parametrize(("value", "denied", "found"), ROBOTS_TAGS)
@pytest.mark.parametrize("agent", ["MyBot", "Mozilla/5.0 (compatible; MyBot/1.0; +https://example.com)"])
def test_x_robots_tag(value: str, denied: frozenset[Use], found: set[Code], agent: str) -> None:
    said = signals(URL, {"X-Robots-Tag": value}, user_agent=agent)
    assert (said.denies, codes(said)) == (denied, found)


def test_nobody_in_particular_is_not_addressed_by_name() -> None:
    assert not signals(URL, {"X-Robots-Tag": "MyBot: noai"}).denies
    assert signals(URL, {"X-Robots-Tag": "noai"}).denies == ALL


SIGNALS: list[tuple[str, frozenset[Use], set[Code]]] = [
    ("ai-train=no", TRAINING, set()),
    ("search=yes,ai-train=no", TRAINING, set()),
    ("search=yes, ai-input=yes, ai-train=no", TRAINING, {Code.PERMISSION_UNPROVEN}),
    ("search=no, ai-input=no", MINE | INFER, set()),
    ("AI-Train=No", TRAINING, set()),
    ("ai-train=yes, ai-train=no", TRAINING, set()),
    ("ai-train=yes", NOTHING, {Code.PERMISSION_UNPROVEN}),
    ("use=reference, search=yes", NOTHING, set()),
    ("", NOTHING, set()),
    # A denial that breaks the syntax still denies.
    ("ai_train=no", TRAINING, {Code.UNKNOWN_VALUE}),
    ("ai-train: no", TRAINING, {Code.UNKNOWN_VALUE}),
    ("ai-train=n", TRAINING, {Code.UNKNOWN_VALUE}),
    ("search yes ai-train=no", TRAINING, {Code.UNKNOWN_VALUE}),
    ("ai-train=no!", TRAINING, {Code.UNKNOWN_VALUE}),
    # Not understood, so never nothing.
    ("ai-train", NOTHING, {Code.UNKNOWN_VALUE}),
    ("ai-train=", NOTHING, {Code.UNKNOWN_VALUE}),
    ("ai-train=perhaps", NOTHING, {Code.UNKNOWN_VALUE}),
    ("ai-dream=no", NOTHING, {Code.UNKNOWN_VALUE}),
    ("no thanks", NOTHING, {Code.UNKNOWN_VALUE}),
    ("ai-train=no" + " " * 5000, TRAINING, set()),
    ("x" * 5000 + ", ai-train=no", TRAINING, {Code.UNKNOWN_VALUE}),
]


@pytest.mark.parametrize(("value", "denied", "found"), SIGNALS)
def test_content_signal(value: str, denied: frozenset[Use], found: set[Code]) -> None:
    for said in (
        signals(URL, {"Content-Signal": value}),
        signals(URL, robots_txt=f"User-Agent: *\nContent-Signal: {value}"),
    ):
        assert (said.denies, codes(said)) == (denied, found)


@pytest.mark.parametrize(
    ("value", "denied", "found"),
    [
        ("1", ALL, set()),
        ("0", NOTHING, set()),
        ("1, 0", ALL, set()),
        ("", NOTHING, {Code.UNKNOWN_VALUE}),
        ("yes", NOTHING, {Code.UNKNOWN_VALUE}),
        ("1, yes", ALL, {Code.UNKNOWN_VALUE}),
    ],
)
def test_tdm_reservation(value: str, denied: frozenset[Use], found: set[Code]) -> None:
    said = signals(URL, {"tdm-reservation": value, "tdm-policy": "https://example.org/p.json"})
    assert (said.denies, codes(said)) == (denied, found)
    assert [f.value for f in said.findings if not f.uses and "terms" in f.message] == [
        "https://example.org/p.json"
    ]


def test_several_fields_of_content_usage_count_one_by_one() -> None:
    said = signals(URL, [("Content-Usage", "train-ai=y"), ("content-usage", "train-ai=n, search=n")])
    assert said.denies == GENERATIVE | MINE
    assert [finding.value for finding in said.findings] == ["train-ai=y", "train-ai=n, search=n"]


# -- robots.txt -----------------------------------------------------------------------------

#: The example of draft-ietf-aipref-attach, and a group in front of it.
DRAFT = """
User-Agent: *
Allow: /
Disallow: /never/
Content-Usage: / train-ai=n
Content-Usage: /ai-ok/ train-ai=y

User-Agent: ExampleBot
Allow: /
Content-Usage: / train-ai=y
"""


@pytest.mark.parametrize(
    ("agent", "path", "denied"),
    [
        ("*", "/test", GENERATIVE),
        ("*", "/ai-ok/test", NOTHING),
        ("*", "/ai-OK/test", GENERATIVE),
        ("SomeBot", "/ai-ok", GENERATIVE),
        ("ExampleBot", "/test", NOTHING),
        ("examplebot/2.0", "/test", NOTHING),
        ("Mozilla/5.0 (compatible; ExampleBot/2.0)", "/test", NOTHING),
        ("NotExampleBot", "/test", GENERATIVE),
    ],
)
def test_the_example_of_the_draft(agent: str, path: str, denied: frozenset[Use]) -> None:
    said = signals(f"https://example.org{path}", robots_txt=DRAFT, user_agent=agent)
    assert said.denies == denied
    assert len(said.findings) == 1


PATHS: list[tuple[str, str, frozenset[Use]]] = [
    ("/ train-ai=n", "/audio/a.mp3", GENERATIVE),
    ("/audio train-ai=n", "/audio/a.mp3", GENERATIVE),
    ("/audio/\ttrain-ai=n", "/audio/a.mp3", GENERATIVE),
    ("/video/ train-ai=n", "/audio/a.mp3", NOTHING),
    ("/*.mp3$ train-ai=n", "/audio/a.mp3", GENERATIVE),
    ("/*.mp3$ train-ai=n", "/audio/a.mp3?x=1", NOTHING),
    ("*.mp3 train-ai=n", "/audio/a.mp3", GENERATIVE),
    ("/a%C3%A9/ train-ai=n", "/aé/b", GENERATIVE),
    ("/aé/ train-ai=n", "/a%c3%a9/b", GENERATIVE),
    ("/a/?x=1 train-ai=n", "/a/?x=1&y=2", GENERATIVE),
    # Without a path, as an earlier draft had it: everywhere.
    ("train-ai=n", "/audio/a.mp3", GENERATIVE),
    # Whether a path or a denial is meant, nobody can tell.
    ("/train-ai=n", "/audio/a.mp3", GENERATIVE),
    ("/ train-ai=n # but not here", "/audio/a.mp3", GENERATIVE),
    ("/ # train-ai=n", "/audio/a.mp3", NOTHING),
]


@pytest.mark.parametrize(("value", "path", "denied"), PATHS)
def test_paths(value: str, path: str, denied: frozenset[Use]) -> None:
    robots = f"User-agent: *\nContent-Usage: {value}\n"
    assert signals(f"https://example.org{path}", robots_txt=robots).denies == denied


def test_the_longest_path_decides_and_equal_ones_count_together() -> None:
    robots = (
        "User-agent: *\nContent-Usage: /a train-ai=n\nContent-Usage: /a/b train-ai=y\n"
        "Content-Usage: /a/%62 search=n\nContent-Usage: /*/c train-ai=n\n"
    )
    assert signals("https://h/a/x", robots_txt=robots).denies == GENERATIVE
    said = signals("https://h/a/b", robots_txt=robots)
    assert said.denies == MINE
    assert {use for f in said.findings for use, p in f.uses.items() if p is Permission.ALLOWED} == {
        Use.GENERATIVE_TRAINING
    }


GROUPS: list[tuple[str, str, frozenset[Use]]] = [
    ("User-agent: MyBot\nContent-Signal: ai-train=no", "MyBot", TRAINING),
    ("User-agent: OtherBot\nContent-Signal: ai-train=no", "MyBot", NOTHING),
    ("USER-AGENT : mybot\ncontent-SIGNAL : ai-train=no", "MyBot", TRAINING),
    ("User-agent: MyBot/1.0\nContent-Signal: ai-train=no", "MyBot", TRAINING),
    ("User-agent MyBot\nContent-Signal ai-train=no", "MyBot", TRAINING),
    ("\ufeffUser-agent: MyBot\r\n\r\nContent-Signal: ai-train=no", "MyBot", TRAINING),
    ("User-agent: MyBot\rContent-Signal: ai-train=no\r", "MyBot", TRAINING),
    # An agent with a group of its own does not follow the group for everybody.
    ("User-agent: *\nContent-Signal: ai-train=no\nUser-agent: MyBot\nAllow: /", "MyBot", NOTHING),
    ("User-agent: *\nContent-Signal: ai-train=no\nUser-agent: MyBot\n", "MyBot", NOTHING),
    # Groups of one agent are one group, and several agents share one.
    ("User-agent: MyBot\nAllow: /\nUser-agent: MyBot\nContent-Signal: ai-train=no", "MyBot", TRAINING),
    ("User-agent: A\nUser-agent: MyBot\nUser-agent: B\nContent-Signal: ai-train=no", "MyBot", TRAINING),
    ("User-agent: MyBot\nUser-agent: B\nAllow: /\nContent-Signal: ai-train=no", "MyBot", TRAINING),
    ("User-agent: MyBot\nDisallow: /x\nUser-agent: B\nContent-Signal: ai-train=no", "MyBot", NOTHING),
    (
        "User-agent: MyBot\nContent-Signal: search=yes\nUser-agent: B\nContent-Signal: ai-train=no",
        "MyBot",
        NOTHING,
    ),
    # Lines of other kinds do not come between an agent and its rules.
    ("User-agent: MyBot\nSitemap: /s.xml\nUser-agent: B\nContent-Signal: ai-train=no", "MyBot", TRAINING),
    ("User-agent: MyBot\nCrawl-delay: 3\nUser-agent: B\nContent-Signal: ai-train=no", "MyBot", TRAINING),
    # What stands in front of all groups, or in one without a name, is for everybody.
    ("Content-Signal: ai-train=no\nUser-agent: OtherBot\nAllow: /", "MyBot", TRAINING),
    ("Content-Signal: ai-train=no\nUser-agent: MyBot\nAllow: /", "MyBot", TRAINING),
    ("User-agent:\nContent-Signal: ai-train=no", "MyBot", TRAINING),
    # To fetch or not to fetch is another question.
    ("User-agent: *\nDisallow: /", "MyBot", NOTHING),
    ("User-agent: *\nDisallow: /\nAllow: /0$\nContent-Signal: ai-train=no", "MyBot", TRAINING),
    ("# Content-Signal: ai-train=no", "MyBot", NOTHING),
    ("<html>Content-Signal: ai-train=no</html>", "MyBot", NOTHING),
]


@pytest.mark.parametrize(("robots", "agent", "denied"), GROUPS)
def test_groups(robots: str, agent: str, denied: frozenset[Use]) -> None:
    for text in (robots, robots.encode()):
        assert signals(URL, robots_txt=text, user_agent=agent).denies == denied


# -- tdmrep.json ----------------------------------------------------------------------------

#: ``RESERVED`` and ``FREE`` stand for the members that say so.
TDMREP: list[tuple[str, frozenset[Use], set[Code]]] = [
    ("[]", NOTHING, set()),
    ('[{"location": "/", RESERVED}]', ALL, set()),
    ('[{"location": "/audio/", "tdm-reservation": "1", "tdm-policy": "https://x/p"}]', ALL, set()),
    ('[{"location": "/audio/*.mp3$", RESERVED}]', ALL, set()),
    ('[{"location": "*", RESERVED}]', ALL, set()),
    ('[{"location": "audio", RESERVED}]', ALL, set()),
    ('[{"location": "https://www.example.org:443/audio", RESERVED}]', ALL, set()),
    ('[{"location": "//example.org/", RESERVED}]', ALL, set()),
    ('[{"location": "https://example.com/", RESERVED}]', NOTHING, set()),
    ('[{"location": "/video/", RESERVED}]', NOTHING, set()),
    ('[{"Location": "/", "TDM_Reservation": 1}]', ALL, set()),
    # The first that matches and the most specific: where they differ, both count.
    ('[{"location": "/audio/", FREE}, {"location": "/", RESERVED}]', NOTHING, set()),
    ('[{"location": "/", FREE}, {"location": "/audio/", RESERVED}]', ALL, set()),
    ('[{"location": "/", RESERVED}, {"location": "/audio/", FREE}]', ALL, set()),
    ('[{"location": "/audio/", RESERVED, FREE}]', ALL, set()),
    # What is not as it should be blocks, and denies if any reading of it does.
    ('{"location": "/", RESERVED}', ALL, {Code.UNKNOWN_VALUE}),
    ('{"location": "/video/", RESERVED}', ALL, {Code.UNKNOWN_VALUE}),
    ("[{RESERVED}]", ALL, {Code.UNKNOWN_VALUE}),
    ('[{"location": 7, RESERVED}]', ALL, {Code.UNKNOWN_VALUE}),
    ('[{"location": "https://*/", RESERVED}]', ALL, {Code.UNKNOWN_VALUE}),
    ('[{"location": "/"}]', NOTHING, {Code.UNKNOWN_VALUE}),
    ('[{"location": "/", "tdm-reservation": true}]', NOTHING, {Code.UNKNOWN_VALUE}),
    ('[{"location": "/", "tdm-reservation": 1.0}]', NOTHING, {Code.UNKNOWN_VALUE}),
    ('[{"location": "/", "tdm-reservation": [[1]]}]', NOTHING, {Code.UNKNOWN_VALUE}),
    ("[7]", NOTHING, {Code.UNKNOWN_VALUE}),
    ("7", NOTHING, {Code.UNKNOWN_VALUE}),
    ("", NOTHING, {Code.UNKNOWN_VALUE}),
    ("<html>Not found</html>", NOTHING, {Code.UNKNOWN_VALUE}),
    ('[{"location": "/", RESERVED},]', ALL, {Code.UNKNOWN_VALUE}),
    ("[{'location': '/', 'tdm-reservation': 1}]", ALL, {Code.UNKNOWN_VALUE}),
    ("[" * 100_000, NOTHING, {Code.UNKNOWN_VALUE}),
    ('[{"location": "/\\ud800", RESERVED}]', NOTHING, set()),
    # A location is no way to write lines of ours.
    ('[{"location": "/audio\\nAllow: /audio/a.mp3", RESERVED}]', NOTHING, set()),
    ('[{"location": "/\\u2028Allow: /audio/a.mp3$", RESERVED}]', NOTHING, set()),
]


@pytest.mark.parametrize(("document", "denied", "found"), TDMREP)
def test_tdmrep_json(document: str, denied: frozenset[Use], found: set[Code]) -> None:
    document = document.replace("RESERVED", '"tdm-reservation": 1').replace("FREE", '"tdm-reservation": 0')
    for body in (document, document.encode(), document.encode("utf-16-le")):
        said = signals(URL, tdmrep=body)
        assert (said.denies, codes(said)) == (denied, found)


# -- RSL ------------------------------------------------------------------------------------

ASK = Permission.CONSTRAINED
NO = Permission.NOT_ALLOWED
ASK_ALL = dict.fromkeys(ALL_USES, ASK)


def licence(inner: str, url: str = "/") -> str:
    return f'<content url="{url}"><license>{inner}</license></content>'


def feed(inner: str) -> str:
    return f'<rss xmlns:rsl="https://rslstandard.org/rsl"><channel><item>{inner}</item></channel></rss>'


PROHIBITS = '<prohibits type="usage">ai-train</prohibits>'
NO_TRAINING = dict.fromkeys(TRAINING, NO)
RSL: list[tuple[str, dict[Use, Permission], set[Code]]] = [
    ("", {}, set()),
    (licence(""), {}, set()),
    (licence(PROHIBITS), NO_TRAINING, set()),
    (licence(PROHIBITS, "/audio/*.mp3$"), NO_TRAINING, set()),
    (licence(PROHIBITS, "https://example.org/audio/"), NO_TRAINING, set()),
    (licence(PROHIBITS, "https://example.com/"), {}, set()),
    (licence(PROHIBITS, "/video/"), {}, set()),
    (licence("<prohibits>ai-train , search</prohibits>"), {**NO_TRAINING, Use.DATA_MINING: NO}, set()),
    (licence("<prohibits><b>ai-train</b></prohibits>"), NO_TRAINING, set()),
    (licence("<prohibit>ai-train</prohibit>"), NO_TRAINING, set()),
    (licence("<PROHIBITS TYPE='Usage'>AI-All</PROHIBITS>"), dict.fromkeys(ALL_USES, NO), set()),
    # The longest location, and all licences of it.
    (licence(PROHIBITS) + licence('<permits type="usage">all</permits>', "/audio/"), {}, set()),
    (licence("") + licence(PROHIBITS, "/audio/"), NO_TRAINING, set()),
    (licence(PROHIBITS) + licence("<prohibits>search</prohibits>"),
     {**NO_TRAINING, Use.DATA_MINING: NO}, set()),
    # On terms.
    (licence('<permits type="usage">all</permits><payment type="free"/>'), {}, set()),
    (licence('<permits type="usage">all</permits><payment/>'), {}, set()),
    (licence('<permits type="usage">search</permits>'), {u: ASK for u in ALL_USES if u not in MINE}, set()),
    (licence('<permits type="usage"></permits>'), ASK_ALL, set()),
    (licence('<permits type="usage">all</permits><payment type="training"/>'), ASK_ALL, set()),
    (licence("<payment><amount currency='USD'>1</amount></payment>"), ASK_ALL, set()),
    (licence(PROHIBITS + "<payment type='crawl'/>"), {**ASK_ALL, **NO_TRAINING}, set()),
    (licence('<permits type="user">education</permits>'), ASK_ALL, set()),
    (licence('<prohibits type="geo">DE</prohibits>'), ASK_ALL, set()),
    ('<content url="/" server="https://l.example.org/"/>', ASK_ALL, set()),
    ('<content url="/"/>', {}, set()),
    # Not understood.
    (licence('<permits type="usage">all</permits><prohibits>train-ai</prohibits>'),
     dict.fromkeys(ALL_USES, NO), {Code.UNKNOWN_VALUE}),
    (licence("<prohibits>print</prohibits>"), {}, {Code.UNKNOWN_VALUE}),
    (licence("<prohibits/>"), {}, {Code.UNKNOWN_VALUE}),
    (licence('<permits type="usage">all, print</permits>'), {}, {Code.UNKNOWN_VALUE}),
    (licence('<prohibits type="what">ai-train</prohibits>'), NO_TRAINING, {Code.UNKNOWN_VALUE}),
    (licence('<permits type="what">all</permits>'), {}, {Code.UNKNOWN_VALUE}),
    (f"<license>{PROHIBITS}</license>", NO_TRAINING, {Code.UNKNOWN_VALUE}),
    (f"<content><license>{PROHIBITS}</license></content>", NO_TRAINING, {Code.UNKNOWN_VALUE}),
    (licence(PROHIBITS, "https://*.example.org/"), NO_TRAINING, {Code.UNKNOWN_VALUE}),
]  # fmt: skip


@pytest.mark.parametrize(("inner", "uses", "found"), RSL)
def test_rsl(inner: str, uses: dict[Use, Permission], found: set[Code]) -> None:
    document = f'<?xml version="1.0"?><rsl xmlns="https://rslstandard.org/rsl">{inner}</rsl>'
    for body in (document, document.encode(), document.encode("utf-16")):
        said = signals(URL, rsl=body)
        assert strict(said) == uses
        assert codes(said) == found


def strict(said: HttpSignals) -> dict[Use, Permission]:
    stated: dict[Use, Permission] = {}
    for finding in said.findings:
        for use, permission in finding.uses.items():
            if stated.get(use) is not NO:
                stated[use] = permission
    return stated


BAD_RSL = f'<rsl><content url="/video/"><license>{PROHIBITS}'


@pytest.mark.parametrize(
    ("document", "denied", "code"),
    [
        (BAD_RSL, TRAINING, Code.UNKNOWN_VALUE),
        ("<rsl><content url='/'>", NOTHING, Code.UNKNOWN_VALUE),
        ("", NOTHING, Code.UNKNOWN_VALUE),
        ("<html><body>Not found</body></html>", NOTHING, Code.UNKNOWN_VALUE),
        ("<html><body>Not found<br></body></html>", NOTHING, Code.UNKNOWN_VALUE),
        ('<!DOCTYPE rsl [<!ENTITY a "ai-train">]><rsl>' + licence("<prohibits>&a;</prohibits>") + "</rsl>",
         NOTHING, Code.UNKNOWN_VALUE),
        ("<!DOCTYPE rsl><rsl>" + licence(PROHIBITS) + "</rsl>", TRAINING, Code.UNKNOWN_VALUE),
        (b'<?xml version="1.0" encoding="what"?><rsl>' + licence(PROHIBITS).encode() + b"</rsl>",
         TRAINING, Code.UNKNOWN_VALUE),
        (b'<?xml version="1.0" encoding="cp037"?><rsl/>', NOTHING, Code.UNKNOWN_VALUE),
        (b'<?xml version="1.0" encoding="base64"?><rsl/>', NOTHING, Code.UNKNOWN_VALUE),
        ("<a>" * (RSL_DEPTH + 1) + PROHIBITS, TRAINING, Code.LIMIT_EXCEEDED),
        ("<rsl>" + "<a/>" * RSL_ELEMENTS + licence(PROHIBITS) + "</rsl>", TRAINING, Code.LIMIT_EXCEEDED),
    ],
    ids=lambda value: "" if isinstance(value, frozenset) else repr(value)[:60],
)  # fmt: skip
def test_rsl_that_cannot_be_parsed_is_searched(
    document: str | bytes, denied: frozenset[Use], code: Code
) -> None:
    said = signals(URL, rsl=document)
    assert said.denies == denied
    assert code in codes(said)


def test_rsl_in_a_feed() -> None:
    item = '<rsl:content url="/audio/"><rsl:license><rsl:prohibits type="usage">ai-train</rsl:prohibits>'
    assert signals(URL, rsl=feed(item + "</rsl:license></rsl:content>")).denies == TRAINING


@pytest.mark.parametrize(
    "named",
    [
        {"robots_txt": "License: https://example.org/license.xml"},
        {"robots_txt": "User-agent: MyBot\nLicense: https://example.org/license.xml"},
        {"headers": {"Link": '<https://example.org/l.xml>; rel="license"; type="application/rsl+xml"'}},
    ],
)
def test_a_licence_that_was_not_handed_in_blocks(named: dict[str, Any]) -> None:
    assert codes(signals(URL, user_agent="MyBot", **named)) == {Code.TERMS_ELSEWHERE}
    assert not codes(signals(URL, user_agent="MyBot", rsl="<rsl/>", **named))
    assert codes(signals(URL, user_agent="MyBot", rsl=UNREADABLE, **named)) == {Code.SOURCE_UNREADABLE}


# -- limits, and any content ----------------------------------------------------------------


@pytest.mark.parametrize("document", ["robots_txt", "tdmrep", "rsl"])
def test_a_document_that_could_not_be_had_blocks(document: str) -> None:
    missing: dict[str, Document] = {document: UNREADABLE}
    assert codes(signals(URL, **missing)) == {Code.SOURCE_UNREADABLE}
    absent: dict[str, Document] = {document: None}
    assert signals(URL, **absent) == HttpSignals()
    wrong: dict[str, Any] = {document: 7}
    with pytest.raises(UsageError):
        signals(URL, **wrong)


LONG: list[tuple[dict[str, Any], frozenset[Use]]] = [
    ({"headers": [("a", "b")] * HTTP_FIELDS + [("x-robots-tag", "noai")]}, NOTHING),
    ({"headers": {"X-Robots-Tag": "noai," + " " * HTTP_FIELD_CHARS}}, ALL),
    ({"robots_txt": "Content-Signal: ai-train=no\n" + "#" * ROBOTS_BYTES}, TRAINING),
    ({"robots_txt": "Content-Signal: ai-train=no\n" * (ROBOTS_RULES + 1)}, TRAINING),
    ({"tdmrep": '[{"location": "/", "tdm-reservation": 1}]' + " " * TDMREP_BYTES}, ALL),
    ({"tdmrep": "[" + ",".join(['{"location":"/v","tdm-reservation":1}'] * (TDMREP_RULES + 1)) + "]"}, ALL),
    ({"rsl": f"<rsl>{licence(PROHIBITS)}{' ' * RSL_BYTES}</rsl>"}, TRAINING),
    ({"rsl": f"<rsl>{licence(PROHIBITS, '/v') * (RSL_LICENCES + 1)}</rsl>"}, TRAINING),
    ({"headers": [("x-robots-tag", "MyBot: noai")] * (FINDINGS_PER_READER + 1)}, ALL),
]


@pytest.mark.parametrize(("said", "denied"), LONG, ids=[str(n) for n in range(len(LONG))])
def test_a_limit_blocks_and_what_was_read_still_denies(said: dict[str, Any], denied: frozenset[Use]) -> None:
    found = signals(URL, user_agent="MyBot", **said)
    assert found.denies == denied
    assert Code.LIMIT_EXCEEDED in codes(found)
    assert len(found.findings) <= FINDINGS_PER_READER + 1


def test_every_finding_comes_from_http_and_proves_nothing() -> None:
    found = signals(
        URL,
        {
            "Content-Usage": "train-ai=y",
            "Content-Signal": "ai-train=yes",
            "X-Robots-Tag": "x",
            "TDM-Reservation": "0",
        },
        robots_txt=DRAFT,
        tdmrep='[{"location": "/", "tdm-reservation": 0}]',
        rsl=f"<rsl>{licence('<permits>all</permits>')}</rsl>",
    )
    assert [f.place for f in found.findings] == [
        "response header content-usage",
        "robots.txt line 5",
        "response header content-signal",
        "response header x-robots-tag",
        "response header tdm-reservation",
        "tdmrep.json rule 1",
        "RSL licence 1",
    ]
    for finding in found.findings:
        assert finding.source is SignalSource.HTTP
        assert finding.message
        assert {finding.signature, finding.signer, finding.binding, finding.time} == {Check.NOT_RUN}


def hostile() -> Sequence[str]:
    return (
        "User-agent: *\n" + "Content-Usage: /" + "*a" * 20_000 + "b train-ai=n\n",
        "Content-Signal: " + "ai-train" * 10_000,
        "Content-Usage: " + "ai " * 40_000,
        "User-agent: a\n" * 30_000 + "Content-Signal: ai-train=no",
        "User-agent:" + " " * 400_000,
        "".join(f"User-agent: {n}\nContent-Signal: /{n}$ ai-train=no\n" for n in range(1_000)),
        "<prohibits" * 50_000,
        "<prohibits >" + "ai-train," * 50_000,
        '[{"location": "' + "/*" * 100_000 + '", "tdm-reservation": 1}]',
        '"tdm-reservation"' * 20_000,
        "\x00" * 100_000,
        "\ud800",
    )


@pytest.mark.parametrize("text", hostile(), ids=lambda text: repr(text)[:40])
def test_hostile_input_is_read_and_never_permits(text: str) -> None:
    said = signals(
        "https://example.org/" + "a" * 8_000,
        {
            "x-robots-tag": text,
            "content-signal": text,
            "content-usage": text,
            "tdm-reservation": text,
            "link": text,
        },
        robots_txt=text,
        tdmrep=text,
        rsl=text,
        user_agent=text[:10_000],
    )
    assert codes(said) & {code for code in Code if code.blocks}
    assert not any(p is Permission.ALLOWED for f in said.findings for p in f.uses.values())
