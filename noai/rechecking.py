"""Before a marked copy is published: it is read again as a stranger would, and compared with the original."""

from __future__ import annotations

from datetime import datetime
from typing import BinaryIO

from noai.codes import Code
from noai.containers.interface import FieldRole, TagEdit
from noai.errors import (
    ContainerError,
    EssenceChanged,
    EssenceUnbindable,
    MarkNotVerified,
    TagsChanged,
)
from noai.marker import Marker
from noai.planning import Situation, examine, require_bindable
from noai.report import SignalSource
from noai.sidecars import Sidecars
from noai.signing import Signer
from noai.sources import FileSource


def reread(file: BinaryIO, sidecars: Sidecars, signer: Signer, now: datetime) -> Situation:
    """The written copy, examined like any other source.

    Raises:
        MarkNotVerified: if it cannot be read to its end.
    """
    try:
        return examine(FileSource(file), sidecars, signer, now)
    except (ContainerError, EssenceUnbindable) as error:
        raise MarkNotVerified(f"the written copy cannot be read again: {error}") from error


def edit_of(situation: Situation, marker: Marker) -> TagEdit:
    """The edit by which ``marker``, which stands in the file, was written."""
    beside = {
        finding.source: finding.value
        for finding in situation.findings
        if finding.value is not None and Code.COMPANION in finding.codes
    }
    slots = (f.value for f in situation.evidence.area.fields if f.role is FieldRole.MARKER)
    return TagEdit(
        markers=tuple(dict.fromkeys(slots)),
        statement=beside.get(SignalSource.STATEMENT),
        data_mining=beside.get(SignalSource.XMP),
    )


def recheck(
    before: Situation, after: Situation, edit: TagEdit, marker: Marker, *, with_manifest: bool
) -> None:
    """Compare the written copy with the original.

    Raises:
        EssenceChanged, TagsChanged, MarkNotVerified: if the copy is not what it should be.
    """
    # 1. The audio.
    if after.detected.name != before.detected.name:
        raise EssenceChanged(f"the written copy would be {after.detected.name}")
    if (
        after.essence.digest != before.essence.digest
        or after.essence.payload_bytes != before.essence.payload_bytes
    ):
        raise EssenceChanged("the written copy holds other audio than the original")
    require_bindable(after)
    # 2. Everybody else's tags.
    container = before.detected.container
    original = container.inventory(before.data, edit)
    written = container.inventory(after.data, edit)
    if original != written:
        changed = [*(original - written), *(written - original)]
        which = ", ".join(str(item)[:80] for item in changed[:3])
        raise TagsChanged(f"other tags would not survive marking: {which}")
    # 3. Our own layers: the marker holds, stands alone for its key, and has its companions.
    if after.standing_marker(marker.claim, after.evidence.now) is None:
        raise MarkNotVerified("the marker, or a statement beside it, does not verify in the written copy")
    if not any(finding.id == marker.id for finding in after.own_markers):
        raise MarkNotVerified("another marker than the one written stands in the copy")
    fields = (field for field in after.evidence.area.fields if field.role is FieldRole.TIMESTAMP)
    if not {field.value for field in fields}.issuperset(edit.timestamps):
        raise MarkNotVerified("a timestamp is not in the written copy as it was made")
    if with_manifest and not after.own_manifest_holds(marker.claim):
        raise MarkNotVerified("the C2PA manifest does not verify in the written copy")
