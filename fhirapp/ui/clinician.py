"""The clinician's one screen: verdict, reasons, cautions, dose, programme, estimates; sign or not now."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhirapp.alarms.confirming import Confirming
from fhirapp.ehr.errors import EhrUnavailable
from fhirapp.referrals.actions import may_ask_again
from fhirapp.referrals.errors import HoldOpen, ReferralNotFound, TransitionNotAllowed
from fhirapp.referrals.notices import person_of
from fhirapp.referrals.reasons import CLINICIAN_CHOICES, CLOSING_CHOICES, GONE, REASONS, reoffer_at
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.status import BEFORE_RELEASE, LABELS, Action, Role, State
from fhirapp.referrals.store import Referrals
from fhirapp.referrals.time_to_say_no import waits_for_discharge
from fhirapp.tenants import Tenant
from fhirapp.ui.access import Door
from fhirapp.ui.alarm_lines import shown_alarms
from fhirapp.ui.case import aerobic_line, case_of, resistance_line
from fhirapp.ui.errors import AccessEnded
from fhirapp.ui.history import lines_of
from fhirapp.ui.house import House
from fhirapp.ui.look import Look, fingerprint, look_at
from fhirapp.ui.messages import said_of
from fhirapp.ui.moves import SURE, chosen, moves_for
from fhirapp.ui.people import banner_of, known_person
from fhirapp.ui.programmes import sites_for
from fhirapp.ui.session import Page
from fhirapp.ui.verdict import Bar, bar_of, waits
from fhirapp.ui.words import BAND_WORDS, CONFIDENCE_WORDS
from fhirapp.ui.written import confirmed, converge_now, written_of
from models.text import N_, Text
from smart_launch.errors import SmartError

CHANGED: Final = N_("The chart has changed since this page was opened. Please look again before you sign.")
MOVED: Final = N_("Somebody else has moved this referral meanwhile. This is how it stands now.")
HELD: Final = N_("It was not signed: a rule holds it, or a clearance is missing.")
NOT_HERE: Final = N_("This cannot be signed here. The reason stands below.")
NOT_CHOSEN: Final = N_("Something was not chosen or ticked, so nothing was done.")
STOPPED: Final = {
    "hold": N_("Nothing was done: a rule holds this referral."),
    "clearance": N_("Nothing was done: a clearance is missing."),
    "answers": N_("Nothing was done: the safety questions have to be answered first, they are good for two weeks."),
}
NO_REASON: Final = N_("Choose a reason, so that the service knows when to offer again.")


@dataclass(frozen=True, slots=True)
class Screen:
    """The routes' work, one method each."""

    house: House
    door: Door

    def show(self, sid: str) -> ResponseReturnValue:
        """The screen, from a chart that was read for it."""
        page, tenant = self.door.enter(sid)
        try:
            look = self._look(page, tenant)
        except EhrUnavailable:
            return self._without_chart(page, tenant)
        return self._screen(page, tenant, look)

    def sign(self, sid: str) -> ResponseReturnValue:
        """Sign what was on the screen, and only that; with a clearance first where one is asked for."""
        page, tenant = self.door.enter(sid)
        try:
            look = self._look(page, tenant)
        except EhrUnavailable:
            return self._without_chart(page, tenant, nothing_done=True)
        referral, case = look.referral, case_of(look.decision)
        if referral is None or request.form.get("seen") != fingerprint(look.decision):
            return self._screen(page, tenant, look, problem=CHANGED), 409
        if self._bar(page, tenant, look).sign is None:
            return self._screen(page, tenant, look, problem=NOT_HERE), 409
        actions, now = self.house.actions, self.house.clock()
        try:
            if referral.clearance_open(now):
                actions.clear(referral.id, list(case.to_clear), actor=page.actor, now=now)
            actions.sign(referral.id, actor=page.actor, now=now)
        except (TransitionNotAllowed, HoldOpen) as refused:
            problem = MOVED if isinstance(refused, TransitionNotAllowed) else HELD
            return self._screen(page, tenant, self._look(page, tenant), problem=problem), 409
        return self._tell_and_confirm(page, tenant, referral)

    def not_now(self, sid: str) -> ResponseReturnValue:
        """Decline with a coded reason. It needs no fresh chart: to say no is always safe."""
        page, tenant = self.door.enter(sid)
        code = request.form.get("reason", "")
        referral = self._stored(page)
        if code not in self._reasons(page, tenant) or not page.row.fhir_user or referral is None:
            return self._screen(page, tenant, self._look(page, tenant), problem=NO_REASON, declining=True), 422
        try:
            self.house.actions.decline(referral.id, code, actor=page.actor, now=self.house.clock())
        except TransitionNotAllowed:
            return self._screen(page, tenant, self._look(page, tenant), problem=MOVED), 409
        return self._tell_and_confirm(page, tenant, referral)

    def move(self, sid: str) -> ResponseReturnValue:
        """Pause, go on, complete, end: what the table of states lets a clinician do beside signing and declining."""
        page, tenant = self.door.enter(sid)
        referral, why = self._stored(page), request.form.get("why", "")
        if referral is None or not tenant.may_sign(page.row.fhir_user):
            raise ReferralNotFound("nothing to move")
        wanted = chosen(Role.CLINICIAN, referral.status, request.form.get("move", ""), why, sure=SURE in request.form)
        if wanted is None:
            return self._screen(page, tenant, self._look(page, tenant), problem=NOT_CHOSEN), 422
        if wanted.action is Action.RESUME:
            self._look(page, tenant)  # the chart speaks before the sessions do
        try:
            self.house.actions.carry_on(
                referral.id, wanted.action, actor=page.actor, now=self.house.clock(), why=why if wanted.choose else ""
            )
        except (TransitionNotAllowed, HoldOpen) as refused:
            problem = MOVED if isinstance(refused, TransitionNotAllowed) else STOPPED[refused.why]
            return self._screen(page, tenant, self._look(page, tenant), problem=problem), 409
        with suppress(AccessEnded, SmartError):
            converge_now(self.house, tenant, referral, self.door.ehr(page, tenant))
        return redirect(url_for("clinician.show", sid=sid, said=f"move-{wanted.action.value}"), 303)

    def again(self, sid: str) -> ResponseReturnValue:
        """A clinician wants the patient to be offered again after a no: the embargo ends, and the chart is read."""
        page, tenant = self.door.enter(sid)
        referral = self._stored(page)
        if referral is None or not tenant.may_sign(page.row.fhir_user):
            raise ReferralNotFound("nothing to offer again")
        with suppress(TransitionNotAllowed):
            self.house.actions.ask_again(referral.id, actor=page.actor, now=self.house.clock())
        return redirect(url_for("clinician.show", sid=sid), 303)

    def alarm_seen(self, sid: str, alarm_id: int) -> ResponseReturnValue:
        """The clinician confirms an alarm of the patient whose page this is."""
        page, tenant = self.door.enter(sid)
        with self.house.sessions() as session:
            ids = {row.id for row in Referrals(session, tenant.id).of_patient(page.row.patient_id or "")}
        confirming = Confirming(self.house.sessions)
        alarm = confirming.find(tenant.id, alarm_id)
        if alarm is None or alarm.referral_id not in ids or not page.row.fhir_user:
            raise ReferralNotFound("no such alarm of this patient")
        confirming.confirm(tenant.id, alarm_id, how="page", actor=page.actor, now=self.house.clock())
        return redirect(url_for("clinician.show", sid=sid, said="alarm-seen"), 303)

    def done(self, sid: str) -> ResponseReturnValue:
        """What happened, what the EHR has, what comes next."""
        page, tenant = self.door.enter(sid)
        referral = self._stored(page)
        if referral is None:
            return redirect(url_for("clinician.show", sid=sid), 303)
        with self.house.sessions() as session:
            rows = Referrals(session, tenant.id).resources(referral.id)
        self.door.saw(page, "clinician.done", page.row.patient_id, referral.id)
        return render_template(
            "clinician_done.html",
            **self._frame(page, tenant, known_person(person_of(referral, self.house.sealer))),
            referral=referral,
            written=written_of(referral, rows),
            confirmed=confirmed(referral, rows),
            reason=_reason_of(referral),
            reasons=REASONS,
            until_discharge=_until_discharge(referral, tenant),
        )

    # ------------------------------------------------------------ inside

    def _look(self, page: Page, tenant: Tenant) -> Look:
        assert page.row.patient_id is not None  # noqa: S101 - a clinician's session always has a patient
        ehr = self.door.ehr(page, tenant)
        return look_at(self.house, tenant, page.row.patient_id, ehr, occasion="clinician page")

    def _reasons(self, page: Page, tenant: Tenant) -> tuple[str, ...]:
        """The reasons that this person may give: a nurse passes on a patient's no, and has none of their own."""
        if tenant.may_sign(page.row.fhir_user):
            return CLINICIAN_CHOICES
        return tuple(code for code in CLOSING_CHOICES if code not in GONE | {"OO-LOST"})

    def _stored(self, page: Page) -> Referral | None:
        with self.house.sessions() as session:
            return Referrals(session, page.tenant_id).newest_of(page.row.patient_id or "")

    def _tell_and_confirm(self, page: Page, tenant: Tenant, referral: Referral) -> ResponseReturnValue:
        """Tell the EHR at once; without access any more the worker does it, and the page says so."""
        with suppress(AccessEnded, SmartError):
            converge_now(self.house, tenant, referral, self.door.ehr(page, tenant))
        return redirect(url_for("clinician.done", sid=page.sid), 303)

    def _frame(self, page: Page, tenant: Tenant, banner: object) -> dict[str, object]:
        return {
            "page": page,
            "tenant": tenant,
            "banner": banner if page.row.need_banner else None,
            "form_token": self.door.token_of_form(page),
            "now": self.house.clock().astimezone(tenant.zone),
        }

    def _bar(self, page: Page, tenant: Tenant, look: Look) -> Bar:
        named, whole = bool(page.row.fhir_user), not look.refused
        nurse = named and not tenant.may_sign(page.row.fhir_user)
        return bar_of(case_of(look.decision), look.referral, tenant, signer=named, nurse=nurse, whole_chart=whole)

    def _screen(
        self, page: Page, tenant: Tenant, look: Look, *, problem: Text | None = None, declining: bool = False
    ) -> str:
        case, referral = case_of(look.decision), look.referral
        bar = self._bar(page, tenant, look)
        self.door.saw(
            page, "clinician", page.row.patient_id, referral.id if referral else "",
            verdict=case.assessment.verdict.value,
        )  # fmt: skip
        with self.house.sessions() as session:
            history = Referrals(session, tenant.id).history(referral.id) if referral else ()
            alarms = shown_alarms(session, tenant, self.house.sealer, referral.id) if referral else []
        dose, signs = case.prescription, tenant.may_sign(page.row.fhir_user)
        return render_template(
            "clinician.html",
            **self._frame(page, tenant, banner_of(look.judged.person, page.row.patient_id or "")),
            case=case,
            bar=bar,
            waits=waits(case, referral),
            referral=referral,
            moves=moves_for(referral.status, Role.CLINICIAN) if referral and signs else [],
            may_ask=bool(referral and signs and case.proposal and may_ask_again(referral, Role.CLINICIAN)),
            history=lines_of(history),
            alarms=alarms,
            message=said_of(request.args.get("said", "")),
            released=bool(referral and referral.prescription_released),
            reason_label=_reason_of(referral),
            reasons=REASONS,
            until_discharge=_until_discharge(referral, tenant),
            band_words=BAND_WORDS,
            confidence_words=CONFIDENCE_WORDS,
            aerobic=aerobic_line(dose) if dose else None,
            resistance=resistance_line(dose) if dose else None,
            sites=sites_for(tenant, case.assessment.min_supervision, case.proposal),
            choices=choices(self.house.clock(), case.assessment.phase, self._reasons(page, tenant)),
            seen=fingerprint(look.decision),
            problem=problem,
            declining=declining,
        )

    def _without_chart(self, page: Page, tenant: Tenant, *, nothing_done: bool = False) -> ResponseReturnValue:
        referral = self._stored(page)
        self.door.saw(page, "clinician", page.row.patient_id, referral.id if referral else "", outcome="no answer")
        person = known_person(person_of(referral, self.house.sealer)) if referral else None
        frame = self._frame(page, tenant, person)
        state = LABELS[referral.status] if referral else None
        text = render_template(
            "clinician_waiting.html", **frame, referral=referral, state=state, nothing_done=nothing_done
        )
        return text, 503, {"Retry-After": "10"}


