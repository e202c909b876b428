"""Sealed columns."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from fhirapp.db.encrypted import Sealer

SEALER = Sealer(b"x" * 32)


def test_what_was_sealed_opens_again_and_shows_nothing_outside() -> None:
    sealed = SEALER.seal({"name": "Ada Marlow"}, "referral/1")
    assert "Ada" not in sealed
    assert SEALER.open(sealed, "referral/1") == {"name": "Ada Marlow"}


def test_a_sealed_value_cannot_be_moved_to_another_row() -> None:
    sealed = SEALER.seal({"name": "Ada Marlow"}, "referral/1")
    with pytest.raises(InvalidTag):
        SEALER.open(sealed, "referral/2")


def test_another_secret_opens_nothing() -> None:
    sealed = SEALER.seal({"name": "Ada Marlow"}, "referral/1")
    with pytest.raises(InvalidTag):
        Sealer(b"y" * 32).open(sealed, "referral/1")
