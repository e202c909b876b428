"""`stride models`: which trained models are installed, what they can do, and which one is in use."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from models.artifact import (
    CARD_FILE,
    INSTALLED,
    current_version,
    open_artifact,
    promote,
    promoted_versions,
    versions_of,
)
from models.catalogue import SPECS
from models.errors import ArtifactRefused, ModelsError
from models.model_spec import ModelSpec

_ABOUT = """\
  list                    every version on disk, the one in use marked with *, and whether it can be trusted
  show NAME               the model card of the version in use (or of --version)
  promote NAME VERSION    put a version to use; it is checked first. Running processes keep theirs until a restart
  drift NAME TABLE.csv    how far the people of a table are from those of the training (stability index)
  retire NAME             use no version: the service goes on with the rules alone
"""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of `stride`."""
    parser = subparsers.add_parser(
        "models",
        help="list, show, promote and retire trained models",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--models", type=Path, default=INSTALLED, metavar="DIR", help="where artifacts live")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="list|show|promote|drift|retire")
    verbs.add_parser("list", help="every version on disk").set_defaults(act=_list)
    show = verbs.add_parser("show", help="the model card")
    show.add_argument("name", choices=sorted(SPECS))
    show.add_argument("--version", metavar="NAME")
    show.set_defaults(act=_show)
    put = verbs.add_parser("promote", help="put a version to use")
    put.add_argument("name", choices=sorted(SPECS))
    put.add_argument("version")
    put.set_defaults(act=_promote)
    apart = verbs.add_parser("drift", help="compare people with those of the training")
    apart.add_argument("name", choices=sorted(SPECS))
    apart.add_argument("table", type=Path, metavar="TABLE.csv")
    apart.set_defaults(act=_drift)
    drop = verbs.add_parser("retire", help="use no version of a model")
    drop.add_argument("name", choices=sorted(SPECS))
    drop.set_defaults(act=_retire)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Does what was asked; 1 when a listed artifact is not fit, 2 with a reason when nothing could be done."""
    try:
        code: int = args.act(args)
        return code
    except ModelsError as error:
        print(f"stride models: {error}", file=sys.stderr)
        return 2


def _list(args: argparse.Namespace) -> int:
    current, unfit = promoted_versions(args.models), 0
    for name, spec in SPECS.items():
        for version in versions_of(name, args.models):
            mark = "*" if current.get(name) == version else " "
            fit, said = _line(spec, args.models, version)
            unfit += not fit
            print(f"{mark} {name:<10} {version:<6} {said}")
        if current.get(name) is None:
            print(f"  {name:<10} retired: the service goes on with the rules alone")
    return 1 if unfit else 0


def _line(spec: ModelSpec, root: Path, version: str) -> tuple[bool, str]:
    try:
        meta: Any = open_artifact(spec, root, version).meta
    except ArtifactRefused as error:
        return False, f"REFUSED: {error}"
    overall, people = meta["figures"]["overall"], meta["figures"]["people"]
    value, low, high = overall["auc"]
    slope = overall["calibration_slope"]
    return True, f"{meta['meaning']}; AUC {value:.3f} ({low:.3f}-{high:.3f}), slope {slope:.2f}, {people:,} people"


def _show(args: argparse.Namespace) -> int:
    version = args.version or current_version(args.name, args.models)
    artifact = open_artifact(SPECS[args.name], args.models, version)
    print((artifact.folder / CARD_FILE).read_text(encoding="utf-8"), end="")
    return 0


def _promote(args: argparse.Namespace) -> int:
    promote(SPECS[args.name], args.version, args.models)
    print(f"{args.name} {args.version} is in use after the next restart of service and worker")
    return 0


def _retire(args: argparse.Namespace) -> int:
    promote(SPECS[args.name], None, args.models)
    print(f"{args.name} is retired; the service goes on with the rules alone after its next restart")
    return 0


def _drift(args: argparse.Namespace) -> int:
    # LightGBM and numpy load here, so that `stride --help` stays quick.
    from models.booster import Model
    from models.drift import LOOK, SHIFTED, drifts_of
    from models.training.score import drift_columns

    model = Model(open_artifact(SPECS[args.name], args.models))
    rows, scores = drift_columns(model, args.table)
    found = drifts_of(model.artifact.meta["reference"], model.artifact.spec.features, rows, scores)
    print(
        f"{args.name} {model.artifact.version}, {len(rows):,} people; index under {LOOK} alike, from {SHIFTED} shifted"
    )
    for one in found:
        gap = f"unknown {one.unknown_then:.0%} then, {one.unknown_now:.0%} now"
        print(f"  {one.word:<8} {one.psi:6.3f}  {one.name:<32} {gap}")
    return 0
