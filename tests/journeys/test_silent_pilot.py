"""A client in a silent pilot: everything is worked out and noted, nothing is shown, opened or written."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa

from fhirapp.audit import AuditRow
from fhirapp.cds_clients import CdsClients
from fhirapp.demo_ehr.hooks import _Service
from fhirapp.jobs.table import Job
from fhirapp.referrals.cards import Card
from fhirapp.referrals.referral import Referral
from tests.world import World, hospital


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with hospital(tmp_path_factory.mktemp("pilot")) as running:
        yield running


@pytest.fixture(autouse=True)
def _silent(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = world.stride.cds_clients.by_issuer(world.ehr.settings.base_url)
    assert real is not None
    agreed = replace(real, dry_run=True, system_actions=True)
    monkeypatch.setattr(CdsClients, "by_issuer", lambda _self, _issuer: agreed)


PATIENTS = [
    ("ada-refer", "refer", "yes", "info"),
    ("dan-platelets", "hold", "no", "warning"),
    ("fred-ineligible", "ineligible", "no", "-"),
]


@pytest.mark.parametrize(("patient_id", "verdict", "releasable", "indicator"), PATIENTS)
def test_what_would_have_been_shown_is_noted_and_nothing_happens(
    world: World, patient_id: str, verdict: str, releasable: str, indicator: str, caplog: pytest.LogCaptureFixture
) -> None:
    with world.stride.sessions() as session:
        jobs = session.scalar(sa.select(sa.func.count()).select_from(Job))
    with caplog.at_level(logging.INFO, "cds_hooks"):
        assert world.cards(patient_id) == []
    (line,) = (record.getMessage() for record in caplog.records if record.getMessage().startswith("pilot "))
    assert line.endswith(f"verdict={verdict} releasable={releasable} card={indicator}")
    assert patient_id not in line
    instance = re.search(r"instance=(\S+)", line)
    assert instance is not None
    with world.stride.sessions() as session:
        rows = session.scalars(sa.select(AuditRow).where(AuditRow.action == "hook.patient-view")).all()
        for table in (Referral, Card):
            assert session.scalar(sa.select(sa.func.count()).select_from(table)) == 0
        assert session.scalar(sa.select(sa.func.count()).select_from(Job)) == jobs
    assert [row for row in rows if instance[1] in str(row.details)]
    assert world.written(patient_id) == {"ServiceRequest": [], "CarePlan": [], "Goal": [], "Task": []}


def test_nor_does_a_signature_get_a_draft(world: World) -> None:
    order = {"resourceType": "MedicationRequest", "id": "d", "subject": {"reference": "Patient/ada-refer"}}
    assert world.ehr.hooks.order_sign("ada-refer", [order]).cards == ()


def test_the_warm_up_leaves_no_trace_at_all(world: World) -> None:
    before = noted(world)
    context = {
        "patientId": "ada-refer",
        "userId": "Practitioner/dr-lind",
        "selections": [],
        "draftOrders": {"resourceType": "Bundle", "entry": []},
    }
    assert world.ehr.hooks._ask(_Service("exercise-referral-warm-up", "order-select"), context) == []
    assert noted(world) == before


def noted(world: World) -> int:
    with world.stride.sessions() as session:
        hooks = sa.select(sa.func.count()).select_from(AuditRow).where(AuditRow.action.like("hook.%"))
        return session.scalar(hooks) or 0
