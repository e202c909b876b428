"""The EHR as a CDS Hooks client: it asks for cards, carries out what is accepted and reports back."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import requests
from joserfc import jwt

from fhirapp.demo_ehr import bundles
from fhirapp.demo_ehr.clock import DemoClock
from fhirapp.demo_ehr.errors import CardUnknown, HookFailed
from fhirapp.demo_ehr.interactions import Interactions
from fhirapp.demo_ehr.keys import DemoKeys
from fhirapp.demo_ehr.prefetch import prefetched
from fhirapp.demo_ehr.scopes import FULL
from fhirapp.demo_ehr.settings import DemoSettings, Resource
from fhirapp.demo_ehr.tokens import Launch, TokenStore

TOKEN_SECONDS = 60  # the service's token dies with the call (CH-F6)
JWT_SECONDS = 120
SCOPE = "patient/*.rs"


@dataclass(frozen=True, slots=True)
class Card:
    """One card as it was given, with what the EHR needs to answer it."""

    service_id: str
    patient_id: str
    body: Mapping[str, Any]

    @property
    def uuid(self) -> str:
        """The card's own id; empty when the service gave none, and then no feedback is possible (CH-C5)."""
        return str(self.body.get("uuid", ""))

    @property
    def suggestions(self) -> Sequence[Mapping[str, Any]]:
        return self.body.get("suggestions") or ()


@dataclass(frozen=True, slots=True)
class Cards:
    """The answers of all services of one hook call."""

    cards: tuple[Card, ...] = ()
    failures: tuple[str, ...] = ()  # one line for each service that failed, for the reader


@dataclass(frozen=True, slots=True)
class _Service:
    service_id: str
    hook: str
    prefetch: Mapping[str, str] = field(default_factory=dict)


