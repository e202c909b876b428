"""The plan and its goals: never without a dose, never above it, safe to show."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.canonical import resource_identifier
from mappings.errors import InvalidResource
from mappings.to_fhir.care_plan import care_plan
from mappings.to_fhir.exercise_prescription import exercise_prescription
from mappings.to_fhir.facts import Ref
from mappings.to_fhir.goal import goal, goals
from mappings.to_fhir.validate import checked
from tests.mappings.to_fhir.builders import a_summary, some_facts


def a_dose(**changes: Any) -> dict[str, Any]:
    summary = a_summary()
    return {**summary, "prescription": {**summary["prescription"], **changes}}


def a_plan(**changes: Any) -> dict[str, Any]:
    facts = some_facts(summary=a_dose(**changes))
    return checked(care_plan(facts, "draft", "ServiceRequest/sr", ["Goal/a", "Goal/b"]))


def test_the_plan_points_at_referral_goals_and_cancer() -> None:
    plan = a_plan()
    assert plan["activity"][0] == {"reference": {"reference": "ServiceRequest/sr"}}
    assert plan["goal"] == [{"reference": "Goal/a"}, {"reference": "Goal/b"}]
    assert plan["addresses"][0]["reference"] == "Condition/ada-refer-cancer"


def test_the_dose_is_there_for_machines() -> None:
    aerobic, strength = (item["detail"] for item in a_plan()["activity"][1:])
    assert aerobic["scheduledTiming"]["repeat"] == {
        "frequency": 3,
        "period": 1,
        "periodUnit": "wk",
        "duration": 20,
        "durationUnit": "min",
    }
    assert aerobic["description"] == "walking; cycling; Borg 11-13 of 6-20"
    assert strength["scheduledTiming"]["repeat"]["frequency"] == 2
    assert strength["description"] == "1–2 x 8-15; a weight that you could lift five times more"


def test_the_narrative_says_dose_care_stop_and_the_right_to_say_no() -> None:
    words = a_plan()["text"]["div"]
    for part in ("3 days a week", "20 minutes", "Dizziness", "No group training", "You can say no"):
        assert part in words


@pytest.mark.parametrize(
    ("rpe_max", "words"),
    [(9, "feel light"), (11, "feel light"), (12, "a little hard"), (13, "a little hard"), (14, "feel hard")],
)
def test_effort_is_told_by_the_talk_test(rpe_max: int, words: str) -> None:
    aerobic = a_summary()["prescription"]["aerobic"] | {"intensity": {"rpe_min": 9, "rpe_max": rpe_max}}
    assert words in a_plan(aerobic=aerobic)["text"]["div"]


def test_an_unknown_ceiling_of_effort_is_told_as_light() -> None:
    aerobic = a_summary()["prescription"]["aerobic"] | {"intensity": {}}
    assert "feel light" in a_plan(aerobic=aerobic)["text"]["div"]


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc")), min_size=1))
def test_whatever_a_cap_says_it_stays_text(cap: str) -> None:
    text = f"{cap}<script>&"
    plan = care_plan(some_facts(summary=a_dose(caps=[text])), "draft", "ServiceRequest/sr", [])
    div = ElementTree.fromstring(plan["text"]["div"])
    assert text in {node.text for node in div.iter() if node.text}
    assert not [node for node in div.iter() if node.tag.endswith("script")]


def test_the_narrative_speaks_the_patients_language() -> None:
    plan = care_plan(some_facts(), "draft", "ServiceRequest/sr", [], gettext=lambda msgid: f"‹{msgid}›")
    assert "‹Your exercise plan›" in plan["text"]["div"]
    assert "‹Move on 3 days a week, for 20 minutes each time.›" in plan["text"]["div"]


def test_a_rule_s_own_words_are_translated_with_their_values() -> None:
    cap = {"text": "At most 20 minutes", "msgid": "At most {minutes} minutes", "values": {"minutes": 20}}
    facts = some_facts(summary=a_dose(caps=[cap]))
    german = {"At most {minutes} minutes": "Höchstens {minutes} Minuten"}
    plan = care_plan(facts, "draft", "ServiceRequest/sr", [], gettext=lambda msgid: german.get(msgid, msgid))
    assert "<li>Höchstens 20 Minuten</li>" in plan["text"]["div"]


def test_the_professional_sees_what_set_each_number() -> None:
    assert a_plan()["note"][0]["text"] == "- aerobic.minutes 20: on chemotherapy [table 2, P2]"


def test_numbers_that_one_table_set_share_a_line() -> None:
    by = {"by": "table 2, P2", "text": "On chemotherapy"}
    reasons = [
        {"what": "aerobic.minutes", "value": "20", **by},
        {"what": "weeks", "value": "12", **by},
        {"what": "avoid", "value": "Uneven ground", "by": "NEU-05", "text": "Uneven ground"},
    ]
    assert a_plan(reasons=reasons)["note"][0]["text"].splitlines() == [
        "- aerobic.minutes 20, weeks 12: On chemotherapy [table 2, P2]",
        "- Uneven ground [NEU-05]",
    ]


def test_the_patient_reads_what_to_avoid_apart_and_no_limit_twice() -> None:
    caps = [
        {"kind": "avoid", "text": "Uneven ground"},
        {"kind": "rpe_max", "text": "Effort at most 12 on the Borg scale"},
        {"kind": "mode", "text": "walking"},
        {"kind": "note", "text": "Look after your feet"},
    ]
    finding = {"rule": "NEU-05", "effect": "MOD", "text": "Numb feet", "inputs": [], "caps": caps}
    summary = a_dose(caps=caps) | {"findings": [finding]}
    div = care_plan(some_facts(summary=summary), "draft", "ServiceRequest/sr", [])["text"]["div"]
    assert "<h3>Better stay away from</h3><ul><li>Uneven ground</li></ul>" in div
    assert "<h3>Please take care</h3><ul><li>Look after your feet</li></ul>" in div
    assert "Borg" not in div
    order = exercise_prescription(some_facts(summary=summary), "draft")
    assert order["note"][0]["text"].splitlines()[:2] == [
        "- Avoid: Uneven ground",
        "- Effort at most 12 on the Borg scale",
    ]


def test_without_a_dose_there_is_neither_plan_nor_goal() -> None:
    facts = some_facts(summary=a_summary(prescription=None))
    assert goals(facts, "proposed") == []
    with pytest.raises(InvalidResource, match="without a prescription"):
        care_plan(facts, "draft", "ServiceRequest/sr", [])


def test_the_goals_are_the_prescribed_dose_in_ucum() -> None:
    activity, strength = (checked(aim) for aim in goals(some_facts(), "proposed"))
    assert activity["target"] == [
        {
            "measure": activity["target"][0]["measure"],
            "detailQuantity": {
                "value": 60,
                "unit": "min/wk",
                "system": "http://unitsofmeasure.org",
                "code": "min/wk",
            },
            "dueDate": "2027-03-03",
        }
    ]
    assert activity["target"][0]["measure"]["coding"][0]["code"] == "82290-8"
    assert strength["target"][0]["measure"]["coding"][0]["code"] == "82291-6"
    assert strength["target"][0]["detailQuantity"]["code"] == "d/wk"
    assert activity["identifier"] != strength["identifier"]


@pytest.mark.parametrize(
    "resistance",
    [None, {"days_per_week": 2, "sets_min": 0, "sets_max": 0}, {"days_per_week": 0, "sets_max": 2}],
    ids=["nothing said", "no sets", "no days"],
)
def test_no_strength_work_no_strength_goal(resistance: dict[str, int] | None) -> None:
    facts = some_facts(summary=a_dose(resistance=resistance))
    assert [aim["description"]["text"] for aim in goals(facts, "proposed")] == [
        "Be active for 60 minutes a week, on 3 days"
    ]
    assert "strength" not in care_plan(facts, "draft", "ServiceRequest/sr", [])["text"]["div"]


def test_one_goal_is_found_by_its_kind_whatever_else_the_dose_has() -> None:
    aerobic = a_summary()["prescription"]["aerobic"] | {"days_per_week": 0}
    facts = some_facts(summary=a_dose(aerobic=aerobic))
    strength = goal(facts, "goal-strength", "proposed")
    assert goal(facts, "goal-activity", "proposed") is None
    assert strength is not None
    assert strength["target"][0]["detailQuantity"]["code"] == "d/wk"


def test_wb_5_plan_and_goals_are_found_again_by_the_names_of_their_kinds() -> None:
    facts = some_facts()
    written = [care_plan(facts, "draft", "ServiceRequest/sr", []), *goals(facts, "proposed")]
    for resource, kind in zip(written, ("care-plan", "goal-activity", "goal-strength"), strict=True):
        expected = resource_identifier("city", "ada-refer", facts.episode_id, kind)
        assert resource["identifier"][0]["value"] == expected


def test_what_is_not_a_condition_is_addressed_by_neither_plan_nor_goal() -> None:
    facts = some_facts(reason=Ref("Observation/1"))
    written = [care_plan(facts, "draft", "ServiceRequest/sr", []), *goals(facts, "proposed")]
    assert not [resource for resource in written if "addresses" in resource]


def test_the_patient_reads_the_same_sentences_in_the_same_order() -> None:
    div = ElementTree.fromstring(a_plan()["text"]["div"])
    assert [text for node in div.iter() if (text := node.text)] == [
        "Your exercise plan",
        "Start with this. Your exercise team will go through it with you first.",
        "Move on 3 days a week, for 20 minutes each time.",
        "It should feel a little hard: you breathe faster, but you can still talk in full sentences.",
        "Do strength exercises on 2 days a week: 1–2 rounds of 8-15 repeats.",
        "Good ways to move",
        "walking",
        "cycling",
        "Also helpful",
        "Balance for five minutes",
        "Please take care",
        "No group training in the second week after an infusion.",
        "Stop and get help if",
        "Chest pain",
        "Dizziness",
        "What comes next",
        "Five more minutes after two good weeks.",
        "You can say no or change your mind at any time. Your care stays the same.",
    ]
    assert not [node.tail for node in div.iter() if node.tail]
