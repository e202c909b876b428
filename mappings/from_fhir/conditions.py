"""Conditions: which diagnoses the chart holds at `as_of`, active, past or doubtful."""

from __future__ import annotations

from typing import Final, Literal

from mappings.codes import Diagnoses, Meaning, diagnoses
from mappings.datatypes import Dates, between
from mappings.from_fhir.concepts import code_in, shown, site_words
from mappings.from_fhir.fact_book import FactBook
from mappings.structs import Condition
from models.snapshot import Fact, Gap, When

State = Literal["active", "history"]

# rules.md 12: `differential` and `refuted` never fire; conventions.md 3: `provisional` and `unconfirmed` may add
# caution only.
_IGNORED: Final = frozenset({"refuted", "entered-in-error", "differential"})
_DOUBTFUL: Final = frozenset({"provisional", "unconfirmed"})
_PAST: Final = frozenset({"inactive", "remission", "resolved"})
_SEVERITY: Final = {"255604002": "mild", "6736007": "moderate", "24484000": "severe"}
_ASSERTED: Final = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


class Conditions:
    """Reads conditions into facts, cut to what stood in the chart at `as_of`.

    A condition that was recorded or began after `as_of` is not there yet; one that ended after it
    had not ended. Source: conventions.md section 3; rules.md section 12.
    """

    def __init__(self, dates: Dates, book: FactBook, faults: list[Gap]) -> None:
        self.dates, self.book, self.faults = dates, book, faults
        self.table: Diagnoses = diagnoses()

    def read(self, conditions: list[Condition]) -> None:
        for condition in conditions:
            self.take(condition)
        self.combine()

    def take(self, condition: Condition) -> None:
        verification = code_in(condition.verification_status)
        concept = condition.code
        if verification in _IGNORED or concept is None or not concept.coding:
            return
        meanings = [(one, self.table.meaning_of(one.system, one.code)) for one in concept.coding]
        matched = [(one, meaning) for one, meaning in meanings if meaning.value_sets]
        if not matched:
            return
        start, recorded = self.begun(condition)
        touched = condition.meta.last_updated if condition.meta else None
        place = self.dates.place(start, recorded, touched)
        source = f"Condition/{condition.id}"
        if place == "later":
            return
        if place == "future":
            text = f"begins after {self.dates.as_of:%Y-%m-%d}"
            self.faults.append(Gap("conditions", "conflict", text=text, source=source))
        end, details = self.ended(condition), _details(condition)
        for coding, meaning in matched:
            sets, system, display = meaning.value_sets, coding.system or "", shown(concept, coding)
            if "vs.cancer_secondary" in sets:
                sets = (*sets, *self.sets_by_site(condition))
            state, confirmed = self.state(condition, meaning, end), verification not in _DOUBTFUL
            told = {**details, "icd10": meaning.icd10} if meaning.icd10 is not None else details
            for name in sets:
                self.book.put(
                    Fact(
                        name,
                        "condition",
                        system,
                        meaning.code,
                        display,
                        source,
                        start,
                        end,
                        state,
                        confirmed,
                        told,
                    )
                )

    def sets_by_site(self, condition: Condition) -> list[str]:
        """A metastasis whose bodySite is bone or brain belongs there, whatever its own code says."""
        words = site_words(condition.body_site)
        return list(dict.fromkeys(self.table.by_site[word] for word in words if word in self.table.by_site))

    def begun(self, condition: Condition) -> tuple[When | None, When | None]:
        """Onset and day of recording; without an onset the latter stands in, marked uncertain."""
        when = self.dates.when
        period = condition.onset_period
        onset = when(condition.onset_date_time) or (when(period.start) or when(period.end) if period else None)
        asserted = next((one.value_date_time for one in condition.extension or () if one.url == _ASSERTED), None)
        recorded = when(condition.recorded_date)
        stand_in = recorded or when(asserted)
        if onset is None and stand_in is not None:
            onset = When(stand_in.earliest, stand_in.latest, certain=False)
        return onset, recorded

    def ended(self, condition: Condition) -> When | None:
        period = condition.abatement_period
        given = between(self.dates.when(period.start), self.dates.when(period.end)) if period else None
        end = self.dates.when(condition.abatement_date_time) or given
        if end is None:
            return None
        return None if self.dates.after(end) else end

    def state(self, condition: Condition, meaning: Meaning, end: When | None) -> State:
        """Active unless the chart says otherwise on the day itself; a later end does not count yet."""
        if meaning.history or end is not None:
            return "history"
        ends_later = condition.abatement_date_time is not None or condition.abatement_period is not None
        if ends_later:
            return "active"
        status = code_in(condition.clinical_status)
        if status is None:
            spoken = condition.abatement_age or condition.abatement_range or condition.abatement_string
            return "history" if condition.abatement_boolean or spoken else "active"
        return "history" if status in _PAST else "active"

    def combine(self) -> None:
        """Value sets that need two codes at once, such as neutropenia with fever."""
        for name, parts in self.table.together.items():
            found = [[fact for fact in self.book.of(part) if fact.state == "active"] for part in parts]
            if all(found):
                newest = max(
                    (one[0] for one in found), key=lambda fact: fact.start.latest.timestamp() if fact.start else 0
                )
                self.book.add(
                    name,
                    kind="condition",
                    system=newest.system,
                    code=newest.code,
                    display=" + ".join(one[0].display for one in found),
                    source=newest.source,
                    start=newest.start,
                    confirmed=all(one[0].confirmed for one in found),
                )


def _details(condition: Condition) -> dict[str, str]:
    details: dict[str, str] = {}
    if condition.body_site:
        words = site_words(condition.body_site) or [shown(site) for site in condition.body_site]
        details["body_site"] = ", ".join(word for word in words if word)
    severity = _SEVERITY.get(code_in(condition.severity) or "")
    if severity:
        details["severity"] = severity
    for stage in condition.stage or ():
        if stage.summary is not None:
            details["stage"] = shown(stage.summary)
    status = code_in(condition.clinical_status)
    if status:
        details["clinical_status"] = status
    return details
