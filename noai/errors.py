"""Every error that noai raises: one root, one class a cause, one stable code each.

Callers match classes or :attr:`NoaiError.code`, never the wording of a message.
Only :mod:`noai.cli` turns errors into exit codes.
"""

from __future__ import annotations

from typing import ClassVar

from noai.codes import Code


class NoaiError(Exception):
    """Root of everything that noai raises on purpose.

    ``code`` is stable across releases; the message is a sentence for people.
    """

    code: ClassVar[str] = "error"


class UsageError(NoaiError):
    """The caller asked for something that has no meaning (unknown use, empty policy, …)."""

    code = "usage"


class IdentifierError(UsageError):
    """Something is not the identifier of a work, recording or party that it was given as."""

    code = "identifier"


class IdentifierMalformed(IdentifierError):
    """It has characters, or a length, that no identifier of its kind has."""

    code = "identifier_malformed"


class IdentifierChecksum(IdentifierError):
    """Its check digit does not fit the others: most often a slip of the pen."""

    code = "identifier_checksum"


class CatalogueError(UsageError):
    """A catalogue cannot be read as one. ``problems`` has one sentence each, with line numbers."""

    code = "catalogue"

    def __init__(self, summary: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join((summary, *problems)))
        self.summary = summary
        self.problems = problems


# -- the source -----------------------------------------------------------------------------


class SourceError(NoaiError):
    """The bytes of a source could not be had at all."""

    code = "source_unreadable"


class SourceMissing(SourceError):
    code = "source_missing"


class SourceForbidden(SourceError):
    code = "source_forbidden"


class SourceNotAFile(SourceError):
    """A folder, device, FIFO or socket stands where a regular file was expected."""

    code = "source_not_a_file"


class SourceEmpty(SourceError):
    code = "source_empty"


class SourceChanged(SourceError):
    """The file changed (size, or fewer bytes than announced) while it was being read."""

    code = "source_changed"


# -- the container --------------------------------------------------------------------------


class ContainerError(NoaiError):
    """The content cannot be read as audio of a known kind."""

    code = "container_error"


class ContainerUnknown(ContainerError):
    """No container that noai knows recognises the content."""

    code = "container_unknown"


class ContainerMalformed(ContainerError):
    """The content contradicts the rules of its own container (truncated, overlapping, …)."""

    code = "container_malformed"


class XmpMalformed(ContainerMalformed):
    """An XMP packet is not well-formed Unicode XML, or declares a DTD."""

    code = "xmp_malformed"


class LimitExceeded(ContainerError):
    """A named limit of :mod:`noai.limits` was reached; the file was not read to its end."""

    code = "limit_exceeded"


# -- archives -------------------------------------------------------------------------------


class ArchiveError(NoaiError):
    """An archive, or a member of one, cannot be read."""

    code = "archive_error"


class ArchiveMalformed(ArchiveError):
    """The archive is cut off, or contradicts itself; what follows in it was not read."""

    code = "archive_malformed"


class ArchiveNested(ArchiveError):
    """A member is an archive itself."""

    code = "archive_nested"


class MemberUnsupported(ArchiveError):
    """A member is encrypted, sparse, or compressed in a way that noai does not read."""

    code = "member_unsupported"


class SidecarApart(ArchiveError):
    """A sidecar stands away from its track, in an archive that is read from front to end."""

    code = "sidecar_apart"


class ExtraMissing(ArchiveError):
    """Reading this takes a package that is not installed."""

    code = "extra_missing"


# -- what a filter writes -------------------------------------------------------------------


class FilterError(NoaiError):
    """What is admitted could not be put where it was asked for."""

    code = "filter_failed"


class NotListable(FilterError):
    """A name holds what separates names in the list that was asked for."""

    code = "not_listable"


class NotAShard(FilterError):
    """A file of its own, where only archives were asked for."""

    code = "not_a_shard"


# -- tokens, keys, trust --------------------------------------------------------------------


