"""A chart over REST: what is refused is unread, and what is asked beside holds nothing up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from fhirapp.ehr.chart import chart_of
from fhirapp.ehr.errors import EhrError, EhrMissing, EhrRefused, EhrUnavailable
from mappings.bundle import Chart
from mappings.concept_map import ConceptMap
from mappings.from_fhir.snapshot import snapshot_from
from mappings.outcome import Issue, operation_outcome
from models.assessment import assess
from models.decision import Verdict

AS_OF = datetime(2026, 11, 25, 12, tzinfo=UTC)
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SUBJECT = {"reference": "Patient/p"}
HOSPICE = {
    "resourceType": "CarePlan",
    "id": "cp",
    "status": "active",
    "subject": SUBJECT,
    "period": {"start": "2026-11-01"},
    "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "385763009"}]}],
}
CANCER = {
    "resourceType": "Condition",
    "id": "c",
    "subject": SUBJECT,
    "onsetDateTime": "2026-05-01",
    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C50.9"}]},
}


class SmallEhr:
    """Answers by resource type: a list is what a search finds, an error is raised, else nothing is found."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {"Condition": [CANCER]} | answers
        self.asked: list[str] = []

    def pages(self, path: str) -> Iterator[bytes]:
        self.asked.append(path)
        kind = path.split("?")[0].split("/")[0]
        answer = self.answers.get(kind, [])
        if isinstance(answer, EhrError):
            raise answer
        if kind == "Patient":
            yield json.dumps({"resourceType": "Patient", "id": "p", "birthDate": "1960-01-01"}).encode()
            return
        found: Any = answer
        if isinstance(answer, list):
            found = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in answer]}
        yield json.dumps(found).encode()


def read(ehr: SmallEhr, concepts: ConceptMap | None = None) -> tuple[Chart, frozenset[str]]:
    with ThreadPoolExecutor(2) as pool:
        return chart_of(ehr, "p", pool, concepts=concepts)  # type: ignore[arg-type]


def test_a_hospice_plan_is_found_and_makes_the_patient_ineligible() -> None:
    chart, refused = read(SmallEhr(CarePlan=[HOSPICE]))
    assert refused == frozenset()
    assert assess(snapshot_from(chart, as_of=AS_OF)).verdict is Verdict.INELIGIBLE
    without, _ = read(SmallEhr())
    assert assess(snapshot_from(without, as_of=AS_OF)).verdict is not Verdict.INELIGIBLE


@pytest.mark.parametrize(
    "answer",
    [
        EhrRefused("GET CarePlan", 403),
        EhrMissing("GET CarePlan", 404),
        EhrUnavailable("GET CarePlan", 500),
        operation_outcome(Issue("forbidden", "no")),
    ],
    ids=["refused", "not known", "down", "an OperationOutcome"],
)
def test_plans_that_cannot_be_read_are_named_and_hold_nothing_up(answer: Any) -> None:
    chart, refused = read(SmallEhr(CarePlan=answer))
    assert (refused, chart.unread) == (frozenset(), frozenset())
    gaps = assess(snapshot_from(chart, as_of=AS_OF)).gaps
    assert [gap.why for gap in gaps if gap.input == "plans"] == ["unread"]


def test_medicines_from_elsewhere_allergies_visits_and_harms_are_asked_for_and_read() -> None:
    warfarin = {
        "resourceType": "MedicationStatement",
        "id": "ms",
        "status": "active",
        "subject": SUBJECT,
        "effectiveDateTime": "2026-11-01",
        "medicationCodeableConcept": {
            "coding": [
                {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "11289", "display": "warfarin"}
            ]
        },
    }
    ehr = SmallEhr(MedicationStatement=[warfarin])
    chart, _ = read(ehr)
    asked = {path.split("?")[0]: path for path in ehr.asked}
    assert {"MedicationStatement", "AllergyIntolerance", "Appointment", "AdverseEvent"} <= set(asked)
    assert asked["AdverseEvent"].startswith("AdverseEvent?subject=Patient/p&")
    facts = snapshot_from(chart, as_of=AS_OF).facts["vs.anticoag"]
    assert [fact.source for fact in facts] == ["MedicationStatement/ms"]


@pytest.mark.parametrize("error", [EhrRefused("GET", 403), EhrMissing("GET", 404)])
def test_a_search_that_the_ehr_refuses_or_does_not_know_is_unread(error: EhrError) -> None:
    chart, refused = read(SmallEhr(QuestionnaireResponse=error))
    assert refused == {"answers"}
    assert chart.patient is not None


def test_a_patient_who_is_not_there_is_an_error() -> None:
    with pytest.raises(EhrMissing):
        read(SmallEhr(Patient=EhrMissing("GET Patient", 404)))


def test_an_ehr_that_does_not_answer_decides_nothing() -> None:
    with pytest.raises(EhrUnavailable):
        read(SmallEhr(Observation=EhrUnavailable("GET Observation", 503)))


def test_the_codes_of_the_site_are_asked_for() -> None:
    ehr = SmallEhr()
    read(ehr, ConceptMap({("http://lab.example", "PLT"): (("http://loinc.org", "777-3"),)}))
    assert sum("http://lab.example%7CPLT" in path for path in ehr.asked) == 1
