"""A chart in short form, as the cases have it, made into a real FHIR R4 Bundle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.clinical.resources import Writer
from tests.clinical.vocabulary import CHART, LISTS, Json, UnknownKey, checked, table

ZONE = ZoneInfo("America/St_Johns")  # half an hour off every full hour, so that a zone forgotten is a day wrong
AS_OF = datetime(2026, 11, 25, 14, 30, tzinfo=ZONE)


def full(chart: Mapping[str, Any]) -> Json:
    """A short chart with its base laid under it: values replace each other by name, lists are added up."""
    checked(chart, CHART, "chart")
    base = table("bases")[chart.get("base", "bare")]
    without = set(chart.get("without", ()))
    values = {**base.get("values", {}), **chart.get("values", {})}
    odd = without - set(values) - set(CHART)
    if odd:
        raise UnknownKey(f"without: {', '.join(sorted(odd))}")
    made: Json = {"values": {name: value for name, value in values.items() if name not in without}}
    made["patient"] = {**base.get("patient", {}), **chart.get("patient", {})}
    for name in ("answers", "parq"):
        made[name] = chart.get(name, None if name in without else base.get(name))
    for name in LISTS:
        under = [] if name in without else base.get(name, [])
        made[name] = [*under, *chart.get(name, [])]
    return made


def bundle_of(chart: Mapping[str, Any], as_of: datetime = AS_OF) -> bytes:
    """The chart as a collection Bundle in JSON. Raises `UnknownKey` on a key that means nothing."""
    return json.dumps(Writer(as_of).bundle(full(chart))).encode()
