"""The web page of ``noai serve`` as people use it: a real browser, and the real server."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from mutagen.id3 import ID3, TXXX
from playwright.sync_api import Browser, Locator, Page, Route, expect

import noai
from noai.text import printable
from noai.trust import TrustList
from tests.audio import SAMPLES, decoded_md5
from tests.browser import chromium
from tests.reporting.samples import HOSTILE, hostile, marked, record
from tests.service.live import TOKEN, Live, served, signing
from tests.signers import Cert, signer

UNMARKED = SAMPLES / "unmarked" / "tune.mp3"
PAGE = Path(noai.__file__).parent / "service" / "page"

Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # A page waits for a server that checks files; how long that takes is not what is tested.
    expect.set_options(timeout=60_000)
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Of servers and commands: one identity, a token, and the artist of the samples on the trust list."""
    made = signing(tmp_path_factory.mktemp("configuration"))
    command = [sys.executable, "-m", "noai", "trust", "add", str(SAMPLES / "demo-artist.pem")]
    subprocess.run(command, env={**os.environ, **made}, check=True, capture_output=True)
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Iterator[Live]:
    with served(tmp_path_factory.mktemp("server"), "--identity", "ana", **environment) as live:
        yield live


@pytest.fixture
def opened(browser: Browser, server: Live) -> Iterator[Opened]:
    """``opened()``: the page. In the end, none may have complained, or asked anybody but its server.

    ``forgiven`` is a pattern of what the browser itself says of answers that a test provokes.
    """
    contexts, trouble = [], []

    def open_page(at: Live = server, forgiven: str = "$.", **options: Any) -> Page:
        context = browser.new_context(**options)
        contexts.append(context)
        page, url = context.new_page(), f"{at.url}/"

        def complain(kind: str, text: str) -> None:
            if not re.search(forgiven, text):
                trouble.append(f"{kind}: {text}")

        page.on("console", lambda message: complain("console", message.text))
        page.on("pageerror", lambda error: complain("error", str(error)))
        page.on("dialog", lambda dialog: complain("dialog", dialog.message))
        page.on("popup", lambda popup: complain("popup", popup.url))
        inside = (url, f"blob:{url}")
        page.on("request", lambda asked: asked.url.startswith(inside) or complain("request", asked.url))
        page.goto(url)
        if options.get("java_script_enabled", True):
            page.locator("html[data-ready]").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not trouble


def choose(page: Page, *files: Path | dict[str, Any]) -> None:
    page.get_by_label("Choose tracks").set_input_files(list(files))  # type: ignore[arg-type]


def card(page: Page, name: str) -> Locator:
    return page.locator(".card", has=page.locator("h3", has_text=re.compile(f"^{re.escape(name)}$")))


def checked(page: Page, number: int) -> None:
    expect(page.locator("#tally")).to_have_text(f"{number} checked")


def drop(page: Page, path: Path) -> None:
    """What a hand does: over the window, and let go."""
    data = page.evaluate_handle(
        """([name, content]) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
            return data;
        }""",
        [path.name, base64.b64encode(path.read_bytes()).decode()],
    )
    page.dispatch_event("body", "dragenter", {"dataTransfer": data})
    expect(page.locator("#drop")).to_have_class(re.compile("over"))
    page.dispatch_event("body", "drop", {"dataTransfer": data})
    expect(page.locator("#drop")).not_to_have_class(re.compile("over"))


