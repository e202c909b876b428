"""mappings/units.py and the conversion table of value_sets/observations.yaml"""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mappings.measures import observed
from mappings.units import SAME, SYNONYMS, UCUM, Conversion, Factor, plain
from models.inputs import INPUTS

# Worked out by hand from molar masses and definitions, not from the table: alias, value, unit, canonical value.
KNOWN = [
    ("platelets", 150000, "/uL", 150),
    ("platelets", 150, "10*3/uL", 150),
    ("platelets", 150, "10*9/L", 150),
    ("platelets", 0.15, "10*12/L", 150),
    ("hb", 12.1, "g/dL", 121),
    ("hb", 7.5, "mmol/L", 120.825),
    ("anc", 1500, "/uL", 1.5),
    ("crp", 1.2, "mg/dL", 12),
    ("albumin", 4.0, "g/dL", 40),
    ("albumin", 600, "umol/L", 39.9),
    ("ck", 10, "ukat/L", 600),
    ("troponin", 0.04, "ng/mL", 40),
    ("troponin", 0.04, "ug/L", 40),
    ("ntprobnp", 100, "pmol/L", 845.7),
    ("bnp", 100, "pmol/L", 346.2),
    ("ddimer", 500, "ng/mL{FEU}", 0.5),
    ("ddimer", 500, "ng/mL{DDU}", 1.0),
    ("k", 4.1, "meq/L", 4.1),
    ("ca", 10.0, "mg/dL", 2.495),
    ("ca", 5.0, "meq/L", 2.5),
    ("mg", 2.0, "mg/dL", 0.8228),
    ("glucose", 100, "mg/dL", 5.55),
    ("hba1c", 53, "mmol/mol", 7.00044),
    ("creat", 1.0, "mg/dL", 88.42),
    ("bili", 1.0, "mg/dL", 17.1),
    ("chol", 200, "mg/dL", 5.172),
    ("tg", 150, "mg/dL", 1.6935),
    ("sbp", 16, "kPa", 120.00992),
    ("spo2", 0.97, "1", 97),
    ("temp", 100.4, "[degF]", 38),
    ("weight", 154.3236, "[lb_av]", 70.00001),
    ("weight", 70000, "g", 70),
    ("height", 1.7, "m", 170),
    ("height", 70, "[in_i]", 177.8),
    ("6mwd", 0.42, "km", 420),
    ("6mwd", 1000, "[ft_i]", 304.8),
    ("grip_r", 300, "N", 30.5916),
    ("vo2peak", 6, "[MET]", 21),
    ("lvef", 0.55, "1", 55),
    ("qtc", 0.45, "s", 450),
    ("evs_min_day", 0.5, "h/d", 30),
    ("sleep", 420, "min", 7),
    ("gait", 80, "cm/s", 0.8),
]


@pytest.mark.parametrize(("alias", "value", "unit", "expected"), KNOWN)
def test_known_conversions(alias, value, unit, expected):
    factor = observed().by_alias[alias].conversion.factor(UCUM, unit, None)
    assert math.isclose(factor.of(value), expected, rel_tol=2e-4)


@given(st.decimals(-99_999, 99_999, places=3), st.sampled_from((1.0, 10.0, 0.001, 88.42, 0.45359237)))
def test_a_converted_number_is_rounded_to_six_decimals_as_python_rounds(value, times):
    found, exact = Factor(times).of(float(value)), float(value) * times
    assert found == round(found, 6)
    assert abs(found - exact) <= 5.1e-7
    if abs(exact * 1e6 % 1 - 0.5) > 1e-3:  # but for a number in the middle between two
        assert found == round(exact, 6)


@pytest.mark.parametrize("value", [1e12, -3e200, math.inf, -math.inf])
def test_a_number_too_large_for_decimals_stays_what_it_is(value):
    assert Factor(1.0).of(value) == value


def test_every_numeric_input_accepts_its_own_canonical_unit():
    for alias, measure in observed().by_alias.items():
        if alias in INPUTS and measure.kind == "number" and measure.steps is None:
            assert measure.conversion.factor(UCUM, INPUTS[alias].unit, None) is not None, alias
            # and takes it as it is
            code = INPUTS[alias].unit
            expected = Factor(100.0) if code == "1" else SAME
            assert measure.conversion.factor(UCUM, code, None) == expected, alias


@pytest.mark.parametrize(
    ("alias", "text", "factor"),
    [
        ("platelets", "K/uL", 1),
        ("platelets", "x10E3/uL", 1),
        ("platelets", "thou/mm3", 1),
        ("platelets", "G/L", 1),
        ("platelets", "10^9/L", 1),
        ("platelets", "cells/uL", 0.001),
        ("hb", "g/dl", 10),
        ("hb", "gm/dL", 10),
        ("sbp", "mmHg", 1),
        ("hr_rest", "bpm", 1),
        ("hr_rest", "beats/min", 1),
        ("weight", "lbs", 0.45359237),
        ("egfr", "mL/min/1.73m2", 1),
        ("creat", "µmol/L", 1),
        ("fatigue_nrs", "points", 1),
    ],
)
def test_unit_texts_of_laboratories_by_the_closed_list(alias, text, factor):
    assert observed().by_alias[alias].conversion.factor(None, None, text) == Factor(factor)


@pytest.mark.parametrize(
    ("alias", "system", "code", "unit"),
    [
        ("hb", None, None, None),
        ("hb", None, None, ""),
        ("hb", UCUM, "G/L", None),  # UCUM is case-sensitive: giga per litre is no mass
        ("hb", None, None, "G/L"),
        ("hb", UCUM, "mg/dL", "g/dL"),  # the code stands before the text
        ("hb", None, None, "furlongs"),
        ("platelets", UCUM, "g/L", None),
        ("spo2", None, None, None),
        ("weight", None, None, None),
        ("lvef", None, None, None),
        ("ck", UCUM, "10*3/uL", None),
    ],
)
def test_an_absent_or_strange_unit_is_never_guessed(alias, system, code, unit):
    assert observed().by_alias[alias].conversion.factor(system, code, unit) is None


def test_annotations_carry_no_value():
    conversion = observed().by_alias["hr_rest"].conversion
    assert conversion.factor(UCUM, "{beats}/min", None) == SAME
    assert plain("{score}") == "1"
    assert plain("10*9{cells}/L") == "10*9/L"


@given(st.sampled_from(sorted(observed().by_alias)), st.floats(0.001, 1e6), st.floats(0.001, 1e6))
def test_every_conversion_keeps_order(alias, first, second):
    assume(first < second)
    for factor in observed().by_alias[alias].conversion.accepted.values():
        assert first * factor.times + factor.plus < second * factor.times + factor.plus


@given(st.text(max_size=12), st.sampled_from(sorted(observed().by_alias)))
def test_any_text_that_is_in_no_list_is_refused(text, alias):
    measure = observed().by_alias[alias]
    bare = text.strip()
    assume(bare and bare not in SYNONYMS and plain(bare) not in SYNONYMS)
    assume(bare not in measure.conversion.accepted and plain(bare) not in measure.conversion.accepted)
    assert measure.conversion.factor(None, None, text) is None


def test_the_memory_of_units_does_not_grow_for_ever():
    conversion = Conversion({"g/L": SAME})
    for number in range(3000):
        conversion.factor(None, None, f"unit {number}")
    assert len(conversion._known) <= 1000
