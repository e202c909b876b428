"""What a text message from a patient means. A no is heard in many spellings, a yes only in one.

Source: pathway.md section 4; navigator.md section 6 (free text goes to a human, words of symptoms make it urgent).
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final


class Meaning(StrEnum):
    """What was said."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    UNKNOWN = "unknown"  # a person reads it; never a yes, never a no


# English and German; the same words wherever they come from, since a patient may answer in either.
_STOP: Final = frozenset({"stop", "stopp", "stopall", "unsubscribe", "abmelden", "stoppen"})
_NO: Final = frozenset(
    {
        "no", "nein", "end", "ende", "quit", "cancel", "no thanks", "no thank you", "nein danke", "arret", "stop all",
        "opt out", "optout", "nicht mehr", "kein interesse", "not interested", "no more",
    }
)  # fmt: skip
_START: Final = frozenset({"start", "unstop", "starten", "please start", "bitte start"})
_HELP: Final = frozenset({"help", "info", "hilfe"})
_NOT: Final = frozenset({"not", "dont", "don", "never", "nicht", "kein", "keine", "nie"})
_SYMPTOMS_BEGIN: Final = (
    "pain", "chest", "breath", "bleed", "blood", "faint", "dizz", "fever", "collaps", "ambulance", "emergenc",
    "suicid", "dying", "swollen", "stroke", "schmerz", "brust", "atem", "luftnot", "blut", "ohnm", "schwind", "fieber",
    "gestürzt", "sturz", "notarzt", "notfall", "sterben", "geschwoll",
)  # fmt: skip
_SYMPTOMS: Final = frozenset({"fell", "numb", "weak", "heart", "herz", "taub", "schwach", "luft"})


def meaning_of(text: str) -> Meaning:
    """What the words mean. One that could be both is for a person."""
    words = _words(text)
    whole, each = " ".join(words), set(words)
    if whole in _START:
        return Meaning.START
    if whole in _HELP:
        return Meaning.HELP
    if whole in _NO or (each & _STOP and not each & (_NOT | _START)):
        return Meaning.STOP
    return Meaning.UNKNOWN


def names_a_symptom(text: str) -> bool:
    """True when a person should read it at once."""
    return any(word in _SYMPTOMS or word.startswith(_SYMPTOMS_BEGIN) for word in _words(text))


def _words(text: str) -> list[str]:
    """Lower-case words without punctuation, emoji and accents' encodings; `S T O P` is one word."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    words = re.findall(r"\w+", plain)
    if len(words) > 2 and all(len(word) == 1 for word in words):
        return ["".join(words)]
    return words
