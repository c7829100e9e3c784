"""Files with C2PA manifests, ours and other people's, made by the real library; and stores by hand."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import c2pa
from cryptography import x509

from noai import cbor, certificates, manifest
from noai.algorithms import sign
from noai.c2pa_json import settings
from noai.claim import Claim, Permission, Profile, Use
from noai.containers.interface import Container, Embedding, ManifestStore
from noai.containers.registry import detect
from noai.manifesting import embed
from noai.signals._c2pa_binding import data_hash
from noai.signing import KeySigner
from noai.sources import BytesSource
from tests.signers import Cert, authority
from tests.signers import signer as make_signer

TYPES = {"mp3": "audio/mpeg", "flac": "audio/flac", "wav": "audio/wav", "m4a": "audio/mp4"}
NO_AI = Claim.from_profile(Profile.NO_AI)
ALLOWED = Claim(dict.fromkeys(Use, Permission.ALLOWED))

#: The C2PA library signs and validates by the wall clock.
TODAY = datetime.now(timezone.utc).replace(microsecond=0)


def fresh(cert: Cert) -> Cert:
    """``cert`` for a lifetime around today."""
    return replace(cert, start=TODAY - timedelta(days=1), end=TODAY + timedelta(days=365))


@cache
def live_signer(key: str = "es256") -> KeySigner:
    """A signer whose chain is leaf and root, valid today."""
    root = fresh(authority(f"root of {key}", f"{key.split('-')[0]}-root-of-{key}"))
    return make_signer(leaf=fresh(Cert(f"leaf of {key}", key)), root=root)


def media_type(path: Path) -> str:
    return TYPES[path.suffix[1:]]


def embedded(data: bytes, claim: Claim, signer: KeySigner, parent: tuple[str, bytes] | None = None) -> bytes:
    """``data`` with a manifest, as a marking puts it there."""
    container: Container = detect(BytesSource(data)).container
    media_type = container.c2pa_type
    assert media_type is not None
    assert isinstance(container, Embedding)
    original = None if parent is None else (parent[0], io.BytesIO(parent[1]))
    file = io.BytesIO(data)
    embed(container, media_type, file, manifest.Order(claim, signer, parent=original))
    return file.getvalue()


def marked(path: Path, claim: Claim = NO_AI, signer: KeySigner | None = None) -> bytes:
    """The file with a manifest made by noai."""
    return embedded(path.read_bytes(), claim, signer or live_signer())


def resigned(data: bytes, kind: str, claim: Claim, signer: KeySigner | None = None) -> bytes:
    """``data``, which has a manifest, signed once more on top of it."""
    return embedded(data, claim, signer or live_signer(), (kind, data))


def sidecar(data: bytes, claim: Claim = NO_AI, signer: KeySigner | None = None) -> bytes:
    """A store that lies beside ``data``."""
    return manifest.sign(manifest.Order(claim, signer or live_signer()), data_hash(BytesSource(data)))


@dataclass(frozen=True)
class Witnessed:
    """What any other program sees that uses the C2PA library."""

    state: str
    manifests: int
    success: tuple[str, ...]
    failure: tuple[str, ...]
    informational: tuple[str, ...]


def witness(
    data: bytes, kind: str, store: bytes | None = None, anchors: tuple[x509.Certificate, ...] = ()
) -> Witnessed:
    """The library's own verdict on a whole file, which noai never asks it for.

    Raises:
        c2pa.C2paError: if it gives none.
    """
    context = c2pa.Context.from_json(settings(anchors))
    with c2pa.Reader(kind, io.BytesIO(data), manifest_data=store, context=context) as reader:
        document = json.loads(reader.json())
    active = document["validation_results"]["activeManifest"]
    lists = (tuple(item["code"] for item in active[name]) for name in ("success", "failure", "informational"))
    return Witnessed(document["validation_state"], len(document["manifests"]), *lists)


def entries(**uses: str | dict[str, str]) -> dict[str, Any]:
    """The data of a training assertion: ``entries(**{"cawg.ai_training": "allowed"})``."""
    return {"entries": {key: {"use": use} if isinstance(use, str) else use for key, use in uses.items()}}


def foreign(
    path: Path,
    assertions: Iterable[Mapping[str, Any]],
    *,
    created: Iterable[str] = ("cawg.training-mining", "c2pa.training-mining"),
    signer: KeySigner | None = None,
    remote_url: str | None = None,
    parent: bytes | None = None,
    **definition: Any,
) -> bytes:
    """The file signed by another program: any assertions, any attribution."""
    signer = signer or live_signer()
    settings = {
        "trust": {"trust_config": "1.3.6.1.5.5.7.3.4"},
        "verify": {"verify_after_sign": False, "remote_manifest_fetch": False},
        "builder": {
            "thumbnail": {"enabled": False},
            "created_assertion_labels": [*created, "c2pa.actions"],
        },
    }
    document = {
        "claim_generator_info": [{"name": "other", "version": "1"}],
        "assertions": list(assertions),
        **definition,
    }
    algorithm = getattr(c2pa.C2paSigningAlg, signer.algorithm.value.upper())
    out = io.BytesIO()
    builder = c2pa.Builder.from_json(json.dumps(document), context=c2pa.Context.from_dict(settings))
    if parent is None:
        builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.DIGITAL_CREATION)
    else:
        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
        ingredient = json.dumps({"title": "before", "relationship": "parentOf"})
        builder.add_ingredient(ingredient, media_type(path), io.BytesIO(parent))
    if remote_url is not None:
        builder.set_remote_url(remote_url)
        builder.set_no_embed()
    chain = certificates.pem(signer.chain)
    native = c2pa.Signer.from_callback(lambda data: sign(signer.key, data), algorithm, chain)
    builder.sign(native, media_type(path), io.BytesIO(parent or path.read_bytes()), out)
    return out.getvalue()


def place(data: bytes, start: int = 0) -> ManifestStore:
    """Where the first manifest store at or after ``start`` lies, found by its box type alone."""
    offset = data.index(b"jumb", start) - 4
    return ManifestStore("somewhere", ((offset, int.from_bytes(data[offset : offset + 4], "big")),))


def store_of(data: bytes) -> bytes:
    return place(data).read(BytesSource(data))


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def changed_audio(data: bytes) -> bytes:
    """One bit of the audio flipped, away from every header and from the manifest."""
    if b"ftyp" in data[:16]:
        return flipped(data, data.index(b"mdat") + 2000)
    return flipped(data, 2000 if place(data).pieces[0][0] > len(data) // 2 else len(data) - 2000)


def frame(identifier: bytes, body: bytes, flags: bytes = b"\0\0", size: int | None = None) -> bytes:
    """An ID3v2.3 frame; ``size`` may lie."""
    return identifier + (len(body) if size is None else size).to_bytes(4, "big") + flags + body


def with_frames(mp3: bytes, frames: bytes) -> bytes:
    """``frames`` put in front of all others in the ID3v2.3 tag of a file."""
    size = 0
    for byte in mp3[6:10]:
        size = size << 7 | byte
    length = bytes(size + len(frames) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return mp3[:6] + length + frames + mp3[10:]


def with_malformed_frame(mp3: bytes) -> bytes:
    """An ID3 frame that claims to be longer than its tag, in front of all others."""
    return with_frames(mp3, frame(b"TXXX", b"\0a\0b", size=2**27))


# -- stores of the library's, altered -------------------------------------------------------


def rewritten(store: bytes, label: str, change: Callable[[bytes], bytes]) -> bytes:
    """``store`` with another content in the one box ``label``; the sizes around it follow."""
    return _rewritten(store, label.encode(), change)


def _rewritten(boxes: bytes, label: bytes, change: Callable[[bytes], bytes]) -> bytes:
    out, at, is_meant = b"", 0, False
    while at < len(boxes):
        size, kind = int.from_bytes(boxes[at : at + 4], "big"), boxes[at + 4 : at + 8]
        content = boxes[at + 8 : at + size]
        if kind == b"jumd":
            is_meant = content[17:].split(b"\0")[0] == label
        elif kind == b"jumb":
            content = _rewritten(content, label, change)
        elif is_meant:
            content = change(content)
        out += box(kind, content)
        at += size
    return out


def naming(label: str, times: int) -> Callable[[bytes], bytes]:
    """Makes a claim name an assertion that it names once that many times."""

    def change(claim: bytes) -> bytes:
        stated = cbor.decode(claim)
        assert isinstance(stated, cbor.Map)
        pairs = []
        for key, value in stated.pairs:
            if isinstance(value, tuple):
                named = [v for v in value if isinstance(v, cbor.Map) and str(v.first("url")).endswith(label)]
                value += tuple(named * (times - 1))
            pairs.append((key, value))
        return cbor_bytes(Pairs(*pairs))

    return change


# -- stores by hand -------------------------------------------------------------------------

UUID_TAIL = bytes.fromhex("00110010800000aa00389b71")


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def superbox(uuid: bytes, label: str, *parts: bytes) -> bytes:
    """A JUMBF superbox; ``uuid`` is the first four bytes."""
    description = box(b"jumd", uuid, UUID_TAIL, b"\x03", label.encode(), b"\0")
    return box(b"jumb", description, *parts)


def cbor_bytes(value: Any) -> bytes:
    """A small CBOR encoder; a dict that must repeat a key is given as :class:`Pairs`."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, (list, tuple)):
        return _head(4, len(value)) + b"".join(map(cbor_bytes, value))
    pairs = value.pairs if isinstance(value, (Pairs, cbor.Map)) else value.items()
    return _head(5, len(pairs)) + b"".join(cbor_bytes(k) + cbor_bytes(v) for k, v in pairs)


