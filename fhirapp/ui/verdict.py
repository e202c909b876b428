"""The verdict bar: what the rules and the referral's state mean for the clinician, and what can be done now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from fhirapp.referrals.referral import Referral
from fhirapp.referrals.status import BEFORE_RELEASE, LABELS, Action, Role, State, actions_for
from fhirapp.tenants import Tenant
from fhirapp.ui.case import Case
from models.decision import Verdict
from models.findings import Effect
from models.text import N_, Text

Tone = Literal["go", "ask", "stop", "wait", "done", "none"]


@dataclass(frozen=True, slots=True)
class Bar:
    """Zone 1 of the screen. `sign` and `decline` are the words on the buttons; `None`: there is no such button."""

    tone: Tone
    headline: Text
    detail: Text | None = None
    sign: Text | None = None
    decline: Text | None = None
    no_sign: Text | None = None  # why there is no button to sign, when one could be expected


_NOBODY: Final = N_("The record system did not say who you are, so you cannot sign here.")
_NURSE: Final = N_("You can pass on the patient's no here; a doctor or nurse practitioner signs.")
_PARTIAL: Final = N_("Your access does not cover the whole chart, so you cannot sign here.")


def bar_of(
    case: Case,
    referral: Referral | None,
    tenant: Tenant,
    *,
    signer: bool = True,
    nurse: bool = False,
    whole_chart: bool = True,
) -> Bar:
    """The bar of this case. `signer`: the EHR has said who the person is, so that a signature would be theirs.

    `nurse`: one who may pass on a patient's no and sign nothing.
    """
    if referral is None or (case.proposal is None and referral.is_open is False):
        return _none(case)
    if not referral.is_open:
        state = LABELS[referral.status]
        return Bar("done", N_("No referral now: {state}", state=state), case.assessment.eligibility.reason)
    if referral.status not in BEFORE_RELEASE:
        return Bar(
            "done",
            N_("Referred: {name}", name=_destination(case)),
            LABELS[referral.status],
            decline=N_("Withdraw referral") if signer else None,
        )
    decline = N_("Not now") if signer and Action.DECLINE in actions_for(referral.status, Role.CLINICIAN) else None
    bar = _before_release(case, referral, tenant)
    if not signer or nurse or not whole_chart:
        why = _NURSE if nurse else _PARTIAL if signer else _NOBODY
        return replace(bar, sign=None, decline=decline, no_sign=why if bar.sign else bar.no_sign)
    return replace(bar, decline=decline)


def _before_release(case: Case, referral: Referral, tenant: Tenant) -> Bar:
    if case.held or referral.status is State.HELD:
        return _held(case, tenant)
    name = _destination(case)
    if referral.status is State.CLEARANCE_PENDING:
        return Bar(
            "ask",
            N_("Your clearance is needed: {name}", name=name),
            _rank(case),
            sign=N_("Record clearance and sign"),
        )
    if referral.status is State.INCOMPLETE:
        return Bar(
            "wait",
            N_("Not judged yet: information is missing"),
            _rank(case),
            no_sign=N_("It can be signed as soon as the missing information is there."),
        )
    return Bar("go", N_("Refer: {name}", name=name), _rank(case), sign=N_("Sign referral"))


def _held(case: Case, tenant: Tenant) -> Bar:
    """Held: no way to sign. What to do comes first, then who is on call."""
    first = next((f for f in case.assessment.findings if f.effect >= Effect.HOLD), None)
    text = first.text if first else N_("a rule holds it")
    nothing = N_("Nothing is released while this holds. The chart is read again every day and before any release.")
    if case.assessment.verdict is Verdict.HOLD_EMERGENCY:
        return Bar("stop", N_("Emergency hold: {finding}", finding=text), _on_call(tenant), no_sign=nothing)
    return Bar("stop", N_("Hold: {finding}", finding=text), None, no_sign=nothing)


def _on_call(tenant: Tenant) -> Text:
    phone = tenant.on_call.phone
    if not phone:
        return N_("Act now. On call: {name}", name=tenant.on_call.display)
    return N_("Act now. On call: {name}, {phone}", name=tenant.on_call.display, phone=phone)


def _none(case: Case) -> Bar:
    reason = case.assessment.eligibility.reason
    return Bar("none", N_("No exercise referral for this patient"), reason)


def _destination(case: Case) -> Text:
    return case.proposal.destination.name if case.proposal else N_("exercise programme")


def _rank(case: Case) -> Text:
    return N_(
        "Tier {tier} · {supervision} · {phase}",
        tier=case.assessment.tier,
        supervision=case.supervision,
        phase=case.phase,
    )


def waits(case: Case, referral: Referral | None) -> tuple[Text, ...]:
    """What still has to happen before an exercise dose leaves the house."""
    if referral is None or case.proposal is None or case.held:
        return ()
    words = {
        "answers": N_("The six safety questions have not been answered: the navigator asks them first."),
        "clearance": N_("A clinician has to clear what is marked below."),
        "data:eligibility": N_("It is not known whether the patient is eligible."),
    }
    waiting = case.assessment.release.waiting_for
    found = [words[word] for word in waiting if word in words]
    if any(word.startswith("data:") and word != "data:eligibility" for word in waiting):
        found.append(N_("A part of the chart could not be read."))
    return tuple(found)
