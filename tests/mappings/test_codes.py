"""mappings/codes.py: the data files hold together and hold what the rules ask for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from mappings.codes import LOINC, diagnoses, drugs, procedures, sites, system_of
from mappings.measures import observed
from models.inputs import INPUTS
from tests.mappings.charts import ICD, SNOMED

FOLDER = Path(__file__).parents[2] / "mappings" / "value_sets"
RULES = Path(__file__).parents[3] / "shared" / "clinical" / "rules.md"


def produced() -> set[str]:
    """All value sets that a chart can bring."""
    table = diagnoses()
    names = {name for names in [*table.snomed.values(), *table.prefixes.values()] for name in names}
    names |= set(table.together) | {name for code in procedures().values() for name in code.value_sets}
    names |= {name for drug in [*drugs().rxnorm.values(), *drugs().atc.values()] for name in drug.value_sets}
    return names | {"vs.planned_surgery", "vs.planned_therapy", "vs.inpatient"}


@pytest.mark.parametrize("name", ["conditions", "procedures", "drugs", "observations", "sites"])
def test_each_file_says_where_it_comes_from(name):
    text = (FOLDER / f"{name}.yaml").read_text()
    assert "Source: clinical/" in text


def test_no_value_set_stands_twice_in_a_file():
    for path in FOLDER.glob("*.yaml"):
        keys = re.findall(r"^([a-z][\w.-]*):", path.read_text(), re.MULTILINE)
        assert len(keys) == len(set(keys)), path.name


def test_snomed_codes_have_a_check_digit_that_holds():
    codes = {*diagnoses().snomed, *procedures(), *sites(), *diagnoses().history_codes}
    wrong = [code for code in codes if not verhoeff(code)]
    assert wrong == []


def test_loinc_codes_have_a_check_digit_that_holds():
    codes = [code for code, systems in observed().by_code.items() if LOINC in systems]
    assert [code for code in codes if not mod10(code)] == []


def test_every_status_is_one_of_the_four():
    table = yaml.safe_load((FOLDER / "conditions.yaml").read_text())
    marks = {mark for name, entry in table.items() if name.startswith("vs.") for mark in entry["snomed"].values()}
    assert marks <= set("vpsu")
    done = yaml.safe_load((FOLDER / "procedures.yaml").read_text())
    assert {entry["status"] for codes in done.values() for entry in codes.values()} <= set("vpsu")


def test_every_measure_of_an_input_has_its_unit_and_range():
    for alias, measure in observed().by_alias.items():
        if alias in INPUTS:
            assert (measure.unit, measure.plausible, measure.kind) == (
                INPUTS[alias].unit,
                INPUTS[alias].plausible,
                INPUTS[alias].kind,
            )


@pytest.mark.skipif(not RULES.is_file(), reason="needs ../shared beside the checkout")
class TestAgainstTheResearch:
    def rows(self) -> dict[str, tuple[str, str]]:
        found = {}
        for line in RULES.read_text().splitlines():
            cells = [cell.strip() for cell in line.split("|")]
            if len(cells) == 5 and cells[1].startswith("vs."):
                found[cells[1].split()[0]] = (cells[2], cells[3])
        return found

    def test_every_value_set_is_there(self):
        named = {name for cell in self.rows() for name in cell.split("/")}
        assert named - produced() == set()

    def test_every_icd_code_is_in_its_set(self):
        for name, (codes, _) in self.rows().items():
            if "RxNorm" in codes or "together" in codes or "any of" in codes or name.startswith("vs.anthra"):
                continue
            for code in re.findall(r"\b[A-Z]\d\w(?:\.\w+)?", codes.split("(history")[0]):
                if re.search(r" [uv]\b", codes):
                    break
                assert name in diagnoses().sets_of(ICD, code), (name, code)

    def test_every_snomed_code_is_in_its_set(self):
        for name, (_, codes) in self.rows().items():
            for code in re.findall(r"\b(\d{6,18}) [vpu]\b", codes):
                found = set(diagnoses().sets_of(SNOMED, code))
                done = procedures().get(code)
                assert name in found | set(done.value_sets if done else ()), (name, code)


def test_other_names_of_code_systems():
    assert system_of("urn:oid:2.16.840.1.113883.6.1") == LOINC
    assert system_of("urn:site") == "urn:site"
    assert system_of(None) is None


_D = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
]
_P = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]]
for _ in range(6):
    _P.append([_P[-1][digit] for digit in _P[1]])


def verhoeff(code: str) -> bool:
    """The check digit of SNOMED CT identifiers (Verhoeff, 1969)."""
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = _D[check][_P[place % 8][int(digit)]]
    return check == 0


def mod10(code: str) -> bool:
    """The check digit of LOINC codes (Luhn, modulus 10)."""
    body, _, check = code.partition("-")
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return (10 - total % 10) % 10 == int(check)
