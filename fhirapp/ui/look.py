"""A look at the chart from a page: the same road as a hook call, with the access of the person in front of it."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import orjson

from fhirapp.ehr.chart import chart_of
from fhirapp.ehr.client import EhrClient
from fhirapp.referrals.intake import Judged
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant
from fhirapp.ui.errors import AccessEnded
from fhirapp.ui.house import House
from mappings.bundle import Part
from models.decision import Decision, Proposal

PATIENT: Final = "patient"  # the query key that every grant for a chart must cover


@dataclass(frozen=True, slots=True)
class Look:
    """What the chart says now, and the referral as it stands after that."""

    judged: Judged
    decision: Decision  # with the reasons behind its estimates
    referral: Referral | None  # the patient's newest, open or closed; None: there never was one
    refused: frozenset[str]  # query keys that the EHR did not let this person read


def look_at(house: House, tenant: Tenant, patient_id: str, ehr: EhrClient, *, occasion: str) -> Look:
    """Read the chart, decide, and open or move the patient's referral; no transaction is open while reading.

    A person whose grant leaves out a part of the chart sees what is missing, but does not move a referral that was
    judged from more. Raises `EhrUnavailable` when the EHR does not answer, and `AccessEnded` when it does not even
    give the patient: then nothing is decided.
    """
    with house.sessions() as session:
        kept = Referrals(session, tenant.id).answers_of(patient_id)
        ours = [Part("answers", orjson.dumps(row.resource)) for row in kept]
    chart, refused = chart_of(ehr, patient_id, house.windows.pool, also=ours, concepts=tenant.concept_map)
    if PATIENT in refused:
        raise AccessEnded("the patient cannot be read")
    now = house.clock()
    judged = house.intake.decide_on(tenant, chart, chart.unread | refused, now=now)
    with house.sessions.begin() as session:
        referral = Referrals(session, tenant.id).newest_of(patient_id)
        if not (refused and referral is not None and referral.is_open):
            referral = house.intake.settle(session, tenant, judged, now=now, occasion=occasion) or referral
    return Look(judged, house.intake.explained(judged.decision), referral, refused)


def fingerprint(decision: Decision) -> str:
    """What a signature is about: verdict, findings, destination and dose. It changes when one of them does.

    A clinician signs what was on the screen; a form with another fingerprint than the fresh chart is shown again.
    """
    assessment = decision.assessment
    seen: list[object] = [
        assessment.verdict.value,
        assessment.tier,
        assessment.min_supervision,
        [[finding.rule, finding.effect.label] for finding in assessment.findings],
    ]
    if isinstance(decision, Proposal):
        seen.append(decision.destination.level)
        if decision.prescription is not None:
            dose = decision.prescription
            seen += [dose.minutes_per_week, dose.aerobic.rpe_max, dose.resistance.sets_max, len(dose.caps)]
    return sha256(orjson.dumps(seen)).hexdigest()[:16]
