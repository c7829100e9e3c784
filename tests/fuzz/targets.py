"""What is fuzzed: one function of bytes for each container, each signal and each parser beneath them.

A target returns normally for any input. What may not happen raises: an error that is not of
:mod:`noai.errors`, or a broken promise, as an :class:`AssertionError`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from typing import Any, Final, cast

from noai import cbor, certificates, encoding, envelope, jumbf, statement, structured_field, xmp
from noai.consent import Declared, Delegation, Grant, Line, Revocation, StatusList, judge
from noai.consent.statements import Kind
from noai.containers.interface import (
    Container,
    ContainerName,
    Detected,
    FieldRole,
    ManifestStore,
    TagArea,
    TagEdit,
    TagField,
    XmpPacket,
)
from noai.containers.registry import CONTAINERS
from noai.errors import ConsentError, ContainerError, NoaiError
from noai.essence import EssenceReading
from noai.http import signals as http_signals
from noai.marker import Marker
from noai.signals._training_mining import read_assertion
from noai.signals.interface import Evidence, SignalReader
from noai.signals.registry import READERS
from noai.sources import BytesSource
from noai.trust import TrustList
from noai.verdict import Decision
from noai.verifying import verify
from tests.signers import signer

Target = Callable[[bytes], object]
Statement = Grant | Delegation | Revocation | StatusList

NOW: Final = datetime(2026, 11, 1, tzinfo=timezone.utc)
EDIT: Final = TagEdit(
    markers=("eyJhbGciOiJFUzI1NiJ9.eyJub2FpIjoxfQ.c2lnbmF0dXJl",),
    statement="noai:AbCdEfGhIjKlMnOpQrStUv No AI training without permission.",
    data_mining="http://ns.useplus.org/ldf/vocab/DMI-PROHIBITED",
)


def refusing(*errors: type[NoaiError]) -> Callable[[Target], Target]:
    """A target for which ``errors`` are an answer."""

    def wrap(target: Target) -> Target:
        def run(data: bytes) -> object:
            try:
                return target(data)
            except errors:
                return None

        return run

    return wrap


# -- containers -----------------------------------------------------------------------------


def read_and_write(container: Container, data: bytes) -> None:
    """Read everything; mark, and hold the result against what was read before."""
    source = BytesSource(data)
    container.detect(source)
    try:
        container.read_tags(source)
        essence = container.read_essence(source)
        foreign = container.inventory(source, EDIT)
    except ContainerError:
        essence, foreign = None, None
    file = io.BytesIO(data)
    try:
        container.write_tags(file, EDIT)
    except NoaiError:
        return
    if essence is None or essence.violations:
        return
    written = BytesSource(file.getvalue())
    area = container.read_tags(written)
    markers = {field.value for field in area.fields if field.role is FieldRole.MARKER}
    assert markers == set(EDIT.markers), markers
    _same(container.read_essence(written), essence)
    assert container.inventory(written, EDIT) == foreign


def _same(now: EssenceReading, before: EssenceReading) -> None:
    assert (now.digest, now.violations) == (before.digest, ())


def container_name(container: Container) -> str:
    return type(container).__name__.lower()


# -- signals --------------------------------------------------------------------------------

#: Keys under which some vocabulary listens; the first byte of an input chooses.
KEYS: Final = (
    "NOAI", "COPYRIGHT", "COMMENT", "TDM-RESERVATION", "TDM_POLICY", "AI-TRAINING", "NOIMAGEAI", "ROBOTS",
    "CONTENT-USAGE", "DATAMINING", "PLUS:DATAMINING", "AIPREF",
)  # fmt: skip


def read_signal(reader: SignalReader, data: bytes) -> None:
    """The input as the value of a field, as XMP and as a manifest store."""
    text = data[1:].decode("utf-8", "replace")
    key = KEYS[data[0] % len(KEYS)] if data else "NOAI"
    role = {"NOAI": FieldRole.MARKER, "COPYRIGHT": FieldRole.COPYRIGHT, "COMMENT": FieldRole.COMMENT}.get(
        key, FieldRole.OTHER
    )
    area = TagArea(
        fields=(TagField("ID3v2.4 TXXX", key, text, role),),
        xmp=(XmpPacket("ID3v2.4 PRIV XMP", data),),
        manifests=(ManifestStore("GEOB", ((0, len(data)),)),),
    )
    nowhere = Detected(ContainerName("mp3"), cast(Container, _Nothing()))
    evidence = Evidence(BytesSource(data), nowhere, area, TrustList(), NOW)
    for finding in reader.read(evidence):
        assert not finding.proven


class _Nothing:
    """The container of a file that holds no audio."""

    c2pa_type = None

    def read_essence(self, source: BytesSource) -> EssenceReading:
        return EssenceReading.of([])


# -- what they are made of ------------------------------------------------------------------


@refusing(NoaiError)
def token(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    envelope.salvage(text)
    Marker.from_token(envelope.parse(text))


@refusing(NoaiError)
def payload(data: bytes) -> None:
    """The input as a payload that is signed, so that what reads payloads is reached."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(document, dict):
        sealed = envelope.seal(document, signer())
        envelope.salvage(sealed)
        Marker.from_token(envelope.parse(sealed))


