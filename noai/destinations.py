"""What may stand where a marked copy goes, and what stays behind beside the original."""

from __future__ import annotations

import errno
from datetime import datetime
from pathlib import Path
from typing import Final

from noai.containers.interface import TagEdit
from noai.errors import ContainerError, DestinationExists, EssenceUnbindable, SourceError
from noai.manifesting import has_provenance
from noai.planning import Situation, examine, foreign_slots, lifting_edit
from noai.sidecars import Sidecars, read_sidecars
from noai.signing import Signer
from noai.sources import ByteSource, open_path

#: What a file system says that cannot take the copy.
CANNOT_BE_WRITTEN: Final = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ENAMETOOLONG, errno.EACCES}
)


def left_behind(source: Path) -> tuple[str, ...]:
    """Signals beside the original that a copy elsewhere does not have."""
    beside = read_sidecars(source)
    if not (beside.manifests or beside.xmp or beside.notes):
        return ()
    return ("what stands beside the original (.xmp, .c2pa) was not copied and says nothing of the copy",)


def require_copy(data: ByteSource, destination: Path, signer: Signer, now: datetime) -> None:
    """Refuse to write over anything but a copy of ``data``, marked by this signer or not at all.

    Raises:
        DestinationExists: if ``destination`` is other audio or no audio, or has tags, marks or
            manifests of its own.
    """
    with open_path(destination) as (there, _):
        try:
            found = examine(there, Sidecars(), signer, now)
            wanted = examine(data, Sidecars(), signer, now)
        except (ContainerError, SourceError, EssenceUnbindable):
            raise _exists(destination, "is not this track; choose another") from None
        if found.essence.digest != wanted.essence.digest:
            raise _exists(destination, "is not this track; choose another")
        if not _says_the_same(found, wanted):
            raise _exists(destination, "has tags of its own; mark it with --in-place, or choose another")


def _says_the_same(found: Situation, wanted: Situation) -> bool:
    """Whether two files differ in nothing but what the signer's own markings wrote."""
    container = found.detected.container
    ours = [lifting_edit(found), lifting_edit(wanted)]
    edit = TagEdit(
        markers=(),
        lifted_statements=tuple(text for edit in ours for text in edit.lifted_statements),
        lifted_data_mining=next((e.lifted_data_mining for e in ours if e.lifted_data_mining), None),
    )
    return (
        container.inventory(found.data, edit) == container.inventory(wanted.data, edit)
        and set(foreign_slots(found)) == set(foreign_slots(wanted))
        and has_provenance(found) <= has_provenance(wanted)
    )


def _exists(destination: Path, what: str) -> DestinationExists:
    return DestinationExists(f"{destination}: exists already and {what}")
