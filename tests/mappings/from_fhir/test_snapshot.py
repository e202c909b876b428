"""mappings/from_fhir/snapshot.py"""

from __future__ import annotations

from datetime import datetime

import pytest

from mappings.bundle import read_chart
from mappings.from_fhir.snapshot import snapshot_from
from tests.mappings.charts import (
    AS_OF,
    PATIENT,
    ZONE,
    chart_with,
    concept,
    condition,
    observation,
    patient,
    quantity,
    snapshot_with,
)


def test_who_it_is():
    snapshot = snapshot_with(patient(birthDate="1961-11-26", gender="female"))
    assert (snapshot.patient_id, snapshot.age_years, snapshot.sex) == (PATIENT, 64, "female")


@pytest.mark.parametrize(("birth", "age"), [("1961-11", 64), ("1961", 64), (None, None), ("then", None)])
def test_a_partial_birth_date_gives_the_younger_age(birth, age):
    assert snapshot_with(patient(birthDate=birth)).age_years == age


def test_a_birth_date_in_the_future_is_a_fault():
    snapshot = snapshot_with(patient(birthDate="2031-01-01"))
    assert snapshot.age_years is None
    assert snapshot.faults[0].input == "age"


@pytest.mark.parametrize(("gender", "sex"), [("male", "male"), ("other", "other"), ("unknown", None), (None, None)])
def test_sex(gender, sex):
    assert snapshot_with(patient(gender=gender)).sex == sex


@pytest.mark.parametrize(
    ("fields", "dead"),
    [
        ({}, False),
        ({"deceasedBoolean": False}, False),
        ({"deceasedBoolean": True}, True),
        ({"deceasedDateTime": "2026-11-20"}, True),
        ({"deceasedDateTime": "2026-11-25"}, True),
        ({"deceasedDateTime": "2027-01-01"}, False),
        ({"deceasedDateTime": "unreadable"}, True),
    ],
)
def test_death_up_to_the_day(fields, dead):
    assert snapshot_with(patient(**fields)).deceased is dead


@pytest.mark.parametrize(
    ("fields", "current"),
    [
        ({}, True),
        ({"active": True}, True),
        ({"active": False}, False),
        ({"link": [{"type": "replaced-by", "other": {"reference": "Patient/new"}}]}, False),
        ({"link": [{"type": "seealso", "other": {"reference": "Patient/new"}}]}, True),
    ],
)
def test_records_that_are_off_or_merged(fields, current):
    assert snapshot_with(patient(**fields)).record_active is current


def test_a_chart_without_its_patient_is_not_a_healthy_one():
    snapshot = snapshot_from(read_chart([], patient_id="x"), as_of=AS_OF)
    assert (snapshot.age_years, snapshot.sex, snapshot.values, snapshot.facts) == (None, None, {}, {})


def test_unread_keys_are_handed_on():
    assert snapshot_from(chart_with(), as_of=AS_OF, unread=["labs"]).unread == {"labs"}


def test_a_date_without_a_zone_is_a_day_of_the_tenant():
    made = observation("777-3", quantity(100, "10*9/L"), effectiveDateTime="2026-11-25")
    when = snapshot_with(made).latest("platelets").when
    assert (when.earliest, when.latest.date()) == (datetime(2026, 11, 25, tzinfo=ZONE), AS_OF.date())


def test_marital_status_is_read_from_the_patient():
    code = concept("http://terminology.hl7.org/CodeSystem/v3-MaritalStatus", "M")
    assert snapshot_with(patient(maritalStatus=code)).latest("marital_status").value == "M"


class TestAsOf:
    """The same record looked at on two days."""

    RECORD = (
        patient(deceasedDateTime="2027-06-01T10:00:00+10:00"),
        condition("C50.9", onsetDateTime="2026-05-04"),
        condition("C79.51", id_="mets", onsetDateTime="2027-01-04", recordedDate="2027-01-04"),
        observation("777-3", quantity(200, "10*9/L"), effectiveDateTime="2026-11-20", issued="2026-11-20T09:00:00Z"),
        observation(
            "777-3", quantity(8, "10*9/L"), id_="o2", effectiveDateTime="2027-01-20", issued="2027-01-20T09:00:00Z"
        ),
    )

    def test_nothing_later_is_known_today(self):
        snapshot = snapshot_with(*self.RECORD)
        assert snapshot.latest("platelets").value == 200
        assert set(snapshot.facts) == {"vs.cancer"}
        assert not snapshot.deceased
        assert snapshot.faults == ()

    def test_later_it_is(self):
        snapshot = snapshot_with(*self.RECORD, as_of=datetime(2027, 7, 1, tzinfo=ZONE))
        assert snapshot.latest("platelets").value == 8
        assert "vs.bone_mets" in snapshot.facts
        assert snapshot.deceased
