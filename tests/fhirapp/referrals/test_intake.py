"""Episodes: opened once, living on whatever the verdict, re-offered only when they may be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from fhirapp.audit import AuditRow
from fhirapp.db.schema import metadata
from fhirapp.referrals.errors import HoldOpen, TransitionNotAllowed
from fhirapp.referrals.status import State
from mappings.canonical import episode_id
from tests.databases import kind
from tests.world import CLINICIAN, CLINICIAN_WINDOW, NAVIGATOR, PATIENT, World


@pytest.mark.parametrize(
    ("patient", "state"),
    [
        ("ada-refer", "proposed"),
        ("dan-platelets", "held"),
        ("kim-bonemets", "clearance_pending"),
        ("lou-febrile", "held"),
        ("ivo-unanswered", "proposed"),
    ],
)
def test_every_eligible_patient_has_one_episode_whatever_the_verdict(world: World, patient: str, state: str) -> None:
    for _ in range(3):
        world.cards(patient)
    referral = world.referral(patient)
    assert (referral.state, referral.ordinal) == (state, 1)
    assert referral.id == episode_id("city", patient, 1)


def test_a_suggestion_names_whoever_opened_the_chart_and_nobody_elses_name(world: World) -> None:
    from cds_hooks.ports import HookCall
    from fhirapp.ehr.chart import chart_of

    client = world.stride.cds_clients.by_issuer(world.ehr.settings.base_url)
    assert client is not None
    chart, _ = chart_of(world.stride.ehrs.as_system(world.tenant), "ada-refer", world.stride.pool)
    for user, name in (("Practitioner/dr-lind", "Dr Maren Lind"), ("Practitioner/dr-else", None)):
        call = HookCall("city", client, "exercise-referral", "patient-view", user, "ada-refer", user)
        offer = world.stride.intake.receive(call, chart, now=world.stride.clock())
        requester = next(r for r in offer.suggestion if r["resourceType"] == "ServiceRequest")["requester"]
        assert requester["reference"] == user
        assert requester.get("display") == name


def test_a_held_patient_is_proposed_again_once_the_hold_has_gone(world: World) -> None:
    world.opened("dan-platelets")
    world.add_platelets("dan-platelets", 180)
    world.pass_time(timedelta(hours=25))
    assert world.referral("dan-platelets").state == "proposed", "the daily look saw the newer count"


def test_a_clearance_lets_the_clinician_sign_and_nobody_else(world: World) -> None:
    referral = world.opened("kim-bonemets")
    act, now = world.stride.actions, world.stride.clock()
    with pytest.raises(HoldOpen):
        act.sign(referral.id, actor=CLINICIAN, now=now)
    with pytest.raises(TransitionNotAllowed):
        act.clear(referral.id, ["BON-04"], actor=NAVIGATOR, now=now)
    act.clear(referral.id, ["BON-04"], actor=CLINICIAN, now=now)
    act.sign(referral.id, actor=CLINICIAN, now=now)
    assert world.referral("kim-bonemets").state == "opt_out_open"


def test_a_clearance_for_another_rule_clears_nothing(world: World) -> None:
    referral = world.opened("kim-bonemets")
    world.stride.actions.clear(referral.id, ["CAR-05"], actor=CLINICIAN, now=world.stride.clock())
    with pytest.raises(HoldOpen):
        world.stride.actions.sign(referral.id, actor=CLINICIAN, now=world.stride.clock())


def test_a_held_patient_cannot_be_signed_for(world: World) -> None:
    referral = world.opened("dan-platelets")
    with pytest.raises(TransitionNotAllowed):
        world.stride.actions.sign(referral.id, actor=CLINICIAN, now=world.stride.clock())


def test_after_a_no_the_patient_is_offered_again_only_when_the_day_has_come(world: World) -> None:
    referral = world.opened("mia-survivor")
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock(), code="OO-NOTINT")
    assert world.cards("mia-survivor") == []
    world.pass_time(timedelta(days=89))
    assert world.cards("mia-survivor") == []
    world.pass_time(timedelta(days=2))
    world.cards("mia-survivor")
    again = world.referral("mia-survivor")
    assert (again.ordinal, again.id) == (2, episode_id("city", "mia-survivor", 2))


@pytest.mark.parametrize("code", ["OO-NEVER", "OO-PRIV", "OO-TRANSP"])
def test_who_does_not_want_to_be_asked_again_is_not_asked_again(world: World, code: str) -> None:
    referral = world.opened("mia-survivor")
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock(), code=code)
    world.pass_time(timedelta(days=3650))
    assert world.cards("mia-survivor") == []
    assert world.referral("mia-survivor").ordinal == 1


def test_a_new_phase_of_treatment_makes_an_offer_due_before_its_day(world: World) -> None:
    world.opened("ada-refer")
    phase = world.referral("ada-refer").summary["phase"]
    referral = world.referral("ada-refer")
    world.stride.actions.decline(referral.id, "OO-NOTINT", actor=CLINICIAN, now=world.stride.clock())
    world.pass_time(timedelta(days=13))
    assert world.cards("ada-refer") == []
    world.pass_time(timedelta(days=76))
    assert len(world.cards("ada-refer")) == 1, "a day before the 90th"
    assert world.referral("ada-refer").summary["phase"] != phase
    assert world.referral("ada-refer").ordinal == 2


def test_a_look_after_a_no_leaves_its_audit_row_and_touches_nothing_else(world: World) -> None:
    referral = world.opened("ada-refer")
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock(), code="OO-NOTINT")
    before = world.referral("ada-refer")
    assert world.cards("ada-refer") == []
    after = world.referral("ada-refer")
    assert (after.version, after.assessed_at, after.state) == (before.version, before.assessed_at, before.state)
    with world.stride.sessions() as session:
        looks = session.scalars(sa.select(AuditRow).where(AuditRow.action == "hook.patient-view")).all()
    assert [look.details["quiet"] for look in looks] == ["", "said no before"]


def test_saying_no_twice_is_no_error_and_changes_nothing(world: World) -> None:
    referral = world.opened("ada-refer")
    now = world.stride.clock()
    assert world.stride.actions.opt_out(referral.id, actor=PATIENT, now=now)
    assert not world.stride.actions.opt_out(referral.id, actor=PATIENT, now=now)
    assert world.history("ada-refer").count("opt_out") == 1


def test_a_lapsed_standing_order_releases_nothing(world: World) -> None:
    world.opened("ada-refer")
    world.pass_time(timedelta(days=400))
    assert world.referral("ada-refer").status is State.PROPOSED
    assert "standing_order_lapsed" in world.history("ada-refer")
    assert world.written("ada-refer")["ServiceRequest"] == []
    (waiting,) = [job for job in world.jobs("ready") if job.kind == "clinician_window"]
    assert waiting.run_at > world.stride.clock(), "looked at again tomorrow: the order may be renewed by then"
    assert world.worker.run_due() == 0, "and not before"


def test_the_patients_name_is_sealed_in_the_database(world: World, tmp_path: Path) -> None:
    world.released("ada-refer")
    raw = every_cell(world)
    if kind() == "sqlite":
        world.stride.sessions.engine.dispose()
        raw += b"".join(path.read_bytes() for path in tmp_path.glob("stride.sqlite*"))
    assert b"ada-refer" in raw, "the logical id is there"
    for secret in (b"Marlow", b"ada.marlow@example.org", b"+1 555 0141"):
        assert secret not in raw


def every_cell(world: World) -> bytes:
    with world.stride.sessions() as session:
        rows = [row for table in metadata.tables.values() for row in session.execute(sa.select(table))]
    return repr([tuple(row) for row in rows]).encode()


def test_a_patient_who_died_leaves_the_service_at_the_next_look(world: World) -> None:
    world.released("ada-refer")
    patient = world.ehr.api.store.read("Patient", "ada-refer")
    died = world.stride.clock().isoformat(timespec="seconds")
    world.ehr.api.store.update("Patient", "ada-refer", {**patient, "deceasedDateTime": died})
    world.pass_time(CLINICIAN_WINDOW * 3)
    assert world.referral("ada-refer").state == "departed"
    assert world.written("ada-refer")["ServiceRequest"] == ["revoked"]


def test_the_same_chart_within_half_an_hour_is_kept_once_and_a_new_value_at_once(world: World) -> None:
    for _ in range(3):
        world.cards("ada-refer")
    assert world.history("ada-refer").count("assessed") == 1
    world.add_platelets("ada-refer", 8)
    world.cards("ada-refer")
    assert world.history("ada-refer").count("assessed") == 2
    assert world.referral("ada-refer").state == "held"


def test_after_half_an_hour_the_same_chart_is_assessed_anew(world: World) -> None:
    world.cards("ada-refer")
    world.pass_time(timedelta(minutes=31))
    world.cards("ada-refer")
    assert world.history("ada-refer").count("assessed") == 2


def test_another_telephone_number_is_kept_at_once(world: World) -> None:
    world.cards("ada-refer")
    before = world.referral("ada-refer").person
    patient = world.ehr.api.store.read("Patient", "ada-refer")
    changed = [{"system": "phone", "value": "+1 555 0777", "use": "mobile"}]
    world.ehr.api.store.update("Patient", "ada-refer", {**patient, "telecom": changed})
    world.cards("ada-refer")
    assert world.referral("ada-refer").person != before


def a_discharge(world: World, patient: str) -> None:
    now = world.stride.clock()
    world.add(
        {
            "resourceType": "Encounter",
            "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
            "subject": {"reference": f"Patient/{patient}"},
            "period": {
                "start": (now - timedelta(days=4)).isoformat(timespec="seconds"),
                "end": (now - timedelta(hours=2)).isoformat(timespec="seconds"),
            },
        }
    )


def a_new_cancer(world: World, patient: str) -> None:
    status = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    sure = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    day = world.stride.clock().isoformat(timespec="seconds")
    world.add(
        {
            "resourceType": "Condition",
            "clinicalStatus": {"coding": [{"system": status, "code": "active"}]},
            "verificationStatus": {"coding": [{"system": sure, "code": "confirmed"}]},
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C34.11"}]},
            "subject": {"reference": f"Patient/{patient}"},
            "onsetDateTime": day,
            "recordedDate": day,
        }
    )


@pytest.mark.parametrize("happens", [a_discharge, a_new_cancer])
@pytest.mark.parametrize(
    ("code", "asked"), [("OO-NOTINT", True), ("OO-TRANSP", True), ("OO-NEVER", False), ("OO-PRIV", False)]
)
def test_a_discharge_and_a_new_diagnosis_make_an_offer_due_but_not_after_a_final_no(
    world: World, happens: Callable[[World, str], None], code: str, asked: bool
) -> None:
    """Pathway section 4, triggers."""
    referral = world.opened("mia-survivor")
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock(), code=code)
    world.pass_time(timedelta(days=10))
    happens(world, "mia-survivor")
    assert world.cards("mia-survivor") == [], "a no stands for two weeks, whatever happens"
    world.pass_time(timedelta(days=5))
    world.cards("mia-survivor")
    assert world.referral("mia-survivor").ordinal == (2 if asked else 1)


def test_what_happened_before_a_no_makes_nothing_due(world: World) -> None:
    a_discharge(world, "mia-survivor")
    referral = world.opened("mia-survivor")
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock(), code="OO-NOTINT")
    world.pass_time(timedelta(days=30))
    assert world.cards("mia-survivor") == []


def test_a_patient_who_was_lost_is_offered_again_at_the_next_visit_and_only_once(world: World) -> None:
    """Pathway section 4, row OO-LOST: next clinical contact, once."""
    for ordinal, again in ((1, 2), (2, 2)):
        referral = world.queued("mia-survivor")
        act, now = world.stride.actions, world.stride.clock()
        act.claim(referral.id, actor=NAVIGATOR, now=now)
        act.give_up(referral.id, actor=NAVIGATOR, now=now)
        world.pass_time(timedelta(days=31))
        assert world.referral("mia-survivor").reason_code == "OO-LOST"
        assert world.referral("mia-survivor").ordinal == ordinal, "nobody was seen: nothing is offered"
        world.cards("mia-survivor")
        assert world.referral("mia-survivor").ordinal == again
