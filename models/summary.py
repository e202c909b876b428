"""The stable JSON of a decision: printed by the command line, stored with the referral, rendered by pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from models.decision import Assessment, Decision, Destination, Estimate, Prescription, Proposal
from models.findings import Cap, Evidence, Finding
from models.inputs import INPUTS, label_of
from models.phase import PHASES
from models.programme import destination_of
from models.safety.inputs import DERIVED
from models.snapshot import Gap
from models.text import N_, Text

Json = dict[str, Any]


def summary(decision: Decision) -> Json:
    """Plain JSON of everything a page, a card or a log needs; texts in English, with what it takes to translate.

    A text `x` has beside it `x_msg`, `{"msgid", "values"}`; `text_from` makes a `Text` of it again. Keys are only
    ever added. Source: issue 3, item 5.
    """
    assessment = decision.assessment
    destination = _destination_of(decision)
    return {
        "patient": assessment.snapshot.patient_id,
        "as_of": assessment.snapshot.as_of.isoformat(),
        "verdict": assessment.verdict.value,
        "tier": assessment.tier,
        "phase": assessment.phase,
        "phase_text": str(PHASES[assessment.phase]),
        "destination": destination.level,
        "destination_detail": _destination(destination),
        "provisional": destination.provisional,
        "min_supervision": assessment.min_supervision,
        "eligibility": _eligibility(assessment),
        "findings": [_finding(finding) for finding in assessment.findings],
        "gaps": [_gap(gap) for gap in assessment.gaps],
        "estimates": {
            name: _estimate(estimate)
            for name, estimate in (("risk", assessment.risk), ("adherence", assessment.adherence))
            if estimate is not None
        },
        "prescription": _prescription(decision.prescription) if isinstance(decision, Proposal) else None,
        "release": {
            "referral": assessment.release.referral,
            "prescription": assessment.release.prescription,
            "waiting_for": list(assessment.release.waiting_for),
        },
        "rules_version": assessment.rules_version,
    }


def text_from(message: Mapping[str, Any]) -> Text:
    """The text of a `{"msgid", "values"}` again, to be rendered in another language."""
    values = {
        name: text_from(value) if isinstance(value, Mapping) else value
        for name, value in message.get("values", {}).items()
    }
    return Text(message["msgid"], values)


def _message(text: Text) -> Json:
    if not text.values:
        return {"msgid": text.msgid, "values": {}}
    return {
        "msgid": text.msgid,
        "values": {name: _message(value) if isinstance(value, Text) else value for name, value in text.values.items()},
    }


def _texts(name: str, text: Text) -> Json:
    return {name: text.render(), f"{name}_msg": _message(text)}


_CHART_ENTRY = N_("Chart entry")
_QUERIES = {
    "patient": N_("Personal data"),
    "conditions": N_("Diagnoses"),
    "labs": N_("Laboratory results"),
    "vitals": N_("Vital signs"),
    "function": N_("Function and fitness tests"),
    "symptoms": N_("Symptoms and questionnaires"),
    "medications": N_("Medication orders"),
    "administrations": N_("Medication given"),
    "procedures": N_("Procedures"),
    "encounters": N_("Visits and stays"),
    "answers": N_("Answers to the safety questions"),
    "referrals": N_("Referrals"),
    "plans": N_("Care plans"),
    "statements": N_("Medicines from elsewhere"),
    "allergies": N_("Allergies"),
    "appointments": N_("Planned visits"),
    "harms": N_("Adverse events"),
}


def _label(name: str) -> Text:
    """What people call an input, a worked-out value, a value set or a query."""
    if name in INPUTS:
        return label_of(name)
    if name in DERIVED:
        return DERIVED[name].label
    if name.startswith("vs."):
        return _CHART_ENTRY
    return _QUERIES.get(name) or label_of(name)


def _told(text: Text) -> Json:
    return {"text": text.render(), **_message(text)}


def _destination_of(decision: Decision) -> Destination:
    return decision.destination if isinstance(decision, Proposal) else destination_of(decision.assessment)


def _destination(destination: Destination) -> Json:
    return {
        "level": destination.level,
        **_texts("name", destination.name),
        **_texts("reason", destination.reason),
        "provisional": destination.provisional,
        "code": destination.code,
        "code_display": destination.code_display,
    }


def _eligibility(assessment: Assessment) -> Json:
    found = assessment.eligibility
    return {
        "eligible": found.eligible,
        **_texts("reason", found.reason),
        "condition": found.condition,
        "condition_text": found.condition_text,
    }


def _finding(finding: Finding) -> Json:
    return {
        "rule": finding.rule,
        "effect": finding.effect.label,
        "inputs": [_evidence(evidence) for evidence in finding.inputs],
        **_told(finding.text),
        "min_supervision": finding.min_supervision,
        "scope": finding.scope,
        "missing": finding.missing,
        "caps": [_cap(cap) for cap in finding.caps],
        "task": _told(finding.task) if finding.task else None,
        "needs_review": finding.needs_review,
        "evidence": finding.source,
    }


def _evidence(evidence: Evidence) -> Json:
    return {
        "name": evidence.name,
        **_texts("label", _label(evidence.name)),
        "value": evidence.value,
        "unit": evidence.unit,
        "date": evidence.date,
        "source": evidence.source,
        "status": evidence.status,
    }


def _cap(cap: Cap) -> Json:
    return {"kind": cap.kind, "value": cap.value, **_told(cap.text)}


MISSING: Final = {"unread": "missing", "unanswered": "missing"}


def _gap(gap: Gap) -> Json:
    return {
        "input": gap.input,
        **_texts("label", _label(gap.input)),
        "why": MISSING.get(gap.why, gap.why),
        "detail": gap.why,  # "unread", "unanswered": in which way it is missing
        "rule": gap.rule,
        "text": gap.text,
        "source": gap.source,
    }


def _estimate(estimate: Estimate) -> Json:
    return {
        "probability": estimate.probability,
        **_texts("meaning", estimate.meaning),
        "band": estimate.band,
        "confidence": estimate.confidence,
        "version": estimate.version,
        "drivers": [
            {"feature": driver.feature, "effect": driver.effect, **_told(driver.text)} for driver in estimate.drivers
        ],
        "missing": list(estimate.missing),
        "basis": list(estimate.basis),
        "refusal": _told(estimate.refusal) if estimate.refusal else None,
    }


def _prescription(plan: Prescription | None) -> Json | None:
    if plan is None:
        return None
    aerobic, resistance = plan.aerobic, plan.resistance
    return {
        "phase": plan.phase,
        "aerobic": {
            "days_per_week": aerobic.days_per_week,
            "minutes": aerobic.minutes,
            "minutes_per_week": plan.minutes_per_week,
            "intensity": {"rpe_min": aerobic.rpe_min, "rpe_max": aerobic.rpe_max},
            "modes": [_told(mode) for mode in aerobic.modes],
        },
        "resistance": {
            "days_per_week": resistance.days_per_week,
            "sets_min": resistance.sets_min,
            "sets_max": resistance.sets_max,
            "repetitions": resistance.repetitions,
            **_texts("load", resistance.load),
        },
        "other": [_told(text) for text in plan.other],
        **_texts("progression", plan.progression),
        "caps": [_told(text) for text in plan.caps],
        "stop_rules": [_told(text) for text in plan.stop_rules],
        "reasons": [
            {"what": reason.what, "value": reason.value, "by": reason.by, **_told(reason.text)}
            for reason in plan.reasons
        ],
        "weeks": plan.weeks,
    }
