"""Bad input over HTTP: the documented answer, an OperationOutcome, and nothing written anywhere."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import requests
import sqlalchemy as sa

from fhirapp.referrals.referral import Referral
from tests.world import World

SERVICE = "exercise-referral"


def call(world: World, body: Any, service: str = SERVICE, token: str | None = None) -> requests.Response:
    url = f"{world.url}/cds-services/{service}"
    bearer = token if token is not None else world.ehr.hooks._assertion(url)
    headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
    data = body if isinstance(body, (bytes, str)) else None
    return requests.post(url, data=data, json=None if data is not None else body, headers=headers, timeout=20)


def a_hook(world: World, **more: Any) -> dict[str, Any]:
    empty = {"resourceType": "Bundle", "type": "searchset", "total": 0}
    keys = requests.get(f"{world.url}/cds-services", timeout=20).json()["services"][0]["prefetch"]
    patient = world.ehr.api.store.read("Patient", "ada-refer")
    return {
        "hook": "patient-view",
        "hookInstance": str(uuid.uuid4()),
        "fhirServer": world.ehr.settings.fhir_base,
        "context": {"userId": "Practitioner/dr-lind", "patientId": "ada-refer"},
        "prefetch": {key: patient if key == "patient" else empty for key in keys},
        **more,
    }


def of_another_patient() -> dict[str, Any]:
    lab = {
        "resourceType": "Observation",
        "id": "x",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]},
        "subject": {"reference": "Patient/dan-platelets"},
    }
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": lab}]}


@pytest.fixture
def nothing_is_written(world: World) -> Any:
    yield
    with world.stride.sessions() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Referral)) == 0
    assert world.written("ada-refer") == {"ServiceRequest": [], "CarePlan": [], "Goal": [], "Task": []}


@pytest.mark.usefixtures("nothing_is_written")
class TestNothingIsWritten:
    """Each of these is refused."""

    def test_malformed_json(self, world: World) -> None:
        refused(call(world, b'{"hook": '), 400)

    def test_json_that_is_no_hook(self, world: World) -> None:
        refused(call(world, [1, 2, 3]), 400)

    def test_a_service_that_does_not_exist(self, world: World) -> None:
        refused(call(world, a_hook(world), service="unknown"), 404)

    def test_a_hook_that_this_service_does_not_serve(self, world: World) -> None:
        refused(call(world, a_hook(world, hook="medication-refill")), 400)

    def test_a_chart_of_another_patient(self, world: World) -> None:
        hook = a_hook(world)
        hook["prefetch"]["labs"] = of_another_patient()
        answer = refused(call(world, hook), 400)
        assert "dan-platelets" not in answer.text

    def test_prefetch_that_is_missing_and_cannot_be_fetched(self, world: World) -> None:
        hook = a_hook(world)
        del hook["prefetch"]["conditions"]
        answer = refused(call(world, hook), 412)
        assert "conditions" in answer.text

    def test_a_forged_token(self, world: World) -> None:
        answer = call(world, a_hook(world), token="eyJhbGciOiJub25lIn0.e30.")
        assert answer.status_code == 401
        assert answer.content == b""

    def test_a_token_used_twice(self, world: World) -> None:
        token = world.ehr.hooks._assertion(f"{world.url}/cds-services/{SERVICE}")
        call(world, b"{", token=token)
        assert call(world, a_hook(world), token=token).status_code == 401


def test_a_bundle_with_broken_resources_loses_only_those_and_says_so(world: World) -> None:
    hook = a_hook(world)
    cancer = {
        "resourceType": "Condition",
        "id": "c",
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C50.911"}]},
        "subject": {"reference": "Patient/ada-refer"},
        "onsetDateTime": "2026-05-01",
    }
    broken = {"resourceType": "Condition", "id": ["not", "an", "id"], "code": 17}
    hook["prefetch"]["conditions"] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": broken}, {"resource": cancer}],
    }
    answer = call(world, hook)
    assert answer.status_code == 200
    assert len(answer.json()["cards"]) == 1
    assert world.referral("ada-refer").summary["eligibility"]["condition"] == "Condition/c"


def refused(answer: requests.Response, status: int) -> requests.Response:
    assert answer.status_code == status, answer.text
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["severity"] == "error"
    assert "Traceback" not in answer.text
    return answer
