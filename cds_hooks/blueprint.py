"""The routes of CDS Hooks: discovery, call, feedback."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import RequestEntityTooLarge

from cds_hooks.cards import cards_for, system_actions_for
from cds_hooks.catalogue import Service, check_known, discovery, find_service
from cds_hooks.client_auth import Authenticator
from cds_hooks.cors import with_cors
from cds_hooks.dispatch import ORDER_DISPATCH, dispatch_from
from cds_hooks.drafts import draft_orders
from cds_hooks.drugs import medications_of
from cds_hooks.errors import KeysUnavailable, MalformedCall, NotAuthenticated, UnsupportedBody
from cds_hooks.feedback import decode_feedback
from cds_hooks.openapi import description
from cds_hooks.ports import Charts, Client, Clients, DraftOrder, Feedbacks, HookCall, Intake, Offer, TokenUse
from cds_hooks.prefetch import chart_from
from cds_hooks.problems import answer_to, json_response
from cds_hooks.schemas import HookRequest, decode_hook
from cds_hooks.spending import SpendingCharts
from cds_hooks.turn import Turn

log = logging.getLogger(__name__)

_PATIENTS: Final = ("Patient/", "RelatedPerson/")
_DRAFTING_HOOKS: Final = frozenset(("order-sign",))  # where a draft lands among orders that somebody signs
_JSON_TYPES: Final = frozenset(("", "application/json", "application/fhir+json", "text/json"))


def create_blueprint(
    clients: Clients,
    charts: Charts,
    intake: Intake,
    feedbacks: Feedbacks,
    clock: Callable[[], datetime],
    public_base: str,
    *,
    monotonic: Callable[[], float],
    gettext: Callable[[str], str] | None = None,
    token_clock: Callable[[], datetime] | None = None,
    discovery_needs_jwt: bool = False,
    turn: Turn | None = None,
    max_body_bytes: int = 10_000_000,
) -> Blueprint:
    """The CDS service under `/cds-services`.

    `public_base` is the address that clients know us by, since a token's `aud` is compared with it and never with
    the Host header. `monotonic` is what deadlines are counted by. `token_clock` is the time that tokens are judged by
    where that is not `clock`: a demonstration moves its clock, the tokens of its EHR do not. `turn` is the one that
    the intake steps aside from while it waits for the database.
    """
    bp = Blueprint("cds_hooks", __name__, url_prefix="/cds-services")
    base = f"{public_base.rstrip('/')}/cds-services"
    authenticator, token_time, turn = Authenticator(clients), token_clock or clock, turn or Turn()

    def verified(*audiences: str) -> tuple[Client, TokenUse]:
        client, token = authenticator.verify(request.headers.get("Authorization"), audiences, token_time())
        g.cds_client = client
        return client, token

    def authenticated(*audiences: str) -> Client:
        client, token = verified(*audiences)
        authenticator.spend(token)
        return client

    def named(
        hook: HookRequest, client: Client, reads: Charts, unresolved: Sequence[str], until: float
    ) -> tuple[DraftOrder, ...]:
        """The draft orders with the drugs that they only point at."""
        context, drugs = hook.context, medications_of(hook, client, reads, unresolved, until=until)
        return draft_orders(context.draft_orders, context.patient_id, context.selections, drugs)

    def asking() -> Sequence[Client]:
        """Who reads discovery, where that is open and nobody need say so: else everybody whom we know (CH-D9)."""
        try:
            return [authenticated(base)]
        except (NotAuthenticated, KeysUnavailable):
            if discovery_needs_jwt:
                raise
            return clients.every()

    @bp.get("")
    def discover() -> Response:
        return json_response(discovery(asking(), gettext))

    @bp.get("/openapi.json")
    def openapi() -> Response:
        return json_response(description(base))

    @bp.post("/<service_id>")
    def call(service_id: str) -> Response:
        begun = monotonic()
        check_known(service_id)
        client, token = verified(f"{base}/{service_id}")
        try:
            body = _body(max_body_bytes)
            with turn.taken():
                return json_response(answered(service_id, client, token, body, begun))
        finally:  # whatever came of the call, its token works no second time
            authenticator.spend(token)

    def answered(service_id: str, client: Client, token: TokenUse, body: bytes, begun: float) -> dict[str, Any]:
        hook = decode_hook(body)
        service = find_service(service_id, hook.hook)
        hook_call, until = call_of(hook, service, client, token), begun + client.read_seconds
        reads = SpendingCharts(charts, partial(authenticator.spend, token), turn)
        if service.hook == ORDER_DISPATCH:
            dispatch = dispatch_from(hook, client, reads, until=until)
            if dispatch is None:  # before anything of the chart is looked at
                _log_call(hook_call, 0, "no exercise order")
                return {"cards": []}
            hook_call = replace(hook_call, dispatch=dispatch)
        if unresolved := [one for order in hook_call.draft_orders for one in order.unresolved]:
            hook_call = replace(hook_call, draft_orders=named(hook, client, reads, unresolved, until))
        chart = chart_from(hook, client, reads, until=until)
        offer = intake.receive(hook_call, chart, now=clock())
        if hook_call.pilot:
            log_pilot(hook_call, offer)
        answer = answer_of(offer, hook_call, client.gettext or gettext)
        _log_call(hook_call, len(answer["cards"]), offer.quiet_reason)
        return answer

    @bp.post("/<service_id>/feedback")
    def feedback(service_id: str) -> Response:
        check_known(service_id)
        client = authenticated(f"{base}/{service_id}/feedback", f"{base}/{service_id}")
        entries = decode_feedback(_body(max_body_bytes))
        feedbacks.record(client, service_id, entries, now=clock())
        log.info("feedback service=%s issuer=%s entries=%d", service_id, client.issuer, len(entries))
        return Response(status=200)

    @bp.after_request
    def cors(response: Response) -> Response:
        client: Client | None = g.get("cds_client")
        return with_cors(request, response, client.cors_origins if client else clients.origins())

    bp.register_error_handler(Exception, answer_to)
    return bp


def call_of(hook: HookRequest, service: Service, client: Client, token: TokenUse | None = None) -> HookCall:
    """The call as the referral side sees it. Raises `MalformedCall` for a context field that the hook requires."""
    context = hook.context
    for name in service.needs:
        if not context.has(name):
            raise MalformedCall(f"{service.hook} requires {name}", f"context.{name}")
    return HookCall(
        tenant_id=client.tenant_id,
        client=replace(client, dry_run=True) if service.silent else client,
        pilot=client.dry_run and not service.silent,
        service_id=service.id,
        hook=service.hook,
        hook_instance=hook.hook_instance,
        patient_id=context.patient_id,
        user=context.user_id,
        encounter_id=context.encounter_id,
        fhir_server=hook.fhir_server,
        draft_orders=draft_orders(context.draft_orders, context.patient_id, context.selections),
        token=token,
    )


def answer_of(offer: Offer, call: HookCall, gettext: Callable[[str], str] | None) -> dict[str, Any]:
    """The response to a call. Cards are written for professionals; a patient's own portal gets none."""
    if call.user is not None and call.user.startswith(_PATIENTS):
        return {"cards": []}
    agreed = call.client.system_actions and call.hook in _DRAFTING_HOOKS
    actions = system_actions_for(offer, gettext=gettext) if agreed else []
    cards = cards_for(
        offer,
        gettext=gettext,
        orders=call.draft_orders,
        dispatch=call.dispatch,
        drafted=bool(actions),
        action_selection=call.client.action_selection,
    )
    return {"cards": cards} | ({"systemActions": actions} if actions else {})


