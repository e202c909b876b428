"""The six safety questions in words that can be read out, and the answers as a QuestionnaireResponse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from mappings.canonical import SAFETY_QUESTIONS
from models.text import N_, Text

YES, NO = "yes", "no"

# The wording is our own. Source of what is asked: conventions.md section 1, rules.md CAR-01, CAR-13, HEM-05, HEM-15.
WORDS: Final[Mapping[str, Text]] = {
    "chest-pain": N_("In the last two weeks, have you had pain, pressure or tightness in your chest?"),
    "syncope": N_("In the last month, have you fainted or blacked out?"),
    "new-dyspnoea": N_("Are you short of breath in a way that is new, or worse than it was?"),
    "back-red-flags": N_(
        "Do you have new or strong back pain, weak or numb legs, or new trouble with bladder or bowel?"
    ),
    "bleeding": N_("In the last week, have you had bleeding that was unusual or hard to stop?"),
    "fever": N_("In the last three days, have you had a temperature of 38 °C or more, or shivering?"),
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What was ticked: every question with yes, no or nothing."""

    said: Mapping[str, bool | None]

    @property
    def missing(self) -> tuple[str, ...]:
        """The questions without an answer."""
        return tuple(name for name, answer in self.said.items() if answer is None)

    @property
    def positive(self) -> tuple[str, ...]:
        """The questions answered with yes."""
        return tuple(name for name, answer in self.said.items() if answer)


def answers_in(form: Mapping[str, str]) -> Answers:
    """The answers of a submitted form; anything but a plain yes or no is no answer."""
    words = {YES: True, NO: False}
    return Answers({name: words.get(form.get(name, "")) for name in WORDS})


def response_of(answers: Answers, *, patient_id: str, author: str, at: datetime) -> dict[str, Any]:
    """The answers as a QuestionnaireResponse of the patient, authored by the person who asked."""
    return {
        "resourceType": "QuestionnaireResponse",
        "id": str(uuid4()),
        "questionnaire": SAFETY_QUESTIONS,
        "status": "completed",
        "subject": {"reference": f"Patient/{patient_id}"},
        "authored": at.isoformat(timespec="seconds"),
        "author": {"reference": author},
        "source": {"reference": f"Patient/{patient_id}"},
        "item": [
            {"linkId": name, "text": str(WORDS[name]), "answer": [{"valueBoolean": bool(answer)}]}
            for name, answer in answers.said.items()
        ],
    }
