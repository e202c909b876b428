"""The reasons that the service knows and the codes that it writes are the same."""

from __future__ import annotations

import pytest

from fhirapp.referrals.reasons import REASONS
from mappings.canonical import OPT_OUT_REASONS
from mappings.to_fhir.codes import SNOMED
from mappings.to_fhir.reasons import reason_of

# Source: pathway.md section 4, column "Map (checked)".
MAPPED = {
    "OO-NOTINT": "105480006",
    "OO-TRANSP": "266934004",
    "OO-COST": "160932005",
    "OO-MOVED": "184081006",
    "OO-DIED": "419620001",
    "OO-LOST": "399307001",
}


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_is_written_with_its_own_code_and_what_is_mapped_with_snomed_too(code: str) -> None:
    codings = reason_of(code).get("coding", [])
    expected = [(OPT_OUT_REASONS, code)] + ([(SNOMED, MAPPED[code])] if code in MAPPED else [])
    assert [(coding["system"], coding["code"]) for coding in codings] == expected
    assert all(coding["display"] for coding in codings)