class Pairs:
    """A map with keys that may repeat."""

    def __init__(self, *pairs: tuple[Any, Any]) -> None:
        self.pairs = pairs

    def __len__(self) -> int:
        return len(self.pairs)


def _head(major: int, argument: int) -> bytes:
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 24:
            return bytes([major << 5 | argument])
        if argument < 1 << (8 * width):
            return bytes([major << 5 | info]) + argument.to_bytes(width, "big")
    raise ValueError(argument)


def claim_box(label: str = "c2pa.claim.v2", **members: Any) -> bytes:
    return superbox(b"c2cl", label, box(b"cbor", cbor_bytes({"instanceID": "xmp:iid:1", **members})))


def urls(*labels: str) -> list[dict[str, Any]]:
    return [{"url": f"self#jumbf=c2pa.assertions/{label}", "hash": bytes(32)} for label in labels]


def signature_box(chain: Any = (b"leaf", b"root"), *, name: int | str = 33) -> bytes:
    header = {1: -7, name: list(chain) if isinstance(chain, tuple) else chain}
    cose = b"\xd2" + cbor_bytes([cbor_bytes(header), {}, None, bytes(64)])
    return superbox(b"c2cs", "c2pa.signature", box(b"cbor", cose))


def assertion_box(label: str, data: Any, kind: bytes = b"cbor") -> bytes:
    content = data if isinstance(data, bytes) else cbor_bytes(data)
    return superbox(kind, label, box(kind, content))


def manifest_box(*parts: bytes, label: str = "urn:c2pa:1", uuid: bytes = b"c2ma") -> bytes:
    return superbox(uuid, label, *parts)


def assertions_box(*parts: bytes) -> bytes:
    return superbox(b"c2as", "c2pa.assertions", *parts)


def store_box(*manifests: bytes) -> bytes:
    return superbox(b"c2pa", "c2pa", *manifests)


def simple_manifest(*labelled: tuple[str, Any], label: str = "urn:c2pa:1", **claim: Any) -> bytes:
    """A manifest whose claim names its assertions as created, unless ``claim`` says otherwise."""
    named = claim or {"created_assertions": urls(*(name for name, _ in labelled))}
    boxes = [assertion_box(name, data) for name, data in labelled]
    return manifest_box(assertions_box(*boxes), claim_box(**named), signature_box(), label=label)
