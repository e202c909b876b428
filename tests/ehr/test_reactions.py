"""Each answer of an EHR has its row: what is raised, what the dead letter says, and that nothing private is in it.

Source: standards.md 6.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from fhirapp.ehr.client import EhrClient, Stored
from fhirapp.ehr.connect import pooled_session
from fhirapp.ehr.errors import EhrConflict, EhrDown, EhrError, EhrMissing, EhrRefused, EhrUnavailable
from fhirapp.ehr.reactions import REACTIONS, reaction_to
from mappings.canonical import RESOURCE_IDENTIFIER
from tests.ehr.between import Between, Fault, Offer, between

EXPECTED: Final[dict[int, type[EhrError]]] = {
    400: EhrRefused, 401: EhrRefused, 403: EhrRefused, 404: EhrMissing, 405: EhrRefused, 406: EhrRefused,
    409: EhrConflict, 410: EhrMissing, 412: EhrConflict, 413: EhrRefused, 415: EhrRefused, 422: EhrRefused,
    428: EhrConflict, 429: EhrDown, 500: EhrUnavailable, 501: EhrRefused, 502: EhrDown, 503: EhrDown, 504: EhrDown,
}  # fmt: skip
PRIVATE: Final = {
    "resourceType": "OperationOutcome",
    "issue": [
        {
            "severity": "error",
            "code": "business-rule",
            "details": {"text": "Ada Marlow has no coverage"},
            "diagnostics": "Patient/ada MRN-123",
            "expression": ["Task.owner"],
        },
        {"severity": "warning", "code": "informational", "expression": ["Task.note"]},
        {"severity": "error", "code": "Ada Marlow", "expression": ["Patient.where(name='Ada')"]},
    ],
}


def a_task(value: str = "r-1") -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "identifier": [{"system": RESOURCE_IDENTIFIER, "value": value}],
        "status": "requested",
        "intent": "order",
        "for": {"reference": "Patient/ada"},
    }


@pytest.fixture(scope="module")
def proxy() -> Iterator[Between]:
    with between("http://127.0.0.1:9/fhir", Offer()) as running:
        yield running


@pytest.fixture
def ehr(proxy: Between) -> EhrClient:
    proxy.faults.clear()
    return EhrClient(proxy.base, lambda: "token", pooled_session(2))


def test_the_table_is_complete() -> None:
    assert {status: row.raises for status, row in REACTIONS.items()} == EXPECTED
    assert reaction_to(418).raises is EhrRefused
    assert reaction_to(599).raises is EhrUnavailable
    for status, row in REACTIONS.items():
        assert row.means
        assert bool(row.what_to_do) == issubclass(row.raises, EhrRefused), f"{status}: a dead letter says who does what"


@pytest.mark.parametrize("status", EXPECTED)
@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
def test_each_status_is_raised_as_its_row_says(proxy: Between, ehr: EhrClient, method: str, status: int) -> None:
    proxy.faults.append(Fault(method, "Task", times=9, status=status, body=PRIVATE, headers={"Retry-After": "7"}))
    with pytest.raises(EhrError) as caught:
        _ask(ehr, method)
    assert type(caught.value) is EXPECTED[status]
    said = str(caught.value)
    assert said.startswith(f"{method} Task: {status}, {REACTIONS[status].means}")
    assert REACTIONS[status].what_to_do in said
    if isinstance(caught.value, EhrUnavailable):
        assert caught.value.retry_after == 7
    else:
        assert caught.value.issues == ("business-rule at Task.owner",)


@pytest.mark.parametrize("status", EXPECTED)
def test_no_message_tells_of_the_patient(proxy: Between, ehr: EhrClient, status: int) -> None:
    proxy.faults.append(Fault("", "", times=9, status=status, body=PRIVATE))
    for path in ("Patient/ada-secret", "Task?patient=ada-secret&name=Marlow"):
        with pytest.raises(EhrError) as caught:
            ehr.get_bytes(path)
        assert not {"secret", "Marlow", "Ada", "MRN"} & set(str(caught.value).replace("/", " ").split())
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [
        {"page": "<html>maintenance</html>"},
        {"page": "[]"},
        {"page": '{"resourceType": "Task", "id": "4'},
        {"drop_before": True},
    ],
)
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_an_answer_that_cannot_be_read_is_no_answer(
    proxy: Between, ehr: EhrClient, method: str, fault: dict[str, Any]
) -> None:
    proxy.faults.append(Fault(method, "", times=9, **fault))
    with pytest.raises(EhrDown):
        _ask(ehr, method)
    with pytest.raises(EhrDown):
        ehr.transaction([{"resource": a_task()}]) if method == "POST" else ehr.find_all("Task", "s", "v")


def test_an_outcome_in_a_search_is_no_hit(proxy: Between, ehr: EhrClient) -> None:
    entries = [
        {"resource": PRIVATE, "search": {"mode": "outcome"}},
        {"resource": {**a_task("mine"), "id": "1"}, "search": {"mode": "match"}},
        {"resource": {**a_task("mine"), "id": "2"}, "search": {"mode": "include"}},
        {"resource": {**a_task("mine"), "id": "3", "status": "entered-in-error"}, "search": {"mode": "match"}},
        {"resource": {**a_task("other"), "id": "4"}, "search": {"mode": "match"}},
    ]
    found = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    proxy.faults.append(Fault("GET", "^Task", times=9, status=200, body=found))
    assert [hit.reference for hit in ehr.find_all("Task", RESOURCE_IDENTIFIER, "mine")] == ["Task/1"]


def test_a_refused_token_is_renewed_once(proxy: Between) -> None:
    forgotten: list[int] = []
    ehr = EhrClient(proxy.base, lambda: "token", pooled_session(2), forget=lambda: forgotten.append(1))
    proxy.faults[:] = [
        Fault("GET", "^Task", status=401),
        Fault("GET", "^Task", status=200, body={**a_task(), "id": "1"}),
    ]
    assert ehr.read("Task/1").reference == "Task/1"
    assert forgotten == [1]
    proxy.faults[:] = [Fault("GET", "^Task", times=9, status=401)]
    with pytest.raises(EhrRefused, match="check our registration"):
        ehr.read("Task/1")
    assert forgotten == [1, 1]


def _ask(ehr: EhrClient, method: str) -> None:
    if method == "POST":
        ehr.create(a_task())
    elif method == "PUT":
        ehr.update(Stored(a_task(), "Task/1", "1"), a_task())
    else:
        ehr.read("Task/1")
