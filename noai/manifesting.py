"""The C2PA layer of a marking: whether a file can have a manifest, and putting one onto a marked copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from noai import manifest
from noai.containers.interface import TagEdit
from noai.errors import EssenceChanged, ManifestError, MarkNotVerified, TagsChanged
from noai.limits import C2PA_SIGN_BYTES
from noai.marker import Marker
from noai.planning import Situation
from noai.rechecking import recheck, reread
from noai.signing import Signer
from noai.sources import as_file
from noai.verifying import Sidecars
from noai.workspace import Workspace, copy_to


@dataclass(frozen=True)
class Layer:
    """A copy with its manifest: embedded, or as the bytes of a sidecar."""

    file: BinaryIO
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
    try:
        layer = _embed(before, marked, workspace, signer, marker) or _beside(file, signer, marker)
        beside = Sidecars(() if layer.sidecar is None else (layer.sidecar,))
        after = reread(layer.file, beside, signer, before.evidence.now)
        recheck(before, after, edit, marker, with_manifest=True)
    except (ManifestError, EssenceChanged, TagsChanged, MarkNotVerified) as error:
        if before.evidence.area.manifests:
            raise
        return None, (f"no C2PA manifest: {error}",)
    return layer, ()


def _embed(
    before: Situation, marked: Situation, workspace: Workspace, signer: Signer, marker: Marker
) -> Layer | None:
    container = before.detected.container
    if container.c2pa_type is None:
        return None
    prepared = workspace.new_file()
    copy_to(marked.data, prepared)
    container.prepare_manifest(prepared)
    prepared.seek(0)
    # The original, whose manifest is still valid, is the parent: its provenance is kept.
    parent = (container.c2pa_type, as_file(before.data)) if before.evidence.area.manifests else None
    signed = workspace.new_file()
    manifest.sign(
        prepared,
        signed,
        media_type=container.c2pa_type,
        claim=marker.claim,
        signer=signer,
        parent=parent,
    )
    signed.flush()
    return Layer(signed)


def _beside(file: BinaryIO, signer: Signer, marker: Marker) -> Layer:
    file.seek(0)
    return Layer(file, manifest.sign_sidecar(file, claim=marker.claim, signer=signer))
