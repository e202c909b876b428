"""A chart as it stood on a day in the past: what was recorded later is not there.

Source: modelling.md section 5, "Landmarks": features only from before the landmark, by the moment of recording as
well as by the clinical date.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

from mappings.bulk import History, Record
from mappings.bundle import Chart, Part, read_chart
from mappings.datatypes import Dates

# When a resource says that it was written, and when what it tells of happened. All of them must be past.
_RECORDED: Final = (
    "recordedDate", "issued", "authoredOn", "authored", "dateAsserted", "created", "dateRecorded", "recordedOn",
    "lastModified",
)  # fmt: skip
_HAPPENED: Final = (
    "effectiveDateTime", "effectiveInstant", "onsetDateTime", "performedDateTime", "timingDateTime", "start",
)  # fmt: skip
_PERIODS: Final = ("effectivePeriod", "onsetPeriod", "performedPeriod", "timingPeriod", "period")


def chart_before(history: History, index: datetime, *, last_updated: bool = True) -> Chart:
    """The chart of a patient with nothing that was recorded, changed or happened after `index`.

    `last_updated=False` is for exports in which every resource carries the day of the export: then the clinical and the
    recording dates alone decide. A death and an end after `index` are not seen (`snapshot_from` reads as of a day).
    """
    lines = [line for record, line in history.lines if not is_later(record, index, last_updated=last_updated)]
    entries = b",".join(b'{"resource":' + line + b"}" for line in (_patient(history), *lines))
    body = b'{"resourceType":"Bundle","type":"collection","entry":[' + entries + b"]}"
    return read_chart([Part("chart", body)], patient_id=history.patient_id)


def is_later(record: Record, index: datetime, *, last_updated: bool = True) -> bool:
    """Whether any date of a resource lies after `index`; a date of a day or a month counts from its first moment."""
    dates = Dates(index)
    return any(
        (when := dates.when(text)) is not None and when.earliest > index for text in _dates(record, last_updated)
    )


def _dates(record: Record, last_updated: bool) -> Iterator[str]:
    texts = [record.get(name) for name in (*_RECORDED, *_HAPPENED)]
    texts += [record[name].get("start") for name in _PERIODS if isinstance(record.get(name), dict)]
    if last_updated and isinstance(record.get("meta"), dict):
        texts.append(record["meta"].get("lastUpdated"))
    yield from (text for text in texts if isinstance(text, str))


def _patient(history: History) -> bytes:
    """The person without the death: it is what is to be learnt, never what is known."""
    kept = {name: value for name, value in history.patient.items() if not name.startswith("deceased")}
    return msgspec.json.encode(kept)
