"""`stride train`: trains a model from a table and writes a versioned artifact."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from fhirapp.commands.progress import show
from mappings.errors import MappingError
from models.artifact import INSTALLED
from models.catalogue import SPECS
from models.errors import ModelsError
from models.purpose import LABELS_OF, LANDMARKS_OF

_ABOUT = """\
Trains one of the models and writes <out>/<model>/<version>/ with the LightGBM trees (model.txt), the numbers
(meta.json) and the model card (CARD.md).

  risk        death from any cause within five years, from risk_ehr_nhanes_2003_2014.csv
  adherence   uptake of advised exercise, from adherence_uptake_nhanes_2011_2018.csv
  persistence finishing the next course once one is behind, from adherence_programme_illinois_rct.csv
  attendance  coming on 12 or more days of the next year, from adherence_gym_attendance_illinois.csv

The same table, seed and LightGBM version write the same bytes: run it again and it says so. An artifact is never
changed: another table or seed needs another --version. The first version of a model becomes the current one in
<out>/current.json; a later one waits until somebody promotes it. Takes some minutes on one core.

With --from-fhir the people are this site's own: one row each as of the landmark, with nothing that was recorded after
it, and a label from what the record says came after. The latest 30 % are held out; the new version is put to use only
if it beats the one in use on them (log loss beyond chance, AUC, slope, groups), else each rule that it broke is said.

  model        --label (the first one is what the service asks)         --landmark
  risk         death-5y, death-1y, decline-90, decline-180              referral, session-2, week-4
  adherence    uptake: an exercise visit within 60 days                 referral
  persistence  persistence: 70 % of the sessions of twelve weeks        referral, session-2, week-4

  referral     the first ServiceRequest for exercise
  session-2    the midnight after the second session that was attended
  week-4       the midnight four weeks after the first session

A model that the service does not ask (another label or landmark than the first) lies in a place of its own, such as
risk-decline-90-session-2. It is compared with the version in use there; the first one of a place must beat the share of
the training part, told to everybody. `stride models list` shows it. No page, card or rule reads it.

Try it on a made-up hospital: stride synth --out DIR, then
  stride train risk --from-fhir DIR --label decline-90 --landmark session-2 --out COPY_OF_THE_ARTIFACTS --version s1
"""
_LABELS = tuple(dict.fromkeys(label for labels in LABELS_OF.values() for label in labels))
_LANDMARKS = tuple(dict.fromkeys(one for several in LANDMARKS_OF.values() for one in several))


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of `stride`."""
    parser = subparsers.add_parser(
        "train",
        help="train a model",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", choices=tuple(SPECS))
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", type=Path, metavar="DIR", help="the folder with the table")
    source.add_argument(
        "--from-fhir", metavar="DIR_OR_GLOB", help="this site's own Bulk Data export, NDJSON files (not for attendance)"
    )
    parser.add_argument(
        "--label", choices=_LABELS, help="what to learn from an export (default: what the service asks)"
    )
    parser.add_argument(
        "--landmark", choices=_LANDMARKS, help="when to look at its patients (default: at the referral)"
    )
    parser.add_argument(
        "--ignore-last-updated",
        action="store_true",
        help="the export carries the day of the export in meta.lastUpdated: judge by the other dates alone",
    )
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

    if args.from_fhir:
        return _train_site(args)
    if args.label or args.landmark:
        print("stride train: --label and --landmark belong to --from-fhir; a table has one label", file=sys.stderr)
        return 2
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


def _train_site(args: argparse.Namespace) -> int:
    """0 when the new version is in use, 1 when it is not and why, 2 when nothing could be trained."""
    from fhirapp.site_training import train_site

    try:
        found = train_site(
            args.model,
            args.from_fhir,
            args.out,
            version=args.version or "site",
            seed=args.seed,
            progress=_progress,
            label=args.label,
            landmark=args.landmark,
            last_updated=not args.ignore_last_updated,
        )
    except (ModelsError, MappingError) as error:
        print(f"stride train: {error}", file=sys.stderr)
        return 2
    print(f"{found.folder}: {found.how}")
    for reason, people in found.left_out.items():
        print(f"  left out, {reason}: {people}")
    print(f"  compared with {found.against}")
    for line in found.judgement.lines:
        print(f"  {line}")
    verdict = "promoted: in use after the next restart" if found.judgement.promote else "not promoted: see each no"
    print(f"  {verdict}")
    return 0 if found.judgement.promote else 1


def _progress(done: int, total: int, what: str) -> None:
    show(sys.stdout, done, total, what)
