"""What the client sent, what is fetched, and what stays unread."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cds_hooks.ports import Fetched
from cds_hooks.prefetch import chart_from
from cds_hooks.schemas import decode_hook
from mappings.bundle import Part
from mappings.queries import QUERIES
from tests.cds_hooks import builders
from tests.cds_hooks.builders import (
    FHIR_SERVER,
    TOKEN,
    a_bundle,
    a_client,
    a_condition,
    a_patient,
    a_prefetch,
    a_request,
    access,
    an_outcome,
)
from tests.cds_hooks.conftest import Running
from tests.cds_hooks.ports import InMemoryCharts

REQUIRED = frozenset(query.key for query in QUERIES if query.required)
OPTIONAL = frozenset(query.key for query in QUERIES if not query.required)


def with_token(**prefetch: Any) -> dict[str, Any]:
    return a_request(fhirServer=FHIR_SERVER, fhirAuthorization=access(), prefetch=a_prefetch(**prefetch))


def ehr_answers(**changes: Any) -> dict[str, bytes]:
    return {key: json.dumps(value).encode() for key, value in a_prefetch(**changes).items()}


def test_patient_and_conditions_are_required_and_labs_are_not():
    assert {"patient", "conditions"} <= REQUIRED
    assert "labs" in OPTIONAL


STATES = {  # what the client gives -> unread without a token, fetched with one
    "absent": (..., True),
    "null": (None, False),
    "an empty Bundle": (a_bundle(), False),
    "a Bundle": (a_bundle(a_condition()), False),
    "a resource": (a_condition(), False),
    "an OperationOutcome": (an_outcome(), True),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("key", ["labs", "procedures"])
def test_ch_p4_ch_p5_the_six_states_of_an_optional_key_without_access(service: Running, state: str, key: str):
    value, unread = STATES[state]
    response = service.call(a_request(prefetch=a_prefetch(**{key: value})))
    assert response.status_code == 200  # CH-P7: degraded, not refused
    (chart,) = service.intake.charts
    assert (key in chart.unread) is unread
    assert not service.charts.calls  # CH-F1: no token, no call


@pytest.mark.parametrize("state", STATES)
def test_ch_p4_ch_f7_the_six_states_of_an_optional_key_with_access(service: Running, state: str):
    value, fetched = STATES[state]
    service.charts.answers = ehr_answers()
    assert service.call(with_token(labs=value)).status_code == 200
    (chart,) = service.intake.charts
    assert not chart.unread
    assert [keys for _, _, keys in service.charts.calls] == ([("labs",)] if fetched else [])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("patient", ...),
        ("patient", None),
        ("patient", an_outcome()),
        ("conditions", ...),
        ("conditions", an_outcome()),
    ],
)
def test_ch_p6_ch_s3_a_required_key_that_cannot_be_had_is_412_and_is_named(service: Running, key: str, value: Any):
    response = service.call(a_request(prefetch=a_prefetch(**{key: value})))
    assert response.status_code == 412
    (issue,) = response.get_json()["issue"]
    assert key in issue["details"]["text"]
    assert issue["expression"] == [f"prefetch.{key}"]
    assert service.nothing_written


def test_ch_p6_no_prefetch_at_all_is_412_naming_all_required_keys(service: Running):
    response = service.call(a_request(prefetch=...))
    assert response.status_code == 412
    assert {one.removeprefix("prefetch.") for one in response.get_json()["issue"][0]["expression"]} == REQUIRED


def test_ch_p6_a_required_key_that_the_ehr_refuses_is_412(service: Running):
    service.charts.answers = {}
    assert service.call(with_token(conditions=...)).status_code == 412
    service.charts.answers = ehr_answers(conditions=an_outcome())
    assert service.call(with_token(conditions=...)).status_code == 412


def test_ch_p5_no_conditions_is_an_answer_where_the_client_looked(service: Running):
    assert service.call(a_request(prefetch=a_prefetch(conditions=None))).status_code == 200


def test_ch_f3_ch_f7_without_prefetch_everything_is_fetched_in_one_go_with_the_token(service: Running):
    service.charts.answers = ehr_answers()
    by_prefetch = service.call(a_request()).get_json()
    by_query = service.call(with_token() | {"prefetch": {}}).get_json()
    assert by_query == by_prefetch
    ((server, token, keys),) = service.charts.calls
    assert (server, token) == (FHIR_SERVER, TOKEN)
    assert set(keys) == {query.key for query in QUERIES}
    assert service.intake.charts[0].resources == service.intake.charts[1].resources


@pytest.mark.parametrize(
    ("scope", "fetched"),
    [
        ("user/*.read", True),
        ("patient/*.rs", True),
        ("launch openid user/Observation.read", True),
        ("user/Observation.rs", True),
        ("user/Observation.cruds?category=laboratory", True),
        ("user/Observation.r", False),  # may read by id, may not search
        ("user/Observation.write", False),
        ("user/Condition.read", False),
        ("", False),
    ],
)
def test_ch_f3_we_stay_inside_the_granted_scopes_of_both_dialects(service: Running, scope: str, fetched: bool):
    service.charts.answers = ehr_answers()
    request = with_token(labs=...) | {"fhirAuthorization": access(scope=scope)}
    assert service.call(request).status_code == 200
    assert bool(service.charts.calls) is fetched
    assert ("labs" in service.intake.charts[0].unread) is not fetched


def test_ch_r4_without_agreed_servers_nothing_is_ever_fetched(service: Running):
    service.clients.clients[builders.ISSUER] = a_client(fhir_servers=frozenset())
    assert service.call(with_token(labs=...)).status_code == 200
    assert not service.charts.calls
    assert "labs" in service.intake.charts[0].unread


def next_page(url: str, *resources: dict[str, Any]) -> dict[str, Any]:
    return a_bundle(*resources, link=[{"relation": "next", "url": url}])


def test_ch_p8_further_pages_are_read_with_the_token(service: Running):
    url = f"{FHIR_SERVER}?_getpages=2"
    service.charts.pages = {url: json.dumps(a_bundle(a_condition("c2"))).encode()}
    assert service.call(with_token(conditions=next_page(url, a_condition("c1")))).status_code == 200
    (chart,) = service.intake.charts
    assert {found.id for kind in chart.resources.values() for found in kind} == {"c1", "c2"}
    assert not chart.unread


def test_ch_p8_pages_of_several_keys_are_read_each_for_its_own(service: Running):
    urls = {"conditions": f"{FHIR_SERVER}?c=2", "procedures": f"{FHIR_SERVER}?p=2"}
    service.charts.pages = {
        urls["conditions"]: json.dumps(a_bundle(a_condition("c2"))).encode(),
        urls["procedures"]: json.dumps(an_outcome()).encode(),
    }
    request = with_token(
        conditions=next_page(urls["conditions"], a_condition("c1")), procedures=next_page(urls["procedures"])
    )
    assert service.call(request).status_code == 200
    (chart,) = service.intake.charts
    assert {found.id for kind in chart.resources.values() for found in kind} == {"c1", "c2"}
    assert chart.unread == {"procedures"}


def a_wordy_outcome() -> dict[str, Any]:
    """An OperationOutcome that says what it is only at its end."""
    issue = {"severity": "error", "code": "exception", "diagnostics": "x" * 5_000}
    return {"issue": [issue], "resourceType": "OperationOutcome"}


@pytest.mark.parametrize(("key", "status"), [("labs", 200), ("conditions", 412)])
def test_ch_p5_an_outcome_that_hides_its_type_at_the_end_is_found_too(service: Running, key: str, status: int):
    prefetch = a_prefetch(**{key: a_wordy_outcome()})
    assert service.call(a_request(prefetch=prefetch)).status_code == status
    assert all(key in chart.unread for chart in service.intake.charts)


def test_a_name_that_mentions_an_outcome_is_no_outcome(service: Running):
    patient = a_patient() | {"name": [{"family": "OperationOutcome"}]}
    assert service.call(a_request(prefetch=a_prefetch(patient=patient))).status_code == 200


@pytest.mark.parametrize("readable", [True, False])
def test_ch_p8_pages_that_cannot_be_read_leave_the_key_unread_and_the_first_page_used(service: Running, readable: bool):
    conditions = next_page(f"{FHIR_SERVER}/Condition?page=2", a_condition("c1"))
    request = with_token(conditions=conditions) if readable else a_request(prefetch=a_prefetch(conditions=conditions))
    assert service.call(request).status_code == 200
    (chart,) = service.intake.charts
    assert "conditions" in chart.unread
    assert [found.id for kind in chart.resources.values() for found in kind] == ["c1"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/fhir/Condition?page=2",
        "https://ehr.example.evil.example/fhir/Condition",
        "https://ehr.example@evil.example/fhir/Condition",
        "https://ehr.example:8443/fhir/Condition",
        "http://ehr.example/fhir/Condition",
        "//evil.example/fhir/Condition",
        "https://ehr.example/admin",
        "https://ehr.example/fhirx/Condition",
        "https://ehr.example/fhir/../admin",
        "https://ehr.example/fhir/%2e%2e/admin",
        "https://ehr.example:99999/fhir",
        "file:///etc/passwd",
    ],
)
def test_ch_f8_the_token_is_never_taken_to_another_place(service: Running, url: str):
    assert service.call(with_token(conditions=next_page(url, a_condition()))).status_code == 200
    assert not service.charts.calls
    assert "conditions" in service.intake.charts[0].unread


def test_ch_p5_an_outcome_among_the_entries_makes_the_key_partly_unread_not_required_again(service: Running):
    conditions = a_bundle(a_condition(), an_outcome())
    assert service.call(a_request(prefetch=a_prefetch(conditions=conditions))).status_code == 200
    assert "conditions" in service.intake.charts[0].unread


def test_ch_p8_a_fetched_key_of_which_a_page_failed_is_used_and_unread(service: Running):
    class HalfAnswering(InMemoryCharts):
        def fetch(self, *args: Any, **named: Any) -> Fetched:
            return Fetched((Part("labs", b'{"resourceType": "Bundle"}'),), frozenset(("labs",)))

    charts = HalfAnswering()
    chart = chart_from(decode_hook(builders.body(with_token(labs=...))), a_client(), charts, until=0)
    assert chart.unread == {"labs"}


def test_a_diagnosis_that_is_just_being_recorded_is_part_of_the_chart(service: Running):
    new = a_condition("new") | {"category": "problem-list-item"}  # invalid, as the published example has it
    context = {"userId": "Practitioner/dr1", "patientId": "p1", "conditions": a_bundle(a_condition("c9"), new)}
    request = a_request(hook="problem-list-item-create", context=context)
    assert service.call(request).status_code == 200
    (chart,) = service.intake.charts
    ids = {found.id for kind in chart.resources.values() for found in kind}
    assert {"c1", "c9"} <= ids
    context["conditions"] = a_bundle(a_condition("c9", patient="p2"))
    assert service.call(a_request(hook="problem-list-item-create", context=context)).status_code == 400


def test_ch_p9_an_encounter_is_never_needed(service: Running):
    assert service.call(a_request()).status_code == 200
    assert not any("encounterId" in query.path for query in QUERIES)


def test_ch_f4_the_token_is_not_in_what_python_shows_of_our_objects():
    hook = decode_hook(builders.body(with_token()))
    assert TOKEN not in repr(hook)
    seen: list[str] = []

    class Watching(InMemoryCharts):
        def fetch(self, *args: Any, **named: Any) -> Any:
            import inspect

            frame = inspect.currentframe()
            while frame is not None:
                seen.append(repr(frame.f_locals.get("self")))
                frame = frame.f_back
            return super().fetch(*args, **named)

    hook = decode_hook(builders.body(with_token(labs=...)))
    chart_from(hook, a_client(), Watching(ehr_answers()), until=0)
    assert seen
    assert not any(TOKEN in shown for shown in seen if "_Gathering" in shown)


def test_a_fetched_chart_of_another_patient_is_refused_like_a_sent_one(service: Running):
    service.charts.answers = ehr_answers(patient=a_patient("p2"))
    assert service.call(with_token(patient=...)).status_code == 400
    assert service.nothing_written
