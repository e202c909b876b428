"""How long clinician and patient may say no, by where the patient is. Source: pathway.md section 1, steps 9 and 11."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

from fhirapp.referrals.referral import Referral
from fhirapp.tenants import Tenant
from models.occasions import discharged_at, is_inpatient
from models.snapshot import PatientSnapshot

PREHAB: Final = "P1"  # before surgery or treatment: every day counts


class Setting(StrEnum):
    """Where a patient is, as far as it changes a window."""

    PREHAB = "prehab"
    INPATIENT = "inpatient"
    OTHERWISE = "otherwise"


def setting_of(referral: Referral) -> Setting:
    """By the newest look at the chart. Prehabilitation comes first: an operation waits for no discharge."""
    if referral.summary.get("phase") == PREHAB:
        return Setting.PREHAB
    return Setting.INPATIENT if referral.inpatient else Setting.OTHERWISE


def clinician_time(referral: Referral, tenant: Tenant) -> timedelta:
    """How long a clinician may say no before a standing order signs."""
    windows = tenant.windows
    if setting_of(referral) is Setting.PREHAB:
        return min(windows.clinician_prehab, windows.clinician)
    return windows.clinician


def patient_time(referral: Referral, tenant: Tenant) -> timedelta:
    """How long a patient may say no before a navigator begins; for an inpatient at least so long."""
    windows = tenant.windows
    match setting_of(referral):
        case Setting.PREHAB:
            return min(windows.patient_prehab, windows.patient)
        case Setting.INPATIENT if windows.until_discharge:
            return min(windows.patient_inpatient, windows.patient)
    return windows.patient


def waits_for_discharge(referral: Referral, tenant: Tenant) -> bool:
    """True while the window stays open because the patient is in hospital."""
    return tenant.windows.until_discharge and setting_of(referral) is Setting.INPATIENT


def note_stay(referral: Referral, snapshot: PatientSnapshot) -> None:
    """Keep whether the patient is in hospital, and when a stay ended; as it was where the visits could not be read."""
    if "encounters" in snapshot.unread:
        return
    was, referral.inpatient = referral.inpatient, is_inpatient(snapshot)
    if was and not referral.inpatient:
        referral.discharged_at = discharged_at(snapshot) or snapshot.as_of
