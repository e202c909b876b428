"""What we know to be in the EHR: written down before a create is sent and after each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from fhirapp.audit import audit_directly
from fhirapp.db.base import Sessions
from fhirapp.db.direct import Direct, Link, Statement, linked
from fhirapp.db.encrypted import Sealer
from fhirapp.ehr.capability import Capability
from fhirapp.ehr.client import Stored
from fhirapp.referrals.errors import ReferralNotFound
from fhirapp.referrals.facts import facts_of
from fhirapp.referrals.glances import RESOURCE_COLUMNS, RESOURCE_KEY, mover_of, resources_in
from fhirapp.referrals.judging import write_back_soon
from fhirapp.referrals.notices import ended_notices
from fhirapp.referrals.referral import Actor, EhrResource, Referral
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant
from fhirapp.write_back.beside import REFUSED, tells_notices
from fhirapp.write_back.conflicts import Conflicts
from fhirapp.write_back.errors import WriteBackUnfinished
from fhirapp.write_back.work import Work, type_of


class Overtaken(Exception):
    """The referral changed in the middle of a pass."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Every change of what is known is one short transaction."""

    sessions: Sessions
    sealer: Sealer
    clock: Callable[[], datetime]

    def begin(self, tenant: Tenant, referral_id: UUID, capability: Capability) -> Work:
        """Everything that one pass works from, as it is now."""
        with self.sessions() as session:
            store = Referrals(session, tenant.id)
            referral = store.get(referral_id)
            earlier = store.earlier_request(referral)
            facts = facts_of(tenant, referral, self.sealer, now=self.clock(), replaces=earlier)
            conflicts = Conflicts(session, tenant.id, self.sealer).of(referral_id)
            tells = tells_notices(tenant.write_back, capability)
            notices = ended_notices(session, tenant.id, referral_id) if tells else ()
            with linked(session) as link:
                mover, known = mover_of(link, tenant.id, referral_id), resources_in(link, tenant.id, referral_id)
            return Work(tenant, referral, facts, known, conflicts, capability, mover, notices)

    def version(self, work: Work) -> int:
        """The version that the referral has by now."""
        with Direct(self.sessions).connected() as link:
            return self._version(link, _VERSION, work)

    def announce(self, work: Work, kinds: Iterable[str], *, notes: Mapping[str, str] | None = None) -> None:
        """Say in the database that creates begin; raises `Overtaken` where the referral has changed meanwhile.

        Raises `WriteBackUnfinished` where another pass has announced one of them since this one looked: a worker that
        was stopped for longer than its lease must not go on beside the one that took over from it.
        """
        kinds, notes, now = tuple(kinds), notes or {}, self.clock()
        with Direct(self.sessions).connected() as link, link.writing():
            if self._version(link, _VERSION_LOCKED, work) != work.referral.version:
                raise Overtaken
            there = resources_in(link, work.tenant.id, work.referral.id)
            for kind in kinds:
                row, seen = there.get(kind), work.known.get(kind)
                if row is not None and (seen is None or seen.written_at != row.written_at):
                    raise WriteBackUnfinished(f"another pass is at the {type_of(kind)}")
            rows = [self._announced(link, work, kind, there.get(kind), notes.get(kind), now) for kind in kinds]
        work.known.update({row.kind: row for row in rows})

    def _version(self, link: Link, statement: Statement, work: Work) -> int:
        row = link.row(statement, {"tenant": work.tenant.id, "referral": work.referral.id})
        if row is None:
            raise ReferralNotFound("no such referral")
        version: int = row[0]
        return version

    def _announced(
        self, link: Link, work: Work, kind: str, there: EhrResource | None, note: str | None, now: datetime
    ) -> EhrResource:
        """The row that says so, new or as it stands there with the note put in: nothing else of it is written."""
        row = there or self._row(work, kind, None, "", now)
        row.written_at, row.status = now, row.status if note is None else note
        link.insert(_ANNOUNCE if note is None else _ANNOUNCE_NOTED, _values(row))
        return row

    def remember(self, work: Work, kind: str, mark: str, stored: Stored) -> None:
        """It is there, in this status."""
        self.remember_all(work, {kind: (mark, stored)})

    def remember_all(self, work: Work, made: Mapping[str, tuple[str, Stored]]) -> None:
        """They are there, each in its status."""
        now, settled = self.clock(), work.conflicts.keys() & made.keys()
        rows = [self._row(work, kind, stored, mark, now) for kind, (mark, stored) in made.items()]
        if settled:
            with self.sessions.begin() as session, linked(session) as link:
                self._keep(link, work, made, rows, now)
                for kind in settled:
                    Conflicts(session, work.tenant.id, self.sealer).passed(work.referral.id, kind, now)
        else:
            with Direct(self.sessions).connected() as link, link.writing():
                self._keep(link, work, made, rows, now)
        work.known.update({row.kind: row for row in rows})

    def _keep(
        self, link: Link, work: Work, made: Mapping[str, tuple[str, Stored]], rows: list[EhrResource], now: datetime
    ) -> None:
        service = Actor.service(work.tenant.id)
        for mark, stored in made.values():
            details: dict[str, Any] = {"status": mark} | ({"made": True} if stored.created else {})
            audit_directly(
                link, service, "ehr.write", at=now, patient_id=work.referral.patient_id, subject=stored.reference,
                **details,
            )  # fmt: skip
        link.insert_all(_REMEMBER, [_values(row) for row in rows])

    def forget(self, work: Work, *kinds: str) -> None:
        """It is surely not there."""
        with self.sessions.begin() as session:
            session.execute(
                sa.delete(EhrResource).where(
                    EhrResource.tenant_id == work.tenant.id,
                    EhrResource.referral_id == work.referral.id,
                    EhrResource.kind.in_(kinds),
                )
            )
        for kind in kinds:
            work.known.pop(kind, None)

    def refused(self, work: Work, kind: str) -> None:
        """The EHR would not take it. What is there already stays known as it is."""
        row = work.known.get(kind)
        if row is not None and row.reference is not None:
            return
        now = self.clock()
        with Direct(self.sessions).connected() as link, link.writing():
            there = resources_in(link, work.tenant.id, work.referral.id).get(kind)
            row = self._announced(link, work, kind, there, REFUSED, now)
        work.known[kind] = row

    def again(self, work: Work) -> None:
        """Have the worker write what is left."""
        with self.sessions.begin() as session:
            write_back_soon(session, Referrals(session, work.tenant.id).get(work.referral.id), self.clock())

    def disagree(
        self, work: Work, kind: str, reason: str, *, wanted: str, theirs: dict[str, Any] | None,
        ours: dict[str, Any] | None, status: str,
    ) -> None:  # fmt: skip
        """Keep a conflict for a person."""
        with self.sessions.begin() as session:
            conflicts = Conflicts(session, work.tenant.id, self.sealer)
            work.conflicts[kind] = conflicts.note(
                work.referral.id, kind, reason,
                wanted=wanted, theirs=theirs, ours=ours, status=status, now=self.clock(),
            )  # fmt: skip

    def _row(self, work: Work, kind: str, stored: Stored | None, status: str, at: datetime) -> EhrResource:
        """A row in no session: what is written is sent by statements of their own."""
        return EhrResource(
            tenant_id=work.tenant.id,
            referral_id=work.referral.id,
            kind=kind,
            reference=stored.reference if stored else None,
            version_id=stored.version_id if stored else None,
            status=status,
            written_at=at,
        )


def _values(row: EhrResource) -> dict[str, Any]:
    return {name: getattr(row, name) for name in RESOURCE_COLUMNS}


_VERSION_OF: Final = sa.select(Referral.version).where(
    Referral.tenant_id == sa.bindparam("tenant"), Referral.id == sa.bindparam("referral")
)
_VERSION: Final = Statement(_VERSION_OF)
_VERSION_LOCKED: Final = Statement(_VERSION_OF.with_for_update())
_ANNOUNCE: Final = Statement.putting(EhrResource, RESOURCE_KEY, "written_at")
_ANNOUNCE_NOTED: Final = Statement.putting(EhrResource, RESOURCE_KEY, "written_at", "status")
_REMEMBER: Final = Statement.putting(EhrResource, RESOURCE_KEY, "reference", "version_id", "status", "written_at")
