"""The EHR client against a real FHIR server that misbehaves on order. Source: standards.md 6.1, 6.2."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fhirapp.demo_ehr.app import DemoEhr
from fhirapp.demo_ehr.server import serving
from fhirapp.demo_ehr.settings import DemoSettings
from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.connect import pooled_session
from fhirapp.ehr.errors import EhrConflict, EhrMissing, EhrRefused, EhrUnavailable
from mappings.canonical import RESOURCE_IDENTIFIER

CHART = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": "ada"}},
        *(
            {
                "resource": {
                    "resourceType": "Observation",
                    "id": f"o{number}",
                    "status": "final",
                    "code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]},
                    "subject": {"reference": "Patient/ada"},
                }
            }
            for number in range(25)
        ),
    ],
}


def a_task(value: str = "t-1", status: str = "requested") -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "identifier": [{"system": RESOURCE_IDENTIFIER, "value": value}],
        "status": status,
        "intent": "order",
        "for": {"reference": "Patient/ada"},
    }


@pytest.fixture(scope="module")
def running() -> Iterator[DemoEhr]:
    def settings(base: str) -> DemoSettings:
        return DemoSettings(
            base, base, f"{base}/launch", (), [CHART], require_token=False, admin=True, default_count=10
        )

    with serving(settings) as ehr:
        yield ehr


@pytest.fixture
def ehr(running: DemoEhr) -> Iterator[EhrClient]:
    yield EhrClient(running.settings.fhir_base, lambda: None, pooled_session())
    running.faults.replace([])


def test_wb_3_a_create_repeated_makes_one_resource(ehr: EhrClient, running: DemoEhr) -> None:
    first, second = ehr.create(a_task("wb-3")), ehr.create(a_task("wb-3"))
    assert (first.created, second.created) == (True, False)
    assert first.reference == second.reference


def test_wb_5_a_resource_is_found_by_its_business_identifier(ehr: EhrClient) -> None:
    made = ehr.create(a_task("wb-5"))
    found = ehr.find("Task", RESOURCE_IDENTIFIER, "wb-5")
    assert found is not None
    assert found.reference == made.reference
    assert ehr.find("Task", RESOURCE_IDENTIFIER, "unknown") is None


def test_wb_6_an_update_of_a_stale_copy_is_a_conflict(ehr: EhrClient) -> None:
    made = ehr.create(a_task("wb-6"))
    ehr.update(made, {**made.resource, "status": "accepted"})
    with pytest.raises(EhrConflict):
        ehr.update(made, {**made.resource, "status": "rejected"})


def test_wb_11_every_page_of_a_search_is_read(ehr: EhrClient) -> None:
    query = "Observation?patient=ada&code=http://loinc.org|777-3"
    assert len(list(ehr.pages(query))) == 3


def test_sm_t5_a_page_link_to_another_host_is_refused(ehr: EhrClient) -> None:
    with pytest.raises(EhrRefused, match="another host"):
        ehr.get_bytes("http://198.51.100.1/fhir/Observation?page=2")


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, EhrRefused),
        (401, EhrRefused),
        (403, EhrRefused),
        (404, EhrMissing),
        (409, EhrConflict),
        (410, EhrMissing),
        (412, EhrConflict),
        (422, EhrRefused),
        (429, EhrUnavailable),
        (500, EhrUnavailable),
        (502, EhrUnavailable),
        (503, EhrUnavailable),
    ],
)
def test_each_status_has_its_reaction(ehr: EhrClient, running: DemoEhr, status: int, error: type[Exception]) -> None:
    running.faults.replace([{"path": "^Task", "method": "POST", "status": status}])
    with pytest.raises(error) as caught:
        ehr.create(a_task(f"status-{status}"))
    assert str(status) in str(caught.value)


def test_retry_after_is_heard(ehr: EhrClient, running: DemoEhr) -> None:
    running.faults.replace([{"path": "^Task", "status": 429, "retry_after": 7}])
    with pytest.raises(EhrUnavailable) as caught:
        ehr.read("Task/1")
    assert caught.value.retry_after == 7


def test_a_lost_answer_is_unavailable_and_the_retry_makes_no_second_one(ehr: EhrClient, running: DemoEhr) -> None:
    running.faults.replace([{"path": "^Task", "method": "POST", "drop_after": True, "times": 1}])
    with pytest.raises(EhrUnavailable):
        ehr.create(a_task("lost"))
    assert not ehr.create(a_task("lost")).created


def test_a_refused_token_is_renewed_once_and_then_believed(running: DemoEhr) -> None:
    forgotten: list[int] = []
    tokens = iter(["stale", "also stale", "never asked for"])
    ehr = EhrClient(
        running.settings.fhir_base, lambda: next(tokens), pooled_session(), forget=lambda: forgotten.append(1)
    )
    with pytest.raises(EhrRefused) as caught:
        ehr.read("Patient/ada")
    assert caught.value.status == 401
    assert forgotten == [1]
    assert next(tokens) == "never asked for"


def test_a_server_that_ignores_the_identifier_does_not_fool_us(ehr: EhrClient, running: DemoEhr) -> None:
    ehr.create(a_task("other"))
    whole = running.api.store.every("Task")
    assert len(whole) >= 1
    assert ehr.find("Task", RESOURCE_IDENTIFIER, "not-there") is None