def verified(path: Path, environment: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """What ``noai verify`` says of a file, and how it exits."""
    command = [sys.executable, "-m", "noai", "verify", str(path), "--format", "jsonl"]
    done = subprocess.run(
        command, env={**os.environ, **environment}, check=False, capture_output=True, text=True
    )
    return done.returncode, json.loads(done.stdout)


def answering(page: Page, made: object, **options: Any) -> None:
    """Let something between page and server answer in its place."""
    body = made if isinstance(made, str) else json.dumps(made)
    settings = {"content_type": "application/json", "body": body, **options}

    def answer(route: Route) -> None:
        route.fulfill(**settings)

    page.route("**/v1/verify*", answer)


# -- from a track to a marked one ---------------------------------------------------------------------


def test_drop_verdict_mark_download_verify(
    opened: Opened, environment: dict[str, str], tmp_path: Path
) -> None:
    page = opened()
    drop(page, UNMARKED)
    checked(page, 1)
    before = card(page, "tune.mp3")
    expect(before).to_contain_text("Nothing in this file speaks about AI.")
    expect(page.get_by_role("status")).to_contain_text("tune.mp3: Not reserved. Nothing in this file")
    before.get_by_role("button", name="Mark this track").click()
    page.get_by_label("Access token").fill(TOKEN)
    page.get_by_label("Who holds the rights").fill("Ana Example")
    with page.expect_download() as download:
        page.get_by_role("button", name="Mark and download").click()
    path = tmp_path / "marked.mp3"
    download.value.save_as(path)
    checked(page, 2)
    copy = page.locator(".card", has_text="Your marked copy.")
    expect(copy.locator(".headline")).to_contain_text("ana says: no use by AI")
    expect(copy).to_contain_text("The signature is right, and the audio is unchanged since.")
    expect(copy.get_by_role("link", name="Download it")).to_be_visible()
    code, verdict = verified(path, environment)
    assert (code, verdict["decision"]) == (1, "rejected")
    [marker] = [signal for signal in verdict["signals"] if signal["source"] == "marker"]
    assert {marker[check] for check in ("signature", "signer", "binding", "time")} == {"pass"}
    assert noai.verify(path).signals[0].marker is not None
    assert decoded_md5(path) == decoded_md5(UNMARKED)
    # The token is nowhere but in the memory of the page.
    kept = page.evaluate(
        "[JSON.stringify({...localStorage, ...sessionStorage}), document.cookie, location.href]"
    )
    assert TOKEN not in "".join(kept)
    assert TOKEN not in page.content()


def test_a_token_is_asked_for_once_and_forgotten_when_signed_out(opened: Opened) -> None:
    page = opened(forgiven="status of 401")
    choose(page, UNMARKED, SAMPLES / "unmarked" / "tune.flac")
    checked(page, 2)
    page.get_by_role("button", name="Mark all 2").click()
    page.get_by_label("Access token").fill("not the token")
    page.get_by_role("button", name="Mark them").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("no spaces")
    page.get_by_label("Access token").fill("wrong")
    page.get_by_role("button", name="Mark them").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("The access token is not right.")
    page.get_by_label("Access token").fill(TOKEN)
    page.get_by_label("Generative AI").check()
    page.get_by_role("button", name="Mark them").click()
    checked(page, 4)
    copies = page.locator(".card", has_text="Your marked copy.")
    expect(copies).to_have_count(2)
    for copy in copies.all():
        expect(copy.locator(".headline")).to_contain_text("no training of generative AI and no imitation of")
        expect(copy.get_by_role("row", name="Training other AI")).to_contain_text("Not stated")
    page.locator(".card", has_text="tune.flac").last.get_by_role("button", name="Mark this track").click()
    expect(page.get_by_label("Access token")).to_be_hidden()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Sign out").click()
    page.locator(".card", has_text="tune.flac").last.get_by_role("button", name="Mark this track").click()
    expect(page.get_by_label("Access token")).to_be_focused()


def test_a_refusal_to_mark_leaves_the_verdict_standing(opened: Opened) -> None:
    page = opened(forgiven="status of 4")
    choose(page, SAMPLES / "tampered" / "flipped.opus")
    checked(page, 1)
    page.get_by_role("button", name="Mark this track").click()
    page.get_by_label("Access token").fill(TOKEN)
    page.get_by_role("button", name="Mark and download").click()
    expect(page.locator(".card .warning")).to_contain_text("It was not marked.")
    expect(page.locator(".card .headline")).to_contain_text("Somebody tampered with this file")


def test_a_server_that_only_checks_says_so(opened: Opened, tmp_path: Path) -> None:
    with served(tmp_path, NOAI_HOME=str(tmp_path / "home")) as live:
        page = opened(live)
        expect(page.locator("#marking")).to_contain_text("This server only checks")
        choose(page, UNMARKED)
        checked(page, 1)
        expect(page.get_by_role("button", name="Mark")).to_have_count(0)
        page.close()  # it may still want a picture from the server


# -- what it says ---------------------------------------------------------------------------------------

SAID = {
    "marked/tune.mp3": ("Reserved", "demo-artist says: no use by AI", "The signature is right"),
    "tampered/flipped.mp3": (
        "Reserved",
        "Somebody tampered with this file after it was signed.",
        "moved here",
    ),
    "tampered/payload-edited.mp3": ("Reserved", "or forged it. The reservation counts", "signature is wrong"),
    "tampered/kid-mismatch.mp3": ("Reserved", "damaged or forged", "cannot be checked"),
    "tampered/allowed-swapped.mp3": ("Not known", "Somebody tampered", "never taken for a “yes”"),
    "tampered/alg-none.mp3": ("Not known", "could not be read or checked", "never taken for a “yes”"),
    "tampered/allowed-by-stranger.mp3": ("Not reserved", "not against the uses", "counts as nothing"),
    "unmarked/waltz.mp3": ("Not reserved", "Nothing in this file speaks about AI.", "read to its end"),
}


def test_each_kind_of_track_in_plain_words(opened: Opened, tmp_path: Path) -> None:
    page = opened()
    cut = tmp_path / "cut.flac"
    cut.write_bytes((SAMPLES / "unmarked" / "tune.flac").read_bytes()[:3000])
    garbage = tmp_path / "garbage.mp3"
    garbage.write_bytes(b"no audio at all " * 64)
    (tmp_path / "empty.wav").touch()
    choose(page, *(SAMPLES / name for name in SAID), cut, garbage, tmp_path / "empty.wav")
    checked(page, len(SAID) + 3)
    expected = {
        **{name.split("/")[1]: said for name, said in SAID.items()},
        "cut.flac": ("Not known", "so nobody may rely on it", "never taken for a “yes”"),
        "garbage.mp3": ("Not known", "not audio of a kind that noai knows", "never taken"),
    }
    for name, (title, lead, more) in expected.items():
        expect(card(page, name).locator(".title")).to_have_text(title)
        expect(card(page, name).locator(".headline")).to_contain_text(lead)
        expect(card(page, name).locator(".answer")).to_contain_text(more)
        admitted = "admitted" if title == "Not reserved" else "not admitted"
        expect(card(page, name).locator(".advice")).to_contain_text(
            f"Here: {admitted}, by the policy opt-out."
        )
    # Refused or judged: in no case a word that sounds like "nothing found".
    expect(card(page, "empty.wav").locator(".headline")).to_contain_text(re.compile("empty", re.I))


def test_uses_are_a_table_and_silence_counts_only_where_all_was_read(opened: Opened) -> None:
    page = opened()
    choose(page, SAMPLES / "unmarked" / "waltz.mp3", SAMPLES / "tampered" / "alg-none.mp3")
    checked(page, 2)
    for name, word in (("waltz.mp3", "Not stated"), ("alg-none.mp3", "Not known")):
        rows = card(page, name).locator("tbody tr")
        assert rows.locator("td").all_inner_texts() == [word] * 5
        assert rows.locator(".asked").count() == 2


def marker_with(**changes: Any) -> dict[str, Any]:
    [marker] = [signal for signal in marked()["signals"] if signal["source"] == "marker"]
    known = {**marker["signed_by"], "trusted_as": "sha256:4f91"}
    return {**marker, "signer": "pass", "signed_by": known, **changes}


def test_who_says_it_and_whether_that_is_proven(opened: Opened) -> None:
    permits = dict.fromkeys(marked()["uses"], "allowed")
    [xmp] = [signal for signal in marked()["signals"] if signal["source"] == "xmp"]
    other = marker_with(uses=permits, signed_by={"kid": "k", "subject": "x", "trusted_as": "sha256:00"})
    own = marker_with(uses=permits, signed_by={"kid": "o", "subject": "o", "trusted_as": "own:o"})
    allowed = {"decision": "allowed", "admitted": True, "uses": permits}
    voice = {"org.noai.voice_likeness": "notAllowed"}
    cases = [
        (
            marked(signals=[{**xmp, "lifted": False}]),
            "The file says: no use by AI",
            "is not signed (XMP field)",
        ),
        (
            marked(signals=[marker_with(time="fail")]),
            "Somebody who signs as demo",
            "certificate does not hold",
        ),
        (
            marked(signals=[marker_with(signer="unknown")]),
            "Somebody who signs as",
            "does not know the signer",
        ),
        (marked(signals=[marker_with(binding="not_run")]), "demo-artist says", "unchanged was not checked"),
        (marked(signals=[marker_with(uses=permits), own], **allowed), "demo-artist permits", "all hold"),
        (marked(signals=[marker_with(uses=permits), other], **allowed), "the permission is proven", ""),
        (
            marked(
                signals=[marker_with(uses=permits), own, {**xmp, "uses": voice, "lifted": False}], **allowed
            ),
            "demo-artist permits",
            "The file says no to imitation of voice, style or likeness.",
        ),
        # No signature was looked at: that says nothing against it.
        (
            marked(depth="decision", signals=[marker_with(signature="not_run", binding="not_run")]),
            "A mark in this file says: no use by AI",
            "signature was not checked",
        ),
        # What no server says: it is not believed.
        (marked(admitted=True, signals=[marker_with()]), "demo-artist says", ""),
        (record(notes=[{"code": "of_a_later_version", "message": ""}]), "Nothing in this file speaks", ""),
    ]
    page = opened()
    for number, (made, lead, more) in enumerate(cases, 1):
        page.unroute_all()
        answering(page, made)
        choose(page, UNMARKED)
        checked(page, number)
        expect(page.locator(".card").first.locator(".headline")).to_contain_text(lead)
        expect(page.locator(".card").first.locator(".answer")).to_contain_text(more)
        admitted = "admitted" if made["decision"] in ("allowed", "unreserved") else "not admitted"
        expect(page.locator(".card").first.locator(".advice")).to_contain_text(f"Here: {admitted},")
    # A code that the page does not know may stand for something unread.
    assert set(page.locator(".card").first.locator("tbody td").all_inner_texts()) == {"Not known"}


def test_a_server_that_decides_quickly_is_asked_for_the_evidence(opened: Opened, tmp_path: Path) -> None:
    with served(tmp_path, "--depth", "decision", NOAI_HOME=str(tmp_path / "home")) as live:
        page = opened(live)
        choose(page, SAMPLES / "marked" / "tune.mp3")
        checked(page, 1)
        expect(page.locator(".answer")).to_contain_text("The signature is right, and the audio is unchanged")
        expect(page.locator(".answer")).not_to_contain_text("forged")
        page.close()


def test_a_no_that_was_not_asked_about_is_told(opened: Opened, tmp_path: Path) -> None:
    track = tmp_path / "tune.mp3"
    track.write_bytes(UNMARKED.read_bytes())
    tags = ID3(track)
    tags.add(TXXX(encoding=3, desc="Content-Usage", text="train-ai=n"))
    tags.save(track)
    with served(tmp_path / "s", "--use", "data_mining", NOAI_HOME=str(tmp_path / "home")) as live:
        page = opened(live)
        choose(page, track)
        checked(page, 1)
        expect(page.locator(".title")).to_have_text("Not reserved for what was asked about")
        expect(page.locator(".headline")).to_contain_text("says no to training of generative AI")
        expect(page.locator(".headline")).to_contain_text(
            "but not to what was asked about: text and data mining"
        )
        expect(page.locator(".advice")).to_contain_text("This goes for text and data mining alone.")
        page.close()


def test_evidence_has_checks_signer_time_and_codes(opened: Opened) -> None:
    page = opened()
    choose(page, SAMPLES / "marked" / "tune.mp3")
    checked(page, 1)
    page.get_by_text("Evidence", exact=True).click()
    made = marked()
    [marker] = [signal for signal in made["signals"] if signal["source"] == "marker"]
    panel = page.locator(".panel", has_text="Signed mark").filter(has_text=marker["id"])
    for told in (
        *("the signature is right", "the signer is known here", "the audio is the one that was signed"),
        *("the date is what the signer says", marker["signed_by"]["kid"], marker["place"]),
        *("on this server’s trust list", marker["signed_at"], "no trusted timestamp stands behind iat"),
    ):
        expect(panel).to_contain_text(told)


def test_the_record_is_the_answer_to_the_last_digit(opened: Opened, tmp_path: Path) -> None:
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    made = record(path='a "b" \u202e{[x]}.mp3', mtime_ns=2**60 + 1, signals=[], notes=[])
    answering(page, made)
    choose(page, UNMARKED)
    checked(page, 1)
    page.get_by_text("Record for programs").click()
    shown = page.locator("pre").inner_text()
    assert json.loads(shown) == made
    assert "\u202e" not in shown
    assert shown.splitlines()[1] == '  "schema": "noai.verdict/1",'
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status")).to_contain_text("The record was copied.")
    assert page.evaluate("navigator.clipboard.readText()") == shown
    with page.expect_download() as download:
        page.locator(".record").get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "tune.mp3.json"
    download.value.save_as(tmp_path / "record.json")
    assert json.loads((tmp_path / "record.json").read_text("utf-8")) == made


# -- what goes wrong ----------------------------------------------------------------------------------------


NO_VERDICTS = [
    "<h1>proxy</h1>",
    "null",
    {**record(), "schema": "noai.verdict/2"},
    {**record(), "decision": "fine"},
    {**record(), "decision": "constructor"},
    {**record(), "admitted": 1},
    {**record(), "signals": None},
]


def test_an_answer_that_is_not_understood_is_no_verdict(opened: Opened) -> None:
    page = opened()
    for number, answer in enumerate(NO_VERDICTS, 1):
        page.unroute_all()
        answering(page, answer)
        choose(page, UNMARKED)
        checked(page, number)
        told = page.locator(".card .headline").first
        expect(told).to_contain_text("could not be understood. Nothing is known")
    expect(page.locator(".card .answer")).to_have_count(0)


def test_refusals_are_told_in_words(opened: Opened) -> None:
    page = opened(forgiven="status of [45]")
    detail = "because \u202eof <b>this</b>"
    for number, status in enumerate([400, 408, 413, 415, 418, 429, 500, 503], 1):
        page.unroute_all()
        problem = {"type": "about:blank", "title": "No", "status": status, "detail": detail}
        answering(page, problem, status=status, content_type="application/problem+json")
        choose(page, UNMARKED)
        checked(page, number)
        told = page.locator(".card .headline").first
        expect(told).to_contain_text("It says: because \\u202eof <b>this</b>")
    expect(page.locator(".card .answer")).to_have_count(0)
    page.unroute_all()
    page.get_by_role("button", name="Try again").first.click()
    expect(page.locator(".card .title")).to_have_text("Not reserved")


def test_a_server_that_goes_away_and_comes_back(
    opened: Opened, environment: dict[str, str], tmp_path: Path
) -> None:
    with ExitStack() as stack:
        (tmp_path / "again").mkdir()
        live = stack.enter_context(served(tmp_path, **environment))
        page = opened(live, forgiven="ERR_CONNECTION|ERR_EMPTY|ERR_SOCKET")
        live.stop()
        choose(page, UNMARKED)
        checked(page, 1)
        expect(page.locator(".card .headline")).to_contain_text(
            "The server does not answer. Nothing is known"
        )
        expect(page.locator("#trouble")).to_contain_text("noai serve")
        page.locator("#again").click()
        expect(page.locator("#trouble")).to_be_visible()
        stack.enter_context(served(tmp_path / "again", "--port", str(live.port), **environment))
        page.locator("#again").click()
        expect(page.locator(".card .title")).to_have_text("Not reserved")
        expect(page.locator("#trouble")).to_be_hidden()


def test_a_file_over_the_limit_is_not_even_sent(
    opened: Opened, environment: dict[str, str], tmp_path: Path
) -> None:
    with served(tmp_path, "--max-bytes", "50000", **environment) as live:
        page = opened(live)
        expect(page.locator("#limit")).to_have_text("Up to 50 kB each.")
        sent: list[str] = []
        page.on("request", lambda asked: sent.append(asked.url))
        choose(page, {"name": "long.wav", "mimeType": "audio/wav", "buffer": b"\0" * 50_001})
        checked(page, 1)
        expect(page.locator(".card .headline")).to_contain_text(
            "this server takes up to 50,000. It was not sent"
        )
        assert not [url for url in sent if "verify" in url]
        page.close()


def test_each_track_is_sent_once(opened: Opened) -> None:
    page = opened()
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url))
    tracks = [SAMPLES / "unmarked" / name for name in ("tune.mp3", "tune.ogg", "tune.opus", "waltz.mp3")]
    choose(page, *tracks)
    checked(page, 4)
    expect(page.locator(".card.done")).to_have_count(4)
    assert len([url for url in sent if "verify" in url]) == 4


