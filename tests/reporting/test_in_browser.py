"""The report as people see it: a real file in a real browser, without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from noai.reporting import make_report
from noai.reporting.reading import JsonLines
from noai.text import printable
from tests.browser import chromium
from tests.reporting.samples import (
    HOSTILE,
    Record,
    all_samples,
    hostile,
    marked,
    record,
    write_lines,
    write_raw,
)

MANY = 100_000

Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """``opened(path)``: a page on the file. In the end, no page may have complained or asked for anything."""
    contexts, trouble = [], []

    def open_page(path: Path, **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: trouble.append(f"dialog: {dialog.message}"))
        page.on("popup", lambda popup: trouble.append(f"popup: {popup.url}"))
        address = path.as_uri()
        page.on("request", lambda asked: asked.url == address or trouble.append(f"request: {asked.url}"))
        page.goto(address)
        if options.get("java_script_enabled", True):
            page.locator("#rows tr").first.wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not trouble


def written(
    folder: Path,
    records: Iterable[Record],
    title: str = "Autumn intake",
    write: Callable[[Path, Iterable[Record]], Path] = write_lines,
) -> Path:
    lines = write(folder / "verdicts.jsonl", records)
    page = folder / "report.html"
    created = datetime(2026, 6, 1, 12, tzinfo=timezone.utc)
    with (
        lines.open("rb") as stream,
        page.open("w", encoding="utf-8", newline="") as out,
        make_report([JsonLines(stream, lines.name)], title, created) as made,
    ):
        out.writelines(made.document())
    return page


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on all sample files."""
    return written(tmp_path_factory.mktemp("samples"), all_samples())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report on a hundred thousand files, every fiftieth of which is marked."""
    plain, denied = record(), marked()

    def records() -> Iterator[Record]:
        for number in range(MANY):
            base = plain if number % 50 else denied
            yield {**base, "path": f"corpus/{number % 97:02}/track {number:06}.flac", "size": 7 * number}

    return written(tmp_path_factory.mktemp("large"), records())


def names(page: Page) -> list[str]:
    """The file names in the table, folders left out."""
    return page.locator("#rows .file bdi").evaluate_all("all => all.map(e => e.firstChild.textContent)")


def status(page: Page) -> str:
    return page.locator("#status").inner_text()


# -- what stands there without a script ----------------------------------------------------------


def test_totals_question_and_signers_need_no_script(opened: Opened, samples: Path) -> None:
    page = opened(samples, java_script_enabled=False)
    text = page.locator("main").inner_text()
    records = all_samples()
    admitted = sum(made["admitted"] for made in records)
    assert f"{admitted} of {len(records)} files are admitted; {len(records) - admitted} are not." in text
    for decision in ("rejected", "undecided", "allowed", "unreserved"):
        number = sum(made["decision"] == decision for made in records)
        tile = page.locator(f".tiles li.{decision} .count")
        assert tile.inner_text().split()[0] == str(number)
    for told in ("opt-out", "evidence", "cawg.ai_training", "demo-artist", "stranger", "alg_refused"):
        assert told in text
    assert "needs JavaScript" in page.locator("noscript").inner_text()
    expect(page.locator("#explorer")).to_be_hidden()


def test_each_container_and_reason_has_its_row(opened: Opened, samples: Path) -> None:
    page = opened(samples)
    records = all_samples()
    rows = page.locator("section:has(#containers) tbody tr")
    assert rows.count() == len({made["container"] for made in records})
    first = rows.first.locator("th, td").all_inner_texts()
    mp3 = [made for made in records if made["container"] == "mp3"]
    assert (first[0], first[2]) == ("mp3", str(len(mp3)))
    assert sum(int(cell) for cell in first[3:]) == len(mp3)
    # As many parts of the bar as there are decisions on such files.
    assert rows.first.locator("svg rect").count() == len({made["decision"] for made in mp3})
    codes = page.locator("section:has(#reasons) tbody th").all_inner_texts()
    assert set(codes) == {reason["code"] for made in records for reason in made["reasons"]}


def test_an_interrupted_input_is_named_where_nobody_misses_it(opened: Opened, tmp_path: Path) -> None:
    def half(path: Path, records: Iterable[Record]) -> Path:
        write_lines(path, records)
        path.write_bytes(path.read_bytes()[:-30])
        return path

    page = opened(written(tmp_path, [record(), record(), record()], write=half))
    warning = page.locator("main > .warning").inner_text()
    assert "verdicts.jsonl ends in the middle of line 3" in warning
    assert "2 records" in warning
    assert status(page) == "1 to 2 of 2 files"


def test_mixed_questions_are_said(opened: Opened, tmp_path: Path) -> None:
    page = opened(written(tmp_path, [record(), record(policy="opt-in", admitted=False)]))
    assert "different questions" in page.locator("main > .warning").inner_text()
    assert page.locator("section:has(#asked) dl").count() == 2


# -- the table of files --------------------------------------------------------------------------


def test_search_takes_all_words_in_any_order_and_case(opened: Opened, samples: Path) -> None:
    page = opened(samples)
    page.get_by_label("Search").fill("FLAC  marked/")
    expect(page.locator("#status")).to_have_text(f"1 to 2 of 2 files ({len(all_samples())} listed)")
    assert names(page) == ["tune.flac", "tune.flac"]
    page.get_by_label("Search").fill("stranger")
    expect(page.locator("#rows .file")).to_have_count(1)
    assert names(page) == ["allowed-by-stranger.mp3"]
    page.get_by_label("Search").fill("no such thing")
    expect(page.locator("#rows")).to_contain_text("No file matches")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#rows .file")).to_have_count(len(all_samples()))


@pytest.mark.parametrize(
    ("label", "option", "member", "value"),
    [("Decision", "Undecided", "decision", "undecided"), ("Container", "mp4", "container", "mp4")],
)
def test_filters(opened: Opened, samples: Path, label: str, option: str, member: str, value: str) -> None:
    page = opened(samples)
    expected = [made["path"].split("/")[-1] for made in all_samples() if made[member] == value]
    choice = page.get_by_label(label, exact=True)
    choice.select_option(label=f"{option} ({len(expected)})")
    expect(page.locator("#rows .file")).to_have_count(len(expected))
    assert names(page) == expected


def test_filters_by_reason_and_signer_combine(opened: Opened, samples: Path) -> None:
    page = opened(samples)
    page.get_by_label("Reason", exact=True).select_option("reserved")
    page.get_by_label("Signer", exact=True).select_option("Nobody signed")
    unsigned = [
        made
        for made in all_samples()
        if any(reason["code"] == "reserved" for reason in made["reasons"])
        and not any(signal["signed_by"] for signal in made["signals"])
    ]
    expect(page.locator("#rows .file")).to_have_count(len(unsigned))
    page.get_by_label("Signer", exact=True).select_option("stranger")
    expect(page.locator("#rows")).to_contain_text("No file matches")


@pytest.mark.parametrize("column", ["File", "Size", "Decision"])
def test_sorting_goes_both_ways_and_says_so(opened: Opened, samples: Path, column: str) -> None:
    page = opened(samples)
    made = all_samples()
    decisions = ["rejected", "undecided", "allowed", "unreserved"]
    keys: dict[str, Callable[[Record], Any]] = {
        "File": lambda r: r["path"],
        "Size": lambda r: -r["size"],
        "Decision": lambda r: decisions.index(r["decision"]),
    }
    heading = page.locator("#table th", has_text=column)
    heading.get_by_role("button").click()
    assert names(page) == [r["path"].split("/")[-1] for r in sorted(made, key=keys[column])]
    assert heading.get_attribute("aria-sort") == ("descending" if column == "Size" else "ascending")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == ("ascending" if column == "Size" else "descending")
    ways = page.locator("#table th").evaluate_all("all => all.map(e => e.getAttribute('aria-sort'))")
    assert ways.count("none") == 5


def test_evidence_opens_and_closes_by_keyboard(opened: Opened, samples: Path) -> None:
    page = opened(samples)
    # The unmarked one as well, behind it.
    page.get_by_label("Search").fill("marked/tune.mp3")
    expect(page.locator("#rows .file")).to_have_count(2)
    opener = page.locator("#rows .file").first
    # From the search field, over filters and headings, by tabs alone.
    for _ in range(30):
        page.keyboard.press("Tab")
        if opener.evaluate("e => e === document.activeElement"):
            break
    expect(opener).to_be_focused()
    assert opener.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    detail = page.locator(f"#{opener.get_attribute('aria-controls')}")
    made = marked()
    text = detail.inner_text()
    for signal in made["signals"]:
        assert signal["place"] in text
        assert f"Signal: {signal['source']}" in text
        for check in ("signature", "signer", "binding", "time"):
            if signal["signed_by"]:
                assert f"{check}: {signal[check].replace('_', ' ')}" in text
                assert signal["signed_by"]["kid"] in text
    assert f"{made['size']:,} bytes" in text
    assert "not allowed: all five uses" in text
    page.keyboard.press("Space")
    expect(detail).to_have_count(0)
    expect(opener).to_have_attribute("aria-expanded", "false")


def test_an_error_a_note_and_a_digest_are_shown(opened: Opened, tmp_path: Path) -> None:
    digest = "ab" * 32
    made = record(
        path="broken.mp3",
        sha256=digest,
        decision="undecided",
        admitted=False,
        error={"code": "source_changed", "message": "it changed"},
        notes=[{"code": "tag_duplicate", "message": "two ID3 tags"}],
    )
    page = opened(written(tmp_path, [made]))
    page.locator(".file").click()
    text = page.locator("tr.detail").inner_text()
    for told in (digest, "source_changed", "it changed", "tag_duplicate", "two ID3 tags"):
        assert told in text
    assert "the file changed while it was being read" in text


def test_members_of_archives_name_their_archive(opened: Opened, tmp_path: Path) -> None:
    page = opened(
        written(tmp_path, [record(path="shards/0001.tar", member="a/b.flac"), record(path="c.flac")])
    )
    assert names(page) == ["b.flac", "c.flac"]
    assert page.locator(".folder").first.inner_text() == "shards/0001.tar › a/"


# -- names that would do harm ------------------------------------------------------------------------


def test_hostile_texts_are_shown_as_texts(opened: Opened, tmp_path: Path) -> None:
    title = "</title><script>document.title='owned'</script>{{script}}"
    page = opened(written(tmp_path, hostile(), title=title, write=write_raw))
    assert page.title() == title
    assert page.locator("h1").inner_text() == title
    for opener in page.locator("#rows .file").all():
        opener.click()
    expect(page.locator("tr.detail")).to_have_count(len(HOSTILE))
    text = page.locator("body").evaluate("e => e.textContent")
    for name in HOSTILE:
        assert printable(name) in text
    assert page.title() == title
    assert page.locator("img, iframe, object, embed, form[action], [onerror], [style]").count() == 0
    assert page.evaluate("({}).polluted") is None
    for sign in "\u202e\u2028\x1b\x00\ud800":
        assert sign not in text


def test_the_page_runs_no_script_but_its_own(opened: Opened, browser: Browser, samples: Path) -> None:
    """The policy stops what a mistake of ours would let in."""
    page = browser.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.goto(samples.as_uri())
    page.locator("#rows tr").first.wait_for()
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "document.title = 'owned'";
            document.body.append(script);
            const image = new Image();
            image.src = "http://localhost:9/leak";
            document.body.append(image);
        }"""
    )
    page.wait_for_function("document.images[0].complete")
    assert page.title() == "Autumn intake"
    assert len([text for text in refused if "Content Security Policy" in text]) == 2
    page.close()


