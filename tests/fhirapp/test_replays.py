"""A token works once, over all processes: the database decides, in the transaction of what the call keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from cds_hooks.errors import NotAuthenticated
from cds_hooks.ports import HookCall, TokenUse
from fhirapp.audit import AuditRow
from fhirapp.cds_clients import SeenToken
from fhirapp.ehr.chart import chart_of
from fhirapp.referrals.cards import Card
from tests.world import World


def receive(world: World, jti: str, patient: str = "ada-refer") -> None:
    """One hook call that is past its authentication."""
    issuer = world.ehr.settings.base_url
    client = world.stride.cds_clients.by_issuer(issuer)
    assert client is not None
    chart, _ = chart_of(world.stride.ehrs.as_system(world.tenant), patient, world.stride.pool)
    use = TokenUse(issuer, jti, world.stride.clock() + timedelta(minutes=5))
    user = "Practitioner/dr-lind"
    call = HookCall("city", client, "exercise-referral", "patient-view", jti, patient, user, token=use)
    world.stride.intake.receive(call, chart, now=world.stride.clock())
    assert use.spent


def kept(world: World) -> tuple[int, int, int]:
    with world.stride.sessions() as session:
        hooks = sa.select(sa.func.count()).select_from(AuditRow).where(AuditRow.action == "hook.patient-view")
        counts = [sa.select(sa.func.count()).select_from(table) for table in (SeenToken, Card)]
        tokens, cards = (session.execute(one).scalar_one() for one in counts)
        return session.execute(hooks).scalar_one(), tokens, cards


def test_ch_j7_a_replay_that_would_open_a_referral_opens_and_keeps_nothing(world: World) -> None:
    receive(world, "first", "dan-platelets")
    before = kept(world)
    with pytest.raises(NotAuthenticated):
        receive(world, "first")
    assert kept(world) == before
    assert world.newest("ada-refer") is None


@pytest.mark.parametrize("patient", ["ada-refer", "fred-ineligible"])
def test_ch_j7_a_replay_of_a_look_that_changes_nothing_keeps_nothing_either(world: World, patient: str) -> None:
    receive(world, "first", patient)
    receive(world, "second", patient)
    before = kept(world)
    with pytest.raises(NotAuthenticated):
        receive(world, "second", patient)
    assert kept(world) == before


@pytest.mark.parametrize("patient", ["ada-refer", "fred-ineligible"])
def test_each_call_leaves_one_token_and_one_row_in_the_audit(world: World, patient: str) -> None:
    hooks, tokens, _ = kept(world)
    for number in range(1, 4):
        receive(world, str(number), patient)
        assert kept(world)[:2] == (hooks + number, tokens + number)
