"""Lines made from a template are the records that they stand for."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noai.containers.interface import ContainerName
from noai.corpus.lines import GlimpseLines
from noai.glancing import Glimpse, Stated
from noai.policy import Admission, Policy
from noai.records import dump_json, dump_text, template

MP3 = ContainerName("mp3")
DENIAL = (("cawg.ai_training", "notAllowed"), ("cawg.data_mining", "allowed"))
PATHS = st.one_of(
    st.text(st.characters(exclude_characters="\0"), min_size=1),
    st.binary(min_size=1).map(lambda name: name.replace(b"\0", b"x").decode("utf-8", "surrogateescape")),
    st.sampled_from(["a/b.mp3", 'quote".mp3', "back\\slash", "100%s %d%.mp3", "\x01path", "a\nb", "\x7f"]),
)
MARKERS = st.builds(
    Stated,
    st.sampled_from(["ID3v2.4 TXXX", "100 % Vorbis comment"]),
    st.sampled_from([DENIAL, DENIAL[:1]]),
    st.none() | st.text("AZaz09-_", min_size=1, max_size=43),
    st.none() | st.text(),
    st.none() | st.integers(0, 253_402_300_799),
    st.just("a.b.c"),
)


@pytest.mark.parametrize("admission", Admission)
@given(
    path=PATHS,
    marker=st.none() | MARKERS,
    size=st.integers(0, 2**63),
    mtime=st.integers(-(2**62), 2**62),
)
def test_a_line_is_the_record(
    admission: Admission, path: str, marker: Stated | None, size: int, mtime: int
) -> None:
    policy = Policy(admission=admission)
    glimpse = Glimpse(MP3, marker, size, mtime)
    verdict = policy.decide(glimpse.report(path))
    line = GlimpseLines(policy).line(path, glimpse)
    assert line.text == dump_json(verdict.record())
    assert "\n" not in line.text
    assert (line.decision, line.admitted) == (verdict.decision, verdict.admitted)


def test_one_writer_keeps_kinds_of_records_apart() -> None:
    policy, lines = Policy(), GlimpseLines(Policy())
    markers = [
        None,
        *(Stated("x", said, kid, None, 5, "v") for said in (DENIAL, DENIAL[:1]) for kid in (None, "k")),
    ]
    for container in (MP3, ContainerName("flac")):
        for marker in [*markers, *markers]:
            glimpse = Glimpse(container, marker, 1, 2)
            record = policy.decide(glimpse.report("p")).record()
            assert json.loads(lines.line("p", glimpse).text) == record


def test_a_template_says_what_is_missing() -> None:
    assert template({"a": "x", "b": "50 %"}, ["x"]) == '{"a": %s, "b": "50 %%"}'
    with pytest.raises(ValueError, match="not in the record"):
        template({"a": "x", "b": 1}, [1, "x"])


@given(st.text())
def test_a_text_is_dumped_as_in_a_record(text: str) -> None:
    assert dump_text(text) == dump_json(text)
