"""Whether what is in the database belongs together: `stride db verify`, after a restore and whenever one asks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from sqlalchemy.orm import Session

from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.db.schema import is_current
from fhirapp.jobs.table import Job
from fhirapp.referrals.cards import Feedback
from fhirapp.referrals.fhir_status import FHIR, PRESCRIPTION_KINDS
from fhirapp.referrals.judging import CLINICIAN_WINDOW, PATIENT_WINDOW, REASSESS, WRITE_BACK
from fhirapp.referrals.notices import Notice
from fhirapp.referrals.referral import ContactAttempt, EhrResource, Referral, ReferralEvent
from fhirapp.referrals.status import TRANSITIONS, State

NEEDS: Final[Mapping[State, str]] = {  # without this job nothing would ever move such a referral again
    State.PROPOSED: CLINICIAN_WINDOW,
    State.OPT_OUT_OPEN: PATIENT_WINDOW,
    State.INCOMPLETE: REASSESS,
    State.HELD: REASSESS,
    State.CLEARANCE_PENDING: REASSESS,
}
MOVES: Final = frozenset((row.source, row.target) for row in TRANSITIONS)
RELEASES: Final = frozenset({"sign", "sign_by_standing_order", "enter_queue", "offer"})


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, how many of it there were, and what is wrong."""

    name: str
    looked_at: int
    wrong: tuple[str, ...]


def verify(sessions: Sessions, sealer: Sealer) -> Iterator[Check]:
    """Every check, one after the other; each names what it found by ids, never by content."""
    current = is_current(sessions.engine)
    yield Check("tables are of this version", 1, () if current else ("run stride db upgrade",))
    if not current:
        return  # nothing else could be read
    with sessions() as session:
        yield _made("the database finds itself whole", 1, _damage(session))
        yield _made("open referrals have the job that moves them on", *_without_job(session))
        yield _made("histories lead to the state, by moves of the table", *_broken_histories(session))
        yield _made("nothing was released after a no", *_released_after_no(session))
        yield _made("what is in the record system is known once", *_known_twice(session))
        yield _made("what must be in the record system is there or on its way", *_not_on_its_way(session))
        yield _made("sealed columns open with the present secret", *_closed(session, sealer))


def _made(name: str, looked_at: int, wrong: Iterable[str]) -> Check:
    return Check(name, looked_at, tuple(wrong))


def _damage(session: Session) -> Iterator[str]:
    if session.get_bind().dialect.name == "sqlite":
        for (said,) in session.execute(sa.text("PRAGMA integrity_check")):
            if said != "ok":
                yield said
        for row in session.execute(sa.text("PRAGMA foreign_key_check")):
            yield f"{row[0]} row {row[1]} refers to a {row[2]} that is not there"
        return
    for (name,) in session.execute(sa.text("SELECT conname FROM pg_constraint WHERE NOT convalidated")):
        yield f"constraint {name} was never checked"
    for (name,) in session.execute(
        sa.text("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT (indisvalid AND indisready)")
    ):
        yield f"index {name} is not valid"


def _without_job(session: Session) -> tuple[int, list[str]]:
    rows = session.execute(sa.select(Referral.id, Referral.state).where(Referral.is_open)).all()
    ready = set(session.execute(sa.select(Job.key).where(Job.state == "ready")).scalars())
    dead = set(session.execute(sa.select(Job.key).where(Job.state == "dead")).scalars())
    wrong = []
    for referral_id, state in rows:
        kind = NEEDS.get(State(state))
        key = f"{kind}/{referral_id}"
        if kind is not None and key not in ready:
            found = "was given up: stride jobs retry" if key in dead else "is missing"
            wrong.append(f"referral {referral_id} is {state}, its job {kind} {found}")
    return len(rows), wrong


def _broken_histories(session: Session) -> tuple[int, list[str]]:
    wrong, states = [], dict(session.execute(sa.select(Referral.id, Referral.state)).tuples().all())
    for referral_id, events in _histories(session).items():
        at: str = State.IDENTIFIED.value
        for event in events:
            before, after = event.state_before or at, event.state_after
            if before != at:
                wrong.append(
                    f"referral {referral_id}: event {event.id} begins at {before}, the one before ends at {at}"
                )
            if before != after and (State(before), State(after)) not in MOVES:
                wrong.append(f"referral {referral_id}: event {event.id} goes from {before} to {after}")
            at = after
        if states.get(referral_id) != at:
            wrong.append(f"referral {referral_id} is {states.get(referral_id)}, its history ends at {at}")
    without = set(states) - set(_histories(session))
    return len(states), [*wrong, *(f"referral {one} has no history" for one in sorted(without, key=str))]


