"""What patients are told, in full and as a text message. Nothing clinical stands here (pathway.md step 10).

Which language is used, and what is said about a translation that nobody has checked: decision 0050.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fhirapp.i18n import ENGLISH, PATIENTS, gettext_for, installed
from fhirapp.messages.settings import Messages
from models.text import N_, Text

REFERRAL, OPTED_OUT, REJOIN, HELP = "referral", "opted-out", "rejoin", "help"
IN_HOSPITAL: Final = "in-hospital"  # how a referral is worded to somebody who is told no day

_FULL: Final[Mapping[str, tuple[Text, Text]]] = {
    REFERRAL: (
        N_("{hospital}: an exercise programme for you"),
        N_(
            "Dear {name},\n\n"
            "your care team at {hospital} has referred you to our exercise service. Exercise that fits you can help "
            "you during and after treatment. It costs you nothing to talk to us.\n\n"
            "You need do nothing. An exercise navigator will contact you after {day}.\n\n"
            "You do not want this? One step is enough, and you need give no reason. Tell us ({contact}), or open this "
            "page:\n{link}\n\n"
            "Your other care stays exactly the same, whatever you choose. You can change your mind at any time.\n"
            "Questions: {contact}"
        ),
    ),
    IN_HOSPITAL: (
        N_("{hospital}: an exercise programme for you"),
        N_(
            "Dear {name},\n\n"
            "your care team at {hospital} has referred you to our exercise service. Exercise that fits you can help "
            "you during and after treatment. It costs you nothing to talk to us.\n\n"
            "You need do nothing. An exercise navigator will contact you when you have left hospital.\n\n"
            "You do not want this? One step is enough, and you need give no reason. Tell us ({contact}), or open this "
            "page:\n{link}\n\n"
            "Your other care stays exactly the same, whatever you choose. You can change your mind at any time.\n"
            "Questions: {contact}"
        ),
    ),
    OPTED_OUT: (
        N_("{hospital}: we have stopped your referral"),
        N_(
            "Dear {name},\n\n"
            "we have stopped your referral to the exercise service. Nobody will contact you about it, and your other "
            "care stays exactly the same.\n\n"
            "Should you change your mind, tell your care team or us ({contact})."
        ),
    ),
    REJOIN: (
        N_("{hospital}: we have your message"),
        N_(
            "Dear {name},\n\n"
            "thank you for coming back. Your care team looks at your referral to the exercise service again, and you "
            "will hear from us.\n\n"
            "Questions, or changed your mind? You reach us here: {contact}."
        ),
    ),
    HELP: (
        N_("{hospital}: how to reach the exercise service"),
        N_("Dear {name},\n\nyou reach the exercise service here: {contact}."),
    ),
}
_SHORT: Final[Mapping[str, Text]] = {
    REFERRAL: N_(
        "{hospital}: your care team has referred you to our exercise service. We contact you after {day}. "
        "Not for you? Reply STOP, or open {link} Questions: {phone}"
    ),
    IN_HOSPITAL: N_(
        "{hospital}: your care team has referred you to our exercise service. We contact you when you are home. "
        "Not for you? Reply STOP, or open {link} Questions: {phone}"
    ),
    OPTED_OUT: N_(
        "{hospital}: we have stopped your referral and send no more messages. Changed your mind? Reply START or call "
        "{phone}"
    ),
    REJOIN: N_(
        "{hospital}: thank you. Your care team looks at your referral again and you will hear from us. Reply STOP to "
        "stop. Questions: {phone}"
    ),
    HELP: N_(
        "{hospital}, exercise service. Reply STOP to stop, START to come back. Questions: {phone}. In an emergency "
        "call the emergency number."
    ),
}
UNCHECKED: Final = N_(
    "Nobody has checked this translation yet. If something is unclear, tell us ({contact}): we call you back with an "
    "interpreter."
)
INTERPRETER: Final = N_(
    "Do you need this in another language? Tell us which ({contact}): we call you back with an interpreter."
)
SOMEBODY: Final = N_("patient")

Values = Callable[[str], Mapping[str, str]]  # of a language: a day is written differently in each


@dataclass(frozen=True, slots=True)
class Worded:
    """The words of one message."""

    subject: str
    body: str
    language: str  # the first language of it


def catalogue_of(language: str) -> str:
    """The language of ours that answers to a tag; "" where we have none."""
    known = installed(PATIENTS)
    return next((tag for tag in (language.replace("-", "_"), language.split("-")[0].lower()) if tag in known), "")


def understood(language: str, messages: Messages) -> bool:
    """True when we have words in this language and somebody stands for them."""
    return bool(catalogue_of(language)) and messages.has_reviewed(language)


def in_full(kind: str, language: str, messages: Messages, values: Values, *, interpreter: bool = False) -> Worded:
    """The words for a letter or an e-mail.

    A language that nobody has checked is never alone: English comes first, then the translation with its mark.
    """
    subject, body = _FULL[_base(kind)]
    ours = catalogue_of(language)
    if ours and messages.has_reviewed(language):
        text = _said(body, ours, values)
        more = f"\n\n{_said(INTERPRETER, ours, values)}" if interpreter else ""
        return Worded(_said(subject, ours, values), text + more, ours)
    text = _said(body, ENGLISH, values)
    if ours:
        text = f"{text}\n\n* * *\n\n{_said(UNCHECKED, ours, values)}\n\n{_said(body, ours, values)}"
    else:
        text = f"{text}\n\n{_said(INTERPRETER, ENGLISH, values)}"
    return Worded(_said(subject, ENGLISH, values), text, ENGLISH)


def in_short(kind: str, language: str, values: Values) -> Worded:
    """The words of a text message: one language, one or two segments. Only for a language that is `understood`."""
    ours = catalogue_of(language)
    return Worded("", _said(_SHORT[_base(kind)], ours, values), ours)


def _base(kind: str) -> str:
    return kind.partition("/")[0]  # "help/2026-11-26"


def _said(text: Text, language: str, values: Values) -> str:
    return gettext_for(language, PATIENTS)(text.msgid).format(**values(language))


_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWICE: Final = frozenset("^{}\\[~]|€")


def segments(text: str) -> int:
    """How many text messages it takes. Source: 3GPP TS 23.038 (7-bit alphabet, else UCS-2) and TS 23.040."""
    if all(char in _GSM or char in _GSM_TWICE for char in text):
        length = len(text) + sum(char in _GSM_TWICE for char in text)
        return 1 if length <= 160 else -(-length // 153)
    length = len(text.encode("utf-16-be")) // 2
    return 1 if length <= 70 else -(-length // 67)
