"""Writes each kind of entry of a short chart as a FHIR R4 resource."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from mappings.canonical import PARQ_PLUS, SAFETY_QUESTIONS
from tests.clinical.vocabulary import (
    KNOWN,
    QUESTIONS,
    SYSTEMS,
    TERMINOLOGY,
    UCUM,
    WHEN,
    Json,
    UnknownKey,
    checked,
    table,
)

PATIENT = "pat-1"
TREATMENT_INTENT = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-treatment-intent"
USUAL_DAYS = 2  # a value without a date was taken two days ago


class Writer:
    """Writes resources with running ids, all dates counted back from one moment."""

    def __init__(self, as_of: datetime) -> None:
        self.as_of, self.count = as_of, 0

    def bundle(self, chart: Json) -> Json:
        resources = [self.patient(chart["patient"])]
        for name, value in chart["values"].items():
            resources += [self.value(name, one) for one in (value if isinstance(value, list) else [value])]
        makers = {
            "conditions": self.condition, "given": self.given, "ordered": self.ordered, "stated": self.stated,
            "procedures": self.procedure, "encounters": self.encounter, "requests": self.request,
            "appointments": self.appointment, "care_plans": self.care_plan,
        }  # fmt: skip
        for name, make in makers.items():
            resources += [make(checked(one, KNOWN[name], name)) for one in chart[name]]
        for panel in chart["panels"]:
            resources += self.panel(checked(panel, KNOWN["panels"], "panels"))
        resources += self.answers(chart["answers"]) + self.parq(chart["parq"]) + chart["raw"]
        return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}

    # Time

    def when(self, entry: Mapping[str, Any], usual: float = USUAL_DAYS) -> str:
        """`hours: 5`, `days: 2` (at nine in the morning), `date: 2` (a day without a time), `at: "2026-10"`."""
        if "at" in entry:
            return str(entry["at"])
        if "hours" in entry:
            return (self.as_of - timedelta(hours=entry["hours"])).isoformat()
        if "date" in entry:
            return self.day(entry["date"])
        moment = self.as_of.replace(hour=9, minute=0) - timedelta(days=entry.get("days", usual))
        return moment.isoformat()

    def day(self, ago: float) -> str:
        return (self.as_of.date() - timedelta(days=ago)).isoformat()

    # Resources

    def resource(self, kind: str, **fields: Any) -> Json:
        self.count += 1
        owner = "patient" if kind == "Appointment" else "subject"
        made = {"resourceType": kind, "id": f"{kind.lower()}-{self.count}", owner: _patient_reference()} | fields
        if kind == "Appointment":
            made["participant"] = [{"actor": made.pop(owner), "status": "accepted"}]
        return {name: value for name, value in made.items() if value is not None}

    def patient(self, entry: Mapping[str, Any]) -> Json:
        checked(entry, KNOWN["patient"], "patient")
        born = entry.get("birth_date", None if entry.get("age") is None else self.born(entry["age"]))
        made = {
            "resourceType": "Patient", "id": PATIENT, "gender": entry.get("sex"), "birthDate": born,
            "deceasedBoolean": entry.get("deceased"), "active": entry.get("active"),
        }  # fmt: skip
        if entry.get("replaced"):
            made["link"] = [{"type": "replaced-by", "other": {"reference": "Patient/other"}}]
        return {name: value for name, value in made.items() if value is not None}

    def born(self, age: int) -> str:
        """A birthday that was a hundred days ago."""
        day = self.as_of.date() - timedelta(days=100)
        return date(day.year - age, day.month, day.day).isoformat()

    def condition(self, entry: Mapping[str, Any]) -> Json:
        onset = entry.get("onset", self.day(entry["days"]) if "days" in entry else None)
        recorded = self.day(entry["recorded_days"]) if "recorded_days" in entry else None
        ended = self.day(entry["ended_days"]) if "ended_days" in entry else None
        status, verification = entry.get("status", "active"), entry.get("verification", "confirmed")
        codes = [_coding(entry), *(_coding({"code": code}) for code in entry.get("also", ()))]
        return self.resource(
            "Condition",
            code={"coding": codes, "text": entry.get("display")} if "display" in entry else {"coding": codes},
            clinicalStatus=_concept(f"{TERMINOLOGY}/condition-clinical", status) if status != "none" else None,
            verificationStatus=(
                _concept(f"{TERMINOLOGY}/condition-ver-status", verification) if verification != "none" else None
            ),
            onsetDateTime=onset,
            recordedDate=recorded,
            abatementDateTime=ended,
            bodySite=[_concept(SYSTEMS["snomed"], entry["site"])] if "site" in entry else None,
            severity=_concept(SYSTEMS["snomed"], entry["severity"]) if "severity" in entry else None,
        )

    def given(self, entry: Mapping[str, Any]) -> Json:
        return self.resource(
            "MedicationAdministration",
            status=entry.get("status", "completed"),
            medicationCodeableConcept=_drug(entry),
            effectiveDateTime=self.when(entry),
            extension=[_intent(entry["intent"])] if "intent" in entry else None,
        )

    def ordered(self, entry: Mapping[str, Any]) -> Json:
        return self.resource(
            "MedicationRequest",
            status=entry.get("status", "active"),
            intent=entry.get("intent", "order"),
            medicationCodeableConcept=_drug(entry),
            authoredOn=self.when(entry, 30),
        )

    def stated(self, entry: Mapping[str, Any]) -> Json:
        return self.resource(
            "MedicationStatement",
            status=entry.get("status", "active"),
            medicationCodeableConcept=_drug(entry),
            effectiveDateTime=self.when(entry, 30),
        )

    def procedure(self, entry: Mapping[str, Any]) -> Json:
        performed: Json = {"performedDateTime": self.when(entry, 30)}
        if "ended_days" in entry:
            performed = {"performedPeriod": {"start": self.when(entry, 30), "end": self.day(entry["ended_days"])}}
        if entry.get("at") == "none":
            performed = {}
        return self.resource(
            "Procedure",
            status=entry.get("status", "completed"),
            code={"coding": [_coding({"system": "snomed", **entry})]},
            bodySite=[_concept(SYSTEMS["snomed"], entry["site"])] if "site" in entry else None,
            **performed,
        )

    def encounter(self, entry: Mapping[str, Any]) -> Json:
        period: Json = {"start": self.when(entry, 0)}
        if "ended_days" in entry:
            period["end"] = self.day(entry["ended_days"])
        coded = {"coding": [_coding(entry)]}
        return self.resource(
            "Encounter",
            status=entry.get("status", "finished" if "ended_days" in entry else "in-progress"),
            **{"class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": entry.get("class", "AMB")}},
            type=[coded] if entry.get("system") == "snomed" else None,
            reasonCode=[coded] if entry.get("system") != "snomed" else None,
            period=period,
        )

    def request(self, entry: Mapping[str, Any]) -> Json:
        return self.resource(
            "ServiceRequest",
            status=entry.get("status", "active"),
            intent="order",
            code={"coding": [_coding({"system": "snomed", **entry})]},
            authoredOn=self.day(entry.get("days", 5)),
            occurrenceDateTime=self.day(-entry["in_days"]) if "in_days" in entry else None,
        )

    def appointment(self, entry: Mapping[str, Any]) -> Json:
        start = self.as_of.replace(hour=9, minute=0) + timedelta(days=entry["in_days"])
        return self.resource(
            "Appointment",
            status=entry.get("status", "booked"),
            serviceType=[{"coding": [_coding({"system": "snomed", **entry})]}],
            start=start.isoformat(),
            end=(start + timedelta(hours=3)).isoformat(),
        )

    def care_plan(self, entry: Mapping[str, Any]) -> Json:
        return self.resource(
            "CarePlan",
            status=entry.get("status", "active"),
            intent="plan",
            category=[{"coding": [_coding({"system": "snomed", **entry})]}],
            period={"start": self.day(entry.get("days", 20))},
        )

    # Observations

    def value(self, name: str, given: Any) -> Json:
        entry = given if isinstance(given, Mapping) else {"value": given}
        checked(entry, KNOWN["values"], f"values.{name}")
        if name == "bp":
            return self.pressure(entry)
        row = table("codes")["values"][name]
        return self.resource("Observation", **self.shared(row, entry), **_result(row, entry))

    def shared(self, row: Json, entry: Mapping[str, Any]) -> Json:
        """Status, code, category, time and performer of an observation."""
        system = entry.get("system") or next(one for one in ("loinc", "snomed", "stride") if one in row)
        category = entry.get("category", row["kind"])
        performer = {"patient": f"Patient/{PATIENT}", "device": "Device/watch-1"}.get(entry.get("by", ""))
        return {
            "status": entry.get("status", "final"),
            "code": {"coding": [{"system": SYSTEMS[system], "code": str(entry.get("code", row.get(system)))}]},
            "category": [_concept(f"{TERMINOLOGY}/observation-category", category)] if category != "none" else None,
            "effectiveDateTime": None if entry.get("at") == "none" else self.when(entry),
            "issued": f"{self.day(entry['issued_days'])}T09:00:00Z" if "issued_days" in entry else None,
            "performer": [{"reference": performer}] if performer else None,
        }

    def pressure(self, entry: Mapping[str, Any]) -> Json:
        """`122/76` as a blood-pressure panel, which carries no value itself."""
        upper, lower = str(entry["value"]).split("/")
        parts = []
        for name, number in (("sbp", upper), ("dbp", lower)):
            row = table("codes")["values"][name]
            one = {**entry, "value": float(number)}
            parts.append({"code": _concept(SYSTEMS["loinc"], row["loinc"]), **_result(row, one)})
        panel = {"loinc": "85354-9", "kind": "vital-signs"}
        return self.resource("Observation", **self.shared(panel, entry), component=parts)

    def panel(self, entry: Mapping[str, Any]) -> list[Json]:
        """A blood count as components of one observation, as members beside it, or contained in it."""
        style, rows = entry["style"], table("codes")["values"]
        time = {name: entry[name] for name in WHEN if name in entry}
        whole = self.resource("Observation", **self.shared({"loinc": entry["code"], "kind": "laboratory"}, entry))
        if style == "components":
            whole["component"] = [
                {"code": _concept(SYSTEMS["loinc"], rows[name]["loinc"]), **_result(rows[name], _entry(value))}
                for name, value in entry["values"].items()
            ]
            return [whole]
        members = [self.value(name, {**time, **_entry(value)}) for name, value in entry["values"].items()]
        if style == "members":
            whole["hasMember"] = [{"reference": f"Observation/{one['id']}"} for one in members]
            return [whole, *members]
        if style != "contained":
            raise UnknownKey(f"panels.style: {style}")
        whole["contained"] = members
        whole["hasMember"] = [{"reference": f"#{one['id']}"} for one in members]
        return [whole]

    # Answers

    def answers(self, entry: Mapping[str, Any] | None) -> list[Json]:
        """All six safety questions answered no, but for `positive` and `unanswered`."""
        if entry is None:
            return []
        checked(entry, KNOWN["answers"], "answers")
        said = {one: one in entry.get("positive", ()) for one in QUESTIONS if one not in entry.get("unanswered", ())}
        if entry.get("as") == "observations":
            time = {name: entry[name] for name in WHEN if name in entry}
            return [self.value(name, {"value": value, **time}) for name, value in said.items()]
        return [self.response(SAFETY_QUESTIONS, entry, said)]

    def parq(self, entry: Mapping[str, Any] | None) -> list[Json]:
        """All seven PAR-Q+ questions answered no, but for `positive`."""
        if entry is None:
            return []
        checked(entry, KNOWN["parq"], "parq")
        numbers = [str(n) for n in range(1, 8) if str(n) not in entry.get("unanswered", ())]
        said = {number: number in entry.get("positive", ()) for number in numbers}
        if "follow_up_clear" in entry:
            said["follow-up-clear"] = entry["follow_up_clear"]
        if "health_changed" in entry:
            said["health-changed"] = entry["health_changed"]
        return [self.response(PARQ_PLUS, entry, said)]

    def response(self, questionnaire: str, entry: Mapping[str, Any], said: Mapping[str, bool]) -> Json:
        return self.resource(
            "QuestionnaireResponse",
            questionnaire=questionnaire,
            status=entry.get("status", "completed"),
            authored=self.when(entry),
            source={"reference": f"Patient/{PATIENT}"} if entry.get("by") == "patient" else None,
            item=[{"linkId": name, "answer": [{"valueBoolean": value}]} for name, value in said.items()],
        )


def _patient_reference() -> Json:
    return {"reference": f"Patient/{PATIENT}"}


def _concept(system: str, code: object) -> Json:
    return {"coding": [{"system": system, "code": str(code)}]}


def _coding(entry: Mapping[str, Any]) -> Json:
    """A code is ICD-10-CM, or SNOMED CT when it is all digits, unless the entry says otherwise."""
    code = str(entry["code"])
    return {"system": SYSTEMS[entry.get("system", "snomed" if code.isdigit() else "icd10")], "code": code}


def _drug(entry: Mapping[str, Any]) -> Json:
    if "code" in entry:
        return {"coding": [_coding(entry)]}
    return {"coding": [{"system": SYSTEMS["rxnorm"], "code": table("codes")["drugs"][entry["drug"]],
                        "display": entry["drug"]}]}  # fmt: skip


def _intent(code: str) -> Json:
    """The treatment intent as mCODE has it, by its code alone."""
    return {"url": TREATMENT_INTENT, "valueCodeableConcept": _concept(SYSTEMS["snomed"], code)}


def _entry(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {"value": given}


def _result(row: Json, entry: Mapping[str, Any]) -> Json:
    """The value of an observation or component, as a quantity unless row or entry say otherwise."""
    if "absent" in entry:
        return {"dataAbsentReason": _concept(f"{TERMINOLOGY}/data-absent-reason", entry["absent"])}
    value = entry["value"]
    kind = entry.get("as") or next((one for one in ("integer", "boolean", "coded") if row.get(one)), "quantity")
    if kind == "text":
        return {"valueString": str(value)}
    if kind == "boolean":
        return {"valueBoolean": value}
    if kind == "coded":
        system = "snomed" if str(value).isdigit() else "loinc" if str(value).startswith("LA") else "stride"
        return {"valueCodeableConcept": _concept(SYSTEMS[system], value)}
    if kind == "integer":
        return {"valueInteger": value}
    if kind != "quantity":
        raise UnknownKey(f"values.as: {kind}")
    return {"valueQuantity": _quantity(row, entry), **_range(row, entry)}


def _quantity(row: Json, entry: Mapping[str, Any]) -> Json:
    made: Json = {"value": entry["value"]}
    if "comparator" in entry:
        made["comparator"] = entry["comparator"]
    if "written" in entry:
        return made | {"unit": entry["written"]}  # a text, no UCUM
    unit = entry.get("unit", row.get("unit", "{score}"))
    return made if unit == "none" else made | {"unit": unit, "system": UCUM, "code": unit}


def _range(row: Json, entry: Mapping[str, Any]) -> Json:
    if "upper" not in entry:
        return {}
    unit = entry.get("unit", row.get("unit"))
    return {"referenceRange": [{"high": {"value": entry["upper"], "unit": unit, "system": UCUM, "code": unit}}]}
