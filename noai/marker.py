"""The payload of marker v1: typed, from and to the JSON of a token (docs/format/marker-v1.md)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Final, TypeVar

from noai.claim import Claim, Companion, Permission, Rights, Superseded, Use, Work
from noai.codes import Code
from noai.encoding import LAST_SECOND, Json, b64url, b64url_decode
from noai.envelope import Token, identifier, require_version
from noai.errors import TokenRefused
from noai.essence import ALGORITHM, EssenceDigest

VERSION: Final = 1
#: A permission may last this long; then it must be said again (DESIGN: Consent).
PERMISSION_LIFETIME: Final = 90 * 24 * 3600
#: Difference of clocks between signer and verifier that is forgiven, in seconds.
CLOCK_SKEW: Final = 300

#: Values of the marker's tag that are a plain opt-out flag, not a token (source ``tag``).
FLAG_VALUES: Final = frozenset({"1", "true", "yes"})

#: Members that got a meaning later. Of another kind they are what they were: unknown, and ignored.
_LATER: Final = frozenset({"ipi", "dpid"})

_Record = TypeVar("_Record", Rights, Work)


@dataclass(frozen=True)
class Marker:
    """What one marker says, about which essence, since when."""

    id: str
    #: Seconds since 1970-01-01 UTC.
    issued_at: int
    essence: EssenceDigest
    claim: Claim
    expires_at: int | None = None
    supersedes: tuple[Superseded, ...] = ()
    companions: tuple[Companion, ...] = ()
    #: base64url SHA-256 of the signing input; None until it is signed.
    input_sha256: str | None = None
    #: Whether it denies a use that version 1 does not know: no silence, though nobody knows of what.
    denies_unknown: bool = False

    def payload(self) -> dict[str, object]:
        """The JSON object that is signed, members in the order of the specification."""
        claim = self.claim
        return {
            "noai": VERSION,
            "id": self.id,
            "iat": self.issued_at,
            "exp": self.expires_at,
            "essence": self.essence.members(),
            "uses": {use.value: permission.value for use, permission in claim.uses.items()},
            "constraint_info": claim.constraint_info,
            "rights": _without_none(asdict(claim.rights)),
            "work": _without_none(asdict(claim.work)),
            "soft": [],
            "supersedes": [asdict(item) for item in self.supersedes],
            "companions": [asdict(item) for item in self.companions],
        }

    def is_fresh(self, now: float) -> bool:
        """Whether a permission of this marker may count at ``now``, seconds since 1970."""
        return (
            self.expires_at is not None
            and self.issued_at < self.expires_at <= self.issued_at + PERMISSION_LIFETIME
            and now < self.expires_at
        )

    @classmethod
    def from_token(cls, token: Token) -> Marker:
        """The marker in a token. Unknown members are ignored.

        Raises:
            TokenRefused: for another version, and for members that are missing or of a wrong kind.
        """
        payload = token.payload
        # 1. Version.
        require_version(payload, "noai", VERSION)
        # 2. What it says, before anything that could be wrong with the rest.
        uses = _uses(payload.get("uses"))
        constraint = payload.get("constraint_info")
        if constraint is not None and not isinstance(constraint, str):
            raise TokenRefused(Code.PAYLOAD_MEMBERS, "constraint_info is not a string")
        claim = Claim(
            uses,
            constraint,
            _record(payload.get("rights"), Rights, "rights"),
            _record(payload.get("work"), Work, "work"),
        )
        # 3. Identity, time and binding.
        return cls(
            id=identifier(payload.get("id"), "id"),
            issued_at=read_instant(payload.get("iat"), "iat"),
            essence=read_essence_member(payload.get("essence")),
            claim=claim,
            expires_at=None if payload.get("exp") is None else read_instant(payload["exp"], "exp"),
            supersedes=tuple(
                Superseded(identifier(item.get("id"), "id"), identifier(item.get("sha256"), "sha256"))
                for item in _objects(payload.get("supersedes"), "supersedes")
            ),
            companions=tuple(
                Companion(
                    identifier(item.get("source"), "source"),
                    identifier(item.get("sha256"), "sha256"),
                )
                for item in _objects(payload.get("companions"), "companions")
            ),
            input_sha256=token.input_sha256,
            denies_unknown=_denies_unknown(payload["uses"]),
        )


def is_flag(value: str) -> bool:
    """Whether a ``NOAI`` value is the hobby flag rather than a token."""
    return value.strip().lower() in FLAG_VALUES


def companion(source: str, value: str) -> Companion:
    """The entry by which a marker lists an unsigned statement that stands beside it."""
    return Companion(source, b64url(hashlib.sha256(value.encode("utf-8")).digest()))


def _uses(value: Json) -> dict[Use, Permission]:
    if not isinstance(value, dict) or not value:
        raise TokenRefused(Code.USES_EMPTY, "uses is missing or empty")
    known = {use.value: use for use in Use}
    permissions = {permission.value: permission for permission in Permission}
    uses: dict[Use, Permission] = {}
    for name, said in value.items():
        if not isinstance(said, str) or said not in permissions:
            raise TokenRefused(Code.PERMISSION_UNKNOWN, f"{name[:60]}: {str(said)[:40]!r}")
        if name in known:
            uses[known[name]] = permissions[said]
    if not uses:
        raise TokenRefused(Code.USES_EMPTY, "uses names no use of version 1")
    return uses


def _denies_unknown(value: Json) -> bool:
    known = {use.value for use in Use}
    return isinstance(value, dict) and any(
        name not in known and said != Permission.ALLOWED.value for name, said in value.items()
    )


def read_essence_member(value: Json) -> EssenceDigest:
    """Raises: TokenRefused, for what names no essence."""
    if not isinstance(value, dict) or value.get("alg") != ALGORITHM:
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"essence is missing or its alg is not {ALGORITHM}")
    digest = value.get("digest")
    data = b64url_decode(digest) if isinstance(digest, str) else b""
    if len(data) != 32:
        raise TokenRefused(Code.PAYLOAD_MEMBERS, "the essence digest is not 32 bytes")
    return EssenceDigest(identifier(value.get("scheme"), "scheme"), data)


def read_instant(value: Json, name: str) -> int:
    """Seconds since 1970. Raises: TokenRefused, for anything that is no instant with a date."""
    if type(value) is not int or not 0 <= value <= LAST_SECOND:
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{name} is not a number of seconds since 1970")
    return value


def _record(value: Json, kind: type[_Record], name: str) -> _Record:
    members = value if value is not None else {}
    if not isinstance(members, dict):
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{name} is not an object")
    known = {field.name: members.get(field.name) for field in fields(kind)}
    known = {key: member for key, member in known.items() if key not in _LATER or isinstance(member, str)}
    texts = {key: text for key, text in known.items() if isinstance(text, str)}
    if len(texts) != sum(text is not None for text in known.values()):
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"a member of {name} is not a string")
    return kind(**texts)


def _objects(value: Json, name: str) -> list[dict[str, Json]]:
    items = value if value is not None else []
    objects = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else None
    if objects is None or not isinstance(items, list) or len(objects) != len(items):
        raise TokenRefused(Code.PAYLOAD_MEMBERS, f"{name} is not a list of objects")
    return objects


def _without_none(members: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}