def test_progress_and_cancelling(opened: Opened) -> None:
    page = opened()
    session = page.context.new_cdp_session(page)
    conditions = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 20_000}
    session.send("Network.emulateNetworkConditions", conditions)
    choose(page, SAMPLES / "unmarked" / "tune.wav", UNMARKED, SAMPLES / "unmarked" / "tune.ogg")
    wav = card(page, "tune.wav")
    expect(wav.get_by_role("progressbar")).to_be_visible()
    expect(wav).to_contain_text("Sending:")
    expect(card(page, "tune.ogg")).to_contain_text("Waiting for its turn.")
    for name in ("tune.ogg", "tune.wav", "tune.mp3"):
        card(page, name).get_by_role("button", name="Cancel").click()
        expect(card(page, name)).to_contain_text("You cancelled this.")
        expect(card(page, name).locator("h3")).to_be_focused()
    session.send("Network.emulateNetworkConditions", {**conditions, "uploadThroughput": -1})
    wav.get_by_role("button", name="Try again").click()
    expect(wav.locator(".title")).to_have_text("Not reserved")
    page.get_by_role("button", name="Remove tune.ogg").click()
    expect(page.locator(".card")).to_have_count(2)
    page.get_by_role("button", name="Remove all").click()
    expect(page.locator("#tracks")).to_be_hidden()
    expect(page.get_by_label("Choose tracks")).to_be_focused()


