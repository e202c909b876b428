"""The EHR tenants: one TOML file, read and checked once at start."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate, validates_schema

from fhirapp.alarms.settings import Escalation, EscalationSchema, escalation_of
from fhirapp.closed_loop.settings import Listening, ListeningSchema, listening_of
from fhirapp.jobs.pace import Pace, PaceSchema, pace_of
from fhirapp.messages.settings import Messages, MessagesSchema, messages_of
from fhirapp.retention.settings import Retention, RetentionSchema, retention_of
from mappings.concept_map import ConceptMap, read_concept_map
from mappings.errors import InvalidConceptMap
from models.decision import SitePolicy


class TenantsInvalid(Exception):
    """The tenants file cannot be used; `problems` says why, a plain sentence each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Ehr:
    """How we reach and how we are known to one EHR."""

    fhir_base: str
    client_id: str
    backend_client_id: str
    auth: str = "private_key_jwt"
    client_secret: str | None = None
    scopes: str | None = None
    backend_scopes: str | None = None
    frame_ancestors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WriteBackSettings:
    """What the site wants in its EHR beside the referral, and what it would rather not have used."""

    transactions: bool = True  # False: one resource at a time, even where the EHR says that it offers transactions
    provenance: bool = True
    risk_assessments: bool = False
    ai_tag: bool = False
    notices: bool = True  # what a patient was told is written as a Communication
    holds: str = "auto"  # a safety hold: "detected-issue", "flag", "none"; auto: the first of these that the EHR takes


