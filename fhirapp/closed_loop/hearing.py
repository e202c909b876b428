"""Hears one resource as the EHR has it now, and lets the referral follow what somebody else did to it.

Our own writes are told apart by version and status. A "no" counts at once; a "yes" waits until our own writing is
done, so that what we have just written is never taken for somebody's word. What a person must settle is kept for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fhirapp.closed_loop.meaning import ENDED, Meaning, family_of, meaning_of
from fhirapp.closed_loop.memory import ASKED, KEPT, MOVED, SAID_BOUND_TO, EhrChange, heard_before
from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.ehr.client import Stored
from fhirapp.jobs.table import LEASE, Job
from fhirapp.referrals.actions import IN_THE_EHR, Actions, Deed
from fhirapp.referrals.errors import HoldOpen, TransitionNotAllowed
from fhirapp.referrals.fhir_status import FHIR, FULFILMENT_TASK, SERVICE_REQUEST, fhir_of
from fhirapp.referrals.judging import CHECK, WRITE_BACK, enqueue_for, write_back_soon
from fhirapp.referrals.reasons import REASONS
from fhirapp.referrals.referral import Actor, EhrResource, Referral
from fhirapp.referrals.status import Action, Role, State
from fhirapp.referrals.store import Referrals
from mappings.to_fhir.codes import STATUS_REASON
from mappings.to_fhir.reasons import code_in, words_in

CHANGED_THERE: Final = "changed in the record system"
_DECLINED: Final = ((Action.DECLINE, State.DECLINED),)
_PATIENT_SAID_NO: Final = ((Action.OPT_OUT, State.OPTED_OUT),)


class Outcome(StrEnum):
    """What became of what was heard."""

    OURS = "ours"  # nobody else's word: what we want may be written
    MOVED = "moved"  # the referral has followed: look at it anew
    KEEP = "keep"  # theirs stands, and is left as it is
    LATER = "later"  # we are writing ourselves: it is looked at again when that is done


@dataclass(frozen=True, slots=True)
class Word:
    """One resource as the EHR has it, and where the referral stands."""

    tenant_id: str
    referral: Referral
    kind: str
    stored: Stored
    row: EhrResource | None

    @property
    def family(self) -> str:
        """The kind without its number."""
        return family_of(self.kind)

    @property
    def status(self) -> str:
        """As it stands in the EHR."""
        name = "lifecycleStatus" if self.family == "goal" else "status"
        return str(self.stored.resource.get(name, ""))

    @property
    def version(self) -> str:
        """What tells this change from the next; the time of the change where the EHR keeps no versions."""
        meta = self.stored.resource.get("meta") or {}
        return str(self.stored.version_id or meta.get("lastUpdated") or "")

    @property
    def change(self) -> tuple[str, str, str]:
        """What is remembered of it."""
        return self.stored.reference, self.version, self.status

    @property
    def known(self) -> str:
        """The status that we last wrote or read."""
        return self.row.status.split("|")[0] if self.row is not None else ""

    @property
    def wanted(self) -> str:
        """The status that the referral's state asks for; "" for none."""
        table = fhir_of(self.referral.status, self.referral.resumes)
        wanted = table.get(self.kind) or table.get(self.family)
        return wanted.status if wanted is not None else ""

    @property
    def ended(self) -> bool:
        """Somebody has ended it."""
        return self.status in ENDED[self.family]

    @property
    def of_an_earlier_programme(self) -> bool:
        """The Task of a programme that was asked before the present one."""
        return self.family == FULFILMENT_TASK and self.kind != f"{FULFILMENT_TASK}-{self.referral.offers}"

    @property
    def reason(self) -> Mapping[str, Any] | None:
        """Why, as the EHR says it."""
        resource = self.stored.resource
        if resource.get("resourceType") == "Task":
            return resource.get("statusReason")
        extensions = resource.get("extension") or ()
        return next((e.get("valueCodeableConcept") for e in extensions if e.get("url") == STATUS_REASON), None)


