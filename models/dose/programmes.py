"""The five programmes of the literature as templates, and whom each fits. Source: seeds.md rows 38 to 42.

A template is an orientation for the exercise professional beside the plan; it never raises a number of the plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from models.decision import Assessment
from models.dose.equity import wishes_of
from models.text import N_, Text


@dataclass(frozen=True, slots=True)
class Template:
    """One named programme: dose, length, and for whom it was tried."""

    key: str
    name: Text
    days: tuple[int, int]
    minutes: tuple[int, int]
    intensity: Text
    strength: Text
    weeks: int
    fits: Callable[[Assessment], bool]


def _obese_womb_cancer(found: Assessment) -> bool:
    bmi = found.snapshot.latest("bmi")
    obese = bmi is not None and not isinstance(bmi.value, str) and bmi.value >= 30
    return obese and any(fact.code.startswith("C54") for fact in found.snapshot.having("vs.cancer"))


def _remote(found: Assessment) -> bool:
    return any(word in ("telehealth", "app", "remote") for word in wishes_of(found.snapshot))


def _rural(found: Assessment) -> bool:
    return "rural" in wishes_of(found.snapshot)


def _centre(found: Assessment) -> bool:
    return found.phase in ("P2", "P6") and found.min_supervision in (2, 3)


TEMPLATES: Final[tuple[Template, ...]] = (
    Template(
        "endometrial-walking",
        N_("Walking after endometrial cancer"),
        (5, 5),
        (30, 45),
        N_("effort 11 to 13 of 20"),
        N_("none"),
        12,
        _obese_womb_cancer,
    ),
    Template(
        "tele-prehabilitation",
        N_("Prehabilitation by video before chest or abdominal surgery"),
        (3, 5),
        (20, 30),
        N_("60 to 70 % of the greatest heart rate"),
        N_("15 to 20 minutes on 2 to 3 days, bands; breathing exercises"),
        4,
        lambda found: found.phase == "P1",
    ),
    Template(
        "dpex",
        N_("Exercise with a digital platform (DPEx)"),
        (3, 5),
        (30, 60),
        N_("40 to 60 % of the greatest oxygen uptake"),
        N_("as the plan"),
        12,
        _remote,
    ),
    Template(
        "power-rural",
        N_("Rural strength programme (POWER)"),
        (2, 3),
        (60, 60),
        N_("moderate aerobic effort"),
        N_("50 to 75 % of the greatest lift"),
        12,
        _rural,
    ),
    Template(
        "hybrid-centre",
        N_("Centre and home in turn (hybrid)"),
        (2, 3),
        (45, 60),
        N_("40 to 60 % of the heart-rate reserve, or effort 11 to 13 of 20"),
        N_("as the plan"),
        12,
        _centre,
    ),
)


def template_for(assessment: Assessment) -> Template | None:
    """The first named programme that fits the patient; `None` when none does."""
    return next((template for template in TEMPLATES if template.fits(assessment)), None)
