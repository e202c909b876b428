"""Drugs given and ordered, from administrations, orders and statements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

import msgspec

from mappings import decoders
from mappings.codes import Drug, Drugs, drugs
from mappings.datatypes import Dates
from mappings.from_fhir.concepts import code_in, shown
from mappings.from_fhir.fact_book import FactBook
from mappings.structs import (
    CodeableConcept,
    Coding,
    Extension,
    Medication,
    MedicationAdministration,
    MedicationRequest,
    MedicationStatement,
    Reference,
)
from models.snapshot import Fact, Gap, When

State = Literal["active", "history", "planned"]
Order = MedicationRequest | MedicationAdministration | MedicationStatement

INTENT_URLS: Final = frozenset(
    {
        "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-procedure-intent",
        "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-treatment-intent",
    }
)
_INTENTS: Final = {"373808002": "curative", "363676003": "palliative"}  # SNOMED CT, observations.md section 7

# Status of an order -> how it stands; what is absent here never happened. A stopped or completed order is
# history from its own day on: the drug was given then. on-hold may be taken up again at any time.
_ORDERED: Final[dict[str | None, State]] = {
    "active": "active",
    "on-hold": "active",
    "completed": "history",
    "stopped": "history",
    "ended": "history",
    "unknown": "active",
    None: "active",
    "draft": "planned",
}
_GIVEN: Final[dict[str | None, bool]] = {  # status of an administration -> confirmed
    "completed": True,
    "in-progress": True,
    "stopped": True,  # begun, so a part of the dose was given
    "on-hold": True,
    "unknown": False,
    None: False,
}
_STATED: Final[dict[str | None, State]] = {
    "active": "active",
    "completed": "history",
    "stopped": "history",
    "on-hold": "active",
    "intended": "planned",
    "unknown": "active",
    None: "active",
}
_PLANS: Final = frozenset({"proposal", "plan"})


def intent_of(concept: CodeableConcept | None) -> str:
    """What a treatment is for, `curative` or `palliative` by its code; other intents as the chart calls them."""
    return _INTENTS.get(code_in(concept) or "") or shown(concept)


class Treatments:
    """Reads drugs into facts. Source: conventions.md section 3, rules.md section 12 (notes)."""

    def __init__(self, dates: Dates, book: FactBook, faults: list[Gap], medications: list[Medication]) -> None:
        self.dates, self.book, self.faults = dates, book, faults
        self.table: Drugs = drugs()
        self.medications = {f"Medication/{one.id}": one for one in medications}
        self.medications |= {f"urn:uuid:{one.id}": one for one in medications}

    def read_orders(self, orders: list[MedicationRequest]) -> None:
        for order in orders:
            state = _ORDERED.get(order.status)
            if state is None or order.do_not_perform:
                continue
            start = known = self.dates.when(order.authored_on)
            planned = self.planned_for(order) if order.dosage_instruction else None
            if planned is not None:
                state, start = "planned", planned
            elif order.intent in _PLANS and state == "active":
                state = "planned"
            self.take(order, "order", start, None, known, state)

    def planned_for(self, order: MedicationRequest) -> When | None:
        """The first day of an order that is to begin after `as_of`."""
        days: list[When | None] = []
        for dosage in order.dosage_instruction or ():
            timing = dosage.timing
            if timing is not None:
                days += [self.dates.when(event) for event in timing.event or ()]
                if timing.repeat is not None and timing.repeat.bounds_period is not None:
                    days.append(self.dates.when(timing.repeat.bounds_period.start))
        given = [day for day in days if day is not None]
        first = min(given, key=lambda day: day.earliest, default=None)
        return first if self.dates.after(first) else None

    def read_administrations(self, administrations: list[MedicationAdministration]) -> None:
        for one in administrations:
            if one.status not in _GIVEN:
                continue
            start, end = self.period(one)
            self.take(one, "administration", start, end, None, "history", confirmed=_GIVEN[one.status])

    def read_statements(self, statements: list[MedicationStatement]) -> None:
        for one in statements:
            state = _STATED.get(one.status)
            if state is not None:
                start, end = self.period(one)
                self.take(one, "order", start, end, self.dates.when(one.date_asserted), state)

    def period(self, one: MedicationAdministration | MedicationStatement) -> tuple[When | None, When | None]:
        when, period = self.dates.when, one.effective_period
        start = when(one.effective_date_time) or (when(period.start) or when(period.end) if period else None)
        end = when(period.end) if period else None
        return start, None if self.dates.after(end) else end

    def take(
        self,
        one: Order,
        kind: Literal["order", "administration"],
        start: When | None,
        end: When | None,
        known: When | None,
        state: State,
        *,
        confirmed: bool = True,
    ) -> None:
        source = f"{type(one).__name__}/{one.id}"
        found = self.match(one, source)
        touched = one.meta.last_updated if isinstance(one, MedicationAdministration) and one.meta else None
        event = start if state != "planned" else None
        if found is None or self.dates.place(event, known, touched) == "later":
            return
        if state != "planned" and self.dates.after(start):
            text = f"dated after {self.dates.as_of:%Y-%m-%d}"
            self.faults.append(Gap("medications", "conflict", text=text, source=source))
        concept, coding, drug = found
        system, code, display = coding.system or "", coding.code or "", shown(concept, coding)
        details = self.details(one, drug, display)
        for name in drug.value_sets:
            self.book.put(Fact(name, kind, system, code, display, source, start, end, state, confirmed, details))

    def match(self, one: Order, source: str) -> tuple[CodeableConcept, Coding, Drug] | None:
        """The first coding that we know, a named drug before a mere group."""
        group = None
        for concept in self.concepts(one, source):
            for coding in concept.coding or ():
                drug = self.table.of(coding.system, coding.code)
                if drug is not None:
                    if drug.name:
                        return concept, coding, drug
                    group = group or (concept, coding, drug)
        return group

    def concepts(self, one: Order, source: str) -> Iterator[CodeableConcept]:
        """The drug, wherever the resource keeps it: in itself, contained, or as a Medication of the chart."""
        if one.medication_codeable_concept is not None:
            yield one.medication_codeable_concept
        if one.medication_reference is not None:
            medication = self.resolve(one, one.medication_reference)
            if medication is None:
                self.faults.append(
                    Gap("medications", "missing", text="its Medication is not in the chart", source=source)
                )
                return
            if medication.code is not None:
                yield medication.code
            for ingredient in medication.ingredient or ():
                if ingredient.item_codeable_concept is not None:
                    yield ingredient.item_codeable_concept

    def resolve(self, one: Order, reference: Reference) -> Medication | None:
        text = reference.reference or ""
        if text.startswith("#"):
            return next((inner for inner in _contained(one) if f"#{inner.id}".replace("##", "#") == text), None)
        return self.medications.get(text) or self.medications.get("/".join(text.split("/")[-2:]))

    def details(self, one: Order, drug: Drug, display: str) -> dict[str, str]:
        details = {"drug": drug.name or display, "status": one.status or ""}
        extensions: list[Extension] | None = getattr(one, "extension", None)
        for extension in extensions or ():
            if extension.url in INTENT_URLS:
                details["intent"] = intent_of(extension.value_codeable_concept)
        return details


def _contained(one: Order) -> Iterator[Medication]:
    for raw in one.contained or ():
        try:
            inner = decoders.resource_decoder.decode(raw)
        except msgspec.MsgspecError:
            continue  # a contained resource that is broken: the reference to it stays unresolved and is named
        if isinstance(inner, Medication):
            yield inner
