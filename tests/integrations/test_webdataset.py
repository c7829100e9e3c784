"""WebDataset over the corpus that every integration is held against."""

from __future__ import annotations

import gc
import gzip
import io
import multiprocessing
import pickle
import tarfile
import warnings
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import webdataset

from noai.corpus import scan
from noai.errors import AudioDecoded, UsageError
from noai.integrations.gate import Gate
from noai.integrations.webdataset import OnlyAdmitted, SampleRejected
from noai.limits import ARCHIVE_SAMPLE_MEMBERS
from noai.policy import Admission, Policy
from tests.audio import SAMPLES
from tests.integrations.thousand import Corpus

CLEAN = (SAMPLES / "unmarked" / "tune.mp3").read_bytes()
MARKED = (SAMPLES / "marked" / "tune.mp3").read_bytes()
DENIAL = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" plus:DataMining='
    b'"http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"/></rdf:RDF></x:xmpmeta>'
)

pytestmark = pytest.mark.filterwarnings(r"ignore:unclosed file .*\.tar:ResourceWarning")


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    """The library leaves it to the collector to close shards."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def shard(path: Path, files: Mapping[str, bytes]) -> str:
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return str(path)


@pytest.fixture
def shards(thousand: Corpus, tmp_path: Path) -> list[str]:
    """The corpus in four shards, as the library itself writes them; the key of a sample leads to its file."""
    pattern = str(tmp_path / "shard-%02d.tar")
    with webdataset.ShardWriter(pattern, maxcount=250, verbose=0) as writer:
        for path in thousand.paths:
            stem, _, suffix = path.rpartition(".")
            writer.write({"__key__": stem, suffix: Path(path).read_bytes(), "json": {"a": 1}})
    return sorted(map(str, tmp_path.glob("*.tar")))


def dataset(urls: list[str] | str, *stages: Any) -> Any:
    return webdataset.WebDataset(urls, shardshuffle=False, empty_check=False).compose(*stages)


def tracks(samples: Iterator[Mapping[str, Any]]) -> Iterator[tuple[str, bytes]]:
    for sample in samples:
        for ending, data in sample.items():
            if not ending.startswith("__") and ending != "json":
                yield f"{sample['__key__']}.{ending}", data


def kept(urls: str, stage: OnlyAdmitted) -> list[str]:
    return [name for name, _ in tracks(dataset(urls, stage))]


def test_the_stage_keeps_what_verify_keeps(shards: list[str], thousand: Corpus) -> None:
    assert len(shards) == 4
    before = list(dataset(shards))
    after = list(dataset(shards, OnlyAdmitted()))
    # Tar files have no leading slash.
    assert {f"/{name.lstrip('/')}": data for name, data in tracks(iter(after))} == {
        path: Path(path).read_bytes() for path in thousand.kept
    }
    keys = [sample["__key__"] for sample in after]
    assert after == [sample for sample in before if sample["__key__"] in set(keys)]


def test_it_goes_to_other_processes(shards: list[str], thousand: Corpus) -> None:
    stage = OnlyAdmitted(handler=webdataset.ignore_and_continue)
    assert isinstance(pickle.loads(pickle.dumps(stage)), OnlyAdmitted)  # noqa: S301  our own
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.starmap(kept, [(url, stage) for url in shards])
    assert {f"/{name.lstrip('/')}" for names in found for name in names} == thousand.kept


ODD = {
    "a.mp3": CLEAN,
    "a.txt": b"words",
    "b.mp3": CLEAN,
    "b.xmp": DENIAL,
    "c.mp3": CLEAN,
    "c.mp3.xmp": DENIAL,
    "d.left.mp3": CLEAN,
    "d.right.mp3": MARKED,
    "e.json": b"{}",
    "f.mp3": b"garbage",
    "g.bin": MARKED,
    "h.mp3": CLEAN,
    "h.zip": b"PK",
    "i.flac": CLEAN,
    "i.XMP": DENIAL,
    "j.mp3": b"",
    "Mr. Jones.mp3": CLEAN,
    "Mr. Jones.xmp": DENIAL,
    "k.xmp": DENIAL,
    "l.__hidden.mp3": MARKED,
    "m.__hidden__": MARKED,
    "n.mp3": CLEAN,
    "n.xmp": b"no XMP at all",
    "o.mp3": CLEAN,
    "o.c2pa": b"no manifest",
    "p/q.mp3": CLEAN,
    "p/q.xmp": b"<" * 20_000_000,
}


def test_members_have_the_verdicts_of_verify(tmp_path: Path) -> None:
    url = shard(tmp_path / "odd.tar.gz", ODD)
    expected = {str(each.member).lower(): (each.decision, each.admitted) for each in scan(url)}
    stage = OnlyAdmitted()
    samples = list(dataset(url))
    found = {
        str(each.member).lower(): (each.decision, each.admitted)
        for sample in samples
        for each in stage.verdicts(sample)
    }
    assert found == expected
    assert {sample["__key__"] for sample in dataset(url, stage)} == {"a", "e"}


def test_a_sample_without_audio_goes_on(tmp_path: Path) -> None:
    url = shard(tmp_path / "a.tar", {"a.json": b"{}", "a.jpg": b"\xff\xd8", "b.txt": b""})
    assert list(dataset(url, OnlyAdmitted())) == list(dataset(url))


@pytest.mark.parametrize(
    "files",
    [
        {"a.mp3.gz": gzip.compress(CLEAN)},
        {"a.MP3.GZ": b"no gzip"},
        {"a.gz": gzip.compress(MARKED)},
        {"a.bin.gz": gzip.compress(MARKED)},
        {"a.bin.gz": gzip.compress(b"") + gzip.compress(MARKED)},
        {"a.bin.gz": gzip.compress(b"ID3\4\0\0\0\x7f\x7f\x7f" + bytes(1 << 21))},
        {"a.bin.gz": gzip.compress(CLEAN)[:-8]},
        {"a.wav.zst": b""},
        {"a.wav.gz.gz": b""},
        {"a.zip.gz": b""},
        {"a.wav.npy": b"\x93NUMPY"},
        {"a.audio.pyd": b""},
        {"a.json": b"{}", "a.m4a.bz2": b""},
    ],
    ids=lambda files: "+".join(files),
)
def test_audio_that_decode_would_unpack_is_undecided(tmp_path: Path, files: dict[str, bytes]) -> None:
    url = shard(tmp_path / "a.tar", files)
    (sample,) = dataset(url)
    (verdict,) = OnlyAdmitted().verdicts(sample)
    assert verdict.decision == "undecided"
    assert {reason.code.value for reason in verdict.reasons} == {"archive_nested"}
    assert not list(dataset(url, OnlyAdmitted()))


def test_what_is_packed_and_no_audio_goes_on(tmp_path: Path) -> None:
    members = {"a.json.gz": gzip.compress(b"{}"), "a.npy": b"", "a.gz": b"no gzip", "a.txt.gz": b"\x1f\x8b"}
    url = shard(tmp_path / "a.tar", {**members, "a.mp3": CLEAN})
    assert list(dataset(url, OnlyAdmitted())) == list(dataset(url))


@pytest.mark.parametrize("name", ["audio", "AUDIO", "sph", "voc", "ra", "adts", "pcm", "weba", "mpga"])
def test_unknown_content_is_undecided_where_a_name_promises_audio(name: str) -> None:
    sample = {"__key__": "a", name: b"garbage" * 999}
    (verdict,) = OnlyAdmitted().verdicts(sample)
    assert verdict.decision == "undecided"
    assert not list(OnlyAdmitted()([sample]))


def test_only_what_webdataset_adds_may_be_no_bytes() -> None:
    about = {"__key__": "a", "__url__": "a.tar", "__index__": 7, "__local_path__": None}
    assert list(OnlyAdmitted()([{**about, "mp3": CLEAN}])) == [{**about, "mp3": CLEAN}]
    for decoded in (array("h", [0]), [0.0], {"array": [0.0]}):
        with pytest.raises(AudioDecoded, match=r"a.__audio__ is"):
            list(OnlyAdmitted()([{**about, "__audio__": decoded}]))
    with pytest.raises(UsageError, match="0 is no name of a member"):
        list(OnlyAdmitted()([{**about, 0: CLEAN}]))


def test_the_handler_is_told_and_decides(tmp_path: Path) -> None:
    url = shard(tmp_path / "a.tar", {"a.mp3": MARKED, "b.mp3": CLEAN, "c.mp3": b"garbage", "d.mp3": CLEAN})
    told: list[Exception] = []
    assert len(list(dataset(url, OnlyAdmitted(handler=lambda each: told.append(each) or True)))) == 2
    first, second = told
    assert isinstance(first, SampleRejected)
    assert (first.key, first.url, [each.member for each in first.verdicts]) == ("a", url, ["a.mp3"])
    assert str(first).startswith("a.mp3: rejected: ")
    assert str(second).startswith("c.mp3: undecided: ")
    assert str(pickle.loads(pickle.dumps(first))) == str(first)  # noqa: S301  our own
    assert list(dataset(url, OnlyAdmitted(handler=webdataset.ignore_and_stop))) == []
    with pytest.raises(SampleRejected):
        list(dataset(url, OnlyAdmitted(handler=webdataset.reraise_exception)))


def test_why_samples_go_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url = shard(tmp_path / "a.tar", {"a.mp3": MARKED})
    with caplog.at_level("INFO", "noai.integrations.webdataset"):
        assert not list(dataset(url, OnlyAdmitted()))
    assert "a.mp3: rejected: " in caplog.text


def test_the_gate_is_what_is_asked(tmp_path: Path) -> None:
    url = shard(tmp_path / "a.tar", {"a.mp3": CLEAN})
    assert not list(dataset(url, OnlyAdmitted(Gate.of(Policy(admission=Admission.OPT_IN)))))


def test_what_is_decoded_is_refused_loudly(tmp_path: Path) -> None:
    url = shard(tmp_path / "a.tar", {"a.mp3": CLEAN, "a.json": b"{}"})

    def audio(key: str, data: bytes) -> list[int] | None:
        return list(data[:9]) if key == ".mp3" else None

    decoded = webdataset.WebDataset(url, shardshuffle=False).decode(audio)
    with pytest.raises(AudioDecoded, match=r"a.mp3 is list, no bytes: .* before .decode\(\)"):
        list(decoded.compose(OnlyAdmitted()))
    with pytest.raises(UsageError, match="right behind"):
        list(dataset(url).to_tuple("mp3").compose(OnlyAdmitted()))


def test_a_pipeline_takes_it_and_decodes_behind_it(tmp_path: Path) -> None:
    url = shard(tmp_path / "a.tar", {"a.mp3": CLEAN, "a.json": b'{"n": 1}', "b.mp3": MARKED, "b.json": b"{}"})
    pipeline = webdataset.DataPipeline(
        webdataset.SimpleShardList(url),
        webdataset.tarfile_to_samples(),
        OnlyAdmitted(),
        webdataset.decode(),
        webdataset.to_tuple("json", "mp3"),
    )
    assert list(pipeline) == [({"n": 1}, CLEAN)]
    ungrouped = webdataset.DataPipeline(
        webdataset.SimpleShardList(url),
        webdataset.filters.pipelinefilter(webdataset.tariterators.url_opener)(),
        webdataset.filters.pipelinefilter(webdataset.tariterators.tar_file_expander)(),
        OnlyAdmitted(),
    )
    with pytest.raises(UsageError, match="no sample"):
        list(ungrouped)


def test_samples_beyond_any_limit_are_undecided() -> None:
    sample = {"__key__": "a", **{f"{n}.txt": b"" for n in range(ARCHIVE_SAMPLE_MEMBERS)}, "mp3": CLEAN}
    (verdict,) = OnlyAdmitted().verdicts(sample)
    assert verdict.decision == "undecided"
    assert not list(OnlyAdmitted()([sample]))
