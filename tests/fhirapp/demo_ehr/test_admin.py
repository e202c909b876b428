from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from fhirapp.demo_ehr.app import DemoEhr
from fhirapp.demo_ehr.server import serving
from tests.fhirapp.demo_ehr.conftest import a_patient, settings_for


def control(ehr: DemoEhr, method: str, path: str, json: Any = None) -> requests.Response:
    return requests.request(method, f"{ehr.settings.base_url}/_admin/{path}", json=json, timeout=10)


def fhir(ehr: DemoEhr, method: str, path: str, json: Any = None, timeout: float = 10) -> requests.Response:
    headers = {"Content-Type": "application/fhir+json"} if json else {}
    return requests.request(method, f"{ehr.settings.fhir_base}/{path}", json=json, headers=headers, timeout=timeout)


TASK = {"resourceType": "Task", "status": "requested", "intent": "order"}


def test_without_the_setting_there_are_no_controls():
    with serving(lambda base: settings_for(base, admin=False)) as ehr:
        assert control(ehr, "GET", "counts").status_code == 404
        assert control(ehr, "POST", "reset").status_code == 404


def test_another_host_name_is_refused(open_ehr: DemoEhr):
    answer = requests.get(f"{open_ehr.settings.base_url}/", headers={"Host": "evil.example"}, timeout=5)
    assert answer.status_code == 421


def test_another_site_cannot_work_the_controls(open_ehr: DemoEhr):
    url = f"{open_ehr.settings.base_url}/_admin/reset"
    fhir(open_ehr, "POST", "Task", TASK)
    assert requests.post(url, headers={"Origin": "https://evil.example"}, timeout=5).status_code == 403
    assert requests.post(url, headers={"Origin": "null"}, timeout=5).status_code == 403
    assert len(open_ehr.api.store.every("Task")) == 1
    assert requests.post(url, headers={"Origin": open_ehr.settings.base_url}, timeout=5).status_code == 204


def test_the_name_localhost_is_sent_to_the_address_of_this_ehr(open_ehr: DemoEhr):
    port = urlsplit(open_ehr.settings.base_url).port
    answer = requests.get(f"http://localhost:{port}/patients/ada?note=x", allow_redirects=False, timeout=5)
    assert answer.headers["Location"] == f"{open_ehr.settings.base_url}/patients/ada?note=x"


def test_a_status_is_answered_as_often_as_ordered_with_nothing_done(open_ehr: DemoEhr):
    rule = {"status": 503, "retry_after": 7, "path": "^Task", "method": "POST", "times": 1}
    control(open_ehr, "PUT", "faults", [rule])
    first, second = (fhir(open_ehr, "POST", "Task", TASK) for _ in range(2))
    assert (first.status_code, first.headers["Retry-After"], second.status_code) == (503, "7", 201)
    assert len(open_ehr.api.store.every("Task")) == 1
    assert control(open_ehr, "GET", "faults").json()[0]["fired"] == 1


@pytest.mark.parametrize(("kind", "left"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_connection_loses_the_work_or_only_the_answer(open_ehr: DemoEhr, kind: str, left: int):
    control(open_ehr, "PUT", "faults", [{kind: True, "path": "^Task", "times": 1}])
    with pytest.raises(requests.ConnectionError):
        fhir(open_ehr, "POST", "Task", TASK)
    assert len(open_ehr.api.store.every("Task")) == left


def test_a_delayed_answer_can_be_waited_for_between_two_writes(open_ehr: DemoEhr):
    control(open_ehr, "PUT", "faults", [{"after_ms": 1500, "path": "^Task", "times": 1}])
    with pytest.raises(requests.Timeout):
        fhir(open_ehr, "POST", "Task", TASK, timeout=0.5)
    assert len(open_ehr.api.store.every("Task")) == 1


@pytest.mark.parametrize("rule", [{"nonsense": 1}, "delay", {"path": "("}])
def test_a_fault_that_cannot_be_read_is_refused(open_ehr: DemoEhr, rule: Any):
    assert control(open_ehr, "PUT", "faults", [rule]).status_code == 400


def test_the_log_shows_what_was_asked_and_under_which_condition(open_ehr: DemoEhr):
    control(open_ehr, "DELETE", "log")
    headers = {"If-None-Exist": "identifier=urn:x|1", "Content-Type": "application/fhir+json"}
    requests.post(f"{open_ehr.settings.fhir_base}/Task", json=TASK, headers=headers, timeout=5)
    fhir(open_ehr, "GET", "Patient?family=x")
    first, second = control(open_ehr, "GET", "log").json()
    assert (first["method"], first["path"], first["status"]) == ("POST", "Task", 201)
    assert first["if_none_exist"] == "identifier=urn:x|1"
    assert second["path"] == "Patient?family=x"
    assert [line["number"] for line in control(open_ehr, "GET", f"log?since={first['number']}").json()] == [
        second["number"]
    ]


def test_the_record_can_be_changed_behind_the_services_back(open_ehr: DemoEhr):
    control(open_ehr, "PUT", "resources/Patient/ada", a_patient("ada", "Renamed"))
    patched = control(open_ehr, "PATCH", "resources/Patient/ada", [{"op": "add", "path": "/active", "value": False}])
    assert patched.json()["active"] is False
    assert fhir(open_ehr, "GET", "Patient/ada").json()["meta"]["versionId"] == "3"


def test_a_reset_is_back_at_the_charts(open_ehr: DemoEhr):
    fhir(open_ehr, "POST", "Task", TASK)
    control(open_ehr, "PUT", "faults", [{"status": 500}])
    assert control(open_ehr, "POST", "reset").status_code == 204
    assert fhir(open_ehr, "GET", "Task").json()["total"] == 0
    assert fhir(open_ehr, "GET", "Patient/ada").json()["meta"]["versionId"] == "1"


def test_a_launch_can_be_made_for_a_script(open_ehr: DemoEhr):
    url = control(open_ehr, "POST", "launch", {"patient": "ada", "appContext": "x"}).json()["url"]
    query = parse_qs(urlsplit(url).query)
    assert url.startswith(open_ehr.settings.launch_url + "?")
    assert query["iss"] == [open_ehr.settings.fhir_base]
    launch = open_ehr.tokens.launch(query["launch"][0])
    assert launch is not None
    assert (launch.patient, launch.app_context) == ("ada", "x")
    assert control(open_ehr, "POST", "launch", {"patient": "nobody"}).status_code == 404


def test_the_clock_can_be_set_ahead(open_ehr: DemoEhr):
    control(open_ehr, "PUT", "clock", {"offset_seconds": 86400 * 400})
    made = fhir(open_ehr, "POST", "Task", TASK).json()
    ahead = datetime.fromisoformat(made["meta"]["lastUpdated"]) - datetime.now(UTC)
    assert timedelta(days=399) < ahead < timedelta(days=401)
