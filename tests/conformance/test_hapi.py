"""A second, independent validator over the same profiles: HAPI FHIR's (CH-A6)."""

from __future__ import annotations

import pytest

from tests.conformance.cases import BROKEN, WRITTEN, charts
from tests.conformance.disagreements import DISAGREEMENTS, Disagreement
from tests.conformance.report import Issue, Report

pytestmark = [pytest.mark.java, pytest.mark.shared, pytest.mark.xdist_group("validators")]


@pytest.mark.parametrize("case", [*WRITTEN, *charts()])
def test_ch_a6_what_we_write_and_what_the_demo_holds_conforms_for_hapi_too(hapi_report: Report, case: str) -> None:
    known = [listed for listed in DISAGREEMENTS if listed.by == "hapi"]
    errors = [issue for issue in hapi_report.issues if issue.case == case and issue.severity == "error"]
    assert [issue for issue in errors if not any(listed.covers(issue) for listed in known)] == []


@pytest.mark.parametrize("case", BROKEN)
def test_hapi_finds_what_was_broken_on_purpose(hapi_report: Report, case: str) -> None:
    words = BROKEN[case][2]
    assert any(words in error for error in hapi_report.errors(case)), hapi_report.errors(case)


@pytest.mark.node
def test_the_two_validators_agree_except_where_we_know_why_not(hapi_report: Report, node_report: Report) -> None:
    alone = {"hapi": _alone(hapi_report, node_report), "node": _alone(node_report, hapi_report)}
    unexplained = [
        f"{by} alone: {issue.case}: {issue.severity}: {issue.element}: {issue.message}"
        for by, issues in alone.items()
        for issue in issues
        if not any(listed.by == by and listed.covers(issue) for listed in DISAGREEMENTS)
    ]
    assert not unexplained, "\n".join(unexplained)


@pytest.mark.node
@pytest.mark.parametrize("listed", DISAGREEMENTS, ids=lambda listed: f"{listed.case}-{listed.element}")
def test_a_listed_disagreement_is_still_one(hapi_report: Report, node_report: Report, listed: Disagreement) -> None:
    one, other = (hapi_report, node_report) if listed.by == "hapi" else (node_report, hapi_report)
    assert any(listed.covers(issue) for issue in _alone(one, other))


def _alone(one: Report, other: Report) -> list[Issue]:
    """What only one of them objects to: the same case, weight and element; the words are their own."""
    places = {issue.place for issue in other.issues}
    return [issue for issue in one.issues if issue.place not in places]
