"""The published OpenAPI description is true: generated requests are answered as it says."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from cds_hooks.blueprint import create_blueprint
from cds_hooks.catalogue import SERVICES
from cds_hooks.problems import PROBLEMS
from tests.cds_hooks import builders
from tests.cds_hooks.builders import BASE, a_client, a_prefetch, a_request, an_offer, bearer
from tests.cds_hooks.conftest import Running
from tests.cds_hooks.ports import InMemoryCharts, InMemoryClients, InMemoryFeedbacks, InMemoryIntake

HELD = (
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
)


def an_app() -> Flask:
    app = Flask("openapi-test")
    clients = InMemoryClients({builders.ISSUER: a_client()})
    intake = InMemoryIntake(an_offer())
    app.register_blueprint(
        create_blueprint(
            clients, InMemoryCharts(), intake, InMemoryFeedbacks(), lambda: builders.NOW, BASE, monotonic=lambda: 0.0
        )
    )
    return app


SCHEMA = schemathesis.openapi.from_wsgi("/cds-services/openapi.json", an_app())


@SCHEMA.parametrize()
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_ch_s3_whatever_is_generated_from_the_description_is_answered_as_it_says(case: Any) -> None:
    if "hook" in str(case.body) and isinstance(case.body, dict) and len(case.body) % 2:
        case.body = case.body | {"prefetch": a_prefetch()}  # half of them with a chart, so that some get a card
    case.call_and_validate(headers=bearer(aud=f"{BASE}{case.path}"), checks=HELD)


@SCHEMA.parametrize()
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
def test_ch_j1_whatever_is_generated_is_refused_without_a_token(case: Any) -> None:
    answer = case.call(headers={"Authorization": "Bearer none"})
    allowed = (
        (401,) if case.method == "POST" and case.path != "/cds-services" else (200, 405)
    )  # the generator tries OPTIONS and other methods too
    assert answer.status_code in allowed


def test_the_description_names_each_service_hook_and_status(service: Running) -> None:
    described = service.http.get("/cds-services/openapi.json").get_json()
    statuses = {str(problem.status) for problem in PROBLEMS.values()} | {"200", "401", "500"}
    for one in SERVICES:
        call = described["paths"][f"/cds-services/{one.id}"]["post"]
        assert statuses == set(call["responses"])
        variants = call["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
        (request,) = (variant for variant in variants if variant["properties"]["hook"] == {"const": one.hook})
        assert set(one.needs) <= set(request["properties"]["context"]["required"])


@pytest.mark.parametrize("one", SERVICES, ids=lambda one: one.hook)
def test_a_good_request_of_each_hook_fits_the_description(one: Any, service: Running) -> None:
    empty = {"resourceType": "Bundle", "entry": []}
    fields: dict[str, Any] = {"userId": "Practitioner/1", "encounterId": "e1", "selections": ["ServiceRequest/1"]}
    fields |= {"dispatchedOrders": ["ImagingStudy/1"], "performer": "Organization/1"}
    context = {"patientId": "p1"} | {name: fields.get(name, empty) for name in one.needs}
    request = a_request(hook=one.hook, context=context)
    operation = SCHEMA[f"/cds-services/{one.id}"]["POST"]
    case = operation.Case(body=request, media_type="application/json")
    answer = case.call_and_validate(headers=bearer(aud=f"{BASE}/cds-services/{one.id}"), checks=HELD)
    assert answer.status_code == 200
