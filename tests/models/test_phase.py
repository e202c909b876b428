"""The phase of treatment."""

from __future__ import annotations

from datetime import timedelta

import pytest

from models.phase import PHASES, phase_of
from models.snapshot import PatientSnapshot
from tests.builders import AS_OF, a_dose, a_fact, a_reading, a_snapshot, a_when


def _planned(days: int) -> PatientSnapshot:
    day = (AS_OF + timedelta(days=days)).date()
    return a_snapshot(facts=[a_fact("vs.planned_surgery", start=a_when(on=day), state="planned", kind="order")])


def _operated(days: float) -> PatientSnapshot:
    return a_snapshot(facts=[a_fact("vs.surgery_major", days_ago=days, kind="procedure", state="history")])


def _palliative_visit(days_ago: int) -> PatientSnapshot:
    day = a_when(days_ago=days_ago)
    visit = a_fact("vs.hospice", code="Z51.5", kind="encounter", state="history", start=day, end=day)
    return a_snapshot(facts=[visit])


@pytest.mark.parametrize(
    ("snapshot", "phase"),
    [
        pytest.param(a_snapshot(), "P6", id="nothing under way"),
        pytest.param(a_snapshot(facts=a_dose(days_ago=28)), "P2", id="dose 28 days ago"),
        pytest.param(a_snapshot(facts=a_dose(days_ago=29)), "P6", id="dose 29 days ago"),
        pytest.param(
            a_snapshot(facts=[a_fact("vs.radiotherapy", days_ago=42, kind="procedure")]), "P3", id="RT 6 weeks"
        ),
        pytest.param(
            a_snapshot(facts=[a_fact("vs.radiotherapy", days_ago=43, kind="procedure")]), "P6", id="RT 43 days"
        ),
        pytest.param(a_snapshot(facts=a_dose("vs.ici", days_ago=90)), "P4", id="checkpoint inhibitor"),
        pytest.param(a_snapshot(facts=a_dose("vs.ici", days_ago=91)), "P6", id="checkpoint inhibitor over"),
        pytest.param(a_snapshot(facts=[a_fact("vs.hormonal", kind="order")]), "P4", id="hormonal"),
        pytest.param(a_snapshot(facts=[a_fact("vs.qt", kind="order")]), "P4", id="kinase inhibitor"),
        pytest.param(a_snapshot(facts=[a_fact("vs.qt", kind="order", state="history")]), "P6", id="stopped"),
        pytest.param(_operated(42), "P5", id="operated six weeks ago"),
        pytest.param(_operated(90), "P5", id="operated 90 days ago"),
        pytest.param(_operated(91), "P6", id="operated 91 days ago"),
        pytest.param(_planned(6), "P6", id="operation in 6 days"),
        pytest.param(_planned(7), "P1", id="operation in 7 days"),
        pytest.param(_planned(60), "P1", id="operation in 60 days"),
        pytest.param(_planned(61), "P6", id="operation in 61 days"),
        pytest.param(a_snapshot(facts=[a_fact("vs.hospice", code="Z51.5")]), "P7", id="palliative care"),
        pytest.param(_palliative_visit(30), "P7", id="palliative visit 30 days ago"),
        pytest.param(_palliative_visit(31), "P6", id="palliative visit 31 days ago"),
        pytest.param(a_snapshot(a_reading("ecog", 2), a_reading("disease_status", "worsened")), "P7", id="progression"),
        pytest.param(a_snapshot(a_reading("ecog", 1), a_reading("disease_status", "worsened")), "P6", id="fit anyway"),
        pytest.param(a_snapshot(cancer=False), "N1", id="no cancer"),
    ],
)
def test_the_phase(snapshot: PatientSnapshot, phase: str) -> None:
    assert phase_of(snapshot) == phase
    assert phase in PHASES
