"""Prints what the engine says of every case and every chart at hand, one JSON line each; run in a tree of packages."""

from __future__ import annotations

import json
from collections.abc import Iterator

from models.booster import load_estimators
from models.proposal import decide
from models.summary import summary
from tests.clinical.case import all_cases, outcome
from tests.mappings.from_fhir.test_shared_charts import CHARTS, snapshot_of


def lines() -> Iterator[str]:
    """The cases as the pages have them, then the charts beside the checkout, with both models."""
    for case in all_cases():
        yield json.dumps([case.id, outcome(case)])
    models = load_estimators()
    for path in CHARTS:
        yield json.dumps([path.name, summary(decide(snapshot_of(path), models))])


if __name__ == "__main__":
    for line in lines():
        print(line)
