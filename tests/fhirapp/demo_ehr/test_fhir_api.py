from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from fhirapp.demo_ehr.app import DemoEhr, create_demo_ehr, parts_of
from tests.fhirapp.demo_ehr.conftest import a_patient, an_observation, settings_for

SYSTEM = "urn:test"


def call(ehr: DemoEhr, method: str, path: str, json: Any = None, **headers: str) -> requests.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if json is not None:
        sent.setdefault("Content-Type", "application/fhir+json")
    url = f"{ehr.settings.fhir_base}/{path}".rstrip("/")
    return requests.request(method, url, json=json, headers=sent, timeout=20)


def a_request(value: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "identifier": [{"system": SYSTEM, "value": value}],
        "subject": {"reference": "Patient/ada"},
        **more,
    }


def an_entry(method: str, url: str, resource: Any = None, full_url: str = "", **request: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"request": {"method": method, "url": url, **request}}
    if resource:
        entry["resource"] = resource
    if full_url:
        entry["fullUrl"] = full_url
    return entry


def transact(ehr: DemoEhr, *entries: dict[str, Any], kind: str = "transaction") -> requests.Response:
    return call(ehr, "POST", "", {"resourceType": "Bundle", "type": kind, "entry": list(entries)})


def is_outcome(answer: requests.Response) -> bool:
    return (
        answer.json()["resourceType"] == "OperationOutcome"
        and "fhir+json" in answer.headers["Content-Type"]
        and answer.json()["issue"][0]["severity"] == "error"
    )


def test_a_created_resource_has_a_place_a_version_and_an_id_of_the_server_wb_2(open_ehr: DemoEhr):
    made = call(open_ehr, "POST", "ServiceRequest", {**a_request("a"), "id": "mine"})
    body = made.json()
    assert made.status_code == 201
    assert body["id"] != "mine"
    assert made.headers["Location"].endswith(f"/fhir/ServiceRequest/{body['id']}/_history/1")
    assert made.headers["ETag"] == 'W/"1"'
    assert body["meta"]["versionId"] == "1"


def test_a_stale_update_is_refused_and_changes_nothing_wb_6(open_ehr: DemoEhr):
    made = call(open_ehr, "POST", "ServiceRequest", a_request("a"))
    place, body = f"ServiceRequest/{made.json()['id']}", made.json()
    first = call(open_ehr, "PUT", place, {**body, "status": "active"}, If_Match='W/"1"')
    second = call(open_ehr, "PUT", place, {**body, "status": "revoked"}, If_Match='W/"1"')
    assert (first.status_code, first.headers["ETag"]) == (200, 'W/"2"')
    assert second.status_code == 412
    assert is_outcome(second)
    assert call(open_ehr, "GET", place).json()["status"] == "active"


def test_an_update_with_if_match_creates_nothing(open_ehr: DemoEhr):
    made = call(open_ehr, "PUT", "Patient/new", a_patient("new"), If_Match='W/"1"')
    assert made.status_code == 412
    assert call(open_ehr, "GET", "Patient/new").status_code == 404


def test_an_update_keeps_every_element_it_is_given_wb_7(open_ehr: DemoEhr):
    extras = {"extension": [{"url": "urn:x", "valueString": "kept"}], "contained": [{"resourceType": "Basic"}]}
    call(open_ehr, "PUT", "ServiceRequest/s", {**a_request("a", **extras), "id": "s"})
    body = call(open_ehr, "GET", "ServiceRequest/s").json()
    again = call(open_ehr, "PUT", "ServiceRequest/s", body).json()
    assert {k: v for k, v in again.items() if k != "meta"} == {k: v for k, v in body.items() if k != "meta"}
    assert body["extension"] == extras["extension"]


