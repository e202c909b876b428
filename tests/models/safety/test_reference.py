"""The reference page is what the rules are."""

from __future__ import annotations

from pathlib import Path

from models.safety.reference import reference
from models.safety.rule import rule_set

_PAGE = Path(__file__).parents[3] / "docs" / "reference" / "rules.md"


def test_the_page_is_generated_from_the_rules() -> None:
    """When this fails: `python -m models.safety.reference > docs/reference/rules.md`."""
    assert _PAGE.read_text(encoding="utf-8") == reference(rule_set())


def test_every_rule_has_its_place_on_the_page() -> None:
    page = reference(rule_set())
    assert [rule.id for rule in rule_set().rules if f"\n### {rule.id}\n" not in page] == []
