"""The EHR in the browser: patient list, chart with cards, the app in a frame, what was written back.

Every form works without JavaScript; the one script only saves clicks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhirapp.demo_ehr import entries
from fhirapp.demo_ehr.authorization import launch_url
from fhirapp.demo_ehr.cards_view import card_view, reasons_of
from fhirapp.demo_ehr.chart_codes import QUESTIONS
from fhirapp.demo_ehr.chart_view import chart_view, display_name, person_of, rows
from fhirapp.demo_ehr.compartment import patients_of
from fhirapp.demo_ehr.errors import CardUnknown, FhirError, HookFailed
from fhirapp.demo_ehr.frames import Frames
from fhirapp.demo_ehr.hands import handled, hands_on
from fhirapp.demo_ehr.hooks import Card, Cards
from fhirapp.demo_ehr.interactions import known
from fhirapp.demo_ehr.tokens import Launch
from fhirapp.demo_ehr.written_view import written

if TYPE_CHECKING:
    from fhirapp.demo_ehr.app import DemoEhr

# What is said after a form was sent: by key, so that an address can put no words of its own on the page.
NOTES: Final = {
    "result": ("done", "The result is filed, and the service has looked at the chart again."),
    "answers": ("done", "The answers are filed, and the service has looked at the chart again."),
    "accepted": ("done", "Done: the suggestion was carried out and the service was told."),
    "accepted-untold": ("problem", "The suggestion was carried out, but the service could not be told."),
    "refused": ("problem", "The suggestion could not be carried out. Nothing was written."),
    "overridden": ("done", "Noted: your reason was sent to the service."),
    "untold": ("problem", "The card is closed, but the service could not be told."),
    "gone": ("problem", "This card was answered already, or is too old. Here are the cards of now."),
    "signed": ("done", "The order is signed."),
    "handled": ("done", "The record is changed. The service is told, or finds it when it looks next."),
    "changed": ("problem", "Somebody has changed it in this moment. Look again."),
    "unreadable": ("problem", "That entry cannot be filed: check the value and answer every question."),
}


def create_blueprint(ehr: DemoEhr) -> Blueprint:
    """The pages."""
    bp = Blueprint("pages", __name__)
    store, frames = ehr.api.store, Frames(ehr.settings, ehr.tokens)
    user = f"Practitioner/{ehr.settings.practitioner_id}"
    today = _today(ehr)

    @bp.get("/")
    def patients() -> ResponseReturnValue:
        wanted = request.args.get("q", "").strip().casefold()
        listed = [one for one in rows(store, ehr.settings, today()) if wanted in _words_of(one)]
        return render_template("patients.html", rows=listed, q=request.args.get("q", ""), **_frame_of(ehr))

    @bp.get("/patients/<patient_id>")
    def chart(patient_id: str) -> ResponseReturnValue:
        view = chart_view(store, patient_id, today())
        shown = ehr.hooks.patient_view(patient_id)
        return render_template(
            "chart.html",
            chart=view,
            **_cards(shown),
            app_url=frames.url(patient_id, request.args.get("launch", "")),
            note=NOTES.get(request.args.get("note", "")),
            written=written(store, patient_id),
            results=entries.RESULTS,
            orders=entries.ORDERS,
            questions=QUESTIONS,
            story=ehr.settings.stories.get(patient_id, ""),
            **_frame_of(ehr),
        )

    @bp.get("/patients/<patient_id>/written")
    def written_back(patient_id: str) -> ResponseReturnValue:
        """The panel of what was written back, alone: the script asks for it now and then."""
        store.read("Patient", patient_id)
        return render_template("_written.html", written=written(store, patient_id), patient_id=patient_id)

    @bp.get("/patients/<patient_id>/cards")
    def cards(patient_id: str) -> ResponseReturnValue:
        """The cards of now, alone: asked for when the service has written, for then older ones are stale."""
        shown = ehr.hooks.patient_view(patient_id)
        return render_template("_cards_alone.html", patient_id=patient_id, **_cards(shown))

    @bp.get("/patients/<patient_id>/resources/<kind>/<resource_id>")
    def resource(patient_id: str, kind: str, resource_id: str) -> ResponseReturnValue:
        known(kind)
        versions = [one for one in store.history(kind, resource_id) if one.resource]
        if not versions or patient_id not in patients_of(versions[0].resource or {}):
            abort(404)
        number = request.args.get("version", versions[0].number, int)
        chosen = next((one for one in versions if one.number == number), None) or abort(404)
        return render_template(
            "resource.html",
            person=person_of(store.read("Patient", patient_id), today()),
            kind=kind,
            resource_id=resource_id,
            versions=versions,
            chosen=chosen,
            text=json.dumps(chosen.resource, indent=2, ensure_ascii=False),
            hands=hands_on(versions[0].resource or {}) if chosen.number == versions[0].number else None,
            note=NOTES.get(request.args.get("note", "")),
            **_frame_of(ehr),
        )

    @bp.post("/patients/<patient_id>/resources/<kind>/<resource_id>")
    def handle(patient_id: str, kind: str, resource_id: str) -> ResponseReturnValue:
        """Changes a resource as a clinician, a programme or the records office would, behind the service's back."""
        known(kind)
        resource = store.read(kind, resource_id)
        if patient_id not in patients_of(resource):
            abort(404)
        note = "handled"
        try:
            changed = handled(
                resource, request.form.get("act", ""), request.form.get("reason", "").strip(), ehr.clock()
            )
            store.update(kind, resource_id, changed, if_match=request.form.get("version"))
        except ValueError:
            note = "unreadable"
        except FhirError:
            note = "changed"
        where: dict[str, Any] = {"patient_id": patient_id, "kind": kind, "resource_id": resource_id}
        return redirect(url_for("pages.resource", note=note, **where), 303)

    @bp.get("/launch/queue")
    def open_queue() -> ResponseReturnValue:
        """Opens the app without a chart, as the exercise service's navigator."""
        navigator = ehr.settings.navigator_id or abort(404)
        launch = Launch("", f"Practitioner/{navigator}", intent="referral-queue")
        return redirect(launch_url(ehr.settings, ehr.tokens, launch), 303)

    @bp.post("/patients/<patient_id>/open")
    def open_app(patient_id: str) -> ResponseReturnValue:
        """Opens the app in a frame of the chart: from a card's link with its context, or from the chart."""
        store.read("Patient", patient_id)
        url, context = _link_of(ehr, request.form.get("card", ""), request.form.get("link", ""))
        launch = Launch(patient_id, user, app_context=context, need_patient_banner=False)
        return _to_chart(patient_id, launch=frames.opened(launch, url))

    @bp.post("/patients/<patient_id>/results")
    def add_result(patient_id: str) -> ResponseReturnValue:
        return _file(
            patient_id,
            "result",
            lambda: entries.result(
                patient_id,
                request.form.get("kind", ""),
                float(request.form.get("value", "").replace(",", ".")),
                ehr.clock(),
            ),
        )

    @bp.post("/patients/<patient_id>/answers")
    def add_answers(patient_id: str) -> ResponseReturnValue:
        return _file(patient_id, "answers", lambda: entries.answers(patient_id, request.form, ehr.clock()))

    @bp.post("/patients/<patient_id>/orders")
    def check_order(patient_id: str) -> ResponseReturnValue:
        """Shows what the service says before an order is signed."""
        person = person_of(store.read("Patient", patient_id), today())
        key = request.form.get("order", "")
        try:
            draft = entries.order(patient_id, key, user, ehr.clock(), status="draft")
        except ValueError:
            return _to_chart(patient_id, note="unreadable")
        shown = ehr.hooks.order_sign(patient_id, [draft])
        chosen = next(one for one in entries.ORDERS if one.key == key)
        return render_template("order.html", person=person, order=chosen, **_cards(shown), **_frame_of(ehr))

    @bp.post("/patients/<patient_id>/orders/sign")
    def sign_order(patient_id: str) -> ResponseReturnValue:
        key = request.form.get("order", "")
        return _file(patient_id, "signed", lambda: entries.order(patient_id, key, user, ehr.clock(), status="active"))

    @bp.post("/patients/<patient_id>/cards/<card_uuid>/accept")
    def accept(patient_id: str, card_uuid: str) -> ResponseReturnValue:
        try:
            card = _card_of(ehr, patient_id, card_uuid)
            wanted = request.form.get("suggestion", "")
            chosen = next((one for one in card.suggestions if one.get("uuid") == wanted), None)
            ehr.hooks.accept(card, chosen or abort(400))
        except CardUnknown:
            return _to_chart(patient_id, note="gone")
        except FhirError:
            return _to_chart(patient_id, note="refused")
        except HookFailed:
            return _to_chart(patient_id, note="accepted-untold")
        return _to_chart(patient_id, note="accepted")

    @bp.post("/patients/<patient_id>/cards/<card_uuid>/override")
    def override(patient_id: str, card_uuid: str) -> ResponseReturnValue:
        try:
            card = _card_of(ehr, patient_id, card_uuid)
            code, comment = request.form.get("reason", ""), request.form.get("comment", "").strip()
            reason = next((one for one in reasons_of(card) if one.get("code") == code), None)
            ehr.hooks.override(card, reason, comment)
        except CardUnknown:
            return _to_chart(patient_id, note="gone")
        except HookFailed:
            return _to_chart(patient_id, note="untold")
        return _to_chart(patient_id, note="overridden")

    def _file(patient_id: str, note: str, make: Callable[[], Any]) -> ResponseReturnValue:
        store.read("Patient", patient_id)
        try:
            entered = make()
        except ValueError:
            return _to_chart(patient_id, note="unreadable")
        store.create(entered)
        return _to_chart(patient_id, note=note)

    @bp.errorhandler(FhirError)
    @bp.app_errorhandler(404)
    def not_there(error: Exception) -> ResponseReturnValue:
        return render_template("missing.html", **_frame_of(ehr)), getattr(error, "status", 404)

    bp.add_app_template_filter(_day, "day")
    bp.add_app_template_filter(_minute, "minute")
    return bp


