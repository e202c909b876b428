"""What only PostgreSQL lets happen: another process comes between two statements of one transaction."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import pytest

from fhirapp.referrals.store import Referrals
from tests.world import World, hospital

pytestmark = pytest.mark.only_postgresql("SQLite lets one writer in at a time")


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
