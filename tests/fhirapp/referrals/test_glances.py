"""What is asked without a session is what a session would say, and only of one's own hospital."""

from __future__ import annotations

from uuid import uuid4

import pytest

from fhirapp.db.direct import linked
from fhirapp.demo.settings import TENANT
from fhirapp.referrals.errors import ReferralNotFound
from fhirapp.referrals.glances import mover_of, patient_and_answers, resources_of, state_of
from fhirapp.referrals.store import Referrals
from tests.world import World

PATIENT = "ada-refer"


def test_a_glance_sees_what_a_session_sees(world: World) -> None:
    referral = world.released(PATIENT)
    sessions = world.stride.sessions
    with sessions() as session:
        store = Referrals(session, TENANT)
        whole, rows = store.get(referral.id), store.resources(referral.id)
        moves = [event for event in store.history(referral.id) if event.action != "assessed"]
        with linked(session) as link:
            mover = mover_of(link, TENANT, referral.id)
    assert state_of(sessions, TENANT, referral.id) is whole.status
    assert patient_and_answers(sessions, TENANT, referral.id) == (PATIENT, [])
    assert mover == (moves[-1].role, moves[-1].actor, moves[-1].actor_display)
    seen = resources_of(sessions, TENANT, referral.id)
    assert seen.keys() == rows.keys()
    for kind, row in rows.items():
        found = seen[kind]
        assert (found.reference, found.version_id, found.status) == (row.reference, row.version_id, row.status)
        assert found.written_at == row.written_at


def test_another_hospitals_referral_is_not_there(world: World) -> None:
    referral = world.released(PATIENT)
    sessions = world.stride.sessions
    for tenant_id, referral_id in (("elsewhere", referral.id), (TENANT, uuid4())):
        with pytest.raises(ReferralNotFound):
            state_of(sessions, tenant_id, referral_id)
        with pytest.raises(ReferralNotFound):
            patient_and_answers(sessions, tenant_id, referral_id)
        assert resources_of(sessions, tenant_id, referral_id) == {}
        with sessions() as session, linked(session) as link:
            assert mover_of(link, tenant_id, referral_id) == ("", "", "")
