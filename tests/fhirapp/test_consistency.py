"""What `stride db verify` finds: each check is shown a database in which just that is wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.consistency import verify
from fhirapp.db.encrypted import Sealer
from fhirapp.referrals.referral import Actor, EhrResource, Referral
from fhirapp.referrals.status import Role, State
from fhirapp.referrals.store import Referrals
from tests.world import PATIENT, TENANT, World

SERVICE = Actor(TENANT, Role.SERVICE)


def wrong(world: World, sealer: Sealer | None = None) -> dict[str, tuple[str, ...]]:
    found = verify(world.stride.sessions, sealer or world.stride.sealer)
    return {check.name: check.wrong for check in found if check.wrong}


def test_a_hospital_at_work_is_whole(world: World) -> None:
    world.queued("ada-refer")
    world.opened("dan-platelets")
    world.opened("kim-bonemets")
    world.opened("ivo-unanswered")
    gone = world.released("cleo-optout")
    world.stride.actions.opt_out(gone.id, actor=PATIENT, now=world.stride.clock())
    world.worker.run_due()
    assert wrong(world) == {}
    assert [check.looked_at > 0 for check in verify(world.stride.sessions, world.stride.sealer)] == [True] * 8


def no_job(session: Session, _referral: Referral) -> None:
    session.execute(sa.text("DELETE FROM job WHERE kind = 'patient_window'"))


def another_state(session: Session, referral: Referral) -> None:
    session.merge(referral).state = State.ENROLLED.value


def a_forbidden_move(session: Session, referral: Referral) -> None:
    row = session.merge(referral)
    before, row.state = row.status, State.COMPLETED.value
    Referrals(session, TENANT).note(row, "complete", actor=SERVICE, at=row.opened_at, before=before)


def released_again(session: Session, referral: Referral) -> None:
    row, store = session.merge(referral), Referrals(session, TENANT)
    for state, action in ((State.OPTED_OUT, "opt_out"), (State.OPT_OUT_OPEN, "sign")):
        before, row.state = row.status, state.value
        store.note(row, action, actor=SERVICE, at=row.opened_at, before=before)


def twice(session: Session, referral: Referral) -> None:
    first = session.execute(sa.select(EhrResource).where(EhrResource.kind == "goal-activity")).scalar_one()
    second = session.execute(sa.select(EhrResource).where(EhrResource.kind == "goal-strength")).scalar_one()
    second.reference = first.reference


def never_written(session: Session, _referral: Referral) -> None:
    session.execute(sa.text("DELETE FROM ehr_resource WHERE kind = 'service-request'"))


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (no_job, "its job patient_window is missing"),
        (another_state, "its history ends at opt_out_open"),
        (a_forbidden_move, "goes from opt_out_open to completed"),
        (released_again, "after a no"),
        (twice, "stands for"),
        (never_written, "no service-request was written"),
    ],
)
def test_each_harm_is_found(world: World, harm: Callable[[Session, Referral], None], told: str) -> None:
    referral = world.released("ada-refer")
    assert wrong(world) == {}
    with world.stride.sessions.begin() as session:
        harm(session, referral)
    assert told in str(wrong(world))


def test_a_lost_secret_is_found(world: World) -> None:
    world.released("ada-refer")
    assert list(wrong(world, Sealer(b"another secret of thirty-two byte"))) == [
        "sealed columns open with the present secret"
    ]
