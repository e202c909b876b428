"""The page on which the service's lead sees how far the estimates still fit: drift, groups, calibration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fhirapp.model_watch import FEWEST, Group, Watch, watch
from fhirapp.tenants import Tenant
from fhirapp.ui.navigator_pages import Queue
from models.booster import InstalledEstimators
from models.catalogue import SPECS
from models.drift import FEWEST as FEWEST_TO_COMPARE
from models.drift import LOOK, SCORE, SHIFTED, Drift
from models.features import FEATURES
from models.text import N_, Text

LAST: Final = 1000  # referrals
RATIO: Final = (0.70, 1.40)  # observed over expected outside it: somebody should look
_NAMES: Final = {
    "risk": N_("Risk"),
    "adherence": N_("Beginning to exercise"),
    "persistence": N_("Finishing the next course"),
    "attendance": N_("Days of exercise in the coming year"),
}
_GROUPS: Final = {
    "everybody": N_("Everybody"),
    "female": N_("Women"),
    "male": N_("Men"),
    "under 55": N_("Under 55"),
    "55-64": N_("55 to 64"),
    "65-74": N_("65 to 74"),
    "75 and over": N_("75 and over"),
}
_WORDS: Final = {
    "alike": N_("as in training"),
    "look": N_("look at it"),
    "shifted": N_("shifted"),
    "few": N_("too few to tell"),
}
_TONES: Final = {"alike": "plain", "look": "care", "shifted": "ask", "few": "plain"}


@dataclass(frozen=True, slots=True)
class Column:
    """One input, or the estimate itself, then and now."""

    drift: Drift
    name: Text
    word: Text
    tone: str


@dataclass(frozen=True, slots=True)
class Line:
    """One group of people, and whether its figures ask for somebody to look."""

    group: Group
    name: Text

    @property
    def odd(self) -> bool:
        """True when more or fewer had the outcome than was told, by much."""
        return self.group.ratio is not None and not RATIO[0] <= self.group.ratio <= RATIO[1]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One model on the page."""

    name: Text
    off: Text | None  # why it is not asked
    meaning: Text | None = None
    watch: Watch | None = None
    columns: tuple[Column, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def shifted(self) -> int:
        """How many inputs are far from those of the training."""
        return sum(column.drift.word == "shifted" for column in self.columns)


@dataclass(frozen=True, slots=True)
class ModelsPage:
    """The route."""

    queue: Queue

    def show(self, sid: str) -> ResponseReturnValue:
        """Every model of the service beside the people of its training; counts only, nobody's data."""
        page, tenant = self.queue.door.enter(sid)
        house = self.queue.house
        with house.sessions() as session:
            sheets = sheets_of(session, tenant, house.intake.estimators, house.clock())
        self.queue.door.saw(page, "models", None)
        return render_template(
            "models.html",
            **self.queue.frame(page, tenant),
            sheets=sheets,
            last=LAST,
            fewest=FEWEST,
            look=LOOK,
            far=SHIFTED,
            few=FEWEST_TO_COMPARE,
            ratio=RATIO,
        )


def sheets_of(session: Session, tenant: Tenant, estimators: object, now: datetime) -> tuple[Sheet, ...]:
    """What the page says of each model that this process uses, or why it uses none."""
    loaded = estimators.models if isinstance(estimators, InstalledEstimators) else {}
    found = []
    for name in SPECS:
        allowed = tenant.policy.risk_model if name == "risk" else tenant.policy.adherence_model
        if not allowed:
            found.append(Sheet(_NAMES[name], N_("Switched off in this hospital's settings: the rules decide alone.")))
        elif (model := loaded.get(name)) is None:
            found.append(Sheet(_NAMES[name], N_("Retired: the rules decide alone.")))
        else:
            told = watch(session, tenant.id, model.artifact, LAST, now)
            columns, lines = tuple(map(_column, told.drifts)), tuple(map(_line, told.groups))
            found.append(Sheet(_NAMES[name], None, model.artifact.meaning, told, columns, lines))
    return tuple(found)


def _column(drift: Drift) -> Column:
    name = N_("The estimate itself") if drift.name == SCORE else FEATURES[drift.name].label
    return Column(drift, name, _WORDS[drift.word], _TONES[drift.word])


def _line(group: Group) -> Line:
    return Line(group, _GROUPS[group.name])
