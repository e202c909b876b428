"""What stands in the chart beside the referral: holds while they stand, and what the patient was told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fhirapp.demo.settings import TENANT
from fhirapp.jobs.table import Job
from fhirapp.referrals.judging import WRITE_BACK
from mappings.canonical import RESOURCE_IDENTIFIER
from mappings.to_fhir.detected_issue import SAFETY_RULES
from mappings.to_fhir.validate import checked
from tests.world import CLINICIAN, PATIENT, World, hospital

OFF = '{base}\n[tenants.city.write_back]\nnotices = false\nholds = "none"\n'
AS_FLAG = '{base}\n[tenants.city.write_back]\nholds = "flag"\n'


def found(world: World, kind: str, patient_id: str) -> list[dict[str, Any]]:
    """What the EHR has of ours for a patient, each valid."""
    return [
        checked(one)
        for one in world.ehr.api.store.every(kind)
        if (one.get("patient") or one["subject"])["reference"] == f"Patient/{patient_id}"
        and any(i.get("system") == RESOURCE_IDENTIFIER for i in one.get("identifier", ()))
    ]


def holds(world: World, patient_id: str) -> list[tuple[str, str]]:
    """Rule and status of each hold in the chart."""
    issues = [*found(world, "DetectedIssue", patient_id), *found(world, "Flag", patient_id)]
    return [(one["code"]["coding"][0]["code"], one["status"]) for one in issues]


def looked_at(world: World, patient_id: str) -> None:
    world.stride.windows.reassess(TENANT, world.referral(patient_id).id, occasion="test")
    world.worker.run_due()


# ------------------------------------------------------------ notices


def test_a_notice_stands_in_the_chart_once_without_the_patients_link(world: World) -> None:
    world.released("ada-refer")
    (told,) = found(world, "Communication", "ada-refer")
    (request,) = world.ours("ada-refer", "ServiceRequest")
    assert told["status"] == "completed"
    assert told["basedOn"] == [{"reference": f"ServiceRequest/{request['id']}"}]
    assert told["category"][0]["coding"][0]["code"] == "notification"
    assert told["sent"]
    (text,) = [one["contentString"] for one in told["payload"]]
    assert "referred you to our exercise service" in text
    assert "http" not in text, "whoever opened the link from the chart would answer for the patient"
    world.stride.write_back.converge(TENANT, world.referral("ada-refer").id, world.stride.ehrs.as_system(world.tenant))
    assert len(found(world, "Communication", "ada-refer")) == 1


def test_each_further_notice_is_one_more(world: World) -> None:
    referral = world.released("cleo-optout")
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock())
    world.worker.run_due()
    topics = [one["topic"]["text"] for one in found(world, "Communication", "cleo-optout")]
    assert [topic.split(": ")[1] for topic in topics] == [
        "an exercise programme for you",
        "we have stopped your referral",
    ]


def test_a_page_writes_the_referral_and_leaves_the_notice_to_the_worker(world: World) -> None:
    referral = world.opened("ada-refer")
    world.stride.actions.sign(referral.id, actor=CLINICIAN, now=world.stride.clock())
    with world.stride.sessions.begin() as session:
        session.query(Job).filter(Job.kind == WRITE_BACK).delete()
    system = world.stride.ehrs.as_system(world.tenant)
    world.stride.write_back.converge(TENANT, referral.id, system, beside=False)
    assert [one["status"] for one in world.ours("ada-refer", "ServiceRequest")] == ["active"]
    assert found(world, "Communication", "ada-refer") == []
    world.worker.run_due()
    assert len(found(world, "Communication", "ada-refer")) == 1


# ------------------------------------------------------------ holds


def test_a_hold_stands_in_the_chart_while_it_stands_and_is_never_deleted(world: World) -> None:
    world.opened("dan-platelets")
    world.worker.run_due()
    (hold,) = found(world, "DetectedIssue", "dan-platelets")
    assert hold["status"] == "final"
    assert hold["severity"] == "high"
    assert hold["code"]["coding"][0]["system"] == SAFETY_RULES
    assert hold["evidence"]
    rule = hold["code"]["coding"][0]["code"]
    world.stride.clock.move(timedelta(hours=1))
    world.add_platelets("dan-platelets", 220)
    looked_at(world, "dan-platelets")
    assert world.referral("dan-platelets").state != "held"
    (lifted,) = found(world, "DetectedIssue", "dan-platelets")
    assert (lifted["id"], lifted["status"]) == (hold["id"], "amended")
    assert [one["action"]["text"] for one in lifted["mitigation"]] == ["The exercise safety rules no longer find it"]
    world.stride.clock.move(timedelta(hours=1))
    world.add_platelets("dan-platelets", 7)
    looked_at(world, "dan-platelets")
    assert sorted(holds(world, "dan-platelets")) == [(rule, "amended"), (rule, "final")], "a second hold is a new one"


def test_a_hold_of_a_referral_that_has_ended_is_no_longer_watched(world: World) -> None:
    referral = world.opened("dan-platelets")
    world.worker.run_due()
    world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock())
    world.worker.run_due()
    (hold,) = found(world, "DetectedIssue", "dan-platelets")
    assert hold["status"] == "amended"
    assert "no longer watches" in hold["mitigation"][0]["action"]["text"]


def test_a_referral_without_a_hold_leaves_none(world: World) -> None:
    world.released("ada-refer")
    assert holds(world, "ada-refer") == []


@pytest.mark.database
def test_a_site_may_have_flags_instead(tmp_path: Path) -> None:
    with hospital(tmp_path, toml=AS_FLAG) as world:
        a_hold_comes_and_goes_as_a_flag(world)


def a_hold_comes_and_goes_as_a_flag(world: World) -> None:
    world.opened("dan-platelets")
    world.worker.run_due()
    assert [status for _, status in holds(world, "dan-platelets")] == ["active"]
    assert found(world, "DetectedIssue", "dan-platelets") == []
    world.stride.clock.move(timedelta(hours=1))
    world.add_platelets("dan-platelets", 220)
    looked_at(world, "dan-platelets")
    (lifted,) = found(world, "Flag", "dan-platelets")
    assert lifted["status"] == "inactive"
    assert lifted["period"]["end"] > lifted["period"]["start"]


@pytest.mark.database
def test_a_site_may_have_neither(tmp_path: Path) -> None:
    with hospital(tmp_path, toml=OFF) as world:
        world.opened("dan-platelets")
        world.released("ada-refer")
        assert found(world, "Communication", "ada-refer") == []
        assert holds(world, "dan-platelets") == []