# -- many rows --------------------------------------------------------------------------------------


def elements(page: Page) -> int:
    return page.evaluate("document.querySelectorAll('*').length")


def test_a_hundred_thousand_rows_keep_the_page_small(opened: Opened, large: Path) -> None:
    page = opened(large)
    assert status(page) == f"1 to 50 of {MANY:,} files"
    data = page.locator("script[type='application/octet-stream']").count()
    assert elements(page) - data < 1_500
    page.get_by_label("Search").fill("TRACK 0999")
    hits = sum("0999" in f"{number:06}" for number in range(MANY))
    expect(page.locator("#status")).to_have_text(f"1 to 50 of {hits} files ({MANY:,} listed)")
    page.get_by_role("button", name="Clear").click()
    page.get_by_label("Decision", exact=True).select_option(label=f"Rejected ({MANY // 50:,})")
    expect(page.locator("#status")).to_have_text(f"1 to 50 of {MANY // 50:,} files ({MANY:,} listed)")
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Size").click()
    assert names(page)[0] == f"track {MANY - 1:06}.flac"
    page.get_by_role("button", name="Last").click()
    assert names(page)[-1] == "track 000000.flac"
    expect(page.locator("#page")).to_have_text("Page 2,000 of 2,000")
    expect(page.get_by_role("button", name="Previous")).to_be_focused()
    # Its evidence is in the first of two hundred blocks, that of the row before in the same.
    page.locator(".file").last.click()
    expect(page.locator("tr.detail")).to_contain_text("Signal: marker")
    page.get_by_label("Rows a page").select_option("250")
    assert page.locator("#rows .file").count() == 250
    assert elements(page) - data < 5_000


