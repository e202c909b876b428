"""A table that cannot be trusted is refused with the row and the reason; blanks are unknown."""

from __future__ import annotations

import math

import pytest

from models.errors import TrainingRefused
from models.risk import RISK
from models.training.recipe import RISK_RECIPE
from models.training.table import columns_for, read_table
from tests.models.training.builders import a_table

LABEL = RISK_RECIPE.label


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        ("age_years", "forty", "row 2: age_years is 'forty', not a number"),
        ("age_years", "300", "row 2: age_years is 300, outside 0 to 120"),
        ("sex_female", "2", "sex_female is 2"),
        ("dx_stroke", "0.5", "neither 0 nor 1"),
        ("smoking_status", "sometimes", "smoking_status does not know 'sometimes'"),
        ("weight_kg", "-1", "outside 10 to 700"),
        ("weight_kg", "nan", "outside 10 to 700"),
        ("weight_kg", "inf", "outside 10 to 700"),
        ("self_rated_health_1_excellent_5_poor", "9", "outside 1 to 5"),
    ],
)
def test_a_cell_that_cannot_be_is_refused_with_its_row(tmp_path, column, cell, message):
    path = a_table(tmp_path / "t.csv", people=5, **{column: cell})
    with pytest.raises(TrainingRefused, match=message):
        read_table(path, RISK.features, LABEL)


def test_missing_columns_are_named(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("person_id,age_years\n1,50\n", encoding="utf-8")
    with pytest.raises(TrainingRefused, match=r"columns are missing: sex_female, weight_kg"):
        read_table(path, RISK.features)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "columns are missing"), (b"\xff\xfe\x00", "not a CSV table"), (b'person_id\n"1', "not a CSV table")],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content, message):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(TrainingRefused, match=message):
        read_table(path, RISK.features)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(TrainingRefused, match="cannot be read"):
        read_table(tmp_path / "none.csv", RISK.features)


def test_a_row_with_too_few_cells_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    head = columns_for(RISK.features)
    path.write_text(",".join(head) + "\n1,50\n", encoding="utf-8")
    with pytest.raises(TrainingRefused, match="row 2: has more or fewer cells"):
        read_table(path, RISK.features)


def test_a_row_without_a_label_is_left_out_only_where_a_label_is_asked_for(tmp_path):
    path = a_table(tmp_path / "t.csv", people=5, **{LABEL: ""})
    assert len(read_table(path, RISK.features, LABEL)) == 4
    assert len(read_table(path, RISK.features)) == 5


def test_a_person_heavier_than_a_chart_would_show_is_real_but_unknown_to_the_model(tmp_path):
    path = a_table(tmp_path / "t.csv", people=3, body_mass_index="130.2", weight_kg="", height_cm="")
    table = read_table(path, RISK.features, LABEL)
    assert math.isnan(table.rows[0, RISK.features.index("body_mass_index")])


def test_the_table_has_a_row_a_label_and_a_person_for_everybody(tmp_path):
    table = read_table(a_table(tmp_path / "t.csv", people=6), RISK.features, LABEL)
    assert table.rows.shape == (6, len(RISK.features))
    assert set(table.label.tolist()) <= {0.0, 1.0}
    assert table.person == tuple(str(100_000 + n) for n in range(6))
