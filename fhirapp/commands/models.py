"""`stride models`: which trained models are installed, what they can do, and which one is in use."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from models.purpose import all_purposes, spec_at

if TYPE_CHECKING:
    from fhirapp.model_watch import Group, Watch
    from models.drift import Drift

_PLACES = sorted({*SPECS, *(purpose.place for purpose in all_purposes())})
_ABOUT = """\
  list                    every version on disk, the one in use marked with *, and whether it can be trusted
  show NAME               the model card of the version in use (or of --version)
  promote NAME VERSION    put a version to use; it is checked first. Running processes keep theirs until a restart
  drift NAME [TABLE.csv]  how far people are from those of the training: those of a table, or the last of the log
                          of predictions, with scores by group and calibration as far as outcomes are known
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
    show.add_argument("name", choices=_PLACES, metavar="NAME")
    show.add_argument("--version", metavar="NAME")
    show.set_defaults(act=_show)
    put = verbs.add_parser("promote", help="put a version to use")
    put.add_argument("name", choices=_PLACES, metavar="NAME")
    put.add_argument("version")
    put.set_defaults(act=_promote)
    apart = verbs.add_parser("drift", help="compare people with those of the training")
    apart.add_argument("name", choices=sorted(SPECS))
    apart.add_argument("table", type=Path, nargs="?", metavar="TABLE.csv", help="people of a table; without: the log")
    apart.add_argument(
        "--last", type=int, default=1000, metavar="N", help="so many referrals of the log (default: 1000)"
    )
    apart.add_argument("--tenant", metavar="ID", help="the hospital, where the service has more than one")
    apart.set_defaults(act=_drift)
    drop = verbs.add_parser("retire", help="use no version of a model")
    drop.add_argument("name", choices=_PLACES, metavar="NAME")
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
    for name in _PLACES:
        for version in versions_of(name, args.models) if name not in SPECS else ():
            mark = "*" if current.get(name) == version else " "
            fit, said = _line(_spec(name), args.models, version)
            unfit += not fit
            print(f"{mark} {name} {version}: {said}; the service does not ask it")
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


def _spec(name: str) -> ModelSpec:
    spec = spec_at(name)
    assert spec is not None  # noqa: S101 - the parser lets no other name in
    return spec


def _show(args: argparse.Namespace) -> int:
    version = args.version or current_version(args.name, args.models)
    artifact = open_artifact(_spec(args.name), args.models, version)
    print((artifact.folder / CARD_FILE).read_text(encoding="utf-8"), end="")
    return 0


def _promote(args: argparse.Namespace) -> int:
    promote(_spec(args.name), args.version, args.models)
    print(f"{args.name} {args.version} is in use after the next restart of service and worker")
    return 0


def _retire(args: argparse.Namespace) -> int:
    promote(_spec(args.name), None, args.models)
    print(f"{args.name} is retired; the service goes on with the rules alone after its next restart")
    return 0


def _drift(args: argparse.Namespace) -> int:
    return _drift_of_log(args) if args.table is None else _drift_of_table(args)


def _drift_of_log(args: argparse.Namespace) -> int:
    import os

    from fhirapp.clock import DatabaseClock
    from fhirapp.config import Config
    from fhirapp.db.base import engine_for, sessions_for
    from fhirapp.model_watch import watch
    from fhirapp.tenants import read_tenants

    config = Config.from_env(os.environ)
    tenants = read_tenants(config.tenants_file)
    ids = sorted(tenants.by_id)
    if args.tenant not in ids and (args.tenant or len(ids) != 1):
        print(f"stride models: --tenant must be one of {', '.join(ids)}", file=sys.stderr)
        return 2
    sessions = sessions_for(engine_for(config.database_url))
    now = DatabaseClock(sessions, movable=config.demo)()
    with sessions() as session:
        print(
            watch_text(
                watch(session, args.tenant or ids[0], open_artifact(SPECS[args.name], args.models), args.last, now)
            )
        )
    return 0


def watch_text(found: Watch) -> str:
    """The report on the log, for a terminal."""
    lines = [f"{found.model} {found.version}: the last {found.people:,} referrals with an estimate"]
    if found.other_versions:
        lines.append(f"  {found.other_versions:,} of another version are left out")
    lines += [_drift_line(one) for one in found.drifts]
    if found.stored < found.people:
        lines.append(
            f"  inputs are stored for {found.stored:,}: STRIDE_PREDICTION_FEATURES=stored shows features and groups"
        )
    lines += [_group_line(group) for group in found.groups]
    return "\n".join(lines)


def _group_line(group: Group) -> str:
    mean = "-" if group.mean_score is None else f"{group.mean_score:.3f}"
    known = f"{group.known:,} outcomes known"
    if group.ratio is not None:
        known = f"observed / expected {group.ratio:.2f} ({known})"
    return f"  {group.name:<14} {group.people:>6,} people, mean estimate {mean}, {group.refused:,} refused; {known}"


def _drift_line(one: Drift) -> str:
    gap = f"unknown {one.unknown_then:.0%} then, {one.unknown_now:.0%} now"
    return f"  {one.word:<8} {one.psi:6.3f}  {one.name:<32} {gap}"


def _drift_of_table(args: argparse.Namespace) -> int:
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
        print(_drift_line(one))
    return 0
