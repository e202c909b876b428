"""Another process comes between two steps of one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from fhirapp.referrals.store import Referrals
from tests.world import PATIENT, TENANT, World, hospital


@pytest.mark.only_postgresql("SQLite lets one writer in at a time")
def test_a_referral_that_another_process_opens_in_between_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hospital(tmp_path, of="postgresql") as world:
        asked, number = [], Referrals.next_ordinal

        def after_the_other(store: Referrals, patient_id: str) -> int:
            asked.append(patient_id)
            if len(asked) == 1:
                in_between(world, patient_id)
            return number(store, patient_id)

        monkeypatch.setattr(Referrals, "next_ordinal", after_the_other)
        assert len(world.cards("ada-refer")) == 1
        assert len(asked) == 2
        assert world.referral("ada-refer").ordinal == 1


def in_between(world: World, patient_id: str) -> None:
    other = Thread(target=world.cards, args=(patient_id,))
    other.start()
    other.join()


@pytest.mark.parametrize("seconds", [1, 20])
def test_a_no_that_was_said_while_the_request_was_being_created_takes_it_back(world: World, seconds: int) -> None:
    """The no waited for the row that the write-back held, so its moment lies before that of the announcement; and the
    worker that created the request has not written down yet that it is there.
    """
    referral = world.released("ada-refer")
    with world.stride.sessions.begin() as session:
        row = Referrals(session, TENANT).resources(referral.id)["service-request"]
        row.reference, row.status = None, ""
        said = row.written_at - timedelta(seconds=seconds)
    assert world.stride.actions.opt_out(referral.id, actor=PATIENT, now=said)
    for _ in range(3):
        world.pass_time(timedelta(minutes=2))
    assert world.written("ada-refer")["ServiceRequest"] == ["revoked"]