def test_every_version_can_be_read_again(open_ehr: DemoEhr):
    made = call(open_ehr, "POST", "ServiceRequest", a_request("a")).json()
    place = f"ServiceRequest/{made['id']}"
    call(open_ehr, "PUT", place, {**made, "status": "active"})
    assert call(open_ehr, "GET", f"{place}/_history/1").json()["status"] == "draft"
    listed = call(open_ehr, "GET", f"{place}/_history").json()["entry"]
    assert [entry["resource"]["status"] for entry in listed] == ["active", "draft"]
    assert call(open_ehr, "GET", f"{place}/_history/9").status_code == 404


def test_twenty_conditional_creates_at_once_make_one_resource_wb_3(open_ehr: DemoEhr):
    condition = f"identifier={SYSTEM}|race"

    def create(_: int) -> tuple[int, str]:
        made = call(open_ehr, "POST", "ServiceRequest", a_request("race"), If_None_Exist=condition)
        return made.status_code, made.json()["id"]

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(create, range(20)))
    assert sorted(status for status, _ in answers) == [200] * 19 + [201]
    assert len({resource_id for _, resource_id in answers}) == 1


def test_twenty_updates_of_one_version_let_one_through(open_ehr: DemoEhr):
    body = call(open_ehr, "POST", "ServiceRequest", a_request("a")).json()
    place = f"ServiceRequest/{body['id']}"
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: call(open_ehr, "PUT", place, body, If_Match='W/"1"').status_code, range(20)))
    assert sorted(answers) == [200] + [412] * 19


def test_a_condition_that_matches_several_is_refused_wb_3(open_ehr: DemoEhr):
    for _ in range(2):
        call(open_ehr, "POST", "ServiceRequest", a_request("twice"))
    again = call(open_ehr, "POST", "ServiceRequest", a_request("twice"), If_None_Exist=f"identifier={SYSTEM}|twice")
    assert again.status_code == 412


@pytest.mark.parametrize("condition", ["_count=1", "no-such=1", "identifier="])
def test_a_condition_that_says_nothing_is_refused(open_ehr: DemoEhr, condition: str):
    made = call(open_ehr, "POST", "ServiceRequest", a_request("a"), If_None_Exist=condition)
    assert made.status_code in (400, 412)
    assert open_ehr.api.store.every("ServiceRequest") == []


def test_a_transaction_makes_temporary_references_real_even_in_a_circle_wb_9(open_ehr: DemoEhr):
    request = a_request("a", supportingInfo=[{"reference": "urn:uuid:plan"}])
    plan = {
        "resourceType": "CarePlan",
        "status": "draft",
        "intent": "plan",
        "subject": {"reference": "Patient/ada"},
        "activity": [{"reference": {"reference": "urn:uuid:request"}}],
    }
    answer = transact(
        open_ehr,
        an_entry("POST", "ServiceRequest", request, "urn:uuid:request"),
        an_entry("POST", "CarePlan", plan, "urn:uuid:plan"),
    )
    body = answer.json()
    assert body["type"] == "transaction-response"
    assert [entry["response"]["status"] for entry in body["entry"]] == ["201 Created", "201 Created"]
    (request,), (plan,) = (open_ehr.api.store.every(kind) for kind in ("ServiceRequest", "CarePlan"))
    assert request["supportingInfo"] == [{"reference": f"CarePlan/{plan['id']}"}]
    assert plan["activity"][0]["reference"] == {"reference": f"ServiceRequest/{request['id']}"}


@pytest.mark.parametrize(
    ("last", "status"),
    [
        pytest.param(an_entry("PUT", "Patient/ada", a_patient("ada"), ifMatch='W/"7"'), 412, id="stale version"),
        pytest.param(an_entry("PUT", "Patient/ada", a_patient("ben")), 400, id="id in the body is another"),
        pytest.param(an_entry("POST", "NoSuchType", {"resourceType": "NoSuchType"}), 404, id="unknown type"),
        pytest.param(an_entry("DELETE", "Task/none"), 404, id="nothing to delete"),
        pytest.param(an_entry("GET", "Patient?no-such=1"), 400, id="a search that fails"),
    ],
)
def test_of_a_failed_transaction_nothing_stays_wb_9(open_ehr: DemoEhr, last: dict[str, Any], status: int):
    before = {kind: open_ehr.api.store.every(kind) for kind in ("Patient", "ServiceRequest", "Observation")}
    answer = transact(
        open_ehr,
        an_entry("DELETE", "Observation/plt-2"),
        an_entry("POST", "ServiceRequest", a_request("a")),
        an_entry("PUT", "Patient/ben", a_patient("ben", "Changed")),
        last,
    )
    assert answer.status_code == status
    assert is_outcome(answer)
    assert {kind: open_ehr.api.store.every(kind) for kind in before} == before
    assert open_ehr.api.store.read("Patient", "ben")["meta"]["versionId"] == "1"


