"""Every instance that we write, against the HL7 profiles that it claims (CH-A6, traps 13 to 15)."""

from __future__ import annotations

import pytest

from mappings.to_fhir.validate import checked
from tests.conformance.cases import BROKEN, WRITTEN, charts
from tests.conformance.disagreements import DISAGREEMENTS
from tests.conformance.instances import Json
from tests.conformance.report import Report

pytestmark = [pytest.mark.node, pytest.mark.shared, pytest.mark.xdist_group("validators")]


@pytest.mark.parametrize("case", WRITTEN)
def test_ch_a6_every_instance_that_we_write_conforms_to_its_profiles(node_report: Report, case: str) -> None:
    known = [listed for listed in DISAGREEMENTS if listed.by == "node"]
    errors = [issue for issue in node_report.issues if issue.case == case and issue.severity == "error"]
    assert [issue for issue in errors if not any(listed.covers(issue) for listed in known)] == []


@pytest.mark.parametrize("case", BROKEN)
def test_the_validator_finds_what_was_broken_on_purpose(node_report: Report, case: str) -> None:
    words = BROKEN[case][2]
    assert any(words in error for error in node_report.errors(case)), node_report.errors(case)


@pytest.mark.parametrize("case", charts())
def test_every_chart_of_the_demo_is_valid(node_report: Report, case: str) -> None:
    assert node_report.errors(case) == []


def test_our_own_check_lets_all_of_them_pass() -> None:
    for resource in WRITTEN.values():
        checked(resource)


PROFILED = {
    "ServiceRequest": "http://hl7.org/fhir/us/physical-activity/",
    "CarePlan": "http://hl7.org/fhir/us/physical-activity/",
    "Goal": "http://hl7.org/fhir/us/physical-activity/",
    "Task": "http://hl7.org/fhir/us/physical-activity/",
    "Provenance": "http://hl7.org/fhir/us/core/",
    "AuditEvent": "https://profiles.ihe.net/ITI/BALP/",
}
# The guides have no profile for coordination, nor for an access that failed.
BASE_R4 = ("navigator-", "audit-failed")


@pytest.mark.parametrize(("name", "resource"), WRITTEN.items(), ids=WRITTEN)
def test_what_belongs_to_a_profile_says_so(name: str, resource: Json) -> None:
    claims = resource.get("meta", {}).get("profile", [])
    guide = None if name.startswith(BASE_R4) else PROFILED.get(resource["resourceType"])
    assert any(claim.startswith(guide) for claim in claims) if guide else claims == []
