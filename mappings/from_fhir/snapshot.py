"""The whole reading: a chart comes in, a PatientSnapshot comes out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from mappings import structs
from mappings.bundle import Chart
from mappings.codes import diagnoses, drugs, procedures, sites
from mappings.datatypes import Dates
from mappings.from_fhir.adverse_events import adverse_events
from mappings.from_fhir.allergies import read_allergies
from mappings.from_fhir.answers import Answers
from mappings.from_fhir.attendance import add_attendance
from mappings.from_fhir.concepts import code_in
from mappings.from_fhir.conditions import Conditions
from mappings.from_fhir.conflicts import add_mean_pressure, conflicts
from mappings.from_fhir.derived import Series, add_derived
from mappings.from_fhir.events import Events
from mappings.from_fhir.fact_book import FactBook
from mappings.from_fhir.fitness import add_peak_uptake
from mappings.from_fhir.observations import Observations
from mappings.from_fhir.treatments import Treatments
from mappings.measures import observed
from models.snapshot import Gap, PatientSnapshot, Reading, Sex, When

# The tables are read when the room is entered, not in the first patient's call.
TABLES: Final = (diagnoses(), procedures(), drugs(), sites(), observed())

_SEX: Final[dict[str | None, Sex]] = {"female": "female", "male": "male", "other": "other"}


def snapshot_from(chart: Chart, *, as_of: datetime, unread: Iterable[str] = ()) -> PatientSnapshot:
    """All that a decision at `as_of` may know of the chart's patient.

    `as_of` is aware, in the tenant's zone; dates without a zone are read in it. `unread` names query keys
    that could not be fetched; keys that came as an OperationOutcome, and those with a page still to be
    read, are added to it.

    Nothing later than `as_of` counts: a value measured or issued afterwards, a condition that was recorded
    or began later, an order, procedure or visit of a later day are not there yet; an abatement, the
    end of a stay and a death after `as_of` have not happened. Two exceptions: what is planned (orders,
    requests and appointments that lie ahead) is kept as planned, and what was already on file but is
    dated ahead is a fault of the data; a condition or dose of that kind keeps its date, so that a rule
    can refuse it for clearing.

    Source: conventions.md section 3.
    """
    dates = Dates(as_of)
    faults = list(chart.faults)
    series = _series(chart, dates, faults)
    book = _facts(chart, dates, faults)
    patient = chart.patient
    return PatientSnapshot(
        patient_id=chart.patient_id,
        as_of=as_of,
        birth=_birth(patient, dates, faults),
        sex=_SEX.get(patient.gender) if patient else None,
        deceased=_is_dead(patient, dates),
        record_active=_is_current(patient),
        values={alias: tuple(readings) for alias, readings in series.items()},
        facts=book.closed(),
        faults=tuple(faults),
        unread=chart.unread | frozenset(chart.next_links) | frozenset(unread),
    )


def _series(chart: Chart, dates: Dates, faults: list[Gap]) -> Series:
    series = Observations(dates, faults).read(chart.observed())
    for alias, told in Answers(dates, faults).read(chart.of(structs.QuestionnaireResponse)).items():
        both = [*series.get(alias, []), *told]
        series[alias] = sorted(both, key=lambda one: one.when.latest, reverse=True)
    for event in adverse_events(chart.of(structs.AdverseEvent), dates, faults):
        events = [*series.get(event.alias, []), event]
        series[event.alias] = sorted(events, key=lambda one: one.when.latest, reverse=True)
    _check_pressure(series, faults)
    faults.extend(conflicts(series))
    add_mean_pressure(series)
    add_derived(series)
    add_peak_uptake(series)
    add_attendance(chart.of(structs.Appointment), dates, series)
    _add_marital_status(chart.patient, dates, series)
    return series


def _facts(chart: Chart, dates: Dates, faults: list[Gap]) -> FactBook:
    book = FactBook()
    Conditions(dates, book, faults).read(chart.of(structs.Condition))
    read_allergies(chart.of(structs.AllergyIntolerance), dates, book)
    treatments = Treatments(dates, book, faults, chart.of(structs.Medication))
    treatments.read_administrations(chart.of(structs.MedicationAdministration))
    treatments.read_orders(chart.of(structs.MedicationRequest))
    treatments.read_statements(chart.of(structs.MedicationStatement))
    events = Events(dates, book, faults)
    events.read_procedures(chart.of(structs.Procedure))
    events.read_encounters(chart.of(structs.Encounter))
    events.read_requests(chart.of(structs.ServiceRequest))
    events.read_plans(chart.of(structs.CarePlan))
    events.read_appointments(chart.of(structs.Appointment))
    return book


def _check_pressure(series: Series, faults: list[Gap]) -> None:
    """Refuses both halves of a blood pressure whose systolic is not above its diastolic."""
    lower = {one.source: one for one in series.get("dbp", ())}
    swapped = {
        one.source
        for one in series.get("sbp", ())
        if one.source in lower and float(one.value) <= float(lower[one.source].value)
    }
    for source in swapped:
        faults.append(Gap("bp", "implausible", text="systolic is not above diastolic", source=source))
    if swapped:
        for alias in ("sbp", "dbp"):
            series[alias] = [one for one in series[alias] if one.source not in swapped]


def _add_marital_status(patient: structs.Patient | None, dates: Dates, series: Series) -> None:
    code = code_in(patient.marital_status) if patient else None
    if patient is not None and code:
        now = When(dates.as_of, dates.as_of, certain=False)  # the record gives no date for it
        series["marital_status"] = [Reading("marital_status", code, "", now, f"Patient/{patient.id}")]


def _birth(patient: structs.Patient | None, dates: Dates, faults: list[Gap]) -> When | None:
    if patient is None or not patient.birth_date:
        return None
    birth = dates.when(patient.birth_date)
    if birth is None or dates.after(birth):
        faults.append(Gap("age", "implausible", text="the birth date", source=f"Patient/{patient.id}"))
        return None
    return birth


def _is_dead(patient: structs.Patient | None, dates: Dates) -> bool:
    if patient is None:
        return False
    if patient.deceased_date_time is not None:
        return not dates.after(dates.when(patient.deceased_date_time))
    return bool(patient.deceased_boolean)


def _is_current(patient: structs.Patient | None) -> bool:
    """False for a record that is switched off or was merged into another."""
    if patient is None:
        return True
    return patient.active is not False and not any(link.type == "replaced-by" for link in patient.link or ())
