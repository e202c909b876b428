"""A patient says no in the very moment in which the standing order signs: one of the two, and the EHR agrees."""

from __future__ import annotations

import json
import random
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from fhirapp.jobs.table import claim_one
from fhirapp.referrals.judging import CLINICIAN_WINDOW, WRITE_BACK
from fhirapp.referrals.status import State
from tests.chaos.form import LONG, seed_of_this_run
from tests.chaos.house import charts
from tests.chaos.story import AFTER_THE_CLINICIAN
from tests.world import PATIENT, World, hospital

RACES = 1000 if LONG else 25
SPREAD_S = 0.1  # at first; then so that each of the two wins about as often
ENDED = {"ServiceRequest": "revoked", "CarePlan": "revoked", "Goal": "cancelled", "Task": "cancelled"}
pytestmark = pytest.mark.database


@pytest.fixture
def crowded(tmp_path: Path) -> Any:
    """A hospital with a patient for each race."""
    patients = [f"p{number:04}" for number in range(RACES)]
    with hospital(tmp_path, charts=charts(patients)) as world:
        yield world, patients


def test_of_an_opt_out_and_a_release_one_wins_and_the_ehr_agrees(crowded: tuple[World, list[str]]) -> None:
    world, patients = crowded
    seed = seed_of_this_run()
    dice, winners, spread = random.Random(seed), Counter[str](), SPREAD_S
    for patient in patients:
        world.opened(patient)
    world.stride.clock.move(AFTER_THE_CLINICIAN)
    for patient in patients:
        referral = world.referral(patient)
        releasing = threading.Thread(target=lambda key=referral.id: run_jobs(world, key, CLINICIAN_WINDOW, WRITE_BACK))
        releasing.start()
        threading.Event().wait(dice.uniform(0, spread))
        assert world.stride.actions.opt_out(referral.id, actor=PATIENT, now=world.stride.clock())
        run_jobs(world, referral.id, WRITE_BACK)
        releasing.join()
        late = world.by_id(referral.id).signed_at is not None
        winners["release first" if late else "opt-out first"] += 1
        spread *= 0.9 if late else 1.1
    for _ in range(20):  # write-backs that met each other look once more
        world.pass_time(timedelta(minutes=2))
    wrong = [said for patient in patients for said in disagreements(world, patient)]
    print(f"\nchaos race: seed {seed}: races={RACES} winners={dict(winners)} wrong={len(wrong)}")
    assert not wrong, f"seed {seed}: {wrong[:10]}"
    assert not world.jobs("dead")


def run_jobs(world: World, referral_id: UUID, *kinds: str) -> None:
    """What a worker does that finds these jobs due."""
    for kind in kinds:
        claim = claim_one(world.stride.sessions, world.stride.clock(), only=f"{kind}/{referral_id}")
        if claim is not None:
            world.stride.dispatcher().run(claim)


def disagreements(world: World, patient: str) -> list[str]:
    referral, said = world.referral(patient), []
    if referral.status is not State.OPTED_OUT:
        said.append(f"{patient} is {referral.state}")
    history = world.history(patient)
    if history.count("opt_out") != 1 or "sign_by_standing_order" in history[history.index("opt_out") :]:
        said.append(f"{patient}: {history}")
    for kind, ended in ENDED.items():
        there = world.ours(patient, kind)
        if len(there) > (2 if kind == "Goal" else 1):
            said.append(f"{patient}: {len(there)} {kind}")
        said += [
            f"{patient}: {kind} is {json.dumps(one.get('status', one.get('lifecycleStatus')))}"
            for one in there
            if one.get("status", one.get("lifecycleStatus")) != ended
        ]
    return said
