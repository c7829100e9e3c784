"""Uploads in Django, judged at ingest or marked on their way into the storage (``noai[django]``).

:class:`AdmittedAudio` validates a ``FileField``, of a form or a model. :class:`AdmittedStorage` and
:class:`MarkedStorage` are file system storages; their mixins go in front of any other storage class.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import SuspiciousOperation, ValidationError
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage

from noai.errors import LimitExceeded, MarkError, UsageError
from noai.integrations.gate import Gate, why
from noai.integrations.marking import Marking
from noai.integrations.uploads import judge_upload, marked_copy
from noai.limits import UPLOAD_BYTES
from noai.verdict import Verdict


class UploadRefused(SuspiciousOperation):  # type: ignore[misc]
    """A storage did not take an upload; nothing was stored. Django answers 400 where nobody catches it.

    ``verdict`` is None where it was too large, or could not be marked.
    """

    def __init__(self, message: str, verdict: Verdict | None = None) -> None:
        super().__init__(message)
        self.verdict = verdict


class AdmittedAudio:
    """A validator of file fields: ``ValidationError`` with the code ``not_admitted`` or ``too_large``.

    Args:
        gate: The question; None: :meth:`Gate.of`.
        limit: Bytes of the upload.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    def __init__(self, *, gate: Gate | None = None, limit: int = UPLOAD_BYTES) -> None:
        self.gate = gate or Gate.of()
        self.limit = limit

    def __call__(self, value: File) -> None:
        # A field of a model whose file was stored long ago is opened by looking at it.
        was_closed = bool(value.closed)
        try:
            verdict = judge_upload(self.gate, value, name=value.name, limit=self.limit)
        except LimitExceeded as error:
            raise ValidationError(str(error), code="too_large") from None
        finally:
            if was_closed:
                value.close()
        if not verdict.admitted:
            # Reasons are data, which may hold a "%" of its own: Django formats messages that have params.
            params = {"why": why(verdict), "verdict": verdict}
            raise ValidationError("%(why)s", code="not_admitted", params=params)

    def deconstruct(self) -> tuple[str, tuple[()], dict[str, Any]]:
        """For migrations, which do not ask: without the gate, which no database depends on."""
        return "noai.integrations.django.AdmittedAudio", (), {"limit": self.limit}


class _InFront(Storage):  # type: ignore[misc]
    """A mixin whose ``_save`` comes before that of every storage class.

    Raises:
        UsageError: for a class in which it does not.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        saving = [each for each in cls.__mro__ if "_save" in vars(each)]
        ours = [each for each in saving if each.__module__ == __name__]
        if saving[: len(ours)] != ours:
            raise UsageError(f"{cls.__name__}: noai's mixin goes in front, and nothing saves before it")


class AdmittedMixin(_InFront):
    """In front of a storage class: what is not admitted is not stored.

    Args:
        gate: The question; None: :meth:`Gate.of`.
        limit: Bytes of one file.

    Raises:
        TrustError, KeyFileError: if the configuration folder's trust list is damaged.
    """

    def __init__(
        self, *args: Any, gate: Gate | None = None, limit: int = UPLOAD_BYTES, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._gate = gate or Gate.of()
        self._limit = limit

    def _save(self, name: str, content: File) -> str:
        """
        Raises:
            UploadRefused: if the file is too large, or may not enter.
        """
        try:
            verdict = judge_upload(self._gate, content, name=name, limit=self._limit)
        except LimitExceeded as error:
            raise UploadRefused(str(error)) from None
        if not verdict.admitted:
            raise UploadRefused(why(verdict), verdict)
        return str(super()._save(name, content))


class MarkedMixin(_InFront):
    """In front of a storage class: what is stored is marked, as ``noai mark`` does it.

    Args:
        identity: The name of the identity that signs. Its passphrase is ``NOAI_PASSPHRASE``, if it has one.
        marking: In its place: who signs, and what is said.
        limit: Bytes of one file.

    Raises:
        UsageError: if there is neither, or both.
        SigningError: if there is no such identity, or its key cannot be had.
    """

    def __init__(
        self,
        *args: Any,
        identity: str | None = None,
        marking: Marking | None = None,
        limit: int = UPLOAD_BYTES,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        if (identity is None) == (marking is None):
            raise UsageError("a storage that marks needs either an identity or a marking")
        self._marking = Marking.of(identity) if identity is not None else marking
        self._limit = limit

    def _save(self, name: str, content: File) -> str:
        """
        Raises:
            UploadRefused: if the file is too large, or cannot be marked safely.
        """
        assert self._marking is not None
        try:
            copy = marked_copy(content, self._marking, limit=self._limit)
            with copy as (path, _), open(path, "rb") as marked:
                return str(super()._save(name, File(marked, name)))
        except (LimitExceeded, MarkError) as error:
            raise UploadRefused(str(error)) from None


class AdmittedStorage(AdmittedMixin, FileSystemStorage):  # type: ignore[misc]
    """Django's file system storage, for what is admitted."""


class MarkedStorage(MarkedMixin, FileSystemStorage):  # type: ignore[misc]
    """Django's file system storage, whose files are marked."""
