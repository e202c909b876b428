"""Test controls under /_admin: what the EHR holds, what was asked of it, what shall go wrong.

Also a way to play the clinician from another process, such as `stride demo --check`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from fhirapp.demo_ehr.authorization import launch_url
from fhirapp.demo_ehr.clock import DemoClock
from fhirapp.demo_ehr.compartment import patients_of
from fhirapp.demo_ehr.errors import CardUnknown, FhirError, HookFailed, invalid
from fhirapp.demo_ehr.faults import Faults
from fhirapp.demo_ehr.fhir_api import body
from fhirapp.demo_ehr.hooks import Cards, HookClient
from fhirapp.demo_ehr.interactions import Interactions
from fhirapp.demo_ehr.journal import Journal
from fhirapp.demo_ehr.scopes import FULL
from fhirapp.demo_ehr.settings import DemoSettings
from fhirapp.demo_ehr.tokens import Launch, TokenStore


def create_blueprint(
    settings: DemoSettings,
    api: Interactions,
    faults: Faults,
    journal: Journal,
    tokens: TokenStore,
    clock: DemoClock,
    reset: Callable[[], None],
) -> Blueprint:
    """Controls over the EHR itself."""
    bp = Blueprint("admin", __name__, url_prefix="/_admin")

    @bp.get("/health")
    def health() -> ResponseReturnValue:
        return jsonify({"resources": {kind: len(api.store.every(kind)) for kind in api.store.kinds()}})

    @bp.get("/counts")
    def counts() -> ResponseReturnValue:
        """Resources per patient and type: {"PATIENT": {"ServiceRequest": 1, ...}, ...}."""
        by_patient: dict[str, Counter[str]] = {}
        for kind in api.store.kinds():
            for resource in api.store.every(kind):
                for patient in patients_of(resource):
                    by_patient.setdefault(patient, Counter())[kind] += 1
        return jsonify(by_patient)

    @bp.get("/log")
    def log() -> ResponseReturnValue:
        return jsonify(journal.since(request.args.get("since", 0, int)))

    @bp.delete("/log")
    def clear_log() -> ResponseReturnValue:
        journal.clear()
        return "", 204

    @bp.get("/faults")
    def list_faults() -> ResponseReturnValue:
        return jsonify(list(faults.listed()))

    @bp.put("/faults")
    def set_faults() -> ResponseReturnValue:
        faults.replace(body())
        return jsonify(list(faults.listed()))

    @bp.get("/resources/<kind>/<resource_id>")
    def show(kind: str, resource_id: str) -> ResponseReturnValue:
        return jsonify(api.store.read(kind, resource_id))

    @bp.put("/resources/<kind>/<resource_id>")
    def put(kind: str, resource_id: str) -> ResponseReturnValue:
        """Change the record behind the service's back."""
        return jsonify(api.update(kind, resource_id, body(), FULL).version.resource)

    @bp.patch("/resources/<kind>/<resource_id>")
    def patch(kind: str, resource_id: str) -> ResponseReturnValue:
        return jsonify(api.patch(kind, resource_id, body(), FULL).version.resource)

    @bp.post("/resources/<kind>")
    def create(kind: str) -> ResponseReturnValue:
        return jsonify(api.create(kind, body(), FULL).version.resource), 201

    @bp.get("/search/<kind>")
    def search(kind: str) -> ResponseReturnValue:
        return jsonify(api.search(kind, list(request.args.items(multi=True)), FULL))

    @bp.put("/clock")
    def set_clock() -> ResponseReturnValue:
        """Set the EHR's clock ahead by `offset_seconds`."""
        clock.offset = timedelta(seconds=float(_member(body(), "offset_seconds", 0)))
        return jsonify({"now": clock().isoformat()})

    @bp.post("/launch")
    def launch() -> ResponseReturnValue:
        """The URL by which the EHR would open the app for this patient."""
        asked = body()
        context = Launch(
            patient=str(_member(asked, "patient", "")),
            user=f"Practitioner/{settings.practitioner_id}",
            encounter=_member(asked, "encounter", None),
            app_context=_member(asked, "appContext", None),
        )
        api.store.read("Patient", context.patient)
        return jsonify({"url": launch_url(settings, tokens, context, str(_member(asked, "url", "")))})

    @bp.post("/tokens")
    def token() -> ResponseReturnValue:
        """A token of any scope, to try the FHIR API by hand."""
        asked = body()
        patient = _member(asked, "patient", None)
        context = Launch(str(patient), "") if patient else None
        issued = tokens.issue("admin", str(_member(asked, "scope", "")), 3600, context)
        return jsonify({"access_token": issued.access_token})

    @bp.post("/reset")
    def start_again() -> ResponseReturnValue:
        reset()
        return "", 204

    return bp


def create_clinician(hooks: HookClient) -> Blueprint:
    """The clinician's hands: open a chart, sign orders, accept a suggestion, override a card."""
    bp = Blueprint("clinician", __name__, url_prefix="/_admin/hooks")

    @bp.post("/patient-view")
    def patient_view() -> ResponseReturnValue:
        return _shown(hooks.patient_view(str(_member(body(), "patient", ""))))

    @bp.post("/order-sign")
    def order_sign() -> ResponseReturnValue:
        asked = body()
        return _shown(hooks.order_sign(str(_member(asked, "patient", "")), _member(asked, "orders", [])))

    @bp.post("/accept")
    def accept() -> ResponseReturnValue:
        asked = body()
        card = hooks.card(str(_member(asked, "card", "")))
        wanted = _member(asked, "suggestion", None)
        chosen = [one for one in card.suggestions if wanted in (None, one.get("uuid"))]
        if not chosen:
            raise CardUnknown("The card has no such suggestion.")
        return jsonify(hooks.accept(card, chosen[0]))

    @bp.post("/override")
    def override() -> ResponseReturnValue:
        asked = body()
        card = hooks.card(str(_member(asked, "card", "")))
        hooks.override(card, _member(asked, "reason", None), str(_member(asked, "comment", "")))
        return "", 204

    @bp.errorhandler(CardUnknown)
    def unknown(error: CardUnknown) -> ResponseReturnValue:
        return jsonify({"error": str(error)}), 404

    @bp.errorhandler(HookFailed)
    def failed(error: HookFailed) -> ResponseReturnValue:
        return jsonify({"error": str(error)}), 502

    return bp


def refused(error: FhirError) -> ResponseReturnValue:
    """A refusal of the test controls."""
    return jsonify({"error": error.text}), error.status


def _shown(cards: Cards) -> ResponseReturnValue:
    shown = [{**card.body, "serviceId": card.service_id} for card in cards.cards]
    return jsonify({"cards": shown, "failures": list(cards.failures)})


def _member(asked: Any, name: str, otherwise: Any) -> Any:
    if not isinstance(asked, dict):
        raise invalid("The body must be a JSON object.")
    return asked.get(name, otherwise)
