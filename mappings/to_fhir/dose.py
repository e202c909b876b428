"""The prescription of a summary, as the writers need it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from mappings.to_fhir.codes import Json
from models.summary import text_from
from models.text import Text

_DEFAULT_WEEKS: Final = 12  # the length of a plan that does not say
_AVOID: Final = frozenset({"avoid"})
_NUMBERS: Final = frozenset({"rpe_max", "rpe_min", "minutes_max", "volume_factor", "days_max"})


@dataclass(frozen=True, slots=True)
class Dose:
    """The first week's dose and what belongs to it."""

    days: int  # aerobic days a week; 0: none
    minutes: int  # aerobic minutes a session
    rpe_min: int | None  # Borg 6-20
    rpe_max: int | None
    modes: tuple[Text, ...]
    strength_days: int  # 0: none
    sets: str  # "1-2"
    repetitions: str  # "8-15"
    load: Text
    other: tuple[Text, ...]
    progression: Text
    caps: tuple[Text, ...]  # every limit, as the rules say it
    avoid: tuple[Text, ...]  # those of them that name something to stay away from
    in_numbers: tuple[Text, ...]  # those that only bound a number of the dose
    stop_rules: tuple[Text, ...]
    weeks: int

    @property
    def minutes_per_week(self) -> int:
        """Aerobic minutes in the first week."""
        return self.days * self.minutes


def dose_of(summary: Mapping[str, Any]) -> Dose | None:
    """The dose in a summary; `None` when it has none."""
    plan = summary.get("prescription")
    if not plan:
        return None
    aerobic, strength = plan.get("aerobic") or {}, plan.get("resistance") or {}
    intensity = aerobic.get("intensity") or {}
    sets = (strength.get("sets_min") or 0, strength.get("sets_max") or 0)
    return Dose(
        days=aerobic.get("days_per_week") or 0,
        minutes=aerobic.get("minutes") or 0,
        rpe_min=intensity.get("rpe_min"),
        rpe_max=intensity.get("rpe_max"),
        modes=_texts(aerobic.get("modes")),
        strength_days=(strength.get("days_per_week") or 0) if sets[1] else 0,
        sets=f"{sets[0]}" if sets[0] == sets[1] else f"{sets[0]}–{sets[1]}",
        repetitions=str(strength.get("repetitions") or ""),
        load=_named(strength, "load"),
        other=_texts(plan.get("other")),
        progression=_named(plan, "progression"),
        caps=_texts(plan.get("caps")),
        avoid=_caps_of_kind(summary, plan, _AVOID),
        in_numbers=_caps_of_kind(summary, plan, _NUMBERS),
        stop_rules=_texts(plan.get("stop_rules")),
        weeks=_weeks_of(plan),
    )


def _caps_of_kind(summary: Mapping[str, Any], plan: Mapping[str, Any], kinds: frozenset[str]) -> tuple[Text, ...]:
    """The plan's caps of some kinds; the kind stands with the finding that set the cap."""
    found = (cap for finding in summary.get("findings", ()) for cap in finding.get("caps", ()))
    wanted = [_text(cap) for cap in found if cap.get("kind") in kinds]
    return tuple(cap for cap in _texts(plan.get("caps")) if cap in wanted)


def plan_end(summary: Mapping[str, Any], start: date) -> date:
    """The last day of the plan that a summary describes."""
    return start + timedelta(weeks=_weeks_of(summary.get("prescription") or {}))


def _weeks_of(plan: Mapping[str, Any]) -> int:
    return plan.get("weeks") or _DEFAULT_WEEKS


def period(summary: Mapping[str, Any], start: date) -> Json:
    """The plan's Period."""
    return {"start": start.isoformat(), "end": plan_end(summary, start).isoformat()}


def _texts(items: Iterable[Any] | None) -> tuple[Text, ...]:
    return tuple(text for item in items or () if (text := _text(item)).msgid)


def _named(place: Mapping[str, Any], name: str) -> Text:
    """The text `name`; a summary has what it takes to translate it beside it."""
    return _text(place.get(f"{name}_msg") or place.get(name))


def _text(item: Any) -> Text:
    if isinstance(item, Mapping):
        return text_from(item) if "msgid" in item else Text(str(item.get("text") or ""))
    return Text(str(item or ""))
