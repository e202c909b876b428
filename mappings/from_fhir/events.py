"""Procedures, encounters and plans: what was done, what is planned, who is already in a programme."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from mappings.canonical import RESOURCE_IDENTIFIER
from mappings.codes import PHYSICAL_ACTIVITY, SNOMED, ProcedureCode, diagnoses, procedures, system_of
from mappings.datatypes import Dates
from mappings.from_fhir.concepts import codings, shown, site_words
from mappings.from_fhir.fact_book import FactBook
from mappings.from_fhir.treatments import INTENT_URLS, intent_of
from mappings.structs import (
    Appointment,
    CarePlan,
    CodeableConcept,
    Coding,
    Encounter,
    Identifier,
    Period,
    Procedure,
    ServiceRequest,
)
from models.snapshot import Gap, When

State = Literal["active", "history", "planned"]

_ENCOUNTER_SETS: Final = frozenset({"vs.chemo_encounter", "vs.radiotherapy", "vs.hospice", "vs.death_plan"})
_PLAN_SETS: Final = frozenset({"vs.hospice", "vs.death_plan", "vs.in_programme"})
_INPATIENT: Final = frozenset({"IMP", "ACUTE", "NONAC", "SS", "OBSENC"})
_INPATIENT_TYPES: Final = frozenset({"308540004", "183452005"})
_SURGERY: Final = frozenset({"387713003"})
_THERAPY_SETS: Final = frozenset({"vs.chemo_encounter", "vs.radiotherapy", "vs.hsct", "vs.cart"})
_NOT_DONE: Final = frozenset({"not-done", "entered-in-error"})


class Events:
    """Reads what happened on a day into facts. Source: observations.md section 7; rules.md section 12."""

    def __init__(self, dates: Dates, book: FactBook, faults: list[Gap]) -> None:
        self.dates, self.book, self.faults = dates, book, faults
        self.codes = procedures()
        self.diagnoses = diagnoses()

    # --- procedures

    def read_procedures(self, done: list[Procedure]) -> None:
        for procedure in done:
            if procedure.status in _NOT_DONE:
                continue
            start, end = self.span(procedure.performed_date_time, procedure.performed_period)
            planned = procedure.status == "preparation"
            matched = list(self.matched(procedure.code))
            if not matched:
                continue
            if self.dates.after(start) and not planned:
                self.ahead(start, procedure)
                continue
            for coding, found in matched:
                for name in found.value_sets:
                    self.book.add(
                        name,
                        kind="procedure",
                        system=coding.system or "",
                        code=self.diagnoses.written(coding.system, coding.code),
                        display=shown(procedure.code, coding),
                        source=f"Procedure/{procedure.id}",
                        start=start,
                        end=end,
                        state="planned" if planned else self.state(procedure, end),
                        confirmed=procedure.status not in (None, "unknown"),
                        details=_procedure_details(procedure, found),
                    )

    def state(self, procedure: Procedure, end: When | None) -> State:
        running = procedure.status == "in-progress" or (procedure.performed_period is not None and end is None)
        return "active" if running else "history"

    def matched(self, *concepts: CodeableConcept | None) -> Iterator[tuple[Coding, ProcedureCode]]:
        """The codings that are procedures of ours; ICD-10 Z codes are found among the diagnoses."""
        for coding in codings(*concepts):
            if system_of(coding.system) == SNOMED:
                found = self.codes.get(coding.code or "")
                if found is not None:
                    yield coding, found
            else:
                sets = self.diagnoses.sets_of(coding.system, coding.code)
                named = tuple(name for name in sets if name in _ENCOUNTER_SETS or name in _THERAPY_SETS)
                if named:
                    yield coding, ProcedureCode(named, None)

    # --- encounters

    def read_encounters(self, encounters: list[Encounter]) -> None:
        for encounter in encounters:
            if encounter.status in ("cancelled", "entered-in-error"):
                continue
            start, end = self.span(None, encounter.period)
            planned = encounter.status == "planned"
            if self.dates.after(start) and not planned:
                continue
            for name, coding, concept in self.visits(encounter):
                self.book.add(
                    name,
                    kind="encounter",
                    system=coding.system or "",
                    code=self.diagnoses.written(coding.system, coding.code),
                    display=shown(concept, coding),
                    source=f"Encounter/{encounter.id}",
                    start=start,
                    end=end,
                    state="planned" if planned else "history" if end is not None else "active",
                    details={"class": encounter.class_.code or ""} if encounter.class_ else {},
                )
            self.read_discharge(encounter, end)

    def read_discharge(self, encounter: Encounter, end: When | None) -> None:
        """A discharge to hospice: care there begins when the stay ends."""
        leaving = encounter.hospitalization.discharge_disposition if encounter.hospitalization else None
        if end is not None and any(coding.code == "hosp" for coding in codings(leaving)):
            self.book.add(
                "vs.hospice",
                kind="encounter",
                system=SNOMED,
                code="385763009",
                display="Discharged to hospice",
                source=f"Encounter/{encounter.id}",
                start=end,
            )

    def visits(self, encounter: Encounter) -> Iterator[tuple[str, Coding, CodeableConcept | None]]:
        """The value sets of one visit, with the coding that says so."""
        kind = encounter.class_
        types = encounter.type or []
        if kind is not None and (kind.code or "").upper() in _INPATIENT:
            yield "vs.inpatient", kind, None
        for concept in [*types, encounter.service_type, *(encounter.reason_code or [])]:
            for coding, found in self.matched(concept):
                for name in found.value_sets:
                    if name in _ENCOUNTER_SETS:
                        yield name, coding, concept
            for coding in codings(concept):
                if coding.code in _INPATIENT_TYPES:
                    yield "vs.inpatient", coding, concept

    # --- requests, plans, appointments

    def read_requests(self, requests: list[ServiceRequest]) -> None:
        for request in requests:
            if request.status not in ("active", "draft", "on-hold", None) or request.do_not_perform:
                continue
            if _is_ours(request.identifier):
                continue  # our own referral is no sign that the patient is elsewhere in a programme
            known = self.dates.when(request.authored_on)
            if self.dates.after(known):
                continue
            start, end = self.span(request.occurrence_date_time, request.occurrence_period)
            for name, coding, concept in self.requested(request, start):
                self.book.add(
                    name,
                    kind="plan",
                    system=coding.system or "",
                    code=self.diagnoses.written(coding.system, coding.code),
                    display=shown(concept, coding),
                    source=f"ServiceRequest/{request.id}",
                    start=start if name.startswith("vs.planned") else start or known,
                    end=end,
                    state="planned" if name.startswith("vs.planned") else "active",
                    confirmed=request.status in ("active", None),
                    details=_request_details(request),
                )

    def requested(
        self, request: ServiceRequest, start: When | None
    ) -> Iterator[tuple[str, Coding, CodeableConcept | None]]:
        """Planned surgery and therapy lie ahead; a referral to an exercise programme stands now."""
        ahead = start is None or start.latest >= self.dates.as_of
        for concept in [request.code, *(request.category or [])]:
            for coding, found in self.matched(concept):
                if ahead and "vs.surgery_major" in found.value_sets:
                    yield "vs.planned_surgery", coding, request.code or concept
                if ahead and _THERAPY_SETS.intersection(found.value_sets):
                    yield "vs.planned_therapy", coding, concept
                for name in found.value_sets:
                    if name in _PLAN_SETS and request.status in ("active", None):
                        yield name, coding, concept
        for coding in codings(*(request.category or [])):
            if _is_exercise(coding) and request.status in ("active", None):
                yield "vs.in_programme", coding, request.code

    def read_appointments(self, appointments: list[Appointment]) -> None:
        for one in appointments:
            start = self.dates.when(one.start)
            if one.status not in ("booked", "pending", "proposed", "arrived", "checked-in"):
                continue
            if start is None or start.latest < self.dates.as_of or self.dates.after(self.dates.when(one.created)):
                continue
            concepts = [*(one.service_type or []), *(one.reason_code or []), *(one.service_category or [])]
            for coding, found in self.matched(*concepts):
                for name in _planned(found.value_sets):
                    self.book.add(
                        name,
                        kind="plan",
                        system=coding.system or "",
                        code=self.diagnoses.written(coding.system, coding.code),
                        display=shown(None, coding),
                        source=f"Appointment/{one.id}",
                        start=start,
                        state="planned",
                        confirmed=one.status == "booked",
                        details={"body_site": found.site} if found.site else {},
                    )

    def read_plans(self, plans: list[CarePlan]) -> None:
        for plan in plans:
            if plan.status not in ("active", "on-hold", None, "completed", "revoked") or _is_ours(plan.identifier):
                continue
            start, end = self.span(None, plan.period)
            if self.dates.after(start) or self.dates.after(self.dates.when(plan.created)):
                continue
            ended_later = plan.period is not None and plan.period.end is not None and end is None
            over = end is not None or (plan.status in ("completed", "revoked") and not ended_later)
            known = [(coding, found.value_sets) for coding, found in self.matched(*(plan.category or []))]
            known += [(one, ("vs.in_programme",)) for one in codings(*(plan.category or [])) if _is_exercise(one)]
            for coding, sets in known:
                for name in _PLAN_SETS.intersection(sets):
                    self.book.add(
                        name,
                        kind="plan",
                        system=coding.system or "",
                        code=self.diagnoses.written(coding.system, coding.code),
                        display=shown(None, coding),
                        source=f"CarePlan/{plan.id}",
                        start=start,
                        end=end,
                        state="history" if over else "active",
                    )

    # --- shared

    def span(self, moment: str | None, period: Period | None) -> tuple[When | None, When | None]:
        """Start and end as they stand at `as_of`: an end that lies after it has not come yet."""
        start = self.dates.when(moment)
        end = None
        if start is None and period is not None:
            start, end = self.dates.when(period.start), self.dates.when(period.end)
            start = start or end
        return start, None if self.dates.after(end) else end

    def ahead(self, start: When | None, procedure: Procedure) -> None:
        """Says that a procedure was on file before its own date; a plan is read from requests only (TRT-14)."""
        touched = procedure.meta.last_updated if procedure.meta else None
        if touched and self.dates.place(start, None, touched) == "future":
            self.faults.append(
                Gap(
                    "procedures",
                    "conflict",
                    text=f"dated after {self.dates.as_of:%Y-%m-%d}",
                    source=f"Procedure/{procedure.id}",
                )
            )


def _planned(value_sets: tuple[str, ...]) -> Iterator[str]:
    if "vs.surgery_major" in value_sets:
        yield "vs.planned_surgery"
    if _THERAPY_SETS.intersection(value_sets):
        yield "vs.planned_therapy"


def _is_exercise(coding: Coding) -> bool:
    """True for the category that HL7 Physical Activity puts on every referral and plan."""
    return coding.system == PHYSICAL_ACTIVITY and coding.code == "PhysicalActivity"


def _is_ours(identifiers: list[Identifier] | None) -> bool:
    return any(one.system == RESOURCE_IDENTIFIER for one in identifiers or ())


def _procedure_details(procedure: Procedure, found: ProcedureCode) -> dict[str, str]:
    words = site_words(procedure.body_site) or ([found.site] if found.site else [])
    named = [shown(site) for site in procedure.body_site or ()]
    details = {"status": procedure.status or ""}
    if words or any(named):
        details["body_site"] = ", ".join(words or [name for name in named if name])
    for extension in procedure.extension or ():
        if extension.url in INTENT_URLS:
            details["intent"] = intent_of(extension.value_codeable_concept)
    return details


def _request_details(request: ServiceRequest) -> dict[str, str]:
    known = procedures()
    site = next((known[c.code].site for c in codings(request.code) if c.code and c.code in known), None)
    words = site_words(request.body_site) or ([site] if site else [])
    details = {"status": request.status or ""}
    if words:
        details["body_site"] = ", ".join(words)
    return details
