"""Each setting has a window of its own: before surgery it is short, in hospital it ends with the stay."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from fhirapp.demo.settings import TENANT
from fhirapp.referrals.notices import Notice, open_notice
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.status import State
from fhirapp.referrals.time_to_say_no import clinician_time, patient_time, waits_for_discharge
from fhirapp.tenants import Windows
from tests.world import CLINICIAN, World

pytestmark = pytest.mark.database
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def a_stay(patient: str, start: datetime, end: datetime | None = None) -> dict[str, Any]:
    period = {"start": start.isoformat(timespec="seconds")}
    if end is not None:
        period["end"] = end.isoformat(timespec="seconds")
    return {
        "resourceType": "Encounter",
        "id": f"stay-{patient}",
        "status": "finished" if end else "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "subject": {"reference": f"Patient/{patient}"},
        "period": period,
    }


def in_hospital(world: World, patient: str) -> dict[str, Any]:
    """The patient has been an inpatient for two days."""
    world.add(a_stay(patient, world.stride.clock() - 2 * DAY))
    return next(
        e for e in world.ehr.api.store.every("Encounter") if e.get("period") and e.get("status") == "in-progress"
    )


def told(world: World, patient: str) -> dict[str, Any]:
    with world.stride.sessions() as session:
        notice = session.execute(
            sa.select(Notice).where(Notice.referral_id == world.referral(patient).id, Notice.kind == "referral")
        ).scalar_one()
        return open_notice(notice, world.stride.sealer)


def signed(world: World, patient: str) -> Referral:
    referral = world.opened(patient)
    world.stride.actions.sign(referral.id, actor=CLINICIAN, now=world.stride.clock())
    return world.referral(patient)


def test_before_surgery_a_clinician_has_an_hour_and_the_patient_two_days(world: World) -> None:
    """Pathway steps 9 and 11, "prehab"."""
    referral = world.opened("ned-prehab")
    assert referral.summary["phase"] == "P1"
    assert referral.clinician_deadline == referral.state_since + timedelta(hours=1)
    world.pass_time(timedelta(hours=1) + MINUTE)
    released = world.referral("ned-prehab")
    assert released.status is State.OPT_OUT_OPEN
    assert released.patient_deadline is not None
    assert abs(released.patient_deadline - released.state_since - 2 * DAY) < MINUTE
    world.pass_time(2 * DAY - 2 * MINUTE)
    assert world.referral("ned-prehab").status is State.OPT_OUT_OPEN
    world.pass_time(3 * MINUTE)
    assert world.referral("ned-prehab").status is State.QUEUED


def test_everybody_else_has_three_days_and_seven(world: World) -> None:
    referral = world.opened("mia-survivor")
    assert referral.clinician_deadline == referral.state_since + 3 * DAY
    released = signed(world, "mia-survivor")
    assert released.patient_deadline is not None
    assert abs(released.patient_deadline - released.state_since - 7 * DAY) < MINUTE


def test_an_inpatient_may_say_no_until_discharge(world: World) -> None:
    """Pathway step 11: inpatients until discharge."""
    stay = in_hospital(world, "mia-survivor")
    assert signed(world, "mia-survivor").inpatient
    for _ in range(20):
        world.pass_time(DAY)
    assert world.referral("mia-survivor").status is State.OPT_OUT_OPEN, "still in hospital after 20 days"
    left = world.stride.clock()
    world.ehr.api.store.update(
        "Encounter", stay["id"], {**a_stay("mia-survivor", left - 22 * DAY, left), "id": stay["id"]}
    )
    world.pass_time(DAY + MINUTE)
    after = world.referral("mia-survivor")
    assert after.status is State.QUEUED
    assert (after.inpatient, after.discharged_at) == (False, left.replace(microsecond=0))


def test_an_inpatient_is_told_no_day_that_may_be_wrong(world: World) -> None:
    in_hospital(world, "mia-survivor")
    signed(world, "mia-survivor")
    body = told(world, "mia-survivor")["body"]
    assert "when you have left hospital" in body
    assert "contact you after" not in body
    signed(world, "ada-refer")
    assert "contact you after" in told(world, "ada-refer")["body"]


def test_a_stay_that_nobody_closed_holds_nobody_up(world: World) -> None:
    world.add(a_stay("mia-survivor", world.stride.clock() - 120 * DAY))
    assert not signed(world, "mia-survivor").inpatient


def test_visits_that_could_not_be_read_discharge_nobody(world: World) -> None:
    from fhirapp.referrals.time_to_say_no import note_stay
    from models.snapshot import PatientSnapshot

    referral = Referral(inpatient=True)
    note_stay(referral, PatientSnapshot("p", world.stride.clock(), unread=frozenset({"encounters"})))
    assert referral.inpatient


@pytest.mark.parametrize(
    ("phase", "inpatient", "windows", "clinician", "patient", "stays_open"),
    [
        ("P2", False, {}, 72, 7, False),
        ("P1", False, {}, 1, 2, False),
        ("P1", True, {}, 1, 2, False),
        ("P2", True, {}, 72, 2, True),
        ("P2", True, {"until_discharge": False}, 72, 7, False),
        ("P1", False, {"patient": DAY, "clinician": timedelta(0)}, 0, 1, False),
        ("P1", False, {"clinician_prehab": timedelta(0), "patient_prehab": 3 * DAY}, 0, 3, False),
    ],
    ids=["ordinary", "prehab", "prehab in hospital", "in hospital", "a site without that", "shorter for all", "as set"],
)
def test_the_window_of_a_setting(
    world: World, phase: str, inpatient: bool, windows: dict[str, Any], clinician: int, patient: int, stays_open: bool
) -> None:
    tenant = replace(world.stride.tenants[TENANT], windows=Windows(**windows))
    referral = Referral(summary={"phase": phase}, inpatient=inpatient)
    assert clinician_time(referral, tenant) == timedelta(hours=clinician)
    assert patient_time(referral, tenant) == timedelta(days=patient)
    assert waits_for_discharge(referral, tenant) is stays_open
