"""What a plan changes for a person: phone, distance, language, time, age. Source: prescription.md section 10."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.snapshot import PatientSnapshot
from models.text import N_, Text

# A word of the wishes (`prefs`) -> the change in the plan.
WISHES: Final[dict[str, Text]] = {
    "no-phone": N_("Plan on paper, telephone calls, a paper diary; minutes and landmarks instead of steps"),
    "no-device": N_("Everything works without a tracker; one may be lent"),
    "shared-phone": N_("Short text messages only, nothing private on a shared phone"),
    "weak-network": N_("Pages that work offline, calls without picture"),
    "interpreter": N_("An interpreter at the first visit; the plan in your language"),
    "easy-language": N_("Short words, pictures, voice messages"),
    "women-only": N_("A women-only group"),
    "fasting": N_("Session times around prayer and fasting"),
    "rural": N_("Video with an assessment near home, visits bundled, a local gym as partner"),
    "low-income": N_("A plan that costs nothing: own body weight and bands"),
    "wheelchair": N_("A seated plan, pushing the wheelchair, no step counts"),
    "caring": N_("Blocks of ten minutes, evenings and weekends"),
    "shift-work": N_("Blocks of ten minutes, evenings and weekends"),
    "afraid": N_("A supervised first session, small steps, somebody who has been there"),
    "digital-help": N_("A call to set things up, a simple screen, paper as the way back"),
}
_LOW_DIGITAL: Final = 4
_OLD: Final = 75


def wishes_of(snapshot: PatientSnapshot) -> tuple[str, ...]:
    """The words of all wishes on file, newest first, each once."""
    return tuple(dict.fromkeys(word for wish in snapshot.series("prefs") for word in str(wish.value).split()))


def adaptations(snapshot: PatientSnapshot) -> Iterator[tuple[str, Text]]:
    """What the plan changes, and by which row; wishes first, then what age and digital confidence ask for."""
    for word in wishes_of(snapshot):
        if word in WISHES:
            yield f"table 10, {word}", WISHES[word]
    confidence = snapshot.latest("digital_access")
    if confidence is not None and not isinstance(confidence.value, str) and confidence.value < _LOW_DIGITAL:
        yield "table 10, digital access", WISHES["digital-help"]
    age = snapshot.age_years
    if age is not None and age >= _OLD:
        yield "table 10, 75 years and older", N_("Balance first, a chair at hand, a copy for the carer")
