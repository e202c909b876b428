"""Tells people of alarms until somebody confirms; the handlers of the jobs "alarm" and "clock".

Unlike a notice to a patient, a call whose outcome is unknown is made again: a second page does no harm, a lost one may
(decision 0052).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.alarms.alarm import Alarm, AlarmCall, open_alarms
from fhirapp.alarms.clocks import LADDERS, Kind, step_at, step_of
from fhirapp.alarms.links import AlarmLink, AlarmLinks
from fhirapp.alarms.people import Reached, person_for
from fhirapp.alarms.raising import ALARM, ring_due
from fhirapp.alarms.words import TOPIC, chart_words_of, mail_of, page_of, reference_of, subject_of
from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.db.rows import row_of
from fhirapp.ehr.connect import Ehrs
from fhirapp.ehr.errors import EhrError, EhrUnavailable
from fhirapp.i18n import gettext_for
from fhirapp.jobs.table import LEASE, enqueue
from fhirapp.messages.errors import SendFailed
from fhirapp.messages.message import Message
from fhirapp.messages.senders import CredentialMissing, Senders
from fhirapp.referrals.facts import facts_of
from fhirapp.referrals.fhir_status import SERVICE_REQUEST
from fhirapp.referrals.referral import Actor, Referral
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant, Tenants
from mappings.errors import MappingError
from mappings.to_fhir.communication import Notice, communication
from mappings.to_fhir.facts import Ref
from mappings.to_fhir.validate import checked

log = logging.getLogger("stride.alarms")

UNDONE: Final = ("due", "begun")
TRIES: Final = 8
PAUSE: Final = timedelta(minutes=1)


class NoWay(Exception):
    """This person cannot be reached in this way: the settings do not say how."""


@dataclass(frozen=True, slots=True)
class Alarms:
    """Calls people, and keeps who was called, when, and with what success."""

    sessions: Sessions
    tenants: Tenants
    sealer: Sealer
    links: AlarmLinks
    senders: Senders
    ehrs: Ehrs
    clock: Callable[[], datetime]

    def tell(self, tenant_id: str, referral_id: UUID) -> None:
        """Take every step that is due for the alarms of a referral, and come back for the next one."""
        for call in self._due(tenant_id, referral_id):
            self._make(tenant_id, referral_id, call)
        with self.sessions.begin() as session:
            self._come_back(session, tenant_id, referral_id)

    def clock_ran_out(self, tenant_id: str, referral_id: UUID) -> None:
        """See which clocks of the referral have run out, and tell whoever comes next."""
        tenant, now = self.tenants[tenant_id], self.clock()
        with self.sessions.begin() as session:
            ring_due(session, tenant, Referrals(session, tenant_id).lock(referral_id), now)

    # ------------------------------------------------------------ what is due

    def _due(self, tenant_id: str, referral_id: UUID) -> list[int]:
        """Write down the calls of every step that is due; returns the ids of those that are to be made now."""
        tenant, now = self.tenants[tenant_id], self.clock()
        with self.sessions.begin() as session:
            referral = Referrals(session, tenant_id).lock(referral_id)
            for alarm in open_alarms(session, tenant_id, referral_id):
                if referral.is_open:
                    self._take_steps(session, tenant, referral, alarm, now)
                else:
                    alarm.closed_at = now  # the patient has died, or the referral ended some other way
            session.flush()
            return [call.id for call in self._undone(session, tenant_id, referral_id) if _makeable(call, now)]

    def _take_steps(self, session: Session, tenant: Tenant, referral: Referral, alarm: Alarm, now: datetime) -> None:
        kind = Kind(alarm.kind)
        while (at := step_at(kind, alarm.step, alarm.raised_at, tenant)) is not None and at <= now:
            following = step_at(kind, alarm.step + 1, alarm.raised_at, tenant)
            overtaken = following is not None and following <= now and alarm.step >= len(LADDERS[kind].steps)
            for whom, via in () if overtaken else step_of(kind, alarm.step).calls:
                session.add(
                    AlarmCall(
                        tenant_id=tenant.id, alarm_id=alarm.id, step=alarm.step, whom=whom, via=via, state="due",
                        tries=0, at=now,
                    )
                )  # fmt: skip
            if alarm.step == 0:
                Referrals(session, tenant.id).note(
                    referral, "alarm", actor=Actor.service(tenant.id), at=now, before=referral.status,
                    alarm=alarm.kind, rules=alarm.rules,
                )  # fmt: skip
            alarm.step += 1

    def _undone(self, session: Session, tenant_id: str, referral_id: UUID) -> Sequence[AlarmCall]:
        alarms = [alarm.id for alarm in open_alarms(session, tenant_id, referral_id)]
        return (
            session.execute(
                sa.select(AlarmCall)
                .where(AlarmCall.tenant_id == tenant_id, AlarmCall.alarm_id.in_(alarms), AlarmCall.state.in_(UNDONE))
                .order_by(AlarmCall.id)
            )
            .scalars()
            .all()
        )

    def _come_back(self, session: Session, tenant_id: str, referral_id: UUID) -> None:
        tenant, now = self.tenants[tenant_id], self.clock()
        times = [
            at
            for alarm in open_alarms(session, tenant_id, referral_id)
            if (at := step_at(Kind(alarm.kind), alarm.step, alarm.raised_at, tenant)) is not None
        ]
        times += [_retry_at(call) for call in self._undone(session, tenant_id, referral_id)]
        if times:
            run_at = max(min(times), now + timedelta(seconds=1))
            enqueue(session, tenant_id, ALARM, f"{ALARM}/{referral_id}", _payload(referral_id), run_at=run_at)

    # ------------------------------------------------------------ one call

    def _make(self, tenant_id: str, referral_id: UUID, call_id: int) -> None:
        """Announce the call, make it outside any transaction, and keep what came of it."""
        now = self.clock()
        with self.sessions.begin() as session:
            call = row_of(session, AlarmCall, tenant_id, call_id)
            alarm = row_of(session, Alarm, tenant_id, call.alarm_id)
            if not alarm.is_open or not _makeable(call, now):
                return
            referral = Referrals(session, tenant_id).get(referral_id)
            about = Referrals(session, tenant_id).resources(referral_id).get(SERVICE_REQUEST)
            call.state, call.tries, call.at = "begun", call.tries + 1, now
        tenant = self.tenants[tenant_id]
        state, reference, error = "sent", None, None
        try:
            reference = self._through(tenant, referral, alarm, call, about.reference if about else None)
        except NoWay:
            state = "no-way"
        except (SendFailed, EhrError, MappingError, CredentialMissing) as trouble:
            final = call.tries >= TRIES or (isinstance(trouble, SendFailed) and trouble.permanent)
            final = final or (isinstance(trouble, (EhrError, MappingError)) and not isinstance(trouble, EhrUnavailable))
            state, error = ("failed" if final else "due"), _said(trouble)
            log.error("alarm %s: %s by %s did not succeed: %s", reference_of(alarm), call.whom, call.via, error)
        with self.sessions.begin() as session:
            row = row_of(session, AlarmCall, tenant_id, call_id)
            row.state, row.reference, row.error, row.at = state, reference, error, self.clock()

    def _through(self, tenant: Tenant, referral: Referral, alarm: Alarm, call: AlarmCall, about: str | None) -> str:
        """Make the call; returns what it left behind. Raises `NoWay` and whatever the way itself raises."""
        person = person_for(call.whom, tenant, referral)
        if call.via == "ehr":
            return self._in_chart(tenant, referral, alarm, person, about)
        address = person.email if call.via == "email" else person.pager
        sender = self.senders.sender(tenant.messages, call.via) if address else None
        if sender is None:
            raise NoWay
        gettext = gettext_for(tenant.language)
        link = self.links.url(AlarmLink(tenant.id, alarm.id, call.whom), self.clock())
        words = mail_of if call.via == "email" else page_of
        key = f"alarm/{tenant.id}/{alarm.id}/{call.step}/{call.whom}/{call.via}"
        subject, body = subject_of(tenant, alarm, gettext), words(tenant, alarm, link, gettext)
        return sender.send(Message(address, subject, body, tenant.language, key))

    def _in_chart(self, tenant: Tenant, referral: Referral, alarm: Alarm, person: Reached, about: str | None) -> str:
        """A Communication in the patient's record, addressed to the clinician; found again by its identifier."""
        facts, gettext = facts_of(tenant, referral, self.sealer, now=self.clock()), gettext_for(tenant.language)
        told = Notice(
            number=alarm.id,
            recipient=Ref(person.reference, person.display),
            medium="",
            topic=TOPIC.render(gettext),
            text=chart_words_of(tenant, alarm, referral, gettext),
            sent=alarm.raised_at.astimezone(tenant.zone),
            category="alert",
            urgent=True,
        )
        resource = communication(facts, "completed", told, (about,) if about else ())
        if alarm.kind == Kind.HOLD_EMERGENCY:  # whoever is paged finds there which patient is meant
            resource["recipient"].append(Ref(tenant.on_call.reference, tenant.on_call.display).json())
        resource = checked(resource)
        ehr, identifier = self.ehrs.as_system(tenant), resource["identifier"][0]
        found = ehr.find("Communication", identifier["system"], identifier["value"])
        return (found or ehr.create(resource)).reference


def _makeable(call: AlarmCall, now: datetime) -> bool:
    """Due, or begun by a worker that has died; not one that has just failed."""
    return call.state in UNDONE and now >= _retry_at(call)


def _retry_at(call: AlarmCall) -> datetime:
    if call.tries == 0:
        return call.at
    return call.at + (LEASE if call.state == "begun" else PAUSE * call.tries)


def _said(trouble: Exception) -> str:
    """Our own words about it: no address and no content."""
    return trouble.why if isinstance(trouble, SendFailed) else type(trouble).__name__


def _payload(referral_id: UUID) -> dict[str, str]:
    return {"referral": str(referral_id)}
