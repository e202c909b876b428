"""Our own canonical URLs and business identifiers. Source: conventions.md section 1."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid5

BASE: Final = "https://w3id.org/stride-referral/fhir"
STRIDE_OBSERVATIONS: Final = f"{BASE}/CodeSystem/stride-observations"
OPT_OUT_REASONS: Final = f"{BASE}/CodeSystem/opt-out-reasons"
CARD_TOPICS: Final = f"{BASE}/CodeSystem/card-topics"
SAFETY_QUESTIONS: Final = f"{BASE}/Questionnaire/safety-questions"
PARQ_PLUS: Final = f"{BASE}/Questionnaire/parq-plus"
RESOURCE_IDENTIFIER: Final = f"{BASE}/sid/referral-resource"

_NAMESPACE: Final = uuid5(UUID(int=0), BASE)


def episode_id(tenant_id: str, patient_id: str, ordinal: int) -> UUID:
    """The id of a patient's n-th offer of referral (1, 2, ...), the same on every machine."""
    return uuid5(_NAMESPACE, f"episode|{tenant_id}|{patient_id}|{ordinal}")


def resource_identifier(tenant_id: str, patient_id: str, episode: UUID, kind: str) -> str:
    """The business identifier of one resource of one episode (WB-5): `kind` is "service-request", ..."""
    return str(uuid5(_NAMESPACE, f"resource|{tenant_id}|{patient_id}|{episode}|{kind}"))
