"""Readings that are worked out from others. Source: observations.md section 1, "Derived"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from models.inputs import INPUTS
from models.snapshot import Reading

Series = dict[str, list[Reading]]

_QUARTER: Final = timedelta(days=90)
_WEEK: Final = timedelta(days=7)
_DAYS: Final = timedelta(days=2)  # the day before, whatever the time of the day


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
    """Weight by height; the chart's own index stands while it is hardly older than the weight.

    As deep as an index that is on file is read: the newest that may clear, its day, and one beyond.
    """
    heights, weights, told = (series.get(name, []) for name in ("height", "weight", "bmi"))
    if not heights or not weights:
        return
    sure = max((one.when.latest for one in told if _is_sure(one)), default=None)
    made: list[Reading] = []
    oldest: datetime | None = None
    for weight in weights:
        if (sure is not None and weight.when.latest - sure <= _WEEK) or weight.comparator is not None:
            continue
        height = _nearest(heights, weight, _QUARTER)
        if height is None or height.comparator is not None:
            continue
        one = _made("bmi", _number(weight) / (_number(height) / 100) ** 2, weight, height)
        if not INPUTS["bmi"].is_plausible(_number(one)):
            continue
        made.append(one)
        if oldest is not None and weight.when.latest < oldest:
            break
        if oldest is None and _is_sure(one):
            oldest = weight.when.earliest - _DAYS
    _keep(series, "bmi", [*told, *made])


def _is_sure(reading: Reading) -> bool:
    return reading.status == "final" and not reading.patient_reported


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
    moment, later, earlier = to.when.latest, None, None
    for one in candidates:
        if one.when.latest <= moment:
            earlier = one
            break
        later = one
    if earlier is not None and (later is None or moment - earlier.when.latest < later.when.latest - moment):
        return earlier if moment - earlier.when.latest <= within else None
    return later if later is not None and later.when.latest - moment <= within else None


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