def _histories(session: Session) -> dict[UUID, list[Any]]:
    told: dict[UUID, list[Any]] = defaultdict(list)
    columns = (ReferralEvent.id, ReferralEvent.referral_id, ReferralEvent.action, ReferralEvent.state_before,
               ReferralEvent.state_after)  # fmt: skip
    for event in session.execute(sa.select(*columns).order_by(ReferralEvent.id)):
        told[event.referral_id].append(event)
    return told


def _released_after_no(session: Session) -> tuple[int, list[str]]:
    wrong, said_no = [], 0
    for referral_id, events in _histories(session).items():
        ended = False
        for event in events:
            if ended and event.action in RELEASES and event.state_after != event.state_before:
                wrong.append(f"referral {referral_id}: {event.action} in event {event.id}, after a no")
            if event.state_after in (State.OPTED_OUT, State.DECLINED):
                said_no += not ended
                ended = True
    return said_no, wrong


def _known_twice(session: Session) -> tuple[int, list[str]]:
    rows = session.execute(
        sa.select(EhrResource.tenant_id, EhrResource.reference, EhrResource.referral_id, EhrResource.kind).where(
            EhrResource.reference.is_not(None)
        )
    ).all()
    seen: dict[tuple[str, str | None], str] = {}
    wrong = []
    for tenant_id, reference, referral_id, kind in rows:
        other = seen.setdefault((tenant_id, reference), f"{referral_id} {kind}")
        if other != f"{referral_id} {kind}":
            wrong.append(f"{tenant_id}: {reference} stands for {other} and for {referral_id} {kind}")
    return len(rows), wrong


def _not_on_its_way(session: Session) -> tuple[int, list[str]]:
    pending = set(
        session.execute(sa.select(Job.key).where(Job.kind == WRITE_BACK, Job.state.in_(("ready", "dead")))).scalars()
    )
    there: dict[UUID, list[str]] = defaultdict(list)
    written = sa.select(EhrResource.referral_id, EhrResource.kind).where(EhrResource.reference.is_not(None))
    for referral_id, kind in session.execute(written):
        there[referral_id].append(kind)
    rows = session.execute(sa.select(Referral.id, Referral.state).where(Referral.is_open)).tuples().all()
    wrong = []
    for referral_id, state in rows:
        if f"{WRITE_BACK}/{referral_id}" in pending:
            continue
        for kind in (kind for kind, wanted in FHIR[State(state)].items() if wanted.create):
            if kind not in PRESCRIPTION_KINDS and not any(one.startswith(kind) for one in there[referral_id]):
                wrong.append(f"referral {referral_id} is {state}: no {kind} was written, and no job would write it")
    return len(rows), wrong


def _closed(session: Session, sealer: Sealer) -> tuple[int, list[str]]:
    wrong, count = [], 0
    for what, bound_to, sealed in _sealed(session):
        count += 1
        try:
            sealer.open(str(sealed), bound_to)
        except (InvalidTag, ValueError):
            wrong.append(f"{what} cannot be opened")
    return count, wrong


def _sealed(session: Session) -> Iterator[tuple[str, str, str | None]]:
    """Each sealed value of the tables that tell a story, and the row that it is bound to."""
    for key, sealed in session.execute(sa.select(Referral.id, Referral.person).where(Referral.person.is_not(None))):
        yield f"referral {key} person", f"referral/{key}/person", sealed
    for key, kind, sealed in session.execute(sa.select(Notice.referral_id, Notice.kind, Notice.sealed)):
        yield f"notice {kind} of {key}", f"notice/{key}/{kind}", sealed
    notes = sa.select(ContactAttempt.referral_id, ContactAttempt.note).where(ContactAttempt.note.is_not(None))
    for key, sealed in session.execute(notes):
        yield f"contact attempt of {key}", f"attempt/{key}", sealed
    comments = sa.select(Feedback.card_id, Feedback.comment).where(Feedback.comment.is_not(None))
    for card, sealed in session.execute(comments):
        yield f"feedback on {card}", f"feedback/{card}", sealed
