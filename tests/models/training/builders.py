"""A small made-up table with a known truth, in the layout of the training tables, and a quick recipe for it."""

from __future__ import annotations

import csv
import dataclasses
import math
import random
from pathlib import Path

from models.training.recipe import ADHERENCE_RECIPE, RISK_RECIPE, Recipe, Settings
from models.training.table import columns_for

QUICK = (Settings(leaves=3, rounds=80, min_leaf=40, l2=2, rate=0.1), Settings(leaves=3, rounds=60, min_leaf=40, l2=5))


def a_recipe(of: Recipe = RISK_RECIPE, **more: object) -> Recipe:
    """The recipe of a model, made quick: few trees, one repeat, three folds."""
    quick = {
        "version": "r1",
        "candidates": QUICK,
        "repeats": 1,
        "outer_folds": 3,
        "inner_folds": 2,
        "table": f"{of.spec.name}.csv",
    }
    return dataclasses.replace(of, **{**quick, **more})


def a_row(dice: random.Random, number: int) -> dict[str, str]:
    """One made-up person. The log-odds rise by 0.06 a year of age and by 1.2 with limited mobility."""
    age, limited, weight = dice.randint(40, 80), int(dice.random() < 0.3), dice.gauss(80, 15)
    odds = -1.5 + 0.06 * (age - 60) + 1.2 * limited
    died = int(dice.random() < 1 / (1 + math.exp(-odds)))
    told = {
        "person_id": str(100_000 + number),
        "survey_cycle": "2011-2012",
        "survey_weight_mec_4cycle": f"{dice.uniform(500, 9000):.1f}",
        "age_years": str(age),
        "sex_female": str(dice.randint(0, 1)),
        "race_ethnicity": dice.choice(["mexican_american", "non_hispanic_white"]),
        "weight_kg": f"{min(max(weight, 40), 150):.1f}",
        "height_cm": f"{dice.uniform(150, 190):.1f}",
        "body_mass_index": f"{dice.uniform(18, 45):.1f}",
        "waist_circumference_cm": f"{dice.uniform(70, 130):.1f}",
        "smoking_status": dice.choice(["", "never", "former", "current"]),
        "marital_status": dice.choice(["married", "widowed"]),
        "education_level": dice.choice(["some_college", "college_graduate"]),
        "income_to_poverty_ratio": f"{dice.uniform(0, 5):.2f}",
        "self_rated_health_1_excellent_5_poor": str(dice.randint(1, 5)),
        "years_since_cancer_diagnosis": "",
        "mobility_limitation": str(limited),
        RISK_RECIPE.label: str(died),
        ADHERENCE_RECIPE.label: str(died),
    }
    return {
        column: told.get(column, str(int(dice.random() < 0.15))) for column in dict.fromkeys([*told, *_all_columns()])
    }


def a_table(path: Path, people: int = 400, seed: int = 7, **instead: str) -> Path:
    """Writes a table of made-up people; `instead` sets cells of the first one."""
    dice = random.Random(seed)
    rows = [a_row(dice, number) for number in range(people)]
    rows[0] |= instead
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def _all_columns() -> list[str]:
    features = [*RISK_RECIPE.spec.features, *ADHERENCE_RECIPE.spec.features]
    return list(columns_for(features))
