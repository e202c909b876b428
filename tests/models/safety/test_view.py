"""What counts, what clears and how old it may be: rules.md section 11, conventions.md section 3."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from models.findings import Effect, Finding
from models.safety.screen import screen
from models.safety.view import View
from models.snapshot import PatientSnapshot, Reading, When
from tests.builders import AS_OF, a_dose, a_fact, a_reading, a_snapshot, a_when


def _fired(snapshot: PatientSnapshot) -> dict[str, Finding]:
    return {finding.rule: finding for finding in screen(snapshot).findings}


def _platelets(*pairs: tuple[float, float]) -> tuple[Reading, ...]:
    return tuple(a_reading("platelets", value, days_ago=days) for days, value in pairs)


def test_an_old_abnormal_value_fires_until_a_newer_normal_one_exists() -> None:
    assert "HEM-01" in _fired(a_snapshot(*_platelets((400, 8))))
    assert "HEM-01" not in _fired(a_snapshot(*_platelets((400, 8), (200, 240))))


def test_a_stale_value_is_listed_as_not_checked() -> None:
    gaps = {gap.input: gap.why for gap in screen(a_snapshot(*_platelets((91, 240)))).gaps}
    assert gaps["platelets"] == "stale"
    assert "platelets" not in {gap.input for gap in screen(a_snapshot(*_platelets((90, 240)))).gaps}


@pytest.mark.parametrize(("days", "fresh"), [(7, True), (8, False)])
def test_on_chemotherapy_a_blood_count_is_valid_for_seven_days(days: int, fresh: bool) -> None:
    snapshot = a_snapshot(*_platelets((days, 240)), facts=a_dose(days_ago=20))
    assert View(snapshot).fresh("platelets") is fresh


@pytest.mark.parametrize(("days", "fresh"), [(28, False), (29, True)])
def test_chemotherapy_counts_as_under_way_for_28_days(days: int, fresh: bool) -> None:
    snapshot = a_snapshot(*_platelets((30, 240)), facts=a_dose(days_ago=days))
    assert View(snapshot).fresh("platelets") is fresh


@pytest.mark.parametrize(("days", "fresh"), [(90, False), (91, True)])
def test_a_checkpoint_inhibitor_counts_as_under_way_for_90_days(days: int, fresh: bool) -> None:
    snapshot = a_snapshot(*_platelets((30, 240)), facts=a_dose("vs.ici", days_ago=days))
    assert View(snapshot).fresh("platelets") is fresh


def test_hormone_treatment_is_no_systemic_therapy() -> None:
    snapshot = a_snapshot(*_platelets((30, 240)), facts=[a_fact("vs.hormonal", kind="order")])
    assert View(snapshot).fresh("platelets")


def test_a_preliminary_value_may_fire() -> None:
    snapshot = a_snapshot(*_platelets((3, 240)), a_reading("platelets", 8, days_ago=1, status="preliminary"))
    assert "HEM-01" in _fired(snapshot)


def test_a_preliminary_value_never_clears() -> None:
    snapshot = a_snapshot(*_platelets((3, 8)), a_reading("platelets", 240, days_ago=1, status="preliminary"))
    assert "HEM-01" in _fired(snapshot)
    assert not View(a_snapshot(a_reading("platelets", 240, status="preliminary"))).fresh("platelets")


def test_what_the_patient_tells_never_clears_a_clinic_value() -> None:
    snapshot = a_snapshot(a_reading("sbp", 205, days_ago=3), a_reading("sbp", 120, days_ago=1, patient_reported=True))
    assert "CAR-11" in _fired(snapshot)


def test_what_the_patient_tells_clears_what_the_patient_told() -> None:
    snapshot = a_snapshot(
        a_reading("dizziness", True, days_ago=5, patient_reported=True),
        a_reading("dizziness", False, days_ago=1, patient_reported=True),
    )
    assert "FAL-02" not in _fired(snapshot)


def test_a_clinic_value_clears_what_the_patient_told() -> None:
    snapshot = a_snapshot(a_reading("sbp", 205, days_ago=3, patient_reported=True), a_reading("sbp", 120, days_ago=1))
    assert "CAR-11" not in _fired(snapshot)


def test_two_values_of_one_day_count_by_the_worse_one_and_both_are_shown() -> None:
    morning = a_reading("platelets", 8, hours_ago=14, source="Observation/a")
    evening = a_reading("platelets", 60, hours_ago=2, source="Observation/b")
    finding = _fired(a_snapshot(evening, morning))["HEM-01"]
    assert {evidence.value for evidence in finding.inputs} == {"8", "60"}


def test_the_day_is_the_tenants_day_not_the_utc_one() -> None:
    """01:00 and 23:00 of one day in Adelaide are two days in UTC."""
    early = AS_OF.replace(hour=1, minute=0).astimezone(timezone.utc)  # noqa: UP017
    late = AS_OF.replace(hour=23, minute=0).astimezone(timezone.utc)  # noqa: UP017
    low = a_reading("platelets", 8, when=When(early, early))
    high = a_reading("platelets", 240, when=When(late, late))
    assert "HEM-01" in _fired(a_snapshot(high, low))


def test_a_result_of_the_future_neither_fires_nor_clears() -> None:
    tomorrow = AS_OF + timedelta(days=1)
    later = a_reading("platelets", 240, when=When(tomorrow, tomorrow))
    assert "HEM-01" in _fired(a_snapshot(later, *_platelets((2, 8))))
    assert not View(a_snapshot(later)).fresh("platelets")


def test_a_month_that_may_hold_a_newer_value_does_not_clear_it() -> None:
    """A normal value "of November" may be older than the low one of the 20th."""
    start = datetime(2026, 11, 1, tzinfo=AS_OF.tzinfo)
    vague = a_reading("platelets", 240, when=When(start, datetime(2026, 11, 30, 23, 59, tzinfo=AS_OF.tzinfo)))
    assert "HEM-01" in _fired(a_snapshot(vague, *_platelets((5, 8))))


@pytest.mark.parametrize(
    ("comparator", "value", "fires"),
    [
        ("<", 10, {"HEM-01"}),
        ("<", 20, {"HEM-01", "HEM-02"}),
        ("<=", 10, {"HEM-01", "HEM-02"}),
        (">", 100, set()),
        (">=", 99, {"HEM-04"}),
        (">", 40, {"HEM-03", "HEM-04"}),
    ],
)
def test_a_comparator_fires_all_that_some_value_of_it_would_fire(
    comparator: str, value: float, fires: set[str]
) -> None:
    snapshot = a_snapshot(a_reading("platelets", value, comparator=comparator))
    bands = {"HEM-01", "HEM-02", "HEM-03", "HEM-04"}
    assert bands & set(_fired(snapshot)) == fires


def test_a_comparator_is_shown_as_it_was_given() -> None:
    finding = _fired(a_snapshot(a_reading("platelets", 10, comparator="<")))["HEM-01"]
    assert finding.inputs[0].value == "<10"
    assert "<10 ×10⁹/L" in str(finding.text)


def test_an_unconfirmed_condition_may_add_caution() -> None:
    assert "BON-04" in _fired(a_snapshot(facts=[a_fact("vs.bone_mets", confirmed=False)]))


def test_an_unconfirmed_anticoagulant_never_takes_a_hold_away() -> None:
    clot = a_fact("vs.dvt", days_ago=5)
    sure = a_fact("vs.anticoag", kind="order", days_ago=4)
    unsure = a_fact("vs.anticoag", kind="order", days_ago=4, confirmed=False)
    assert "VTE-02" not in _fired(a_snapshot(facts=[clot, sure]))
    assert "VTE-02" in _fired(a_snapshot(facts=[clot, unsure]))


def test_a_partial_date_counts_from_its_most_recent_day() -> None:
    start = datetime(2026, 10, 1, tzinfo=AS_OF.tzinfo)
    october = When(start, datetime(2026, 10, 31, 23, 59, 59, tzinfo=AS_OF.tzinfo))
    operated = a_fact("vs.surgery_major", start=october, kind="procedure")
    assert "TRT-10" in _fired(a_snapshot(facts=[operated]))  # 25 days since the 31st


def test_a_whole_year_reaches_up_to_today() -> None:
    start = datetime(2026, 1, 1, tzinfo=AS_OF.tzinfo)
    this_year = When(start, datetime(2026, 12, 31, 23, 59, 59, tzinfo=AS_OF.tzinfo))
    operated = a_fact("vs.surgery_major", start=this_year, kind="procedure")
    assert "TRT-09" in _fired(a_snapshot(facts=[operated]))


def test_a_status_code_without_a_date_of_its_own_is_not_recent() -> None:
    recorded = a_when(days_ago=3, certain=False)
    stent = a_fact("vs.revasc", code="Z95.5", start=recorded)
    assert "CAR-02" not in _fired(a_snapshot(facts=[stent]))
    assert "CAR-23" in _fired(a_snapshot(facts=[stent]))


def test_a_dose_is_counted_from_the_infusion_encounter_where_no_drug_is_recorded() -> None:
    visit = a_fact("vs.chemo_encounter", days_ago=1, kind="encounter", state="history")
    assert "TRT-02" in _fired(a_snapshot(facts=[visit]))


def test_an_administration_stands_before_an_order() -> None:
    order = a_fact("vs.cytotoxic", days_ago=1, kind="order", source="MedicationRequest/1")
    given = a_fact("vs.cytotoxic", days_ago=5, kind="administration", source="MedicationAdministration/1")
    dose = View(a_snapshot(facts=[order, given])).last_dose
    assert dose is not None
    assert (dose[0], dose[1].source) == (5, "MedicationAdministration/1")


def test_the_laboratorys_own_limit_is_used_and_else_ours_is_named() -> None:
    own = _fired(a_snapshot(a_reading("ck", 400, upper_reference=500.0)))
    ours = _fired(a_snapshot(a_reading("ck", 400)))
    assert "TRT-08" not in own
    assert "200" in ours["TRT-08"].inputs[0].value


def test_weight_loss_is_measured_from_the_highest_of_four_to_seven_months_ago() -> None:
    readings = [a_reading("weight", value, days_ago=days) for days, value in ((0, 70), (130, 74), (200, 76))]
    finding = _fired(a_snapshot(*readings))["CAC-01"]
    assert "76 kg" in finding.inputs[0].value


def test_a_short_series_of_weights_is_marked_so() -> None:
    readings = [a_reading("weight", value, days_ago=days) for days, value in ((0, 70), (60, 75))]
    assert "short series" in _fired(a_snapshot(*readings))["CAC-01"].inputs[0].value


@pytest.mark.parametrize(("hours", "fresh"), [(72, True), (72.1, False)])
def test_a_limit_in_hours_counts_hours(hours: float, fresh: bool) -> None:
    assert View(a_snapshot(a_reading("temp", 36.8, hours_ago=hours))).fresh("temp") is fresh


def test_missing_rules_say_so_and_name_their_task() -> None:
    finding = _fired(a_snapshot())["VIT-MISS"]
    assert finding.missing
    assert finding.effect is Effect.SUP
    assert finding.task is not None


def test_a_date_that_only_stands_in_is_marked_so() -> None:
    recorded = a_fact("vs.bone_mets", start=a_when(days_ago=3, certain=False))
    undated = a_fact("vs.bone_mets", start=None, days_ago=None)
    for fact in (recorded, undated):
        assert "date uncertain" in _fired(a_snapshot(facts=[fact]))["BON-04"].inputs[0].value
    issued = a_reading("platelets", 8, when=a_when(days_ago=1, certain=False))
    assert "time uncertain" in _fired(a_snapshot(issued))["HEM-01"].inputs[0].value


def test_one_weight_alone_says_nothing_of_a_loss_and_is_listed() -> None:
    alone = screen(a_snapshot(a_reading("weight", 70))).gaps
    close = screen(a_snapshot(a_reading("weight", 70), a_reading("weight", 70, days_ago=20))).gaps
    two = screen(a_snapshot(a_reading("weight", 70), a_reading("weight", 70, days_ago=150))).gaps
    assert "weight" in {gap.input for gap in alone} & {gap.input for gap in close}
    assert "weight" not in {gap.input for gap in two}


def test_a_value_is_shown_with_two_decimals_at_most() -> None:
    finding = _fired(a_snapshot(a_reading("pain_nrs", 7.3526182459)))["PAI-01"]
    assert finding.inputs[0].value == "7.35"


@pytest.mark.parametrize(
    ("alias", "value", "value_set"),
    [("k", 4.2, "vs.diuretic"), ("k", 4.2, "vs.qt"), ("ca_corr", 2.3, "vs.bone_mets"), ("spo2", 97, "vs.copd")],
)
def test_some_conditions_and_drugs_shorten_a_limit_to_seven_days(alias: str, value: float, value_set: str) -> None:
    fact = a_fact(value_set, kind="condition")
    for days, fresh in ((7, True), (8, False)):
        reading = a_reading(alias, value, days_ago=days)
        assert View(a_snapshot(reading, facts=[fact])).fresh(alias) is fresh
        assert View(a_snapshot(reading)).fresh(alias)


def test_an_input_that_two_rules_ask_for_is_listed_for_the_one_that_matters() -> None:
    """Weakness is asked for on a steroid (NEU-04) and on a checkpoint inhibitor (TRT-06)."""
    gaps = {gap.input: gap.rule for gap in screen(a_snapshot(facts=a_dose("vs.ici"))).gaps}
    assert gaps["weakness"] == "TRT-06"
    assert "weakness" not in {gap.input for gap in screen(a_snapshot()).gaps}


def test_a_sentence_is_free_of_notes_and_semantic_tags() -> None:
    raised = _fired(a_snapshot(a_reading("ck", 400)))["TRT-08"]
    assert str(raised.text) == "Creatine kinase is raised (2 times the limit): repeat it rested."
    drug = a_fact("vs.anticoag", kind="order", display="Warfarin (substance)")
    assert str(_fired(a_snapshot(facts=[drug]))["VTE-05"].text).startswith("Warfarin: ")
