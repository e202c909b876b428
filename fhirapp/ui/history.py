"""A referral's history as people read it; looks at the chart that changed nothing are left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fhirapp.closed_loop.meaning import EVENTS
from fhirapp.referrals.contact import CHANNELS, OUTCOMES
from fhirapp.referrals.reasons import REASONS
from fhirapp.referrals.referral import ReferralEvent
from fhirapp.referrals.status import LABELS, State
from fhirapp.ui.moves import PAUSES
from models.text import N_, Text

_WORDS: Final[Mapping[str, Text]] = {
    "assessed": N_("Chart read and judged"),
    "sign": N_("Signed"),
    "sign_by_standing_order": N_("Signed by standing order"),
    "clear": N_("Clearance recorded"),
    "decline": N_("Declined"),
    "enter_queue": N_("Sent to the navigators"),
    "opt_out": N_("Patient opted out"),
    "claim": N_("Claimed"),
    "contact_attempt": N_("Contact attempt"),
    "give_up": N_("Not reached"),
    "lost": N_("Not reached for 30 days: ended"),
    "answers": N_("Safety questions asked"),
    "offer": N_("Offered to a programme"),
    "programme_accept": N_("Programme said yes"),
    "programme_reject": N_("Programme said no"),
    "programme_waitlist": N_("Put on the waiting list"),
    "close": N_("Closed"),
    "ehr_hold": N_("Put on hold in the record system"),
    "ehr_lift": N_("Taken off hold in the record system"),
    "ehr_died": N_("Recorded as dead in the record system"),
    "ehr_settled": N_("Looked at in the record system"),
    "ehr_decided": N_("Disagreement with the record system decided"),
    "record_merged": N_("Moved to the record that stays"),
    "notice_sent": N_("Notice sent"),
    "notice_refused": N_("Notice not taken, another way is tried"),
    "notice_doubtful": N_("Notice may have been sent"),
    "notice_to_print": N_("Letter to post"),
    "notice_to_phone": N_("No way to send the notice: to be told by phone"),
    "notice_withdrawn": N_("Notice not sent"),
    "notice_posted": N_("Letter posted"),
    "notice_told": N_("Patient told"),
    "notice_arrived": N_("Notice has arrived"),
    "notice_again": N_("Notice sent again"),
    "notice_phone": N_("Notice: to be told by phone"),
    "baseline": N_("Baseline done"),
    "enrol": N_("Sessions begun"),
    "pause": N_("Paused"),
    "resume": N_("Goes on again"),
    "transfer": N_("To another programme"),
    "back_to_contact": N_("Back to contacting"),
    "complete": N_("Completed"),
    "discontinue": N_("Stopped early"),
    "depart": N_("Died or moved away"),
    "mark_error": N_("Marked as an error"),
    "reason_settled": N_("What could be offered at once was seen to"),
    "said_yes": N_("Patient said yes"),
    "not_told": N_("Does not go on: the patient has not been told yet"),
    "ask_again": N_("Wants to be asked again"),
    "alarm": N_("Alarm raised"),
    "alarm_confirmed": N_("Alarm confirmed"),
    "signature_needed": N_("Waits for a signature"),
    "standing_order_lapsed": N_("The standing order does not cover it"),
    **EVENTS,
}
_ROLES: Final = {
    "service": N_("Stride"),
    "clinician": N_("Clinician"),
    "patient": N_("Patient"),
    "navigator": N_("Navigator"),
    "programme": N_("Programme"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history."""

    at: datetime
    what: Text
    state: Text | None  # the new state, where it changed
    who: Text
    more: tuple[Text, ...]


def lines_of(events: Iterable[ReferralEvent]) -> list[Line]:
    """The lines, newest first."""
    return list(_lines(events))[::-1]


def _lines(events: Iterable[ReferralEvent]) -> Iterator[Line]:
    verdict = None
    for event in events:
        moved = event.state_before != event.state_after
        if event.action == "assessed":
            again = event.details.get("verdict") == verdict
            verdict = event.details.get("verdict")
            if again and not moved:
                continue
        yield Line(
            at=event.at,
            what=_WORDS.get(event.action, N_("{name}", name=event.action.replace("_", " ").replace(".", " "))),
            state=LABELS[State(event.state_after)] if moved else None,
            who=_who(event),
            more=tuple(_more(event.details)),
        )


def _who(event: ReferralEvent) -> Text:
    role = _ROLES.get(event.role, N_("{name}", name=event.role))
    if event.role in ("service", "patient") or not event.actor:
        return role
    return N_("{name}", name=event.actor_display or event.actor)


def _more(details: Mapping[str, Any]) -> Iterator[Text]:
    if (reason := details.get("reason")) in REASONS:
        yield REASONS[str(reason)].label
    if (why := details.get("why")) in PAUSES:
        yield PAUSES[str(why)]
    if details.get("on_word_of") == "programme":
        yield N_("told by the programme")
    if (channel := details.get("channel")) in CHANNELS:
        yield CHANNELS[str(channel)]
    if (outcome := details.get("outcome")) in OUTCOMES:
        yield OUTCOMES[str(outcome)]
    rules = details.get("rules") or details.get("holds")
    if rules:
        yield N_("{name}", name=", ".join(str(rule) for rule in rules))
