"""The patient's page: one button that says no. No sign-in, nothing clinical, no script. See decision 0012."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhirapp.audit import audit
from fhirapp.i18n import PATIENTS
from fhirapp.messages.texts import UNCHECKED
from fhirapp.referrals.actions import SAID_YES
from fhirapp.referrals.errors import LinkRefused, ReferralNotFound, TransitionNotAllowed
from fhirapp.referrals.links import OptOutLink
from fhirapp.referrals.notices import LINK_LIVES, Notice, person_of
from fhirapp.referrals.referral import Actor, Referral
from fhirapp.referrals.status import Action, Role, State, allowed
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Contact, Tenant
from fhirapp.ui import headers
from fhirapp.ui.house import House
from fhirapp.ui.language import language, speak
from models.text import N_, Text

LONGEST_CODE: Final = 24  # twelve signs, and whatever stands between them
WITHOUT_REASON: Final = "OO-NOTINT"

# In the patient's own words; none of them is a step on the way to the button. Source: pathway.md section 4.
REASONS_IN_PLAIN_WORDS: Final[dict[str, Text]] = {
    "OO-ACTIVE": N_("I am active already"),
    "OO-UNWELL": N_("I do not feel well enough"),
    "OO-FEAR": N_("I am afraid that it could harm me"),
    "OO-TIME": N_("I have no time"),
    "OO-TRANSP": N_("I cannot get there"),
    "OO-COST": N_("I am worried about the cost"),
    "OO-DIGI": N_("I do not have the phone, computer or internet for it"),
    "OO-LANG": N_("It is not in my language or does not suit my way of life"),
    "OO-OTHERCARE": N_("I am in another rehabilitation programme"),
    "OO-PRIV": N_("I do not want my data to be used for this"),
    "OO-NEVER": N_("Please never ask me again"),
}


@dataclass(frozen=True, slots=True)
class OptOutPage:
    """The routes' work."""

    house: House

    def ask(self, token: str) -> ResponseReturnValue:
        """The page with the button. It changes nothing: mail scanners open links."""
        found = self._open(token)
        if found is None:
            return self._refused()
        tenant, referral = found
        if referral.is_open:
            return render_template(
                "opt_out.html",
                tenant=tenant,
                token=token,
                reasons=REASONS_IN_PLAIN_WORDS,
                contact=reach(tenant),
                unchecked=self._unchecked(tenant),
                may_say_yes=allowed(Action.ENTER_QUEUE, referral.status, State.QUEUED, Role.PATIENT),
                said_yes=self._said_yes(tenant, referral),
            )
        return self._ended(tenant, referral)

    def say_no(self, token: str) -> ResponseReturnValue:
        """The referral stops at once. To say it twice is no error."""
        found = self._open(token)
        if found is None:
            return self._refused()
        tenant, referral = found
        code = request.form.get("reason", "")
        actor = Actor(tenant.id, Role.PATIENT, "", "patient's link")
        self.house.actions.opt_out(
            referral.id,
            actor=actor,
            now=self.house.clock(),
            code=code if code in REASONS_IN_PLAIN_WORDS else WITHOUT_REASON,
        )
        return redirect(url_for("patient.ask", token=token), 303)

    def say_yes(self, token: str) -> ResponseReturnValue:
        """The patient need not wait. To say it twice is no error, and a no stays possible."""
        found = self._open(token)
        if found is None:
            return self._refused()
        tenant, referral = found
        actor = Actor(tenant.id, Role.PATIENT, "", "patient's link")
        if not self._said_yes(tenant, referral):
            with suppress(TransitionNotAllowed):
                self.house.actions.say_yes(referral.id, actor=actor, now=self.house.clock())
        return redirect(url_for("patient.ask", token=token), 303)

    def _said_yes(self, tenant: Tenant, referral: Referral) -> bool:
        with self.house.sessions() as session:
            return Referrals(session, tenant.id).has_event(referral.id, SAID_YES)

    def _open(self, token: str) -> tuple[Tenant, Referral] | None:
        """The referral behind the link; `None` when the link is not ours, too old, or of a referral that is gone."""
        headers.private()
        now = self.house.clock()
        try:
            link = self._link(token, now)
            tenant = self.house.tenants[link.tenant_id]
            with self.house.sessions.begin() as session:
                referral = Referrals(session, tenant.id).get(link.referral_id)
                actor = Actor(tenant.id, Role.PATIENT, "", "patient's link")
                audit(
                    session, actor, "page.opt-out", at=now, patient_id=referral.patient_id, subject=referral.id
                )  # fmt: skip
        except (LinkRefused, ReferralNotFound, KeyError):
            return None
        self._speak_to(tenant, referral)
        return tenant, referral

    def _link(self, token: str, now: datetime) -> OptOutLink:
        """What the end of the address stands for: a signed link, or the short code of a letter or text message."""
        try:
            return self.house.links.read(token, now)
        except LinkRefused:
            if len(token) > LONGEST_CODE:
                raise
        with self.house.sessions() as session:
            notice = session.execute(
                sa.select(Notice).where(Notice.code == self.house.links.digest(token), Notice.at > now - LINK_LIVES)
            ).scalar_one_or_none()
        if notice is None:
            raise LinkRefused("no such code")
        return OptOutLink(notice.tenant_id, notice.referral_id)

    def _speak_to(self, tenant: Tenant, referral: Referral) -> None:
        theirs = str(person_of(referral, self.house.sealer).get("language") or "")
        speak([*filter(None, [theirs]), *request.accept_languages.values(), tenant.language], tenant.zone, PATIENTS)

    def _unchecked(self, tenant: Tenant) -> Text | None:
        """What the page says of itself in a language that nobody has checked."""
        if tenant.messages.has_reviewed(language()):
            return None
        contact = reach(tenant)
        said = ", ".join(filter(None, (contact.phone, contact.email))) or contact.display
        return Text(UNCHECKED.msgid, {"contact": said})

    def _ended(self, tenant: Tenant, referral: Referral) -> str:
        opted_out = referral.status is State.OPTED_OUT
        return render_template("opt_out_done.html", tenant=tenant, opted_out=opted_out, contact=reach(tenant))

    def _refused(self) -> ResponseReturnValue:
        speak(request.accept_languages.values(), domain=PATIENTS)
        known = [(tenant.name, reach(tenant)) for tenant in self.house.tenants.by_id.values()]
        return render_template("opt_out_refused.html", contacts=known), 404


def reach(tenant: Tenant) -> Contact:
    """Whom a patient can call or write to: the exercise service, else the person responsible."""
    service = tenant.exercise_service
    return service if service.phone or service.email else tenant.responsible_clinician


def create_blueprint(house: House) -> Blueprint:
    """The routes below `/o/<token>`."""
    page = OptOutPage(house)
    bp = Blueprint("patient", __name__, url_prefix="/o")
    bp.get("/<token>", endpoint="ask")(page.ask)
    bp.post("/<token>", endpoint="say_no")(page.say_no)
    bp.post("/<token>/yes", endpoint="say_yes")(page.say_yes)
    return bp
