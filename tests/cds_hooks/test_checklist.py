"""Every row of the checklist of CDS Hooks requirements has a test that names it, or a stated reason why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.conformance import Requirement, evidence_by_row, requirements, unproved

CHECKLIST = Path(__file__).parents[3] / "shared/standards.md"
ROWS, EVIDENCE = requirements(), evidence_by_row()


def test_no_requirement_that_binds_is_without_test_and_waiver() -> None:
    assert unproved(ROWS, EVIDENCE) == []


def test_every_row_says_where_it_stands() -> None:
    assert [row.id for row in ROWS if not EVIDENCE.get(row.id) and not row.waiver] == []


def test_no_row_is_excused_that_has_a_test() -> None:
    # HTTPS is the proxy's part of CH-G1, and its waiver says which part is tested.
    assert [row.id for row in ROWS if row.waiver and EVIDENCE.get(row.id)] == []


def test_no_test_names_a_row_that_is_not_on_the_list() -> None:
    assert EVIDENCE.keys() - {row.id for row in ROWS} == set()


def test_a_must_without_test_and_waiver_is_found() -> None:
    lonely = Requirement("CH-Z1", "MUST NOT", "be forgotten")
    assert unproved([*ROWS, lonely], EVIDENCE) == ["CH-Z1"]


@pytest.mark.shared
def test_the_list_is_whole_and_its_levels_are_those_of_the_checklist() -> None:
    if not CHECKLIST.is_file():
        pytest.skip("needs ../shared beside the checkout")
    published = dict(re.findall(r"^\| (CH-[A-Z]\d+) \| ([^|]+) \|", CHECKLIST.read_text(), re.MULTILINE))
    assert len(published) > 80
    assert {row.id for row in ROWS} == set(published)
    ours = {row.id: row.level for row in ROWS}
    softened = [name for name, level in published.items() if "MUST" in level and not ours[name].startswith("MUST")]
    assert softened == []