#: The reader of each kind of statement.
CONSENT: Final = {
    Kind.GRANT: Grant.parse,
    Kind.DELEGATION: Delegation.parse,
    Kind.REVOCATION: Revocation.parse,
    Kind.STATUS: StatusList.parse,
}


def consent(data: bytes) -> None:
    """The input as a line and as the payload of every kind, rightly signed; what is read is what was said"""
    line = Line("line", data.decode("utf-8", "replace"))
    asked, known = Declared("https://a.example"), TrustList()
    held = judge(asked, known, NOW, grants=[line])
    assert not any(grant.reach for grant in held.grants)
    with suppress(ConsentError):  # nobody knows what it ends
        judge(asked, known, NOW, revocations=[line], statuses=[line])
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    for kind, parse in CONSENT.items() if isinstance(document, dict) else ():
        refusing(NoaiError)(partial(_reads_itself, kind, parse, document))(data)


def _reads_itself(kind: Kind, parse: Callable[[str], Statement], document: dict[str, Any], _: bytes) -> None:
    members = {kind.member: 1, **document}
    said = parse(envelope.seal(members, signer(), kind.value))
    again = parse(envelope.seal(said.payload(), signer(), kind.value))
    assert again == said


def xmp_packet(data: bytes) -> None:
    uses: tuple[Target, ...] = (
        xmp.read_properties,
        lambda packet: xmp.merge_data_mining(packet, EDIT.data_mining, None),
        lambda packet: xmp.merge_data_mining(packet, None, EDIT.data_mining),
        lambda packet: xmp.without_data_mining(packet, [str(EDIT.data_mining)]),
    )
    for use in uses:
        refusing(NoaiError)(use)(data)


def statements(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    list(statement.find(text))
    merged = statement.merge_values([text], EDIT.statement)
    assert any(EDIT.statement in value for value in merged if EDIT.statement)


def training_assertion(data: bytes) -> None:
    for kind in (b"cbor", b"json"):
        read_assertion([jumbf.Content(kind, data)])


@refusing(NoaiError)
def certificate(data: bytes) -> None:
    chain = (certificates.load_der(data),)
    certificates.chain_faults(chain, NOW)
    TrustList().judge(chain, NOW)


#: What a site hands over, one after another: an address, four headers, three documents.
HTTP_PARTS: Final = 8


def over_http(data: bytes) -> None:
    """The input as everything that a crawler hands in; nothing of it may permit, or raise."""
    url, usage, signal, tag, tdm, *documents = (*data.split(b"\x1e", HTTP_PARTS - 1), *[b""] * HTTP_PARTS)[
        :HTTP_PARTS
    ]
    said = http_signals(
        "https://example.org/" + url.decode("utf-8", "replace")[:1000],
        {"content-usage": usage, "content-signal": signal, "x-robots-tag": tag, "tdm-reservation": tdm},
        robots_txt=documents[0],
        tdmrep=documents[1] or None,
        rsl=documents[2] or None,
        user_agent="MyBot",
    )
    for finding in said.findings:
        assert finding.message
        assert not finding.proven


def whole_file(data: bytes) -> None:
    """Everything at once: nobody is trusted, so nothing may be allowed."""
    verdict = verify(data, trust=TrustList(), now=NOW)
    assert verdict.decision is not Decision.ALLOWED
    json.dumps(verdict.record())


PARSERS: Final[dict[str, Target]] = {
    "cbor": refusing(NoaiError)(lambda data: (cbor.salvage(data), cbor.decode(data))),
    "jumbf": refusing(NoaiError)(jumbf.read_store),
    "json": refusing(NoaiError)(encoding.json_object),
    "structured-field": refusing(NoaiError)(
        lambda data: structured_field.parse_dictionary(data.decode("latin-1"))
    ),
    "token": token,
    "payload": payload,
    "consent": consent,
    "xmp": xmp_packet,
    "statement": statements,
    "training-assertion": training_assertion,
    "certificate": certificate,
    "http": over_http,
    "verify": whole_file,
}


def targets() -> Iterator[tuple[str, Target]]:
    """Every target by its name; a new container or signal is one by itself."""
    for container in CONTAINERS:
        yield f"container-{container_name(container)}", partial(read_and_write, container)
    for reader in READERS:
        yield f"signal-{reader.source.value}", partial(read_signal, reader)
    yield from PARSERS.items()
