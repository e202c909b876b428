"""`stride score`: the estimates of a whole table, through the shipped model and the serving code."""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import TextIO

from models.catalogue import SPECS
from models.errors import ModelsError

_ABOUT = """\
Reads TABLE.csv (columns as in the tables that the models were trained on, person_id among them) and prints
person_id,score: the calibrated probability. The row goes through the same code and the same artifact as a chart.

A person whom the model must not score (age or sex unknown, younger than the training data, an impossible value)
has an empty score, and the reason is on standard error. A table without the needed columns is refused.
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of `stride`."""
    parser = subparsers.add_parser(
        "score",
        help="score the people of a table",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=tuple(SPECS))
    parser.add_argument("table", type=Path, metavar="TABLE.csv")
    parser.add_argument("--version", metavar="NAME", help="a version of the model (default: the current one)")
    parser.add_argument("--models", type=Path, metavar="DIR", help="where artifacts live (default: the installed ones)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there instead of to standard output")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints a line a person; 2 with a reason when the table or the model cannot be used."""
    try:
        if args.out is None:
            return _score(args, sys.stdout)
        with args.out.open("w", newline="", encoding="utf-8") as file:
            return _score(args, file)
    except ModelsError as error:
        print(f"stride score: {error}", file=sys.stderr)
    except OSError as error:
        print(f"stride score: {args.out}: {error.strerror}", file=sys.stderr)
    return 2


def _score(args: argparse.Namespace, out: TextIO) -> int:
    # LightGBM and numpy load here, so that `stride --help` stays quick.
    from models.artifact import INSTALLED, open_artifact
    from models.booster import Model
    from models.training.score import scores_of

    model = Model(open_artifact(SPECS[args.model], args.models or INSTALLED, args.version))
    found = list(scores_of(model, args.table))
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("person_id", "score"))
    writer.writerows((one.person_id, "" if one.probability is None else f"{one.probability:.6f}") for one in found)
    refused = [one.refusal for one in found if one.probability is None]
    for reason in refused:
        print(reason, file=sys.stderr)
    print(f"{len(found) - len(refused)} scored, {len(refused)} not", file=sys.stderr)
    return 0
