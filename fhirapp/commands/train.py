"""`stride train`: trains a model from a table and writes a versioned artifact."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from models.artifact import INSTALLED
from models.catalogue import SPECS
from models.errors import ModelsError

_ABOUT = """\
Trains one of the models and writes <out>/<model>/<version>/ with the LightGBM trees (model.txt), the numbers
(meta.json) and the model card (CARD.md).

  risk        death from any cause within five years, from risk_ehr_nhanes_2003_2014.csv
  adherence   uptake of advised exercise, from adherence_uptake_nhanes_2011_2018.csv
  persistence finishing the next course once one is behind, from adherence_programme_illinois_rct.csv
  attendance  coming on 12 or more days of the next year, from adherence_gym_attendance_illinois.csv

The same table, seed and LightGBM version write the same bytes: run it again and it says so. An artifact is never
changed: another table or seed needs another --version. The first version of a model becomes the current one in
<out>/current.json; a later one waits until somebody promotes it. Takes one to three minutes on one core.
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of `stride`."""
    parser = subparsers.add_parser(
        "train",
        help="train a model",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=tuple(SPECS))
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder with the table")
    parser.add_argument(
        "--out", type=Path, default=INSTALLED, metavar="DIR", help="where artifacts live (default: the installed ones)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="seed of every draw (default: 1)")
    parser.add_argument("--version", metavar="NAME", help="name of the version (default: the recipe's, such as r1)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Trains, and prints where the artifact is and how good it is; 2 with a reason when it cannot."""
    # Only this command needs the offline part; `stride serve` never loads it.
    from models.artifact import open_artifact
    from models.training.recipe import RECIPES
    from models.training.train import train

    try:
        folder = train(
            RECIPES[args.model], args.data, args.out, seed=args.seed, version=args.version, progress=_progress
        )
        figures = open_artifact(SPECS[args.model], args.out, folder.name).meta["figures"]
    except ModelsError as error:
        print(f"stride train: {error}", file=sys.stderr)
        return 2
    value, low, high = figures["overall"]["auc"]
    print(f"{folder}")
    print(f"  AUC {value:.3f} ({low:.3f}-{high:.3f}), slope {figures['overall']['calibration_slope']:.2f}")
    print(f"  read {folder / 'CARD.md'} before you promote it")
    return 0


def _progress(done: int, total: int, what: str) -> None:
    if total > 1:
        print(f"  {what} {done} of {total}", flush=True)
    else:
        print(f"  {what} ...", flush=True)
