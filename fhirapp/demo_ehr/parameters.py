"""The search parameters that this server knows, as one table. Source: R4 search parameter registry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from fhirapp.demo_ehr.settings import Resource

Kind = Literal["token", "reference", "date", "string", "quantity", "uri"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One search parameter: its kind and the elements that it reads, as dotted paths."""

    kind: Kind
    paths: tuple[str, ...]

    def values(self, resource: Resource) -> Iterator[Any]:
        """Every value in the resource that the parameter speaks about."""
        for path in self.paths:
            yield from walk(resource, path.split("."))


def walk(node: Any, names: list[str]) -> Iterator[Any]:
    """The values at the end of a path, lists flattened on the way."""
    if isinstance(node, list):
        for item in node:
            yield from walk(item, names)
    elif not names:
        if node is not None:
            yield node
    elif isinstance(node, Mapping):
        yield from walk(node.get(names[0]), names[1:])


def _token(*paths: str) -> Parameter:
    return Parameter("token", paths)


def _reference(*paths: str) -> Parameter:
    return Parameter("reference", paths)


def _date(*paths: str) -> Parameter:
    return Parameter("date", paths)


def _string(*paths: str) -> Parameter:
    return Parameter("string", paths)


COMMON: Final[Mapping[str, Parameter]] = {
    "_id": _token("id"),
    "_lastUpdated": _date("meta.lastUpdated"),
    "_profile": Parameter("uri", ("meta.profile",)),
    "_tag": _token("meta.tag"),
    "identifier": _token("identifier"),
}
_SUBJECT: Final = {"patient": _reference("subject"), "subject": _reference("subject")}
_ENCOUNTER: Final = {"encounter": _reference("encounter")}
_STATUS: Final = {"status": _token("status")}
_CODED: Final = {"code": _token("code"), **_STATUS}
_CATEGORY: Final = {"category": _token("category")}

