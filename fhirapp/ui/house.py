"""What the pages need from the rest of the house, in one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from fhirapp.db.base import Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.tenants import Tenants
from smart_launch.context import LaunchContext
from smart_launch.ports import Registration

if TYPE_CHECKING:
    from fhirapp.config import Config
    from fhirapp.ehr.connect import Ehrs
    from fhirapp.referrals.actions import Actions
    from fhirapp.referrals.intake import Intake
    from fhirapp.referrals.links import OptOutLinks
    from fhirapp.referrals.windows import Windows
    from fhirapp.write_back.converge import WriteBack


class Refreshes(Protocol):
    """New access for a launch whose token has run out: `smart_launch.refresh.Refresher`."""

    def refreshed(self, registration: Registration, context: LaunchContext) -> LaunchContext: ...


def machine_time() -> datetime:
    """The machine's own time: what tokens and page sessions are dated with, also where a demo moves the clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class House:
    """Every long-lived object that a page works with; built once, by `fhirapp/bootstrap.py`."""

    sessions: Sessions
    tenants: Tenants
    actions: Actions
    windows: Windows
    intake: Intake
    write_back: WriteBack
    ehrs: Ehrs
    sealer: Sealer
    links: OptOutLinks
    clock: Callable[[], datetime]
    config: Config
    refresher: Refreshes | None = None  # None: a page ends with its access token
    wall_clock: Callable[[], datetime] = machine_time
