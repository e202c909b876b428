"""What of a referral is in the EHR, as far as we know, and telling the EHR right now."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.errors import EhrError
from fhirapp.jobs.table import claim_one, finish, retry
from fhirapp.referrals.fhir_status import (
    CARE_PLAN,
    FULFILMENT_TASK,
    GOAL_ACTIVITY,
    GOAL_STRENGTH,
    NAVIGATOR_TASK,
    PRESCRIPTION_KINDS,
    SERVICE_REQUEST,
    fhir_of,
)
from fhirapp.referrals.judging import WRITE_BACK
from fhirapp.referrals.referral import EhrResource, Referral
from fhirapp.tenants import Tenant
from fhirapp.ui.house import House
from fhirapp.write_back.beside import type_beside
from mappings.errors import MappingError
from models.text import N_, Text

log = logging.getLogger("stride.pages")

_SOON: Final = timedelta(seconds=5)
_LABELS: Final[Mapping[str, Text]] = {
    SERVICE_REQUEST: N_("Referral"),
    CARE_PLAN: N_("Exercise plan"),
    GOAL_ACTIVITY: N_("Goal: activity"),
    GOAL_STRENGTH: N_("Goal: strength"),
    NAVIGATOR_TASK: N_("Task for the navigators"),
}
_REQUEST: Final = N_("Request to the programme")
_BESIDE: Final[Mapping[str, Text]] = {
    "DetectedIssue": N_("Safety hold"),
    "Flag": N_("Safety hold"),
    "Communication": N_("Notice to the patient"),
}


def label_of(kind: str) -> Text:
    """What people call a resource of a referral."""
    return _LABELS.get(kind) or _BESIDE.get(type_beside(kind), _REQUEST)


@dataclass(frozen=True, slots=True)
class Written:
    """One resource of the referral."""

    label: Text
    reference: str | None  # None: the EHR has not confirmed it
    status: str


def converge_now(house: House, tenant: Tenant, referral: Referral, ehr: EhrClient) -> bool:
    """Tell the EHR with the person's own access; False when it has not confirmed.

    The durable job is there already. It is claimed meanwhile, so that the worker does not write the same beside us,
    and made due again when the EHR does not take it from this person.
    """
    claim = claim_one(house.sessions, house.clock(), only=f"{WRITE_BACK}/{referral.id}")
    try:
        house.write_back.converge(tenant.id, referral.id, ehr, beside=False)
    except (EhrError, MappingError) as error:
        log.warning("a page could not write at once, the worker goes on: %s", type(error).__name__)
        if claim is not None:
            with house.sessions.begin() as session:
                retry(
                    session, claim, run_at=house.clock() + _SOON, error=type(error).__name__, for_ever=True
                )  # fmt: skip
        return False
    if claim is not None:
        with house.sessions.begin() as session:
            finish(session, claim)
    return True


def written_of(referral: Referral, rows: Mapping[str, EhrResource]) -> tuple[Written, ...]:
    """What is in the EHR, and what should be and is not yet confirmed."""
    return tuple(_written(referral, rows))


def confirmed(referral: Referral, rows: Mapping[str, EhrResource]) -> bool:
    """True when the EHR has everything that the referral's state asks for."""
    return all(one.reference is not None for one in written_of(referral, rows))


def _written(referral: Referral, rows: Mapping[str, EhrResource]) -> Iterator[Written]:
    for kind, wanted in fhir_of(referral.status, referral.resumes).items():
        key = f"{kind}-{referral.offers}" if kind == FULFILMENT_TASK else kind
        if kind == FULFILMENT_TASK and not referral.offers:
            continue
        row = rows.get(key)
        must = wanted.create and (kind not in PRESCRIPTION_KINDS or referral.prescription_released)
        if row is None and not must:
            continue
        there = row is not None and row.reference is not None and row.status.split("|")[0] == wanted.status
        reference = row.reference if row is not None and there else None
        yield Written(_LABELS.get(kind, _REQUEST), reference, wanted.status)
