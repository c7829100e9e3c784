"""robots.txt keeps every byte and its meaning, and says what noai adds to everybody."""

from __future__ import annotations

import urllib.robotparser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from protego import Protego

from noai import http
from noai.claim import Profile
from noai.errors import SiteFileMalformed
from noai.limits import ROBOTS_BYTES
from noai.publishing.robots import with_block

RULES = ("Content-Usage: train-ai=n", "Content-Signal: /audio/ ai-train=no")
URL = "https://ana.example/audio/tune.mp3"
BLOCK = """\
# noai: begin
# Between these two lines "noai publish" writes anew what it finds.
Content-Usage: train-ai=n
Content-Signal: /audio/ ai-train=no
# noai: end
"""
GROUP = BLOCK.replace("Content-Usage", "User-agent: *\nContent-Usage").replace(
    "# noai: end", "Disallow:\n# noai: end"
)


def edited(text: str) -> str:
    return with_block(text.encode(), RULES).content.decode()


PLACES = {
    "no file": (None, GROUP),
    "empty": ("", GROUP),
    "no group": ("Sitemap: /map.xml\n", "Sitemap: /map.xml\n\n" + GROUP),
    "others only": ("User-agent: Foo\nDisallow: /\n", "User-agent: Foo\nDisallow: /\n\n" + GROUP),
    "no line end": ("User-agent: Foo\nDisallow: /", "User-agent: Foo\nDisallow: /\n\n" + GROUP),
    "everybody": ("User-agent: *\nDisallow: /x\n", "User-agent: *\n" + BLOCK + "Disallow: /x\n"),
    "everybody, at the end": ("User-agent: *", "User-agent: *\n" + BLOCK),
    "everybody and others": (
        "user-agent : Foo # one\n\nUSER-AGENT: *\n# two\nUser-agent: Bar/2.0\n\nAllow: /\n",
        "user-agent : Foo # one\n\nUSER-AGENT: *\n# two\nUser-agent: Bar/2.0\n" + BLOCK + "\nAllow: /\n",
    ),
    "byte order mark": ("\ufeffUser-agent: *\nAllow: /\n", "\ufeffUser-agent: *\n" + BLOCK + "Allow: /\n"),
    # For some readers Foo is in the first group, for others it is not: neither may change.
    "unclear": (
        "User-agent: *\nCrawl-delay: 5\nUser-agent: Foo\nDisallow: /\n",
        "User-agent: *\nCrawl-delay: 5\nUser-agent: Foo\nDisallow: /\n\n" + GROUP,
    ),
    "line ends of Windows": (
        "User-agent: *\r\nAllow: /\r\n",
        "User-agent: *\r\n" + BLOCK.replace("\n", "\r\n") + "Allow: /\r\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), PLACES.values(), ids=PLACES)
def test_where_the_block_goes(before: str | None, after: str) -> None:
    found = with_block(None if before is None else before.encode(), RULES).content
    assert found.decode() == after
    assert with_block(found, RULES).content == found


def test_a_block_is_replaced_where_it_stands() -> None:
    text = "User-agent: Foo\nDisallow: /\n\n" + GROUP + "Disallow: /theirs\n\nUser-agent: *\nAllow: /\n"
    old = text.replace("train-ai=n", "train-ai=y")
    assert edited(old) == text


def test_lines_that_the_site_adds_behind_the_block_keep_their_group() -> None:
    """Without the block in front of it, Bar would be one of those whom the empty group addresses."""
    text = "User-agent: *\n" + BLOCK + "User-agent: Bar\nDisallow: /\n"
    assert edited(text.replace("train-ai=n", "ai=n")) == text


LINES = st.sampled_from(
    [
        *("User-agent: *", "user-agent:*", "User-agent: Foo", "User-agent: Bar/1.0 # x", "User-agent: Baz"),
        *("Disallow: /", "Disallow:", "Disallow: /audio/", "Allow: /", "Allow: /audio/*.mp3$"),
        *("", "  ", "# a comment", "Sitemap: https://ana.example/map.xml", "Crawl-delay: 5", "nonsense"),
        *("Content-Usage: train-ai=y", "Content-Signal: search=yes"),
    ]
)
FILES = st.builds(
    lambda lines, newline, last: newline.join(lines) + (newline if last else ""),
    st.lists(LINES, max_size=12),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)


def permissions(text: str) -> list[tuple[bool, bool]]:
    """What two readers let each agent fetch."""
    ours = Protego.parse(text)
    theirs = urllib.robotparser.RobotFileParser()
    theirs.parse(text.splitlines())
    return [
        (bool(ours.can_fetch(url, agent)), theirs.can_fetch(agent, url))
        for agent in ("Foo", "Bar", "Baz", "Other")
        for url in ("https://ana.example/", URL, "https://ana.example/audio/x.flac")
    ]


@given(FILES)
def test_what_may_be_fetched_stays_the_same(text: str) -> None:
    after = edited(text)
    assert permissions(after) == permissions(text)


@given(FILES)
def test_every_byte_stays_and_a_second_time_changes_nothing(text: str) -> None:
    after = edited(text)
    start, end = after.index("# noai: begin"), after.index("# noai: end") + len("# noai: end")
    newline = after[end : end + 2] if after[end : end + 2] == "\r\n" else after[end]
    assert (after[:start] + after[end + len(newline) :]).rstrip("\r\n") == text.rstrip("\r\n")
    assert edited(after) == after


@given(FILES)
def test_whoever_has_no_group_of_its_own_hears_it(text: str) -> None:
    after = edited(text)
    denied = Profile.NO_TRAINING.denied
    assert denied <= http.signals(URL, robots_txt=after, user_agent="Other").denies
    elsewhere = {name.lower() for name in with_block(text.encode(), RULES).elsewhere}
    for agent in {"foo", "bar", "baz"} - elsewhere:
        assert denied <= http.signals(URL, robots_txt=after, user_agent=agent).denies


def test_agents_with_groups_of_their_own_are_named() -> None:
    text = "User-agent: *\nUser-agent: Near\nAllow: /\n\nUser-agent: GPTBot\nUser-agent: near\nDisallow:\n"
    assert with_block(text.encode(), RULES).elsewhere == ("GPTBot",)


@pytest.mark.parametrize(
    "data",
    [
        "User-agent: *\n".encode("utf-16"),
        b"User-agent: *\nDisallow: /\xff\n",
        b"User-agent: *\0\n",
        b"\n<!doctype html><title>Not found</title>\n",
        b"#" * (ROBOTS_BYTES + 1),
        b"#" * (ROBOTS_BYTES - 20),
        b"# noai: begin\nUser-agent: *\n",
        b"# noai: end\n",
        b"# noai: end\n# noai: begin\n",
        GROUP.encode() + GROUP.encode(),
        b"User-agent: Foo\n" + BLOCK.encode(),
        BLOCK.encode(),
    ],
    ids=["utf-16", "latin-1", "nul", "page", "long", "would be long", "no end", "no begin", "reverse", "two",
         "in another group", "in no group"],
)  # fmt: skip
def test_what_nothing_can_be_added_to_is_refused(data: bytes) -> None:
    with pytest.raises(SiteFileMalformed, match=r"^robots\.txt: "):
        with_block(data, RULES)
