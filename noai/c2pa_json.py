"""The JSON that goes into the C2PA library and comes out of it: settings, definitions, reports."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

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
                "verify_after_sign": True,
                "verify_after_sign_hash": True,
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


def definition(claim: Claim, media_type: str, title: str | None) -> str:
    """The manifest that says what ``claim`` says."""
    rights = claim.rights
    constraint = claim.constraint_info or rights.terms_url or rights.licence_url or rights.contact or _ASK
    entries = {
        use.value: {"use": permission.value}
        | ({"constraint_info": constraint} if permission is Permission.CONSTRAINED else {})
        for use, permission in claim.uses.items()
    }
    return json.dumps(
        {
            "claim_generator_info": [{"name": GENERATOR, "version": __version__}],
            "format": media_type,
            **({"title": title} if title else {}),
            "assertions": [{"label": TRAINING_MINING, "data": {"entries": entries}}],
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
    """What the library says about the active manifest of one file, uninterpreted."""

    #: ``Trusted``, ``Valid`` or ``Invalid``.
    state: str
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
    def reasons(self) -> str:
        """The failures in the library's words."""
        failures = (*self.failure, *self.ingredient_failure)
        return "; ".join(f"{status.code}: {status.explanation}" for status in failures)


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
            state=str(document.get("validation_state")),
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