def log_pilot(call: HookCall, offer: Offer) -> None:
    """What a client in a silent pilot would have seen, in words that are nobody's data: to be compared by instance."""
    assessment = offer.decision.assessment
    cards = cards_for(replace(offer, show=True), orders=call.draft_orders, dispatch=call.dispatch)
    log.info(
        "pilot hook=%s service=%s instance=%s verdict=%s releasable=%s card=%s",
        *(call.hook, call.service_id, call.hook_instance, assessment.verdict.value),
        *("yes" if assessment.release.referral else "no", cards[0]["indicator"] if cards else "-"),
    )


def _body(max_bytes: int) -> bytes:
    if request.mimetype not in _JSON_TYPES:
        raise UnsupportedBody(f"the body must be application/json, not {request.mimetype[:60]}")
    if request.headers.get("Content-Encoding", "identity") != "identity":  # a small body would be a large one
        raise UnsupportedBody("the body must not be compressed")
    request.max_content_length = max_bytes + 1  # a stream without length ends there in silence
    body = request.get_data(cache=False)
    if len(body) > max_bytes:
        raise RequestEntityTooLarge
    return body


def _log_call(call: HookCall, cards: int, quiet_reason: str) -> None:
    """Ids and counts only; `hookInstance` ties our line to the client's (CH-R3)."""
    log.info(
        "hook=%s service=%s issuer=%s instance=%s cards=%d quiet=%s",
        *(call.hook, call.service_id, call.client.issuer, call.hook_instance, cards, quiet_reason or "-"),
    )
