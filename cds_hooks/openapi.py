"""The OpenAPI description of the CDS service, made from the same tables that serve it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from cds_hooks.catalogue import CDS_HOOKS_VERSION, SERVICES, Service
from cds_hooks.dispatch import ORDER_DISPATCH
from cds_hooks.problems import PROBLEMS

Json = dict[str, Any]

_UUID: Final = {"type": "string", "format": "uuid"}
_TEXT: Final = {"type": "string", "minLength": 1}
_ID: Final = {"type": "string", "pattern": "^[A-Za-z0-9\\-.]{1,64}$"}
_BUNDLE: Final = {
    "type": "object",
    "properties": {"resourceType": {"const": "Bundle"}, "entry": {"type": "array", "items": {"type": "object"}}},
    "required": ["resourceType"],
}
_REFERENCE: Final = "^[A-Z][A-Za-z]+/[A-Za-z0-9\\-.]{1,64}$"
_CONTEXT_FIELDS: Final[dict[str, Json]] = {
    "userId": {"type": "string", "pattern": "^[A-Za-z]+/[A-Za-z0-9\\-.]{1,64}$"},
    "patientId": _ID,
    "encounterId": _ID,
    "selections": {"type": "array", "items": {"type": "string"}},
    "draftOrders": _BUNDLE,
    "conditions": _BUNDLE,
    "appointments": _BUNDLE,
    "dispatchedOrders": {"type": "array", "items": {"type": "string", "pattern": _REFERENCE}, "minItems": 1},
    "performer": {"type": "string", "pattern": _REFERENCE},
    "fulfillmentTasks": {"type": "array", "items": {"type": "object"}},
}
_ALSO: Final = {ORDER_DISPATCH: ("patientId", "fulfillmentTasks")}  # beside what a hook needs; default: below
_USUAL: Final = ("userId", "patientId", "encounterId", "selections")
_SAID: Final = {
    400: "not JSON, a wrong field, a hook that the service is not for, another patient's data, a server not agreed on",
    404: "no service of this id",
    412: "required data that was not sent and cannot be fetched; the body names the keys",
    413: "a larger body than the service reads",
    415: "a media type that is not JSON, or a compressed body",
    500: "the service failed; never an empty list of cards instead",
    503: "the client's public keys cannot be had at the moment",
}


def description(base: str, services: Iterable[Service] = SERVICES) -> Json:
    """The description, OpenAPI 3.1; `base` is the public address with `/cds-services`."""
    ids = sorted({service.id for service in services})
    paths: Json = {"/cds-services": {"get": _discovery()}}
    for name in ids:
        hooks = [service for service in services if service.id == name]
        paths[f"/cds-services/{name}"] = {"post": _call(name, hooks)}
        paths[f"/cds-services/{name}/feedback"] = {"post": _feedback(name)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stride: exercise referral by CDS Hooks",
            "version": CDS_HOOKS_VERSION,
            "description": "CDS Hooks 2.0.1. Unknown fields are ignored everywhere. Every call needs a client's token.",
        },
        "servers": [{"url": base.removesuffix("/cds-services")}],
        "paths": paths,
        "components": {
            "securitySchemes": {"client": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "schemas": _schemas(),
        },
    }


def _discovery() -> Json:
    return {
        "operationId": "discovery",
        "summary": "What is offered",
        "responses": {"200": _json("the services", "Services"), "401": _bare()},
    }


def _call(name: str, hooks: list[Service]) -> Json:
    return {
        "operationId": f"call-{name}",
        "summary": hooks[0].title.render(None),
        "security": [{"client": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"oneOf": [_request(service) for service in hooks]}}},
        },
        "responses": {"200": _json("cards, or none", "Answer"), **_errors()},
    }


def _request(service: Service) -> Json:
    names = (*_ALSO.get(service.hook, _USUAL), *service.needs)
    context = {name: _CONTEXT_FIELDS[name] for name in names}
    return {
        "type": "object",
        "required": ["hook", "hookInstance", "context"],
        "properties": {
            "hook": {"const": service.hook},
            "hookInstance": _UUID,
            "fhirServer": {"type": "string", "format": "uri"},
            "fhirAuthorization": _ref("FhirAuthorization"),
            "context": {"type": "object", "required": ["patientId", *service.needs], "properties": context},
            "prefetch": {"type": "object", "additionalProperties": {"type": ["object", "null"]}},
            "extension": {"type": "object"},
        },
        "dependentRequired": {"fhirAuthorization": ["fhirServer"]},
    }


def _feedback(name: str) -> Json:
    return {
        "operationId": f"feedback-{name}",
        "summary": "What became of cards",
        "security": [{"client": []}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Feedback")}}},
        "responses": {"200": {"description": "kept"}, **_errors()},
    }


def _errors() -> Json:
    statuses = sorted({problem.status for problem in PROBLEMS.values()} | {500})
    return {str(status): _json(_SAID[status], "OperationOutcome") for status in statuses} | {"401": _bare()}


def _bare() -> Json:
    return {"description": "no good token; the body is empty"}


def _json(said: str, schema: str) -> Json:
    return {"description": said, "content": {"application/json": {"schema": _ref(schema)}}}


def _ref(schema: str) -> Json:
    return {"$ref": f"#/components/schemas/{schema}"}


def _object(required: Json, **optional: Any) -> Json:
    return {"type": "object", "required": list(required), "properties": required | optional}


def _list(items: Json, **limits: int) -> Json:
    return {"type": "array", "items": items, **limits}


def _schemas() -> Json:
    coding = _object({"code": _TEXT}, system={"type": "string"}, display={"type": "string"})
    entry = _object(
        {"card": _UUID, "outcome": {"enum": ["accepted", "overridden"]}, "outcomeTimestamp": _moment()},
        acceptedSuggestions=_list(_object({"id": _TEXT})),
        overrideReason=_object({}, reason=coding, userComment={"type": "string"}),
    )
    service = dict.fromkeys(("hook", "id", "title", "description", "version", "hookVersion"), _TEXT)
    action = _object({"type": {"enum": ["create", "update"]}, "description": _TEXT, "resource": {"type": "object"}})
    suggestion = _object(
        {"label": _TEXT, "uuid": _UUID, "actions": _list(action, minItems=1)},
        isRecommended=_BOOLEAN,
        actionSelectionBehavior={"const": "all"},
    )
    card = _object(
        {
            "uuid": _UUID,
            "summary": {**_TEXT, "maxLength": 139},
            "indicator": {"enum": ["info", "warning", "critical"]},
            "source": _object({"label": _TEXT, "topic": coding}, url={"type": "string", "format": "uri"}),
            "detail": _TEXT,
        },
        suggestions=_list(suggestion, minItems=1),
        selectionBehavior={"const": "at-most-one"},
        overrideReasons=_list(coding, minItems=1),
        links=_list(_object({"label": _TEXT, "url": _TEXT, "type": {"enum": ["smart"]}}, appContext=_TEXT), minItems=1),
    )
    access = {"access_token": _TEXT, "token_type": {"const": "Bearer"}, "expires_in": {"type": "integer"}}
    return {
        "Services": _object({"services": _list(_object(service, prefetch={"type": "object"}))}),
        "FhirAuthorization": _object({**access, "scope": {"type": "string"}, "subject": _TEXT}, patient=_TEXT),
        "Answer": _object({"cards": _list(card)}, systemActions=_list(action, minItems=1)),
        "Feedback": _object({"feedback": _list(entry, minItems=1, maxItems=200)}),
        "OperationOutcome": _object(
            {
                "resourceType": {"const": "OperationOutcome"},
                "issue": _list(_object({"severity": _TEXT, "code": _TEXT}), minItems=1),
            }
        ),
    }


_BOOLEAN: Final = {"type": "boolean"}


def _moment() -> Json:
    return {"type": "string", "format": "date-time"}
