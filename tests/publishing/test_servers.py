"""Real servers take the snippets, and send what they say: under the paths, and nowhere else."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from noai import http
from noai.claim import ALL_USES, Profile, Use
from noai.publishing import SitePath, SiteStatement, plan, write
from noai.publishing.addresses import require_address
from tests.publishing import servers

Server = Callable[[Path, Path, Path], AbstractContextManager[httpx.Client]]
SERVERS = [
    pytest.param(servers.nginx, "noai.nginx.conf", id="nginx"),
    pytest.param(servers.apache, "noai.apache.conf", id="apache"),
]
ALL = frozenset(ALL_USES)
POLICY = "https://ana.example/p?a=$b&c=%20d;(e)'#f"
#: Each of its characters means something in one of the two configurations.
ODD = "/od%20d%22'%3B%7B%7D()[]|.+^%24%25%41üx/"


@pytest.fixture
def work() -> Iterator[Path]:
    """A folder with a short name, for the socket in it, that a server's own user can read."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def site(work: Path, statement: SiteStatement, *paths: str) -> Path:
    folder = work / "site"
    parts = [SitePath.parse(path) for path in paths]
    names = ["audio/tune.mp3", "audio/own/tune.mp3", "press/tune.mp3", "audioX/tune.mp3"]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"not really audio")
    write(plan(folder, statement, parts))
    return folder


def heard(answer: httpx.Response) -> frozenset[Use]:
    assert answer.status_code in (200, 206)
    return http.signals(str(answer.url.copy_with(host="site.example")), answer.headers.multi_items()).denies


@pytest.mark.parametrize(("server", "name"), SERVERS)
@pytest.mark.parametrize("profile", Profile, ids=str)
def test_a_path_is_reserved_and_no_other(server: Server, name: str, profile: Profile, work: Path) -> None:
    folder = site(work, SiteStatement(profile.denied), "/audio/", "/a.dio/")
    with server(folder, folder / "noai" / name, work) as client:
        assert heard(client.get("/audio/tune.mp3")) == profile.denied
        assert heard(client.get("/audio/own/tune.mp3")) == profile.denied
        assert (
            heard(client.get("/audio/../audio/%74une.mp3", headers={"Range": "bytes=0-3"})) == profile.denied
        )
        assert heard(client.get("/press/tune.mp3")) == frozenset()
        assert heard(client.get("/audioX/tune.mp3")) == frozenset()


@pytest.mark.parametrize(("server", "name"), SERVERS)
def test_the_whole_site(server: Server, name: str, work: Path) -> None:
    folder = site(work, SiteStatement(ALL, "https://ana.example/p"), "/")
    with server(folder, folder / "noai" / name, work) as client:
        answer = client.get("/press/tune.mp3")
    assert heard(answer) == ALL
    assert [
        answer.headers.get_list(field) for field in ("tdm-reservation", "tdm-policy", "X-Robots-Tag")
    ] == [
        ["1"],
        ["https://ana.example/p"],
        ["noai"],
    ]


@pytest.mark.parametrize(("server", "name"), SERVERS)
def test_nothing_in_paths_and_addresses_is_taken_for_configuration(
    server: Server, name: str, work: Path
) -> None:
    path = SitePath.parse(ODD)
    folder = site(work, SiteStatement(ALL, require_address(POLICY)), ODD)
    odd = folder / unquote(path.encoded).strip("/")
    odd.mkdir()
    (odd / "tune.mp3").write_bytes(b"not really audio")
    with server(folder, folder / "noai" / name, work) as client:
        answer = client.get(f"{path.encoded}tune.mp3")
        assert heard(answer) == ALL
        assert answer.headers["tdm-policy"] == POLICY.replace("$", "%24")
        assert heard(client.get("/audio/tune.mp3")) == frozenset()


def test_what_apache_sends_already_stays(work: Path) -> None:
    folder = site(work, SiteStatement(ALL), "/")
    snippet = folder / "noai" / "noai.apache.conf"
    mixed = work / "mixed.conf"
    mixed.write_text(
        'Header set X-Robots-Tag "OtherBot: noindex"\nHeader set tdm-reservation "0"\n' + snippet.read_text()
    )
    with servers.apache(folder, mixed, work) as client:
        answer = client.get("/audio/tune.mp3")
    assert answer.headers.get_list("X-Robots-Tag") == ["OtherBot: noindex", "noai"]
    assert answer.headers.get_list("tdm-reservation") == ["1"]
