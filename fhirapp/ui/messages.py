"""What a page says after something was done: fixed words behind a short code, never text from an address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from models.text import N_, Text


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `tone` chooses colour and icon, the words say it all."""

    tone: Literal["ok", "warn", "stop"]
    text: Text
    more: tuple[Text, ...] = ()


STOP_NOW: Final = N_("Stop here: do not talk about exercise today.")
TELL: Final = N_("Tell the clinician now, and write down what the patient said.")
EMERGENCY: Final = N_(
    "If the patient has chest pain, is short of breath, bleeds or feels very ill at this moment, call the emergency "
    "number."
)

SAID: Final[Mapping[str, Message]] = {
    "claimed": Message("ok", N_("It is yours now. The clinician and the record system see that you are on it.")),
    "attempt": Message("ok", N_("The attempt is logged.")),
    "answers-no": Message("ok", N_("The answers are kept and the chart was judged again with them.")),
    "answers-yes": Message("stop", N_("The patient answered yes to a safety question."), (STOP_NOW, TELL, EMERGENCY)),
    "answers-yes-unjudged": Message(
        "stop",
        N_("The patient answered yes, and the record system did not answer: the chart is not judged yet."),
        (STOP_NOW, TELL, EMERGENCY),
    ),
    "answers-unjudged": Message(
        "warn",
        N_(
            "The answers are kept, but the record system did not answer. No programme can be offered before the chart "
            "is judged; press “Judge again” in a moment."
        ),
    ),
    "judged": Message("ok", N_("The chart was read and judged again.")),
    "offered": Message("ok", N_("The programme has been asked.")),
    "accept": Message("ok", N_("Booked. The programme takes it from here.")),
    "reject": Message("warn", N_("The programme said no. Offer another one; the patient has not opted out.")),
    "waitlist": Message("ok", N_("On the waiting list. Offer an alternative if it takes too long.")),
    "back": Message("ok", N_("Back to contacting the patient.")),
    "gave-up": Message("warn", N_("Kept as not reached for 30 days. Claim it again when the patient answers.")),
    "move-baseline": Message("ok", N_("Kept: the baseline is done.")),
    "move-enrol": Message("ok", N_("Kept: the sessions have begun. The plan is active in the record system.")),
    "move-pause": Message("ok", N_("Paused. Everything is on hold in the record system.")),
    "move-resume": Message("ok", N_("The sessions go on.")),
    "move-back_to_contact": Message("ok", N_("Back to contacting the patient.")),
    "move-transfer": Message("ok", N_("Choose the next programme now; the present one is told.")),
    "move-complete": Message("ok", N_("Completed. The service offers again after half a year.")),
    "move-discontinue": Message("ok", N_("Kept as stopped early.")),
    "move-depart": Message("ok", N_("Closed. All messages stop at once.")),
    "move-mark_error": Message("warn", N_("Marked as entered in error, here and in the record system.")),
    "again": Message(
        "ok", N_("Kept: the patient wants it. The chart is read, and a new referral is opened if it may be.")
    ),
    "left": Message("ok", N_("Kept: nothing more is offered now.")),
    "closed": Message("ok", N_("Closed. Nobody will contact the patient about this referral.")),
    "decided": Message("ok", N_("Noted. Where ours is to be written, that happens within moments.")),
    "settled": Message("ok", N_("Noted: you have seen to it.")),
    "moved": Message("warn", N_("Somebody else has moved this referral meanwhile. This is how it stands now.")),
    "held": Message("stop", N_("Not offered: a rule holds this referral."), (STOP_NOW, TELL)),
    "clearance": Message("warn", N_("Not offered: a clinician's clearance is missing.")),
    "answers": Message("warn", N_("Not offered: the safety questions have to be answered first.")),
    "supervision": Message("warn", N_("Not offered: this programme does not give enough supervision.")),
    "no-answer": Message(
        "warn", N_("The record system did not answer, so nothing was done. Please try again in a moment.")
    ),
    "unanswered": Message("warn", N_("All six questions need an answer. Nothing was kept yet.")),
    "choose": Message("warn", N_("Something was not chosen, so nothing was done.")),
    "notice-posted": Message("ok", N_("Kept as posted. The patient's time to say no begins when it can have come.")),
    "notice-told": Message("ok", N_("Kept. The patient's time to say no runs from when they were told.")),
    "notice-arrived": Message("ok", N_("Kept as sent.")),
    "notice-again": Message("ok", N_("It is sent again.")),
    "notice-phone": Message("ok", N_("It waits for a call now.")),
    "notice-moved": Message("warn", N_("Somebody else was faster. This is how it stands now.")),
    "reply-done": Message("ok", N_("Kept as dealt with.")),
    "alarm-seen": Message("ok", N_("Kept: you have seen the alarm. Nobody else is called.")),
    "not-yet": Message("warn", N_("Not enough was tried yet to count the patient as not reached.")),
}


def said_of(code: str) -> Message | None:
    """The message of a code; `None` for any other."""
    return SAID.get(code)
