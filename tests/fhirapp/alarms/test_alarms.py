"""A hold that nobody sees rings until somebody confirms; a clock that runs out tells whoever comes next."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from fhirapp.alarms.alarm import Alarm, AlarmCall
from fhirapp.alarms.confirming import Confirming
from fhirapp.messages.smtp import Smtp
from fhirapp.referrals.status import State
from tests.fhirapp.messages.hospital import Reached
from tests.world import CLINICIAN, CLINICIAN_WINDOW, NAVIGATOR

pytestmark = pytest.mark.database


def alarms(reached: Reached) -> list[Alarm]:
    with reached.world.stride.sessions() as session:
        return list(session.query(Alarm).order_by(Alarm.id))


def in_chart(reached: Reached) -> list[dict[str, Any]]:
    """The messages to clinicians in the record system; what patients were told stands there too."""
    every = reached.world.ehr.api.store.every("Communication")
    return [one for one in every if one["category"][0]["coding"][0]["code"] == "alert"]


def calls(reached: Reached) -> list[tuple[int, str, str, str]]:
    with reached.world.stride.sessions() as session:
        return [(row.step, row.whom, row.via, row.state) for row in session.query(AlarmCall).order_by(AlarmCall.id)]


def queued(reached: Reached, patient: str) -> None:
    """A referral in the navigators' queue; its notices went into the demonstration's outbox."""
    reached.settings(channels=("outbox",))
    reached.world.queued(patient)
    assert reached.world.referral(patient).status is State.QUEUED
    reached.mail.mails.clear()


def feverish(reached: Reached, patient: str) -> None:
    """The chart learns of a fever with hardly any neutrophils: an emergency (HEM-14)."""
    now = reached.world.stride.clock().isoformat(timespec="seconds")
    for code, value, unit in (("8310-5", 39.1, "Cel"), ("751-8", 0.2, "10*9/L")):
        reached.world.add(
            {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "subject": {"reference": f"Patient/{patient}"},
                "effectiveDateTime": now,
                "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": unit},
            }
        )


def screened(reached: Reached, patient: str) -> None:
    """The worker looks at the chart with nobody in front."""
    reached.world.stride.windows.reassess("city", reached.world.referral(patient).id, occasion="new results")
    reached.world.worker.run_due()


def test_clk_9_an_emergency_goes_to_the_clinician_and_to_on_call_at_once(reached: Reached) -> None:
    queued(reached, "ada-refer")
    feverish(reached, "ada-refer")
    screened(reached, "ada-refer")
    assert reached.world.referral("ada-refer").verdict == "hold-emergency"
    assert calls(reached) == [
        (0, "responsible", "ehr", "sent"),
        (0, "responsible", "email", "sent"),
        (0, "on-call", "pager", "sent"),
        (0, "on-call", "email", "no-way"),
    ]
    (told,) = in_chart(reached)
    assert told["status"] == "completed"
    assert told["priority"] == "urgent"
    assert [one["reference"] for one in told["recipient"]] == ["Practitioner/dr-lind", "Practitioner/dr-okafor"]
    assert "HEM-14" in told["payload"][0]["contentString"], "in the patient's own record the reason may stand"
    assert told["subject"]["reference"] == "Patient/ada-refer"


def test_outside_the_record_nothing_says_who_or_why(reached: Reached) -> None:
    queued(reached, "ada-refer")
    feverish(reached, "ada-refer")
    screened(reached, "ada-refer")
    said = [mail["Subject"] + mail.get_content() for mail in reached.mail.mails]
    said += [text for _, text in reached.pages.texts]
    assert len(said) == 2
    for text in said:
        assert re.search(r"ada|marlow|HEM|fever|neutro|cancer|platelet|MRN", text, re.IGNORECASE) is None
        assert "/a/" in text
        assert "A-1" in text


def test_clk_9_nobody_answers_on_call_is_paged_again_after_a_quarter_of_an_hour_then_hourly_with_the_lead(
    reached: Reached,
) -> None:
    queued(reached, "ada-refer")
    feverish(reached, "ada-refer")
    screened(reached, "ada-refer")
    reached.world.pass_time(timedelta(minutes=14))
    assert len(reached.pages.asked) == 1
    reached.world.pass_time(timedelta(minutes=2))
    assert len(reached.pages.asked) == 2
    reached.world.pass_time(timedelta(minutes=45))
    assert [row for row in calls(reached) if row[0] == 2] == [
        (2, "on-call", "pager", "sent"),
        (2, "on-call", "email", "no-way"),
        (2, "clinician-lead", "pager", "no-way"),
        (2, "clinician-lead", "email", "sent"),
    ]
    reached.world.pass_time(timedelta(hours=1))
    assert len(reached.pages.asked) == 4
    confirm(reached)
    reached.world.pass_time(timedelta(hours=5))
    assert len(reached.pages.asked) == 4, "somebody has it"


def confirm(reached: Reached) -> None:
    stride = reached.world.stride
    for alarm in alarms(reached):
        Confirming(stride.sessions).confirm("city", alarm.id, how="page", actor=CLINICIAN, now=stride.clock())


def test_the_first_confirmation_stands_and_is_in_the_history(reached: Reached) -> None:
    queued(reached, "ada-refer")
    feverish(reached, "ada-refer")
    screened(reached, "ada-refer")
    confirm(reached)
    stride = reached.world.stride
    Confirming(stride.sessions).confirm("city", 1, how="link", actor=NAVIGATOR, now=stride.clock())
    (alarm,) = alarms(reached)
    assert (alarm.acknowledged_by, alarm.acknowledged_how) == ("Dr Maren Lind", "page")
    history = reached.world.history("ada-refer")
    assert history.count("alarm") == history.count("alarm_confirmed") == 1


def test_clk_10_a_hold_tells_the_clinician_the_same_day_and_on_call_at_its_end(reached: Reached) -> None:
    queued(reached, "ada-refer")
    reached.at(10)
    reached.world.add_platelets("ada-refer", 8)
    screened(reached, "ada-refer")
    assert [row[1:3] for row in calls(reached)] == [("responsible", "ehr"), ("responsible", "email")]
    assert reached.pages.asked == []
    reached.world.pass_time(timedelta(hours=6))
    assert len(calls(reached)) == 2
    reached.world.pass_time(timedelta(hours=2))
    assert [row[1:3] for row in calls(reached)][2:] == [("on-call", "email"), ("clinician-lead", "email")]


def test_the_same_hold_is_no_news_the_next_day_but_a_worse_one_is(reached: Reached) -> None:
    queued(reached, "ada-refer")
    reached.world.add_platelets("ada-refer", 8)
    screened(reached, "ada-refer")
    confirm(reached)
    reached.world.pass_time(timedelta(days=1))
    screened(reached, "ada-refer")
    assert len(alarms(reached)) == 1
    feverish(reached, "ada-refer")
    screened(reached, "ada-refer")
    assert [alarm.kind for alarm in alarms(reached)] == ["hold", "hold-emergency"]


def test_a_clinician_who_sees_the_hold_on_a_card_is_not_called(reached: Reached) -> None:
    reached.world.opened("dan-platelets")
    reached.world.pass_time(timedelta(days=2))
    assert reached.world.referral("dan-platelets").status is State.HELD
    assert calls(reached) == []
    assert [alarm.acknowledged_how for alarm in alarms(reached)] == ["seen"]


def test_an_alarm_falls_silent_when_the_hold_has_gone(reached: Reached) -> None:
    queued(reached, "ada-refer")
    reached.world.add_platelets("ada-refer", 8)
    screened(reached, "ada-refer")
    reached.world.pass_time(timedelta(days=1))  # of two values on one day the worse one counts
    reached.world.add_platelets("ada-refer", 180)
    screened(reached, "ada-refer")
    (alarm,) = alarms(reached)
    assert alarm.closed_at is not None
    sent = len(reached.mail.mails)
    reached.world.pass_time(timedelta(days=1))
    assert len(reached.mail.mails) == sent


def test_an_ehr_that_is_away_keeps_nobody_else_from_being_called(reached: Reached) -> None:
    queued(reached, "ada-refer")
    feverish(reached, "ada-refer")
    reached.world.stride.windows.reassess("city", reached.world.referral("ada-refer").id, occasion="new results")
    reached.world.ehr.faults.replace([{"path": "^Communication", "status": 503, "times": 2}])
    reached.world.worker.run_due()
    assert ("responsible", "email", "sent") in [row[1:] for row in calls(reached)]
    assert calls(reached)[0][3] == "due"
    reached.world.ehr.faults.replace([])
    reached.world.pass_time(timedelta(minutes=3))
    assert calls(reached)[0][3] == "sent"
    assert len(in_chart(reached)) == 1


def test_a_call_whose_outcome_is_unknown_is_made_again(reached: Reached, monkeypatch: pytest.MonkeyPatch) -> None:
    queued(reached, "ada-refer")
    reached.world.add_platelets("ada-refer", 8)
    reached.world.stride.windows.reassess("city", reached.world.referral("ada-refer").id, occasion="new results")

    def dies(*_: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Smtp, "send", dies)
    with pytest.raises(KeyboardInterrupt):
        reached.world.worker.run_due()
    monkeypatch.undo()
    reached.world.pass_time(timedelta(seconds=30))
    reached.world.pass_time(timedelta(minutes=2))
    assert [row[3] for row in calls(reached)] == ["sent", "sent"]
    assert len(in_chart(reached)) == 1


def test_clk_4_nobody_claims_a_referral_and_the_shift_lead_hears_of_it(reached: Reached) -> None:
    reached.settings(channels=("outbox",))
    reached.world.queued("ada-refer")
    reached.mail.mails.clear()
    reached.world.pass_time(timedelta(hours=20))
    assert alarms(reached) == []
    reached.world.pass_time(timedelta(days=4))
    assert [alarm.kind for alarm in alarms(reached)] == ["claim"]
    (mail,) = reached.mail.mails
    assert mail["To"] == "shift@example.org"
    referral = reached.world.referral("ada-refer")
    reached.world.stride.actions.claim(referral.id, actor=NAVIGATOR, now=reached.world.stride.clock())
    assert alarms(reached)[0].closed_at is not None, "it is claimed: nothing is left to confirm"


def test_clk_2_a_clearance_that_nobody_gives_reaches_the_lead_after_five_working_days(reached: Reached) -> None:
    reached.world.opened("kim-bonemets")
    assert reached.world.referral("kim-bonemets").status is State.CLEARANCE_PENDING
    for _ in range(4):
        reached.world.pass_time(timedelta(days=1))
    assert alarms(reached) == []
    for _ in range(4):
        reached.world.pass_time(timedelta(days=1))
    assert [alarm.kind for alarm in alarms(reached)] == ["clearance"]
    assert "lead@example.org" in [mail["To"] for mail in reached.mail.mails]


def test_an_enrolled_patient_is_held_and_goes_on_where_they_were_when_a_clinician_signs(reached: Reached) -> None:
    queued(reached, "ada-refer")
    stride, referral = reached.world.stride, reached.world.referral("ada-refer")
    stride.actions.claim(referral.id, actor=NAVIGATOR, now=stride.clock())
    reached.world.worker.run_due()
    reached.world.add_platelets("ada-refer", 8)
    screened(reached, "ada-refer")
    assert reached.world.written("ada-refer")["ServiceRequest"] == ["on-hold"]
    assert reached.world.written("ada-refer")["CarePlan"] == ["on-hold"]
    reached.world.pass_time(timedelta(days=1))
    reached.world.add_platelets("ada-refer", 180)
    screened(reached, "ada-refer")
    assert reached.world.referral("ada-refer").status is State.PROPOSED
    reached.world.pass_time(CLINICIAN_WINDOW)
    assert reached.world.referral("ada-refer").status is State.PROPOSED, "no standing order ends a hold"
    stride.actions.sign(referral.id, actor=CLINICIAN, now=stride.clock())
    assert reached.world.referral("ada-refer").status is State.CONTACTING
    reached.world.worker.run_due()
    assert reached.world.written("ada-refer")["ServiceRequest"] == ["active"]


def test_everybody_who_is_referred_is_screened_again_every_thirty_days(reached: Reached) -> None:
    queued(reached, "ada-refer")
    looked = reached.world.referral("ada-refer").assessed_at
    reached.world.pass_time(timedelta(days=15))
    assert reached.world.referral("ada-refer").assessed_at == looked
    reached.world.add_platelets("ada-refer", 8)
    reached.world.pass_time(timedelta(days=16))
    assert reached.world.referral("ada-refer").status is State.HELD, "the look after 30 days has found it"
    assert "alarm" in reached.world.history("ada-refer")


def test_nobody_is_called_about_a_patient_who_has_died(reached: Reached) -> None:
    queued(reached, "ada-refer")
    feverish(reached, "ada-refer")
    screened(reached, "ada-refer")
    called = len(reached.pages.asked)
    store = reached.world.ehr.api.store
    patient = next(one for one in store.every("Patient") if one["id"] == "ada-refer")
    store.update("Patient", "ada-refer", {**patient, "deceasedBoolean": True})
    screened(reached, "ada-refer")
    reached.world.pass_time(timedelta(hours=3))
    assert reached.world.referral("ada-refer").status is State.DEPARTED
    assert len(reached.pages.asked) == called
    assert all(alarm.closed_at for alarm in alarms(reached))
