"""The small files that commands read and write for their callers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Final

from noai.cli._exits import OutputFailed
from noai.containers.registry import detect
from noai.corpus.archives.interface import HEAD
from noai.corpus.archives.registry import KINDS
from noai.corpus.walking import ARCHIVE_SUFFIXES, AUDIO_EXTENSIONS, SIDECAR_SUFFIXES
from noai.errors import ContainerError, UsageError
from noai.limits import KIB, MIB
from noai.sources import open_path, read_exactly
from noai.trust import Kind, TrustList, entries_from_pem
from noai.verifying import default_trust

#: A PEM file with every public authority of the world has half of it.
_PEM_BYTES: Final = 1 * MIB
_LIST_BLOCK: Final = 64 * KIB
#: Linux follows as many links.
_LINKS: Final = 40
_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
_PRIVATE: Final = b"PRIVATE KEY-----"
#: What is in every PEM file, and what is in a key file of another kind.
_SECRETS: Final = (b"-----BEGIN ", b"PRIVATE KEY")


def read_pem(path: str) -> bytes:
    """The content of a PEM file.

    Raises:
        SourceError: if it cannot be read.
        UsageError: if it is far too large to be one.
    """
    with open_path(path) as (source, _):
        if source.size > _PEM_BYTES:
            raise UsageError(f"{path}: is too large to be a PEM file")
        return read_exactly(source, 0, source.size)


def trust_with(anchors: Iterable[str]) -> TrustList:
    """The configured list, with the certificates in the PEM files ``anchors``, which identify.

    What an entry may do stays as it is listed.

    Raises:
        SourceError, KeyFileError, TrustError: if one of them cannot be read.
    """
    trust = default_trust()
    for path in anchors:
        for entry in entries_from_pem(read_pem(path), path, kind=Kind.AUTHORITY):
            if all(entry.fingerprint != listed.fingerprint for listed in trust.entries):
                trust = trust.with_entry(entry)
    return trust


def write_certificate(path: Path, pem: str) -> None:
    """Write a certificate file. Only such a file is overwritten: never a key, never a track.

    Raises:
        OutputFailed: if it cannot be written.
    """
    try:
        if path.exists():
            held = path.read_bytes() if path.is_file() else b""
            if held and (_CERTIFICATE not in held or _PRIVATE in held):
                raise OutputFailed(f"{path}: exists and is not a certificate; choose another name")
        path.write_text(pem, encoding="ascii")
    except OSError as error:
        raise OutputFailed(f"{path}: cannot be written: {error.strerror}") from None


def require_replaceable(path: str) -> None:
    """Refuse a file that holds audio, an archive, a key or a certificate, whatever it is called.

    Raises:
        UsageError: if it is such a file.
        SourceError: if what it holds cannot be seen.
    """
    if not os.path.isfile(path):
        return  # nothing is there, or nothing that could be overwritten
    with open_path(path) as (source, _):
        if not source.size:
            return
        if source.size <= _PEM_BYTES:
            content = read_exactly(source, 0, source.size)
            if any(secret in content for secret in _SECRETS):
                raise UsageError(
                    f"{path}: holds a key or a certificate, and would be overwritten; choose another name"
                )
        head = source.read_at(0, HEAD)
        if any(kind.recognises(head) for kind in KINDS):
            raise UsageError(f"{path}: is an archive, and would be overwritten; choose another name")
        try:
            detect(source)
        except ContainerError:
            return
    raise UsageError(f"{path}: is a track, and would be overwritten; choose another name")


def require_output(output: str, inputs: Iterable[str], *, parquet: bool = False) -> None:
    """Refuse an output that would destroy a track, an archive, a sidecar, a key or an input by a slip.

    One that is written as ``parquet`` may be called so, and replace one that noai wrote.

    Raises:
        UsageError: if ``output`` is one, by its name or by what it holds.
        SourceError: if what it holds cannot be seen.
    """
    extension = os.path.splitext(output)[1].lower()
    if extension in AUDIO_EXTENSIONS or any(_is_same_file(output, path) for path in inputs):
        raise UsageError(
            f"{output}: is a track or a list to read, and would be overwritten; choose another name"
        )
    if extension in SIDECAR_SUFFIXES:
        raise UsageError(f"{output}: is the name of a sidecar, which would be overwritten; choose another")
    if parquet and (not os.path.lexists(output) or _is_own_parquet(output)):
        suffixes = tuple(suffix for suffix in ARCHIVE_SUFFIXES if suffix != ".parquet")
    else:
        suffixes = ARCHIVE_SUFFIXES
    if output.lower().endswith(suffixes):
        raise UsageError(f"{output}: is the name of an archive, which would be overwritten; choose another")
    if suffixes is ARCHIVE_SUFFIXES:
        require_replaceable(output)


def _is_own_parquet(path: str) -> bool:
    from noai.corpus.parquet_parts import is_output

    # An empty file holds nothing that could be lost.
    return os.path.isfile(path) and (not os.path.getsize(path) or is_output(path))


@contextmanager
def opened_output(output: str, inputs: Iterable[str]) -> Iterator[IO[str]]:
    """The text file ``output``, overwritten, but for what :func:`require_output` refuses.

    Raises:
        UsageError, SourceError: as there.
        OutputFailed: if it cannot be written.
    """
    require_output(output, inputs)
    try:
        with open(output, "w", encoding="utf-8", errors="backslashreplace", newline="") as stream:
            yield stream
    except OSError as error:
        raise OutputFailed(f"{output}: cannot be written: {error.strerror or error}") from None


def is_stream(output: str) -> bool:
    """Whether ``output`` is no file in a folder: a device, a FIFO, or what is open (``/dev/fd/3``)."""
    for _ in range(_LINKS):
        if os.path.realpath(os.path.dirname(output) or os.curdir).startswith("/proc/"):
            return True
        if not os.path.islink(output):
            break
        output = os.path.join(os.path.dirname(output), os.readlink(output))
    return os.path.exists(output) and not os.path.isfile(output)


def _is_same_file(first: str, second: str) -> bool:
    try:
        return os.path.samefile(first, second)
    except OSError:
        return False


@contextmanager
def listed_paths(
    source: str | None, null: bool, seen: Callable[[bytes], object] | None = None
) -> Iterator[Iterator[str]]:
    """The paths in the file ``source`` (``-``: stdin), one a line, or each ended by NUL; None: none.

    Empty ones are left out. They are read as they are asked for, and each block is shown to ``seen``.

    Raises:
        UsageError: if it cannot be read, or is plainly of the other kind.
    """
    if source is None:
        yield iter(())
    elif source == "-":
        if sys.stdin is None:
            raise UsageError("standard input is closed: there is no list of paths to read")
        yield _items(source, sys.stdin.buffer, null, seen)
    else:
        with _open_list(source) as stream:
            yield _items(source, stream, null, seen)


def _open_list(source: str) -> BinaryIO:
    try:
        # Not open_path(): a list may well come from a pipe.
        return Path(source).open("rb")
    except OSError as error:
        raise _unreadable(source, error) from None


def _items(
    source: str, stream: BinaryIO, null: bool, seen: Callable[[bytes], object] | None
) -> Iterator[str]:
    separator, rest = (b"\0" if null else b"\n"), b""
    try:
        while block := os.read(stream.fileno(), _LIST_BLOCK):
            if seen is not None:
                seen(block)
            *items, rest = (rest + block).split(separator)
            yield from _decoded(source, items, null)
    except OSError as error:
        raise _unreadable(source, error) from None
    yield from _decoded(source, [rest], null)


def _decoded(source: str, items: list[bytes], null: bool) -> Iterator[str]:
    for item in items:
        if not null and b"\0" in item:
            raise UsageError(f"{source}: holds NUL characters; if they end its paths, say -0")
        if item:
            yield os.fsdecode(item)


def _unreadable(source: str, error: OSError) -> UsageError:
    return UsageError(f"{source}: cannot be read: {error.strerror or error}")