class HookClient:
    """Calls the CDS service for the clinician who is signed in."""

    def __init__(
        self, settings: DemoSettings, api: Interactions, tokens: TokenStore, keys: DemoKeys, clock: DemoClock
    ) -> None:
        self._settings, self._api, self._tokens, self._keys, self._clock = settings, api, tokens, keys, clock
        self._lock = Lock()
        self._shown: dict[str, Card] = {}

    def patient_view(self, patient_id: str, encounter_id: str | None = None) -> Cards:
        """The cards for a chart that has just been opened. Raises 404 for no such patient."""
        return self._fire("patient-view", patient_id, encounter_id, {})

    def order_sign(self, patient_id: str, draft_orders: Sequence[Resource], encounter_id: str | None = None) -> Cards:
        """The cards for orders that are about to be signed; they are not in the EHR yet."""
        entries = [{"resource": order} for order in draft_orders]
        orders = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        return self._fire("order-sign", patient_id, encounter_id, {"draftOrders": orders})

    def card(self, card_uuid: str) -> Card:
        """A card that was shown and not answered yet. Raises `CardUnknown`."""
        with self._lock:
            card = self._shown.get(card_uuid)
        if card is None:
            raise CardUnknown("This card is not open in the EHR.")
        return card

    def accept(self, card: Card, suggestion: Mapping[str, Any]) -> Resource:
        """Carries the suggestion out as one transaction (CH-A2) and tells the service.

        Gives the transaction's response. Raises `FhirError` when the store refuses it: then nothing was
        written and no feedback is sent; `CardUnknown` when the card was answered before.
        """
        self._answer_once(card)
        try:
            actions = suggestion.get("actions") or ()
            response = bundles.process(self._api, as_transaction(actions), FULL)
        except Exception:
            self._show([card])
            raise
        accepted = [{"id": suggestion["uuid"]}] if suggestion.get("uuid") else []
        self._feedback(card, {"outcome": "accepted", "acceptedSuggestions": accepted})
        return response

    def override(self, card: Card, reason: Mapping[str, Any] | None = None, comment: str = "") -> None:
        """Dismisses the card, with a coded reason or a comment if there is one, and tells the service."""
        self._answer_once(card)
        said = {"reason": dict(reason)} if reason else {}
        if comment:
            said["userComment"] = comment  # type: ignore[assignment]
        self._feedback(card, {"outcome": "overridden", **({"overrideReason": said} if said else {})})

    def _fire(self, hook: str, patient_id: str, encounter_id: str | None, more: Mapping[str, Any]) -> Cards:
        self._api.store.read("Patient", patient_id)
        context = {"userId": self._user, "patientId": patient_id, **more}
        if encounter_id:
            context["encounterId"] = encounter_id
        try:
            services = [one for one in self._services() if one.hook == hook]
        except HookFailed as error:
            return Cards(failures=(str(error),))
        cards: list[Card] = []
        failures: list[str] = []
        for service in services:
            try:
                cards += self._ask(service, context)
            except HookFailed as error:
                failures.append(str(error))
        self._show(cards)
        return Cards(tuple(cards), tuple(failures))

    def _ask(self, service: _Service, context: Mapping[str, Any]) -> list[Card]:
        patient_id = context["patientId"]
        launch = Launch(patient_id, self._user)
        token = self._tokens.issue(self._settings.cds_subject, SCOPE, TOKEN_SECONDS, launch)
        body = {
            "hook": service.hook,
            "hookInstance": str(uuid.uuid4()),
            "fhirServer": self._settings.fhir_base,
            "fhirAuthorization": {
                "access_token": token.access_token,
                "token_type": "Bearer",
                "expires_in": TOKEN_SECONDS,
                "scope": SCOPE,
                "subject": self._settings.cds_subject,
                "patient": patient_id,
            },
            "context": context,
            "prefetch": prefetched(self._api, service.prefetch, context),
        }
        answer = self._call("POST", f"/{service.service_id}", body)
        cards = answer.get("cards") if isinstance(answer, dict) else None
        if not isinstance(cards, list):
            raise HookFailed("The answer of the CDS service has no list of cards.")
        return [Card(service.service_id, patient_id, card) for card in cards]

    def _services(self) -> list[_Service]:
        answer = self._call("GET", "")
        listed = answer.get("services") if isinstance(answer, dict) else None
        if not isinstance(listed, list):
            raise HookFailed("The discovery of the CDS service lists no services.")
        return [_Service(str(one["id"]), str(one["hook"]), one.get("prefetch") or {}) for one in listed]

    def _feedback(self, card: Card, said: Mapping[str, Any]) -> None:
        if card.uuid:
            at = self._clock().isoformat(timespec="seconds").replace("+00:00", "Z")
            entry = {"card": card.uuid, **said, "outcomeTimestamp": at}
            self._call("POST", f"/{card.service_id}/feedback", {"feedback": [entry]})

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        url = f"{self._settings.cds_base_url}/cds-services{path}"
        headers = {"Authorization": f"Bearer {self._assertion(url)}", "Accept": "application/json"}
        try:
            response = requests.request(method, url, json=body, headers=headers, timeout=self._settings.hook_seconds)
        except requests.RequestException as error:
            raise HookFailed("The CDS service did not answer.") from error
        if not response.ok:
            raise HookFailed(f"The CDS service answered with status {response.status_code}.")
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise HookFailed("The answer of the CDS service is no JSON.") from error

    def _assertion(self, url: str) -> str:
        """The JWT by which the service knows this EHR; its audience is the URL called (CH-J4)."""
        key, now = self._keys.cds, self._clock.timestamp()
        jku = f"{self._settings.base_url}/cds/jwks.json"
        header = {"alg": "ES384", "typ": "JWT", "kid": key.kid, "jku": jku}
        claims = {
            "iss": self._settings.base_url,
            "aud": url,
            "iat": now,
            "exp": now + JWT_SECONDS,
            "jti": secrets.token_urlsafe(24),
        }
        return jwt.encode(header, claims, key, algorithms=["ES384"])

    @property
    def _user(self) -> str:
        return f"Practitioner/{self._settings.practitioner_id}"

    def _show(self, cards: Sequence[Card]) -> None:
        with self._lock:
            self._shown.update({card.uuid: card for card in cards if card.uuid})

    def _answer_once(self, card: Card) -> None:
        with self._lock:
            if card.uuid and self._shown.pop(card.uuid, None) is None:
                raise CardUnknown("This card has been answered already.")


def as_transaction(actions: Sequence[Mapping[str, Any]]) -> Resource:
    """The transaction Bundle of a suggestion's actions, with the temporary ids as `urn:uuid:` (CH-A2)."""
    entries: list[Resource] = []
    places: dict[str, str] = {}
    for action in actions:
        resource = action.get("resource") or {}
        kind, resource_id = str(resource.get("resourceType", "")), str(resource.get("id", ""))
        if action.get("type") == "create":
            full_url = f"urn:uuid:{uuid.uuid4()}"
            places[f"{kind}/{resource_id}"] = full_url
            body = {name: value for name, value in resource.items() if name != "id"}
            request = {"method": "POST", "url": kind}
            entries.append({"fullUrl": full_url, "resource": body, "request": request})
        elif action.get("type") == "update":
            request = {"method": "PUT", "url": f"{kind}/{resource_id}"}
            entries.append({"resource": dict(resource), "request": request})
        else:
            entries.append({"request": {"method": "DELETE", "url": str(action.get("resourceId", ""))}})
    bundle: Resource = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    rewritten: Resource = bundles.rewritten(bundle, places)
    return rewritten
