"""The page that says what a change in the record system means for a referral, from the table in the code."""

from __future__ import annotations

from collections.abc import Collection

from fhirapp.closed_loop.followed import AFTERWARDS
from fhirapp.closed_loop.meaning import MEANINGS, QUESTIONS, Meaning, meaning_of
from fhirapp.referrals.fhir_status import CARE_PLAN, FULFILMENT_TASK, NAVIGATOR_TASK, SERVICE_REQUEST
from fhirapp.referrals.status import CLOSED, NUMBER, OPEN, State

_TITLES = {
    SERVICE_REQUEST: "ServiceRequest, by clinicians",
    CARE_PLAN: "CarePlan, by clinicians",
    FULFILMENT_TASK: "Task of a programme (code fulfill)",
    NAVIGATOR_TASK: "Task of the navigators (code coordinate-referral)",
}


def ehr_changes_page(made: str) -> str:
    """The page."""
    parts = [
        f"# What a change in the record system means\n\n{made}\n"
        "Only what somebody else has written counts; a status that we wrote ourselves, or would write now, says "
        "nothing. The first row that fits the state of the referral is taken. Where no row fits, what the state asks "
        "for is written, except over a resource that somebody has ended: that stays ended.\n\n"
        "A reason that carries one of our codes (`docs/reference/opt-out-reasons.md`) or the SNOMED CT concept beside "
        "it is kept; a reason of the patient's makes a revoked request an opt-out. Referrals that have ended are "
        f"watched for {AFTERWARDS.days} days more.\n"
    ]
    head = "| new status | referral is | what follows | a person is asked |\n|---|---|---|---|"
    for kind, title in _TITLES.items():
        table = "\n".join(_line(row) for row in MEANINGS if row.kind == kind)
        parts.append(f"## {title}\n\n{head}\n{table}\n")
    parts.append(_PATIENT)
    questions = "\n".join(f"| `{name}` | {words} |" for name, words in QUESTIONS.items())
    parts.append(f"## Questions to a person\n\n| question | what the page says |\n|---|---|\n{questions}\n")
    return "\n".join(parts)


def _line(row: Meaning) -> str:
    states = [state for state in State if state in row.states and meaning_of(row.kind, row.status, state) is row]
    return f"| {row.status} | {_states(states)} | {_follows(row)} | {f'`{row.question}`' if row.question else ''} |"


def _states(states: Collection[State]) -> str:
    found = frozenset(states)
    if found >= frozenset(State) - {State.IDENTIFIED, State.ERROR}:
        return "any"
    for name, group in (("open", OPEN), ("ended", CLOSED)):
        if found == group:
            return name
    if len(found) > len(OPEN) // 2 and found <= OPEN:
        missing = ", ".join(NUMBER[state] for state in State if state in OPEN - found)
        return f"open, but not {missing}"
    return ", ".join(NUMBER[state] for state in states)


def _follows(row: Meaning) -> str:
    match row.effect:
        case "move":
            path = " → ".join(f"`{target.value}`" for _, target in row.steps)
            return f"{path}{f' ({row.code} without a reason)' if row.code else ''}"
        case "sign":
            return "the clinician's signature"
        case "hold":
            return "`held` until it is lifted there"
        case "lift":
            return "a hold that was put there ends; the chart is judged again"
        case "keep":
            return "nothing; it stays as it is there"
        case "ask":
            return "what we want is written all the same" if row.ours else "nothing by itself"


_PATIENT = """\
## Patient

| the record says | what follows | a person is asked |
|---|---|---|
| `deceasedBoolean` true, or `deceasedDateTime` past | `departed` with OO-DIED: messages and work stop | |
| `link` replaced-by one current record without a referral or a no | the referral goes on there, judged again | |
| replaced-by a record that has | `held` | `merged` |
| `active` false without a successor, several successors, a circle | `held` | `inactive` |
| current again after such a hold | the hold ends; the chart is judged again | |
| not dead any more | nothing by itself | `not-dead` |
| deleted | `held` | `gone` |

New entries of any type that a chart is made of have the referral judged again, whatever state it is in.
"""