@dataclass(frozen=True, slots=True)
class CdsClient:
    """How the EHR's CDS Hooks client proves who it is."""

    issuer: str
    jwks_url: str | None = None
    jwks_file: str | None = None
    algorithms: tuple[str, ...] = ("ES384", "RS384")
    jku: str | None = None
    tenants: tuple[str, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    subject: str | None = None
    dry_run: bool = False
    system_actions: bool = False
    action_selection: bool = False
    scopes: Literal["v1", "v2", "both"] = "both"
    prefetch: Literal["2.0", "3.0", "none"] = "2.0"
    read_seconds: float = 4.0


@dataclass(frozen=True, slots=True)
class Windows:
    """How long each may say no; no window of its own is longer than the one for everybody."""

    clinician: timedelta = timedelta(hours=72)
    patient: timedelta = timedelta(days=7)
    clinician_prehab: timedelta = timedelta(hours=1)
    patient_prehab: timedelta = timedelta(days=2)
    patient_inpatient: timedelta = timedelta(days=2)  # at least; it ends with the stay
    until_discharge: bool = True


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody to name, and to reach."""

    reference: str
    display: str
    phone: str = ""
    email: str = ""


@dataclass(frozen=True, slots=True)
class StandingOrder:
    """Who lets the service refer when nobody acts, for what, and until when."""

    authoriser: str
    display: str
    destinations: frozenset[str]
    expires: date

    def covers(self, destination: str, now: datetime, zone: ZoneInfo) -> bool:
        """True while it has not lapsed and its scope names this destination; it holds to the end of its last day."""
        return destination in self.destinations and now.astimezone(zone).date() <= self.expires


@dataclass(frozen=True, slots=True)
class ProgrammeSite:
    """One exercise programme that a navigator may offer."""

    id: str
    name: str
    level: str  # "D1".."D5"
    organization: str
    supervision: int  # 0-4
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tenant:
    """One hospital's record system and how Stride works for it."""

    id: str
    name: str
    zone: ZoneInfo
    language: str
    ehr: Ehr
    cds_client: CdsClient | None
    windows: Windows
    release: str  # "standing-order" | "clinician-signs" | "system-action"
    accepted_is_signature: bool
    standing_order: StandingOrder | None
    exercise_service: Contact
    responsible_clinician: Contact
    on_call: Contact
    navigators: Mapping[str, Contact]  # who may open the queue, by fhirUser reference
    nurses: Mapping[str, Contact] = field(default_factory=dict)  # who says no on behalf, and signs nothing
    programmes: tuple[ProgrammeSite, ...] = ()
    policy: SitePolicy = field(default_factory=SitePolicy)
    write_back: WriteBackSettings = field(default_factory=WriteBackSettings)
    concept_map: ConceptMap | None = None  # the site's own codes; None: it uses those of the standards
    messages: Messages = field(default_factory=Messages)
    escalation: Escalation = field(default_factory=Escalation)
    listening: Listening = field(default_factory=Listening)
    retention: Retention = field(default_factory=Retention)
    pace: Pace = field(default_factory=Pace)

    def may_sign(self, reference: str | None) -> bool:
        """Whether this fhirUser may sign and clear: neither a patient nor a nurse (pathway.md section 7)."""
        return bool(reference) and not is_patient(reference) and reference not in self.nurses

    def programme(self, programme_id: str) -> ProgrammeSite | None:
        """The programme with this id."""
        return next((site for site in self.programmes if site.id == programme_id), None)


def is_patient(reference: str | None) -> bool:
    """Whether a fhirUser is a patient, or somebody of their family."""
    return (reference or "").startswith(("Patient/", "RelatedPerson/"))


class _Strict(Schema):
    class Meta:
        unknown = RAISE


_url = validate.URL(schemes={"http", "https"}, require_tld=False)
_reference = validate.Regexp(r"^[A-Za-z]+/[A-Za-z0-9\-.]{1,64}$", error='must look like "Practitioner/123"')


class _ContactSchema(_Strict):
    reference = fields.String(required=True, validate=_reference)
    display = fields.String(required=True)
    phone = fields.String()
    email = fields.String()


class _EhrSchema(_Strict):
    fhir_base = fields.String(required=True, validate=_url)
    client_id = fields.String(required=True)
    backend_client_id = fields.String(required=True)
    auth = fields.String(validate=validate.OneOf(["private_key_jwt", "client_secret_basic", "none"]))
    client_secret = fields.String()
    scopes = fields.String()
    backend_scopes = fields.String()
    frame_ancestors = fields.List(fields.String(validate=_url))

    @validates_schema
    def _has_secret(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("auth") == "client_secret_basic" and not data.get("client_secret"):
            raise ValidationError("is needed for auth = client_secret_basic", "client_secret")


class _CdsClientSchema(_Strict):
    issuer = fields.String(required=True)
    jwks_url = fields.String(validate=_url)
    jwks_file = fields.String()
    algorithms = fields.List(fields.String(validate=validate.OneOf(["ES384", "RS384", "ES256", "RS256"])))
    jku = fields.String(validate=_url)
    tenants = fields.List(fields.String())
    fhir_servers = fields.List(fields.String(validate=_url))
    cors_origins = fields.List(fields.String(validate=_url))
    subject = fields.String()
    dry_run = fields.Boolean()
    system_actions = fields.Boolean()
    action_selection = fields.Boolean()
    scopes = fields.String(validate=validate.OneOf(["v1", "v2", "both"]))
    prefetch = fields.String(validate=validate.OneOf(["2.0", "3.0", "none"]))
    read_seconds = fields.Float(validate=validate.Range(0.1, 20))

    @validates_schema
    def _has_keys(self, data: Mapping[str, Any], **_: Any) -> None:
        if bool(data.get("jwks_url")) == bool(data.get("jwks_file")):
            raise ValidationError("give either jwks_url or jwks_file: the keys that sign the EHR's calls", "jwks_url")


class _WindowsSchema(_Strict):
    clinician_hours = fields.Float(load_default=72, validate=validate.Range(0, 168))
    patient_days = fields.Float(load_default=7, validate=validate.Range(0, 60))
    prehab_clinician_hours = fields.Float(load_default=1, validate=validate.Range(0, 168))
    prehab_patient_days = fields.Float(load_default=2, validate=validate.Range(0, 60))
    inpatient_patient_days = fields.Float(load_default=2, validate=validate.Range(0, 60))
    until_discharge = fields.Boolean(load_default=True)


class _WriteBackSchema(_Strict):
    transactions = fields.Boolean()
    provenance = fields.Boolean()
    risk_assessments = fields.Boolean()
    ai_tag = fields.Boolean()
    notices = fields.Boolean()
    holds = fields.String(validate=validate.OneOf(["auto", "detected-issue", "flag", "none"]))


class _StandingOrderSchema(_Strict):
    authoriser = fields.String(required=True, validate=_reference)
    display = fields.String(required=True)
    destinations = fields.List(fields.String(validate=validate.OneOf(["D1", "D2", "D3", "D4", "D5"])), required=True)
    expires = fields.Date(required=True)


class _ProgrammeSchema(_Strict):
    id = fields.String(required=True)
    name = fields.String(required=True)
    level = fields.String(required=True, validate=validate.OneOf(["D1", "D2", "D3", "D4", "D5"]))
    organization = fields.String(required=True, validate=_reference)
    supervision = fields.Integer(required=True, validate=validate.Range(0, 4))
    note = fields.String()


class _PolicySchema(_Strict):
    min_age_years = fields.Integer(validate=validate.Range(0, 120))
    answers_before_referral = fields.Boolean()
    require_parq = fields.Boolean()
    survivor_years = fields.Integer(validate=validate.Range(1, 100))
    risk_model = fields.Boolean()
    adherence_model = fields.Boolean()


def _zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValidationError(f'"{name}" is not a time zone; write one like "Europe/London"') from None


class _TenantSchema(_Strict):
    name = fields.String(required=True)
    time_zone = fields.String(required=True, validate=_zone)
    language = fields.String(load_default="en")
    ehr = fields.Nested(_EhrSchema, required=True)
    cds_client = fields.Nested(_CdsClientSchema)
    windows = fields.Nested(_WindowsSchema, load_default=lambda: _WindowsSchema().load({}))
    release = fields.String(
        load_default="standing-order", validate=validate.OneOf(["standing-order", "clinician-signs", "system-action"])
    )
    accepted_is_signature = fields.Boolean(load_default=True)
    standing_order = fields.Nested(_StandingOrderSchema)
    exercise_service = fields.Nested(_ContactSchema, required=True)
    responsible_clinician = fields.Nested(_ContactSchema, required=True)
    on_call = fields.Nested(_ContactSchema, required=True)
    navigators = fields.List(fields.Nested(_ContactSchema), load_default=list)
    nurses = fields.List(fields.Nested(_ContactSchema), load_default=list)
    programmes = fields.List(fields.Nested(_ProgrammeSchema), load_default=list)
    policy = fields.Nested(_PolicySchema, load_default=dict)
    write_back = fields.Nested(_WriteBackSchema, load_default=dict)
    concept_map = fields.String(load_default=None)
    messages = fields.Nested(MessagesSchema, load_default=dict)
    escalation = fields.Nested(EscalationSchema, load_default=dict)
    listening = fields.Nested(ListeningSchema, load_default=dict)
    retention = fields.Nested(RetentionSchema, load_default=None)
    pace = fields.Nested(PaceSchema, load_default=None)

    @validates_schema
    def _has_order(self, data: Mapping[str, Any], **_: Any) -> None:
        if data.get("release", "standing-order") == "standing-order" and not data.get("standing_order"):
            raise ValidationError(
                'is needed for release = "standing-order": name who authorises, for which destinations, until when',
                "standing_order",
            )
        if data.get("release") == "system-action" and not (data.get("cds_client") or {}).get("system_actions"):
            raise ValidationError(
                'is needed for release = "system-action": the EHR has to let us add drafts to the orders being signed',
                "cds_client.system_actions",
            )


class _FileSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    tenants = fields.Dict(keys=fields.String(), values=fields.Nested(_TenantSchema), required=True)


@dataclass(frozen=True, slots=True)
class Tenants:
    """All tenants of this installation."""

    by_id: Mapping[str, Tenant]

    def __getitem__(self, tenant_id: str) -> Tenant:
        return self.by_id[tenant_id]

    def by_fhir_base(self, iss: str) -> Tenant | None:
        """The tenant whose EHR has this FHIR base, a trailing slash apart."""
        return next((t for t in self.by_id.values() if t.ehr.fhir_base.rstrip("/") == iss.rstrip("/")), None)

    def by_cds_issuer(self, issuer: str) -> Tenant | None:
        """The tenant whose CDS Hooks client signs as this issuer."""
        return next((t for t in self.by_id.values() if t.cds_client and t.cds_client.issuer == issuer), None)


def read_tenants(path: Path) -> Tenants:
    """The tenants of a TOML file; raises `TenantsInvalid` with a plain sentence for each thing that is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TenantsInvalid([f"{path} does not exist"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TenantsInvalid([f"{path} is not valid TOML: {error}"]) from None
    try:
        loaded = _FileSchema().load(raw)
    except ValidationError as error:
        raise TenantsInvalid(list(_sentences(error.messages, ""))) from None
    maps = {name: data.pop("concept_map") for name, data in loaded["tenants"].items()}
    tenants = {
        name: replace(_tenant(name, data), concept_map=_concept_map(name, path.parent, maps[name]))
        for name, data in loaded["tenants"].items()
    }
    if problems := list(_clashes(tenants)):
        raise TenantsInvalid(problems)
    return Tenants(tenants)


def _tenant(name: str, data: dict[str, Any]) -> Tenant:
    ehr, order, cds = data["ehr"], data.get("standing_order"), data.get("cds_client")
    return Tenant(
        id=name,
        name=data["name"],
        zone=ZoneInfo(data["time_zone"]),
        language=data["language"],
        ehr=Ehr(**{**ehr, "frame_ancestors": tuple(ehr.get("frame_ancestors", ()))}),
        cds_client=_cds_client(cds) if cds else None,
        windows=_windows(data["windows"]),
        release=data["release"],
        accepted_is_signature=data["accepted_is_signature"],
        standing_order=StandingOrder(**{**order, "destinations": frozenset(order["destinations"])}) if order else None,
        exercise_service=Contact(**data["exercise_service"]),
        responsible_clinician=Contact(**data["responsible_clinician"]),
        on_call=Contact(**data["on_call"]),
        navigators={person["reference"]: Contact(**person) for person in data["navigators"]},
        nurses={person["reference"]: Contact(**person) for person in data["nurses"]},
        programmes=tuple(ProgrammeSite(**site) for site in data["programmes"]),
        policy=SitePolicy(**data["policy"]),
        write_back=WriteBackSettings(**data["write_back"]),
        messages=messages_of(data["messages"]),
        escalation=escalation_of(data["escalation"]),
        listening=listening_of(data["listening"]),
        retention=retention_of(data["retention"]),
        pace=pace_of(data["pace"]),
    )


def _windows(data: Mapping[str, Any]) -> Windows:
    return Windows(
        clinician=timedelta(hours=data["clinician_hours"]),
        patient=timedelta(days=data["patient_days"]),
        clinician_prehab=timedelta(hours=data["prehab_clinician_hours"]),
        patient_prehab=timedelta(days=data["prehab_patient_days"]),
        patient_inpatient=timedelta(days=data["inpatient_patient_days"]),
        until_discharge=data["until_discharge"],
    )


def _concept_map(name: str, folder: Path, file: str | None) -> ConceptMap | None:
    """The map of a site's codes, its file named from where the tenants file lies."""
    if file is None:
        return None
    where = f"tenants.{name}.concept_map: {file}"
    try:
        return read_concept_map((folder / file).read_bytes())
    except OSError as error:
        raise TenantsInvalid([f"{where} cannot be read: {error.strerror}"]) from None
    except InvalidConceptMap as error:
        raise TenantsInvalid([f"{where} {error}"]) from None


def _cds_client(data: Mapping[str, Any]) -> CdsClient:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    return CdsClient(**values)


def _clashes(tenants: Mapping[str, Tenant]) -> list[str]:
    """Two tenants must not share what tells them apart."""
    said: list[str] = []
    keys: Mapping[str, Callable[[Tenant], str | None]] = {
        "FHIR base": lambda tenant: tenant.ehr.fhir_base.rstrip("/"),
        "CDS issuer": lambda tenant: tenant.cds_client.issuer if tenant.cds_client else None,
    }
    for what, key in keys.items():
        seen: dict[str, str] = {}
        for tenant in tenants.values():
            value = key(tenant)
            if value and value in seen:
                said.append(f"tenants {seen[value]} and {tenant.id} have the same {what}, {value}")
            elif value:
                seen[value] = tenant.id
    return said


def _sentences(messages: Any, where: str) -> list[str]:
    """The nested messages of marshmallow as `path: sentence`."""
    if isinstance(messages, dict):
        said: list[str] = []
        for key, below in messages.items():
            step = where if key in ("_schema", "value", "key") else f"{where}.{key}" if where else str(key)
            said.extend(_sentences(below, step))
        return said
    return [f"{where}: {message}" for message in (messages if isinstance(messages, list) else [messages])]
