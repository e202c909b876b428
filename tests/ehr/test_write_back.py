"""The same promises on three FHIR servers, with and without what FHIR leaves open. Source: standards.md 6.1."""

from __future__ import annotations

from typing import Final

from tests.ehr.house import House

WHOLE: Final = {"ServiceRequest": ["active"], "CarePlan": ["draft"], "Goal": ["proposed"] * 2, "Task": ["requested"]}


def test_wb_1_wb_3_wb_9_wb_10_a_released_referral_is_there_exactly_once(switched: House) -> None:
    patient = switched.patient()
    switched.released(patient)
    assert switched.written(patient) == WHOLE
