"""The stable JSON of a decision."""

from __future__ import annotations

import json

import pytest

from models.proposal import decide
from models.snapshot import Gap, PatientSnapshot
from models.summary import summary, text_from
from tests.builders import a_fact, a_reading, a_snapshot, a_treated_patient

_KEYS = {
    "patient", "as_of", "verdict", "tier", "phase", "phase_text", "destination", "destination_detail", "provisional",
    "min_supervision", "eligibility", "findings", "gaps", "estimates", "prescription", "release", "rules_version",
}  # fmt: skip


@pytest.mark.parametrize(
    "snapshot",
    [
        pytest.param(a_treated_patient(), id="refer"),
        pytest.param(a_treated_patient(a_reading("platelets", 8)), id="hold"),
        pytest.param(a_treated_patient(answered=False), id="incomplete"),
        pytest.param(a_snapshot(cancer=False), id="ineligible"),
    ],
)
def test_it_is_plain_json_with_the_same_keys_whatever_the_verdict(snapshot: PatientSnapshot) -> None:
    given = summary(decide(snapshot))
    assert set(given) == _KEYS
    assert json.loads(json.dumps(given)) == given


def test_a_finding_carries_its_values_with_unit_date_and_source() -> None:
    given = summary(decide(a_treated_patient(a_reading("platelets", 8, days_ago=5))))
    finding = given["findings"][0]
    assert (finding["rule"], finding["effect"]) == ("HEM-01", "HOLD")
    assert finding["inputs"] == [
        {
            "name": "platelets",
            "label": "Platelets",
            "label_msg": {"msgid": "Platelets", "values": {}},
            "value": "8",
            "unit": "10*9/L",
            "date": "2026-11-20",
            "source": "Observation/platelets-5",
            "status": "final",
        }
    ]


def test_a_text_can_be_shown_in_another_language() -> None:
    given = summary(decide(a_treated_patient(a_reading("platelets", 8))))
    finding = given["findings"][0]
    assert finding["values"]["value"] == "8 ×10⁹/L"
    german = {finding["msgid"]: "Thrombozyten kritisch niedrig ({value})"}
    assert text_from(finding).render(lambda msgid: german.get(msgid, msgid)) == (
        "Thrombozyten kritisch niedrig (8 ×10⁹/L)"
    )
    assert text_from(finding).render() == finding["text"]


def test_a_text_within_a_text_survives_the_way_through_json() -> None:
    given = summary(decide(a_treated_patient(a_reading("tug", 14))))
    reason = given["destination_detail"]["reason_msg"]
    assert text_from(json.loads(json.dumps(reason))).render() == given["destination_detail"]["reason"]


def test_a_waiting_destination_is_marked_provisional() -> None:
    given = summary(decide(a_treated_patient(answered=False)))
    assert (given["destination"], given["provisional"]) == ("D3", True)
    assert given["release"] == {"referral": True, "prescription": False, "waiting_for": ["answers"]}


def test_a_fault_of_reading_is_among_the_gaps() -> None:
    fault = Gap("hb", "implausible", text="12 g/L is outside 20-250 g/L", source="Observation/9")
    given = summary(decide(a_treated_patient(faults=(fault,))))
    assert {"input": "hb", "why": "implausible"}.items() <= next(
        gap for gap in given["gaps"] if gap["source"] == "Observation/9"
    ).items()


def test_an_input_that_is_only_there_broken_is_one_gap_with_its_rule() -> None:
    fault = Gap("platelets", "unit", text="no unit", source="Observation/9")
    given = summary(decide(a_snapshot(faults=(fault,))))
    found = [gap for gap in given["gaps"] if gap["input"] == "platelets"]
    assert [(gap["why"], gap["rule"], gap["source"]) for gap in found] == [("unit", "HEM-01", "Observation/9")]


def test_every_input_has_a_label_that_people_understand() -> None:
    snapshot = a_treated_patient(a_reading("ck", 900), facts=[a_fact("vs.bone_mets")], unread=frozenset({"labs"}))
    given = summary(decide(snapshot))
    labels = {item["label"] for finding in given["findings"] for item in finding["inputs"]}
    labels |= {gap["label"] for gap in given["gaps"]}
    assert {"Creatine kinase, times the upper limit", "Chart entry", "Laboratory results"} <= labels
    assert [label for label in labels if "_" in label or label.startswith("vs.")] == []