class TokenRefused(NoaiError):
    """A signed statement broke a rule of its format. ``rule`` names which, as a finding code."""

    code = "token_refused"

    def __init__(self, rule: Code, message: str) -> None:
        super().__init__(message)
        self.rule = rule


class SigningError(NoaiError):
    """A signature could not be made."""

    code = "signing_failed"


class KeyFileError(SigningError):
    """A key or certificate file is missing, malformed, or of a kind that marker v1 refuses."""

    code = "key_file"


class PassphraseRequired(SigningError):
    code = "passphrase_required"


class PassphraseWrong(SigningError):
    code = "passphrase_wrong"


class KeyMismatch(SigningError):
    """The private key does not belong to the leaf certificate."""

    code = "key_mismatch"


class CertificateInvalid(SigningError):
    """The chain is not one that may sign marks (usage, order, a CA as leaf, …)."""

    code = "certificate_invalid"


class CertificateExpired(CertificateInvalid):
    code = "certificate_expired"


class IdentityUnknown(SigningError):
    code = "identity_unknown"


class IdentityExists(SigningError):
    code = "identity_exists"


class ConsentError(NoaiError):
    """Statements of consent, or what was seen of them before, cannot be read or kept."""

    code = "consent_error"


class TrustError(NoaiError):
    """The trust list cannot be read, or an entry cannot be added or removed."""

    code = "trust_list"


# -- records --------------------------------------------------------------------------------


class RecordError(NoaiError):
    """A verdict record cannot be read back."""

    code = "record_unreadable"


class RecordMalformed(RecordError):
    """A record is not JSON, or a member is missing or of a wrong kind."""

    code = "record_malformed"


class RecordSchemaUnknown(RecordError):
    """A record is of another schema than ``noai.verdict/1``."""

    code = "record_schema_unknown"


# -- over the network, where the caller asks for it ---------------------------------------------


class FetchError(NoaiError):
    """What stands at an address could not be had, or not within its limits."""

    code = "fetch_failed"


class TimestampError(NoaiError):
    """A timestamp authority gave no timestamp that could be used."""

    code = "timestamp_failed"


# -- the publisher's site -----------------------------------------------------------------------


class PublishError(NoaiError):
    """What a site is to say could not be written into its folder."""

    code = "publish_failed"


class SiteFileMalformed(PublishError):
    """A file of the site is not what its name says, so that nothing can be added to it safely."""

    code = "site_file_malformed"


# -- marking --------------------------------------------------------------------------------


class MarkError(NoaiError):
    """Marking was given up; the original is untouched."""

    code = "mark_failed"


class ContainerReadOnly(MarkError):
    """noai reads this container but cannot write a mark into it."""

    code = "container_read_only"


class XmpUnwritable(MarkError):
    """An XMP packet that stands in the file cannot be extended safely."""

    code = "xmp_unwritable"


class EssenceUnbindable(MarkError):
    """A mark on this file could never pass: parser and decoders would disagree about its audio."""

    code = "essence_unbindable"


class EssenceChanged(MarkError):
    """The written copy holds other audio than the original."""

    code = "essence_changed"


class TagsChanged(MarkError):
    """The written copy lost or altered tags that are not noai's."""

    code = "tags_changed"


class MarkNotVerified(MarkError):
    """The written copy does not verify."""

    code = "mark_not_verified"


class DestinationExists(MarkError):
    code = "destination_exists"


class ManifestError(NoaiError):
    """The C2PA layer failed; the library's own words are in the message."""

    code = "c2pa_failed"


class ManifestStopped(ManifestError):
    """The process that asks the C2PA library crashed, or was stopped at its limit of time or memory."""

    code = "c2pa_stopped"


# -- programs that noai is part of -------------------------------------------------------------


class AudioDecoded(UsageError):
    """Audio was handed over decoded, without the file around it, and with it without what the file says."""

    code = "audio_decoded"


# -- engines that judge many files ------------------------------------------------------------


class EngineFailed(NoaiError):
    """An engine gave up, or handed over another number of verdicts than it was given paths."""

    code = "engine_failed"
