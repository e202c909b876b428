"""People of a made-up hospital: what is true of them, and what became of them by coefficients that are known."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

# Log-odds of death within five years: one unit of each feature of models/features.py. Everything else does nothing.
DEATH: Final[Mapping[str, float]] = MappingProxyType(
    {"age_years": 0.08, "smoking": 0.5, "dx_heart_failure": 1.2, "mobility_limitation": 1.4, "sex_female": -0.6}
)
DEATH_AT_60: Final = -2.6  # log-odds of a man of 60 with none of these
UPTAKE: Final[Mapping[str, float]] = MappingProxyType({"mobility_limitation": -1.2, "self_rated_health": -0.5})
UPTAKE_BASE: Final = 1.6
# Log-odds of death within one year: those of five years, and this.
DEATH_IN_A_YEAR: Final = -1.6
# Signs of decline come at a steady rate, so that from any landmark on the odds are the same: log of signs a day.
DECLINE: Final[Mapping[str, float]] = MappingProxyType(
    {"mobility_limitation": 1.0, "walking_aid": 0.7, "smoking": 0.35, "dx_heart_failure": 0.8}
)
DECLINE_BASE: Final = -6.9
# Log-odds of coming to one session. How keen somebody is stands in no chart: attendance alone shows it.
SESSION: Final[Mapping[str, float]] = MappingProxyType({"keenness": 1.3, "mobility_limitation": -0.6})
SESSION_BASE: Final = 1.2
SESSION_DAYS: Final = tuple(7 * week + day for week in range(12) for day in (0, 3))
FOLLOWED: Final = 330  # days over which decline is made up

_FIRST: Final = datetime(2010, 1, 4, 9, 0, tzinfo=UTC)
_DAYS: Final = 8 * 365  # over which people are referred


@dataclass(frozen=True, slots=True)
class Person:
    """One made-up patient: what is true of them, and what became of them."""

    id: str
    index: datetime
    truth: Mapping[str, float]
    died: bool
    died_in_a_year: bool
    took_up: bool
    birthday: int  # days since the last one, on the index day
    start_day: int  # of the programme, after the index day
    death_day: int  # after the index day; means nothing of who is alive
    attends: tuple[bool, ...]  # each planned session; empty for who never began
    declines: tuple[int, ...]  # days after the index day


def log_odds_of_death(truth: Mapping[str, float]) -> float:
    """The true log-odds of death within five years."""
    rest = sum(weight * truth[name] for name, weight in DEATH.items() if name != "age_years")
    return DEATH_AT_60 + DEATH["age_years"] * (truth["age_years"] - 60) + rest


def log_odds_of_decline(truth: Mapping[str, float], days: int) -> float:
    """The true log-odds of at least one sign of decline within so many days of any landmark."""
    quiet = math.exp(-_decline_rate(truth) * days)
    return math.log((1 - quiet) / quiet)


def chance_of_session(truth: Mapping[str, float]) -> float:
    """The true probability of coming to one planned session."""
    return 1 / (1 + math.exp(-SESSION_BASE - sum(weight * truth[name] for name, weight in SESSION.items())))


def people(count: int, seed: int) -> list[Person]:
    """Made-up patients; the same seed makes the same ones."""
    dice = random.Random(seed)  # noqa: S311 - nothing here is a secret
    return [_person(dice, number) for number in range(count)]


def _person(dice: random.Random, number: int) -> Person:
    truth = {
        "age_years": float(dice.randint(42, 79)),
        "sex_female": float(dice.random() < 0.5),
        "smoking": float(dice.choice((0, 0, 0, 1, 1, 2))),
        "dx_heart_failure": float(dice.random() < 0.12),
        "dx_diabetes": float(dice.random() < 0.2),
        "mobility_limitation": float(dice.random() < 0.3),
        "self_rated_health": float(dice.randint(1, 5)),
        "weight_kg": round(dice.gauss(78, 14), 1),
        "height_cm": round(dice.gauss(169, 9), 1),
        "walking_aid": float(dice.random() < 0.15),
        "keenness": dice.gauss(0, 1),
    }
    truth["course_finished"] = float(_happens(dice, truth["keenness"]))
    uptake = UPTAKE_BASE + sum(weight * truth[name] for name, weight in UPTAKE.items())
    log_odds = log_odds_of_death(truth)
    died = _happens(dice, log_odds)
    at_once = died and dice.random() < _chance(log_odds + DEATH_IN_A_YEAR) / _chance(log_odds)
    took_up = _happens(dice, uptake)
    return Person(
        id=f"synth-{number}",
        index=_FIRST + timedelta(days=dice.randrange(_DAYS), minutes=dice.randrange(400)),
        truth=truth,
        died=died,
        died_in_a_year=at_once,
        took_up=took_up,
        birthday=dice.randint(10, 350),
        start_day=dice.randint(3, 55),
        death_day=dice.randint(65, 364) if at_once else dice.randint(367, 5 * 365),
        attends=tuple(dice.random() < chance_of_session(truth) for _ in SESSION_DAYS) if took_up else (),
        declines=tuple(_steady(dice, _decline_rate(truth))),
    )


def _decline_rate(truth: Mapping[str, float]) -> float:
    return math.exp(DECLINE_BASE + sum(weight * truth[name] for name, weight in DECLINE.items()))


def _steady(dice: random.Random, rate: float) -> Iterator[int]:
    """The days of signs that come at a steady rate."""
    day = dice.expovariate(rate)
    while day < FOLLOWED:
        yield int(day) + 1
        day += dice.expovariate(rate)


def _chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def _happens(dice: random.Random, log_odds: float) -> bool:
    return dice.random() < _chance(log_odds)