PARAMETERS: Final[Mapping[str, Mapping[str, Parameter]]] = {
    "Patient": {
        "active": _token("active"),
        "birthdate": _date("birthDate"),
        "death-date": _date("deceasedDateTime"),
        "family": _string("name.family"),
        "given": _string("name.given"),
        "name": _string("name.family", "name.given", "name.text"),
        "gender": _token("gender"),
        "general-practitioner": _reference("generalPractitioner"),
        "telecom": _token("telecom"),
    },
    "Condition": {
        **_SUBJECT,
        **_ENCOUNTER,
        **_CATEGORY,
        "code": _token("code"),
        "clinical-status": _token("clinicalStatus"),
        "verification-status": _token("verificationStatus"),
        "onset-date": _date("onsetDateTime", "onsetPeriod"),
        "abatement-date": _date("abatementDateTime", "abatementPeriod"),
        "recorded-date": _date("recordedDate"),
    },
    "Observation": {
        **_SUBJECT,
        **_ENCOUNTER,
        **_CATEGORY,
        **_CODED,
        "date": _date("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
        "based-on": _reference("basedOn"),
        "performer": _reference("performer"),
        "component-code": _token("component.code"),
        "combo-code": _token("code", "component.code"),
        "value-quantity": Parameter("quantity", ("valueQuantity",)),
        "value-concept": _token("valueCodeableConcept"),
    },
    "MedicationRequest": {
        **_SUBJECT,
        **_ENCOUNTER,
        **_CATEGORY,
        **_STATUS,
        "code": _token("medicationCodeableConcept"),
        "medication": _reference("medicationReference"),
        "intent": _token("intent"),
        "authoredon": _date("authoredOn"),
        "requester": _reference("requester"),
    },
    "MedicationAdministration": {
        "patient": _reference("subject"),
        "subject": _reference("subject"),
        "context": _reference("context"),
        **_STATUS,
        "code": _token("medicationCodeableConcept"),
        "effective-time": _date("effectiveDateTime", "effectivePeriod"),
        "medication": _reference("medicationReference"),
    },
    "MedicationStatement": {
        **_SUBJECT,
        **_CATEGORY,
        **_STATUS,
        "code": _token("medicationCodeableConcept"),
        "effective": _date("effectiveDateTime", "effectivePeriod"),
    },
    "Medication": {"code": _token("code"), **_STATUS},
    "Procedure": {
        **_SUBJECT,
        **_ENCOUNTER,
        **_CATEGORY,
        **_CODED,
        "date": _date("performedDateTime", "performedPeriod"),
        "based-on": _reference("basedOn"),
    },
    "Encounter": {
        **_SUBJECT,
        **_STATUS,
        "class": _token("class"),
        "type": _token("type"),
        "date": _date("period"),
        "service-provider": _reference("serviceProvider"),
        "participant": _reference("participant.individual"),
    },
    "DiagnosticReport": {
        **_SUBJECT,
        **_ENCOUNTER,
        **_CATEGORY,
        **_CODED,
        "date": _date("effectiveDateTime", "effectivePeriod"),
        "issued": _date("issued"),
        "based-on": _reference("basedOn"),
    },
    "QuestionnaireResponse": {
        **_SUBJECT,
        **_ENCOUNTER,
        **_STATUS,
        "questionnaire": Parameter("uri", ("questionnaire",)),
        "authored": _date("authored"),
        "based-on": _reference("basedOn"),
        "author": _reference("author"),
    },
    "ServiceRequest": {
        **_SUBJECT,
        **_ENCOUNTER,
        **_CATEGORY,
        **_CODED,
        "intent": _token("intent"),
        "authored": _date("authoredOn"),
        "occurrence": _date("occurrenceDateTime", "occurrencePeriod"),
        "based-on": _reference("basedOn"),
        "replaces": _reference("replaces"),
        "requester": _reference("requester"),
        "performer": _reference("performer"),
    },
    "CarePlan": {
        **_SUBJECT,
        **_ENCOUNTER,
        **_CATEGORY,
        **_STATUS,
        "intent": _token("intent"),
        "date": _date("period"),
        "based-on": _reference("basedOn"),
        "goal": _reference("goal"),
        "activity-reference": _reference("activity.reference"),
    },
    "Goal": {
        **_SUBJECT,
        **_CATEGORY,
        "lifecycle-status": _token("lifecycleStatus"),
        "achievement-status": _token("achievementStatus"),
        "start-date": _date("startDate"),
        "target-date": _date("target.dueDate"),
    },
    "Task": {
        "patient": _reference("for"),
        "subject": _reference("for"),
        **_ENCOUNTER,
        **_CODED,
        "intent": _token("intent"),
        "owner": _reference("owner"),
        "requester": _reference("requester"),
        "focus": _reference("focus"),
        "part-of": _reference("partOf"),
        "based-on": _reference("basedOn"),
        "authored-on": _date("authoredOn"),
        "modified": _date("lastModified"),
        "business-status": _token("businessStatus"),
    },
    "Communication": {
        **_SUBJECT,
        **_ENCOUNTER,
        **_CATEGORY,
        **_STATUS,
        "based-on": _reference("basedOn"),
        "part-of": _reference("partOf"),
        "medium": _token("medium"),
        "recipient": _reference("recipient"),
        "sender": _reference("sender"),
        "sent": _date("sent"),
        "received": _date("received"),
    },
    "Appointment": {
        "patient": _reference("participant.actor"),
        "actor": _reference("participant.actor"),
        **_STATUS,
        "date": _date("start"),
        "service-type": _token("serviceType"),
        "based-on": _reference("basedOn"),
    },
    "AllergyIntolerance": {
        "patient": _reference("patient"),
        "code": _token("code"),
        "clinical-status": _token("clinicalStatus"),
    },
    "AdverseEvent": {**_SUBJECT, **_ENCOUNTER, "date": _date("date"), "event": _token("event")},
    "Flag": {**_SUBJECT, **_STATUS, "date": _date("period")},
    "DetectedIssue": {"patient": _reference("patient"), "code": _token("code")},
    "RiskAssessment": {**_SUBJECT, **_ENCOUNTER, "date": _date("occurrenceDateTime", "occurrencePeriod")},
    "Consent": {"patient": _reference("patient"), **_STATUS, **_CATEGORY, "date": _date("dateTime")},
    "DocumentReference": {**_SUBJECT, **_STATUS, **_CATEGORY, "type": _token("type"), "date": _date("date")},
    "Provenance": {"target": _reference("target"), "recorded": _date("recorded"), "agent": _reference("agent.who")},
    "Immunization": {"patient": _reference("patient"), **_STATUS, "date": _date("occurrenceDateTime")},
    "Claim": {"patient": _reference("patient"), **_STATUS},
    "ExplanationOfBenefit": {"patient": _reference("patient"), **_STATUS},
    "ImagingStudy": {**_SUBJECT, **_STATUS, "started": _date("started")},
    "Specimen": {**_SUBJECT, **_STATUS},
    "BodyStructure": {"patient": _reference("patient")},
    "FamilyMemberHistory": {"patient": _reference("patient"), **_STATUS},
    "Practitioner": {
        "active": _token("active"),
        "name": _string("name.family", "name.given", "name.text"),
        "family": _string("name.family"),
        "given": _string("name.given"),
    },
    "PractitionerRole": {
        "practitioner": _reference("practitioner"),
        "organization": _reference("organization"),
        "role": _token("code"),
        "specialty": _token("specialty"),
    },
    "RelatedPerson": {"patient": _reference("patient"), "name": _string("name.family", "name.given")},
    "Organization": {"active": _token("active"), "name": _string("name", "alias"), "type": _token("type")},
    "Location": {"name": _string("name"), **_STATUS},
    "HealthcareService": {
        "active": _token("active"),
        "name": _string("name"),
        "organization": _reference("providedBy"),
        "service-type": _token("type"),
    },
    "CareTeam": {**_SUBJECT, **_STATUS, **_CATEGORY, "participant": _reference("participant.member")},
    "Coverage": {"patient": _reference("beneficiary"), **_STATUS},
    "Device": {"patient": _reference("patient"), **_STATUS},
    "Group": {"type": _token("type"), "member": _reference("member.entity")},
    "PlanDefinition": {**_STATUS, "url": Parameter("uri", ("url",))},
    "Questionnaire": {**_STATUS, "url": Parameter("uri", ("url",))},
    "Basic": {**_SUBJECT, "code": _token("code")},
    "AuditEvent": {"date": _date("recorded"), "patient": _reference("entity.what")},
    "Endpoint": {**_STATUS, "name": _string("name")},
    "Subscription": {
        **_STATUS,
        "criteria": _string("criteria"),
        "type": _token("channel.type"),
        "url": Parameter("uri", ("channel.endpoint",)),
    },
    "Schedule": {"actor": _reference("actor")},
    "Slot": {**_STATUS, "schedule": _reference("schedule"), "start": _date("start")},
}


def parameters_of(kind: str) -> Mapping[str, Parameter]:
    """All parameters by which a type can be searched."""
    return {**COMMON, **PARAMETERS[kind]}
