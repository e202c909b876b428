"""`stride demo --check --charts DIR`: every chart of a folder down the whole road, one line each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from fhirapp.commands.report import VERDICTS
from fhirapp.demo.as_of import as_it_stood, latest_day, moved
from fhirapp.demo.scene import Scene
from fhirapp.demo.story import CLINICIAN_WINDOW, PATIENT_WINDOW
from fhirapp.demo_ehr.loader import patient_of, read_folder, resources_of
from fhirapp.referrals.status import LABELS, State

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Look:
    """One chart of the folder, as it stood on its day, moved to today."""

    patient_id: str
    day: date  # the day of the record that is looked at
    bundle: Json


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one chart when nobody objected."""

    look: Look
    verdict: str
    reasons: tuple[str, ...]
    releasable: bool  # eligible, and neither a HOLD nor a CLEAR open on that day: then it must reach the queue
    to_clear: bool  # a CLEAR stands beside missing answers
    state: str

    @property
    def good(self) -> bool:
        """True when it is where it must be."""
        return (self.state == "queued") == self.releasable

    @property
    def line(self) -> str:
        """The line to print."""
        where = "no referral" if self.state == "none" else str(LABELS[State(self.state)]).lower()
        if self.state == "queued":
            where = "in the queue"
        why = "; ".join(self.reasons) or "no rule fired"
        said = VERDICTS[self.verdict] + (", a clinician must clear it first" if self.to_clear else "")
        return f"{self.look.patient_id}  {self.look.day}  {said}  ->  {where}  [{why}]"


def looks(folder: Path, days: Mapping[str, date], today: date) -> list[Look]:
    """The charts of a folder; where no day is named, the day of the latest record. Raises `ValueError`, `OSError`."""
    found = []
    for bundle in read_folder(folder):
        patient_id = patient_of(bundle)["id"]
        whole = _with_ids(bundle)
        day = days.get(patient_id) or latest_day(whole)
        found.append(Look(patient_id, day, moved(as_it_stood(whole, day), today - day)))
    return found


def days_in(file: Path | None) -> dict[str, date]:
    """The days of an `--as-of` file: {"patient id": "2018-08-02"}."""
    raw = json.loads(file.read_text(encoding="utf-8")) if file else {}
    return {patient_id: date.fromisoformat(day) for patient_id, day in raw.items()}


def outcomes(scene: Scene, charts: Sequence[Look]) -> Iterator[Outcome]:
    """Open every chart, let both windows pass with nobody objecting, and see where each has come to."""
    for look in charts:
        scene.patient_view(look.patient_id)
    scene.until("the worker is idle", scene.idle)
    first = {look.patient_id: scene.assessed(look.patient_id) for look in charts}
    for window in (CLINICIAN_WINDOW, PATIENT_WINDOW):
        scene.pass_time(window)
        scene.until("the worker is idle", scene.idle, patience_s=120)
    for look in charts:
        summary = first[look.patient_id]
        yield Outcome(
            look,
            summary["verdict"],
            tuple(main_reasons(summary)),
            summary["release"]["referral"],
            summary["verdict"] == "incomplete" and "clearance" in summary["release"]["waiting_for"],
            scene.state(look.patient_id),
        )


def main_reasons(summary: Mapping[str, Any]) -> Iterator[str]:
    """The gravest reasons in a few words."""
    if summary["verdict"] == "ineligible":
        yield summary["eligibility"]["reason"]
        return
    for finding in summary["findings"][:3]:
        values = ", ".join(f"{i['name']} {i['value']} {i['unit']}".strip() for i in finding["inputs"][:2])
        yield f"{finding['rule']} {finding['effect']}" + (f" ({values})" if values else "")
    if "answers" in summary["release"]["waiting_for"]:
        yield "safety questions to be asked"


def _with_ids(bundle: Mapping[str, Any]) -> Json:
    """The Bundle with references resolved, as the EHR will hold it."""
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": r} for r in resources_of(dict(bundle))],
    }
