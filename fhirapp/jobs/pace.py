"""How fast a hospital lets us work on its EHR, from the tenants file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from marshmallow import RAISE, Schema, validate


@dataclass(frozen=True, slots=True)
class Pace:
    """What one EHR gets from all our workers together; a slow one cannot keep them from the others."""

    jobs_at_once: int = 8
    jobs_per_second: float = 0.0  # 0: as fast as they come


class PaceSchema(Schema):
    """As the tenants file writes it."""

    class Meta:
        unknown = RAISE

    jobs_at_once = ma.fields.Integer(validate=validate.Range(1, 256))
    jobs_per_second = ma.fields.Float(validate=validate.Range(0, 1000))


def pace_of(data: Mapping[str, Any] | None) -> Pace:
    """The pace of a hospital; the default where it says nothing."""
    return Pace(**data) if data else Pace()
