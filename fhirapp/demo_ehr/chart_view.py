"""A chart as a person reads it: plain values for the page, taken leniently from FHIR."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fhirapp.demo_ehr.chart_codes import QUESTIONS
from fhirapp.demo_ehr.chart_words import capitalised, display_of, label_of, listed_name_of, measured, name_of, value_of
from fhirapp.demo_ehr.compartment import patients_of
from fhirapp.demo_ehr.loader import patients_in
from fhirapp.demo_ehr.parameters import walk
from fhirapp.demo_ehr.periods import span_of_element
from fhirapp.demo_ehr.settings import DemoSettings, Resource
from fhirapp.demo_ehr.store import Store
from fhirapp.demo_ehr.written_view import is_ours
from mappings.canonical import SAFETY_QUESTIONS

_SHOWN_EARLIER = 3
_GROUPS = {
    "laboratory": "Laboratory",
    "vital-signs": "Vital signs",
    "exam": "Tests and function",
    "procedure": "Tests and function",
    "survey": "Questionnaires",
    "activity": "Activity",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who the chart is about, as the banner shows it."""

    patient_id: str
    name: str
    listed: str  # family name first
    born: date | None
    age: int | None
    sex: str
    number: str
    language: str
    deceased: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list: what, more about it, since or at when."""

    text: str
    more: str = ""
    at: datetime | None = None
    status: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One kind of result: the latest value, and some earlier ones."""

    name: str
    latest: Line
    earlier: tuple[Line, ...]
    listing: bool = False  # a line that names several tests, not one value


