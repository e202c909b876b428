"""Bulk Data exports: NDJSON files in, the lines of each patient out.

Source: FHIR Bulk Data Access 2.0, "Output files": one resource a line, any number of files of any type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from mappings.errors import UnreadableChart

Record = Mapping[str, Any]

# What features and labels are made of; everything else of an export is passed over.
TYPES: Final = frozenset(
    {"Patient", "Condition", "Observation", "QuestionnaireResponse", "MedicationRequest", "MedicationAdministration"}
    | {"MedicationStatement", "Procedure", "Encounter", "ServiceRequest", "Task", "CarePlan", "Appointment"}
    | {"Device", "DeviceUseStatement"}
)


@dataclass(slots=True)
class History:
    """All lines of one patient, decoded for their dates, and as they came."""

    patient_id: str
    patient: Record = field(default_factory=dict)
    lines: list[tuple[Record, bytes]] = field(default_factory=list)  # without the Patient

    def of(self, kind: str) -> list[Record]:
        """The resources of one type."""
        return [record for record, _ in self.lines if record["resourceType"] == kind]


def files_in(place: str) -> list[Path]:
    """The NDJSON files of a folder or a glob. Raises `UnreadableChart` when there are none."""
    path = Path(place)
    found = sorted(path.glob("*.ndjson")) if path.is_dir() else sorted(path.parent.glob(path.name))
    if not found:
        raise UnreadableChart(f"no NDJSON file at {place}", key="export")
    return found


def histories(files: Iterable[Path], progress: Callable[[str], None]) -> dict[str, History]:
    """Every patient of an export by id; a line whose patient is not in it is left out.

    Holds the export in memory. Raises `UnreadableChart` with file and line for one that is not a resource.
    """
    found: dict[str, History] = {}
    for path in files:
        progress(path.name)
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            if line.strip():
                _take(found, _record(line, path, number), line)
    return {name: history for name, history in found.items() if history.patient}


def _take(found: dict[str, History], record: Record, line: bytes) -> None:
    if record["resourceType"] == "Patient" and record.get("id"):
        found.setdefault(record["id"], History(record["id"])).patient = record
    elif record["resourceType"] in TYPES and (owner := _owner(record)):
        found.setdefault(owner, History(owner)).lines.append((record, line))


def _record(line: bytes, path: Path, number: int) -> Record:
    try:
        record = msgspec.json.decode(line)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UnreadableChart(f"{path.name}, line {number}: not JSON", key="export") from error
    if not isinstance(record, dict) or not isinstance(record.get("resourceType"), str):
        raise UnreadableChart(f"{path.name}, line {number}: not a FHIR resource", key="export")
    return record


def _owner(record: Record) -> str | None:
    for name in ("subject", "patient", "for"):
        text = record.get(name, {}).get("reference", "") if isinstance(record.get(name), dict) else ""
        if text.rpartition("/")[0].endswith("Patient"):
            return str(text.rpartition("/")[2])
    for one in record.get("participant", ()) if record["resourceType"] == "Appointment" else ():
        text = one.get("actor", {}).get("reference", "")
        if text.rpartition("/")[0].endswith("Patient"):
            return str(text.rpartition("/")[2])
    return None
