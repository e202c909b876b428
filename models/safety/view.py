"""One snapshot as the rules look at it: what still counts, how old it is, what treatment is under way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from models.inputs import INPUTS
from models.snapshot import Fact, PatientSnapshot, Reading, When

CYTOTOXIC_DAYS: Final = 28
ANTIBODY_DAYS: Final = 90
CARDIOTOXIC_DAYS: Final = 365
# Up to this length a limit is written in hours in the source tables and counts hours; above it calendar days.
_HOURS_UP_TO: Final = timedelta(hours=72)
_ONE_DAY: Final = timedelta(days=1)
# What else makes an input's short limit count. Source: rules.md ELE-01, ELE-04, RSP-01.
_SHORTENING: Final[dict[str, tuple[str, ...]]] = {
    "k": ("vs.qt", "vs.diuretic"),
    "ca_corr": ("vs.bone_mets",),
    "ca": ("vs.bone_mets",),
    "ca_ion": ("vs.bone_mets",),
    "spo2": ("vs.copd", "vs.ild", "vs.pneumonitis", "vs.effusion", "vs.pulm_htn"),
}
_HAEM_ICD: Final = (*(f"C{n}" for n in range(81, 97)), "D45", "D46", "D47")


class View:
    """One snapshot, with what is worked out once and asked for by many rules.

    Nothing dated after `as_of` is seen. Source: conventions.md section 3, rules.md section 11.
    """

    __slots__ = (
        "_dose",
        "_finals",
        "_fresh",
        "_marks",
        "as_of",
        "counting",
        "happened",
        "snapshot",
        "today",
        "worked_out",
        "zone",
    )

    def __init__(self, snapshot: PatientSnapshot) -> None:
        self.snapshot = snapshot
        self.as_of = snapshot.as_of
        self.zone = snapshot.as_of.tzinfo
        self.today = snapshot.as_of.toordinal()
        # Nearly all that is on file is asked for, and most of it by several rules.
        self.counting = {alias: self._counting(series) for alias, series in snapshot.values.items() if series}
        self.happened = {name: self._happened(facts) for name, facts in snapshot.facts.items()}
        self.worked_out: dict[object, tuple[Reading, ...]] = {}  # by their source: several rules ask for each
        self._finals: dict[str, tuple[Reading, ...]] = {}
        self._fresh: dict[str, bool] = {}
        self._marks: dict[str, bool] = {}
        self._dose: tuple[int, Fact] | bool | None = False

    # Time

    def day(self, moment: datetime) -> int:
        """The ordinal of the calendar day of a moment in the tenant's zone."""
        return (moment if moment.tzinfo is self.zone else moment.astimezone(self.zone)).toordinal()

    def days_since(self, when: When) -> int:
        """Calendar days since the most recent day that `when` can mean; never negative."""
        return max(0, self.today - self.day(when.latest))

    def days_at_most(self, when: When) -> int:
        """Calendar days since the oldest day that `when` can mean."""
        return self.today - self.day(when.earliest)

    # Values

    def current(self, alias: str) -> tuple[Reading, ...]:
        """The readings that still count, newest first: the newest final ones, their day, and all newer.

        A preliminary value is looked at but hides none; what the patient tells never hides a clinic value.
        """
        return self.counting.get(alias, ())

    def finals(self, alias: str) -> tuple[Reading, ...]:
        """All final readings up to `as_of`, newest first."""
        known = self._finals.get(alias)
        if known is None:
            series = self.snapshot.values.get(alias, ())
            for reading in series:
                if not self._is_final(reading):
                    series = tuple(filter(self._is_final, series))
                    break
            known = self._finals[alias] = series
        return known

    def _is_final(self, reading: Reading) -> bool:
        return reading.status == "final" and reading.when.earliest <= self.as_of

    def _counting(self, series: tuple[Reading, ...]) -> tuple[Reading, ...]:
        first = series[0]
        if first.status == "final" and not first.patient_reported and first.when.earliest <= self.as_of:
            if len(series) == 1:
                return series
            if series[1].when.latest < first.when.earliest - _ONE_DAY:
                return (first,)  # the usual case: one newest clinic value, the next a day or more before it
        return self._counting_all(series)

    def _counting_all(self, series: tuple[Reading, ...]) -> tuple[Reading, ...]:
        kept = tuple(reading for reading in series if reading.when.earliest <= self.as_of)
        told = max((r.when.earliest for r in kept if r.status == "final"), default=None)
        clinic = max((r.when.earliest for r in kept if _is_clinic_final(r)), default=None)
        first_told, first_clinic = self._first_day(told), self._first_day(clinic)
        return tuple(
            reading
            for reading in kept
            if self.day(reading.when.latest) >= (first_told if reading.patient_reported else first_clinic)
        )

    def _first_day(self, moment: datetime | None) -> int:
        return 0 if moment is None else self.day(moment)

    def fresh(self, alias: str) -> bool:
        """True when a final value is on file and inside its age limit for this patient."""
        known = self._fresh.get(alias)
        if known is None:
            known = self._fresh[alias] = alias in self.counting and self._is_fresh(alias)
        return known

    def _is_fresh(self, alias: str) -> bool:
        for reading in self.current(alias):
            if reading.status == "final" and self.within(reading.when, self.limit(alias)):
                return True
        return False

    def within(self, when: When, limit: timedelta) -> bool:
        """True when even the oldest moment that `when` can mean is inside the limit."""
        if limit <= _HOURS_UP_TO:
            return self.as_of - when.earliest <= limit
        return self.days_at_most(when) <= limit.days

    def limit(self, alias: str) -> timedelta:
        """How old a value of this input may be and still count as normal for this patient."""
        entry = INPUTS[alias]
        if entry.on_treatment == entry.otherwise:
            return entry.otherwise
        return entry.on_treatment if self._shorter(alias) else entry.otherwise

    def _shorter(self, alias: str) -> bool:
        if alias == "lvef":
            return self.mark("cardiotoxic") or bool(self.snapshot.facts.get("vs.cardiomyopathy_drug"))
        if self.on_systemic or self.haem_cancer:
            return True
        return any(self.snapshot.facts.get(name) for name in _SHORTENING.get(alias, ()))

    # Facts

    def facts(self, value_set: str) -> tuple[Fact, ...]:
        """The facts of a value set that have happened: not planned, not dated in the future."""
        return self.happened.get(value_set, ())

    def _happened(self, facts: tuple[Fact, ...]) -> tuple[Fact, ...]:
        for fact in facts:
            if self._is_ahead(fact):
                return tuple(one for one in facts if not self._is_ahead(one))
        return facts

    def _is_ahead(self, fact: Fact) -> bool:
        return fact.state == "planned" or (fact.start is not None and fact.start.earliest > self.as_of)

    def is_over(self, fact: Fact, grace_days: int = 0) -> bool:
        """True when the fact surely ended, at least `grace_days` days ago."""
        if fact.end is None:
            return fact.state == "history" and fact.kind in ("condition", "order")
        return fact.end.latest < self.as_of and self.days_since(fact.end) >= grace_days

    def present(self, fact: Fact) -> bool:
        """True when the fact is so today: an active condition or order, or a dose of the last 28 days."""
        if fact.kind == "administration":
            return fact.start is None or self.days_since(fact.start) <= CYTOTOXIC_DAYS
        return fact.state == "active" and not self.is_over(fact)

    def since(self, fact: Fact) -> int | None:
        """Days since the fact began; 0 when it may be recent but has no date; `None` when it cannot be recent.

        A status code (Z95.5, Z90) without a date of its own says that something happened once, not lately.
        """
        start = fact.start
        if fact.code[:1] == "Z" and fact.kind == "condition" and (start is None or not start.certain):
            return None
        if start is None:
            return None if fact.kind == "condition" and fact.state == "history" else 0
        return self.days_since(start)

    def may_be_recent(self, fact: Fact, days: int) -> bool:
        """True when nothing says that the fact is older: no date, or only a day of recording within so many days."""
        if fact.start is None:
            return not (fact.kind == "condition" and fact.state == "history")
        return not fact.start.certain and self.days_since(fact.start) <= days

    def recent(self, value_set: str, days: int) -> bool:
        """True when a fact of the value set began within so many days, whatever became of it."""
        for fact in self.happened.get(value_set, ()):
            began = self.since(fact)
            if began is not None and began <= days:
                return True
        return False

    def lately(self, value_set: str, days: int) -> bool:
        """True when a fact of the value set goes on, or ended (began, when no end is known) within so many days."""
        return any(self.is_late(fact, days) for fact in self.facts(value_set))

    def is_late(self, fact: Fact, days: int) -> bool:
        """As `lately`, of one fact."""
        if fact.end is not None:
            return fact.end.latest >= self.as_of or self.days_since(fact.end) <= days
        if fact.kind == "condition" and fact.state == "history":
            return False  # a code that says "history of" (Z92.3)
        began = self.since(fact)
        return began is not None and began <= days

    # Treatment

    @property
    def last_dose(self) -> tuple[int, Fact] | None:
        """Days since the last cytotoxic dose within 28 days, and the fact that says so.

        An administration or infusion encounter first, else an order of that time. Source: conventions.md section 3.
        """
        if isinstance(self._dose, bool):
            self._dose = self._find_dose()
        return self._dose

    def _find_dose(self) -> tuple[int, Fact] | None:
        if "vs.cytotoxic" not in self.happened and "vs.chemo_encounter" not in self.happened:
            return None
        drugs = self.facts("vs.cytotoxic")
        given = [fact for fact in drugs if fact.kind != "order"] + list(self.facts("vs.chemo_encounter"))
        orders = [fact for fact in drugs if fact.kind == "order"]
        return self._newest(given) or self._newest(orders)

    def _newest(self, facts: list[Fact]) -> tuple[int, Fact] | None:
        dated = [(self._dose_day(fact), fact) for fact in facts]
        inside = [pair for pair in dated if pair[0] <= CYTOTOXIC_DAYS]
        return min(inside, key=lambda pair: pair[0], default=None)

    def _dose_day(self, fact: Fact) -> int:
        """Calendar days since the dose; the first 24 hours after an exact time are all day 0 (TRT-01)."""
        if fact.start is None:
            return CYTOTOXIC_DAYS + 1 if fact.kind == "order" and fact.state == "history" else 0
        timed = fact.kind == "administration" and fact.start.exact
        if timed and self.as_of - fact.start.latest < _ONE_DAY:
            return 0
        return self.days_since(fact.start)

    @property
    def on_cytotoxic(self) -> bool:
        """True within 28 days of a cytotoxic dose."""
        return self.last_dose is not None

    @property
    def on_systemic(self) -> bool:
        """True on cytotoxic therapy, or within 90 days of a checkpoint inhibitor or antibody."""
        return self.mark("on_systemic")

    @property
    def haem_cancer(self) -> bool:
        """True with an active cancer of blood, marrow or lymph nodes."""
        return self.mark("haem_cancer")

    def mark(self, name: str) -> bool:
        """A named yes-or-no of this patient, worked out once; the names are `MARKS`."""
        known = self._marks.get(name)
        if known is None:
            known = self._marks[name] = _MARKS[name](self)
        return known


def _is_clinic_final(reading: Reading) -> bool:
    return reading.status == "final" and not reading.patient_reported


def _on_systemic(view: View) -> bool:
    return view.on_cytotoxic or any(view.recent(name, ANTIBODY_DAYS) for name in ("vs.ici", "vs.her2", "vs.vegf"))


def _haem_cancer(view: View) -> bool:
    if any(view.present(fact) for fact in view.facts("vs.haem_cancer")):
        return True
    return any(
        fact.code.startswith(_HAEM_ICD) and "icd" in fact.system and view.present(fact)
        for fact in view.facts("vs.cancer")
    )


def _cardiotoxic(view: View) -> bool:
    return any(view.recent(name, CARDIOTOXIC_DAYS) for name in ("vs.anthracycline", "vs.her2"))


def _hypertensive(view: View) -> bool:
    return any(view.present(fact) for fact in view.facts("vs.hypertension"))


_MARKS = {
    "on_systemic": _on_systemic,
    "haem_cancer": _haem_cancer,
    "cardiotoxic": _cardiotoxic,
    "hypertensive": _hypertensive,
}
