"""The reference page of the features is the table of the code."""

from __future__ import annotations

from pathlib import Path

from models.training.features_page import features_page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "features.md"


def test_the_page_is_what_the_code_writes():
    # Write it anew: python -c "from models.training.features_page import features_page as p; print(p(), end='')"
    assert PAGE.read_text(encoding="utf-8") == features_page()
