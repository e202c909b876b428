"""Looks at an EHR for what has changed there: people, our resources, new results. Source: standards.md 6.1, 6.2.

Every look is harmless to repeat: what was heard before is known, and the cursors move only behind finished work.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from fhirapp.closed_loop.cursor import Cursors, Look
from fhirapp.closed_loop.followed import Followed, Place, followed_by
from fhirapp.closed_loop.hearing import Hearing
from fhirapp.closed_loop.people import People
from fhirapp.closed_loop.reading import Reading, updated_at, version_of
from fhirapp.db.base import Sessions
from fhirapp.ehr.capability import Capability
from fhirapp.ehr.client import EhrClient, Stored
from fhirapp.ehr.errors import EhrError, EhrMissing, EhrUnavailable
from fhirapp.referrals.fhir_status import SERVICE_REQUEST
from fhirapp.referrals.glances import resources_of
from fhirapp.referrals.judging import CHECK, RESULTS, enqueue_for
from fhirapp.referrals.referral import EhrResource
from fhirapp.referrals.store import Referrals
from mappings.canonical import RESOURCE_IDENTIFIER
from mappings.queries import EXTRAS, QUERIES

log = logging.getLogger("stride.closed_loop")

OURS: Final = ("ServiceRequest", "Task", "CarePlan")  # what others change in a way that means something
RESULT_TYPES: Final = tuple(
    dict.fromkeys(
        kind
        for query in (*QUERIES, *EXTRAS)
        if (kind := query.path.partition("?")[0]) not in ("ServiceRequest", "CarePlan") and "/" not in kind
    )
)
SWEEP_EVERY: Final = timedelta(days=1)  # then everything is asked for whatever its age: a look that missed is mended


@dataclass(frozen=True, slots=True)
class Poll:
    """One look at one tenant's EHR."""

    sessions: Sessions
    hearing: Hearing
    people: People
    clock: Callable[[], datetime]

    def look(self, tenant_id: str, ehr: EhrClient, can: Capability, *, only_ours: bool = False) -> None:
        """Hear all that has changed since the last look; `only_ours`: of our own resources.

        Raises `EhrUnavailable` when the EHR does not answer; the rest is then heard next time. A type that the EHR does
        not let us search is passed over.
        """
        with self.sessions() as session:
            followed = followed_by(session, tenant_id, self.clock())
        reading, cursors = Reading(ehr), Cursors(self.sessions, tenant_id)
        for kind in OURS:
            with self._unless_refused(kind):
                self._resources(tenant_id, kind, reading, cursors, followed, can)
        if only_ours:
            return
        with self._unless_refused("Patient"):
            self._patients(tenant_id, reading, cursors, followed, can)
        with self._unless_refused("drafts"):
            self._drafts(tenant_id, reading, followed)
        for kind in RESULT_TYPES if can.last_updated else ():
            if can.can(kind, "search-type"):
                with self._unless_refused(kind):
                    self._results(tenant_id, kind, reading, cursors, followed)

    def check(self, tenant_id: str, referral_id: UUID, ehr: EhrClient) -> None:
        """Look at one referral's patient and at each of its resources, whatever has changed."""
        with self.sessions() as session:
            store = Referrals(session, tenant_id)
            patient_id, rows = store.get(referral_id).patient_id, store.resources(referral_id)
        self._one(tenant_id, Place(referral_id, "patient"), f"Patient/{patient_id}", ehr)
        for kind, row in rows.items():
            if row.reference is not None and not kind.startswith(("provenance-", "risk-")):
                self._one(tenant_id, Place(referral_id, kind), row.reference, ehr)

    def request(self, tenant_id: str, referral_id: UUID, ehr: EhrClient) -> None:
        """Hear the ServiceRequest alone, if it is in the EHR."""
        row = resources_of(self.sessions, tenant_id, referral_id).get(SERVICE_REQUEST)
        if row is not None and row.reference is not None:
            with self._unless_refused("ServiceRequest"):
                self._one(tenant_id, Place(referral_id, SERVICE_REQUEST), row.reference, ehr)

    # ------------------------------------------------------------ what is read

    def _patients(
        self, tenant_id: str, reading: Reading, cursors: Cursors, followed: Followed, can: Capability
    ) -> None:
        look = self._begin("Patient", reading, cursors, can)
        seen = []
        for stored in reading.by_ids("Patient", followed.patients):
            seen.append(stored)
            for referral_id in followed.patients.get(stored.reference.partition("/")[2], ()):
                if version_of(stored) not in look.seen:
                    self._hear(tenant_id, Place(referral_id, "patient"), stored, reading.ehr)
        self._end("Patient", reading, cursors, seen)

    def _resources(
        self, tenant_id: str, kind: str, reading: Reading, cursors: Cursors, followed: Followed, can: Capability
    ) -> None:
        ids = followed.ids(kind)
        look = self._begin(kind, reading, cursors, can)
        seen = []
        for stored in reading.by_ids(kind, ids):
            seen.append(stored)
            place = followed.resources.get(stored.reference)
            if place is not None and version_of(stored) not in look.seen:
                self._hear(tenant_id, place, stored, reading.ehr)
        if reading.since is None:
            there = {stored.reference for stored in seen}
            for reference in sorted(f"{kind}/{one}" for one in ids if f"{kind}/{one}" not in there):
                self._one(tenant_id, followed.resources[reference], reference, reading.ehr)
        self._end(kind, reading, cursors, seen)

    def _drafts(self, tenant_id: str, reading: Reading, followed: Followed) -> None:
        """ServiceRequests that the EHR made from our suggestion, which only it knows of yet."""
        for stored in reading.by_identifiers("ServiceRequest", RESOURCE_IDENTIFIER, followed.drafts):
            values = [
                str(one.get("value"))
                for one in stored.resource.get("identifier") or ()
                if one.get("system") == RESOURCE_IDENTIFIER
            ]
            for referral_id in {followed.drafts[value] for value in values if value in followed.drafts}:
                self._find(tenant_id, referral_id, stored)
                self._hear(tenant_id, Place(referral_id, SERVICE_REQUEST), stored, reading.ehr)

    def _results(self, tenant_id: str, kind: str, reading: Reading, cursors: Cursors, followed: Followed) -> None:
        """New results have the referral judged again: each patient once, however much came."""
        look = cursors.look(kind)
        reading.since = look.begins
        seen: list[Stored] = []
        if look.since is not None:
            seen.extend(reading.of_patients(kind, followed.waiting))
        news = {_patient_of(stored.resource) for stored in seen if version_of(stored) not in look.seen}
        with self.sessions.begin() as session:
            for patient_id in sorted(news & set(followed.waiting)):
                referral = Referrals(session, tenant_id).get(followed.waiting[patient_id])
                enqueue_for(session, referral, RESULTS, self.clock())
        self._end(kind, reading, cursors, seen)

    def _begin(self, kind: str, reading: Reading, cursors: Cursors, can: Capability) -> Look:
        """From where to read one type: from the cursor, or everything once a day."""
        look, swept = cursors.look(kind), cursors.look(f"{kind} sweep").since
        due = swept is None or look.since is None or look.since - swept >= SWEEP_EVERY
        reading.since = None if due or not can.last_updated else look.begins
        return look

    def _end(self, kind: str, reading: Reading, cursors: Cursors, seen: list[Stored]) -> None:
        """All of it is done: the next look begins where the EHR's clock stood when this one began."""
        dated = [(version_of(stored), at) for stored in seen if (at := updated_at(stored)) is not None]
        now = reading.asked_at or max((at for _, at in dated), default=None)
        if now is None:
            return  # the EHR tells no time: everything is read again
        if kind in (*OURS, "Patient") and reading.since is None:
            cursors.done(f"{kind} sweep", now, ())
        cursors.done(kind, now, dated)

    # ------------------------------------------------------------ what is heard

    def _hear(self, tenant_id: str, place: Place, stored: Stored, ehr: EhrClient) -> None:
        """One change. One that cannot be understood stops no other: its referral is checked, in a job of its own."""
        try:
            self._follow(tenant_id, place, stored, ehr)
        except EhrError:
            raise
        except Exception:
            log.exception("a change of %s cannot be followed", stored.reference.partition("/")[0])
            with self.sessions.begin() as session:
                referral = Referrals(session, tenant_id).get(place.referral_id)
                enqueue_for(session, referral, CHECK, self.clock())

    def _one(self, tenant_id: str, place: Place, reference: str, ehr: EhrClient) -> None:
        try:
            stored = ehr.read(reference)
        except EhrMissing:
            if place.kind == "patient":
                self.people.gone(tenant_id, place.referral_id, reference)
            else:
                self.hearing.gone(tenant_id, place.referral_id, place.kind, reference)
            return
        self._follow(tenant_id, place, stored, ehr)

    def _follow(self, tenant_id: str, place: Place, stored: Stored, ehr: EhrClient) -> None:
        if place.kind == "patient":
            self.people.hear(tenant_id, place.referral_id, stored, ehr)
        else:
            self.hearing.hear(tenant_id, place.referral_id, place.kind, stored)

    def _find(self, tenant_id: str, referral_id: UUID, stored: Stored) -> None:
        """Remember where the EHR keeps what it made from our suggestion."""
        with self.sessions.begin() as session:
            store = Referrals(session, tenant_id)
            store.lock(referral_id)
            if SERVICE_REQUEST in store.resources(referral_id):
                return
            session.add(
                EhrResource(
                    tenant_id=tenant_id,
                    referral_id=referral_id,
                    kind=SERVICE_REQUEST,
                    reference=stored.reference,
                    version_id=stored.version_id,
                    status="draft",  # as we suggested it: whatever stands there now is somebody's word
                    written_at=self.clock(),
                )
            )

    @contextmanager
    def _unless_refused(self, kind: str) -> Iterator[None]:
        try:
            yield
        except EhrUnavailable:
            raise
        except EhrError as error:
            log.warning("changes of %s cannot be read: %s", kind, error)


def _patient_of(resource: Mapping[str, Any]) -> str:
    """The id of the patient that a result is about."""
    for name in ("subject", "patient", "for"):
        reference = str((resource.get(name) or {}).get("reference", ""))
        if "Patient/" in reference:
            return reference.rpartition("Patient/")[2].split("/")[0]
    for participant in resource.get("participant") or ():
        reference = str((participant.get("actor") or {}).get("reference", ""))
        if "Patient/" in reference:
            return reference.rpartition("Patient/")[2].split("/")[0]
    return ""