@dataclass(frozen=True, slots=True)
class Hearing:
    """Satisfies `write_back.Ears`; the polls and checks call it too."""

    sessions: Sessions
    actions: Actions
    sealer: Sealer
    clock: Callable[[], datetime]
    reassess: Callable[[str, UUID, str], Referral]  # tenant, referral, occasion: the chart is read and judged afresh

    def hear(self, tenant_id: str, referral_id: UUID, kind: str, stored: Stored, *, writing: bool = False) -> Outcome:
        """What this resource says; `writing`: asked by the write-back itself, between its reading and its writing.

        Raises an `EhrError` where the chart has to be read first and cannot be.
        """
        with self.sessions() as session:
            word = _word(session, tenant_id, referral_id, kind, stored)
            before = heard_before(session, tenant_id, referral_id, word.change)
            if before is not None and word.ended and word.wanted != "entered-in-error":
                return Outcome.KEEP  # what somebody ended stays as they ended it
            if word.status in (word.known, word.wanted) or _may_be_ours(session, word):
                return Outcome.OURS
            if before is not None and (word.version or before.outcome != MOVED):
                return Outcome.KEEP
            busy = not writing and _writing(session, referral_id, self.clock() + LEASE)
        meaning = self._meaning(word)
        if meaning is None:
            return self._meaningless(word)
        if busy and not _is_no(word):
            return self._later(word)
        return self._act(word, meaning)

    def gone(self, tenant_id: str, referral_id: UUID, kind: str, reference: str) -> None:
        """The EHR no longer has it: a person is asked. Nothing is written in its place by this."""
        with self.sessions() as session:
            word = _word(session, tenant_id, referral_id, kind, Stored({"status": "gone"}, reference, None))
        if not word.referral.is_open or heard(self.sessions, word):
            return
        self._keep(word, ASKED, "gone")

    # ------------------------------------------------------------ what follows

    def _meaning(self, word: Word) -> Meaning | None:
        found = meaning_of(word.family, word.status, word.referral.status)
        if found is None or not word.of_an_earlier_programme:
            return found
        late = word.status in ("accepted", "in-progress")
        return replace(found, effect="ask" if late else "keep", question="late-yes" if late else "", ours=late)

    def _meaningless(self, word: Word) -> Outcome:
        if not word.ended:
            return Outcome.OURS
        self._keep(word, KEPT)  # what somebody ended stays ended
        return Outcome.KEEP

    def _act(self, word: Word, meaning: Meaning) -> Outcome:
        try:
            if meaning.effect == "ask":
                return self._asked(word, meaning, ours=meaning.ours)
            if meaning.effect == "keep":
                self._keep(word, KEPT)
                return Outcome.KEEP
            if meaning.effect == "hold":
                by = word.family
                self.actions.suspend(word.referral.id, by, actor=self._actor(word, meaning), now=self.clock())
            elif meaning.effect == "lift":
                return self._lift(word, meaning)
            else:
                self._move(word, meaning)
        except HoldOpen:
            return self._asked(word, meaning)
        except TransitionNotAllowed:
            return Outcome.MOVED  # somebody was faster; the next look sees what is left to do
        self._keep(word, MOVED)
        return Outcome.MOVED

    def _move(self, word: Word, meaning: Meaning) -> None:
        actor, steps = self._actor(word, meaning), meaning.steps
        if meaning.effect == "sign":
            self.actions.sign(word.referral.id, actor=actor, now=self.clock(), how=IN_THE_EHR)
            return
        if any(target is State.ENROLLED for _, target in steps):
            self.reassess(word.tenant_id, word.referral.id, "the programme begins")
        code = (code_in(word.reason) or meaning.code) if meaning.code else ""
        if code and REASONS[code].by == "patient" and meaning.role is Role.CLINICIAN:
            steps = _PATIENT_SAID_NO
        deed = Deed(
            meaning.event, steps, code, {"resource": word.stored.reference, **({"reason": code} if code else {})}
        )
        made = self.actions.follow(word.referral.id, deed, actor=actor, now=self.clock())
        if len(made) < len(steps):
            self._keep(word, ASKED, meaning.question)

    def _lift(self, word: Word, meaning: Meaning) -> Outcome:
        """A hold ends where it was put: a rule's hold, or that of another resource, is not lifted by this one."""
        if word.referral.held_by != word.family:
            return self._asked(word, meaning, ours=True)
        self.actions.lift(
            word.referral.id, actor=self._actor(word, meaning), now=self.clock(), resource=word.stored.reference
        )
        self._keep(word, MOVED)
        referral = self.reassess(word.tenant_id, word.referral.id, "a hold was lifted")
        word = replace(word, referral=referral)
        if (signed := meaning_of(word.family, word.status, referral.status)) is not None and signed.effect == "sign":
            self._act(word, signed)  # who takes a hold off the order wants it to go on
        return Outcome.MOVED

    def _asked(self, word: Word, meaning: Meaning, *, ours: bool = False) -> Outcome:
        """A person must look. `ours`: a no, or safety's word, stands meanwhile and is written."""
        self._keep(word, ASKED, meaning.question)
        if not ours:
            return Outcome.KEEP
        with self.sessions.begin() as session:
            row = Referrals(session, word.tenant_id).resources(word.referral.id).get(word.kind)
            if row is not None:
                row.status = word.status  # as it stands there: the write-back sees the difference
            write_back_soon(session, word.referral, self.clock())
        return Outcome.OURS

    def _later(self, word: Word) -> Outcome:
        with self.sessions.begin() as session:
            enqueue_for(session, word.referral, CHECK, self.clock() + LEASE)
        return Outcome.LATER

    def _actor(self, word: Word, meaning: Meaning) -> Actor:
        """Who did it, as far as the resource says: whose Task it is, who asks for the service."""
        owner = word.stored.resource.get("owner" if meaning.role is not Role.CLINICIAN else "requester") or {}
        who = str(owner.get("reference", ""))
        if meaning.role is Role.CLINICIAN and not (meaning.effect == "sign" and who.startswith("Practitioner")):
            who = ""  # the requester signed it once; who changed it now is not said
        if meaning.role is Role.NAVIGATOR and not who.startswith("Practitioner"):
            who = ""
        return Actor(word.tenant_id, meaning.role, who, str(owner.get("display") or "") if who else CHANGED_THERE)

    # ------------------------------------------------------------ memory

    def _keep(self, word: Word, outcome: str, question: str = "") -> None:
        """Remember it, so that it is heard once; what moved or ended is known from now on as it stands there."""
        with self.sessions.begin() as session:
            words = words_in(word.reason)
            change = EhrChange(
                tenant_id=word.tenant_id,
                referral_id=word.referral.id,
                kind=word.kind,
                reference=word.stored.reference,
                version_id=word.version,
                status=word.status,
                outcome=outcome,
                question=question,
                said=self.sealer.seal({"said": words}, f"{SAID_BOUND_TO}/{word.referral.id}") if words else None,
                heard_at=self.clock(),
            )
            try:
                with session.begin_nested():
                    session.add(change)
            except IntegrityError:
                pass  # heard by two at once, or once more by itself: it is one word
            if outcome == MOVED or word.ended:
                self._know(session, word)

    def _know(self, session: Session, word: Word) -> None:
        store = Referrals(session, word.tenant_id)
        row = store.resources(word.referral.id).get(word.kind)
        if row is None:
            return
        referral = store.get(word.referral.id)
        table = fhir_of(referral.status, referral.resumes)
        wanted = table.get(word.kind) or table.get(word.family)
        in_place = wanted is not None and wanted.status == word.status
        words = f"|{wanted.business_status}" if wanted is not None and word.family.endswith("task") else ""
        row.status = f"{word.status}{words}" if in_place else word.status
        row.version_id, row.written_at = word.stored.version_id, self.clock()


