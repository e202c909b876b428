"""A chart as a person reads it: plain values for the page, taken leniently from FHIR."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from fhirapp.demo_ehr.chart_codes import QUESTIONS
from fhirapp.demo_ehr.compartment import patients_of
from fhirapp.demo_ehr.loader import patients_in
from fhirapp.demo_ehr.parameters import walk
from fhirapp.demo_ehr.periods import span_of_element
from fhirapp.demo_ehr.settings import DemoSettings, Resource
from fhirapp.demo_ehr.store import Store
from fhirapp.demo_ehr.written_view import is_ours
from mappings.canonical import SAFETY_QUESTIONS

_SHOWN_EARLIER = 3
_PRESSURE = ("8480-6", "8462-4")  # systolic, diastolic
_GROUPS = {
    "laboratory": "Laboratory",
    "vital-signs": "Vital signs",
    "exam": "Tests and function",
    "procedure": "Tests and function",
    "survey": "Questionnaires",
    "activity": "Activity",
}
_SHORTER = {
    "777-3": "Platelets",
    "718-7": "Haemoglobin",
    "751-8": "Neutrophils",
    "6690-2": "White cells",
    "1988-5": "C-reactive protein",
    "1751-7": "Albumin",
    "38483-4": "Creatinine",
    "2823-3": "Potassium",
    "2947-0": "Sodium",
    "2951-2": "Sodium",
    "17861-6": "Calcium",
    "2345-7": "Glucose",
    "59408-5": "Oxygen saturation",
    "39156-5": "Body mass index",
    "10230-1": "Left ventricular ejection fraction",
    "64098-7": "Six-minute walk",
    "66247-8": "Sit to stand in 30 s",
    "89423-8": "Timed up and go",
    "83174-3": "Grip strength, right hand",
    "89555-7": "Active days a week",
    "68516-4": "Active minutes a day",
    "82290-8": "Active minutes a week",
    "82291-6": "Strength days a week",
    "85354-9": "Blood pressure",
    "89247-1": "ECOG performance status",
    "72514-3": "Pain, 0 to 10",
    "fatigue-nrs": "Fatigue, 0 to 10",
    "dyspnoea-mmrc": "Breathlessness, mMRC grade",
    "gi-ctcae": "Bowel symptoms, CTCAE grade",
    "swelling-new": "New swelling",
}
_UNITS = {
    "10*9/L": "×10⁹/L",
    "Cel": "°C",
    "kg/m2": "kg/m²",
    "mm[Hg]": "mmHg",
    "d/wk": "days",
    "min/d": "min",
    "min/wk": "min",
    "{count}": "",
    "{score}": "",
    "1": "",
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
            _label(main[patient["id"]].get("code")) if patient["id"] in main else "",
            settings.stories.get(patient["id"], ""),
            referrals.get(patient["id"], ""),
        )
        for patient in patients_in(store)
    ]


def chart_view(store: Store, patient_id: str, today: date) -> ChartView:
    """The chart of one patient. Raises 404."""
    person = person_of(store.read("Patient", patient_id), today)

    def mine(kind: str) -> list[Resource]:
        return [one for one in store.every(kind) if patient_id in patients_of(one)]

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
    languages = [_label(one.get("language")) for one in patient.get("communication") or ()]
    return Person(
        patient_id=patient["id"],
        name=_name(patient),
        listed=_listed(patient),
        born=born,
        age=_age(born, today),
        sex=str(patient.get("gender", "")),
        number=numbers[0] if numbers else "",
        language=languages[0] if languages else "",
        deceased=bool(patient.get("deceasedDateTime") or patient.get("deceasedBoolean")),
    )


def display_name(resource: Resource | None) -> str:
    """The name of a person, as "Dr Maren Lind"; empty without one."""
    return _name(resource, titled=True) if resource else ""


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
        value = _value(observation)
        if value and observation.get("status") not in ("entered-in-error", "cancelled"):
            at = moment_of(observation, "effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued")
            line = Line(value, at=at, status=str(observation.get("status", "")))
            series.setdefault((_group(observation), _observed(observation)), []).append(line)
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
    stage = " ".join(_label(one.get("summary")) for one in condition.get("stage") or ())
    status = _label(condition.get("clinicalStatus")) or ""
    return Line(
        _label(condition.get("code")),
        stage,
        moment_of(condition, "onsetDateTime", "onsetPeriod", "recordedDate"),
        status,
    )


def _order(request: Resource) -> Line:
    dose = "; ".join(str(one.get("text", "")) for one in request.get("dosageInstruction") or () if one.get("text"))
    name = _label(request.get("medicationCodeableConcept")) or _display(request.get("medicationReference"))
    return Line(_capitalised(name), dose, moment_of(request, "authoredOn"), str(request.get("status", "")))


def _administration(given: Resource) -> Line:
    name = _label(given.get("medicationCodeableConcept")) or _display(given.get("medicationReference"))
    dose = given.get("dosage") or {}
    return Line(_capitalised(name), str(dose.get("text", "")), moment_of(given, "effectiveDateTime", "effectivePeriod"))


def _procedure(procedure: Resource) -> Line:
    return Line(_label(procedure.get("code")), "", moment_of(procedure, "performedDateTime", "performedPeriod"))


def _visit(encounter: Resource) -> Line:
    kind = ", ".join(_label(one) for one in encounter.get("type") or ())
    reason = ", ".join(_label(one) for one in encounter.get("reasonCode") or ())
    return Line(kind or "Visit", reason, moment_of(encounter, "period"), str(encounter.get("status", "")))


def _value(observation: Resource) -> str:
    if parts := observation.get("component"):
        pressures = [_component_value(parts, code) for code in _PRESSURE]
        if all(pressures):
            return f"{'/'.join(pressures)} mmHg"
        return ", ".join(text for part in parts if (text := _component(part)))
    return _plain_value(observation)


def _component_value(parts: Sequence[Mapping[str, Any]], code: str) -> str:
    found = [one for one in parts if code in walk(one, ["code", "coding", "code"])]
    return str(found[0].get("valueQuantity", {}).get("value", "")) if found else ""


def _component(part: Mapping[str, Any]) -> str:
    value = _plain_value(part)
    return f"{_label(part.get('code'))} {value}" if value else ""


def _plain_value(node: Mapping[str, Any]) -> str:
    if quantity := node.get("valueQuantity"):
        unit = str(quantity.get("code") or quantity.get("unit") or "")
        return f"{quantity.get('value', '')} {_UNITS.get(unit, quantity.get('unit') or unit)}".strip()
    if concept := node.get("valueCodeableConcept"):
        return _label(concept)
    for name in ("valueString", "valueInteger", "valueDateTime"):
        if name in node:
            return str(node[name])
    if "valueBoolean" in node:
        return "yes" if node["valueBoolean"] else "no"
    return ""


def _observed(observation: Resource) -> str:
    codes = [str(one.get("code")) for one in (observation.get("code") or {}).get("coding") or ()]
    return next((_SHORTER[code] for code in codes if code in _SHORTER), "") or _capitalised(
        _label(observation.get("code")).replace("-", " ")
    )


def _group(observation: Resource) -> str:
    codes = (str(one) for one in walk(observation.get("category"), ["coding", "code"]))
    return next((_GROUPS[code] for code in codes if code in _GROUPS), "Other results")


def _newest(lines: Iterable[Line]) -> tuple[Line, ...]:
    return tuple(sorted(lines, key=lambda one: one.at.timestamp() if one.at else 0.0, reverse=True))


def _weight(condition: Resource) -> tuple[bool, bool]:
    """Cancer before others, active before past: what a list of cancer patients shows first."""
    codes = [str(one) for one in walk(condition, ["code", "coding", "code"])]
    cancer = any(code.startswith("C") for code in codes) or "cancer" in _label(condition.get("code")).lower()
    active = "active" in [str(one) for one in walk(condition, ["clinicalStatus", "coding", "code"])]
    return cancer, active


def _label(concept: Any) -> str:
    if not isinstance(concept, Mapping):
        return ""
    codings = [one for one in concept.get("coding") or () if isinstance(one, Mapping)]
    shown = concept.get("text") or next((one["display"] for one in codings if one.get("display")), None)
    return str(shown or next((one.get("code") for one in codings), ""))


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _display(reference: Any) -> str:
    return str(reference.get("display") or reference.get("reference") or "") if isinstance(reference, Mapping) else ""


def _name(resource: Resource, *, titled: bool = False) -> str:
    name: Mapping[str, Any] = next(iter(resource.get("name") or ()), {})
    if name.get("text"):
        return str(name["text"])
    words = [*(name.get("prefix") or ()), *(name.get("given") or ())] if titled else name.get("given") or ()
    return " ".join([*map(str, words), str(name.get("family", ""))]).strip() or "Name not recorded"


def _listed(patient: Resource) -> str:
    name: Mapping[str, Any] = next(iter(patient.get("name") or ()), {})
    parts = [str(name.get("family") or ""), " ".join(map(str, name.get("given") or ()))]
    return ", ".join(part for part in parts if part) or _name(patient)


def _day(text: Any) -> date | None:
    span = span_of_element(text)
    return span.start.date() if span else None


def _age(born: date | None, today: date) -> int | None:
    return None if born is None else today.year - born.year - ((today.month, today.day) < (born.month, born.day))
