"""Where whoever was called confirms an alarm: one button, no sign-in, nothing about a patient. See decision 0052."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhirapp.alarms.alarm import Alarm
from fhirapp.alarms.clocks import HOLDS, LABELS, Kind
from fhirapp.alarms.confirming import Confirming
from fhirapp.alarms.links import AlarmLink, AlarmLinks
from fhirapp.alarms.people import person_for
from fhirapp.alarms.words import reference_of
from fhirapp.referrals.errors import LinkRefused
from fhirapp.referrals.referral import Actor
from fhirapp.referrals.status import Role
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant
from fhirapp.ui import headers
from fhirapp.ui.house import House
from fhirapp.ui.language import speak


@dataclass(frozen=True, slots=True)
class AlarmPage:
    """The routes' work."""

    house: House
    links: AlarmLinks
    confirming: Confirming

    def show(self, token: str) -> ResponseReturnValue:
        """The page with the button. It changes nothing: mail scanners open links."""
        headers.private()
        try:
            _, tenant, alarm = self._open(token)
        except LinkRefused:
            return self._refused()
        kind = Kind(alarm.kind)
        return render_template(
            "alarm.html",
            tenant=tenant,
            token=token,
            alarm=alarm,
            reference=reference_of(alarm),
            what=LABELS[kind],
            stops=kind in HOLDS,
        )

    def confirm(self, token: str) -> ResponseReturnValue:
        """Seen. To confirm twice is no error; the first one stands."""
        headers.private()
        try:
            link, tenant, alarm = self._open(token)
        except LinkRefused:
            return self._refused()
        with self.house.sessions() as session:
            referral = Referrals(session, tenant.id).get(alarm.referral_id)
        person = person_for(link.whom, tenant, referral)
        role = Role.NAVIGATOR if link.whom in ("shift-lead", "service-lead", "navigator") else Role.CLINICIAN
        actor = Actor(tenant.id, role, person.reference, person.display)
        self.confirming.confirm(tenant.id, alarm.id, how="link", actor=actor, now=self.house.clock())
        return redirect(url_for("alarms.show", token=token), 303)

    def _open(self, token: str) -> tuple[AlarmLink, Tenant, Alarm]:
        link = self.links.read(token, self.house.clock())
        tenant = self.house.tenants.by_id.get(link.tenant_id)
        alarm = self.confirming.find(link.tenant_id, link.alarm_id) if tenant else None
        if tenant is None or alarm is None:
            raise LinkRefused("no such alarm")
        speak([*request.accept_languages.values(), tenant.language], tenant.zone)
        return link, tenant, alarm

    def _refused(self) -> ResponseReturnValue:
        speak(request.accept_languages.values())
        return render_template("alarm_refused.html"), 404


def create_blueprint(house: House) -> Blueprint:
    """The routes `/a/<token>`."""
    page = AlarmPage(house, AlarmLinks(house.config.secret, house.config.public_url), Confirming(house.sessions))
    bp = Blueprint("alarms", __name__, url_prefix="/a")
    bp.get("/<token>", endpoint="show")(page.show)
    bp.post("/<token>", endpoint="confirm")(page.confirm)
    return bp