# -- texts that would do harm ---------------------------------------------------------------------------


def harmless(page: Page) -> None:
    text = page.evaluate("document.body.textContent")
    for sign in "\u202e\u2028\x1b\x00\ud800":
        assert sign not in text
    assert page.title().startswith("What does this track say about AI?")
    assert page.locator("img, iframe, object, embed, form[action], [onerror], [style]").count() == 0
    assert page.evaluate("({}).polluted") is None


def test_hostile_names_of_files_are_text(opened: Opened) -> None:
    page = opened()
    # A browser hands out no lone surrogate and no NUL in a name, and takes what is behind a slash.
    names = [name.replace("\ud800", "").replace("\x00", "").replace("/", "_") for name in HOSTILE]
    content = UNMARKED.read_bytes()
    choose(page, *({"name": name, "mimeType": "audio/mpeg", "buffer": content} for name in names))
    checked(page, len(names))
    shown = page.locator(".card h3 bdi").all_text_contents()
    assert shown == [printable(name) for name in names]
    harmless(page)
    long = "n" * 150 + "." + "o" * 60 + ".mp3"
    choose(page, {"name": long, "mimeType": "audio/mpeg", "buffer": content})
    checked(page, len(names) + 1)
    assert len(page.locator(".card h3").first.inner_text()) == 200


