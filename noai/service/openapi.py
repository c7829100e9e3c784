"""The contract for machines: OpenAPI 3.1, made from the same tables that the endpoints use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from noai._version import __version__
from noai.claim import ALL_USES, Permission, Profile, Use
from noai.identifiers import Identifier
from noai.limits import CLAIM_TEXT_CHARS
from noai.outcomes import Outcome
from noai.policy import Admission
from noai.report import Check, Depth, SignalSource
from noai.service import marks, media
from noai.service.metrics import CONTENT_TYPE
from noai.service.problems import MEDIA_TYPE, Kind
from noai.service.settings import Settings
from noai.service.uploads import FORM
from noai.verdict import SCHEMA, Decision

Json = dict[str, Any]

_TEXT: Final[Json] = {"type": "string"}
_FLAG: Final[Json] = {"type": "boolean"}
_BYTES: Final[Json] = {"type": "string", "contentMediaType": media.ANYTHING, "format": "binary"}
_USES: Final = [name for use in ALL_USES for name in (use.value, use.value.rpartition(".")[2])]
_SPACES: Final = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_CONTROLS: Final = r"\x00-\x1f\x7f-\x9f"
#: What :func:`noai.declaration.clean_text` takes: no controls, and more than the spaces that it takes off.
_CLEAN: Final[Json] = {
    "type": "string",
    "minLength": 1,
    "maxLength": CLAIM_TEXT_CHARS,
    "pattern": f"^[{_SPACES}]*[^{_SPACES}{_CONTROLS}]([^{_CONTROLS}]*[^{_SPACES}{_CONTROLS}])?[{_SPACES}]*$",
}
_FIELDS: Final = {
    "profile": "What is denied: all five uses; all training and voices; generative training and voices.",
    "deny": "Uses to deny as well.",
    "allow": "Uses to allow, for 90 days. Counts only where the signer is trusted to permit.",
    "constrain": "Uses to deny to everybody who has not agreed to the `constraint`, which has to be given.",
    "constraint": "What has to be agreed on. Without `constrain`, for all that the profile denies.",
    "holder": "Who holds the rights.",
    "contact": "Where to ask for permission.",
    "licence_url": "Where a licence can be had.",
    "title": "The title of the recording.",
    "artist": "Whose recording it is.",
    **{kind.value: f"Its {kind.label}." for kind in Identifier},
    "tags": "Whether title, artist and identifiers that are not given are taken from the file's own tags.",
    "c2pa": "Whether a C2PA manifest goes into the file, where it takes one.",
}
_DETAILS: Final = {
    400: "The request makes no sense: a parameter, a field, the form or the name of the file.",
    401: "The token is missing or wrong.",
    403: "This service does not mark, or the page of another site asks.",
    404: "There is nothing at this address.",
    405: "The address takes other methods.",
    408: "The client sent too slowly.",
    413: "The upload is too large.",
    415: "The body is of a type that is not taken, or of another one than it says.",
    421: "The Host of the request is not one of this service.",
    422: "The file cannot be marked, or what is to be said in it does not fit together; `code` says why.",
    500: "The service failed; nothing is known about the file.",
    503: "The service is busy, stops, cannot store or sign, or takes too long. `Retry-After` says when to "
    "come again.",
}


def document(settings: Settings) -> Json:
    """The document of a service with these settings."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "noai",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Whether a recording is reserved from AI use, by whom, and whether that holds. "
            "Only a verdict with `admitted: true` admits: a refused request is no answer about the file.",
        },
        "servers": [{"url": settings.root_path or "/"}],
        "paths": {
            "/v1/verify": {"post": _verify()},
            "/v1/mark": {"post": _mark()},
            "/v1/identity": {"get": _get("identity", "What this service does", _ref("Service"))},
            "/healthz": {"get": _get("health", "Whether it runs", _object(status={"const": "ok"}))},
            "/metrics": {"get": _get("metrics", "Counters for Prometheus", _TEXT, CONTENT_TYPE)},
            "/openapi.json": {"get": _get("openapi", "This document", {"type": "object"})},
        },
        "components": {
            "schemas": {
                "Verdict": _verdict(),
                "Signal": _signal(),
                "Problem": _problem(),
                "Service": _service(),
            },
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _verify() -> Json:
    question = (
        (
            "use",
            {"type": "array", "items": _enum(_USES)},
            "A use that is asked about; both kinds of training.",
        ),
        ("policy", _enum(Admission), "Admit what is not reserved, or only what is allowed."),
        ("depth", _enum(Depth), "Run every check, or stop once the decision is certain."),
    )
    return {
        "operationId": "verify",
        "summary": "May this file be used?",
        "description": "What is no audio, or cannot be judged, is `undecided`, and is not admitted.",
        "parameters": [
            {"name": name, "in": "query", "description": told, "schema": schema, "explode": True}
            for name, schema, told in question
        ],
        "requestBody": {
            "required": True,
            "content": {
                FORM: {"schema": _form({})},
                media.ANYTHING: {"schema": {**_BYTES, "minLength": 1}},
                "audio/*": {"schema": {**_BYTES, "minLength": 1}},
            },
        },
        "responses": {
            "200": {
                "description": "The verdict record.",
                "content": {"application/json": {"schema": _ref("Verdict")}},
            },
            **_refusals(400, 403, 408, 413, 415, 421, 500, 503),
        },
    }


def _mark() -> Json:
    header = {"schema": _TEXT, "required": True}
    return {
        "operationId": "mark",
        "summary": "Sign a declaration into a file",
        "description": "The sound stays as it is, and so does every other tag. A file that says the same "
        "already comes back as it was.",
        "security": [{"token": []}],
        "requestBody": {
            "required": True,
            "content": {
                FORM: {
                    "schema": _form(
                        {name: {**_field(name), "description": told} for name, told in _FIELDS.items()}
                    )
                }
            },
        },
        "responses": {
            "200": {
                "description": "The marked file.",
                "headers": {
                    "Content-Disposition": {**header, "description": "The name to save it under."},
                    "Noai-Outcome": {"schema": _enum(Outcome), "required": True},
                    "Noai-Notices": {
                        **header,
                        "description": "A JSON array of sentences about what was left out, and why.",
                    },
                },
                "content": {"audio/*": {"schema": _BYTES}, media.ANYTHING: {"schema": _BYTES}},
            },
            **_refusals(400, 401, 403, 408, 413, 415, 421, 422, 500, 503),
        },
    }


def _field(name: str) -> Json:
    if name == "profile":
        return _enum(Profile)
    if name in marks.LISTS:
        return {"type": "array", "items": _enum(_USES), "maxItems": len(ALL_USES)}
    if name in ("tags", "c2pa"):
        return _enum(("true", "false"))
    # What is none of its kind is no schema's to say: 422.
    return _TEXT if name in {kind.value for kind in Identifier} else _CLEAN


def _form(fields: Json) -> Json:
    return {
        "type": "object",
        "properties": {"file": {**_BYTES, "description": "The file, with a filename."}, **fields},
        "required": ["file"],
        "additionalProperties": False,
    }


def _get(name: str, summary: str, schema: Json, media_type: str = "application/json") -> Json:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {"description": summary + ".", "content": {media_type: {"schema": schema}}},
            **_refusals(421, 500),
        },
    }


