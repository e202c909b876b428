"""What one decision may know about one patient at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from models.quick import quick_to_make

Comparator = Literal["<", "<=", ">=", ">"]
GapReason = Literal["missing", "stale", "implausible", "unit", "conflict", "unread", "unanswered"]
Sex = Literal["female", "male", "other"]


@quick_to_make
@dataclass(frozen=True, slots=True)
class When:
    """A moment as exactly as the chart gives it: `2026-10` is the whole of October.

    Both ends are aware. A rule takes the more cautious end (`conventions.md` 3).
    """

    earliest: datetime
    latest: datetime
    certain: bool = True  # False: no clinical date was given and another one (recorded, issued) stands in

    @property
    def exact(self) -> bool:
        """True when the chart gives an instant, not only a day, month or year."""
        return self.earliest == self.latest

    @property
    def day(self) -> str:
        """The day to show, `2026-11-25`."""
        return self.latest.date().isoformat()


@quick_to_make
@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one input, in the input's canonical unit."""

    alias: str  # a name of models/inputs.py: "platelets"
    value: float | bool | str
    unit: str  # canonical UCUM code; "" for booleans and codes
    when: When
    source: str  # "Observation/123", "QuestionnaireResponse/9#chest-pain"
    status: Literal["final", "preliminary"] = "final"
    comparator: Comparator | None = None  # "<" with value 10: somewhere under 10
    upper_reference: float | None = None  # the laboratory's own upper limit, canonical unit
    patient_reported: bool = False  # told by the patient or taken by a device, not measured in the clinic
    note: str = ""  # shown beside the value: "2 mm off", "no albumin: uncorrected"


@quick_to_make
@dataclass(frozen=True, slots=True)
class Fact:
    """A coded event or state of the chart that belongs to one value set: a diagnosis, a dose."""

    value_set: str  # "vs.bone_mets"
    kind: Literal["condition", "procedure", "administration", "order", "encounter", "plan", "observation"]
    system: str
    code: str
    display: str  # what the chart or our value set calls it; shown, never matched
    source: str  # "Condition/123"
    start: When | None = None  # onset, performed, given; None: unknown
    end: When | None = None  # abatement, end; None: none known
    state: Literal["active", "history", "planned"] = "active"
    confirmed: bool = True  # False: provisional; may add caution, never clears or makes eligible
    details: Mapping[str, str] = field(default_factory=dict)  # "body_site", "severity", "intent", "drug", ...


@quick_to_make
@dataclass(frozen=True, slots=True)
class Gap:
    """Something that a decision asked for and could not use, and why."""

    input: str  # alias, value set, or query key
    why: GapReason
    rule: str | None = None  # the rule that asked; None: seen while reading
    text: str = ""  # what was there: "12 g/L is outside 20-250 g/L"
    source: str | None = None


@quick_to_make
@dataclass(frozen=True, slots=True)
class PatientSnapshot:
    """All that one decision may know of one patient at one moment, and its gaps.

    `values` and `facts` are series, newest first, because a rule may need the value before, the
    weight of half a year ago, or the date of the last dose. An alias that is absent was not on file: that is
    *unknown*, never normal.
    """

    patient_id: str  # logical id in the tenant's EHR; never a name or an MRN
    as_of: datetime  # aware, in the tenant's zone; when the chart is looked at
    birth: When | None = None
    sex: Sex | None = None  # administrative; None: unknown
    deceased: bool = False
    record_active: bool = True  # False: Patient.active is false, or the record was merged into another
    values: Mapping[str, tuple[Reading, ...]] = field(default_factory=dict)
    facts: Mapping[str, tuple[Fact, ...]] = field(default_factory=dict)
    faults: tuple[Gap, ...] = ()  # entries that could not be used: wrong unit, implausible, broken
    unread: frozenset[str] = frozenset()  # query keys that could not be read: a partial read

    @property
    def age_years(self) -> int | None:
        """Completed years on `as_of`; of a partial birth date the younger age; `None` when unknown."""
        if self.birth is None:
            return None
        born, today = self.birth.latest, self.as_of
        return today.year - born.year - ((today.month, today.day) < (born.month, born.day))

    def series(self, alias: str) -> tuple[Reading, ...]:
        """All readings of one input, newest first; empty when none is on file."""
        return self.values.get(alias, ())

    def latest(self, alias: str) -> Reading | None:
        """The newest reading of one input, whatever its age."""
        return next(iter(self.series(alias)), None)

    def having(self, *value_sets: str) -> Iterator[Fact]:
        """All facts of the named value sets, newest first within each."""
        for name in value_sets:
            yield from self.facts.get(name, ())
