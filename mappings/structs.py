"""The fields of FHIR R4 that we read, as typed structs, and nothing else of a resource.

Decoding into these costs a third of a plain JSON parse, because what is not named here is skipped, and
they are kept out of the garbage collector's sight. Every field may be absent or null. Fields stand in FHIR's
own order, which the decoder guesses first. Source: FHIR R4 resource definitions.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

NOTHING = Raw()


class Element(msgspec.Struct, rename="camel", gc=False):
    """A part of a resource."""


class Coding(Element):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(Element):
    coding: list[Coding] | None = None
    text: str | None = None


class BareCoding(Element):
    """A coding whose display is not read: observations are many and are never matched by text."""

    system: str | None = None
    code: str | None = None


class BareConcept(Element):
    coding: list[BareCoding] | None = None


class Reference(Element):
    reference: str | None = None
    display: str | None = None


class Subject(Element):
    reference: str | None = None


class Period(Element):
    start: str | None = None
    end: str | None = None


class Quantity(Element):
    value: float | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class PlainQuantity(Element):
    """A quantity that there is nothing to think about: a value without comparator. All others do not decode."""

    value: float
    comparator: None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class ReferenceRange(Element):
    high: Quantity | None = None
    type: BareConcept | None = None


class Extension(Element):
    """The two kinds of extension value that mCODE uses for what we read."""

    url: str | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_reference: Reference | None = None
    value_date_time: str | None = None


class Identifier(Element):
    use: str | None = None
    type: CodeableConcept | None = None
    system: str | None = None
    value: str | None = None


class Resource(msgspec.Struct, rename="camel", gc=False, tag_field="resourceType", tag=True, kw_only=True):
    """A resource; its class name is its resourceType."""

    id: str | None = None


class Meta(Element):
    last_updated: str | None = None


class Component(Element):
    """One coded value: a component of an observation, or the value of the observation itself."""

    code: BareConcept | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: BareConcept | None = None
    value_string: Raw = NOTHING
    value_boolean: bool | None = None
    value_integer: int | None = None
    reference_range: list[ReferenceRange] | None = None


class Observation(Resource):
    """Most of an observation stays bytes: of thousands in a chart only the newest of each kind are looked into."""

    contained: Raw = NOTHING
    status: str | None = None
    category: Raw = NOTHING
    code: Raw = NOTHING
    subject: Raw = NOTHING
    effective_date_time: str | None = None
    effective_period: Raw = NOTHING
    effective_instant: str | None = None
    issued: str | None = None
    performer: Raw = NOTHING
    value_quantity: Raw = NOTHING
    value_codeable_concept: Raw = NOTHING
    value_string: Raw = NOTHING
    value_boolean: Raw = NOTHING
    value_integer: Raw = NOTHING
    device: Raw = NOTHING
    reference_range: Raw = NOTHING
    component: Raw = NOTHING


class Stage(Element):
    summary: CodeableConcept | None = None


class Condition(Resource):
    meta: Meta | None = None
    extension: list[Extension] | None = None
    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    severity: CodeableConcept | None = None
    code: CodeableConcept | None = None
    body_site: list[CodeableConcept] | None = None
    subject: Subject | None = None
    onset_date_time: str | None = None
    onset_period: Period | None = None
    abatement_date_time: str | None = None
    abatement_period: Period | None = None
    abatement_boolean: bool | None = None
    abatement_age: Raw = NOTHING
    abatement_range: Raw = NOTHING
    abatement_string: Raw = NOTHING
    recorded_date: str | None = None
    stage: list[Stage] | None = None


class Medication(Resource):
    code: CodeableConcept | None = None
    ingredient: list[Ingredient] | None = None


class Ingredient(Element):
    item_codeable_concept: CodeableConcept | None = None


class TimingRepeat(Element):
    bounds_period: Period | None = None


class Timing(Element):
    event: list[str] | None = None
    repeat: TimingRepeat | None = None


class Dosage(Element):
    timing: Timing | None = None


class MedicationRequest(Resource):
    contained: list[Raw] | None = None
    extension: list[Extension] | None = None
    status: str | None = None
    intent: str | None = None
    do_not_perform: bool | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Subject | None = None
    authored_on: str | None = None
    dosage_instruction: list[Dosage] | None = None


class MedicationAdministration(Resource):
    meta: Meta | None = None
    contained: list[Raw] | None = None
    extension: list[Extension] | None = None
    status: str | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Subject | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None


class MedicationStatement(Resource):
    contained: list[Raw] | None = None
    status: str | None = None
    medication_codeable_concept: CodeableConcept | None = None
    medication_reference: Reference | None = None
    subject: Subject | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    date_asserted: str | None = None


class Procedure(Resource):
    meta: Meta | None = None
    extension: list[Extension] | None = None
    status: str | None = None
    category: CodeableConcept | None = None
    code: CodeableConcept | None = None
    subject: Subject | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None
    body_site: list[CodeableConcept] | None = None


class Hospitalization(Element):
    discharge_disposition: CodeableConcept | None = None


class Encounter(Resource):
    status: str | None = None
    class_: Coding | None = msgspec.field(default=None, name="class")
    type: list[CodeableConcept] | None = None
    service_type: CodeableConcept | None = None
    subject: Subject | None = None
    period: Period | None = None
    reason_code: list[CodeableConcept] | None = None
    hospitalization: Hospitalization | None = None


class Answer(Element):
    value_boolean: bool | None = None
    value_decimal: float | None = None
    value_integer: int | None = None
    value_coding: Coding | None = None
    value_string: str | None = None
    value_quantity: Quantity | None = None


class Item(Element):
    link_id: str | None = None
    answer: list[Answer] | None = None
    item: list[Item] | None = None


class QuestionnaireResponse(Resource):
    questionnaire: str | None = None
    status: str | None = None
    subject: Subject | None = None
    authored: str | None = None
    source: Subject | None = None
    item: list[Item] | None = None


class ServiceRequest(Resource):
    extension: list[Extension] | None = None
    identifier: list[Identifier] | None = None
    status: str | None = None
    intent: str | None = None
    category: list[CodeableConcept] | None = None
    do_not_perform: bool | None = None
    code: CodeableConcept | None = None
    subject: Subject | None = None
    occurrence_date_time: str | None = None
    occurrence_period: Period | None = None
    authored_on: str | None = None
    body_site: list[CodeableConcept] | None = None


class CarePlan(Resource):
    identifier: list[Identifier] | None = None
    status: str | None = None
    intent: str | None = None
    category: list[CodeableConcept] | None = None
    subject: Subject | None = None
    period: Period | None = None
    created: str | None = None


class Participant(Element):
    actor: Subject | None = None


class Appointment(Resource):
    status: str | None = None
    service_category: list[CodeableConcept] | None = None
    service_type: list[CodeableConcept] | None = None
    appointment_type: CodeableConcept | None = None
    reason_code: list[CodeableConcept] | None = None
    start: str | None = None
    end: str | None = None
    created: str | None = None
    participant: list[Participant] | None = None


class AllergyIntolerance(Resource):
    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    code: CodeableConcept | None = None
    subject: Subject | None = msgspec.field(default=None, name="patient")
    recorded_date: str | None = None


class SuspectEntity(Element):
    instance: Reference | None = None


class AdverseEvent(Resource):
    actuality: str | None = None
    subject: Subject | None = None
    date: str | None = None
    detected: str | None = None
    recorded_date: str | None = None
    seriousness: CodeableConcept | None = None
    suspect_entity: list[SuspectEntity] | None = None


class HumanName(Element):
    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: list[str] | None = None
    prefix: list[str] | None = None
    suffix: list[str] | None = None


class ContactPoint(Element):
    system: str | None = None
    value: str | None = None
    use: str | None = None
    rank: int | None = None
    period: Period | None = None


class Communication(Element):
    language: CodeableConcept | None = None
    preferred: bool | None = None


class PatientLink(Element):
    other: Reference | None = None
    type: str | None = None


class PatientExtension(Element):
    url: str | None = None
    value_coding: Coding | None = None
    value_boolean: bool | None = None
    value_codeable_concept: CodeableConcept | None = None
    extension: Raw = NOTHING  # looked into by equity.py only: a broken one must not cost the patient


class Address(Element):
    use: str | None = None
    postal_code: str | None = None
    country: str | None = None


class PostalAddress(Element):
    use: str | None = None
    type: str | None = None
    text: str | None = None
    line: list[str] | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Patient(Resource):
    extension: list[PatientExtension] | None = None
    identifier: list[Identifier] | None = None
    active: bool | None = None
    name: list[HumanName] | None = None
    telecom: list[ContactPoint] | None = None
    gender: str | None = None
    birth_date: str | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None
    address: Raw = NOTHING
    marital_status: CodeableConcept | None = None
    communication: list[Communication] | None = None
    link: list[PatientLink] | None = None


class OutcomeIssue(Element):
    severity: str | None = None
    code: str | None = None


class OperationOutcome(Resource):
    issue: list[OutcomeIssue] | None = None


READ: tuple[type[Resource], ...] = (
    Patient, Condition, Observation, Medication, MedicationRequest, MedicationAdministration,
    MedicationStatement, Procedure, Encounter, QuestionnaireResponse, ServiceRequest, CarePlan, Appointment,
    AllergyIntolerance, AdverseEvent, OperationOutcome,
)  # fmt: skip
