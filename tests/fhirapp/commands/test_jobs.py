"""`stride jobs`: what needs a person is said, and can be tried again."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from fhirapp.cli import main
from fhirapp.config import Config
from fhirapp.jobs.lanes import rest
from fhirapp.jobs.table import bury, claim_one, enqueue
from tests.world import TENANT, World


@pytest.fixture
def given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Two jobs that the EHR refused, of two hospitals, one that waits, and an EHR that does not answer."""
    config, now = world.stride.config, world.stride.clock()
    monkeypatch.setattr(Config, "from_env", lambda environment: config if environment is os.environ else None)
    for tenant in (TENANT, "other"):
        with world.stride.sessions.begin() as session:
            enqueue(session, tenant, "write_back", f"write_back/{tenant}", {"referral": "1"}, run_at=now)
        claim = claim_one(world.stride.sessions, now, only=f"write_back/{tenant}")
        assert claim is not None
        with world.stride.sessions.begin() as session:
            bury(session, claim, error="EhrRefused: POST ServiceRequest: 422")
    with world.stride.sessions.begin() as session:
        enqueue(session, TENANT, "reassess", "reassess/1", {"referral": "1"}, run_at=now + timedelta(days=1))
        rest(session, "other", now, 300.0)
    return world


@pytest.mark.usefixtures("given_up")
def test_the_list_names_what_was_given_up_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs", "list"]) == 1
    said = capsys.readouterr().out
    assert said.count("EhrRefused: POST ServiceRequest: 422") == 2
    assert "resting   other" in said
    assert f"{TENANT}  reassess" in said
    assert main(["jobs", "list", "--tenant", "nobody"]) == 0


def test_one_hospitals_jobs_are_tried_again_and_then_the_rest(
    given_up: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["jobs", "retry", "--tenant", TENANT]) == 0
    (left,) = given_up.jobs("dead")
    assert left.tenant_id == "other"
    assert main(["jobs", "retry", str(left.id + 1000)]) == 0
    assert len(given_up.jobs("dead")) == 1
    assert main(["jobs", "retry", str(left.id)]) == 0
    assert "1 jobs will run again" in capsys.readouterr().out
    assert main(["jobs", "list"]) == 0