def test_a_hostile_signer_is_quoted_not_obeyed(opened: Opened, tmp_path: Path) -> None:
    subject = "Ana \u202egnihtyreve\u2066<img src=x onerror=document.title=1>"
    track = tmp_path / "hostile.mp3"
    track.write_bytes(UNMARKED.read_bytes())
    noai.mark(track, in_place=True, signer=signer(leaf=Cert(name=subject)), c2pa=False)
    page = opened()
    choose(page, track)
    checked(page, 1)
    expect(page.locator(".headline")).to_contain_text("Somebody who signs as Ana \\u202egnihtyreve")
    page.get_by_text("Evidence", exact=True).click()
    expect(page.locator(".panel", has_text="Signed mark").first).to_contain_text("not known to this server")
    harmless(page)


def test_hostile_records_are_text(opened: Opened) -> None:
    page = opened()
    for number, made in enumerate(hostile(), 1):
        page.unroute_all()
        answering(page, made)
        choose(page, UNMARKED)
        checked(page, number)
        page.locator(".evidence summary").first.click()
        page.locator(".record summary").first.click()
    assert page.locator(".card .answer").count() == len(HOSTILE)
    harmless(page)


def test_the_browser_runs_no_script_but_ours(opened: Opened) -> None:
    page = opened(forgiven="Content Security Policy|Trusted|localhost:9")
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text))
    page.evaluate(
        """() => {
            const script = () => {
                const script = document.createElement("script");
                script.textContent = "document.title = 'owned'";
                document.body.append(script);
            };
            const markup = () => { document.body.innerHTML = "<img src=x onerror=alert(1)>"; };
            const style = () => document.body.setAttribute("style", "display: none");
            const leak = () => { new Image().src = "http://localhost:9/leak"; };
            for (const act of [script, markup, style, leak]) {
                try { act(); } catch (error) { console.log(`Trusted ${error}`); }
            }
        }"""
    )
    page.wait_for_function("getComputedStyle(document.body).display === 'block'")
    assert page.title().startswith("What does")
    assert len(refused) >= 4