@dataclass(frozen=True, slots=True)
class ChartView:
    """Everything that the chart page shows of the record itself."""

    person: Person
    problems: tuple[Line, ...]
    medication: tuple[Line, ...]
    given: tuple[Line, ...]
    procedures: tuple[Line, ...]
    results: tuple[tuple[str, tuple[Result, ...]], ...]  # group and its results
    answers: Line | None
    visits: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One patient in the list."""

    person: Person
    problem: str
    story: str
    referral: str  # status of the newest referral, empty without one


def rows(store: Store, settings: DemoSettings, today: date) -> list[Row]:
    """The patient list."""
    main: dict[str, Resource] = {}
    for condition in store.every("Condition"):
        for patient in patients_of(condition):
            if patient not in main or _weight(condition) > _weight(main[patient]):
                main[patient] = condition
    referrals = {
        patient: request["status"]
        for request in store.every("ServiceRequest")
        if is_ours(request) and request.get("status")
        for patient in patients_of(request)
    }
    return [
        Row(
            person_of(patient, today),
            label_of(main[patient["id"]].get("code")) if patient["id"] in main else "",
            settings.stories.get(patient["id"], ""),
            referrals.get(patient["id"], ""),
        )
        for patient in patients_in(store)
    ]


def chart_view(store: Store, patient_id: str, today: date) -> ChartView:
    """The chart of one patient. Raises 404."""
    person = person_of(store.read("Patient", patient_id), today)

    def mine(kind: str) -> list[Resource]:
        return store.every(kind, patient_id)

    return ChartView(
        person=person,
        problems=_newest(map(_problem, mine("Condition"))),
        medication=_newest(map(_order, mine("MedicationRequest"))),
        given=_newest(map(_administration, mine("MedicationAdministration")))[:6],
        procedures=_newest(map(_procedure, mine("Procedure")))[:8],
        results=_results(mine("Observation")),
        answers=_answers(mine("QuestionnaireResponse")),
        visits=_newest(map(_visit, mine("Encounter")))[:5],
    )


def person_of(patient: Resource, today: date) -> Person:
    """The patient as the banner shows them."""
    born = _day(patient.get("birthDate"))
    numbers = [str(one.get("value", "")) for one in patient.get("identifier") or ()]
    languages = [label_of(one.get("language")) for one in patient.get("communication") or ()]
    return Person(
        patient_id=patient["id"],
        name=name_of(patient),
        listed=listed_name_of(patient),
        born=born,
        age=_age(born, today),
        sex=str(patient.get("gender", "")),
        number=numbers[0] if numbers else "",
        language=languages[0] if languages else "",
        deceased=bool(patient.get("deceasedDateTime") or patient.get("deceasedBoolean")),
    )


def display_name(resource: Resource | None) -> str:
    """The name of a person, as "Dr Maren Lind"; empty without one."""
    return name_of(resource, titled=True) if resource else ""


def moment_of(resource: Mapping[str, Any], *names: str) -> datetime | None:
    """The first moment that is found in the named elements."""
    for name in names:
        for element in walk(resource, name.split(".")):
            if (span := span_of_element(element)) and span.start.year > 1:
                return span.start
    return None


def _results(observations: Sequence[Resource]) -> tuple[tuple[str, tuple[Result, ...]], ...]:
    series: dict[tuple[str, str], list[Line]] = {}
    for observation in observations:
        value = value_of(observation)
        if value and observation.get("status") not in ("entered-in-error", "cancelled"):
            at = moment_of(observation, "effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued")
            line = Line(value, at=at, status=str(observation.get("status", "")))
            series.setdefault((_group(observation), measured(observation)), []).append(line)
    grouped: dict[str, list[Result]] = {name: [] for name in dict.fromkeys(_GROUPS.values())}
    for (group, name), lines in series.items():
        latest, *earlier = _newest(lines)
        grouped.setdefault(group, []).append(Result(name, latest, tuple(earlier[:_SHOWN_EARLIER])))
    return tuple((group, _absent_together(results)) for group, results in grouped.items() if results)


def _absent_together(results: Sequence[Result]) -> tuple[Result, ...]:
    """Symptoms that were asked for on one day and are absent take one line, not twelve."""
    absent: dict[str, list[Result]] = {}
    for result in results:
        if result.latest.text == "no" and not result.earlier and result.latest.at:
            absent.setdefault(result.latest.at.date().isoformat(), []).append(result)
    gathered = {id(one) for together in absent.values() if len(together) > 1 for one in together}
    lines = [one for one in results if id(one) not in gathered]
    for together in absent.values():
        if len(together) > 1:
            names = ", ".join(one.name.lower() for one in together)
            lines.append(Result("Not present", Line(names, at=together[0].latest.at), (), listing=True))
    return tuple(lines)


def _answers(responses: Sequence[Resource]) -> Line | None:
    ours = [one for one in responses if str(one.get("questionnaire", "")).partition("|")[0] == SAFETY_QUESTIONS]
    if not ours:
        return None
    newest = max(ours, key=lambda one: str(one.get("authored", "")))
    yes = [
        QUESTIONS.get(str(item.get("linkId")), str(item.get("linkId")))
        for item in newest.get("item") or ()
        if any(answer.get("valueBoolean") for answer in item.get("answer") or ())
    ]
    text = "Yes to: " + " ".join(yes) if yes else "No to every question"
    return Line(text, at=moment_of(newest, "authored"), status=str(newest.get("status", "")))


def _problem(condition: Resource) -> Line:
    stage = " ".join(label_of(one.get("summary")) for one in condition.get("stage") or ())
    status = label_of(condition.get("clinicalStatus")) or ""
    return Line(
        label_of(condition.get("code")),
        stage,
        moment_of(condition, "onsetDateTime", "onsetPeriod", "recordedDate"),
        status,
    )


def _order(request: Resource) -> Line:
    dose = "; ".join(str(one.get("text", "")) for one in request.get("dosageInstruction") or () if one.get("text"))
    name = label_of(request.get("medicationCodeableConcept")) or display_of(request.get("medicationReference"))
    return Line(capitalised(name), dose, moment_of(request, "authoredOn"), str(request.get("status", "")))


def _administration(given: Resource) -> Line:
    name = label_of(given.get("medicationCodeableConcept")) or display_of(given.get("medicationReference"))
    dose = given.get("dosage") or {}
    return Line(capitalised(name), str(dose.get("text", "")), moment_of(given, "effectiveDateTime", "effectivePeriod"))


def _procedure(procedure: Resource) -> Line:
    return Line(label_of(procedure.get("code")), "", moment_of(procedure, "performedDateTime", "performedPeriod"))


def _visit(encounter: Resource) -> Line:
    kind = ", ".join(label_of(one) for one in encounter.get("type") or ())
    reason = ", ".join(label_of(one) for one in encounter.get("reasonCode") or ())
    return Line(kind or "Visit", reason, moment_of(encounter, "period"), str(encounter.get("status", "")))


def _group(observation: Resource) -> str:
    codes = (str(one) for one in walk(observation.get("category"), ["coding", "code"]))
    return next((_GROUPS[code] for code in codes if code in _GROUPS), "Other results")


def _newest(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda one: one.at.timestamp() if one.at else 0.0, reverse=True))


def _weight(condition: Resource) -> tuple[bool, bool]:
    """Cancer before others, active before past: what a list of cancer patients shows first."""
    codes = [str(one) for one in walk(condition, ["code", "coding", "code"])]
    cancer = any(code.startswith("C") for code in codes) or "cancer" in label_of(condition.get("code")).lower()
    active = "active" in [str(one) for one in walk(condition, ["clinicalStatus", "coding", "code"])]
    return cancer, active


def _day(text: Any) -> date | None:
    span = span_of_element(text)
    return span.start.date() if span else None


def _age(born: date | None, today: date) -> int | None:
    return None if born is None else today.year - born.year - ((today.month, today.day) < (born.month, born.day))
