"""Writes the reference page of the features from the one table that defines them."""

from __future__ import annotations

from models.catalogue import SPECS
from models.features import FEATURES
from models.training import tables

_INTRO = """\
# Features of the models

Written from `models/features.py` by `models/training/features_page.py`; a test compares. Training and serving compute
each value with the same function: a row of a training table is made into a snapshot first.

- Unknown is unknown (NaN), never "no": an unread problem list, an unreadable entry, an old or implausible value, a
  value with `<` or `>`, a preliminary one, a code that is not on the scale.
- A diagnosis is 0 only when the problem list was read whole and does not have it.
- Features of one block are asked together, and so go missing together; training blanks whole blocks.
- Race and ethnicity are in no column.
"""


def features_page() -> str:
    """The page in Markdown."""
    rows = [
        (
            f"`{feature.name}`",
            feature.label.render(),
            feature.unit,
            feature.block,
            feature.fhir,
            ", ".join(spec.name for spec in SPECS.values() if feature.name in spec.features) or "a site's own models",
        )
        for feature in FEATURES.values()
    ]
    return f"{_INTRO}\n{tables.table(('feature', 'what', 'unit', 'block', 'in FHIR', 'read by'), rows)}\n"