def _cards(shown: Cards) -> dict[str, Any]:
    return {"cards": [card_view(card) for card in shown.cards], "failures": shown.failures}


def _card_of(ehr: DemoEhr, patient_id: str, card_uuid: str) -> Card:
    card = ehr.hooks.card(card_uuid)
    if card.patient_id != patient_id:
        raise CardUnknown("This card belongs to another chart.")
    return card


def _link_of(ehr: DemoEhr, card_uuid: str, position: str) -> tuple[str, str | None]:
    """The launch URL and context of a card's link; those of the chart for a card that is gone."""
    try:
        links: Sequence[Any] = ehr.hooks.card(card_uuid).body.get("links") or ()
        link = links[int(position)]
    except (CardUnknown, ValueError, IndexError):
        return ehr.settings.launch_url, None
    return str(link["url"]), link.get("appContext")


def _frame_of(ehr: DemoEhr) -> dict[str, Any]:
    version = ehr.api.store.version("Practitioner", ehr.settings.practitioner_id)
    name = display_name(version.resource) if version else ehr.settings.practitioner_id
    return {"clinician": name, "has_queue": bool(ehr.settings.navigator_id)}


def _to_chart(patient_id: str, **query: str) -> ResponseReturnValue:
    anchor = {"_anchor": "app"} if "launch" in query else {}
    values: dict[str, Any] = {"patient_id": patient_id, **anchor, **query}
    return redirect(url_for("pages.chart", **values), 303)


def _today(ehr: DemoEhr) -> Callable[[], date]:
    return lambda: ehr.settings.today or ehr.clock().date()


def _words_of(row: Any) -> str:
    return f"{row.person.name} {row.person.number} {row.problem} {row.story}".casefold()


def _day(moment: datetime | date | None) -> str:
    return f"{moment.day} {moment:%b %Y}" if moment else "no date"


def _minute(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"
