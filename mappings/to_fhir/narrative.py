"""The plan in plain words for the patient, as XHTML."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape

from mappings.to_fhir.codes import Json
from mappings.to_fhir.dose import Dose
from models.text import N_, Text

Gettext = Callable[[str], str]

_LIGHT_UP_TO = 11  # Borg 6-20
_MODERATE_UP_TO = 13


def narrative(dose: Dose, gettext: Gettext | None = None) -> Json:
    """The FHIR Narrative of a plan; every value in it is escaped."""
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{"".join(_sections(dose, gettext))}</div>',
    }


def effort_in_words(rpe_max: int | None) -> Text:
    """How hard it should feel, by the talk test. Source: prescription.md section 7."""
    if rpe_max is None or rpe_max <= _LIGHT_UP_TO:
        return N_("It should feel light: you can talk easily all the time.")
    if rpe_max <= _MODERATE_UP_TO:
        return N_("It should feel a little hard: you breathe faster, but you can still talk in full sentences.")
    return N_("It may feel hard for short times: you can speak only a few words before you need a breath.")


def dose_in_words(dose: Dose) -> tuple[Text, ...]:
    """What to do in the first week, one sentence each."""
    lines = []
    if dose.minutes_per_week:
        lines.append(
            N_(
                "Move on {days} days a week, for {minutes} minutes each time.",
                days=dose.days,
                minutes=dose.minutes,
            )
        )
        lines.append(effort_in_words(dose.rpe_max))
    if dose.strength_days:
        lines.append(
            N_(
                "Do strength exercises on {days} days a week: {sets} rounds of {repetitions} repeats.",
                days=dose.strength_days,
                sets=dose.sets,
                repetitions=dose.repetitions,
            )
        )
    return tuple(lines)


def _sections(dose: Dose, gettext: Gettext | None) -> Iterator[str]:
    def say(text: Text) -> str:
        return escape(text.render(gettext))

    yield f"<h2>{say(N_('Your exercise plan'))}</h2>"
    yield f"<p>{say(N_('Start with this. Your exercise team will go through it with you first.'))}</p>"
    yield _list(say(line) for line in dose_in_words(dose))
    for title, lines in (
        (N_("Good ways to move"), dose.modes),
        (N_("Also helpful"), dose.other),
        (N_("Please take care"), _cares(dose)),
        (N_("Better stay away from"), dose.avoid),
        (N_("Stop and get help if"), dose.stop_rules),
    ):
        if lines:
            yield f"<h3>{say(title)}</h3>{_list(say(line) for line in lines)}"
    if dose.progression.msgid:
        yield f"<h3>{say(N_('What comes next'))}</h3><p>{say(dose.progression)}</p>"
    yield f"<p>{say(N_('You can say no or change your mind at any time. Your care stays the same.'))}</p>"


def _cares(dose: Dose) -> tuple[Text, ...]:
    """The limits that are not said elsewhere: a patient needs the number once, in the dose itself."""
    elsewhere = [*dose.avoid, *dose.in_numbers, *dose.modes, *dose.other]
    return tuple(cap for cap in dose.caps if cap not in elsewhere)


def _list(items: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"
