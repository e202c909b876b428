"""Every row of the checklist of CDS Hooks requirements has a test that names it, or a stated reason why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKLIST = ROOT.parent / "shared/standards.md"
ROW = re.compile(r"CH-[A-Z]\d+")


def named_by_tests() -> set[str]:
    sources = "\n".join(path.read_text() for path in Path(__file__).parent.glob("*.py") if path != Path(__file__))
    in_names = {name.upper().replace("_", "-") for name in re.findall(r"ch_[a-z]\d+(?!\d)", sources)}
    return in_names | set(ROW.findall(sources))


def waived() -> set[str]:
    page = (ROOT / "docs/reference/cds-hooks.md").read_text()
    return set(re.findall(r"^\| (CH-[A-Z]\d+) \|", page, re.MULTILINE))


@pytest.mark.shared
def test_each_row_has_a_test_or_a_reason():
    if not CHECKLIST.is_file():
        pytest.skip("needs ../shared beside the checkout")
    rows = set(re.findall(r"^\| (CH-[A-Z]\d+) \|", CHECKLIST.read_text(), re.MULTILINE))
    assert len(rows) > 80
    assert rows - named_by_tests() - waived() == set()


def test_no_row_is_excused_that_has_a_test():
    assert waived() & named_by_tests() == set()
