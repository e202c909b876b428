"""Tokens, requests and offers, of which a test says only what it is about."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from joserfc import jwk, jws

from cds_hooks.ports import Client, Offer
from mappings.queries import QUERIES
from models.decision import (
    Aerobic,
    Assessment,
    Destination,
    Eligibility,
    Estimate,
    Prescription,
    Proposal,
    Release,
    Resistance,
    Verdict,
)
from models.findings import Effect, Evidence, Finding
from models.placement import Place
from models.snapshot import Gap, PatientSnapshot
from models.text import N_

ZONE = ZoneInfo("Pacific/Auckland")
NOW = datetime(2026, 11, 25, 9, 30, tzinfo=ZONE)
BASE = "https://stride.example"
SERVICE = f"{BASE}/cds-services/exercise-referral"
ISSUER = "https://ehr.example/fhir"
FHIR_SERVER = "https://ehr.example/fhir"
TOKEN = "canary-access-token"
CARD = UUID("11111111-2222-4333-8444-555555555555")
SUGGESTION = UUID("66666666-7777-4888-9999-aaaaaaaaaaaa")


def a_key(algorithm: str, kid: str = "k1") -> jwk.RSAKey | jwk.ECKey:
    """A private key for an algorithm; the same one whenever it is asked for."""
    return _key(algorithm, kid)


@cache
def _key(algorithm: str, kid: str) -> jwk.RSAKey | jwk.ECKey:
    options = {"kid": kid, "use": "sig"}
    if algorithm.startswith("ES"):
        curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm]
        return jwk.ECKey.generate_key(curve, options)
    return jwk.RSAKey.generate_key(2048, options)


def a_jwks(*keys: jwk.RSAKey | jwk.ECKey) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


def a_client(**changes: Any) -> Client:
    jwks = a_jwks(a_key("ES384"), a_key("RS384", "k2"))
    settings: dict[str, Any] = {
        "issuer": ISSUER,
        "tenant_id": "north",
        "keys": lambda refetch: jwks,
        "fhir_servers": frozenset((FHIR_SERVER,)),
        "cors_origins": frozenset(("http://localhost:8080",)),
        "subject": "stride-app",
    }
    return Client(**settings | changes)


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a good token for the service; a change to None leaves a claim out."""
    now = int(NOW.timestamp())
    good = {"iss": ISSUER, "aud": SERVICE, "iat": now, "exp": now + 300, "jti": str(uuid4())}
    return {name: value for name, value in (good | changes).items() if value is not None}


def a_token(
    algorithm: str = "ES384",
    key: Any = None,
    header: dict[str, Any] | None = None,
    **changes: Any,
) -> str:
    key = key or a_key(algorithm, "k1" if algorithm == "ES384" else "k2")
    head = {"alg": algorithm, "typ": "JWT", "kid": key.get("kid")} | (header or {})
    head = {name: value for name, value in head.items() if value is not None}
    return jws.serialize_compact(head, json.dumps(claims(**changes)).encode(), key, algorithms=[algorithm])


def bearer(**changes: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {a_token(**changes)}"}


def a_bundle(*resources: dict[str, Any], **extra: Any) -> dict[str, Any]:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries, **extra}


def a_patient(identity: str = "p1") -> dict[str, Any]:
    return {"resourceType": "Patient", "id": identity, "gender": "female", "birthDate": "1968-04-02"}


def a_condition(identity: str = "c1", patient: str = "p1") -> dict[str, Any]:
    coding = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C50.911", "display": "Breast cancer"}
    return {
        "resourceType": "Condition",
        "id": identity,
        "subject": {"reference": f"Patient/{patient}"},
        "code": {"coding": [coding]},
        "onsetDateTime": "2026-06-01",
    }


def an_outcome(text: str = "no") -> dict[str, Any]:
    issue = {"severity": "error", "code": "exception", "diagnostics": text}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def a_prefetch(**changes: Any) -> dict[str, Any]:
    """All keys of our templates, with a patient and a condition in them; `...` leaves a key out."""
    values: dict[str, Any] = {query.key: a_bundle() for query in QUERIES}
    values |= {"patient": a_patient(), "conditions": a_bundle(a_condition())}
    return {key: value for key, value in (values | changes).items() if value is not ...}


