"""A page that lets time pass, in a demo on this machine only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhirapp.bootstrap import Stride
from fhirapp.demo.settings import TENANT
from fhirapp.referrals.notices import person_of
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.status import LABELS, NUMBER
from models.text import N_, Text

STEPS: Final = {
    "hour": (timedelta(hours=1), N_("One hour")),
    "clinician": (timedelta(hours=72, minutes=1), N_("72 hours: the clinician's window")),
    "patient": (timedelta(days=7, minutes=1), N_("7 days: the patient's window")),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One referral, as the page lists it."""

    name: str
    state: Text
    number: str
    next_at: datetime | None


def create_blueprint(stride: Stride) -> Blueprint:
    """`/demo`: what the clock says, where every referral is, and three buttons."""
    bp = Blueprint("demo", __name__, template_folder="templates")
    zone = stride.tenants[TENANT].zone

    @bp.before_request
    def only_in_a_demo() -> None:
        if not stride.config.demo:
            abort(404)

    @bp.get("/demo")
    def show() -> ResponseReturnValue:
        return render_template("demo.html", now=stride.clock().astimezone(zone), rows=_rows(stride), steps=STEPS)

    @bp.post("/demo")
    def move() -> ResponseReturnValue:
        step = STEPS.get(request.form.get("step", ""))
        if step is None:
            abort(400)
        stride.clock.move(step[0])
        return redirect(url_for("demo.show"), 303)

    return bp


def _rows(stride: Stride) -> list[Row]:
    with stride.sessions() as session:
        found = session.execute(sa.select(Referral).where(Referral.tenant_id == TENANT).order_by(Referral.opened_at))
        return [_row(stride, referral) for referral in found.scalars()]


def _row(stride: Stride, referral: Referral) -> Row:
    deadlines = {"proposed": referral.clinician_deadline, "opt_out_open": referral.patient_deadline}
    due = deadlines.get(referral.state)
    zone = stride.tenants[referral.tenant_id].zone
    name = person_of(referral, stride.sealer).get("name") or referral.patient_id
    state = referral.status
    return Row(name, LABELS[state], NUMBER[state], due.astimezone(zone) if due else None)
