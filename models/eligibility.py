"""For whom the service is: adults with cancer or a history of it, and the populations that a site adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from models.decision import Eligibility, SitePolicy, days_between
from models.snapshot import Fact, PatientSnapshot
from models.text import N_, Text

POPULATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "musculoskeletal": (
        "vs.osteoarthritis",
        "vs.back_pain",
        "vs.rheumatoid_arthritis",
        "vs.joint_replacement",
        "vs.fracture_recent",
        "vs.osteoporosis",
    ),
    "neurological": ("vs.stroke", "vs.pd", "vs.ms", "vs.sci", "vs.als", "vs.neuropathy"),
    "cardiopulmonary": ("vs.cad", "vs.mi", "vs.revasc", "vs.hf", "vs.pad", "vs.copd", "vs.ild"),
    "frailty": ("vs.frailty", "vs.sarcopenia", "vs.falls"),
}
"""Conditions without cancer that a site may switch on. Source: rules.md section 9, pathway.md step 2."""

_LATE_EFFECTS: Final = (
    "vs.lymphoedema",
    "vs.neuropathy",
    "vs.cardiomyopathy_drug",
    "vs.hf",
    "vs.osteoporosis",
    "vs.fatigue",
    "vs.pain",
)
_HOSPICE: Final = "385763009"
_HOSPICE_DAYS: Final = 30
_PALLIATIVE: Final = ("Z51.5", "103735009", "182964004")  # the last, terminal care: decision 0020


def eligibility_of(snapshot: PatientSnapshot, policy: SitePolicy | None = None) -> Eligibility:
    """Whether the patient is one whom the service is for; `eligible` is `None` when it cannot be told.

    Source: pathway.md step 2; conventions.md section 2, rows Hospice, Unknown eligibility, Z85.
    """
    site = policy or SitePolicy()
    refused = _refusal(snapshot, site)
    if refused:
        return Eligibility(False, refused)
    fact = _cancer(snapshot, site) or _other(snapshot, site)
    if fact is None:
        return _without_condition(snapshot)
    shown = fact.display or fact.code
    if snapshot.age_years is None:
        return Eligibility(None, N_("The birth date is not known"), fact.source, shown)
    return Eligibility(True, N_("Adult with {condition}", condition=shown), fact.source, shown)


def _refusal(snapshot: PatientSnapshot, site: SitePolicy) -> Text | None:
    """What makes the patient ineligible whatever the diagnosis."""
    if snapshot.deceased:
        return N_("The patient has died")
    if not snapshot.record_active:
        return N_("The record is not active")
    age = snapshot.age_years
    if age is not None and age < site.min_age_years:
        return N_("Younger than {years} years", years=site.min_age_years)
    if snapshot.facts.keys().isdisjoint(_REFUSING):
        return None
    if any(_now(snapshot, fact) for fact in snapshot.having("vs.death_plan")):
        return N_("In the last days of life")
    if any(_is_hospice(fact) and _lately(snapshot, fact) for fact in snapshot.having("vs.hospice")):
        return N_("In hospice care")
    if any(_now(snapshot, fact) for fact in snapshot.having("vs.in_programme")):
        return N_("Already in an exercise programme")
    return None


_REFUSING: Final = ("vs.death_plan", "vs.hospice", "vs.in_programme")


def _is_hospice(fact: Fact) -> bool:
    """Hospice itself; palliative care alone is eligible and is routed by CAC-03."""
    return fact.code == _HOSPICE or (fact.kind in ("encounter", "plan") and fact.code not in _PALLIATIVE)


def _now(snapshot: PatientSnapshot, fact: Fact) -> bool:
    begun = fact.start is None or fact.start.earliest <= snapshot.as_of
    over = fact.end is not None and fact.end.latest < snapshot.as_of
    return fact.state == "active" and fact.confirmed and begun and not over


def _lately(snapshot: PatientSnapshot, fact: Fact) -> bool:
    """Now, or a visit that ended within the month: hospice care at home is a row of short visits."""
    if _now(snapshot, fact) or fact.kind != "encounter" or not fact.confirmed or fact.end is None:
        return _now(snapshot, fact)
    return 0 <= days_between(fact.end.latest, snapshot.as_of) <= _HOSPICE_DAYS


def _cancer(snapshot: PatientSnapshot, site: SitePolicy) -> Fact | None:
    """The condition to refer for: an active primary cancer, else a secondary one, else a history of cancer."""
    secondary = {fact.source for fact in snapshot.having("vs.cancer_secondary")}
    active = [fact for fact in snapshot.having("vs.cancer", "vs.cancer_secondary") if _now(snapshot, fact)]
    primary = [fact for fact in active if fact.source not in secondary]
    return _first(primary) or _first(active) or _survivor(snapshot, site)


def _survivor(snapshot: PatientSnapshot, site: SitePolicy) -> Fact | None:
    """A history of cancer that is not too old, or that left a late effect."""
    past = [
        fact
        for fact in snapshot.having("vs.cancer", "vs.cancer_history")
        if fact.confirmed
        and (fact.start is None or fact.start.earliest <= snapshot.as_of)
        and (fact.value_set == "vs.cancer_history" or fact.state == "history")
    ]
    if any(_now(snapshot, fact) for fact in snapshot.having(*_LATE_EFFECTS)):
        return _first(past)
    return _first(fact for fact in past if _years_ago(snapshot, fact) <= site.survivor_years)


def _years_ago(snapshot: PatientSnapshot, fact: Fact) -> float:
    """Years since the history of cancer was last noted; 0 without a date."""
    when = fact.end or fact.start
    return 0.0 if when is None else (snapshot.as_of - when.latest).days / 365.25


def _other(snapshot: PatientSnapshot, site: SitePolicy) -> Fact | None:
    names = [name for population in sorted(site.populations) for name in POPULATIONS.get(population, ())]
    return _first(fact for fact in snapshot.having(*names) if _now(snapshot, fact) or _operated_lately(snapshot, fact))


def _operated_lately(snapshot: PatientSnapshot, fact: Fact) -> bool:
    """A joint replacement or bypass of the last year: over as a procedure, and the reason to exercise."""
    if fact.kind != "procedure" or fact.start is None or fact.start.earliest > snapshot.as_of:
        return False
    return fact.confirmed and fact.state != "planned" and _years_ago(snapshot, fact) <= 1


def _first(facts: Iterable[Fact]) -> Fact | None:
    return next(iter(facts), None)


def _without_condition(snapshot: PatientSnapshot) -> Eligibility:
    if "conditions" in snapshot.unread:
        return Eligibility(None, N_("The conditions could not be read"))
    if any(not fact.confirmed for fact in snapshot.having("vs.cancer", "vs.cancer_secondary")):
        return Eligibility(False, N_("The cancer is not confirmed"))
    if snapshot.facts.get("vs.cancer_history") or snapshot.facts.get("vs.cancer"):
        return Eligibility(False, N_("The history of cancer is older than the service covers"))
    return Eligibility(False, N_("No cancer or other condition that the service covers"))
