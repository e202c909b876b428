"""`stride evaluate`: how good a model is on labelled people, as a report with pictures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fhirapp.commands.progress import show
from models.catalogue import SPECS
from models.errors import ModelsError

_ABOUT = """\
Measures a model on TABLE.csv, which has the label, and writes report.md, figures.json and pictures to --out.

The very table that the model was trained on is scored by cross-validation, by models that never saw the person
(one to three minutes); any other table by the installed model itself. The report has discrimination with intervals,
calibration, decision curve, thin charts and subgroups.
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of `stride`."""
    parser = subparsers.add_parser(
        "evaluate",
        help="measure a model on labelled people",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=tuple(SPECS))
    parser.add_argument("table", type=Path, metavar="TABLE.csv")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder of the report")
    parser.add_argument("--version", metavar="NAME", help="a version of the model (default: the current one)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="where artifacts live (default: the installed ones)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of every draw (default: 1)")
    parser.add_argument(
        "--benchmark",
        type=Path,
        metavar="TABLE.csv",
        help="adds the published NHANES benchmark (risk_benchmark_nhanes_2003_2006.csv), trees beside a logistic line",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Writes the report and prints its main line; 2 with a reason when the table or model cannot be used."""
    # LightGBM and numpy load here, so that `stride --help` stays quick.
    from models.artifact import INSTALLED, open_artifact
    from models.booster import Model
    from models.training.evaluate import evaluate, write_report
    from models.training.recipe import RECIPES

    try:
        model = Model(open_artifact(SPECS[args.model], args.models or INSTALLED, args.version))
        recipe = RECIPES[args.model]
        found = evaluate(recipe, model, args.table, seed=args.seed, progress=_progress)
        report = write_report(recipe, found, args.out, _more(args))
    except ModelsError as error:
        print(f"stride evaluate: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"stride evaluate: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    overall = found.figures["overall"]
    (value, low, high), slope = overall["auc"], overall["calibration_slope"]
    print(f"AUC {value:.3f} ({low:.3f}-{high:.3f}), Brier {overall['brier']:.4f}, slope {slope:.2f}")
    print(report)
    return 0


def _more(args: argparse.Namespace) -> dict[str, str]:
    from models.training.benchmark import benchmark, benchmark_text, read_people

    if args.benchmark is None:
        return {}
    _progress(0, 1, "the published benchmark")
    people = read_people(args.benchmark)
    return {"The published benchmark": benchmark_text(people, benchmark(people, args.seed))}


def _progress(done: int, total: int, what: str) -> None:
    show(sys.stderr, done, total, what)
