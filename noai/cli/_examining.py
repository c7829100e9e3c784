"""Everything that one file holds for noai, gathered for ``noai inspect``."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509

from noai import certificates
from noai._version import __version__
from noai.codes import Code
from noai.combining import resolve
from noai.containers.interface import FieldRole
from noai.containers.registry import detect
from noai.encoding import b64url
from noai.envelope import parse
from noai.errors import NoaiError, TokenRefused
from noai.essence import Violation
from noai.report import Finding, Note
from noai.sidecars import read_sidecars
from noai.signals.interface import Evidence
from noai.sources import open_path
from noai.text import escape_path
from noai.trust import TrustList
from noai.verdict import finding_record, iso
from noai.verifying import all_findings, gather

SCHEMA: Final = "noai.inspect/1"


@dataclass(frozen=True)
class Examination:
    """The facts about one file. ``findings`` are resolved, nothing is judged."""

    path: str
    size: int
    mtime_ns: int
    evidence: Evidence
    findings: tuple[Finding, ...]
    notes: tuple[Note, ...]

    @classmethod
    def of(cls, path: str, trust: TrustList, now: datetime) -> Examination:
        """Raises: SourceError, ContainerError, if the file cannot be read as audio."""
        with ExitStack() as stack:
            data, status = stack.enter_context(open_path(path))
            evidence, notes = gather(data, detect(data), read_sidecars(Path(path)), trust, now)
            findings = resolve(all_findings(evidence), now)
            _ = evidence.essence  # read while the file is open
        return cls(path, status.st_size, status.st_mtime_ns, evidence, findings, notes)

    def record(self) -> dict[str, Any]:
        """The examination as a JSON object, schema ``noai.inspect/1``."""
        area = self.evidence.area
        return {
            "schema": SCHEMA,
            "noai": __version__,
            "path": escape_path(self.path),
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "container": self.evidence.detected.name,
            "essence": self._essence(),
            "findings": [_finding(finding) for finding in self.findings],
            "fields": [
                {"place": item.place, "key": item.key, "role": item.role.value, "value": item.value}
                for item in area.fields
                if item.role is not FieldRole.OTHER
            ],
            "other_fields": sum(item.role is FieldRole.OTHER for item in area.fields),
            "xmp": [{"place": packet.place, "bytes": len(packet.data)} for packet in area.xmp],
            "manifests": [asdict(store) | {"length": store.length} for store in area.manifests],
            "sidecar_manifests": [{"length": len(data)} for data in self.evidence.sidecar_manifests],
            "notes": [_explained(note.code) | {"message": note.message} for note in self.notes],
        }

    def _essence(self) -> dict[str, Any]:
        essence = self.evidence.essence
        if isinstance(essence, Violation):
            return {"error": {"code": essence.code.value, "message": essence.message}}
        return {
            "scheme": essence.digest.scheme,
            "alg": essence.digest.alg,
            "digest": b64url(essence.digest.digest),
            "payload_bytes": essence.payload_bytes,
            "violations": [{"code": v.code.value, "message": v.message} for v in essence.violations],
        }


def _finding(finding: Finding) -> dict[str, Any]:
    record = finding_record(finding)
    record["codes"] = [_explained(code) for code in finding.codes]
    record["value"] = finding.value
    record["marker"] = _marker(finding)
    record["chain"] = [_certificate(certificate) for certificate in _chain(finding)]
    return record


def _marker(finding: Finding) -> dict[str, Any] | None:
    """What the token itself says; its ``uses`` stand in the finding."""
    if finding.marker is None:
        return None
    payload = finding.marker.payload()
    return {name: value for name, value in payload.items() if name != "uses"}


def _chain(finding: Finding) -> tuple[x509.Certificate, ...]:
    if finding.marker is None or finding.value is None:
        return ()
    try:
        return parse(finding.value.strip()).chain
    except TokenRefused:
        return ()


def _certificate(certificate: x509.Certificate) -> dict[str, Any]:
    try:
        names = certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string()
        dates = iso(certificate.not_valid_before_utc), iso(certificate.not_valid_after_utc)
        kid: str | None = certificates.thumbprint(certificate)
    except (ValueError, NoaiError):
        names, dates, kid = ("(unreadable)",) * 2, ("(unreadable)",) * 2, None
    return {
        "subject": names[0],
        "issuer": names[1],
        "not_before": dates[0],
        "not_after": dates[1],
        "kid": kid,
        "sha256": certificates.fingerprint(certificate),
    }


def _explained(code: Code) -> dict[str, Any]:
    return {"code": code.value, "meaning": code.meaning}