def test_a_repeated_transaction_with_conditions_writes_nothing_twice(open_ehr: DemoEhr):
    task = {"resourceType": "Task", "status": "requested", "intent": "order", "focus": {"reference": "urn:uuid:r"}}

    def post() -> list[str]:
        entries = (
            an_entry("POST", "ServiceRequest", a_request("a"), "urn:uuid:r", ifNoneExist=f"identifier={SYSTEM}|a"),
            an_entry("POST", "Task", task | {"identifier": [{"value": "t"}]}, ifNoneExist="identifier=t"),
        )
        return [entry["response"]["status"][:3] for entry in transact(open_ehr, *entries).json()["entry"]]

    assert (post(), post()) == (["201", "201"], ["200", "200"])
    (request,), (stored,) = (open_ehr.api.store.every(kind) for kind in ("ServiceRequest", "Task"))
    assert stored["focus"]["reference"] == f"ServiceRequest/{request['id']}"


def test_conditional_references_in_a_transaction_are_resolved(open_ehr: DemoEhr):
    request = a_request("a", requester={"reference": "Practitioner?family=Weber"})
    assert transact(open_ehr, an_entry("POST", "ServiceRequest", request)).status_code == 200
    (stored,) = open_ehr.api.store.every("ServiceRequest")
    assert stored["requester"]["reference"] == "Practitioner/demo-clinician"
    missing = a_request("b", requester={"reference": "Practitioner?family=Nobody"})
    assert transact(open_ehr, an_entry("POST", "ServiceRequest", missing)).status_code == 412


