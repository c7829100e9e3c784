"""Archives for the tests: made by the tools that people use, and by hand where they would not make such."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from noai.corpus.archives import judge_archive
from noai.corpus.judging import Judged
from noai.report import Depth
from noai.trust import TrustList
from noai.verifying import Verifier
from tests.audio import SAMPLES, run

#: A packet that denies generative training, as an editor writes it beside a track.
DENIAL: Final = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/"
 plus:DataMining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED"/></rdf:RDF></x:xmpmeta>"""
OPEN: Final = (SAMPLES / "unmarked" / "waltz.mp3").read_bytes()
DENIED: Final = (SAMPLES / "marked" / "tune.mp3").read_bytes()


def verifier(depth: Depth = Depth.DECISION) -> Verifier:
    return Verifier(trust=TrustList(()), depth=depth)


def judged(path: Path, depth: Depth = Depth.DECISION) -> list[Judged]:
    """The verdicts on all members, those that are passed over left out."""
    return [each for each in judge_archive(str(path), verifier(depth)) if not each.skipped]


def outline(path: Path) -> dict[str | None, str]:
    """Decisions by member; the error's code behind it, if there is one."""
    found = {}
    for each in judged(path):
        error = f" {each.error.value}" if each.error else ""
        found[each.verdict.member] = each.decision.value + error
    return found


def sample_folder(folder: Path) -> Path:
    """Marked, unmarked and tampered tracks, and files that are no tracks."""
    for name in ("marked", "unmarked", "tampered"):
        shutil.copytree(SAMPLES / name, folder / name)
    (folder / "README").write_text("no audio")
    (folder / "broken.flac").write_bytes(b"no audio either")
    return folder


def by_tar(*options: str) -> Callable[[Path, Path], object]:
    return lambda folder, out: run("tar", *options, "-cf", out, "-C", folder, ".")


def by_zip(*options: str) -> Callable[[Path, Path], object]:
    def make(folder: Path, out: Path) -> None:
        names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
        run(
            "bash",
            "-c",
            f'cd "{folder}" && zip -q {" ".join(options)} "{out.resolve()}" -@',
            stdin=_lines(names),
        )

    return make


def _lines(names: Iterable[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


#: Name and maker of one archive of each kind that is read.
MAKERS: Final[dict[str, Callable[[Path, Path], object]]] = {
    "gnu.tar": by_tar("--format=gnu"),
    "ustar.tar": by_tar("--format=ustar"),
    "pax.tar": by_tar("--format=pax"),
    "v7.tar": by_tar("--format=v7"),
    "a.tar.gz": by_tar("-z"),
    "a.tgz": by_tar("-z", "--format=pax"),
    "a.tar.zst": by_tar("--zstd"),
    "a.tzst": by_tar("--zstd", "--format=ustar"),
    "stored.zip": by_zip("-0"),
    "deflated.zip": by_zip("-9"),
}


def tar_of(path: Path, members: Iterable[tuple[str, bytes]], **options: Any) -> Path:
    """A tar file with these members, by Python's own writer."""
    mode = {".gz": "w:gz", ".tgz": "w:gz"}.get(path.suffix, "w")
    with tarfile.open(path, mode, **options) as archive:
        for name, data in members:
            information = tarfile.TarInfo(name)
            information.size = len(data)
            information.mtime = 1_700_000_000
            archive.addfile(information, io.BytesIO(data))
    return path


def parquet_of(path: Path, rows: Iterable[tuple[str | None, bytes | None]], **options: Any) -> Path:
    """A Parquet file with audio as Hugging Face stores it."""
    values = [{"bytes": data, "path": name} for name, data in rows]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({"audio": pa.array(values, kind), "text": [f"text {n}" for n in range(len(values))]})
    pq.write_table(table, path, **options)
    return path