def heard(sessions: Sessions, word: Word) -> bool:
    """Whether this very word was heard before."""
    with sessions() as session:
        return heard_before(session, word.tenant_id, word.referral.id, word.change) is not None


def _word(session: Session, tenant_id: str, referral_id: UUID, kind: str, stored: Stored) -> Word:
    store = Referrals(session, tenant_id)
    return Word(tenant_id, store.get(referral_id), kind, stored, store.resources(referral_id).get(kind))


def _writing(session: Session, referral_id: UUID, by: datetime) -> bool:
    """True while our own write-back of this referral is under way, or about to begin."""
    job = sa.select(Job.id).where(Job.key == f"{WRITE_BACK}/{referral_id}", Job.state == "ready", Job.run_at <= by)
    return session.execute(job).first() is not None


def _may_be_ours(session: Session, word: Word) -> bool:
    """Whether we may have written it without having seen the answer: it fits a state since we last knew.

    Of a create whose answer nobody has seen, all that the referral ever was counts: a no that waited for the row
    is dated before the announcement of the create that it overtook.
    """
    since = word.row.written_at if word.row is not None and word.row.reference is not None else None
    events = Referrals(session, word.tenant_id).history(word.referral.id)
    passed = [event for event in events if since is None or event.at >= since]
    states = {State(name) for event in passed for name in (event.state_before, event.state_after) if name}
    wanted = (FHIR[state].get(word.kind) or FHIR[state].get(word.family) for state in states)
    return word.status in {one.status for one in wanted if one is not None}


def _is_no(word: Word) -> bool:
    """What is never ours by mistake, and what nobody should wait for."""
    return word.family in (SERVICE_REQUEST, "care-plan") and (word.ended or word.status == "on-hold")
