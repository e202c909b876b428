"""Every model that there is, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from models.adherence import ADHERENCE
from models.model_spec import ModelSpec
from models.persistence import ATTENDANCE, PERSISTENCE
from models.risk import RISK

SPECS: Final[Mapping[str, ModelSpec]] = MappingProxyType(
    {spec.name: spec for spec in (RISK, ADHERENCE, PERSISTENCE, ATTENDANCE)}
)
