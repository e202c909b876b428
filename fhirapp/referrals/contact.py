"""How patients are reached: channels, outcomes, and when enough has been tried. Source: navigator.md section 4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import Final

from fhirapp.referrals.referral import ContactAttempt
from models.text import N_, Text

CHANNELS: Final[Mapping[str, Text]] = {
    "phone": N_("Phone"),
    "sms": N_("Text message"),
    "app": N_("App"),
    "email": N_("Email"),
    "letter": N_("Letter"),
    "in-person": N_("In person"),
    "video": N_("Video"),
    "proxy": N_("Through a recorded proxy"),
}
OUTCOMES: Final[Mapping[str, Text]] = {
    "reached": N_("Reached"),
    "call-back": N_("Asked to be called back"),
    "voicemail": N_("Voicemail"),
    "no-answer": N_("No answer"),
    "wrong-number": N_("Wrong number"),
    "message-read": N_("Message read"),
    "declined": N_("Said no"),
    "needs-interpreter": N_("Needs an interpreter"),
    "clinical-concern": N_("Clinical concern"),
    "deceased": N_("Has died"),
}
FAILED: Final = frozenset({"voicemail", "no-answer", "wrong-number", "needs-interpreter"})

NEEDED: Final = 4
WITHIN: Final = timedelta(days=14)
_EVENING: Final = 17  # o'clock
_SATURDAY: Final = 5

_AFTER: Final[Mapping[str, Text]] = {
    "reached": N_("Ask the safety questions if they are still open, then offer a programme."),
    "call-back": N_("Call back at the time agreed."),
    "voicemail": N_("Try again on another day, once by another channel and once in the evening or at a weekend."),
    "no-answer": N_("Try again on another day, once by another channel and once in the evening or at a weekend."),
    "wrong-number": N_("Ask the clinic for the right number, or write."),
    "message-read": N_("Give the patient a day, then call."),
    "declined": N_("Close the referral with the patient's reason. Nobody will ask again before its time."),
    "needs-interpreter": N_("Book an interpreter before the next try."),
    "clinical-concern": N_("Stop here and tell the clinician now. If it is urgent, use the emergency line."),
    "deceased": N_("Close the referral as died. All messages stop at once."),
}


def after(outcome: str) -> Text | None:
    """What to do next, after an attempt that ended so."""
    return _AFTER.get(outcome)


def failed(attempts: Sequence[ContactAttempt]) -> int:
    """How many attempts did not reach the patient."""
    return sum(attempt.outcome in FAILED for attempt in attempts)


def not_yet(attempts: Sequence[ContactAttempt], now: datetime, zone: tzinfo) -> tuple[Text, ...]:
    """What has to be tried before the patient counts as not reached; empty when enough was tried."""
    return tuple(_lacking(attempts, now, zone))


def _lacking(attempts: Sequence[ContactAttempt], now: datetime, zone: tzinfo) -> Iterator[Text]:
    days = {attempt.at.astimezone(zone).date() for attempt in attempts}
    if len(days) < NEEDED:
        yield N_("tries on {count} more days", count=NEEDED - len(days))
    if len({attempt.channel for attempt in attempts}) < 2:
        yield N_("a second channel")
    if not any(_out_of_hours(attempt.at.astimezone(zone)) for attempt in attempts):
        yield N_("one try in the evening or at a weekend")
    if attempts and now < attempts[0].at + WITHIN:
        yield N_("two weeks since the first try")


def _out_of_hours(local: datetime) -> bool:
    return local.weekday() >= _SATURDAY or local.hour >= _EVENING


def tried_today(attempts: Sequence[ContactAttempt], now: datetime, zone: tzinfo) -> bool:
    """True when there was a try today already: one a day is enough."""
    today = now.astimezone(zone).date()
    return any(attempt.at.astimezone(zone).date() == today for attempt in attempts)
