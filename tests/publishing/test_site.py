"""The folder of a site: planned as a whole, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from noai import http
from noai.claim import ALL_USES, Profile
from noai.errors import NoaiError, PublishError, SiteFileMalformed, SourceChanged, SourceNotAFile, UsageError
from noai.publishing import Outcome, Plan, SitePath, SiteStatement, plan, write
from noai.publishing.addresses import require_address, web_address

ALL = SiteStatement(frozenset(ALL_USES))
EVERYTHING = [SitePath.parse("/")]
NAMES = ["robots.txt", ".well-known/tdmrep.json", "noai/noai.nginx.conf", "noai/noai.apache.conf"]


def published(folder: Path, statement: SiteStatement = ALL, *paths: str) -> Plan:
    planned = plan(folder, statement, [SitePath.parse(path) for path in paths or ("/",)])
    write(planned)
    return planned


def heard(folder: Path, url: str) -> frozenset[object]:
    tdmrep = folder / ".well-known" / "tdmrep.json"
    return http.signals(
        url,
        robots_txt=(folder / "robots.txt").read_bytes(),
        tdmrep=tdmrep.read_bytes() if tdmrep.exists() else None,
    ).denies


def test_an_empty_site(tmp_path: Path) -> None:
    planned = published(tmp_path)
    assert [file.path for file in planned.files] == [tmp_path / name for name in NAMES]
    assert {file.outcome for file in planned.files} == {Outcome.CREATED}
    for file in planned.files:
        assert file.path.read_bytes() == file.content
        # The server, somebody else, has to read it.
        assert file.path.stat().st_mode & 0o777 == 0o666 & ~_umask()
    again = published(tmp_path)
    assert {file.outcome for file in again.files} == {Outcome.UNCHANGED}
    assert len(list(tmp_path.rglob("*.*"))) == len(NAMES) + len([".well-known"])


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("profile", Profile, ids=str)
@pytest.mark.parametrize("path", ["/audio/", "/m%C3%BCsik/a%20b/"])
def test_a_crawler_hears_the_profile_under_the_path_only(tmp_path: Path, profile: Profile, path: str) -> None:
    published(tmp_path, SiteStatement(profile.denied), path)
    assert heard(tmp_path, f"https://ana.example{path}tune.mp3") == profile.denied
    assert heard(tmp_path, "https://ana.example/press/tune.mp3") == frozenset()


def test_a_narrower_profile_leaves_the_reservation_and_says_so(tmp_path: Path) -> None:
    published(tmp_path)
    tdmrep = (tmp_path / ".well-known/tdmrep.json").read_bytes()
    planned = published(tmp_path, SiteStatement(Profile.NO_TRAINING.denied))
    assert (tmp_path / ".well-known/tdmrep.json").read_bytes() == tdmrep
    assert "tdmrep.json reserves /, and with it more than this; it stays as it is" in planned.notices


@pytest.mark.parametrize("name", NAMES)
def test_one_file_that_nothing_can_be_added_to_stops_all(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"\xff")
    with pytest.raises(SiteFileMalformed):
        published(tmp_path)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [path]
    assert path.read_bytes() == b"\xff"


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_in_the_place_of_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(SourceNotAFile):
        published(tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_in_the_place_of_a_folder_stops_all(tmp_path: Path, name: str) -> None:
    folder = (tmp_path / name).parent
    if folder == tmp_path:
        folder = tmp_path / "site"
        folder.touch()
        with pytest.raises(UsageError, match="no folder"):
            published(folder)
        return
    folder.touch()
    with pytest.raises(PublishError, match="cannot be written"):
        published(tmp_path)
    assert not (tmp_path / "robots.txt").exists()


def test_a_link_is_written_through_and_modes_stay(tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "robots"
    site.mkdir()
    elsewhere.write_text("User-agent: *\nAllow: /\n")
    elsewhere.chmod(0o640)
    (site / "robots.txt").symlink_to(elsewhere)
    published(site)
    assert (site / "robots.txt").is_symlink()
    assert "Content-Usage: train-ai=n" in elsewhere.read_text()
    assert elsewhere.stat().st_mode & 0o777 == 0o640


def test_what_somebody_else_writes_meanwhile_stays(tmp_path: Path) -> None:
    robots = tmp_path / "robots.txt"
    robots.write_text("User-agent: *\n")
    planned = plan(tmp_path, ALL, EVERYTHING)
    robots.write_text("User-agent: *\nDisallow: /new\n")
    with pytest.raises(SourceChanged):
        write(planned)
    assert robots.read_text() == "User-agent: *\nDisallow: /new\n"

    (tmp_path / "other").mkdir()
    planned = plan(tmp_path / "other", ALL, EVERYTHING)
    (tmp_path / "other" / "robots.txt").write_text("theirs")
    with pytest.raises(PublishError, match="another program"):
        write(planned)
    assert [path.name for path in (tmp_path / "other").rglob("*") if path.is_file()] == ["robots.txt"]


def test_nothing_denied_is_nothing_to_publish(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        plan(tmp_path, SiteStatement(frozenset()), EVERYTHING)
    with pytest.raises(UsageError):
        plan(tmp_path, ALL, [])


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("/", "/"),
        ("/audio", "/audio"),
        ("/müsik/", "/m%C3%BCsik/"),
        ("/m%c3%bcsik/", "/m%C3%BCsik/"),
        ("/%41udio/", "/Audio/"),
        ("/a%2Ab/", "/a%2Ab/"),
        ("/it's/(one);x=%22/", "/it's/(one);x=%22/"),
    ],
)
def test_paths_are_encoded_once(text: str, encoded: str) -> None:
    assert SitePath.parse(text).encoded == encoded
    assert SitePath.parse(encoded).encoded == encoded


@pytest.mark.parametrize(
    "text",
    ["", "audio/", "https://ana.example/", "//x/", "/a//b/", "/a/../b", "/a/.", "/a/%2e%2e/b", "/a*",
     "/a$", "/a?b", "/a#b", "/a b", "/a\nAllow: /", "/a%", "/a%zz", "/a%2Fb", "/a%00",
     "/a%0Ab", "/a\\b", "/a\udcff"],
)  # fmt: skip
def test_what_is_no_plain_path_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        SitePath.parse(text)


@pytest.mark.parametrize(
    "text",
    ["", "/terms", "ftp://ana.example/", "javascript:alert(1)", "https://", "https://ana.example/a b",
     "https://ana.example/\r\nX: y", 'https://ana.example/"', "https://ana.example/>", "https://müsik.example/",
     "https://ana.example/`", "https://ana.example/{", "https://ana.example/\\",
     "https://a.example/" + "x" * 9000],
)  # fmt: skip
def test_what_is_no_plain_address_goes_into_no_header(text: str) -> None:
    assert web_address(text) is None
    with pytest.raises(NoaiError):
        require_address(text)


def test_addresses_go_into_headers_without_what_servers_take_for_variables() -> None:
    assert web_address(" https://ana.example/p?a=$b&c=%20#d ") == "https://ana.example/p?a=%24b&c=%20#d"
