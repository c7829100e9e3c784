"""The C2PA layer of a marking: whether a file can have a manifest, and putting one onto a marked copy."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import BinaryIO

from noai import manifest
from noai.c2pa_json import GENERATOR
from noai.containers.interface import Embedding, EmbeddingOnRequest, TagEdit
from noai.errors import ContainerError, ManifestError, MarkError
from noai.jumbf import read_store
from noai.limits import C2PA_PARENT_BYTES, C2PA_SIGN_BYTES, MANIFEST_BYTES
from noai.marker import Marker
from noai.planning import Situation
from noai.rechecking import recheck, reread
from noai.sidecars import Sidecars
from noai.signals._c2pa_binding import bind, data_hash, unbound
from noai.signals._c2pa_checks import claimed_signer
from noai.signing import Signer
from noai.sources import ByteSource, DescriptorSource, FileSource, as_file
from noai.workspace import Workspace, copy_to


@dataclass(frozen=True)
class Layer:
    """A copy with its manifest: embedded, or as the bytes of a sidecar."""

    file: BinaryIO
    after: Situation
    sidecar: bytes | None = None


@dataclass(frozen=True)
class Wishes:
    """What is asked for beyond a manifest in the files that take one without harm."""

    sidecar: bool = False
    #: In Ogg, too, although some software does not take it there (``docs/adr/0009-c2pa-in-ogg.md``).
    in_ogg: bool = False
    #: The address of the authority that timestamps it.
    tsa: str | None = None


def is_possible(situation: Situation, wishes: Wishes) -> bool:
    """Whether a manifest can be embedded, or goes into a sidecar that is asked for or is there."""
    if _obstacle(situation, wishes) is not None:
        return False
    embeds = _media_type(situation, wishes) is not None
    # A sidecar that stands there by the same key would be stale after this marking.
    return embeds or wishes.sidecar or situation.has_own_sidecar


def notices(situation: Situation, wishes: Wishes) -> tuple[str, ...]:
    """Why there will be no manifest, where there cannot be one."""
    obstacle = _obstacle(situation, wishes)
    if obstacle is not None:
        return (f"no C2PA manifest: {obstacle}",)
    if not is_possible(situation, wishes):
        name, container = situation.detected.name, situation.detected.container
        if isinstance(container, EmbeddingOnRequest):
            return (f"no C2PA manifest: in {name} some programs do not take one, so it has to be asked for",)
        return (f"no C2PA manifest: {name} cannot carry one; a sidecar can be asked for",)
    return ()


def _media_type(situation: Situation, wishes: Wishes) -> str | None:
    """The type of the file if a manifest is to be embedded in it."""
    container = situation.detected.container
    if isinstance(container, EmbeddingOnRequest):
        # One that is there already would be stale after this marking.
        asked = wishes.in_ogg or situation.evidence.area.manifests
        return container.requested_c2pa_type if asked else None
    return container.c2pa_type


def _obstacle(situation: Situation, wishes: Wishes) -> str | None:
    """What about the file itself forbids a manifest."""
    if situation.data.size > C2PA_SIGN_BYTES:
        return f"the file is larger than {C2PA_SIGN_BYTES // 2**20} MiB"
    media_type = _media_type(situation, wishes)
    if media_type is None or not has_provenance(situation):
        return None
    stale = "; its manifest does not match the marked file"
    if situation.data.size > C2PA_PARENT_BYTES:
        limit = C2PA_PARENT_BYTES // 2**20
        return f"the provenance that a file larger than {limit} MiB has cannot be kept{stale}"
    if media_type not in manifest.PARENT_TYPES:
        return f"the provenance that the file has cannot be kept in {situation.detected.name}{stale}"
    return None


def add(
    before: Situation,
    file: BinaryIO,
    workspace: Workspace,
    signer: Signer,
    marker: Marker,
    edit: TagEdit,
    wishes: Wishes,
) -> tuple[Layer | None, tuple[str, ...]]:
    """A manifest on the marked copy ``file``, or none and the sentence that says why.

    Not every file can hold one; such a file gets its marker and no manifest. Where the original has a
    manifest, leaving it stale would take something away, so that is an error.

    Raises:
        ManifestError, MarkError, ContainerError: where the original has a manifest.
        SigningError: if the signer fails.
    """
    media_type = _media_type(before, wishes)
    if media_type is None and tells_more(before.evidence.sidecar_manifests, before.kid):
        return None, ("no C2PA manifest: a sidecar that noai did not write stands there, and was left alone",)
    try:
        order = manifest.Order(marker.claim, signer, tsa=wishes.tsa)
        signed, store = _embed(before, media_type, file, workspace, order) or _beside(file, order)
        beside = Sidecars(() if store is None else (store,))
        after = reread(signed, beside, signer, before.evidence.now)
        recheck(before, after, edit, marker, with_manifest=True)
    except (ManifestError, MarkError, ContainerError) as error:
        if has_provenance(before):
            raise
        return None, (f"no C2PA manifest: {error}",)
    return Layer(signed, after, store), ()


def _embed(
    before: Situation, media_type: str | None, file: BinaryIO, workspace: Workspace, order: manifest.Order
) -> tuple[BinaryIO, None] | None:
    container = before.detected.container
    if media_type is None:
        return None
    if not isinstance(container, Embedding):
        raise ManifestError(f"noai embeds no manifest in {before.detected.name}")
    signed = workspace.new_file()
    copy_to(_as_source(file), signed)
    # The original, whose manifest is still valid, is the parent: its provenance is kept.
    parent = (media_type, as_file(before.data)) if has_provenance(before) else None
    embed(container, media_type, signed, replace(order, parent=parent))
    return signed, None


def _as_source(file: BinaryIO) -> ByteSource:
    """``file`` to be copied: by its descriptor, if it has one, so that holes in it stay holes."""
    try:
        descriptor = file.fileno()
    except (OSError, ValueError):
        return FileSource(file)
    file.flush()
    return DescriptorSource(descriptor, file.seek(0, io.SEEK_END))


def embed(container: Embedding, media_type: str, file: BinaryIO, order: manifest.Order) -> None:
    """Put the manifest for ``order`` into ``file``, a copy of that format, in place of any that is there.

    Raises:
        ManifestError, MarkError, ContainerError: if it cannot be done.
        SigningError: if the signer fails.
    """
    # The hash covers where the store lies, and the store holds the hash: so first one that is as long.
    draft = manifest.draft(order, unbound(media_type))
    ranges = container.embed_manifest(file, draft)
    file.flush()
    store = manifest.sign(order, bind(FileSource(file), media_type, ranges))
    if len(store) != len(draft):
        raise ManifestError("the signed manifest has another length than its draft")
    container.embed_manifest(file, store)
    file.flush()


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


def _beside(file: BinaryIO, order: manifest.Order) -> tuple[BinaryIO, bytes]:
    store = manifest.sign(order, data_hash(FileSource(file)))
    file.seek(0)
    return file, store
