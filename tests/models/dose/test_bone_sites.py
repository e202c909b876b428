"""The site table of bone metastases, site by site and together."""

from __future__ import annotations

from itertools import permutations

import pytest

from models.assessment import assess
from models.dose.bone_sites import affected_regions, site_limits
from models.prescription import prescribe
from models.snapshot import PatientSnapshot
from tests.builders import a_fact, a_treated_patient


def _with_sites(*sites: str) -> PatientSnapshot:
    facts = [
        a_fact("vs.bone_mets", source=f"Condition/{n}", details={"body_site": site} if site else {})
        for n, site in enumerate(sites)
    ]
    return a_treated_patient(facts=facts)


def _said(snapshot: PatientSnapshot) -> str:
    return " ".join(str(text) for _, text in site_limits(snapshot))


@pytest.mark.parametrize(
    ("site", "excluded", "allowed"),
    [
        ("pelvis", ("hips",), ("shoulder", "trunk", "spine")),
        ("femur", ("hips",), ("shoulder", "trunk", "spine")),
        ("lumbar spine", ("trunk", "spine"), ("hips", "shoulder")),
        ("rib", ("shoulder", "trunk", "spine"), ("hips",)),
        ("thoracic spine", ("shoulder", "trunk", "spine"), ("hips",)),
        ("spine", ("shoulder", "trunk", "spine"), ("hips",)),
        ("", ("hips", "shoulder", "trunk", "spine"), ()),
        ("bone", ("hips", "shoulder", "trunk", "spine"), ()),
        ("humerus", ("hips", "shoulder", "trunk", "spine"), ()),
        ("pelvis, rib", ("hips", "shoulder", "trunk", "spine"), ()),
        ("pelvis, humerus", ("hips", "shoulder", "trunk", "spine"), ()),
    ],
)
def test_a_site_excludes_what_its_row_says(site: str, excluded: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    said = _said(_with_sites(site))
    assert [word for word in excluded if word not in said] == []
    assert [word for word in allowed if word in said] == []


@pytest.mark.parametrize("sites", list(permutations(["pelvis", "rib", "femur"], 2)))
def test_several_sites_exclude_the_sum_of_theirs_in_any_order(sites: tuple[str, ...]) -> None:
    together = {text.msgid for _, text in site_limits(_with_sites(*sites))}
    apart = {text.msgid for site in sites for _, text in site_limits(_with_sites(site))}
    assert together == apart


def test_one_unknown_site_makes_every_region_affected() -> None:
    assert affected_regions(_with_sites("pelvis", "")) == ("all regions",)


def test_the_limits_stand_in_the_plan_with_their_region() -> None:
    plan = prescribe(assess(_with_sites("pelvis")))
    assert any("hips" in str(cap) for cap in plan.caps)
    assert "table 5a, pelvis" in {reason.by for reason in plan.reasons}
    assert not any("hips" in str(cap) for cap in prescribe(assess(a_treated_patient())).caps)
