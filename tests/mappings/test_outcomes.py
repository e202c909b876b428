"""Labels from a record: yes, no, or not known; a silence is never a no."""

from __future__ import annotations

from datetime import datetime

import pytest

from mappings.bulk import History
from mappings.landmarks import referral_of
from mappings.outcomes import died, kept_coming, took_up
from tests.builders import ZONE

INDEX = datetime(2015, 3, 2, 9, 0, tzinfo=ZONE)
SNOMED = "http://snomed.info/sct"
OURS = "https://w3id.org/stride-referral/fhir/CodeSystem/stride-observations"
EXERCISE = {"coding": [{"system": SNOMED, "code": "229065009"}]}


def a_history(*records: dict[str, object], **patient: object) -> History:
    return History("p", {"resourceType": "Patient", "id": "p", **patient}, [(record, b"") for record in records])


def a_visit(day: str, exercise: bool = False, status: str = "finished") -> dict[str, object]:
    return {
        "resourceType": "Encounter",
        "status": status,
        "period": {"start": f"{day}T10:00:00+10:30"},
        **({"type": [EXERCISE]} if exercise else {}),
    }


def a_session(day: str, status: str) -> dict[str, object]:
    return {
        "resourceType": "Appointment",
        "status": status,
        "start": f"{day}T10:00:00+10:30",
        "serviceType": [EXERCISE],
    }


LATER = a_visit("2020-06-01")


@pytest.mark.parametrize(
    ("word", "history", "label"),
    [
        ("dead within five years", a_history(deceasedDateTime="2018-01-01"), 1.0),
        ("dead on the last day", a_history(deceasedDateTime="2020-03-01"), 1.0),
        ("dead after them, so alive then", a_history(deceasedDateTime="2020-03-05"), 0.0),
        ("seen after five years", a_history(LATER), 0.0),
        ("last seen before", a_history(a_visit("2019-12-01")), None),
        ("never seen again", a_history(), None),
        ("dead, nobody knows when", a_history(LATER, deceasedBoolean=True), None),
        ("dead before the day: a fault", a_history(deceasedDateTime="2014-01-01"), None),
    ],
)
def test_death_within_five_years(word, history, label):
    assert died(history, INDEX) == label, word


@pytest.mark.parametrize(
    ("word", "history", "label"),
    [
        ("a first visit within 60 days", a_history(a_visit("2015-04-20", exercise=True)), 1.0),
        ("a first visit too late", a_history(a_visit("2015-06-20", exercise=True)), 0.0),
        (
            "a visit that did not happen",
            a_history(a_visit("2015-04-20", exercise=True, status="cancelled"), LATER),
            0.0,
        ),
        ("another kind of visit", a_history(a_visit("2015-04-20"), LATER), 0.0),
        (
            "a Task finished",
            a_history({"resourceType": "Task", "status": "completed", "code": EXERCISE, "lastModified": "2015-04-01"}),
            1.0,
        ),
        (
            "a plan carried out",
            a_history(
                {
                    "resourceType": "CarePlan",
                    "status": "completed",
                    "category": [EXERCISE],
                    "period": {"start": "2015-03-20"},
                }
            ),
            1.0,
        ),
        ("never seen again", a_history(), None),
        (
            "opted out: another outcome",
            a_history({"resourceType": "ServiceRequest", "status": "revoked", "code": EXERCISE}, LATER),
            None,
        ),
        (
            "said no: another outcome",
            a_history({"resourceType": "Task", "status": "rejected", "code": EXERCISE}, LATER),
            None,
        ),
        ("died meanwhile", a_history(LATER, deceasedDateTime="2015-03-20"), None),
    ],
)
def test_uptake_within_sixty_days(word, history, label):
    assert took_up(history, INDEX) == label, word


def sessions(*statuses: str) -> tuple[dict[str, object], ...]:
    return tuple(a_session(f"2015-03-{10 + n}", status) for n, status in enumerate(statuses))


def counted(attended: int, planned: int) -> dict[str, object]:
    return {
        "resourceType": "Observation",
        "effectiveDateTime": "2015-05-30",
        "code": {"coding": [{"system": OURS, "code": "sessions-attended"}]},
        "valueInteger": attended,
        "component": [
            {"code": {"coding": [{"system": OURS, "code": "sessions-planned"}]}, "valueQuantity": {"value": planned}}
        ],
    }


@pytest.mark.parametrize(
    ("word", "history", "label"),
    [
        ("seven of ten", a_history(*sessions(*["fulfilled"] * 7, *["noshow"] * 3), LATER), 1.0),
        ("six of ten", a_history(*sessions(*["fulfilled"] * 6, *["cancelled"] * 4), LATER), 0.0),
        ("booked ones do not count", a_history(*sessions(*["fulfilled"] * 4, *["booked"] * 6), LATER), 1.0),
        ("too few to tell", a_history(*sessions("fulfilled", "fulfilled", "noshow"), LATER), None),
        ("after twelve weeks does not count", a_history(a_session("2015-07-01", "fulfilled"), LATER), None),
        ("counted by the programme", a_history(counted(20, 24), LATER), 1.0),
        ("the programme's count comes first", a_history(counted(2, 24), *sessions(*["fulfilled"] * 9), LATER), 0.0),
        ("died meanwhile", a_history(*sessions(*["fulfilled"] * 7), deceasedDateTime="2015-04-20"), None),
    ],
)
def test_seventy_percent_of_the_sessions_of_twelve_weeks(word, history, label):
    assert kept_coming(history, INDEX) == label, word


def test_the_day_is_that_of_the_first_referral_to_exercise():
    def request(code: str, day: str) -> dict[str, object]:
        concept = {"coding": [{"system": SNOMED, "code": code}]}
        return {"resourceType": "ServiceRequest", "code": concept, "authoredOn": f"{day}T09:00:00+10:30"}

    history = a_history(
        request("229065009", "2016-01-01"), request("390893007", "2015-03-02"), request("1", "2012-01-01")
    )
    assert referral_of(history) == datetime(2015, 3, 2, 9, 0, tzinfo=ZONE).replace(hour=9)
    assert referral_of(a_history(request("1", "2012-01-01"))) is None
