"""The folder that a site is served from: what is there, what has to change, and writing it whole."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from noai.errors import MarkError, PublishError, SiteFileMalformed, SourceMissing, UsageError
from noai.limits import ROBOTS_BYTES, TDMREP_BYTES
from noai.publishing import robots, snippets, tdmrep
from noai.publishing.addresses import SitePath
from noai.publishing.saying import SiteStatement
from noai.sources import open_path
from noai.words import Word
from noai.workspace import FolderWorkspace

#: Nothing that is read here is longer.
_MOST_BYTES: Final = max(ROBOTS_BYTES, TDMREP_BYTES)
_SNIPPETS: Final = "noai"


class Outcome(Word):
    """What becomes of one file."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class SiteFile:
    """One file as it is to be."""

    path: Path
    content: bytes
    #: What stands there; None for nothing.
    existing: bytes | None
    #: When it was read.
    status: os.stat_result | None = None

    @property
    def outcome(self) -> Outcome:
        if self.existing is None:
            return Outcome.CREATED
        return Outcome.UNCHANGED if self.existing == self.content else Outcome.CHANGED


@dataclass(frozen=True)
class Plan:
    """Everything that publishing would write, and what must be known about it."""

    statement: SiteStatement
    paths: tuple[SitePath, ...]
    files: tuple[SiteFile, ...]
    #: Sentences for people.
    notices: tuple[str, ...]


def plan(
    folder: Path, statement: SiteStatement, paths: Sequence[SitePath], snippet_folder: Path | None = None
) -> Plan:
    """What has to change in ``folder``, which a site is served from, to say ``statement`` of ``paths``.

    Reads only. ``snippet_folder``: where the headers for servers go; None: a folder ``noai`` in ``folder``.

    Raises:
        UsageError: if ``folder`` is no folder, or nothing can be said.
        SourceError: if a file in it cannot be read.
        SiteFileMalformed: if nothing can be added to one safely.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: is no folder")
    if not paths or not statement.fields:
        raise UsageError("nothing is denied that a site has words for")
    # A path twice would be a rule twice.
    each = tuple(dict.fromkeys(paths))
    notices = list(statement.omissions)
    files = [
        _robots(folder / robots.NAME, statement, each, notices),
        *_tdmrep(folder / ".well-known" / tdmrep.NAME, statement, each, notices),
        *_snippets(snippet_folder or folder / _SNIPPETS, statement, each),
    ]
    return Plan(statement, each, tuple(files), tuple(notices))


def write(planned: Plan) -> None:
    """Write what has to change. Every file is ready before the first takes its place.

    Raises:
        SourceChanged: if somebody else wrote to a file since it was read.
        PublishError: if a file cannot be written.
    """
    with ExitStack() as stack:
        try:
            ready = [
                (file, *_prepared(file, stack))
                for file in planned.files
                if file.outcome is not Outcome.UNCHANGED
            ]
            for file, workspace, content in ready:
                if file.existing is None and os.path.lexists(file.path):
                    raise PublishError(f"{file.path}: was made by another program meanwhile")
                workspace.publish(content)
        except MarkError as error:
            raise PublishError(str(error)) from error
        except OSError as error:
            raise PublishError(f"{error.filename}: cannot be written: {error.strerror}") from error


def _prepared(file: SiteFile, stack: ExitStack) -> tuple[FolderWorkspace, BinaryIO]:
    file.path.parent.mkdir(parents=True, exist_ok=True)
    like = None if file.existing is None else file.path
    workspace = FolderWorkspace(file.path, stack, like=like, opened_as=file.status)
    content = workspace.new_file()
    content.write(file.content)
    return workspace, content


def _robots(path: Path, statement: SiteStatement, paths: Sequence[SitePath], notices: list[str]) -> SiteFile:
    rules = [
        f"{rule.name}: {rule.value if each.is_everything else f'{each.encoded} {rule.value}'}"
        for each in paths
        for rule in statement.rules
    ]
    existing, status, path = _read(path)
    edited = robots.with_block(existing, rules)
    if edited.elsewhere:
        notices.append(
            f"{robots.NAME} has groups of their own for {', '.join(edited.elsewhere)}, who do not follow the "
            "one for everybody: copy noai's lines there if they are to hear it"
        )
    return SiteFile(path, edited.content, existing, status)


def _tdmrep(
    path: Path, statement: SiteStatement, paths: Sequence[SitePath], notices: list[str]
) -> Iterator[SiteFile]:
    existing, status, path = _read(path)
    if statement.reserves:
        edited = tdmrep.with_reservations(existing, paths, statement.policy_url)
        for said, locations in (("leaves unreserved", edited.free), ("also reserves", edited.reserved)):
            if locations:
                notices.append(f"{tdmrep.NAME} {said}, by rules of their own: {', '.join(locations)}")
        yield SiteFile(path, edited.content, existing, status)
    elif existing is not None and (reserved := tdmrep.reserved(existing)):
        notices.append(
            f"{tdmrep.NAME} reserves {', '.join(reserved)}, and with it more than this; it stays as it is"
        )


def _snippets(folder: Path, statement: SiteStatement, paths: Sequence[SitePath]) -> Iterator[SiteFile]:
    for name, made in (
        (snippets.NGINX_NAME, snippets.nginx(statement.fields, paths)),
        (snippets.APACHE_NAME, snippets.apache(statement.fields, paths)),
    ):
        existing, status, path = _read(folder / name)
        if existing is not None and not existing.startswith(snippets.FIRST_LINE.encode("ascii")):
            raise SiteFileMalformed(f"{path}: was not written by noai, and would be overwritten")
        yield SiteFile(path, made.encode("ascii"), existing, status)


def _read(path: Path) -> tuple[bytes | None, os.stat_result | None, Path]:
    """What stands at ``path``, or where a link there leads; nothing where there is nothing."""
    target = Path(os.path.realpath(path))
    try:
        with open_path(target) as (source, status):
            if source.size > _MOST_BYTES:
                raise SiteFileMalformed(f"{path}: is longer than {_MOST_BYTES} bytes")
            return source.read_at(0, source.size), status, target if path.is_symlink() else path
    except SourceMissing:
        return None, None, target if path.is_symlink() else path
