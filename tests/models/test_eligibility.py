"""For whom the service is."""

from __future__ import annotations

from datetime import date

import pytest

from models.decision import SitePolicy
from models.eligibility import eligibility_of
from models.snapshot import PatientSnapshot
from tests.builders import a_cancer, a_fact, a_snapshot, a_when

NONE = {"cancer": False}


def test_an_adult_with_active_cancer_is_eligible_and_the_condition_is_named() -> None:
    found = eligibility_of(a_snapshot())
    assert found.eligible is True
    assert found.condition == "Condition/cancer"
    assert found.condition_text == "Malignant neoplasm of female breast"


def _hospice_visit(days_ago: int) -> PatientSnapshot:
    day = a_when(days_ago=days_ago)
    return a_snapshot(
        facts=[a_fact("vs.hospice", code="385763009", kind="encounter", state="history", start=day, end=day)]
    )


@pytest.mark.parametrize(
    ("snapshot", "eligible", "why"),
    [
        pytest.param(a_snapshot(born=date(2008, 11, 26)), False, "Younger than 18", id="the day before 18"),
        pytest.param(a_snapshot(born=date(2008, 11, 25)), True, "Adult", id="18 today"),
        pytest.param(a_snapshot(born=None), None, "birth date", id="no birth date"),
        pytest.param(a_snapshot(deceased=True), False, "died", id="dead"),
        pytest.param(a_snapshot(record_active=False), False, "not active", id="record merged"),
        pytest.param(a_snapshot(**NONE), False, "No cancer", id="no cancer"),
        pytest.param(a_snapshot(**NONE, unread=frozenset({"conditions"})), None, "not be read", id="unread"),
        pytest.param(
            a_snapshot(facts=[a_cancer(confirmed=False)], **NONE), False, "not confirmed", id="provisional only"
        ),
        pytest.param(a_snapshot(facts=[a_fact("vs.in_programme", kind="plan")]), False, "Already", id="in a programme"),
        pytest.param(
            a_snapshot(facts=[a_fact("vs.in_programme", kind="plan", end=a_when(days_ago=1))]),
            True,
            "Adult",
            id="programme over",
        ),
        pytest.param(a_snapshot(facts=[a_fact("vs.death_plan", kind="plan")]), False, "last days", id="dying"),
        pytest.param(a_snapshot(facts=[a_fact("vs.hospice", code="385763009")]), False, "hospice", id="hospice code"),
        pytest.param(
            a_snapshot(facts=[a_fact("vs.hospice", code="305336008", kind="encounter")]),
            False,
            "hospice",
            id="hospice encounter",
        ),
        pytest.param(_hospice_visit(30), False, "hospice", id="hospice visit 30 days ago"),
        pytest.param(_hospice_visit(31), True, "Adult", id="hospice visit 31 days ago"),
        pytest.param(a_snapshot(facts=[a_fact("vs.hospice", code="Z51.5")]), True, "Adult", id="palliative care Z51.5"),
        pytest.param(
            a_snapshot(facts=[a_fact("vs.hospice", code="103735009", kind="encounter")]),
            True,
            "Adult",
            id="palliative care encounter",
        ),
        pytest.param(
            a_snapshot(facts=[a_fact("vs.hospice", code="182964004", kind="plan")]),
            True,
            "Adult",
            id="terminal care plan",
        ),
        pytest.param(
            a_snapshot(facts=[a_fact("vs.cancer_history", days_ago=3650, code="Z85.3")], **NONE),
            True,
            "Adult",
            id="history of ten years",
        ),
        pytest.param(
            a_snapshot(facts=[a_fact("vs.cancer_history", days_ago=3660, code="Z85.3")], **NONE),
            False,
            "older",
            id="history older than ten years",
        ),
        pytest.param(
            a_snapshot(
                facts=[a_fact("vs.cancer_history", days_ago=5000, code="Z85.3"), a_fact("vs.lymphoedema")],
                **NONE,
            ),
            True,
            "Adult",
            id="old history with a late effect",
        ),
        pytest.param(a_snapshot(facts=[a_cancer(state="history")], **NONE), True, "Adult", id="cancer in remission"),
        pytest.param(
            a_snapshot(facts=[a_fact("vs.cancer", start=a_when(on=date(2026, 12, 1)))], **NONE),
            False,
            "",
            id="cancer dated in the future",
        ),
    ],
)
def test_eligibility(snapshot: PatientSnapshot, eligible: bool | None, why: str) -> None:
    found = eligibility_of(snapshot)
    assert found.eligible is eligible
    assert why in str(found.reason)


def test_a_primary_cancer_is_the_reason_before_its_metastasis() -> None:
    metastasis = a_fact("vs.cancer", days_ago=5, source="Condition/met")
    secondary = a_fact("vs.cancer_secondary", days_ago=5, source="Condition/met")
    assert eligibility_of(a_snapshot(facts=[metastasis, secondary])).condition == "Condition/cancer"


def test_an_unknown_age_alone_never_makes_a_child_eligible() -> None:
    assert eligibility_of(a_snapshot(born=None)).eligible is not True


def test_a_population_without_cancer_is_eligible_only_where_the_site_says_so() -> None:
    snapshot = a_snapshot(facts=[a_fact("vs.pd")], cancer=False)
    assert eligibility_of(snapshot).eligible is False
    site = SitePolicy(populations=frozenset({"neurological"}))
    assert eligibility_of(snapshot, site).eligible is True


@pytest.mark.parametrize(("days", "eligible"), [(10, True), (365, True), (400, False)])
def test_a_joint_replacement_of_the_last_year_is_a_reason(days: int, eligible: bool) -> None:
    knee = a_fact("vs.joint_replacement", days_ago=days, kind="procedure", state="history")
    site = SitePolicy(populations=frozenset({"musculoskeletal"}))
    assert eligibility_of(a_snapshot(facts=[knee], cancer=False), site).eligible is eligible