def choices(now: datetime, phase: str, codes: Iterable[str]) -> list[tuple[str, Text, datetime | None]]:
    """The reasons to say no, and when the service would offer again."""
    return [(code, REASONS[code].label, reoffer_at(code, now, (), phase)) for code in codes]


def _until_discharge(referral: Referral | None, tenant: Tenant) -> bool:
    """Whether the patient's time to say no ends with a stay in hospital, so that there is no day to name."""
    in_window = referral is not None and referral.status in BEFORE_RELEASE | {State.OPT_OUT_OPEN}
    return referral is not None and in_window and waits_for_discharge(referral, tenant)


def _reason_of(referral: Referral | None) -> Text | None:
    reason = REASONS.get(referral.reason_code or "") if referral else None
    return reason.label if reason else None


def create_blueprint(house: House) -> Blueprint:
    """The routes below `/clinician`."""
    screen = Screen(house, Door(house, Role.CLINICIAN))
    bp = Blueprint("clinician", __name__, url_prefix="/clinician")
    bp.get("/<sid>/", endpoint="show")(screen.show)
    bp.post("/<sid>/sign", endpoint="sign")(screen.sign)
    bp.post("/<sid>/not-now", endpoint="not_now")(screen.not_now)
    bp.post("/<sid>/move", endpoint="move")(screen.move)
    bp.post("/<sid>/again", endpoint="again")(screen.again)
    bp.post("/<sid>/alarms/<int:alarm_id>", endpoint="alarm_seen")(screen.alarm_seen)
    bp.get("/<sid>/done", endpoint="done")(screen.done)
    return bp
