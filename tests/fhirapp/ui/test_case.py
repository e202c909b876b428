"""A decision as the one screen shows it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fhirapp.ui.case import MAX_REASONS, Case, asks_clearance, case_of
from fhirapp.ui.desk import caps_of
from fhirapp.ui.look import fingerprint
from models.decision import NoProposal, Proposal
from models.findings import Effect, Finding
from models.proposal import decide
from models.snapshot import PatientSnapshot
from models.summary import summary
from models.text import N_
from tests.builders import a_fact, a_reading, a_snapshot, a_treated_patient, answers


def the_case(snapshot: PatientSnapshot) -> Case:
    return case_of(decide(snapshot))


def test_the_gravest_reason_comes_first_and_holds_its_value() -> None:
    case = the_case(a_treated_patient(a_reading("platelets", 8, days_ago=1), a_reading("hb", 92, days_ago=1)))
    first = case.reasons[0]
    assert (first.rule, first.tone, str(first.word)) == ("HEM-01", "stop", "Hold")
    assert (first.values[0].value, first.values[0].unit) == ("8", "10*9/L")
    assert first.values[0].date
    assert first.values[0].source.startswith("Observation/")
    assert case.held
    assert case.prescription is None


def test_no_more_than_five_reasons_stand_open_and_none_is_lost() -> None:
    case = the_case(
        a_treated_patient(
            a_reading("hb", 85), a_reading("platelets", 40), a_reading("anc", 1.1), a_reading("fatigue_nrs", 6),
            a_reading("falls_12_months", 1), facts=[a_fact("vs.lymphoedema"), a_fact("vs.access_device")],
        )
    )  # fmt: skip
    assert len(case.reasons) == MAX_REASONS
    shown = {why.rule for why in (*case.reasons, *case.more_reasons)}
    assert {finding.rule for finding in case.assessment.findings} <= shown


def test_a_drug_that_was_given_often_is_cited_once() -> None:
    case = the_case(a_treated_patient())
    for why in (*case.reasons, *case.more_reasons):
        cited = [(value.label, value.value) for value in why.values]
        assert len(cited) == len({str(one) for one in cited})


def test_what_was_not_checked_is_named_by_its_reason() -> None:
    case = the_case(a_snapshot(answered=False))
    words = {str(group.word): {str(name) for name in group.names} for group in case.unchecked}
    assert "Chest pain" in words["Not answered"]


def test_a_part_of_the_chart_that_was_not_read_comes_first() -> None:
    case = the_case(a_treated_patient(unread=frozenset({"labs"})))
    assert str(case.unchecked[0].word) == "Could not be read"
    assert [str(name) for name in case.unchecked[0].names] == ["laboratory results"]


def test_what_to_stay_away_from_says_so_on_both_pages() -> None:
    """`Uneven ground` alone would read as advice to go there."""
    decision = decide(a_treated_patient(a_reading("platelets", 40)))
    away = {str(c.text) for f in case_of(decision).assessment.findings for c in f.caps if c.kind == "avoid"}
    for shown in (case_of(decision).cautions, caps_of(summary(decision))):
        words = [str(caution) for caution in shown]
        assert away
        assert {f"Avoid: {what}" for what in away} <= set(words)
        assert not away & set(words)


def in_order(case: Case) -> list[Any]:
    return [why for why in (*case.reasons, *case.more_reasons) if str(why.word) == "In order"]


def test_fit_is_not_taken_on_trust() -> None:
    (why,) = in_order(the_case(a_treated_patient()))
    assert str(why.text).startswith("All safety questions answered with no, 20")
    assert [value.value for value in why.values] == ["240", "128", "3.4", "1"]
    assert all(value.date and value.source for value in why.values)


def test_only_what_no_rule_doubts_is_in_order() -> None:
    (why,) = in_order(the_case(a_treated_patient(a_reading("hb", 85), a_reading("anc", 3.0, days_ago=40))))
    assert [str(value.label) for value in why.values] == ["Platelets", "ECOG performance status"]


def test_unanswered_questions_are_not_in_order() -> None:
    for snapshot in (a_treated_patient(answered=False), a_treated_patient(*answers(days_ago=20))):
        assert all("answered with no" not in str(why.text) for why in in_order(the_case(snapshot)))


def test_in_a_hold_nothing_reassures() -> None:
    assert in_order(the_case(a_treated_patient(a_reading("platelets", 8)))) == []


def test_an_ineligible_patient_has_one_reason() -> None:
    decision = decide(a_snapshot(cancer=False))
    assert isinstance(decision, NoProposal)
    case = case_of(decision)
    assert len(case.reasons) == 1
    assert case.prescription is None


@pytest.mark.parametrize(
    ("effect", "scope", "asked"),
    [
        (Effect.CLEAR, "plan", True),
        (Effect.HOLD, "region", True),
        (Effect.HOLD, "plan", False),
        (Effect.CLEAR, "session", False),
        (Effect.SUP, "plan", False),
    ],
    ids=["clearance", "a hold of a limb", "a whole hold", "a check before each session", "supervision"],
)
def test_a_clearance_answers_only_what_asks_for_one(effect: Effect, scope: str, asked: bool) -> None:
    assert asks_clearance(Finding("X-1", effect, N_("x"), scope=scope)) is asked


@pytest.mark.parametrize(
    "changed",
    [
        {"platelets": 40},
        {"hb": 85},
        {"platelets": 8},
    ],
    ids=["a cap", "a limit", "a hold"],
)
def test_a_signature_is_about_what_was_seen(changed: dict[str, Any]) -> None:
    before = fingerprint(decide(a_treated_patient()))
    after = fingerprint(decide(a_treated_patient(*(a_reading(name, value) for name, value in changed.items()))))
    assert before != after


def test_looking_again_a_minute_later_is_the_same_signature() -> None:
    snapshot = a_treated_patient()
    decision = decide(snapshot)
    assert isinstance(decision, Proposal)
    later = a_treated_patient(as_of=snapshot.as_of - timedelta(minutes=1))
    assert fingerprint(decide(later)) == fingerprint(decision)
