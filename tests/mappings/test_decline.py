"""Signs of decline: each of the four, new and within the days, and nothing that was there before."""

from __future__ import annotations

from datetime import datetime

import pytest

from mappings.outcomes import declined, died, kept_coming
from tests.builders import ZONE
from tests.mappings.test_outcomes import EXERCISE, OURS, a_history, a_session, a_visit, counted, sessions

INDEX = datetime(2015, 3, 2, 9, 0, tzinfo=ZONE)
REFERRED = {"resourceType": "ServiceRequest", "code": EXERCISE, "authoredOn": "2015-03-02T09:00:00+10:30"}
LATER = a_visit("2020-06-01")
ICD = "http://hl7.org/fhir/sid/icd-10-cm"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActPriority"


def concept(system, code):
    return {"coding": [{"system": system, "code": code}]}


def function(day, score, **more):
    quantity = {"value": score, "code": "{T}"}
    code = concept("http://loinc.org", "71959-1")
    return {"resourceType": "Observation", "code": code, "effectiveDateTime": day, "valueQuantity": quantity, **more}


def a_condition(day, code="R26.2", system=ICD, **more):
    return {"resourceType": "Condition", "code": concept(system, code), "onsetDateTime": day, **more}


def an_aid(day, **more):
    told = {"device": {"display": "Wheeled walker"}} | more
    return {"resourceType": "DeviceUseStatement", "status": "active", "timingPeriod": {"start": day}, **told}


def a_stay(day, kind="IMP", **more):
    told = {"priority": concept(ACT, "EM")} | more
    return {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"code": kind},
        "period": {"start": day},
        **told,
    }


BEFORE = function("2015-02-20", 45)
DEVICE = {"resourceType": "Device", "id": "d", "type": {"text": "Rollator"}}


@pytest.mark.parametrize(
    ("word", "records", "in_90", "in_180"),
    [
        ("function falls by five", (BEFORE, function("2015-04-20", 40)), 1, 1),
        ("function falls by four", (BEFORE, function("2015-04-20", 41)), 0, 0),
        ("function falls later", (BEFORE, function("2015-07-20", 39)), 0, 1),
        ("function falls too late", (BEFORE, function("2015-10-20", 39)), 0, 0),
        ("the newest score of before counts", (BEFORE, function("2015-03-01", 41), function("2015-04-20", 38)), 0, 0),
        ("nobody asked before", (function("2015-04-20", 20),), 0, 0),
        ("a score struck out", (BEFORE, function("2015-04-20", 30, status="entered-in-error")), 0, 0),
        ("trouble walking", (a_condition("2015-04-20"),), 1, 1),
        ("trouble walking, known before", (a_condition("2014-01-01"), a_condition("2015-04-20")), 0, 0),
        ("trouble walking, without an onset", (a_condition(None, recordedDate="2015-06-30"),), 0, 1),
        ("repeated falls", (a_condition("2015-04-20", "R29.6"),), 1, 1),
        ("a fall", (a_condition("2015-04-20", "W01.0XXA"),), 1, 1),
        ("reduced mobility in SNOMED CT", (a_condition("2015-04-20", "8510008", "http://snomed.info/sct"),), 1, 1),
        ("refuted", (a_condition("2015-04-20", verificationStatus=concept("x", "refuted")),), 0, 0),
        ("another disease", (a_condition("2015-04-20", "J44.9"),), 0, 0),
        ("a walker", (an_aid("2015-04-20"),), 1, 1),
        ("a walker of old", (an_aid("2014-04-20"), an_aid("2015-04-20")), 0, 0),
        ("a device of the export", (an_aid("2015-04-20", device={"reference": "Device/d"}), DEVICE), 1, 1),
        ("a device inside", (an_aid("2015-04-20", device={"reference": "#c"},
                                    contained=[{"id": "c", "deviceName": [{"name": "Crutches"}]}]),), 1, 1),
        ("a pacemaker", (an_aid("2015-04-20", device={"display": "Pacemaker"}),), 0, 0),
        ("an aid by answer", ({"resourceType": "Observation", "code": concept(OURS, "walking-aid"),
                               "effectiveDateTime": "2015-04-20", "valueBoolean": True},), 1, 1),
        ("an emergency stay", (a_stay("2015-04-20"),), 1, 1),
        ("by the emergency department", (a_stay("2015-04-20", priority=None, hospitalization={
            "admitSource": concept("http://terminology.hl7.org/CodeSystem/admit-source", "emd")}),), 1, 1),
        ("a planned stay", (a_stay("2015-04-20", priority=concept(ACT, "EL")),), 0, 0),
        ("an emergency visit without a bed", (a_stay("2015-04-20", kind="EMER"),), 0, 0),
        ("before the day", (a_stay("2015-02-20"),), 0, 0),
    ],
)  # fmt: skip
def test_a_sign_of_decline(word, records, in_90, in_180):
    history = a_history(*records, LATER)
    assert declined(history, INDEX, days=90) == in_90, word
    assert declined(history, INDEX, days=180) == in_180, word


def test_a_silence_is_not_a_no_and_a_death_without_a_sign_is_set_apart():
    assert declined(a_history(), INDEX, days=90) is None
    assert declined(a_history(LATER, deceasedDateTime="2015-04-01"), INDEX, days=90) is None
    assert declined(a_history(a_stay("2015-03-20"), deceasedDateTime="2015-04-01"), INDEX, days=90) == 1
    assert declined(a_history(LATER, deceasedDateTime="2016-04-01"), INDEX, days=90) == 0


def test_death_within_one_year_is_not_death_within_five():
    later = a_history(deceasedDateTime="2017-04-01")
    assert (died(later, INDEX, years=1), died(later, INDEX)) == (0.0, 1.0)
    assert died(a_history(a_visit("2016-04-01")), INDEX, years=1) == 0.0
    assert died(a_history(a_visit("2016-02-01")), INDEX, years=1) is None


COMES = sessions(*["fulfilled"] * 8)


@pytest.mark.parametrize(
    ("word", "record"),
    [
        ("a hospital stay", a_stay("2015-04-20")),
        ("a planned one too", a_stay("2015-04-20", priority=None)),
        ("the cancer spread", a_condition("2015-04-20", "C79.51")),
    ],
)
def test_what_keeps_anybody_from_coming_is_set_apart(word, record):
    assert kept_coming(a_history(*COMES, LATER), INDEX) == 1.0
    assert kept_coming(a_history(*COMES, record, LATER), INDEX) is None, word


def test_after_a_landmark_only_the_sessions_that_are_still_to_come_count():
    early, late = sessions("fulfilled", "fulfilled"), [a_session(f"2015-04-{day}", "noshow") for day in range(10, 16)]
    landmark = datetime(2015, 3, 12, 0, 0, tzinfo=ZONE)
    history = a_history(*early, *late, *(a_session(f"2015-05-{day}", "fulfilled") for day in range(10, 13)), LATER)
    assert kept_coming(history, landmark) == 0.0
    assert kept_coming(a_history(*early, LATER), landmark) is None


def test_a_programme_s_count_is_taken_from_the_landmark_on_only_where_there_is_one_of_before():
    landmark = datetime(2015, 4, 1, 0, 0, tzinfo=ZONE)
    early = counted(10, 10) | {"effectiveDateTime": "2015-03-30"}
    assert kept_coming(a_history(REFERRED, *COMES, early, counted(12, 24), LATER), landmark) == 0.0
    assert kept_coming(a_history(REFERRED, *COMES, counted(12, 24), LATER), landmark) is None
