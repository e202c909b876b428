"""Peak oxygen uptake a kilogram, from that of the whole body and the weight."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from mappings.from_fhir.derived import Series
from models.inputs import INPUTS
from models.snapshot import Reading

_NEAR: Final = timedelta(days=30)


def add_peak_uptake(series: Series) -> None:
    """Adds `vo2peak` where only litres a minute are on file and a weight of about that time is.

    The uptake of the whole body itself is no input of any rule and does not stay.
    Source: observations.md section 4, `vo2peak`: L/min x 1000 / weight.
    """
    made = [one for whole in series.pop("vo2_whole", []) if (one := _made(whole, series.get("weight", [])))]
    if made:
        both = [*series.get("vo2peak", []), *made]
        series["vo2peak"] = sorted(both, key=lambda one: one.when.latest, reverse=True)


def _made(whole: Reading, weights: list[Reading]) -> Reading | None:
    known = [one for one in weights if one.comparator is None]
    weight = min(known, key=lambda one: abs(one.when.latest - whole.when.latest), default=None)
    if weight is None or abs(weight.when.latest - whole.when.latest) > _NEAR:
        return None
    entry = INPUTS["vo2peak"]
    value = round(float(whole.value) * 1000 / float(weight.value), 4)
    if not entry.is_plausible(value):
        return None
    return Reading(
        alias=entry.alias,
        value=value,
        unit=entry.unit,
        when=whole.when,
        source=f"{whole.source} + {weight.source}",
        status="preliminary" if "preliminary" in (whole.status, weight.status) else "final",
        comparator=whole.comparator,
        patient_reported=whole.patient_reported or weight.patient_reported,
        note=f"{float(whole.value):g} L/min by weight",
    )
