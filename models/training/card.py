"""Writes the model card from the numbers of a run, so that no figure in it comes from a hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from models.training.recipe import Recipe


def card_of(recipe: Recipe, meta: Mapping[str, Any]) -> str:
    """The card of one artifact in Markdown."""
    figures = meta["figures"]
    parts = [
        f"# {recipe.title}, version {meta['version']}",
        "Written by `stride train`; do not edit by hand.",
        "## What it estimates",
        recipe.label_meaning,
        "## Data and licence",
        f"{recipe.data} {figures['people']:,} people, {figures['events']:,} with the outcome. Table `{recipe.table}` "
        f"(sha256 `{meta['data']['sha256'][:16]}…`). A sealed quarter of the people was never looked at.",
        recipe.licence,
        "## How it was trained",
        _training(meta),
        "## How well it does",
        f"{figures['protocol']}. The interval of the AUC is DeLong's, 95 %.",
        _overall(figures),
        "## When the chart is thin",
        _missing(figures["missing"]),
        "## Groups",
        "A group with fewer than 20 people with, or without, the outcome has no figure of its own.",
        _groups(figures["groups"]),
        _to_watch(figures["groups"]),
        "## What a threshold does",
        _thresholds(figures["thresholds"]),
        "## Bands and confidence",
        _bullets(f"**{band}**: {meaning}" for band, meaning in meta["bands"]["meaning"].items()),
        _bullets(f"confidence **{word}**: {meaning}" for word, meaning in meta["confidence"].items()),
        "## What it reads",
        _features(meta),
        "## Limits",
        _bullets(recipe.limits),
        "## What may be said",
        _bullets(recipe.may_say),
        "## What may not be claimed",
        _bullets(recipe.may_not_say),
    ]
    return "\n\n".join(parts) + "\n"


def _training(meta: Mapping[str, Any]) -> str:
    chosen, calibration = meta["settings"], meta["calibration"]
    return (
        f"LightGBM {meta['lightgbm']}, {chosen['rounds']} trees of at most {chosen['leaves']} leaves, learning rate "
        f"{chosen['rate']}, at least {chosen['min_leaf']} thinned rows a leaf, L2 {chosen['l2']:g}, monotone where the "
        "table below says so, chosen by log loss among "
        f"{meta['candidates']} settings. Each person enters four times: once whole, three times with whole blocks of "
        "features blanked at random (chance 0.35 each). Without age or sex nothing is estimated. Calibration by "
        f"Platt's line: log-odds = {calibration['intercept']:+.4f} {calibration['slope']:+.4f} x raw score. Seed "
        f"{meta['seed']}; the same table, seed and LightGBM give the same bytes."
    )


def _overall(figures: Mapping[str, Any]) -> str:
    trees, check = figures["overall"], figures["logistic_check"]
    rows = [
        ("AUC", _range(trees["auc"]), _range(check["auc"])),
        ("AUC, survey-weighted", f"{trees['auc_survey_weighted']:.3f}", f"{check['auc_survey_weighted']:.3f}"),
        ("Average precision", f"{trees['average_precision']:.3f}", f"{check['average_precision']:.3f}"),
        ("Brier score", f"{trees['brier']:.4f}", f"{check['brier']:.4f}"),
        ("Calibration slope", f"{trees['calibration_slope']:.2f}", f"{check['calibration_slope']:.2f}"),
        (
            "Calibration in the large",
            f"{trees['calibration_in_the_large']:+.2f}",
            f"{check['calibration_in_the_large']:+.2f}",
        ),
        (
            "Observed / expected",
            _range(trees["observed_over_expected"], 2),
            _range(check["observed_over_expected"], 2),
        ),
    ]
    return _table(("measure", "this model", "logistic regression, same folds"), rows)


def _missing(cases: Mapping[str, Any]) -> str:
    rows = [
        (
            case,
            f"{found['auc']:.3f}",
            f"{found['brier']:.4f}",
            f"{found['calibration_slope']:.2f}",
            f"{found['observed_over_expected']:.2f}",
        )
        for case, found in cases.items()
    ]
    return _table(("what is missing", "AUC", "Brier", "slope", "observed / expected"), rows)


def _groups(groups: list[Mapping[str, Any]]) -> str:
    rows = [
        (
            group["group"],
            f"{group['people']:,}",
            f"{group['events']:,}",
            _range(group["auc"]) if "auc" in group else "too few",
            _range(group["observed_over_expected"], 2) if "auc" in group else "",
        )
        for group in groups
    ]
    return _table(("group", "people", "events", "AUC (95 %)", "observed / expected (95 %)"), rows)


def _to_watch(groups: list[Mapping[str, Any]]) -> str:
    """The groups whose interval of observed over expected leaves out 1, and what is done about it."""
    odd = [group for group in groups if "auc" in group and not _holds_one(group["observed_over_expected"])]
    if not odd:
        return "In every group with a figure the interval of observed over expected holds 1."
    lines = (
        f"**{group['group']}**: says {'too much' if ratio < 1 else 'too little'} (observed / expected {ratio:.2f})"
        for group in odd
        for ratio in [group["observed_over_expected"][0]]
    )
    action = (
        "Action: no referral, place or programme may be refused on this figure, so an error costs a needless or a "
        "missing word of caution; a site re-fits the two numbers of the calibration on its own people and looks at "
        "these groups first."
    )
    return f"To watch:\n\n{_bullets(lines)}\n\n{action}"


def _holds_one(interval: list[float]) -> bool:
    return interval[1] <= 1 <= interval[2]


def _thresholds(found: list[Mapping[str, Any]]) -> str:
    rows = [
        (
            f"{row['threshold']:.1%}",
            f"{row['flagged']:.0%}",
            f"{row['sensitivity']:.0%}",
            f"{row['specificity']:.0%}",
            "" if row["of_flagged_with_event"] is None else f"{row['of_flagged_with_event']:.0%}",
            f"{row['net_benefit']:.4f}",
            f"{row['net_benefit_of_all']:.4f}",
        )
        for row in found
    ]
    head = (
        "threshold",
        "flagged",
        "sensitivity",
        "specificity",
        "of flagged, with event",
        "net benefit",
        "of flagging all",
    )
    return _table(head, rows)


def _features(meta: Mapping[str, Any]) -> str:
    words = {1: "never falls", -1: "never rises", 0: "free"}
    rows = [
        (
            f"`{column['name']}`",
            column["unit"],
            column["block"],
            column["fhir"],
            words[column["monotone"]],
            f"{meta['importance'][column['name']]:.2f}",
        )
        for column in meta["features"]
    ]
    head = ("feature", "unit", "block", "in FHIR", "as it rises, the estimate", "mean push on the log-odds")
    return _table(head, rows)


def _range(found: list[float], places: int = 3) -> str:
    value, low, high = found
    return f"{value:.{places}f} ({low:.{places}f}-{high:.{places}f})"


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
