"""An EHR that fails in every way there is: the same zeros, and it is never asked in a hot loop."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from fhirapp.jobs.table import revive
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.status import State
from tests.chaos.faults import ALL, Misbehaving, misbehaving
from tests.chaos.form import LONG, seed_of_this_run
from tests.chaos.house import House, house
from tests.chaos.story import AFTER_THE_CLINICIAN, AFTER_THE_PATIENT, count, open_charts, say_no, settle, states

REFERRALS = 300 if LONG else 12
PER_REFERRAL = 25 * 12  # jobs, each with a chart's reads or five resources; without faults it is about 70 requests
SKEW_S = 45  # the EHR's clock is wrong by so much
KINDS = [
    pytest.param("sqlite", marks=pytest.mark.only_sqlite("both are tried in every run")),
    pytest.param("postgresql", marks=pytest.mark.only_postgresql("both are tried in every run")),
]


@contextmanager
def a_faulty_house(folder: Path, kind: str, seed: int) -> Iterator[tuple[Misbehaving, House]]:
    """A hospital whose service finds its EHR behind the proxy."""
    with (
        misbehaving(random.Random(seed)) as proxy,
        house(folder, of=kind, referrals=REFERRALS, seed=seed, fhir_base=proxy.base) as running,
    ):
        proxy.upstream = running.stage.ehr_url
        running.waits = lambda: proxy.in_flight > 0
        yield proxy, running


def mend(running: House) -> int:
    """What a person does who has seen that jobs were given up: `stride jobs retry`."""
    with running.sessions.begin() as session:
        return revive(session, running.clock())


def read_in_part(running: House) -> bool:
    """Whether a look at a referral that goes on did not see the whole chart; tomorrow's will."""
    with running.sessions() as session:
        rows = session.execute(sa.select(Referral)).scalars()
        return any(row.read_in_part for row in rows if row.status is State.QUEUED)


def go_on_until_all_have_ended(running: House) -> tuple[int, int]:
    """Days pass with an EHR that is well again; returns how many days it took and how many jobs a person revived."""
    revived = 0
    for day in range(40):
        revived += mend(running)
        settle(running, windows_left=True, patience_s=60)
        if states(running) <= {State.QUEUED, State.OPTED_OUT} and not mend(running) and not read_in_part(running):
            return day, revived
        running.clock.move(timedelta(days=1, minutes=1))
    return 40, revived


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_of_an_ehr_costs_nothing_but_time(kind: str, tmp_path: Path) -> None:
    seed = seed_of_this_run()
    print(f"\nchaos faults: {kind}, seed {seed}")
    with a_faulty_house(tmp_path, kind, seed) as (proxy, running):
        open_charts(running, running.patients)
        proxy.rate = 0.1
        skew = running.dice.choice((-SKEW_S, SKEW_S))
        running.skew_the_ehr(skew)
        running.clock.move(AFTER_THE_CLINICIAN)
        early, late = running.patients[::7], running.patients[3::7]
        say_no(running, early)
        settle(running, windows_left=True, patience_s=600 if LONG else 25)
        running.clock.move(AFTER_THE_PATIENT)
        say_no(running, late)
        settle(running, windows_left=False, patience_s=600 if LONG else 25)
        asked, wrong = proxy.asked, dict(proxy.gone_wrong)
        proxy.rate = 0.0
        days, revived = go_on_until_all_have_ended(running)
        counts = count(running, [*early, *late])
        print(
            f"chaos faults: {kind}, seed {seed}: {counts} requests={asked} faults={sum(wrong.values())} {wrong} "
            f"revived={revived} days_more={days} skew_s={skew}"
        )
        assert counts.faultless, f"seed {seed}: {counts}\n{running.logs()}"
        assert asked < REFERRALS * PER_REFERRAL, "a hot loop"
        if LONG:
            assert set(wrong) == set(ALL)


@pytest.mark.parametrize("kind", KINDS)
def test_an_hour_of_outage_is_waited_out_quietly(kind: str, tmp_path: Path) -> None:
    seed = seed_of_this_run()
    with a_faulty_house(tmp_path, kind, seed) as (proxy, running):
        open_charts(running, running.patients)
        requests = an_hour_without_the_ehr(running, proxy)
        proxy.down = False
        running.clock.move(timedelta(minutes=6))
        settle(running, windows_left=True)
        running.clock.move(AFTER_THE_PATIENT)
        settle(running, windows_left=False)
        counts = count(running, [])
        print(f"\nchaos outage: {kind}, seed {seed}: {counts} requests_in_the_hour={requests}")
        assert counts.faultless, f"seed {seed}: {counts}\n{running.logs()}"
        assert requests < 1500, "a hot loop"


def an_hour_without_the_ehr(running: House, proxy: Misbehaving) -> int:
    """Windows end while nothing answers; the clock goes in steps, the workers run. Returns the requests made."""
    proxy.down = True
    before = proxy.asked
    running.clock.move(AFTER_THE_CLINICIAN)
    for _ in range(60):
        settle(running, windows_left=True, patience_s=0.6)
        running.clock.move(timedelta(minutes=1))
    return proxy.asked - before
