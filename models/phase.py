"""Which phase of treatment the patient is in; the base of the prescription."""

from __future__ import annotations

from typing import Final

from models.safety.view import View
from models.snapshot import Fact, PatientSnapshot
from models.text import N_, Text

PHASES: Final[dict[str, Text]] = {
    "P1": N_("before surgery or treatment"),
    "P2": N_("during chemotherapy"),
    "P3": N_("during or soon after radiotherapy"),
    "P4": N_("on immunotherapy, targeted or hormonal treatment"),
    "P5": N_("recovery after surgery"),
    "P6": N_("after treatment"),
    "P7": N_("advanced disease"),
    "N1": N_("without cancer"),
}

_RADIOTHERAPY_DAYS: Final = 42
_RECOVERY_DAYS: Final = 90
_EARLY_RECOVERY_DAYS: Final = 42
_TARGETED_DAYS: Final = 90
_PALLIATIVE_VISIT_DAYS: Final = 30


def phase_of(snapshot: PatientSnapshot, view: View | None = None) -> str:
    """`P1` to `P7`, or `N1` without cancer. Where two fit, the one with the more cautious base counts.

    Source: prescription.md section 2, column "How recognised".
    """
    seen = view or View(snapshot)
    if not any(snapshot.facts.get(name) for name in _CANCER):
        return "N1"
    if _advanced(seen):
        return "P7"
    if seen.recent("vs.surgery_major", _EARLY_RECOVERY_DAYS):
        return "P5"
    if seen.on_cytotoxic:
        return "P2"
    if seen.lately("vs.radiotherapy", _RADIOTHERAPY_DAYS):
        return "P3"
    if _planned_soon(seen):
        return "P1"
    if seen.recent("vs.surgery_major", _RECOVERY_DAYS):
        return "P5"
    return "P4" if _targeted(seen) else "P6"


_CANCER: Final = ("vs.cancer", "vs.cancer_secondary", "vs.cancer_history")


def _targeted(view: View) -> bool:
    """An antibody of the last 90 days; hormones or a kinase inhibitor (which `vs.qt` holds) now."""
    on_antibody = any(view.recent(name, _TARGETED_DAYS) for name in ("vs.ici", "vs.her2", "vs.vegf"))
    return on_antibody or any(view.present(fact) for name in ("vs.hormonal", "vs.qt") for fact in view.facts(name))


_PROGRESSION: Final = "worsened"  # as the reading calls SNOMED CT 271299001


def _advanced(view: View) -> bool:
    """Palliative intent or progression, together with reduced performance; or palliative care."""
    if any(view.present(fact) or _visited(view, fact) for fact in view.facts("vs.hospice")):
        return True
    drugs = ("vs.cytotoxic", "vs.ici", "vs.her2", "vs.vegf", "vs.radiotherapy", "vs.cancer")
    intent = any(
        "palliative" in fact.details.get("intent", "").casefold() for name in drugs for fact in view.facts(name)
    )
    status = any(r.value == _PROGRESSION for r in view.current("disease_status"))
    return (intent or status) and _reduced(view)


def _visited(view: View, fact: Fact) -> bool:
    """A visit of palliative care within the month, as CAC-03 counts it."""
    return fact.kind == "encounter" and view.is_late(fact, _PALLIATIVE_VISIT_DAYS)


def _reduced(view: View) -> bool:
    """ECOG of 2 and more, or Karnofsky of 60 and less."""
    ecog = any(_number(r.value) >= 2 for r in view.current("ecog"))
    return ecog or any(_number(r.value) <= 60 for r in view.current("kps"))


def _number(value: float | bool | str) -> float:
    return float("nan") if isinstance(value, str) else float(value)


def _planned_soon(view: View) -> bool:
    """Surgery or therapy planned in 7 to 60 days."""
    for name in ("vs.planned_surgery", "vs.planned_therapy"):
        for fact in view.snapshot.facts.get(name, ()):
            if fact.start is not None and 7 <= view.day(fact.start.earliest) - view.today <= 60:
                return True
    return False
