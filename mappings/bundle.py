"""From the bytes of a record system to one patient's chart: decoded, checked for its patient, sorted by type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import msgspec

from mappings import decoders, structs
from mappings.datatypes import reference_id
from mappings.decoders import Bundle, Unread
from mappings.errors import ForeignPatient, UnreadableChart
from mappings.loose import Head, entry_decoder, head_of, loose_decoder, text_of
from mappings.observation_index import ObservationIndex
from mappings.structs import Observation, OperationOutcome, Patient, Resource
from models.snapshot import Gap

R = TypeVar("R", bound=Resource)

# An OperationOutcome inside a searchset is mostly advice ("parameter ignored"). These kinds say that something
# is missing from the answer. Source: FHIR R4 issue-type; standards.md CH-P5.
_INCOMPLETE: Final = frozenset(
    {"suppressed", "incomplete", "too-costly", "timeout", "throttled", "transient", "security", "login"}
    | {"forbidden", "expired", "unknown", "lock-error", "no-store", "exception", "processing"}
)


@dataclass(frozen=True, slots=True)
class Part:
    """One answer of the record system: a query key and the body that came for it."""

    key: str
    body: bytes


@dataclass(slots=True)
class Chart:
    """What was read of one patient, sorted by resource type, and what could not be read."""

    patient_id: str
    patient: Patient | None = None
    resources: dict[type[Resource], list[Any]] = field(default_factory=dict)
    faults: list[Gap] = field(default_factory=list)  # entries that are broken and were left out
    next_links: Mapping[str, str] = field(default_factory=dict)  # key -> URL of a page not read yet
    unread: frozenset[str] = frozenset()  # keys answered with an OperationOutcome
    index: ObservationIndex | None = None  # of the observations; `None` until it is made, or made anew

    def of(self, kind: type[R]) -> list[R]:
        """All resources of one type, in the order of the chart; each id once."""
        return self.resources.get(kind, [])

    def observed(self) -> ObservationIndex:
        """The observations by what they are about."""
        if self.index is None:
            self.index = ObservationIndex(self.of(Observation))
        return self.index


def read_chart(parts: Iterable[Part], *, patient_id: str) -> Chart:
    """The chart of `patient_id` out of answers that each are a resource, a Bundle, `null` or an OperationOutcome.

    Pages of one key are given as parts of the same key, in their order. `null` means that somebody
    looked and found nothing. One broken resource becomes a fault of the chart; all others are used.
    Raises `ForeignPatient` when any resource belongs to somebody else, `UnreadableChart` for bodies that
    are no FHIR JSON. Source: standards.md CH-P4, CH-P5, CH-P8.
    """
    return _Reader(patient_id).read(parts)


def chart_of_bundle(body: bytes) -> Chart:
    """The chart in one Bundle that holds one patient, whose id is taken from the Bundle itself.

    Raises `UnreadableChart` when there is no Patient, `ForeignPatient` when there are two.
    """
    patients = set(_patients(body))
    if len(patients) > 1:
        raise ForeignPatient("a second Patient", key="chart")
    for patient_id in patients:
        if patient_id:
            return read_chart([Part("chart", body)], patient_id=patient_id)
    raise UnreadableChart("no Patient with an id in the Bundle", key="chart")


def _patients(body: bytes) -> Iterator[str | None]:
    """The ids of all Patients in a body; entries that are broken are named when the chart is read."""
    try:
        loose = loose_decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UnreadableChart("not a FHIR Bundle", key="chart") from error
    if loose.resource_type != "Bundle":
        # A resource on its own is no chart: read as one, all that it does not hold would seem to be absent.
        raise UnreadableChart("not a FHIR Bundle", key="chart")
    for raw in loose.entry or ():
        try:
            entry = entry_decoder.decode(raw)
        except (msgspec.MsgspecError, RecursionError):
            continue
        if entry is not None and entry.resource:
            head = head_of(entry.resource)
            if text_of(head.resource_type) == "Patient":
                yield text_of(head.id) or _id_of_url(text_of(entry.full_url))


def _id_of_url(full_url: str | None) -> str | None:
    if not full_url:
        return None
    return full_url.rsplit(":", 1)[-1] if full_url.startswith("urn:") else full_url.rsplit("/", 1)[-1]


class _Reader:
    """Collects one chart; `mine` holds every reference text that is known to mean our patient."""

    def __init__(self, patient_id: str) -> None:
        self.chart = Chart(patient_id)
        self.mine = {f"Patient/{patient_id}", f"urn:uuid:{patient_id}"}
        self.bodies: list[Resource | None] = []  # what was not looked through for names of our patient yet
        self.mine_written: set[bytes] = set()  # subjects of observations, as written
        self.repeated: set[type[Resource]] = set()  # kinds that came in more than one body
        self.next_links: dict[str, str] = {}
        self.unread: set[str] = set()
        self.index = ObservationIndex()
        self.lists: dict[type[Resource], list[Any]] = self.chart.resources
        self.lists[Observation] = self.index.everything

    def read(self, parts: Iterable[Part]) -> Chart:
        bodies = [(part.key, self.decoded(part)) for part in parts]
        self.bodies = [body for _, body in bodies]
        for key, body in bodies:
            before = {kind: len(found) for kind, found in self.lists.items()}
            self.take_body(key, body)
            for kind, count in before.items():
                if count and len(self.lists[kind]) > count:
                    self.repeated.add(kind)
        self.chart.index = self.index
        self.drop_repeats()
        self.chart.next_links = self.next_links
        self.chart.unread = frozenset(self.unread)
        return self.chart

    def decoded(self, part: Part) -> Resource | None:
        try:
            found: Resource | None = decoders.body_decoder.decode(part.body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            return self.decoded_slowly(part)
        return found

    def decoded_slowly(self, part: Part) -> Resource:
        """Entry by entry, so that one broken resource costs itself only."""
        try:
            loose = loose_decoder.decode(part.body)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            raise UnreadableChart("not FHIR JSON", key=part.key) from error
        if loose.resource_type is None:
            raise UnreadableChart("not a FHIR resource", key=part.key)
        if loose.resource_type != "Bundle":
            return self.one_slowly(part.body, part.key) or Unread()
        entries = [self.entry_slowly(raw, part.key) for raw in loose.entry or ()]
        return Bundle(link=_links(loose.link), entry=entries)

    def entry_slowly(self, raw: msgspec.Raw, key: str) -> decoders.Entry | None:
        try:
            entry = entry_decoder.decode(raw)
        except (msgspec.MsgspecError, RecursionError) as error:
            self.broken("an entry", key, str(error))
            return None
        if entry is None or not entry.resource:
            return None
        url = text_of(entry.full_url)
        return decoders.Entry(full_url=url, resource=self.one_slowly(entry.resource, key))

    def one_slowly(self, body: bytes | msgspec.Raw, key: str) -> Resource | None:
        try:
            found: Resource = decoders.resource_decoder.decode(body)
        except (msgspec.MsgspecError, RecursionError) as error:
            head = head_of(body)
            source = f"{text_of(head.resource_type) or '?'}/{text_of(head.id) or '?'}"
            self.refuse_if_foreign(head, source, key)
            self.broken(source, key, str(error))
            return None
        return found

    def refuse_if_foreign(self, head: Head, source: str, key: str) -> None:
        """A resource that cannot be used still refuses the chart when it is plainly somebody else's."""
        for raw in (head.subject, head.patient):
            try:
                owner = decoders.subject_decoder.decode(raw) if raw else None
            except msgspec.MsgspecError:
                continue
            patient = reference_id(owner.reference or "", "Patient") if owner else None
            if patient not in (None, self.chart.patient_id):
                raise ForeignPatient(source, key=key)

    def broken(self, source: str, key: str, reason: str) -> None:
        self.chart.faults.append(Gap(input=key, why="unread", text=f"broken: {reason}", source=source))

    def learn_urls(self) -> None:
        """The fullUrls of our Patient: how the other entries of a transaction Bundle name them."""
        bundles = [body for body in self.bodies if type(body) is Bundle]
        self.bodies = []
        for entry in (entry for bundle in bundles for entry in bundle.entry or ()):
            if entry is None or type(entry.resource) is not Patient or not entry.full_url:
                continue
            if (entry.resource.id or _id_of_url(entry.full_url)) == self.chart.patient_id:
                self.mine.add(entry.full_url)

    def take_body(self, key: str, body: Resource | None) -> None:
        self.next_links.pop(key, None)
        if body is None:
            return
        if type(body) is OperationOutcome:
            self.unread.add(key)
        elif type(body) is Bundle:
            self.take_bundle(key, body)
        else:
            self.take(key, body, None)

    def take_bundle(self, key: str, bundle: Bundle) -> None:
        for link in bundle.link or ():
            if link.relation == "next" and link.url:
                self.next_links[key] = link.url
        mine, subject = self.mine_written, None
        add = self.index.add
        for entry in bundle.entry or ():
            if entry is None:
                continue
            resource = entry.resource
            if (
                resource.__class__ is Observation
                and resource.id is not None
                # The subject is written as in the one before, or in another that was looked into.
                and (resource.subject == subject or bytes(resource.subject) in mine)
            ):
                subject = resource.subject
                add(resource)
            elif resource is not None:
                self.take(key, resource, entry.full_url)

    def take(self, key: str, resource: Resource, full_url: str | None) -> None:
        """One resource into the chart, after the check that it is our patient's."""
        if isinstance(resource, Unread):
            return
        if resource.id is None:
            resource.id = _id_of_url(full_url)
        source = f"{type(resource).__name__}/{resource.id or '?'}"
        if isinstance(resource, OperationOutcome):
            if any(_is_incomplete(issue) for issue in resource.issue or ()):
                self.unread.add(key)
        elif isinstance(resource, Patient):
            if resource.id != self.chart.patient_id:
                raise ForeignPatient(source, key=key)
            self.chart.patient = resource
        elif not self.is_ours(resource, source, key):
            return
        elif isinstance(resource, Observation):
            self.index.add(resource)
        else:
            self.lists.setdefault(type(resource), []).append(resource)

    def is_ours(self, resource: Resource, source: str, key: str) -> bool:
        """True for our patient's; a resource that does not say whose it is becomes a fault."""
        if isinstance(resource, structs.Medication):
            return True
        try:
            named = list(_owners(resource))
        except msgspec.MsgspecError as error:
            self.broken(source, key, str(error))
            return False
        for reference in named:
            self.check(reference, source, key)
        if any(reference in self.mine for reference in named):
            if isinstance(resource, Observation) and len(self.mine_written) < 1000:
                self.mine_written.add(bytes(resource.subject))
            return True
        self.broken(source, key, "it does not say whose it is")
        return False

    def check(self, reference: str, source: str, key: str) -> None:
        """Raises `ForeignPatient` for a reference to somebody else; learns new ways to name our patient."""
        if reference in self.mine:
            return
        patient = reference_id(reference, "Patient")
        if patient == self.chart.patient_id:
            self.mine.add(reference)
            return
        self.learn_urls()
        if reference not in self.mine and (patient is not None or reference.startswith("urn:")):
            raise ForeignPatient(source, key=key)

    def drop_repeats(self) -> None:
        """Queries overlap: of two copies of a resource the later one is kept."""
        for kind in self.repeated:
            found = self.lists[kind]
            by_id = {resource.id: resource for resource in found if resource.id is not None}
            if len(by_id) < len(found):
                nameless = [resource for resource in found if resource.id is None]
                self.lists[kind] = [*by_id.values(), *nameless]
                self.chart.index = None if kind is Observation else self.chart.index


def _owners(resource: Resource) -> Iterator[str]:
    if isinstance(resource, structs.Appointment):
        for participant in resource.participant or ():
            reference = participant.actor.reference if participant.actor else None
            if reference and (reference_id(reference, "Patient") or reference.startswith("urn:")):
                yield reference
        return
    if isinstance(resource, Observation):
        subject = decoders.subject_decoder.decode(resource.subject) if resource.subject else None
    else:
        subject = getattr(resource, "subject", None)
    if subject is not None and subject.reference:
        yield subject.reference


def _is_incomplete(issue: structs.OutcomeIssue) -> bool:
    return issue.severity in ("fatal", "error") or issue.code in _INCOMPLETE


def _links(raw: msgspec.Raw) -> list[decoders.Link]:
    try:
        return msgspec.json.decode(raw, type=list[decoders.Link]) if raw else []
    except (msgspec.MsgspecError, RecursionError):
        return []
