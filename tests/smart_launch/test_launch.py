"""A whole launch, and everything that must stop one."""

from __future__ import annotations

import pytest

from tests.smart_launch.conftest import House


def test_a_launch_opens_the_context_that_the_token_response_gives(house: House) -> None:
    context = house.launch()
    assert (context.tenant_id, context.iss) == ("north", house.ehr.iss)
    assert (context.patient, context.encounter, context.fhir_user) == ("p1", "e1", "Practitioner/dr1")
    assert context.need_patient_banner is False
    assert house.ehr.faults == []
