"""Makes the models and their reports anew: `python -m tools.model_reports DATA`, with the folder of the tables.

Trains every model (an artifact that is there already must come out the same), measures each on its table, and writes
`docs/reference/models/`. Takes about ten minutes on one core.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from models.artifact import INSTALLED, current_version, open_artifact
from models.booster import Model
from models.catalogue import SPECS
from models.training import tables
from models.training.benchmark import benchmark, benchmark_text, read_people
from models.training.evaluate import evaluate, write_report
from models.training.recipe import RECIPES
from models.training.train import train

REPORTS: Final = Path(__file__).parent.parent / "docs" / "reference" / "models"
BENCHMARK: Final = "risk_benchmark_nhanes_2003_2006.csv"
SEED: Final = 1


def main(data: Path) -> None:
    """Train, measure and write everything."""
    for name, recipe in RECIPES.items():
        train(recipe, data, INSTALLED, seed=SEED, progress=_progress)
        model = Model(open_artifact(recipe.spec, INSTALLED, recipe.version))
        found = evaluate(recipe, model, data / recipe.table, seed=SEED, progress=_progress)
        _say(str(write_report(recipe, found, REPORTS / name, more_for(name, data))))
    (REPORTS / "README.md").write_text(overview(), encoding="utf-8")


def more_for(name: str, data: Path) -> dict[str, str]:
    """The published benchmark, for the model that it is about."""
    if name != "risk":
        return {}
    people = read_people(data / BENCHMARK)
    return {"The published benchmark": benchmark_text(people, benchmark(people, SEED))}


def overview(root: Path = REPORTS) -> str:
    """The page that leads to the reports: one line a model, every figure read from its report."""
    rows = [_row(name, json.loads((root / name / "figures.json").read_text(encoding="utf-8"))) for name in SPECS]
    head = ("model", "people (with the outcome)", "AUC (95 %)", "Brier", "slope", "observed / expected", "report, card")
    return (
        "# The models, measured\n\nWritten by `python -m tools.model_reports`; do not edit by hand. Every figure is by "
        "cross-validation over people, on people that the scoring trees never saw. What each estimate is and is not: "
        f"[the estimates](../../explanation/estimates.md).\n\n{tables.table(head, rows)}\n"
    )


def _row(name: str, figures: Mapping[str, Any]) -> tuple[str, ...]:
    overall, version = figures["overall"], current_version(name)
    card = f"../../../models/artifacts/{name}/{version}/CARD.md"
    return (
        f"{SPECS[name].meaning.render()} ({name} {version})",
        f"{figures['people']:,} ({figures['events']:,})",
        tables.with_range(overall["auc"]),
        f"{overall['brier']:.4f}",
        f"{overall['calibration_slope']:.2f}",
        tables.with_range(overall["observed_over_expected"], 2),
        f"[report]({name}/report.md), [card]({card})",
    )


def _progress(done: int, total: int, what: str) -> None:
    _say(f"  {what} {done} of {total}" if total > 1 else f"  {what} ...")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