def access(**changes: Any) -> dict[str, Any]:
    granted = {
        "access_token": TOKEN,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "user/*.rs",
        "subject": "stride-app",
    }
    return {name: value for name, value in (granted | changes).items() if value is not ...}


def a_request(**changes: Any) -> dict[str, Any]:
    """A good patient-view request; `...` leaves a field out."""
    request = {
        "hook": "patient-view",
        "hookInstance": str(uuid4()),
        "context": {"userId": "Practitioner/dr1", "patientId": "p1"},
        "prefetch": a_prefetch(),
    }
    return {name: value for name, value in (request | changes).items() if value is not ...}


def body(request: dict[str, Any]) -> bytes:
    return json.dumps(request).encode()


def a_finding(effect: Effect = Effect.MOD, **changes: Any) -> Finding:
    settings: dict[str, Any] = {
        "rule": "HEM-03",
        "effect": effect,
        "text": N_("Platelets are low: no heavy resistance"),
        "inputs": (Evidence("platelets", "42", "10*9/L", "2026-11-20", "Observation/o1"),),
    }
    return Finding(**settings | changes)


def a_prescription(**changes: Any) -> Prescription:
    settings: dict[str, Any] = {
        "phase": "P2",
        "aerobic": Aerobic(3, 20, 11, 13, (N_("walking"), N_("cycling"))),
        "resistance": Resistance(2, 1, 2, "8-15", N_("light bands")),
        "other": (N_("balance"),),
        "progression": N_("5 minutes more each week"),
        "caps": (N_("no heavy resistance"),),
        "stop_rules": (N_("chest pain"),),
        "reasons": (),
        "weeks": 12,
    }
    return Prescription(**settings | changes)


def an_assessment(verdict: Verdict = Verdict.REFER, **changes: Any) -> Assessment:
    settings: dict[str, Any] = {
        "snapshot": PatientSnapshot("p1", NOW),
        "eligibility": Eligibility(True, N_("Breast cancer, active"), "Condition/c1", "Breast cancer"),
        "verdict": verdict,
        "tier": "T0" if verdict.held else "T3",
        "min_supervision": 2,
        "phase": "P2",
        "findings": (a_finding(),),
        "gaps": (Gap("hb", "stale"), Gap("fatigue_nrs", "missing")),
        "release": Release(not verdict.held, verdict is Verdict.REFER),
        "risk": Estimate("risk", 0.2, N_("death within five years"), "middle", "reduced", "risk-1"),
        "rules_version": "2026.11",
    }
    return Assessment(**settings | changes)


def a_proposal(verdict: Verdict = Verdict.REFER, **changes: Any) -> Proposal:
    settings: dict[str, Any] = {
        "assessment": an_assessment(verdict),
        "destination": Destination(
            "D3", N_("Community-based supervised programme"), N_("supervision level 2 is needed")
        ),
        "prescription": None if verdict.held else a_prescription(),
    }
    return Proposal(**settings | changes)


def a_draft(resource_type: str = "ServiceRequest", identity: str = "sr1") -> dict[str, Any]:
    return {
        "resourceType": resource_type,
        "id": identity,
        "status": "draft",
        "subject": {"reference": "Patient/p1"},
    }


PLACES = (
    Place("class", "Community class", "D3", 2, "Organization/class", "Tuesdays"),
    Place("physio", "Physiotherapy", "D2", 3, "Organization/physio"),
    Place("clinic", "Medical clinic", "D1", 4, "Organization/clinic"),
    Place("home", "At home", "D4", 1, "Organization/home"),
)


def an_offer(verdict: Verdict = Verdict.REFER, **changes: Any) -> Offer:
    settings: dict[str, Any] = {
        "decision": a_proposal(verdict),
        "episode_id": uuid4(),
        "show": True,
        "card_id": CARD,
        "suggestion_id": SUGGESTION,
        "suggestion": (a_draft(),),
        "app_context": "opaque-1",
        "launch_url": f"{BASE}/smart/launch",
        "clinician_deadline": NOW + timedelta(days=3),
        "opt_out_deadline": NOW + timedelta(days=10),
    }
    return Offer(**settings | changes)