# -- for everybody ------------------------------------------------------------------------------------------


def tab_to(page: Page, target: Locator) -> None:
    for _ in range(40):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            break
    expect(target).to_be_focused()


def test_by_keyboard_alone(opened: Opened, tmp_path: Path) -> None:
    page = opened()
    # Asked for early: a browser takes a moment to hand its dialogue for files over.
    page.on("filechooser", lambda chooser: None)
    tab_to(page, page.get_by_label("Choose tracks"))
    assert page.locator("#drop").evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(UNMARKED)
    checked(page, 1)
    tab_to(page, page.get_by_role("button", name="Remove tune.mp3"))
    opener = page.get_by_role("button", name="Mark this track")
    tab_to(page, opener)
    page.keyboard.press("Enter")
    expect(page.get_by_label("Access token")).to_be_focused()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    summary = page.locator(".evidence summary")
    tab_to(page, summary)
    page.keyboard.press("Enter")
    expect(page.locator(".panel").first).to_be_visible()
    page.keyboard.press("Shift+Tab")
    expect(opener).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.type(TOKEN)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Training", exact=True)).to_be_checked()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    download.value.save_as(tmp_path / "marked.mp3")
    checked(page, 2)
    expect(page.locator(".card h3").first).to_be_focused()
    uses = noai.verify(tmp_path / "marked.mp3", trust=TrustList()).record()["uses"]
    assert sorted(uses) == ["cawg.ai_generative_training", "cawg.ai_training", "org.noai.voice_likeness"]  # type: ignore[call-overload]


