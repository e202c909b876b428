"""Adverse events of a session, from the resource of that name."""

from __future__ import annotations

from typing import Any

import pytest

from models.assessment import assess
from models.decision import Verdict
from tests.mappings.charts import concept, condition, resource, snapshot_with

SERIOUS = "http://terminology.hl7.org/CodeSystem/adverse-event-seriousness"


def event(seriousness: str | None = "serious", /, **fields: Any) -> Any:
    told = {"seriousness": concept(SERIOUS, seriousness)} if seriousness else {}
    return resource("AdverseEvent", "ae", **({"actuality": "actual", "date": "2026-11-24"} | told | fields))


@pytest.mark.parametrize(("told", "value"), [("serious", "serious"), ("non-serious", "non-serious"), (None, "serious")])
def test_how_serious_it_was_and_in_doubt_it_was(told, value):
    found = snapshot_with(event(told)).latest("adverse_event")
    assert (found.value, found.source, found.when.day) == (value, "AdverseEvent/ae", "2026-11-24")


def test_a_serious_one_holds_and_one_that_was_not_does_not():
    verdicts = [assess(snapshot_with(condition("C50.9"), event(told))).verdict for told in ("serious", "non-serious")]
    assert verdicts[0] is Verdict.HOLD
    assert verdicts[1] is not Verdict.HOLD


@pytest.mark.parametrize(
    "fields",
    [
        {"actuality": "potential"},
        {"date": "2026-12-24"},
        {"suspectEntity": [{"instance": {"reference": "MedicationRequest/1"}}]},
        {"suspectEntity": [{"instance": {"reference": "https://ehr.example/fhir/Device/1"}}]},
    ],
)
def test_what_is_no_event_of_a_session(fields):
    assert snapshot_with(event(**fields)).latest("adverse_event") is None


def test_a_drug_beside_something_else_leaves_the_doubt():
    entities = [{"instance": {"reference": name}} for name in ("MedicationRequest/1", "Procedure/2")]
    assert snapshot_with(event(suspectEntity=entities)).latest("adverse_event") is not None


def test_one_without_a_date_is_named():
    assert [gap.why for gap in snapshot_with(event(date=None)).faults] == ["missing"]
