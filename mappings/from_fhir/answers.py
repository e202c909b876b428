"""Answers of people to our questionnaires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from mappings.canonical import PARQ_PLUS, SAFETY_QUESTIONS
from mappings.datatypes import Dates
from mappings.measures import observed
from mappings.structs import Answer, Item, QuestionnaireResponse
from models.inputs import SAFETY_QUESTIONS as QUESTIONS
from models.snapshot import Gap, Reading

# questionnaire -> linkId -> alias. Source: conventions.md section 1.
_LINKS: Final[Mapping[str, Mapping[str, str]]] = {
    SAFETY_QUESTIONS: {question: question for question in QUESTIONS},
    PARQ_PLUS: {
        **{str(number): f"parq-{number}" for number in range(1, 8)},
        "follow-up-clear": "parq-follow-up-clear",
        "health-changed": "parq-health-changed",
    },
}


class Answers:
    """Reads questionnaire responses into boolean readings, dated by `authored`."""

    def __init__(self, dates: Dates, faults: list[Gap]) -> None:
        self.dates, self.faults = dates, faults
        self.yes_no = observed().by_alias[QUESTIONS[0]].answers

    def read(self, responses: list[QuestionnaireResponse]) -> dict[str, list[Reading]]:
        """Alias -> readings, in no order."""
        found: dict[str, list[Reading]] = {}
        for response in responses:
            for reading in self.readings(response):
                found.setdefault(reading.alias, []).append(reading)
        return found

    def readings(self, response: QuestionnaireResponse) -> Iterator[Reading]:
        links = _LINKS.get((response.questionnaire or "").split("|")[0])
        if links is None or response.status not in ("completed", "amended"):
            return
        source = f"QuestionnaireResponse/{response.id}"
        when = self.dates.when(response.authored)
        if when is None:
            self.faults.append(Gap("answers", "missing", text="no date", source=source))
            return
        place = self.dates.place(when, None)
        if place == "future":
            self.faults.append(Gap("answers", "conflict", text="dated after the day of the chart", source=source))
        if place != "past":
            return
        for item in _flat(response.item, 20):
            alias = links.get(item.link_id or "")
            value = self.said(item.answer) if alias else None
            if alias and value is not None:
                yield Reading(
                    alias, value, "", when, f"{source}#{item.link_id}", patient_reported=_by_patient(response)
                )

    def said(self, answers: list[Answer] | None) -> bool | None:
        """Yes if any answer says yes; `None` when nothing was answered."""
        told = [self.one(answer) for answer in answers or ()]
        known = [value for value in told if value is not None]
        return any(known) if known else None

    def one(self, answer: Answer) -> bool | None:
        if answer.value_boolean is not None:
            return answer.value_boolean
        if answer.value_coding is not None:
            found = self.yes_no.get((answer.value_coding.system or "", answer.value_coding.code or ""))
            return None if found is None else bool(found)
        return None


def _flat(items: list[Item] | None, depth: int) -> Iterator[Item]:
    for item in items or ():
        yield item
        if depth:
            yield from _flat(item.item, depth - 1)


def _by_patient(response: QuestionnaireResponse) -> bool:
    author = response.source.reference if response.source else None
    if author is None:
        return False
    return "Patient/" in author or "RelatedPerson/" in author
