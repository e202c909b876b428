"""Readings that are worked out from others. Source: observations.md section 1, "Derived"."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from models.inputs import INPUTS
from models.snapshot import Reading

Series = dict[str, list[Reading]]

_QUARTER: Final = timedelta(days=90)
_WEEK: Final = timedelta(days=7)


def add_derived(series: Series) -> None:
    """Adds `bmi`, `evs_min_week` and `ca_corr` where they are not on file and their parts are."""
    _add_neutrophils(series)
    _add_bmi(series)
    _add_minutes_a_week(series)
    _add_corrected_calcium(series)


def _add_neutrophils(series: Series) -> None:
    """White cells x share of neutrophils, where both are of one instant, as one specimen is, and no count is on file.

    The share itself is no input of any rule and does not stay. Source: observations.md section 2, `anc`.
    """
    shares = {one.when: one for one in series.pop("neutrophil_percent", []) if one.when.exact}
    counted = {one.when for one in series.get("anc", [])}
    made = []
    for cells in series.get("wbc", []):
        share = shares.get(cells.when)
        if share is None or cells.when in counted or cells.comparator or share.comparator:
            continue
        count = _number(cells) * _number(share) / 100
        made.append(_made("anc", count, cells, share, note="from white cells and share of neutrophils"))
    if made:
        _keep(series, "anc", [*series.get("anc", []), *made])


def _add_bmi(series: Series) -> None:
    """Weight by height; the chart's own index stands while it is hardly older than the weight."""
    heights, weights, told = (series.get(name, []) for name in ("height", "weight", "bmi"))
    if not heights or not weights:
        return
    sure = [one.when.latest for one in told if one.status == "final" and not one.patient_reported]
    made = []
    for weight in weights:
        if sure and weight.when.latest - max(sure) <= _WEEK:
            continue
        height = _nearest(heights, weight, _QUARTER)
        if height is not None and weight.comparator is None and height.comparator is None:
            made.append(_made("bmi", _number(weight) / (_number(height) / 100) ** 2, weight, height))
    _keep(series, "bmi", [*told, *made])


def _add_minutes_a_week(series: Series) -> None:
    days, minutes = series.get("evs_days", []), series.get("evs_min_day", [])
    if not days or not minutes:
        return
    told = series.get("evs_min_week", [])
    made = []
    for day in days:
        if any(abs(one.when.latest - day.when.latest) <= _WEEK for one in told):
            continue
        minute = _nearest(minutes, day, _WEEK)
        if minute is not None and day.comparator is None and minute.comparator is None:
            made.append(_made("evs_min_week", _number(day) * _number(minute), day, minute))
    _keep(series, "evs_min_week", [*told, *made])


def _add_corrected_calcium(series: Series) -> None:
    """Calcium + 0.02 x (40 - albumin in g/L); without an albumin the total stands in, and says so.

    Source: observations.md section 1; conventions.md section 4.
    """
    albumins = [one for one in series.get("albumin", []) if one.comparator is None]
    made = []
    for calcium in series.get("ca", []):
        albumin = _nearest(albumins, calcium, _QUARTER)
        if albumin is None:
            made.append(_made("ca_corr", _number(calcium), calcium, note="no albumin: uncorrected"))
        else:
            corrected = _number(calcium) + 0.02 * (40 - _number(albumin))
            made.append(_made("ca_corr", corrected, calcium, albumin))
    _keep(series, "ca_corr", made)


def _nearest(candidates: Sequence[Reading], to: Reading, within: timedelta) -> Reading | None:
    """The candidate nearest in time; candidates are sorted, newest first."""
    moment = to.when.latest
    if len(candidates) == 1:
        only = candidates[0]
        return only if abs(only.when.latest - moment) <= within else None
    at = bisect_left(candidates, True, key=lambda one: one.when.latest <= moment)
    if at < len(candidates) and candidates[at].when.latest == moment:
        return candidates[at]
    beside = candidates[max(at - 1, 0) : at + 1]
    found = min(beside, key=lambda one: abs(one.when.latest - moment), default=None)
    return found if found is not None and abs(found.when.latest - moment) <= within else None


def _number(reading: Reading) -> float:
    return float(reading.value)


def _made(alias: str, value: float, first: Reading, second: Reading | None = None, note: str = "") -> Reading:
    other = first if second is None else second
    return Reading(
        alias=alias,
        value=round(value, 4),
        unit=INPUTS[alias].unit,
        when=first.when,
        source=first.source if second is None else f"{first.source} + {second.source}",
        status="final" if first.status == other.status == "final" else "preliminary",
        comparator=first.comparator,
        patient_reported=first.patient_reported or other.patient_reported,
        note=note,
    )


def _keep(series: Series, alias: str, made: list[Reading]) -> None:
    plausible = [one for one in made if INPUTS[alias].is_plausible(_number(one))]
    if plausible:
        series[alias] = sorted(plausible, key=lambda one: one.when.latest, reverse=True)
