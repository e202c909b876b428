"""What a rule says when it fires."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from models.quick import quick_to_make
from models.text import Text


class Effect(IntEnum):
    """What a finding does, in order of precedence. Source: rules.md section 1."""

    INFO = 0  # shown, no effect on the dose
    MOD = 1  # release with a cap on the prescription
    SUP = 2  # at least the stated supervision
    CLEAR = 3  # a named clinician must clear it first
    HOLD = 4  # nothing is released
    HOLD_E = 5  # emergency: nothing is released, clinician and on-call are told at once

    @property
    def label(self) -> str:
        """The name as the rule tables write it: `HOLD-E`."""
        return self.name.replace("_", "-")


@quick_to_make
@dataclass(frozen=True, slots=True)
class Evidence:
    """One value that a finding rests on, as page and card cite it."""

    name: str  # alias or value set
    value: str  # "8", "<10", "yes", "Secondary malignant neoplasm of bone"
    unit: str  # "10*9/L"; "" where there is none
    date: str  # "2026-11-20"; "" where unknown
    source: str  # "Observation/123"; "" for derived values
    status: str = "final"


@quick_to_make
@dataclass(frozen=True, slots=True)
class Cap:
    """A hard limit that a finding puts on the prescription."""

    kind: str  # "rpe_max", "minutes_max", "volume_factor", "resistance", "mode", "avoid", "place", "note"
    value: float | str
    text: Text


@quick_to_make
@dataclass(frozen=True, slots=True)
class Finding:
    """One fired rule."""

    rule: str  # "HEM-01"
    effect: Effect
    text: Text  # what it means, in one plain sentence
    inputs: tuple[Evidence, ...] = ()
    min_supervision: int = 0  # 0 self-managed .. 4 medically supervised
    caps: tuple[Cap, ...] = ()
    scope: str = "plan"  # "plan", "day", "region", "above-functional", "moderate-plus"
    missing: bool = False  # it fired because something is missing or stale, not because it is abnormal
    task: Text | None = None  # what somebody should do: "obtain a blood count"
    needs_review: bool = False  # its source table says that it is unconfirmed
    source: str = ""  # evidence tags of the row
