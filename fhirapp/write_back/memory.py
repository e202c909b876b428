"""What we know to be in the EHR: written down before a create is sent and after each answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.audit import audit
from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.ehr.capability import Capability
from fhirapp.ehr.client import Stored
from fhirapp.referrals.facts import facts_of
from fhirapp.referrals.judging import write_back_soon
from fhirapp.referrals.notices import ended_notices
from fhirapp.referrals.referral import Actor, EhrResource
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
            last = next((event for event in reversed(store.history(referral_id)) if event.action != "assessed"), None)
            mover = (last.role, last.actor, last.actor_display) if last else ("", "", "")
            tells = tells_notices(tenant.write_back, capability)
            notices = ended_notices(session, tenant.id, referral_id) if tells else ()
            return Work(tenant, referral, facts, store.resources(referral_id), conflicts, capability, mover, notices)

    def version(self, work: Work) -> int:
        """The version that the referral has by now."""
        with self.sessions() as session:
            return Referrals(session, work.tenant.id).get(work.referral.id).version

    def announce(self, work: Work, kinds: Iterable[str], *, notes: Mapping[str, str] | None = None) -> None:
        """Say in the database that creates begin; raises `Overtaken` where the referral has changed meanwhile.

        Raises `WriteBackUnfinished` where another pass has announced one of them since this one looked: a worker that
        was stopped for longer than its lease must not go on beside the one that took over from it.
        """
        with self.sessions.begin() as session:
            referral = Referrals(session, work.tenant.id).lock(work.referral.id)
            if referral.version != work.referral.version:
                raise Overtaken
            for kind in kinds:
                row, seen = self._row(session, work, kind), work.known.get(kind)
                if row.id is not None and (seen is None or seen.written_at != row.written_at):
                    raise WriteBackUnfinished(f"another pass is at the {type_of(kind)}")
                row.written_at = self.clock()
                row.status = (notes or {}).get(kind, row.status)
                session.flush()
                work.known[kind] = row

    def remember(self, work: Work, kind: str, mark: str, stored: Stored) -> None:
        """It is there, in this status."""
        self.remember_all(work, {kind: (mark, stored)})

    def remember_all(self, work: Work, made: Mapping[str, tuple[str, Stored]]) -> None:
        """They are there, each in its status."""
        with self.sessions.begin() as session:
            for kind, (mark, stored) in made.items():
                row = self._row(session, work, kind)
                row.reference, row.version_id = stored.reference, stored.version_id
                row.status, row.written_at = mark, self.clock()
                made_it: dict[str, Any] = {"made": True} if stored.created else {}
                audit(
                    session, Actor.service(work.tenant.id), "ehr.write", at=row.written_at,
                    patient_id=work.referral.patient_id, subject=stored.reference, status=mark, **made_it,
                )  # fmt: skip
                session.flush()
                work.known[kind] = row
                if kind in work.conflicts:
                    Conflicts(session, work.tenant.id, self.sealer).passed(work.referral.id, kind, self.clock())

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
        with self.sessions.begin() as session:
            row = self._row(session, work, kind)
            row.status, row.written_at = REFUSED, self.clock()
            session.flush()
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

    def _row(self, session: Session, work: Work, kind: str) -> EhrResource:
        row = session.execute(
            sa.select(EhrResource).where(
                EhrResource.tenant_id == work.tenant.id,
                EhrResource.referral_id == work.referral.id,
                EhrResource.kind == kind,
            )
        ).scalar_one_or_none()
        if row is None:
            row = EhrResource(
                tenant_id=work.tenant.id,
                referral_id=work.referral.id,
                kind=kind,
                reference=None,
                version_id=None,
                status="",
                written_at=self.clock(),
            )
            session.add(row)
        return row
