"""Why somebody says no, and when we may ask again. Source: pathway.md section 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from models.text import N_, Text


@dataclass(frozen=True, slots=True)
class Reason:
    """One coded reason: who gives it, and the days until the service offers again by itself.

    `None`: never by itself. That stands for "only if the patient asks" and for the rows "at once" of the table
    (transport, cost, device, language) as well: there a person offers the option that fits; a service that
    re-opened a referral on the day somebody said no would not have listened.
    """

    code: str
    label: Text
    by: Literal["patient", "clinician", "programme"]
    reoffer_days: int | None
    most: int | None = None  # how often the service offers again by itself; `None`: no limit
    within: timedelta | None = None  # in which time that is counted; `None`: ever


YEAR: Final = timedelta(days=365)


def _table(*rows: Reason) -> Mapping[str, Reason]:
    return {row.code: row for row in rows}


REASONS: Final = _table(
    Reason("OO-NOTINT", N_("Not interested"), "patient", 90, 2, YEAR),
    Reason("OO-ACTIVE", N_("Already active or has an own programme"), "patient", 180, 2, YEAR),
    Reason("OO-UNWELL", N_("Too unwell at the moment"), "patient", 28, 3),
    Reason("OO-FEAR", N_("Afraid of harm"), "patient", 30, 2),
    Reason("OO-TIME", N_("No time: work or caring"), "patient", 60, 2),
    Reason("OO-TRANSP", N_("Cannot get there"), "patient", None),
    Reason("OO-COST", N_("Cost"), "patient", None),
    Reason("OO-DIGI", N_("No device, internet or confidence with them"), "patient", None),
    Reason("OO-LANG", N_("Language or culture not right"), "patient", None),
    Reason("OO-OTHERCARE", N_("In other rehabilitation"), "patient", 90),
    Reason("OO-PRIV", N_("Privacy"), "patient", None),
    Reason("OO-NEVER", N_("Do not contact again"), "patient", None),
    Reason("OO-MOVED", N_("Moved away"), "patient", None),
    Reason("OO-DIED", N_("Died"), "patient", None),
    Reason("OO-LOST", N_("Could not be reached"), "patient", 90, 1),
    Reason("CL-CONTRA", N_("Contraindicated"), "clinician", 90),
    Reason("CL-PALL", N_("Goals of care"), "clinician", 90),
    Reason("CL-CHOICE", N_("Prefers another plan"), "clinician", 90),
    Reason("CL-OTHER", N_("Other reason"), "clinician", 90),
    Reason("PG-ENDED", N_("The programme ended it"), "programme", 90),
)

CLINICIAN_CHOICES: Final = ("CL-CONTRA", "CL-PALL", "CL-CHOICE", "OO-NOTINT", "CL-OTHER")
CLOSING_CHOICES: Final = (
    "OO-NOTINT", "OO-ACTIVE", "OO-UNWELL", "OO-FEAR", "OO-TIME", "OO-OTHERCARE", "OO-PRIV", "OO-NEVER", "OO-MOVED",
    "OO-LOST",
)  # fmt: skip

# Nobody but the patient may ask again, and nothing overrides it; whom we can no longer reach is not asked either.
ONLY_THE_PATIENT: Final = frozenset({"OO-NEVER", "OO-PRIV"})
GONE: Final = frozenset({"OO-DIED", "OO-MOVED"})
REST: Final = timedelta(days=14)  # the table's shortest wait: before it a no stands, whatever happens


def reoffer_at(code: str, closed_at: datetime, before: Sequence[datetime] = ()) -> datetime | None:
    """When this patient may be offered a referral again; `None`: only when the patient asks.

    `before` are the earlier ends with this reason. Source: pathway.md section 4, columns "Re-offer after" and "Max".
    """
    reason = REASONS[code]
    if reason.reoffer_days is None:
        return None
    at, ends = closed_at + timedelta(days=reason.reoffer_days), sorted([*before, closed_at])
    if reason.most is None or len(ends) <= reason.most:
        return at
    return None if reason.within is None else max(at, ends[-reason.most - 1] + reason.within)


def overridden(code: str | None, closed_at: datetime, phase_before: str, phase: str, now: datetime) -> bool:
    """Whether a new phase of treatment makes a new offer due before its day. Source: pathway.md section 4, triggers."""
    if code is None or code in ONLY_THE_PATIENT | GONE:
        return False
    return "" not in (phase_before, phase) and phase_before != phase and now - closed_at >= REST
