"""How a hospital's record system is listened to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from marshmallow import RAISE, Schema, fields, validate


@dataclass(frozen=True, slots=True)
class Listening:
    """How often we look, and whether the EHR is asked to knock."""

    every: timedelta = timedelta(minutes=5)
    subscribe: bool = True


class ListeningSchema(Schema):
    """`[tenants.NAME.listening]`."""

    class Meta:
        unknown = RAISE

    minutes = fields.Float(load_default=5, validate=validate.Range(0.5, 1440))
    subscribe = fields.Boolean(load_default=True)


def listening_of(data: Mapping[str, Any]) -> Listening:
    """The settings of a loaded table."""
    return Listening(timedelta(minutes=data.get("minutes", 5)), data.get("subscribe", True))