def test_in_a_batch_every_entry_stands_alone(open_ehr: DemoEhr):
    answer = transact(
        open_ehr,
        an_entry("POST", "ServiceRequest", a_request("a")),
        an_entry("GET", "Patient/nobody"),
        an_entry("GET", "Observation?patient=ada"),
        kind="batch",
    )
    entries = answer.json()["entry"]
    assert [entry["response"]["status"][:3] for entry in entries] == ["201", "404", "200"]
    assert entries[1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    assert entries[2]["resource"]["total"] == 1


@pytest.mark.parametrize(
    ("method", "path", "send", "status"),
    [
        pytest.param("GET", "Patient/none", {}, 404, id="no such resource"),
        pytest.param("GET", "Nonsense/1", {}, 404, id="no such type"),
        pytest.param("GET", "Patient/ada/$everything", {}, 404, id="no such operation"),
        pytest.param("GET", "Observation?no-such=1", {}, 400, id="unknown parameter"),
        pytest.param("GET", "Observation?patient.family=X", {}, 400, id="chain"),
        pytest.param("GET", "Observation?date=yesterday", {}, 400, id="no date"),
        pytest.param("GET", "Observation?code=", {}, 400, id="no value"),
        pytest.param("POST", "Observation", {"data": b"{", "type": "application/fhir+json"}, 400, id="broken JSON"),
        pytest.param("POST", "Observation", {"data": b"[]", "type": "application/fhir+json"}, 400, id="no object"),
        pytest.param("POST", "Observation", {"data": b"<a/>", "type": "application/fhir+xml"}, 415, id="XML"),
        pytest.param("POST", "Task", {"data": b'{"resourceType":"Goal"}', "type": "application/json"}, 400, id="type"),
        pytest.param("POST", "", {"data": b'{"resourceType":"Patient"}', "type": "application/json"}, 400, id="base"),
    ],
)
def test_every_error_is_an_operation_outcome(
    open_ehr: DemoEhr, method: str, path: str, send: dict[str, Any], status: int
):
    headers = {"Content-Type": send["type"]} if send else {}
    url = f"{open_ehr.settings.fhir_base}/{path}".rstrip("/")
    answer = requests.request(method, url, data=send.get("data"), headers=headers, timeout=5)
    assert answer.status_code == status
    assert is_outcome(answer)


def test_a_body_that_is_too_large_and_a_failure_of_ours_are_outcomes_too():
    app = create_demo_ehr(settings_for("http://127.0.0.1:1", require_token=False))
    app.config["MAX_CONTENT_LENGTH"] = 10
    client, headers = app.test_client(), {"Host": "127.0.0.1:1", "Content-Type": "application/fhir+json"}
    large = client.post("/fhir/Task", data=b"{" + b" " * 100, headers=headers)
    parts_of(app).api.store.lock = None  # type: ignore[assignment]
    broken = client.get("/fhir/Patient/ada", headers=headers)
    assert (large.status_code, large.get_json(force=True)["resourceType"]) == (413, "OperationOutcome")
    assert (broken.status_code, broken.get_json(force=True)["issue"][0]["code"]) == (500, "exception")
    assert "Traceback" not in broken.text


def test_xml_alone_is_not_acceptable(open_ehr: DemoEhr):
    assert call(open_ehr, "GET", "Patient/ada", Accept="application/fhir+xml").status_code == 406


def test_a_deleted_resource_is_gone_and_not_found_by_search(open_ehr: DemoEhr):
    assert call(open_ehr, "DELETE", "Observation/plt-1").status_code == 204
    assert call(open_ehr, "GET", "Observation/plt-1").status_code == 410
    assert call(open_ehr, "GET", "Observation?patient=ada").json()["total"] == 0


def test_a_patch_that_does_not_apply_changes_nothing(open_ehr: DemoEhr):
    json_patch = "application/json-patch+json"
    good = [{"op": "replace", "path": "/status", "value": "amended"}]
    bad = [*good, {"op": "test", "path": "/status", "value": "final"}]
    assert call(open_ehr, "PATCH", "Observation/plt-1", bad, Content_Type=json_patch).status_code == 422
    assert call(open_ehr, "GET", "Observation/plt-1").json()["status"] == "final"
    stale = call(open_ehr, "PATCH", "Observation/plt-1", good, Content_Type=json_patch, If_Match='W/"9"')
    assert stale.status_code == 412
    assert call(open_ehr, "PATCH", "Observation/plt-1", good, Content_Type=json_patch).json()["status"] == "amended"


def test_the_capability_statement_lists_what_can_be_searched_wb_1(open_ehr: DemoEhr):
    rest = call(open_ehr, "GET", "metadata").json()["rest"][0]
    observation = next(one for one in rest["resource"] if one["type"] == "Observation")
    assert {"code", "date", "patient", "_lastUpdated"} <= {one["name"] for one in observation["searchParam"]}
    assert observation["conditionalCreate"] is True
    assert {"code": "transaction"} in rest["interaction"]


def test_a_page_is_as_long_as_asked_and_next_leads_on_wb_11(open_ehr: DemoEhr):
    for number in range(7):
        call(open_ehr, "POST", "Observation", an_observation("ada", "x", effectiveDateTime=f"2026-10-0{number + 1}"))
    url: str | None = f"{open_ehr.settings.fhir_base}/Observation?patient=ada&_count=3&_sort=-date"
    dates: list[str] = []
    pages = 0
    while url:
        page = requests.get(url, timeout=5).json()
        assert page["total"] == 8
        dates += [entry["resource"]["effectiveDateTime"] for entry in page["entry"]]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
        pages += 1
    assert pages == 3
    assert dates == sorted(dates, reverse=True)
    assert len(dates) == len(set(dates)) == 8
