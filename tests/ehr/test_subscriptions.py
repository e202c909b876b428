"""Third-party FHIR servers are asked to knock: HAPI does, Medplum's router cannot and is looked at.

The demo EHR is asked in tests/journeys/test_subscriptions.py. Source: standards.md 3.9 (R4 Subscriptions, rest-hook).
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa
from werkzeug.serving import make_server

from fhirapp.app import create_app
from fhirapp.closed_loop.knock import KNOCK
from fhirapp.closed_loop.subscriptions import CRITERIA, EhrSubscription
from fhirapp.demo.settings import TENANT
from fhirapp.ehr.report import lines_about
from fhirapp.jobs.table import Job
from tests.ehr.between import Offer, between
from tests.ehr.house import House, Server, house

PATIENCE_S: Final = 60.0  # the server works when it gets round to it, on a busy machine later


@pytest.fixture
def at_the_door(tmp_path: Path, database: str, server: Server) -> Iterator[House]:
    """The service with its web side up, so that an EHR can knock."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    with (
        between(server.base, Offer()) as proxy,
        house(tmp_path, database, server, proxy, url=f"http://127.0.0.1:{port}") as made,
    ):
        web = make_server("127.0.0.1", 0, create_app(made.stride), threaded=True, fd=listening.fileno())
        threading.Thread(target=web.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        for one in ours_there(made):
            server.put({**one, "status": "off"})  # the server lives on: it must not knock at a door that is gone
        web.shutdown()
        web.server_close()
        listening.close()


def subscriptions(house: House) -> list[EhrSubscription]:
    with house.stride.sessions() as session:
        return list(session.execute(sa.select(EhrSubscription).where(EhrSubscription.tenant_id == TENANT)).scalars())


def ours_there(house: House) -> list[dict[str, Any]]:
    return [house.server.get(str(row.reference)) for row in subscriptions(house) if row.reference]


def comes(what: Callable[[], bool]) -> bool:
    """Whether it has come about while we waited."""
    end = time.monotonic() + PATIENCE_S
    while not (come := what()) and time.monotonic() < end:
        threading.Event().wait(0.1)
    return come


def knocked(house: House) -> bool:
    with house.stride.sessions() as session:
        return session.execute(sa.select(Job.id).where(Job.kind == KNOCK, Job.state == "ready")).first() is not None


@pytest.mark.parametrize("server", ["hapi", "medplum"], indirect=True)
def test_who_offers_subscriptions_knocks_and_who_does_not_is_looked_at(at_the_door: House) -> None:
    one = at_the_door
    patient = one.patient()
    one.released(patient)
    one.stride.closed_loop.look(TENANT)
    one.worker.run_due()
    one.stride.closed_loop.subscribe(TENANT)
    capability = one.stride.capabilities.of(TENANT)
    (line,) = [line for line in lines_about(capability, one.tenant.write_back) if line.topic == "changes there"]
    if one.server.name == "medplum":
        assert (capability.subscriptions, ours_there(one)) == (False, [])
        assert "looks for changes every few minutes" in line.therefore
    else:
        assert "is told of changes" in line.therefore
        assert len(ours_there(one)) == len(CRITERIA)
        assert comes(lambda: all(there["status"] == "active" for there in ours_there(one)))
        with one.stride.sessions.begin() as session:
            session.execute(sa.delete(Job).where(Job.kind == KNOCK))
    one.server.edit("ServiceRequest", patient, status="revoked")
    if one.server.name == "medplum":
        one.stride.closed_loop.look(TENANT)
        one.worker.run_due()
    else:
        assert comes(lambda: knocked(one)), "the server has told us of the change"
        one.pass_time(timedelta(seconds=3))
    assert one.referral(patient).state == "declined"
