"""The trust list: whom a verifier knows, and what each entry may do.

An entry *identifies* always; it *permits* or *grants* only if it says so. The verifier's own
identities identify and never permit: otherwise whoever runs an ingest could open anybody's track.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from cryptography import x509

from noai import certificates
from noai.codes import Code
from noai.errors import KeyFileError, TrustError
from noai.files import write_private
from noai.report import Check, SignedBy
from noai.words import Word

SCHEMA: Final = "noai.trust/1"
FILE_NAME: Final = "trust.json"


class May(Word):
    """What a trust entry may do."""

    IDENTIFY = "identify"
    PERMIT = "permit"
    GRANT = "grant"


class Kind(Word):
    """Whether all keys under an anchor are one identity (a label's root) or many (a public CA)."""

    SINGLE_PARTY = "single-party"
    AUTHORITY = "authority"


@dataclass(frozen=True)
class TrustEntry:
    """An anchor or pinned leaf, by its certificate.

    ``keys`` (thumbprints) and ``isrc_prefixes`` narrow what a permission by this entry covers;
    empty means no narrowing.
    """

    certificate: x509.Certificate
    may: frozenset[May] = frozenset({May.IDENTIFY})
    kind: Kind = Kind.SINGLE_PARTY
    keys: tuple[str, ...] = ()
    isrc_prefixes: tuple[str, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        return certificates.fingerprint(self.certificate)

    @cached_property
    def spki(self) -> bytes:
        return certificates.spki(self.certificate)

    @property
    def name(self) -> str:
        return certificates.subject(self.certificate)

    def __reduce__(self) -> tuple[object, ...]:
        # A certificate cannot be pickled, its DER can. Sorted: one list has one pickle in every process.
        does = tuple(sorted(may.value for may in self.may))
        packed = (certificates.der(self.certificate), does, self.kind.value, self.keys, self.isrc_prefixes)
        return _unpickled_entry, packed

    def covers(self, kid: str, isrc: str | None) -> bool:
        """Whether a permission by key ``kid`` for the work ``isrc`` is in this entry's scope."""
        if self.keys and kid not in self.keys:
            return False
        return not self.isrc_prefixes or (isrc is not None and isrc.startswith(self.isrc_prefixes))

    def _holds(self, chain: Sequence[x509.Certificate], at: datetime) -> bool:
        """Whether ``chain`` contains this certificate or key, or ends directly below it.

        Anchors match by DER or SPKI, never by name. One that is not in the chain must be valid
        itself, as it would have to be in it.
        """
        if not self.spki:
            return False
        if not certificates.is_authority(self.certificate):
            # A pinned leaf vouches for itself alone, never for what its holder may have issued.
            return certificates.spki(chain[0]) == self.spki
        if any(certificates.spki(certificate) == self.spki for certificate in chain):
            return True
        return certificates.may_issue_chain(self.certificate, chain, at)


@dataclass(frozen=True)
class SignerJudgement:
    """Who a chain leads to. ``check`` is pass, fail or unknown."""

    check: Check
    codes: tuple[Code, ...]
    entry: TrustEntry | None = None
    own: bool = False
    #: All entries of the list under which the chain stands, and the own identities.
    listed: tuple[TrustEntry, ...] = ()
    owned: tuple[TrustEntry, ...] = ()

    @property
    def name(self) -> str | None:
        """The trust entry that identified the signer, for verdicts."""
        if self.entry is None:
            return None
        return f"own:{self.entry.name}" if self.own else f"sha256:{self.entry.fingerprint}"

    def signed_by(self, kid: str, subject: str | None) -> SignedBy:
        """The signer as verdicts show it."""
        return SignedBy(kid, subject, self.name, self.identities(kid))

    def identities(self, kid: str) -> frozenset[str]:
        """Names of the groups, one identity each, into which the trust list puts ``kid``.

        None for a chain that does not hold: it may name anybody's root.
        """
        return frozenset(
            entry.fingerprint
            for entry in ((*self.listed, *self.owned) if self.check is not Check.FAIL else ())
            if entry.kind is Kind.SINGLE_PARTY and (not entry.keys or kid in entry.keys)
        )

    def permits(self, kid: str, isrc: str | None) -> tuple[bool, bool]:
        """Whether an entry may permit at all, and whether this key and work are in the scope of one."""
        entries = self.that_may(May.PERMIT)
        return bool(entries), not entries or any(entry.covers(kid, isrc) for entry in entries)

    def that_may(self, what: May) -> tuple[TrustEntry, ...]:
        """The entries that let this signer do something; own identities let nobody."""
        return tuple(entry for entry in self.listed if what in entry.may)


@dataclass(frozen=True)
class TrustList:
    """Entries and own identities, both held as certificates. Immutable; changes give a new list."""

    entries: tuple[TrustEntry, ...] = ()
    #: Roots (or leaves) of the local identities.
    own: tuple[TrustEntry, ...] = field(default=())
    #: Roots of timestamp authorities, and intermediates that their timestamps leave out. They identify
    #: nobody and permit nothing; they say when something was signed.
    tsa_anchors: tuple[x509.Certificate, ...] = ()

    def __reduce__(self) -> tuple[object, ...]:
        return _unpickled_list, (self.entries, self.own, tuple(map(certificates.der, self.tsa_anchors)))

    def judge(self, chain: Sequence[x509.Certificate], at: datetime) -> SignerJudgement:
        """Who ``chain`` (leaf first, not empty) leads to at the time ``at``.

        An entry that may permit is preferred over one that only identifies, and any entry over an
        own identity: adding an entry on purpose is the stronger statement.
        """
        faults = certificates.chain_faults(chain, at)
        listed = tuple(
            sorted((entry for entry in self.entries if entry._holds(chain, at)), key=lambda e: -len(e.may))
        )
        owned = tuple(entry for entry in self.own if entry._holds(chain, at))
        entry = next(iter((*listed, *owned)), None)
        is_own = bool(owned) and not listed
        if faults:
            return SignerJudgement(Check.FAIL, faults, entry, is_own, listed, owned)
        if entry is None:
            return SignerJudgement(Check.UNKNOWN, (Code.SIGNER_UNKNOWN,))
        code = Code.SIGNER_OWN if is_own else Code.SIGNER_TRUSTED
        return SignerJudgement(Check.PASS, (code,), entry, is_own, listed, owned)

    def with_entry(self, entry: TrustEntry) -> TrustList:
        """This list with ``entry`` added, or put in place of the entry for the same certificate."""
        others = tuple(e for e in self.entries if e.fingerprint != entry.fingerprint)
        return replace(self, entries=(*others, entry))

    def with_tsa_anchors(self, anchors: Iterable[x509.Certificate]) -> TrustList:
        """This list with ``anchors`` added to those of timestamp authorities; each stands there once."""
        return replace(self, tsa_anchors=tuple(dict.fromkeys((*self.tsa_anchors, *anchors))))

    def without(self, prefix: str) -> tuple[TrustList, x509.Certificate]:
        """This list without the one certificate whose fingerprint starts with ``prefix``.

        One that is an entry and a timestamp authority's goes from both.

        Raises:
            TrustError: if none or several do.
        """
        listed = {entry.certificate for entry in self.entries} | set(self.tsa_anchors)
        matching = [c for c in listed if prefix and certificates.fingerprint(c).startswith(prefix.lower())]
        if len(matching) != 1:
            found = "no entry" if not matching else f"{len(matching)} entries"
            raise TrustError(f"{found} of the trust list has a fingerprint starting {prefix!r}")
        (gone,) = matching
        kept = tuple(entry for entry in self.entries if entry.certificate != gone)
        anchors = tuple(anchor for anchor in self.tsa_anchors if anchor != gone)
        return replace(self, entries=kept, tsa_anchors=anchors), gone

    @property
    def anchors(self) -> tuple[x509.Certificate, ...]:
        return tuple(entry.certificate for entry in (*self.entries, *self.own))

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the list's content, hex: which list a verdict was made with."""
        return hashlib.sha256(json.dumps(self._to_json(), sort_keys=True).encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """The same with the own identities, which :attr:`digest` leaves out."""
        return " ".join([self.digest, *sorted(entry.fingerprint for entry in self.own)])

    # -- the file ---------------------------------------------------------------------------

    @classmethod
    def load(cls, home: Path) -> TrustList:
        """The list kept in ``home``; empty if there is none. Own identities are not added here.

        Raises:
            TrustError: if the file is there but is not a whole, valid list: never a part of it.
        """
        path = home / FILE_NAME
        try:
            document = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError) as error:
            raise TrustError(f"{path}: cannot be read: {error}") from None
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise TrustError(f"{path}: is not a trust list of schema {SCHEMA}")
        entries = document.get("entries")
        if not isinstance(entries, list):
            raise TrustError(f"{path}: has no list of entries")
        # Lists of older releases have none.
        anchors = document.get("tsa_anchors", [])
        if not isinstance(anchors, list):
            raise TrustError(f"{path}: tsa_anchors is not a list")
        return cls(
            tuple(_entry(item, str(path)) for item in entries),
            tsa_anchors=tuple(_certificate(item, str(path)) for item in anchors),
        )

    def save(self, home: Path) -> None:
        """Replace the list kept in ``home``, whole or not at all.

        Raises:
            TrustError: if it cannot be written.
        """
        try:
            text = json.dumps(self._to_json(), indent=2) + "\n"
            write_private(home / FILE_NAME, text.encode("utf-8"))
        except OSError as error:
            raise TrustError(f"{home / FILE_NAME}: cannot be written: {error}") from None

    def _to_json(self) -> dict[str, object]:
        anchors = [
            {
                "sha256": certificates.fingerprint(anchor),
                "name": certificates.subject(anchor),
                "certificate": certificates.pem([anchor]),
            }
            for anchor in self.tsa_anchors
        ]
        return {
            "schema": SCHEMA,
            # Left out of a list without any, whose digest stays what it was.
            **({"tsa_anchors": anchors} if anchors else {}),
            "entries": [
                {
                    "sha256": entry.fingerprint,
                    "name": entry.name,
                    "kind": entry.kind.value,
                    "may": sorted(may.value for may in entry.may),
                    "keys": list(entry.keys),
                    "isrc_prefixes": list(entry.isrc_prefixes),
                    "certificate": certificates.pem([entry.certificate]),
                }
                for entry in self.entries
            ],
        }


def entries_from_pem(
    data: bytes,
    name: str,
    may: Iterable[May] = (),
    *,
    kind: Kind = Kind.SINGLE_PARTY,
    keys: tuple[str, ...] = (),
    isrc_prefixes: tuple[str, ...] = (),
) -> tuple[TrustEntry, ...]:
    """One entry a certificate in a PEM file; each identifies, and does what ``may`` adds.

    Raises:
        KeyFileError: if there is no certificate or one is malformed.
    """
    chain = certificates.load_pem_chain(data, name)
    does = frozenset({May.IDENTIFY, *may})
    return tuple(TrustEntry(certificate, does, kind, keys, isrc_prefixes) for certificate in chain)


def _unpickled_entry(
    der: bytes, may: tuple[str, ...], kind: str, keys: tuple[str, ...], isrc_prefixes: tuple[str, ...]
) -> TrustEntry:
    return TrustEntry(certificates.load_der(der), frozenset(map(May, may)), Kind(kind), keys, isrc_prefixes)


def _unpickled_list(
    entries: tuple[TrustEntry, ...], own: tuple[TrustEntry, ...], tsa_anchors: tuple[bytes, ...]
) -> TrustList:
    return TrustList(entries, own, tuple(map(certificates.load_der, tsa_anchors)))


def _certificate(item: object, path: str) -> x509.Certificate:
    if not isinstance(item, dict):
        raise TrustError(f"{path}: an entry is not an object")
    try:
        found = certificates.load_pem_chain(str(item["certificate"]).encode("utf-8"), path)[0]
    except (KeyError, KeyFileError) as error:
        raise TrustError(f"{path}: an entry is damaged: {error}") from None
    if item.get("sha256") != certificates.fingerprint(found):
        raise TrustError(f"{path}: an entry's certificate does not match its fingerprint")
    return found


def _entry(item: object, path: str) -> TrustEntry:
    certificate = _certificate(item, path)
    assert isinstance(item, dict)
    try:
        return TrustEntry(
            certificate,
            frozenset({May.IDENTIFY, *(May(value) for value in _strings(item["may"]))}),
            Kind(item["kind"]),
            _strings(item["keys"]),
            _strings(item["isrc_prefixes"]),
        )
    except (KeyError, ValueError) as error:
        raise TrustError(f"{path}: an entry is damaged: {error}") from None


def _strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("a list of strings was expected")
    return tuple(value)