def test_a_hundred_thousand_rows_make_a_file_that_can_be_mailed(large: Path) -> None:
    assert large.stat().st_size < 5_000_000


# -- for everybody --------------------------------------------------------------------------------------


def findings(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{item['id']}: {item['nodes'][0]['html'][:200]}" for item in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(opened: Opened, samples: Path, scheme: str, width: int) -> None:
    page = opened(samples, color_scheme=scheme, viewport={"width": width, "height": 900})
    page.get_by_role("button", name="Container").click()
    # Evidence of each kind: of a marked track, of tampered ones, of one in which nothing was found.
    openers = page.locator("#rows .file").all()[::4]
    for opener in openers:
        opener.click()
    expect(page.locator("tr.detail")).to_have_count(len(openers))
    assert findings(page) == []


def background(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_dark_and_light_follow_the_system_until_somebody_chooses(opened: Opened, samples: Path) -> None:
    light = background(opened(samples, color_scheme="light"))
    page = opened(samples, color_scheme="dark")
    dark = background(page)
    assert light != dark
    page.get_by_role("button", name="Light colours").click()
    assert background(page) == light
    page.get_by_role("button", name="Dark colours").click()
    assert background(page) == dark


def test_on_a_phone_nothing_is_wider_than_the_screen(opened: Opened, samples: Path) -> None:
    page = opened(samples, viewport={"width": 360, "height": 740})
    for opener in page.locator("#rows .file").all()[:3]:
        opener.click()
    expect(page.locator("tr.detail")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_in_print_controls_go_and_colours_are_for_paper(opened: Opened, samples: Path) -> None:
    page = opened(samples, color_scheme="dark")
    page.get_by_role("button", name="Light colours").wait_for()
    page.emulate_media(media="print")
    assert background(page) == "rgb(255, 255, 255)"
    for hidden in (".controls", "#theme", "#next"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator("#rows .file").first).to_be_visible()


def test_nothing_moves_where_motion_is_unwanted(opened: Opened, samples: Path) -> None:
    page = opened(samples, reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
