"""From a request's bytes to a card with the real reading and the real rules in between."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from cds_hooks.ports import HookCall, Offer
from mappings.bundle import Chart
from mappings.from_fhir.snapshot import snapshot_from
from mappings.queries import QUERIES
from models.proposal import decide
from tests.cds_hooks import builders
from tests.cds_hooks.builders import NOW, a_bundle, a_patient, a_prefetch, a_request
from tests.cds_hooks.conftest import Running
from tests.cds_hooks.hygiene import check_response

YESTERDAY = (NOW - timedelta(days=1)).isoformat()


def really(call: HookCall, chart: Chart) -> Offer:
    """What an intake decides, without its database."""
    decision = decide(snapshot_from(chart, as_of=NOW, unread=chart.unread))
    return builders.an_offer(decision=decision)


@dataclass
class Deciding:
    """The service with real rules, asked with everything in the request, or with a token alone (CH-F7)."""

    running: Running
    by_rest: bool

    def answer(self, **prefetch: Any) -> dict[str, Any]:
        sent, request = a_prefetch(**prefetch), a_request(prefetch=a_prefetch(**prefetch))
        if self.by_rest:
            self.running.charts.answers = {key: builders.body(value) for key, value in sent.items()}
            request = a_request(fhirServer=builders.FHIR_SERVER, fhirAuthorization=builders.access(), prefetch={})
        answer: dict[str, Any] = self.running.call(request).get_json()
        assert bool(self.running.charts.calls) is self.by_rest
        return answer


@pytest.fixture(params=["prefetch", "rest"])
def deciding(service: Running, request: pytest.FixtureRequest) -> Deciding:
    service.intake.offer = really
    return Deciding(service, request.param == "rest")


def a_value(code: str, value: float, unit: str, **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"o-{code}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": YESTERDAY,
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": unit},
    } | changes


def the_card(deciding: Deciding, **prefetch: Any) -> dict[str, Any]:
    body = deciding.answer(**prefetch)
    check_response(body)
    (card,) = body["cards"]
    assert isinstance(card, dict)
    return card


def test_platelets_of_8_are_a_warning_that_says_why_and_suggests_nothing(deciding: Deciding):
    card = the_card(deciding, labs=a_bundle(a_value("777-3", 8, "10*9/L")))
    assert card["indicator"] == "warning"
    assert "suggestions" not in card
    assert "8 ×10⁹/L (2026-11-24) · HEM-01" in card["detail"]


def test_a_chart_without_cancer_is_answered_with_silence(deciding: Deciding):
    assert deciding.answer(conditions=a_bundle()) == {"cards": []}


def test_a_child_is_answered_with_silence(deciding: Deciding):
    child = a_patient() | {"birthDate": "2015-01-01"}
    assert deciding.answer(patient=child) == {"cards": []}


def test_unanswered_questions_are_named_and_hold_the_dose_back(deciding: Deciding):
    card = the_card(deciding)
    assert "not answered: " in card["detail"]
    assert "First week" not in card["detail"]


@pytest.mark.parametrize("key", [query.key for query in QUERIES if not query.required])
def test_ch_p5_ch_p10_each_template_that_was_not_filled_is_missed_and_named(deciding: Deciding, key: str):
    assert f"could not be read: {key}" in the_card(deciding, **{key: ...})["detail"].lower()


def test_conditions_that_are_partly_unread_never_mean_no_cancer(service: Running):
    service.intake.offer = really
    cut = a_bundle(link=[{"relation": "next", "url": "https://ehr.example/fhir?page=2"}])
    card = the_card(Deciding(service, by_rest=False), conditions=cut)
    assert "suggestions" not in card
    assert card["summary"] == "Exercise referral waits for missing information"


def test_ch_g3_a_chart_of_two_hundred_values_is_answered_far_within_half_a_second(service: Running):
    service.intake.offer = really
    values = [a_value("777-3", 150 + n, "10*9/L", id=f"o{n}") for n in range(200)]
    body = builders.body(a_request(prefetch=a_prefetch(labs=a_bundle(*values))))
    service.post(body)  # keys, rules and templates are read once
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        assert service.post(body).status_code == 200
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.5  # the quickest: the machine may be busy
