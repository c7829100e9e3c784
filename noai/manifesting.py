"""The C2PA layer of a marking: whether a file can have a manifest, and putting one onto a marked copy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from noai import manifest
from noai.c2pa_json import GENERATOR
from noai.containers.interface import TagEdit
from noai.errors import EssenceChanged, ManifestError, MarkNotVerified, TagsChanged
from noai.jumbf import read_store
from noai.limits import C2PA_SIGN_BYTES, MANIFEST_BYTES
from noai.marker import Marker
from noai.planning import Situation
from noai.rechecking import recheck, reread
from noai.signals._c2pa_checks import claimed_signer
from noai.signing import Signer
from noai.sources import as_file
from noai.verifying import Sidecars
from noai.workspace import Workspace, copy_to


@dataclass(frozen=True)
class Layer:
    """A copy with its manifest: embedded, or as the bytes of a sidecar."""

    file: BinaryIO
    after: Situation
    sidecar: bytes | None = None


def is_possible(situation: Situation, *, sidecar: bool) -> bool:
    """Whether a manifest can be embedded, or goes into a sidecar that is asked for or is there."""
    if situation.data.size > C2PA_SIGN_BYTES:
        return False
    embeds = situation.detected.container.c2pa_type is not None
    # A sidecar that stands there by the same key would be stale after this marking.
    return embeds or sidecar or situation.has_own_sidecar


def notices(situation: Situation, *, sidecar: bool) -> tuple[str, ...]:
    """Why there will be no manifest, where there cannot be one."""
    if situation.data.size > C2PA_SIGN_BYTES:
        limit = C2PA_SIGN_BYTES // 2**20
        return (f"no C2PA manifest: the file is larger than {limit} MiB",)
    if not is_possible(situation, sidecar=sidecar):
        name = situation.detected.name
        return (f"no C2PA manifest: {name} cannot carry one; a sidecar can be asked for",)
    return ()


def add(
    before: Situation,
    marked: Situation,
    file: BinaryIO,
    workspace: Workspace,
    signer: Signer,
    marker: Marker,
    edit: TagEdit,
) -> tuple[Layer | None, tuple[str, ...]]:
    """A manifest on the marked copy ``file``, or none and the sentence that says why.

    The C2PA library rewrites ID3 tags and cannot keep every one of them; such a file gets its
    marker and no manifest. Where the original has a manifest, leaving it stale would take
    something away, so that is an error.

    Raises:
        ManifestError, EssenceChanged, TagsChanged, MarkNotVerified: where the original has a manifest.
        SigningError: if the signer fails.
    """
    if before.detected.container.c2pa_type is None and tells_more(
        before.evidence.sidecar_manifests, before.kid
    ):
        return None, ("no C2PA manifest: a sidecar that noai did not write stands there, and was left alone",)
    try:
        signed, store = _embed(before, marked, workspace, signer, marker) or _beside(file, signer, marker)
        beside = Sidecars(() if store is None else (store,))
        after = reread(signed, beside, signer, before.evidence.now)
        recheck(before, after, edit, marker, with_manifest=True)
    except (ManifestError, EssenceChanged, TagsChanged, MarkNotVerified) as error:
        if has_provenance(before):
            raise
        return None, (f"no C2PA manifest: {error}",)
    return Layer(signed, after, store), ()


def _embed(
    before: Situation, marked: Situation, workspace: Workspace, signer: Signer, marker: Marker
) -> tuple[BinaryIO, None] | None:
    container = before.detected.container
    if container.c2pa_type is None:
        return None
    prepared = workspace.new_file()
    copy_to(marked.data, prepared)
    container.prepare_manifest(prepared)
    prepared.seek(0)
    # The original, whose manifest is still valid, is the parent: its provenance is kept.
    keeps = has_provenance(before)
    parent = (container.c2pa_type, as_file(before.data)) if keeps else None
    signed = workspace.new_file()
    manifest.sign(
        prepared,
        signed,
        media_type=container.c2pa_type,
        claim=marker.claim,
        signer=signer,
        parent=parent,
        replaces=not keeps,
    )
    signed.flush()
    return signed, None


def has_provenance(situation: Situation) -> bool:
    """Whether the file's manifests tell more than that this signer marked it with noai before.

    Those of earlier markings are replaced, as the markers are: an artist who takes a denial back
    would otherwise carry it along for ever.
    """
    places = situation.evidence.area.manifests
    if any(place.length > MANIFEST_BYTES for place in places):
        return True
    stores = (place.read(situation.data) for place in places)
    return tells_more(stores, situation.kid)


def tells_more(stores: Iterable[bytes], kid: str) -> bool:
    """Whether any manifest in ``stores`` is not by noai and the key ``kid``, or cannot be read."""
    for data in stores:
        store = read_store(data)
        if store.all_faults or not store.manifests:
            return True
        for found in store.manifests:
            signer = claimed_signer(found)
            if found.claim.generator != GENERATOR or signer is None or signer.kid != kid:
                return True
    return False


def _beside(file: BinaryIO, signer: Signer, marker: Marker) -> tuple[BinaryIO, bytes]:
    file.seek(0)
    return file, manifest.sign_sidecar(file, claim=marker.claim, signer=signer)
