"""The table of stable codes that findings and reasons carry.

Each code says whether it *blocks*: whether something that could matter was not read or not
checked, so that neither ``allowed`` nor ``unreserved`` may be decided. ``docs/codes.md`` is made
from this table.
"""

from __future__ import annotations

from noai.words import Word


class Code(Word):
    """A stable code, whether it blocks admission, and what it means."""

    blocks: bool
    meaning: str

    def __new__(cls, value: str, blocks: bool, meaning: str) -> Code:
        member = str.__new__(cls, value)
        member._value_ = value
        member.blocks = blocks
        member.meaning = meaning
        return member

    @classmethod
    def of(cls, value: str) -> Code:
        """The code with this stable value; ``INTERNAL_ERROR`` for one that the table lacks."""
        return next((code for code in cls if code.value == value), cls.INTERNAL_ERROR)

    # -- reasons of a decision --------------------------------------------------------------
    RESERVED = "reserved", False, "a reservation covers a requested use"
    PERMITTED = "permitted", False, "a proven permission covers every requested use"
    NOTHING_FOUND = "nothing_found", False, "every place was read; nothing speaks about AI use"
    NOTHING_AGAINST = "nothing_against", False, "what was found does not speak against the requested uses"
    PERMISSION_UNKNOWN_SIGNER = (
        "permission_unknown_signer",
        False,
        "a permission by a signer who is on no trust list counts as nothing",
    )
    PERMISSION_NOT_TRUSTED = (
        "permission_not_trusted",
        False,
        "a permission by a known signer whom no trust entry lets permit",
    )
    PERMISSION_OUT_OF_SCOPE = (
        "permission_out_of_scope",
        False,
        "the trust entry does not cover this key or ISRC",
    )
    PERMISSION_STALE = (
        "permission_stale",
        False,
        "a permission needs an expiry at most 90 days after its issue, not yet reached",
    )
    PERMISSION_UNPROVEN = (
        "permission_unproven",
        False,
        "a permission without a signature proves nothing",
    )

    # -- the source and its container -------------------------------------------------------
    SOURCE_MISSING = "source_missing", True, "there is no such file"
    SOURCE_FORBIDDEN = "source_forbidden", True, "the file may not be read"
    SOURCE_NOT_A_FILE = "source_not_a_file", True, "not a regular file"
    SOURCE_EMPTY = "source_empty", True, "the file is empty"
    SOURCE_UNREADABLE = "source_unreadable", True, "the bytes could not be read"
    SOURCE_CHANGED = "source_changed", True, "the file changed while it was being read"
    CONTAINER_UNKNOWN = "container_unknown", True, "no container that noai knows recognises the content"
    CONTAINER_MALFORMED = "container_malformed", True, "the content contradicts the rules of its container"
    LIMIT_EXCEEDED = "limit_exceeded", True, "a named limit was reached; not everything was read"
    INTERNAL_ERROR = "internal_error", True, "noai itself failed on this file: please report it"

    # -- archives -----------------------------------------------------------------------------
    ARCHIVE_ERROR = "archive_error", True, "the archive could not be read"
    ARCHIVE_MALFORMED = (
        "archive_malformed",
        True,
        "the archive is cut off or contradicts itself; what follows was not read",
    )
    ARCHIVE_NESTED = "archive_nested", True, "an archive inside an archive, which is not opened"
    MEMBER_UNSUPPORTED = (
        "member_unsupported",
        True,
        "a member is encrypted, sparse or compressed in a way that is not read",
    )
    SIDECAR_APART = (
        "sidecar_apart",
        True,
        "a sidecar stands away from its track, which was judged without it",
    )
    EXTRA_MISSING = "extra_missing", True, "reading this takes a package that is not installed"
    SAMPLE_REJECTED = "sample_rejected", False, "another track of its sample is not admitted"

    # -- what a container's tag area shows ---------------------------------------------------
    TAG_UNREADABLE = "tag_unreadable", True, "a tag area or an item in it could not be read"
    TAG_ENCRYPTED = "tag_encrypted", True, "an encrypted frame was not opened"
    TAG_COMPRESSED = "tag_compressed", True, "a compressed frame was not inflated"
    TAG_HIDDEN = "tag_hidden", True, "a statement stands in padding or in a box that no reader opens"
    TAG_DUPLICATE = "tag_duplicate", False, "several tag areas of one kind; all were read"
    REMOTE_MANIFEST = (
        "remote_manifest",
        True,
        "the file points to a C2PA manifest elsewhere, which was not fetched",
    )
    SIDECAR_UNREADABLE = (
        "sidecar_unreadable",
        True,
        "a sidecar file stands beside the track but could not be read",
    )

    # -- a marker: the envelope --------------------------------------------------------------
    MARKER_MALFORMED = "marker_malformed", True, "the value of the marker's tag is not a token"
    TOKEN_TOO_LARGE = "token_too_large", True, "a token is longer than 16 KiB"
    TOKEN_TOO_MANY = "token_too_many", True, "more tokens than are checked"
    TOKEN_ENCODING = "token_encoding", True, "base64url, UTF-8 or JSON is not strict"
    TOKEN_DUPLICATE_MEMBER = "token_duplicate_member", True, "an object names one member twice"
    TOKEN_NUMBER = "token_number", True, "a number is not an integer below 2**53"
    TOKEN_DEPTH = "token_depth", True, "JSON nests deeper than 8"
    HEADER_MEMBERS = "header_members", True, "the header's members are not exactly alg, typ, kid, x5c"
    ALG_REFUSED = "alg_refused", True, "the algorithm is not one that markers may use"
    TYPE_MISMATCH = "type_mismatch", True, "the token is of another type"
    CHAIN_MALFORMED = "chain_malformed", True, "x5c does not hold one to five certificates"
    KID_MISMATCH = "kid_mismatch", True, "kid is not the thumbprint of the leaf's key"
    KEY_MISMATCH = "key_mismatch", True, "the leaf's key is not of the kind that alg asks for"
    KEY_WEAK = "key_weak", True, "the RSA key is outside 2048 to 4096 bits or its exponent is not 65537"
    PAYLOAD_VERSION = "payload_version", True, "the payload is not of version 1"
    PAYLOAD_MEMBERS = "payload_members", True, "a member of the payload is missing or of the wrong kind"
    USES_EMPTY = "uses_empty", True, "the payload states no use"
    USE_UNKNOWN = "use_unknown", True, "a use that version 1 does not know is denied"
    PERMISSION_UNKNOWN = "permission_unknown", True, "a permission is not allowed, notAllowed or constrained"
    SIGNATURE_CHECKS_EXHAUSTED = (
        "signature_checks_exhausted",
        True,
        "more signatures than are checked in one file",
    )

    # -- a marker: its checks ----------------------------------------------------------------
    SIGNATURE_INVALID = "signature_invalid", True, "the signature does not verify"
    SIGNER_UNKNOWN = "signer_unknown", False, "the chain is correct but leads to no listed anchor"
    SIGNER_OWN = "signer_own", False, "signed by one of the local identities"
    SIGNER_TRUSTED = "signer_trusted", False, "signed under an entry of the trust list"
    CHAIN_BROKEN = "chain_broken", True, "a certificate is not issued by the next one"
    CERTIFICATE_USAGE = "certificate_usage", True, "a certificate may not be used this way"
    CERTIFICATE_WEAK = "certificate_weak", True, "a certificate is signed with SHA-1 or an unknown algorithm"
    CERTIFICATE_EXTENSION = "certificate_extension", True, "a certificate has an unknown critical extension"
    SIGNER_EXPIRED = "signer_expired", False, "a certificate is not valid at the judged time"
    ESSENCE_MISMATCH = "essence_mismatch", True, "the audio is not the audio that was marked"
    SCHEME_MISMATCH = (
        "scheme_mismatch",
        True,
        "the marker binds with a scheme that the content does not yield",
    )
    ISSUED_IN_FUTURE = "issued_in_future", True, "iat is more than 300 s ahead"
    EXPIRED = "expired", False, "exp is past: permissions ended, reservations stand"
    TIME_UNPROVEN = "time_unproven", False, "no trusted timestamp stands behind iat"
    TIME_PROVEN = "time_proven", False, "a trusted timestamp stands behind iat"
    TIMESTAMP_UNTRUSTED = (
        "timestamp_untrusted",
        False,
        "a timestamp does not verify under any timestamp authority of the trust list",
    )
    TIMESTAMP_UNCHECKED = (
        "timestamp_unchecked",
        False,
        "checking a timestamp takes the package rfc3161-client, which is not installed",
    )
    TIMESTAMP_APART = "timestamp_apart", False, "a trusted timestamp is more than a day from iat, or ahead"
    TIMESTAMP_TOO_MANY = "timestamp_too_many", False, "more timestamps of one marker than are checked"
    TIMESTAMP_ALONE = "timestamp_alone", False, "a timestamp, or what should be one, of no marker in the file"
    SUPERSEDED = "superseded", False, "replaced by a valid marker of the same identity"
    SUPERSEDE_REFUSED = (
        "supersede_refused",
        False,
        "names a marker to replace, but not by the rule; both stand",
    )
    CONTRADICTION = "contradiction", False, "markers say different things; the strictest counts"
    COMPANION = "companion", False, "written by a marking whose marker is present and holds"
    COMPANION_ALONE = (
        "companion_alone",
        False,
        "stands without its marker, or was altered: a reservation of its own",
    )

    # -- consent: grants, revocations, status lists, delegations ---------------------------------
    GRANTED = "granted", False, "a grant that counts stands in for this reservation"
    GRANT_VOID = "grant_void", False, "a statement of consent breaks a rule of its format, and is void"
    GRANT_MEMBER = (
        "grant_member",
        False,
        "a statement of consent has a member that is missing, unknown or of the wrong kind, and is void",
    )
    GRANT_VERSION = "grant_version", False, "a statement of consent of another version is void"
    GRANT_SIGNATURE = "grant_signature", False, "the signature of a statement of consent does not verify"
    GRANT_SIGNER = "grant_signer", False, "the certificate chain of a statement of consent does not hold"
    GRANT_NOT_TRUSTED = "grant_not_trusted", False, "no trust entry lets this signer grant"
    GRANT_OUT_OF_SCOPE = "grant_out_of_scope", False, "the trust entry does not cover this key or ISRC"
    GRANT_OTHER_IDENTITY = (
        "grant_other_identity",
        False,
        "the grant is by another identity than the reservation, and nobody delegated it",
    )
    GRANT_OTHER_TRACK = "grant_other_track", False, "the grant is for other recordings"
    GRANT_OTHER_LICENSEE = "grant_other_licensee", False, "the grant is for another licensee"
    GRANT_OTHER_USE = "grant_other_use", False, "the grant is for other uses"
    GRANT_OTHER_MODEL = "grant_other_model", False, "the grant is for another model, or none was declared"
    GRANT_OTHER_TERRITORY = (
        "grant_other_territory",
        False,
        "the grant is for another territory, or none was declared",
    )
    GRANT_IN_FUTURE = "grant_in_future", False, "a statement of consent is dated more than 300 s ahead"
    GRANT_NOT_BEGUN = "grant_not_begun", False, "the grant begins later"
    GRANT_ENDED = "grant_ended", False, "the grant has ended"
    GRANT_TOO_LONG = (
        "grant_too_long",
        False,
        "a grant without a status list lasts at most 30 days from its issue",
    )
    GRANT_REVOKED = "grant_revoked", False, "the grant was revoked"
    GRANT_MARKER = (
        "grant_marker",
        False,
        "a grant lifts a reservation only if its signature, signer and binding hold",
    )
    STATUS_MISSING = "status_missing", False, "the grant's status list is not at hand"
    STATUS_STALE = "status_stale", False, "the grant's status list should have been renewed by now"
    STATUS_ROLLBACK = "status_rollback", False, "a newer status list was seen before"
    DELEGATED = "delegated", False, "the grant's signer acts for the identity of the reservation"
    DELEGATION_REFUSED = (
        "delegation_refused",
        False,
        "a delegation stands behind the grant, but does not cover it",
    )
    MARKER_REVOKED = "marker_revoked", False, "the identity that made this reservation has revoked it"
    REVOCATION_REFUSED = (
        "revocation_refused",
        False,
        "a revocation of this marker does not take its denials away: it is void, dated ahead, or its signer"
        " is not known as the same identity",
    )

    # -- the essence: where parser and decoder could disagree ----------------------------------
    ESSENCE_EMPTY = "essence_empty", True, "there are no audio samples to bind to"
    ESSENCE_TRUNCATED = "essence_truncated", True, "the audio is cut off"
    ESSENCE_UNREADABLE = "essence_unreadable", True, "the audio could not be read to its end"
    ESSENCE_UNSUPPORTED = "essence_unsupported", True, "no digest is defined for this codec yet"
    AUDIO_IN_TAG = "audio_in_tag", True, "audio frames lie inside a stripped tag"
    TAG_IN_AUDIO = "tag_in_audio", True, "a tag stands inside what the file declares to be audio"
    AUDIO_SHIFTED = "audio_shifted", True, "a tag in front shifts audio that is found by its offset"
    POLYGLOT = "polyglot", True, "players of another format find audio of their own in the file"
    ID3_SIZE = "id3_size", True, "an ID3 size is not syncsafe or runs past the file"
    ID3_VERSION = "id3_version", True, "an ID3 tag of another version than 2, 3 or 4"
    ID3_PADDING = "id3_padding", True, "the padding of an ID3 tag is not zero (marking repairs it)"
    MP3_FREE_FORMAT = "mp3_free_format", True, "a free-format MPEG frame"
    MP3_SYNC = "mp3_sync", True, "bytes between MPEG frames that decoders treat differently"
    XING_COUNT = "xing_count", False, "the Info frame announces more or less audio than there is"
    FRAME_SYNC = "frame_sync", True, "bytes between frames, blocks or packets that decoders treat differently"
    FRAME_HEADER = "frame_header", True, "headers of frames, blocks or packets contradict each other"
    SEEK_TABLE = "seek_table", True, "the table of frames contradicts the audio"
    FLAC_BLOCKS = "flac_blocks", True, "the metadata blocks contradict each other"
    FLAC_SYNC = "flac_sync", True, "what follows the metadata blocks is not an audio frame"
    OGG_CRC = "ogg_crc", True, "a page checksum is wrong"
    OGG_PAGES = "ogg_pages", True, "pages are missing, out of order or interleaved with other bytes"
    OGG_GRANULES = "ogg_granules", True, "granule positions make players leave audio out"
    OGG_GRANULE_ORDER = "ogg_granule_order", False, "granule positions go backwards; nothing was left unread"
    SAMPLES_OUTSIDE_MDAT = "samples_outside_mdat", True, "sample tables point outside mdat"
    SAMPLES_OVERLAP = "samples_overlap", True, "samples overlap"
    BOX_MISPLACED = "box_misplaced", True, "a box that players obey stands where it does not belong"
    MOOV_DUPLICATE = "moov_duplicate", True, "several moov boxes"
    FRAGMENT_SEQUENCE = (
        "fragment_sequence",
        True,
        "fragments are repeated, out of order or far apart, or an index leaves some of them out",
    )
    EDIT_HIDES_AUDIO = "edit_hides_audio", True, "an edit list or duration hides audio"
    CHUNK_DUPLICATE = "chunk_duplicate", True, "several data or fmt chunks"
    CHUNK_SIZE = "chunk_size", True, "a chunk or RIFF size contradicts the file"
    ASF_OBJECTS = "asf_objects", True, "objects of an ASF header contradict each other or the file"
    EBML_STRUCTURE = "ebml_structure", True, "EBML elements that players could read in different ways"
    TRAILING_AUDIO = "trailing_audio", True, "bytes after the end of the audio that a decoder could play"

    # -- C2PA ----------------------------------------------------------------------------------
    C2PA_UNREAD = "c2pa_unread", True, "a manifest is present but could not be read"
    C2PA_MALFORMED = "c2pa_malformed", True, "a manifest or assertion is not well-formed"
    C2PA_INVALID = "c2pa_invalid", True, "the manifest does not validate"
    C2PA_STALE = (
        "c2pa_stale",
        False,
        "only the manifest's file hash fails, beside a marker by the same key that holds",
    )
    C2PA_STALE_SILENT = (
        "c2pa_stale_silent",
        False,
        "the file hash of a manifest fails that says nothing about training",
    )
    C2PA_HASH_MISMATCH = "c2pa_hash_mismatch", True, "the manifest was made for other bytes"
    C2PA_INGREDIENT = "c2pa_ingredient", False, "stated by a manifest of an earlier version"
    C2PA_GATHERED = "c2pa_gathered", False, "a gathered assertion: not attributed to the signer"
    C2PA_REDACTED = "c2pa_redacted", True, "a training assertion was redacted or is missing"
    C2PA_DUPLICATE = "c2pa_duplicate", True, "several manifest stores in one file"
    C2PA_TOO_COSTLY = "c2pa_too_costly", True, "the manifest is beyond the limits for checking it"
    C2PA_STOPPED = (
        "c2pa_stopped",
        True,
        "checking the manifest crashed, or was stopped at its limit of time or memory",
    )
    C2PA_UNBOUND = "c2pa_unbound", False, "not the active manifest: nothing binds it to this file"
    C2PA_EXCLUSIONS = "c2pa_exclusions", False, "the manifest leaves other bytes than its own out of its hash"

    # -- vocabularies ------------------------------------------------------------------------
    UNKNOWN_VALUE = "unknown_value", True, "a value that the vocabulary's reader does not understand"
    XMP_MALFORMED = "xmp_malformed", True, "an XMP packet is not well-formed"
    STATEMENT_CUT = "statement_cut", False, "a statement whose token was cut short"

    # -- HTTP --------------------------------------------------------------------------------
    TERMS_ELSEWHERE = "terms_elsewhere", True, "the site names terms of use that were not handed in"
