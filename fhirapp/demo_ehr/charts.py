"""Builds the chart of one invented patient, line by line, relative to a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from fhirapp.demo_ehr.chart_codes import (
    ACTIVITY,
    DRUGS,
    EHR_BASE,
    EXAM,
    ICD10CM,
    INTERPRETER,
    LABORATORY,
    LOINC,
    PA,
    QUESTIONS,
    RXNORM,
    SNOMED,
    TERMINOLOGY,
    UCUM,
    VITAL,
)
from mappings.canonical import PARQ_PLUS, SAFETY_QUESTIONS, STRIDE_OBSERVATIONS

Json = dict[str, Any]


@dataclass(slots=True)
class Chart:
    """One patient's chart under construction. All days count back from `today`; none falls on it.

    Nothing is later than seven in the morning (UTC) of the day before, so that nothing lies in the future
    in any time zone.
    """

    patient_id: str
    today: date
    resources: list[Json] = field(default_factory=list)
    _names: set[str] = field(default_factory=set)

    @property
    def bundle(self) -> Json:
        """The chart as one transaction that puts every resource under its fixed id."""
        return {
            "resourceType": "Bundle",
            "id": f"chart-{self.patient_id}",
            "type": "transaction",
            "entry": [
                {
                    "fullUrl": f"{EHR_BASE}/fhir/{item['resourceType']}/{item['id']}",
                    "resource": item,
                    "request": {"method": "PUT", "url": f"{item['resourceType']}/{item['id']}"},
                }
                for item in self.resources
            ],
        }

    def day(self, ago: int) -> str:
        """The day so many days ago; a negative number is ahead."""
        return (self.today - timedelta(days=ago)).isoformat()

    def moment(self, ago: int) -> str:
        """A quarter past six in the morning (UTC) of that day."""
        return f"{self.day(ago)}T06:15:00Z"

    def patient(
        self,
        given: str,
        family: str,
        age: int,
        gender: str,
        *,
        language: tuple[str, str] | None = None,
        phone: str | None = None,
        email: str | None = None,
        interpreter: bool = False,
        city: str | None = None,
    ) -> None:
        """The person; the birthday was 100 days ago, so that the age holds for a while."""
        born = self.today - timedelta(days=100)
        resource: Json = {
            "resourceType": "Patient",
            "id": self.patient_id,
            "identifier": [{"system": f"{EHR_BASE}/mrn", "value": f"MRN-{self.patient_id.upper()}"}],
            "active": True,
            "name": [{"use": "official", "family": family, "given": [given]}],
            "gender": gender,
            "birthDate": f"{born.year - age}-{born.month:02}-{min(born.day, 28):02}",
        }
        telecom = [("phone", phone, "mobile"), ("email", email, "home")]
        if contacts := [{"system": s, "value": value, "use": use} for s, value, use in telecom if value]:
            resource["telecom"] = contacts
        if city:
            resource["address"] = [{"use": "home", "city": city}]
        if language:
            code, name = language
            spoken = {"coding": [{"system": "urn:ietf:bcp:47", "code": code, "display": name}], "text": name}
            resource["communication"] = [{"language": spoken, "preferred": True}]
        if interpreter:
            resource["extension"] = [{"url": INTERPRETER, "valueBoolean": True}]
        self.resources.append(resource)

    def add(self, kind: str, name: str, **members: Any) -> Json:
        """Any resource of this patient under a fixed id made of the patient's and `name`."""
        name = name.replace("_", "-")
        count, unique = 1, name
        while f"{kind}/{unique}" in self._names:
            count += 1
            unique = f"{name}-{count}"
        self._names.add(f"{kind}/{unique}")
        resource = {"resourceType": kind, "id": f"{self.patient_id}-{unique}", **members}
        self.resources.append(resource)
        return resource

    @property
    def subject(self) -> Json:
        """The reference that every resource of the chart carries."""
        return {"reference": f"Patient/{self.patient_id}"}

    def condition(
        self,
        name: str,
        icd: str,
        text: str,
        ago: int,
        *,
        snomed: tuple[str, str] | None = None,
        clinical: str = "active",
    ) -> None:
        """A problem on the list, since so many days."""
        codings = [{"system": ICD10CM, "code": icd, "display": text}]
        if snomed:
            codings.append({"system": SNOMED, "code": snomed[0], "display": snomed[1]})
        status = f"{TERMINOLOGY}/condition-clinical"
        self.add(
            "Condition",
            name,
            clinicalStatus={"coding": [{"system": status, "code": clinical}]},
            verificationStatus={"coding": [{"system": f"{TERMINOLOGY}/condition-ver-status", "code": "confirmed"}]},
            category=[{"coding": [{"system": f"{TERMINOLOGY}/condition-category", "code": "problem-list-item"}]}],
            code={"coding": codings, "text": text},
            subject=self.subject,
            onsetDateTime=self.day(ago),
            recordedDate=self.day(ago),
            recorder={"reference": "Practitioner/dr-lind"},
        )

    def labs(self, ago: int, **values: float) -> None:
        """Laboratory results of one day, by alias."""
        for alias, value in values.items():
            code, display, unit = LABORATORY[alias]
            self.quantity(alias, "laboratory", code, display, value, unit, ago)

    def vitals(self, ago: int, bp: tuple[int, int] | None = None, **values: float) -> None:
        """Vital signs of one day, by alias; blood pressure as a panel."""
        if bp:
            parts = zip(("8480-6", "8462-4"), ("Systolic blood pressure", "Diastolic blood pressure"), bp, strict=True)
            self.observation(
                "bp",
                "vital-signs",
                _loinc("85354-9", "Blood pressure panel with all children optional"),
                ago,
                component=[
                    {"code": _loinc(code, display), "valueQuantity": _quantity(value, "mm[Hg]")}
                    for code, display, value in parts
                ],
            )
        for alias, value in values.items():
            code, display, unit = VITAL[alias]
            self.quantity(alias, "vital-signs", code, display, value, unit, ago)

    def weights(self, **kilograms: float) -> None:
        """A weight series: `d30=71.5` is thirty days ago."""
        for key, value in kilograms.items():
            self.vitals(int(key[1:]), weight=value)

    def exam(self, ago: int, **values: float) -> None:
        """Function tests and heart or lung measurements, by alias."""
        for alias, value in values.items():
            code, display, unit = EXAM[alias]
            self.quantity(alias, "exam", code, display, value, unit, ago)

    def ecog(self, grade: int, ago: int) -> None:
        """The ECOG performance status, as mCODE writes it."""
        self.observation(
            "ecog",
            "survey",
            _loinc("89247-1", "ECOG Performance Status score"),
            ago,
            valueInteger=grade,
        )

    def activity(self, ago: int, days: int, minutes: int, strength: int) -> None:
        """The exercise vital sign: active days, minutes on each, their product, strength days."""
        values = {"days": days, "minutes": minutes, "week": days * minutes, "strength": strength}
        for name, value in values.items():
            code, profile, unit = ACTIVITY[name]
            resource = self.observation(
                f"evs-{name}", "activity", _loinc(code), ago, valueQuantity=_quantity(value, unit)
            )
            resource["meta"] = {"profile": [f"{PA}/StructureDefinition/{profile}"]}
            resource["category"].append(
                {"coding": [{"system": f"{PA}/CodeSystem/pa-temporary-codes", "code": "PhysicalActivity"}]}
            )
            # The profile wants a day at least; the hour is not what the patient was asked.
            resource["effectiveDateTime"] = self.day(ago)

    def symptoms(self, ago: int, pain: int | None = None, **values: float | bool) -> None:
        """What the patient reports, by the words of our own code system (`fatigue_nrs=3`)."""
        if pain is not None:
            self.quantity("pain", "survey", "72514-3", "Pain severity - 0-10 score", pain, "{score}", ago)
        for name, value in values.items():
            word = name.replace("_", "-")
            code = {"coding": [{"system": STRIDE_OBSERVATIONS, "code": word}]}
            content: Json = (
                {"valueBoolean": value} if isinstance(value, bool) else {"valueQuantity": _quantity(value, "{score}")}
            )
            self.observation(word, "survey", code, ago, performer=[self.subject], **content)

    def quantity(self, name: str, category: str, code: str, display: str, value: float, unit: str, ago: int) -> None:
        """One measured value under a LOINC code."""
        self.observation(name, category, _loinc(code, display), ago, valueQuantity=_quantity(value, unit))

    def observation(self, name: str, category: str, code: Json, ago: int, **content: Any) -> Json:
        """One final Observation."""
        system = f"{TERMINOLOGY}/observation-category"
        return self.add(
            "Observation",
            name,
            status="final",
            category=[{"coding": [{"system": system, "code": category}]}],
            code=code,
            subject=self.subject,
            effectiveDateTime=self.moment(ago),
            issued=self.moment(ago),
            **content,
        )

    def given(self, drug: str, *days: int, mg: int, text: str) -> None:
        """Doses that were given in the infusion unit, so many days ago each, with their encounters."""
        for ago in days:
            visit = self._infusion(ago)
            self.add(
                "MedicationAdministration",
                f"{drug}-given-{ago}d",
                status="completed",
                medicationCodeableConcept=_drug(drug),
                subject=self.subject,
                context={"reference": f"Encounter/{visit['id']}"},
                effectiveDateTime=self.moment(ago),
                dosage={"text": text, "dose": _quantity(mg, "mg")},
            )

    def ordered(self, drug: str, ago: int, text: str, *, category: str = "outpatient") -> None:
        """An active order of a drug."""
        self.add(
            "MedicationRequest",
            f"{drug}-order",
            status="active",
            intent="order",
            category=[{"coding": [{"system": f"{TERMINOLOGY}/medicationrequest-category", "code": category}]}],
            medicationCodeableConcept=_drug(drug),
            subject=self.subject,
            authoredOn=self.moment(ago),
            requester={"reference": "Practitioner/dr-lind", "display": "Dr Maren Lind"},
            dosageInstruction=[{"text": text}],
        )

    def procedure(self, name: str, code: str, text: str, ago: int, **members: Any) -> None:
        """A completed procedure."""
        when = {} if "performedPeriod" in members else {"performedDateTime": self.day(ago)}
        concept = {"coding": [{"system": SNOMED, "code": code, "display": text}], "text": text}
        members = {"status": "completed"} | when | members
        self.add("Procedure", name, code=concept, subject=self.subject, **members)

    def visit(self, ago: int) -> None:
        """An outpatient visit to the oncologist; the encounter that a hook may name."""
        self._encounter("visit", ago, "Oncology clinic visit", [])

    def answers(self, ago: int, **yes: bool) -> None:
        """The six safety questions, answered "no" unless named here (`fever=True`)."""
        items = [
            {
                "linkId": word,
                "text": question,
                "answer": [{"valueBoolean": yes.get(word.replace("-", "_"), False)}],
            }
            for word, question in QUESTIONS.items()
        ]
        self._response("safety-answers", SAFETY_QUESTIONS, items, ago)

    def parq(self, ago: int) -> None:
        """A PAR-Q+ with every general question answered "no"."""
        words = [*(str(number) for number in range(1, 8)), "health-changed"]
        items: Sequence[Mapping[str, Any]] = [{"linkId": word, "answer": [{"valueBoolean": False}]} for word in words]
        self._response("parq-plus", PARQ_PLUS, items, ago)

    def _response(self, name: str, canonical: str, items: Sequence[Mapping[str, Any]], ago: int) -> None:
        self.add(
            "QuestionnaireResponse",
            name,
            questionnaire=canonical,
            status="completed",
            subject=self.subject,
            authored=self.moment(ago),
            source=self.subject,
            item=list(items),
        )

    def _infusion(self, ago: int) -> Json:
        name = f"infusion-{ago}d"
        if f"Encounter/{name}" in self._names:
            return next(item for item in self.resources if item["id"] == f"{self.patient_id}-{name}")
        text = "Encounter for antineoplastic chemotherapy"
        codings = [{"system": ICD10CM, "code": "Z51.11", "display": text}]
        return self._encounter(name, ago, "Infusion", [{"coding": codings, "text": text}])

    def _encounter(self, name: str, ago: int, text: str, reasons: list[Json]) -> Json:
        members: Json = {"reasonCode": reasons} if reasons else {}
        period = {"start": f"{self.day(ago)}T06:00:00Z", "end": f"{self.day(ago)}T06:45:00Z"}
        return self.add(
            "Encounter",
            name,
            status="finished",
            **{"class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": "AMB", "display": "ambulatory"}},
            type=[{"text": text}],
            subject=self.subject,
            participant=[{"individual": {"reference": "Practitioner/dr-lind", "display": "Dr Maren Lind"}}],
            period=period,
            serviceProvider={"reference": "Organization/city-hospital"},
            **members,
        )


def _loinc(code: str, display: str = "") -> Json:
    return {
        "coding": [{"system": LOINC, "code": code} | ({"display": display} if display else {})],
    }


def _quantity(value: float, unit: str) -> Json:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def _drug(name: str) -> Json:
    return {"coding": [{"system": RXNORM, "code": DRUGS[name], "display": name}], "text": name}
