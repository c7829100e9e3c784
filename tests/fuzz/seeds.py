"""Seeds: what encoders write, marked and unmarked, but short, so that an input costs little."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import tests.encoders  # noqa: F401  registers the recipes
from noai import certificates
from noai.containers.interface import ContainerName
from noai.containers.registry import CONTAINERS
from noai.encoding import b64url_decode
from noai.errors import NoaiError
from noai.sources import BytesSource
from tests.audio import SAMPLES, Materials, Studio, cases, container_name, ffmpeg
from tests.fuzz.targets import EDIT, KEYS, targets
from tests.signers import signer

#: Longer ones take the fuzzer's time without showing it anything new.
LARGEST = 128 * 1024
_VECTORS = Path(__file__).parents[1] / "vectors" / "marker-v1.json"
_CONSENT = _VECTORS.with_name("consent-v1.json")


class ShortStudio(Studio):
    """Recipes of a tenth of a second."""

    def _make_materials(self, made: Materials) -> None:
        super()._make_materials(made)
        short = made.clip.with_name("short.wav")
        ffmpeg("-i", made.clip, "-t", "0.1", "-ac", "1", "-fflags", "+bitexact", "-map_metadata", "-1", short)
        short.replace(made.clip)


def tracks(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The name of a container's target, and a short file of it: each recipe unmarked and marked."""
    studio = ShortStudio(folder)
    of_name = {name: f"container-{type(each).__name__.lower()}" for each in CONTAINERS for name in each.names}
    containers = {name: each for each in CONTAINERS for name in each.names}
    for container, variant in cases():
        if variant not in ("plain", "tagged"):
            continue
        name = ContainerName(container_name(container))
        data = studio.encoded(container, variant).read_bytes()
        yield of_name[name], data
        file = io.BytesIO(data)
        try:
            containers[name].write_tags(file, EDIT)
        except NoaiError:
            continue
        yield of_name[name], file.getvalue()


def texts() -> Iterator[tuple[str, bytes]]:
    """Seeds of signals and parsers: frozen vectors, manifests of the samples, words of the vocabularies."""
    for vector in json.loads(_VECTORS.read_text("utf-8"))["vectors"]:
        token = vector["token"].encode()
        yield "token", token
        yield "signal-marker", bytes([KEYS.index("NOAI")]) + token
        if token.count(b".") == 2:
            yield "payload", b64url_decode(token.split(b".")[1].decode())
    for each in json.loads(_CONSENT.read_text("utf-8"))["statements"]:
        yield "consent", each["token"].encode()
        yield "consent", b64url_decode(each["token"].split(".")[1])
    for path in sorted((SAMPLES / "marked").glob("tune*")):
        store = _store(path.read_bytes())
        if store is not None:
            yield from ((name, store) for name in ("jumbf", "cbor", "training-assertion", "signal-c2pa"))
            at = store.find(b"cawg.training-mining")
            yield "cbor", store[store.find(b"cbor", at) + 4 :][:400]
            yield "training-assertion", store[store.find(b"cbor", at) + 4 :][:400]
    for certificate in signer().chain:
        yield "certificate", certificates.der(certificate)
    xmp = _XMP.encode()
    yield from ((name, xmp) for name in ("xmp", "signal-xmp", "signal-tdmrep", "signal-aipref", "signal-tag"))
    for key, value in _VALUES.items():
        data = bytes([KEYS.index(key)]) + value.encode()
        yield from ((name, data) for name, _ in targets() if name.startswith("signal-"))
        yield "structured-field", value.encode()
    yield "http", b"\x1e".join(_HTTP)
    yield "statement", f"me | {EDIT.statement} | you".encode()
    yield "json", b'{"noai":1,"id":"x","uses":{"training":"notAllowed"},"a":[1,null,true]}'


def _store(data: bytes) -> bytes | None:
    for container in CONTAINERS:
        source = BytesSource(data)
        if container.detect(source):
            manifests = container.read_tags(source).manifests
            return manifests[0].read(source) if manifests else None
    return None


_VALUES = {
    "TDM-RESERVATION": "1",
    "CONTENT-USAGE": 'train-ai=n, search=y, "x"=?0;a=1',
    "NOIMAGEAI": "noai, noimageai",
    "AI-TRAINING": "no",
    "COMMENT": str(EDIT.statement),
    "COPYRIGHT": f"me | {EDIT.statement}",
    "DATAMINING": str(EDIT.data_mining),
}
_HTTP = (
    b"audio/a.mp3",
    b"train-ai=n, search=y",
    b"ai-train=no, search=yes",
    b"MyBot: noai, unavailable_after: Sat, 25 Jun 2040 15:00:00 GMT",
    b"1, 0",
    b"User-agent: MyBot\nContent-Usage: /audio/*.mp3$ train-ai=n\nContent-Signal: /b ai-train=no\n"
    b"License: /l\n",
    b'[{"location": "/audio/", "tdm-reservation": 1, "tdm-policy": "https://x/p"}]',
    b'<rsl><content url="/audio/"><license><permits type="usage">search</permits>'
    b'<prohibits>ai-train</prohibits><payment type="crawl"/></license></content></rsl>',
)
_XMP = """<?xpacket begin="\ufeff"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
xmlns:plus="http://ns.useplus.org/ldf/xmp/1.0/" xmlns:tdm="http://www.w3.org/ns/tdmrep/" tdm:reservation="1">
<plus:DataMining>http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED</plus:DataMining>
<tdm:policy rdf:resource="https://example.org/p.json"/></rdf:Description></rdf:RDF></x:xmpmeta>"""


def write_seeds(folder: Path) -> None:
    """One folder a target under ``folder``, each with at least one seed."""
    studio = folder / "encoded"
    studio.mkdir(parents=True, exist_ok=True)
    for name, _ in targets():
        (folder / name).mkdir(exist_ok=True)
    for number, (name, data) in enumerate([*tracks(studio), *texts()]):
        if len(data) <= LARGEST:
            (folder / name / f"seed-{number}").write_bytes(data)
            if name.startswith("container-"):
                (folder / "verify" / f"seed-{number}").write_bytes(data)