def _refusals(*statuses: int) -> Json:
    kinds = {kind.status for kind in Kind}
    assert kinds.issuperset(statuses)
    return {
        str(status): {
            "description": _DETAILS[status],
            "content": {MEDIA_TYPE: {"schema": _ref("Problem")}},
        }
        for status in statuses
    }


# -- schemas -------------------------------------------------------------------------------------


def _verdict() -> Json:
    return _object(
        schema={"const": SCHEMA},
        path=_or_null(_TEXT),
        member=_or_null(_TEXT),
        container=_or_null(_TEXT),
        size=_or_null({"type": "integer", "minimum": 0}),
        mtime_ns=_or_null({"type": "integer"}),
        noai=_TEXT,
        depth=_enum(Depth),
        policy=_enum(Admission),
        decision=_enum(Decision),
        admitted=_FLAG,
        marked=_FLAG,
        requested={"type": "array", "items": _enum(Use), "minItems": 1},
        uses=_uses(),
        reasons=_array(_object(code=_TEXT, source=_or_null(_enum(SignalSource)), message=_TEXT)),
        signals=_array(_ref("Signal")),
        sha256=_or_null(_TEXT),
        licensee=_or_null({"const": "declared"}),
        notes=_array(_object(code=_TEXT, message=_TEXT)),
        error=_or_null(_object(code=_TEXT, message=_TEXT)),
    )


def _signal() -> Json:
    return _object(
        source=_enum(SignalSource),
        place=_TEXT,
        uses=_uses(),
        signature=_enum(Check),
        signer=_enum(Check),
        binding=_enum(Check),
        time=_enum(Check),
        codes=_array(_TEXT),
        message=_TEXT,
        signed_by=_or_null(_object(kid=_TEXT, subject=_or_null(_TEXT), trusted_as=_or_null(_TEXT))),
        signed_at=_or_null({"type": "string", "format": "date-time"}),
        id=_or_null(_TEXT),
        lifted=_FLAG,
        granted=_array(_enum(Use)),
    )


def _problem() -> Json:
    schema = _object(
        type={"type": "string", "enum": [kind.type for kind in Kind]},
        title=_TEXT,
        status={"type": "integer", "minimum": 400, "maximum": 599},
        detail=_TEXT,
    )
    schema["properties"]["code"] = {"type": "string", "description": "One of noai's own codes."}
    return schema


def _service() -> Json:
    return _object(
        noai=_TEXT,
        marking=_FLAG,
        identity=_or_null(_object(subject=_TEXT, kid=_TEXT)),
        max_bytes={"type": "integer", "minimum": 1},
        profiles=_array(_enum(Profile)),
        uses=_array(_enum(Use)),
    )


def _object(**members: Json) -> Json:
    """An object that has all of these members; later versions may add others."""
    return {"type": "object", "properties": members, "required": list(members)}


def _array(items: Json) -> Json:
    return {"type": "array", "items": items}


def _uses() -> Json:
    return {
        "type": "object",
        "propertyNames": _enum(Use),
        "additionalProperties": _enum(Permission),
    }


def _enum(words: Iterable[str]) -> Json:
    return {"type": "string", "enum": [str(word) for word in words]}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}
