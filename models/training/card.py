"""Writes the model card from the numbers of a run, so that no figure in it comes from a hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.training import tables
from models.training.masking import CHANCE, CHANCE_OF, COPIES, EMPTY, NEVER
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
        f"(sha256 `{meta['data']['sha256'][:16]}…`). {recipe.held_back}",
        recipe.licence,
        "## How it was trained",
        _training(meta),
        "## How well it does",
        f"{figures['protocol']}. The interval of the AUC is DeLong's, 95 %.",
        tables.overall_of(figures),
        "## When the chart is thin",
        tables.missing_of(figures["missing"]),
        "## Groups",
        "A group with fewer than 20 people with, or without, the outcome has no figure of its own.",
        tables.groups_of(figures["groups"]),
        tables.to_watch(figures["groups"]),
        "## What a threshold does",
        tables.thresholds_of(figures["thresholds"]),
        "## Bands and confidence",
        tables.bullets(f"**{band}**: {meaning}" for band, meaning in meta["bands"]["meaning"].items()),
        tables.bullets(f"confidence **{word}**: {meaning}" for word, meaning in meta["confidence"].items()),
        "## What it reads",
        _features(meta),
        "## Limits",
        tables.bullets(recipe.limits),
        "## What may be said",
        tables.bullets(recipe.may_say),
        "## What may not be claimed",
        tables.bullets(recipe.may_not_say),
    ]
    return "\n\n".join(parts) + "\n"


def _training(meta: Mapping[str, Any]) -> str:
    chosen, calibration = meta["settings"], meta["calibration"]
    return (
        f"LightGBM {meta['lightgbm']}, {chosen['rounds']} trees of at most {chosen['leaves']} leaves, learning rate "
        f"{chosen['rate']}, at least {chosen['min_leaf']} rows a leaf, L2 {chosen['l2']:g}, monotone where the "
        "table below says so, chosen by log loss among "
        f"{meta['candidates']} settings. {_thinning(meta)} Calibration by "
        f"Platt's line: log-odds = {calibration['intercept']:+.4f} {calibration['slope']:+.4f} x raw score. Seed "
        f"{meta['seed']}, Stride {meta['code']}; the same table, seed, LightGBM and code give the same bytes."
    )


def _thinning(meta: Mapping[str, Any]) -> str:
    if all(column["block"] in NEVER for column in meta["features"]):
        return "Without any one of its inputs nothing is estimated."
    return (
        f"Each person enters {COPIES} times: once whole, {COPIES - 1} times with whole blocks of features blanked at "
        f"random (chance {CHANCE} each, a waist {CHANCE_OF['waist']}; all at once {EMPTY}). Without age or sex nothing "
        "is estimated."
    )


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
    return tables.table(head, rows)
