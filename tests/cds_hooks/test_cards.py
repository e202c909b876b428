"""What a card says, and what it must never say."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from markdown_it import MarkdownIt

from cds_hooks.cards import cards_for
from cds_hooks.ports import DraftOrder
from models.decision import NoProposal, Release, Verdict
from models.findings import Cap, Effect, Evidence
from models.inputs import SAFETY_QUESTIONS
from models.snapshot import Gap, PatientSnapshot, Reading, When
from models.text import N_
from tests.cds_hooks.builders import (
    ISSUER,
    NOW,
    a_client,
    a_draft,
    a_finding,
    a_prescription,
    a_proposal,
    a_request,
    an_assessment,
    an_offer,
)
from tests.cds_hooks.conftest import Running
from tests.cds_hooks.hygiene import check_response

PROPOSED = [verdict for verdict in Verdict if verdict is not Verdict.INELIGIBLE]


def the_card(offer: Any, **options: Any) -> dict[str, Any]:
    (card,) = cards_for(offer, **options)
    check_response({"cards": [card]})
    return card


def held(verdict: Verdict, effect: Effect, **changes: Any) -> Any:
    finding = a_finding(effect, rule="HEM-01", text=N_("Platelets are under 10: bleeding risk"), **changes)
    return an_offer(verdict, decision=a_proposal(verdict, assessment=an_assessment(verdict, findings=(finding,))))


@pytest.mark.parametrize("verdict", PROPOSED)
def test_ch_g2_every_kind_of_card_keeps_all_rules_of_the_wire(verdict: Verdict):
    """CH-C1, CH-C2, CH-C3, CH-C5, CH-C6, CH-C7, CH-A1, CH-A3, CH-A4, CH-A5, CH-L1, CH-L2, CH-X2: see `check_card`."""
    the_card(an_offer(verdict))


@pytest.mark.parametrize("verdict", PROPOSED)
def test_ch_g2_a_card_with_as_little_as_possible_keeps_them_too(verdict: Verdict):
    bare = an_assessment(verdict, findings=(), gaps=(), risk=None, rules_version="")
    offer = an_offer(
        verdict,
        decision=a_proposal(verdict, assessment=bare, prescription=None),
        suggestion=(),
        app_context=None,
        launch_url=None,
        clinician_deadline=None,
        opt_out_deadline=None,
    )
    card = the_card(offer)
    assert "links" not in card
    assert "suggestions" not in card


def test_ch_s2_no_proposal_gives_no_card_whatever_the_offer_says():
    nothing = NoProposal(an_assessment(Verdict.INELIGIBLE), N_("under 18"))
    assert cards_for(an_offer(decision=nothing, show=True)) == []


@pytest.mark.parametrize("verdict", PROPOSED)
def test_an_offer_that_is_not_to_be_shown_gives_no_card(verdict: Verdict):
    assert cards_for(an_offer(verdict, show=False)) == []


@pytest.mark.parametrize(
    ("verdict", "indicator"),
    [
        (Verdict.REFER, "info"),
        (Verdict.INCOMPLETE, "info"),
        (Verdict.CLEARANCE, "info"),
        (Verdict.HOLD, "warning"),
        (Verdict.HOLD_EMERGENCY, "critical"),
    ],
)
def test_ch_c2_critical_is_kept_for_danger_to_life(verdict: Verdict, indicator: str):
    assert the_card(an_offer(verdict))["indicator"] == indicator


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.HOLD_EMERGENCY, Verdict.CLEARANCE])
def test_a_card_never_suggests_exercise_while_a_rule_forbids_it(verdict: Verdict):
    """Even when the caller put a suggestion into the offer."""
    card = the_card(an_offer(verdict, suggestion=(a_draft(), a_draft("CarePlan", "cp1"))))
    assert "suggestions" not in card
    assert "First week" not in card["detail"]
    assert "Borg" not in card["detail"]


def test_a_hold_card_tells_why_with_value_unit_date_and_what_to_do():
    card = the_card(held(Verdict.HOLD, Effect.HOLD, task=N_("Repeat the blood count")))
    assert card["summary"] == "No exercise for now: Platelets are under 10: bleeding risk"
    assert "bleeding risk · Platelets: 42 ×10⁹/L (2026-11-20) · HEM-01" in card["detail"]
    assert "Repeat the blood count" in card["detail"]
    assert "overrideReasons" not in card
    assert "goes out" not in card["detail"]


@pytest.mark.parametrize("unconfirmed", [True, False])
def test_a_rule_that_is_not_confirmed_says_so(unconfirmed: bool):
    card = the_card(held(Verdict.HOLD, Effect.HOLD, needs_review=unconfirmed))
    assert ("HEM-01 · rule not confirmed yet" in card["detail"]) is unconfirmed


def test_an_emergency_says_so_first():
    assert the_card(held(Verdict.HOLD_EMERGENCY, Effect.HOLD_E))["summary"].startswith("Emergency, no exercise")


def test_a_referral_card_says_when_it_goes_out_by_itself_in_the_hospitals_days():
    card = the_card(an_offer())
    assert card["summary"] == (
        "Exercise referral goes out on 2026-11-28 unless you say no: Community-based supervised programme"
    )
    for said in ("tier T3", "Breast cancer, active", "2026-12-05", "too old: Haemoglobin", "not on file"):
        assert said in card["detail"]


def test_ch_c9_a_card_names_its_rules_the_age_of_its_chart_and_its_model():
    detail = the_card(an_offer())["detail"]
    assert "Chart as of 2026-11-25 09:30 NZDT; rules 2026.11" in detail
    assert "machine learning risk-1, reduced confidence" in detail
    assert "only add caution" in detail
    assert "0.2" not in detail  # a band, never a bare number


def test_the_dose_stands_in_three_lines():
    block = the_card(an_offer())["detail"].split("**First week**")[1].split("**Pass on**")[0]
    assert [line for line in block.splitlines() if line] == [
        "- Aerobic: 3 days a week, 20 min, Borg 11 to 13 (6-20): walking, cycling",
        "- Resistance: 2 days a week, 1-2 × 8-15 repetitions, light bands",
        "- balance; all days and steps are in the plan",
    ]


def test_a_referral_without_a_standing_order_waits_for_a_signature():
    card = the_card(an_offer(clinician_deadline=None, opt_out_deadline=None))
    assert card["summary"].startswith("Exercise referral is ready to sign")
    assert "waits for a clinician's signature" in card["detail"]


def test_unanswered_questions_let_the_referral_go_and_keep_the_dose_back():
    assessment = an_assessment(Verdict.INCOMPLETE, release=Release(True, False, ("answers",)))
    card = the_card(an_offer(decision=a_proposal(Verdict.INCOMPLETE, assessment=assessment)))
    (suggestion,) = card["suggestions"]
    assert [action["resource"]["resourceType"] for action in suggestion["actions"]] == ["ServiceRequest"]
    assert "navigator asks the safety questions first" in card["detail"]
    assert "First week" not in card["detail"]
    assert "2026-11-28" in card["summary"]


def test_a_card_that_waits_for_data_suggests_nothing():
    assessment = an_assessment(Verdict.INCOMPLETE, release=Release(False, False, ("data:conditions",)))
    card = the_card(an_offer(decision=a_proposal(Verdict.INCOMPLETE, assessment=assessment)))
    assert "suggestions" not in card
    assert card["summary"] == "Exercise referral waits for missing information"


def test_a_clearance_card_leads_to_where_clearance_is_recorded():
    card = the_card(an_offer(Verdict.CLEARANCE))
    (link,) = card["links"]
    assert (link["label"], link["type"], link["appContext"]) == ("Record clearance", "smart", "opaque-1")
    assert "CL-CONTRA" in {reason["code"] for reason in card["overrideReasons"]}


def test_ch_a1_ch_a2_the_suggestion_creates_every_resource_in_order_and_says_what_each_is():
    goal = a_draft("Goal", "g1") | {"description": {"text": "60 minutes a week"}}
    drafts = (a_draft(), goal, a_draft("CarePlan", "cp1"))
    (suggestion,) = the_card(an_offer(suggestion=drafts))["suggestions"]
    assert suggestion["isRecommended"] is True
    assert tuple(action["resource"] for action in suggestion["actions"]) == drafts
    assert [action["description"] for action in suggestion["actions"]] == [
        "Draft referral: Community-based supervised programme",
        "Proposed goal: 60 minutes a week",
        "Draft exercise plan",
    ]


@pytest.mark.parametrize(("length", "shown"), [(139, 139), (140, None), (300, None)])
def test_ch_c1_a_summary_has_139_characters_at_most(length: int, shown: int | None):
    prefix = "No exercise for now: "
    text = ("word " * 100)[: length - len(prefix)].rstrip().ljust(length - len(prefix), "x")
    finding = a_finding(Effect.HOLD, text=N_(text))
    assessment = an_assessment(Verdict.HOLD, findings=(finding,))
    summary = the_card(an_offer(Verdict.HOLD, decision=a_proposal(Verdict.HOLD, assessment=assessment)))["summary"]
    if shown is not None:
        assert len(summary) == shown
        assert not summary.endswith("…")
    else:
        assert len(summary) <= 139
        assert summary.endswith("…")


def test_ch_c1_one_endless_word_is_cut_too_and_wide_characters_count_twice():
    finding = a_finding(Effect.HOLD, text=N_("🏃" * 200))
    assessment = an_assessment(Verdict.HOLD, findings=(finding,))
    summary = the_card(an_offer(Verdict.HOLD, decision=a_proposal(Verdict.HOLD, assessment=assessment)))["summary"]
    assert len(summary.encode("utf-16-le")) // 2 < 140


HOSTILE = (
    "<script>alert(1)</script> [click](https://evil.example) **bold** `code` ![x](http://evil.example/x.png)"
    " https://evil.example www.evil.example a@evil.example &lt; ~~gone~~ # title\n# heading\n- item | cell |"
)


def test_ch_c4_what_stands_in_the_chart_is_shown_and_never_rendered():
    evidence = (Evidence("vs.bone_mets", HOSTILE, HOSTILE, HOSTILE, "Condition/c1"),)
    finding = a_finding(text=N_("{name}", name=HOSTILE), inputs=evidence)
    assessment = an_assessment(findings=(finding,), gaps=(Gap(HOSTILE, "unread"),))
    prescription = a_prescription(caps=(N_("{name}", name=HOSTILE),))
    card = the_card(an_offer(decision=a_proposal(assessment=assessment, prescription=prescription)))
    html = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(card["detail"])
    for forbidden in ("<script", "<a ", "<img", "<code", "<h1", "<table", "<s>", "<strong>bold"):
        assert forbidden not in html
    for autolinked in ("https://", "http://", " www."):
        assert autolinked not in card["detail"]


@pytest.mark.parametrize("verdict", PROPOSED)
def test_ch_c4_the_detail_has_no_html_and_no_links_of_its_own(verdict: Verdict):
    detail = the_card(an_offer(verdict))["detail"]
    assert "<" not in detail
    assert "](" not in detail


def test_more_findings_than_fit_are_counted_and_the_gravest_come_first():
    findings = tuple(a_finding(rule=f"RULE-{number}") for number in range(9))
    detail = the_card(an_offer(decision=a_proposal(assessment=an_assessment(findings=findings))))["detail"]
    assert "RULE-0" in detail
    assert "RULE-8" not in detail
    assert "6 more findings" in detail


def test_many_values_of_one_finding_are_the_newest_of_each_kind():
    values = [("vs.falls", "History of falling", f"2026-11-{day}") for day in (20, 10)]
    values += [(f"other_{number}", "x", "2026-01-01") for number in range(9)]
    inputs = tuple(Evidence(name, value, "{score}", date, "") for name, value, date in values)
    assessment = an_assessment(findings=(a_finding(inputs=inputs),))
    (line,) = (
        line
        for line in the_card(an_offer(decision=a_proposal(assessment=assessment)))["detail"].splitlines()
        if "HEM-03" in line
    )
    assert "History of falling (2026-11-20)" in line
    assert "2026-11-10" not in line
    assert "score" not in line
    assert line.count("2026") == 4


def test_a_preliminary_result_says_so():
    inputs = (Evidence("platelets", "42", "10*9/L", "2026-11-25", "o", "preliminary"),)
    assessment = an_assessment(findings=(a_finding(inputs=inputs),))
    detail = the_card(an_offer(decision=a_proposal(assessment=assessment)))["detail"]
    assert "Platelets: 42 ×10⁹/L (2026-11-25, preliminary)" in detail


def test_what_is_to_be_avoided_says_avoid():
    caps = (Cap("avoid", "x", N_("Uneven ground")), Cap("rpe_max", 12, N_("Effort at most 12")))
    assessment = an_assessment(findings=(a_finding(caps=caps),))
    prescription = a_prescription(caps=tuple(cap.text for cap in caps))
    detail = the_card(an_offer(decision=a_proposal(assessment=assessment, prescription=prescription)))["detail"]
    assert "- Avoid: Uneven ground\n- Effort at most 12" in detail


def a_calm_snapshot(**changes: Any) -> PatientSnapshot:
    when = When(NOW, NOW)
    said = {alias: (Reading(alias, False, "", when, "q"),) for alias in SAFETY_QUESTIONS}
    blood = {
        "platelets": (Reading("platelets", 212.0, "10*9/L", when, "o"),),
        "ecog": (Reading("ecog", 1, "", when, "o"),),
    }
    return PatientSnapshot("p1", NOW, values=said | blood | changes)


def detail_for(snapshot: PatientSnapshot, **changes: Any) -> str:
    assessment = an_assessment(snapshot=snapshot, **({"findings": (), "gaps": ()} | changes))
    detail: str = the_card(an_offer(decision=a_proposal(assessment=assessment)))["detail"]
    return detail


def test_a_fit_patients_card_shows_the_values_that_a_clinician_looks_for():
    detail = detail_for(a_calm_snapshot())
    assert "All safety questions answered with no (2026-11-25)" in detail
    assert "Platelets: 212 ×10⁹/L (2026-11-25); ECOG performance status: 1 (2026-11-25)" in detail


def test_a_value_in_doubt_is_never_shown_as_reassuring():
    assert "212" not in detail_for(a_calm_snapshot(), gaps=(Gap("platelets", "stale"),))
    low = a_finding(inputs=(Evidence("platelets", "42", "10*9/L", "2026-11-25", "o"),))
    assert "212" not in detail_for(a_calm_snapshot(), findings=(low,))


def test_questions_are_called_answered_only_when_each_is_a_no_and_none_is_old():
    said = "All safety questions answered"
    yes = {"fever": (Reading("fever", True, "", When(NOW, NOW), "q"),)}
    assert said not in detail_for(a_calm_snapshot(**yes))
    assert said not in detail_for(a_calm_snapshot(fever=()))
    assert said not in detail_for(a_calm_snapshot(), gaps=(Gap("fever", "stale"),))


def test_an_information_only_finding_is_no_reason():
    assessment = an_assessment(findings=(a_finding(Effect.INFO, rule="INFO-1"),))
    assert "INFO-1" not in the_card(an_offer(decision=a_proposal(assessment=assessment)))["detail"]


def test_override_reasons_name_the_clinicians_and_the_patients_no():
    reasons = {reason["code"]: reason for reason in the_card(an_offer())["overrideReasons"]}
    assert {"CL-CONTRA", "CL-PALL", "CL-CHOICE", "CL-OTHER", "OO-NOTINT", "OO-ACTIVE"} <= set(reasons)
    spec = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
    assert reasons["wrong-time-workflow"]["system"] == spec


def test_ch_l3_the_link_carries_the_handle_beside_the_launch_url_and_not_in_it():
    (link,) = the_card(an_offer())["links"]
    assert link["url"] == "https://stride.example/smart/launch"
    assert "opaque-1" not in link["url"]


def test_ch_c8_a_card_names_the_orders_it_was_seen_with():
    orders = (
        DraftOrder("MedicationRequest/d1", "MedicationRequest", text="paclitaxel"),
        DraftOrder("MedicationRequest/d2", "MedicationRequest", text="paclitaxel"),
        DraftOrder("ServiceRequest/d3", "ServiceRequest"),
        DraftOrder("MedicationRequest/d4", "MedicationRequest", text="not picked", selected=False),
    )
    assert "Seen while ordering paclitaxel, ServiceRequest/d3;" in the_card(an_offer(), orders=orders)["detail"]
    assert "Seen while" not in the_card(an_offer(), orders=(DraftOrder("", "MedicationRequest"),))["detail"]


def test_every_word_of_a_card_can_be_translated():
    def shouted(msgid: str) -> str:
        import re

        return re.sub(r"(\{\w+\})|(.)", lambda m: m.group(1) or m.group(2).upper(), msgid)

    for verdict in PROPOSED:
        card = the_card(an_offer(verdict), gettext=shouted)
        texts = [card["summary"], card["detail"], *(reason["display"] for reason in card.get("overrideReasons", []))]
        for text in texts:
            untranslated = text.replace("min", "")
            for word in ("exercise", "referral", "unless", "not on file", "clinician", "patient"):
                assert word not in untranslated, (verdict, word)


@pytest.mark.parametrize("user", ["Patient/p1", "RelatedPerson/r1"])
def test_a_patients_own_portal_gets_no_card_that_is_written_for_clinicians(service: Running, user: str):
    context = {"userId": user, "patientId": "p1"}
    assert service.call(a_request(context=context)).get_json() == {"cards": []}
    assert len(service.intake.calls) == 1


def signing(service: Running, hook: str = "order-sign") -> dict[str, Any]:
    context = {"userId": "Practitioner/dr1", "patientId": "p1", "draftOrders": {"resourceType": "Bundle"}}
    body: dict[str, Any] = service.call(a_request(hook=hook, context=context)).get_json()
    return body


def test_ch_y2_without_an_agreement_no_system_action_is_ever_sent(service: Running):
    assert "systemActions" not in signing(service)


def test_ch_y1_ch_y3_ch_y4_with_an_agreement_one_draft_goes_along_and_the_card_does_not_repeat_it(service: Running):
    service.clients.clients[ISSUER] = a_client(system_actions=True)
    service.intake.offer = an_offer(suggestion=(a_draft(), a_draft("Goal", "g1"), a_draft("CarePlan", "cp1")))
    body = signing(service)
    (action,) = body["systemActions"]
    assert (action["type"], action["resource"]) == ("create", a_draft())
    assert action["description"]
    (card,) = body["cards"]
    assert "suggestions" not in card
    assert "remove it to say no" in card["detail"]


@pytest.mark.parametrize(
    "offer",
    [
        an_offer(Verdict.HOLD),
        an_offer(Verdict.CLEARANCE),
        an_offer(show=False),
        an_offer(suggestion=()),
        an_offer(suggestion=(a_draft() | {"status": "active"},)),
        an_offer(suggestion=(a_draft("CarePlan"),)),
    ],
)
def test_ch_y2_an_agreement_never_sends_what_may_not_be_suggested_nor_anything_active(service: Running, offer: Any):
    service.clients.clients[ISSUER] = a_client(system_actions=True)
    service.intake.offer = offer
    assert "systemActions" not in signing(service)


def test_ch_y2_system_actions_are_for_the_hook_where_orders_are_signed(service: Running):
    service.clients.clients[ISSUER] = a_client(system_actions=True)
    assert "systemActions" not in signing(service, "patient-view")


def test_ch_c5_the_route_gives_the_same_card_as_the_function(service: Running):
    offer = an_offer(card_id=uuid4())
    service.intake.offer = offer
    body = service.call().get_json()
    check_response(body)
    assert body["cards"] == cards_for(offer)
