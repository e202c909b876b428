"""The FHIR API over HTTP: routes, headers, conditions. Source: R4 http.html."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import orjson
from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException

from fhirapp.demo_ehr import bundles
from fhirapp.demo_ehr.capability import capability_statement
from fhirapp.demo_ehr.errors import FhirError, invalid, not_found, outcome
from fhirapp.demo_ehr.interactions import Answer, Interactions, known
from fhirapp.demo_ehr.scopes import Access, as_headers
from fhirapp.demo_ehr.search import Pairs
from fhirapp.demo_ehr.settings import DemoSettings, Resource

FHIR_JSON = "application/fhir+json"
_JSON_TYPES = {FHIR_JSON, "application/json", "application/json-patch+json"}


def create_blueprint(
    settings: DemoSettings,
    api: Interactions,
    access: Callable[[], Access],
    clock: Callable[[], datetime],
    refused: Callable[[str, str], int],
) -> Blueprint:
    """The FHIR base; `access` says what the bearer of this request may do, or raises 401; `refused` orders faults."""
    bp = Blueprint("fhir", __name__, url_prefix="/fhir")

    @bp.get("/metadata")
    def metadata() -> Response:
        date = clock().date().isoformat()
        authorize = f"{settings.base_url}/auth/authorize"
        return fhir_json(capability_statement(settings.fhir_base, authorize, settings.token_url, date))

    @bp.post("", strict_slashes=False)
    def bundle() -> Response:
        return fhir_json(bundles.process(api, body(), access(), refused))

    @bp.get("/<kind>")
    def search(kind: str) -> Response:
        return fhir_json(api.search(kind, _pairs(), access()))

    @bp.post("/<kind>/_search")
    def search_by_form(kind: str) -> Response:
        pairs = [*_pairs(), *((name, value) for name, value in request.form.items(multi=True))]
        return fhir_json(api.search(kind, pairs, access()))

    @bp.post("/<kind>")
    def create(kind: str) -> Response:
        condition = request.headers.get("If-None-Exist")
        return _written(settings, api.create(kind, body(), access(), if_none_exist=condition))

    @bp.put("/<kind>")
    def update_where(kind: str) -> Response:
        return _written(settings, api.update_where(kind, _pairs(), body(), access()))

    @bp.get("/<kind>/<resource_id>")
    def read(kind: str, resource_id: str) -> Response:
        answer = api.read(kind, resource_id, access())
        if request.headers.get("If-None-Match") == answer.version.etag:
            return _with_version(Response(status=304), settings, answer)
        return _with_version(fhir_json(answer.version.resource or {}), settings, answer)

    @bp.put("/<kind>/<resource_id>")
    def update(kind: str, resource_id: str) -> Response:
        condition = request.headers.get("If-Match")
        return _written(settings, api.update(kind, resource_id, body(), access(), if_match=condition))

    @bp.patch("/<kind>/<resource_id>")
    def patch(kind: str, resource_id: str) -> Response:
        condition = request.headers.get("If-Match")
        return _written(settings, api.patch(kind, resource_id, body(), access(), if_match=condition))

    @bp.delete("/<kind>/<resource_id>")
    def delete(kind: str, resource_id: str) -> Response:
        answer = api.delete(kind, resource_id, access(), if_match=request.headers.get("If-Match"))
        return _with_version(Response(status=204), settings, answer)

    @bp.get("/<kind>/<resource_id>/_history")
    def history(kind: str, resource_id: str) -> Response:
        api.read(kind, resource_id, access())
        versions = api.store.history(kind, resource_id)
        entries = [{"resource": one.resource} for one in versions if one.resource]
        return fhir_json({"resourceType": "Bundle", "type": "history", "total": len(entries), "entry": entries})

    @bp.get("/<kind>/<resource_id>/_history/<number>")
    def vread(kind: str, resource_id: str, number: str) -> Response:
        known(kind)
        version = api.store.vread(kind, resource_id, number)
        access().check("r", kind, version.resource)
        if version.resource is None:
            raise FhirError(410, "deleted", f"Version {number} is the deletion.")
        return _with_version(fhir_json(version.resource), settings, Answer(200, version, kind, resource_id))

    @bp.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def unknown(rest: str) -> Response:
        raise not_found("This server has no such operation.")

    bp.before_request(_check_media_types)
    bp.register_error_handler(FhirError, refusal)
    bp.register_error_handler(HTTPException, failure)
    return bp


def refusal(error: FhirError) -> Response:
    """A refusal as an OperationOutcome."""
    return fhir_json(error.outcome(), error.status, as_headers(error))


def failure(error: HTTPException) -> Response:
    """What the web framework refused, or a failure of ours: an OperationOutcome too, and no detail."""
    status = error.code or 500
    return fhir_json(outcome("exception" if status >= 500 else "processing", error.name), status)


def fhir_json(resource: Resource, status: int = 200, headers: Any = None) -> Response:
    """A resource as the response."""
    response = Response(orjson.dumps(resource), status, headers, content_type=f"{FHIR_JSON}; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def body() -> Any:
    """The JSON body. Raises 400, 415."""
    if request.mimetype not in _JSON_TYPES:
        raise FhirError(415, "not-supported", f"Send the body as {FHIR_JSON}.")
    try:
        return orjson.loads(request.get_data())
    except orjson.JSONDecodeError as error:
        raise invalid("The body is not JSON.") from error


def _check_media_types() -> None:
    wanted = request.args.get("_format") or request.headers.get("Accept", "")
    if "xml" in wanted and "json" not in wanted and "*/*" not in wanted:
        raise FhirError(406, "not-supported", f"This server speaks {FHIR_JSON} only.")


def _pairs() -> Pairs:
    return list(request.args.items(multi=True))


def _written(settings: DemoSettings, answer: Answer) -> Response:
    preference = request.headers.get("Prefer", "")
    minimal = "return=minimal" in preference
    response = fhir_json({} if minimal else answer.version.resource or {}, answer.status)
    if minimal:
        response.set_data(b"")
    response.headers["Location"] = f"{settings.fhir_base}/{answer.place}"
    return _with_version(response, settings, answer)


def _with_version(response: Response, settings: DemoSettings, answer: Answer) -> Response:
    response.headers["ETag"] = answer.version.etag
    response.headers["Last-Modified"] = format_datetime(answer.version.written, usegmt=True)
    return response
