"""The JSON that goes into the C2PA library and comes out of it: settings, definitions, reports.

The library never sees the file that a manifest is for. What it signs holds a hard binding that noai made,
and what it says about hard bindings is left aside.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Union

from cryptography import x509

from noai import certificates
from noai._version import __version__
from noai.claim import Claim, Permission
from noai.errors import ManifestError
from noai.limits import MANIFEST_BYTES, MIB

#: The label under which claims go: CAWG training and data mining 1.1.
TRAINING_MINING: Final = "cawg.training-mining"
#: Marks what the library calls trusted as our doing: it does not enforce ``trust_kind``.
TRUST_URI: Final = "urn:noai:trust"
#: What noai's own manifests give as the program that made their claim.
GENERATOR: Final = "noai"
UNTRUSTED: Final = "signingCredential.untrusted"

#: Statuses about the binding to a file, which the library was not shown.
UNBOUND: Final = frozenset(
    {
        "assertion.dataHash.mismatch",
        "assertion.bmffHash.mismatch",
        "assertion.bmffHash.malformed",
        "assertion.dataHash.additionalExclusionsPresent",
    }
)
DATA_HASH: Final = "c2pa.hash.data"
BMFF_HASH: Final = "c2pa.hash.bmff.v3"
#: Room in a store for the ranges that its hash leaves out: eight of the longest, which is more than any
#: container needs. What they do not use is padding, so that a store is as long as its draft.
_RANGES: Final = 8
_RANGE_BYTES: Final = 32
#: From here up the length of the padding itself is always written in two bytes.
_LEAST_PADDING: Final = 256
#: Bytes of an integer below a bound, in CBOR.
_INTEGERS: Final = ((1, 24), (2, 1 << 8), (3, 1 << 16), (5, 1 << 32), (9, 1 << 64))

#: What is not listed here is "gathered": not attributed to the signer.
_CREATED: Final = (TRAINING_MINING, "c2pa.actions", "c2pa.ingredient")
#: Extended key usages that the library takes only when told to; timestamps and OCSP belong to the set.
_USAGES: Final = "\n".join(
    (
        *sorted(usage.dotted_string for usage in certificates.LEAF_USAGES),
        "1.3.6.1.5.5.7.3.8",
        "1.3.6.1.5.5.7.3.9",
    )
)
#: What stands for a constraint where the claim gives none: without one, constrained means notAllowed.
_ASK: Final = "Ask the rights holder for permission."


@lru_cache(maxsize=16)
def settings(anchors: tuple[x509.Certificate, ...]) -> str:
    """Everything that the library does by itself and should not is switched off here.

    It takes unknown keys and garbage for PEM without a word, so anchors come parsed.
    """
    trust: dict[str, object] = {"trust_config": _USAGES}
    if anchors:
        trust["anchors"] = [
            {"trust_kind": "manifest", "trust_uri": TRUST_URI, "trust_anchors": certificates.pem(anchors)}
        ]
    return json.dumps(
        {
            "trust": trust,
            "verify": {
                "remote_manifest_fetch": False,
                "ocsp_fetch": False,
                # It is not shown the file. What was signed is validated afterwards, like any other store.
                "verify_after_sign": False,
                "verify_after_sign_hash": False,
            },
            "core": {
                "allowed_network_hosts": [],
                "allow_redirects": False,
                "decode_identity_assertions": False,
                "max_decompressed_manifest_size_in_mb": MANIFEST_BYTES // MIB,
            },
            "builder": {"thumbnail": {"enabled": False}, "created_assertion_labels": _CREATED},
        }
    )


@dataclass(frozen=True)
class DataHash:
    """SHA-256 over a file without some ranges of offset and length (C2PA 2.x, "Data Hash")."""

    digest: bytes
    exclusions: tuple[tuple[int, int], ...] = ()

    def assertion(self) -> dict[str, Any]:
        """
        Raises:
            ManifestError: for more ranges than a store has room for.
        """
        room = _RANGES * _RANGE_BYTES - sum(_range_bytes(*each) for each in self.exclusions)
        if len(self.exclusions) > _RANGES:
            raise ManifestError(f"the manifest would lie in more than {_RANGES} places of the file")
        data: dict[str, Any] = {
            "alg": "sha256",
            "hash": list(self.digest),
            "name": "noai",
            "pad": [0] * (_LEAST_PADDING + room),
        }
        if self.exclusions:
            data["exclusions"] = [{"start": start, "length": length} for start, length in self.exclusions]
        return {"label": DATA_HASH, "data": data}


@dataclass(frozen=True)
class BmffHash:
    """SHA-256 over an ISO base media file without some boxes (C2PA 2.x, "BMFF-Based Hash")."""

    digest: bytes
    #: Paths of the boxes, and what stands at an offset in them.
    exclusions: tuple[tuple[str, tuple[tuple[int, bytes], ...]], ...]

    def assertion(self) -> dict[str, Any]:
        exclusions = [
            {"xpath": path}
            | ({"data": [{"offset": at, "value": list(value)} for at, value in held]} if held else {})
            for path, held in self.exclusions
        ]
        data = {"exclusions": exclusions, "alg": "sha256", "hash": list(self.digest), "name": "noai"}
        return {"label": BMFF_HASH, "data": data}


#: What binds a manifest to its file.
HardBinding = Union[DataHash, BmffHash]


def _range_bytes(start: int, length: int) -> int:
    """Bytes of ``{"start": …, "length": …}`` in CBOR (RFC 8949, section 3)."""
    return 1 + 6 + _integer_bytes(start) + 7 + _integer_bytes(length)


def _integer_bytes(value: int) -> int:
    return next(size for size, most in _INTEGERS if value < most)


def definition(claim: Claim, binding: HardBinding, title: str | None) -> str:
    """The manifest that says what ``claim`` says, bound to a file.

    Raises:
        ManifestError: if the binding has no room in it.
    """
    rights = claim.rights
    constraint = claim.constraint_info or rights.terms_url or rights.licence_url or rights.contact or _ASK
    entries = {
        use.value: {"use": permission.value}
        | ({"constraint_info": constraint} if permission is Permission.CONSTRAINED else {})
        for use, permission in claim.uses.items()
    }
    training = {"label": TRAINING_MINING, "data": {"entries": entries}}
    return json.dumps(
        {
            "claim_generator_info": [{"name": GENERATOR, "version": __version__}],
            **({"title": title} if title else {}),
            "assertions": [training, binding.assertion()],
        }
    )


@dataclass(frozen=True)
class Status:
    """One validation status of C2PA 2.x, section 15: its code and the JUMBF URI that it is about."""

    code: str
    url: str
    explanation: str = ""


@dataclass(frozen=True)
class ValidationFacts:
    """What the library says about the active manifest of one store, uninterpreted."""

    active_label: str
    #: How many manifests, the active one included, the library sees.
    manifests: int
    success: tuple[Status, ...]
    failure: tuple[Status, ...]
    informational: tuple[Status, ...]
    #: Failures of earlier manifests that the active one did not itself record.
    ingredient_failure: tuple[Status, ...]
    #: Which trust list made the signer trusted.
    trust_uri: str | None
    #: Serial number of the certificate that the library took for the signer's.
    serial: int | None

    @property
    def problems(self) -> tuple[Status, ...]:
        """All failures but those about the binding to a file."""
        failures = (*self.failure, *self.ingredient_failure)
        return tuple(status for status in failures if status.code not in UNBOUND)


def facts(report: str) -> ValidationFacts:
    """A reader's report.

    Raises:
        ManifestError: if it has another form than is known.
    """
    try:
        document = json.loads(report)
        results = document["validation_results"]
        active = results["activeManifest"]
        label = document["active_manifest"]
        signature = document["manifests"][label].get("signature_info") or {}
        serial = signature.get("cert_serial_number")
        deltas = [delta["validationDeltas"] for delta in results.get("ingredientDeltas") or ()]
        return ValidationFacts(
            active_label=str(label),
            manifests=len(document["manifests"]),
            success=_statuses(active["success"]),
            failure=_statuses(active["failure"]),
            informational=_statuses(active["informational"]),
            ingredient_failure=tuple(s for delta in deltas for s in _statuses(delta["failure"])),
            trust_uri=results.get("trustListUri"),
            serial=None if serial is None else int(serial),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ManifestError(f"the C2PA library's report has an unknown form: {error!r}") from error


def _statuses(items: Sequence[Mapping[str, Any]]) -> tuple[Status, ...]:
    return tuple(
        Status(str(item["code"]), str(item.get("url") or ""), str(item.get("explanation") or ""))
        for item in items
    )