def findings(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{item['id']}: {item['nodes'][0]['html'][:200]}" for item in found]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
def test_axe_finds_nothing(opened: Opened, scheme: str, width: int) -> None:
    page = opened(color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce")
    assert findings(page) == []
    files = ("marked/tune.mp3", "tampered/flipped.mp3", "tampered/alg-none.mp3", "unmarked/waltz.mp3")
    choose(page, *(SAMPLES / name for name in files))
    checked(page, len(files))
    for summary in page.locator("summary").all():
        summary.click()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Mark this track").first.click()
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_without_a_script_it_says_what_to_do(opened: Opened) -> None:
    page = opened(java_script_enabled=False)
    assert "noai verify track.flac" in page.locator("noscript").inner_text()
    expect(page.locator("#drop")).to_be_hidden()


def test_colours_are_those_of_the_report(opened: Opened, tmp_path: Path) -> None:
    records, report = tmp_path / "verdicts.jsonl", tmp_path / "report.html"
    noai_command = [sys.executable, "-m", "noai"]
    asked = ["verify", UNMARKED, "--format", "jsonl", "-o", records]
    subprocess.run([*noai_command, *asked], check=True, capture_output=True)
    subprocess.run([*noai_command, "report", records, "-o", report], check=True, capture_output=True)
    look = opened().evaluate("fetch('look.css').then((answer) => answer.text())")
    tokens = re.search(r"^.*?(?=\n\* \{)", look, re.S)
    assert tokens
    assert tokens[0].count("--") > 30
    assert tokens[0] in report.read_text("utf-8")
    # Nothing behind it gives a colour another value.
    assert not re.search(r"^\s*--", (PAGE / "page.css").read_text("utf-8"), re.M)


def test_light_and_dark_follow_the_system_until_somebody_chooses(opened: Opened) -> None:
    page = opened(color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.get_by_role("button", name="Light colours").click()
    assert page.evaluate(background) != dark
    page.reload()
    assert page.evaluate(background) != dark
