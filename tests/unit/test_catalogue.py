"""Catalogues are read whole or not at all, and everything that is wrong is told at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from noai import catalogue
from noai.claim import ALL_USES, Permission, Profile, Rights, Use, Work
from noai.declaration import Declaration
from noai.errors import CatalogueError, SourceMissing, UsageError
from noai.limits import CATALOGUE_PROBLEMS, CATALOGUE_ROWS

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return put


FULL = Declaration(
    Profile.NO_TRAINING,
    deny=(Use.DATA_MINING,),
    allow=(Use.INFERENCE,),
    constrain=(Use.VOICE_LIKENESS,),
    constraint="Ask; then pay",
    rights=Rights("Ana Lima", "rights@ana.example", "https://ana.example/l", "https://ana.example/t"),
    work=Work(
        *('Prélude, "Op. 1"', "Ana Lima", "QZABC2600001", "T0345246801"),
        *("614141000036", "000000012281955X", "00014107338", "PADPIDA2013020802I"),
    ),
)
ROW = {
    "path": "cd1/a.mp3",
    "profile": "no-training",
    "deny": "data_mining",
    "allow": "ai_inference",
    "constrain": "voice_likeness",
    "constraint": "Ask; then pay",
    "holder": "Ana Lima",
    "contact": "rights@ana.example",
    "licence_url": "https://ana.example/l",
    "terms_url": "https://ana.example/t",
    "title": 'Prélude, "Op. 1"',
    "artist": "Ana Lima",
    "isrc": "QZ-ABC-26-00001",
    "iswc": "T-034.524.680-1",
    "upc": "0614141000036",
    "isni": "0000 0001 2281 955X",
    "ipi": "14107338",
    "dpid": "PA-DPIDA-2013020802-I",
    "x-note": "whatever; this is",
}


def as_csv(separator: str) -> str:
    quoted = ('"' + value.replace('"', '""') + '"' for value in ROW.values())
    return f"{separator.join(ROW)}\r\n{separator.join(quoted)}\r\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("c.csv", as_csv(",")),
        ("c.csv", as_csv(";")),
        ("c.csv", as_csv("\t")),
        ("C.CSV", b"\xef\xbb\xbf" + as_csv(";").encode()),
        ("c.csv", as_csv(",").replace("path,", "Path , ").replace("\r\n", "\r")),
        ("c.json", json.dumps([ROW], indent=1)),
        ("c.json", "\ufeff" + json.dumps([{**ROW, "deny": ["data_mining"], "holder": " Ana Lima "}])),
        ("c.jsonl", "\n" + json.dumps(ROW) + "\n\n"),
    ],
)
def test_every_kind_says_the_same(write: Write, name: str, content: str | bytes) -> None:
    (entry,) = catalogue.read(write(name, content))
    assert (entry.path, entry.declaration) == ("cd1/a.mp3", FULL)


def test_every_column_is_tested_above() -> None:
    assert set(catalogue.COLUMNS) == {name for name in ROW if not name.startswith("x-")}


def test_places_are_those_of_the_file(write: Write) -> None:
    text = 'path;title\n\n"a";one\n;\n"b";\n"c;\n.mp3";x\nd;y\n'
    entries = catalogue.read(write("c.csv", text))
    assert [(entry.place, entry.path) for entry in entries] == [
        ("line 3", "a"),
        ("line 5", "b"),
        ("line 6", "c;\n.mp3"),
        ("line 8", "d"),
    ]


def test_everything_wrong_is_told_at_once(write: Write) -> None:
    path = write(
        "c.csv",
        "path,profile,deny,isrc,title\n"
        "a.mp3,no-fun,,,\n"
        "b.mp3,,everything,QZ-ABC,\n"
        "c.mp3,,,,\x1b[31m\n"
        "../d.mp3,,,,\n"
        "/e.mp3,,,,\n"
        ",no-ai,,,\n"
        "f.mp3,,,,\n"
        "./f.mp3,,,,\n"
        "g.mp3\n"
        'h.mp3,,,,"never closed\n',
    )
    with pytest.raises(CatalogueError) as caught:
        catalogue.read(path)
    assert caught.value.summary == f"{path} has 10 problems"
    places = [problem.partition(": ")[0] for problem in caught.value.problems]
    assert places == [
        *("line 2", "line 3", "line 3", "line 4", "line 5", "line 6", "line 7", "line 9", "line 10"),
        "behind line 10",
    ]
    told = str(caught.value)
    for words in (
        "no-fun",
        "everything",
        "12 characters",
        "control characters",
        "below the folder",
        "is empty",
    ):
        assert words in told
    assert "already in line 8" in told
    assert "has 1 cells, and there are 5 columns" in told
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("c.txt", "path\na\n", "call it .csv"),
        ("c.csv", "", "no column path"),
        ("c.csv", "file,title\na,b\n", "no column path"),
        ("c.csv", "path,titel\na,b\n", "'titel'"),
        ("c.csv", "path;title,artist\na;b\n", "'title,artist'"),
        ("c.csv", "path,title,Title\na,b,c\n", "the column title 2 times"),
        ("c.csv", "path,title\n", "has no rows"),
        ("c.csv", "path,title\na,b\n".encode("utf-16"), "UTF-16"),
        ("c.csv", "path,title\na,é\n".encode("latin-1"), "line 2: is not UTF-8"),
        ("c.csv", "path,title\na,b\0\n", "NUL"),
        ("c.json", "{}", "no array"),
        ("c.json", '[],"more":[]', "no array"),
        ("c.json", '[{"path": "a"},\n}]', "line 2: the JSON is not well-formed"),
        ("c.json", '[{"path": "a", "path": "b"}]', "one member twice"),
        ("c.json", "[" * 100_000, "deeper than 8"),
        ("c.json", '[{"path": "a", "upc": 614141000036}]', "entry 1: upc: is no text"),
        ("c.json", '["a"]', "entry 1: is no object"),
        ("c.json", '[{"path": "a", "titel": "b"}]', "'titel'"),
        ("c.json", '[{"path": "a", "deny": [1]}]', "array of texts"),
        ("c.json", '[{"path": "a", "deny": "ai_training", "allow": ["ai_training"]}]', "more than one of"),
        ("c.jsonl", '{"path": "a"}\n{bad\n', "line 2: the JSON is not well-formed"),
    ],
)
def test_nothing_is_guessed(write: Write, name: str, content: str | bytes, words: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        catalogue.read(write(name, content))
    assert words in str(caught.value)


def test_a_catalogue_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceMissing):
        catalogue.read(tmp_path / "c.csv")


def test_what_is_told_and_read_has_limits(write: Write) -> None:
    with pytest.raises(CatalogueError) as caught:
        catalogue.read(
            write("c.csv", "path,isrc\n" + "".join(f"{n},x\n" for n in range(CATALOGUE_PROBLEMS + 5)))
        )
    assert len(caught.value.problems) == CATALOGUE_PROBLEMS + 1
    assert caught.value.problems[-1] == "and 5 more"
    with pytest.raises(CatalogueError, match="make it several"):
        catalogue.read(write("c.csv", "path\n" + "".join(f"{n}\n" for n in range(CATALOGUE_ROWS + 1))))


# -- declarations, one over another ------------------------------------------------------------------


def test_a_row_speaks_over_the_options() -> None:
    general = Declaration(
        Profile.NO_AI,
        allow=(Use.DATA_MINING, Use.INFERENCE),
        constraint="Ask",
        rights=Rights("Label", terms_url="https://label.example/t", terms_sha256="digest"),
        work=Work(title="All", upc="614141000036"),
    )
    row = Declaration(
        Profile.NO_TRAINING, deny=(Use.DATA_MINING,), rights=Rights("Ana"), work=Work(title="One")
    )
    assert row.over(general) == Declaration(
        Profile.NO_TRAINING,
        deny=(Use.DATA_MINING,),
        allow=(Use.INFERENCE,),
        constraint="Ask",
        rights=Rights("Ana", terms_url="https://label.example/t", terms_sha256="digest"),
        work=Work(title="One", upc="614141000036"),
    )
    assert Declaration().over(general) == general


def test_a_digest_belongs_to_the_terms_at_its_address() -> None:
    general = Declaration(rights=Rights(terms_url="https://label.example/t", terms_sha256="digest"))
    row = Declaration(rights=Rights(terms_url="https://ana.example/t"))
    assert row.over(general).rights == Rights(terms_url="https://ana.example/t")


def test_a_constraint_alone_is_about_what_is_denied() -> None:
    def uses(**said: object) -> dict[Use, Permission]:
        return dict(Declaration(**said).claim().uses)  # type: ignore[arg-type]

    constrained, denied = Permission.CONSTRAINED, Permission.NOT_ALLOWED
    assert uses(constraint="Ask") == dict.fromkeys(ALL_USES, constrained)
    generative = {Use.GENERATIVE_TRAINING: constrained, Use.VOICE_LIKENESS: constrained}
    assert uses(profile=Profile.NO_GENERATIVE, constraint="Ask") == generative
    assert uses(profile=Profile.NO_GENERATIVE, constraint="Ask", deny=(Use.VOICE_LIKENESS,)) == {
        Use.GENERATIVE_TRAINING: constrained,
        Use.VOICE_LIKENESS: denied,
    }
    assert uses(constraint="Ask", constrain=(Use.DATA_MINING,)) == {
        **dict.fromkeys(ALL_USES, denied),
        Use.DATA_MINING: constrained,
    }
    with pytest.raises(UsageError, match="a constraint needs a use"):
        uses(constraint="Ask", deny=ALL_USES)
