"""The named programmes and the changes for a person's means."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from models.assessment import assess
from models.dose.equity import WISHES, adaptations
from models.dose.programmes import TEMPLATES, template_for
from models.prescription import prescribe
from models.snapshot import PatientSnapshot
from tests.builders import AS_OF, a_fact, a_reading, a_snapshot, a_treated_patient, a_when, normal_readings


def _surgery_in(days: int) -> PatientSnapshot:
    start = a_when(on=(AS_OF + timedelta(days=days)).date())
    return a_snapshot(*normal_readings(), facts=[a_fact("vs.planned_surgery", start=start, state="planned")])


def _womb(bmi: float) -> PatientSnapshot:
    womb = a_fact("vs.cancer", code="C54.1", days_ago=400)
    return a_snapshot(*normal_readings(), a_reading("bmi", bmi), facts=[womb], cancer=False)


@pytest.mark.parametrize(
    ("snapshot", "key"),
    [
        pytest.param(_surgery_in(20), "tele-prehabilitation", id="surgery in 20 days"),
        pytest.param(_womb(30), "endometrial-walking", id="endometrial cancer, BMI 30"),
        pytest.param(_womb(29.9), None, id="endometrial cancer, BMI under 30"),
        pytest.param(a_treated_patient(), "hybrid-centre", id="supervised on chemotherapy"),
        pytest.param(a_treated_patient(a_reading("prefs", "app")), "dpex", id="wants an app"),
        pytest.param(a_treated_patient(a_reading("prefs", "rural")), "power-rural", id="lives far out"),
        pytest.param(a_treated_patient(a_reading("lvef", 35)), None, id="medically supervised"),
    ],
)
def test_a_named_programme_is_found_where_it_fits(snapshot: PatientSnapshot, key: str | None) -> None:
    found = template_for(assess(snapshot))
    assert (found.key if found else None) == key


def test_the_five_programmes_are_there_with_their_dose() -> None:
    doses = {template.key: (template.days, template.minutes) for template in TEMPLATES}
    assert doses == {
        "endometrial-walking": ((5, 5), (30, 45)),
        "tele-prehabilitation": ((3, 5), (20, 30)),
        "dpex": ((3, 5), (30, 60)),
        "power-rural": ((2, 3), (60, 60)),
        "hybrid-centre": ((2, 3), (45, 60)),
    }


def test_a_template_never_raises_the_plan() -> None:
    plain, app = (prescribe(assess(a_treated_patient(*more))) for more in ((), (a_reading("prefs", "app"),)))
    assert app.aerobic == plain.aerobic
    assert app.resistance == plain.resistance


@pytest.mark.parametrize("word", sorted(WISHES))
def test_every_wish_changes_the_plan(word: str) -> None:
    assert WISHES[word] in prescribe(assess(a_treated_patient(a_reading("prefs", word)))).other


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"born": date(1951, 11, 25)}, 1),
        ({"born": date(1951, 11, 26)}, 0),
    ],
)
def test_from_75_on_balance_comes_first(more: dict[str, Any], expected: int) -> None:
    assert len(list(adaptations(a_snapshot(**more)))) == expected


@pytest.mark.parametrize(("confidence", "expected"), [(3, 1), (4, 0)])
def test_little_confidence_with_a_phone_brings_help(confidence: float, expected: int) -> None:
    assert len(list(adaptations(a_snapshot(a_reading("digital_access", confidence))))) == expected
