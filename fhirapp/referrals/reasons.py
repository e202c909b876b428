"""Why somebody says no, and when we may ask again. Source: pathway.md section 4."""

from __future__ import annotations

from collections.abc import Mapping
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
    by: Literal["patient", "clinician"]
    reoffer_days: int | None


def _table(*rows: Reason) -> Mapping[str, Reason]:
    return {row.code: row for row in rows}


REASONS: Final = _table(
    Reason("OO-NOTINT", N_("Not interested"), "patient", 90),
    Reason("OO-ACTIVE", N_("Already active or has an own programme"), "patient", 180),
    Reason("OO-UNWELL", N_("Too unwell at the moment"), "patient", 28),
    Reason("OO-FEAR", N_("Afraid of harm"), "patient", 30),
    Reason("OO-TIME", N_("No time: work or caring"), "patient", 60),
    Reason("OO-TRANSP", N_("Cannot get there"), "patient", None),
    Reason("OO-COST", N_("Cost"), "patient", None),
    Reason("OO-DIGI", N_("No device, internet or confidence with them"), "patient", None),
    Reason("OO-LANG", N_("Language or culture not right"), "patient", None),
    Reason("OO-OTHERCARE", N_("In other rehabilitation"), "patient", 90),
    Reason("OO-PRIV", N_("Privacy"), "patient", None),
    Reason("OO-NEVER", N_("Do not contact again"), "patient", None),
    Reason("OO-MOVED", N_("Moved away"), "patient", None),
    Reason("OO-DIED", N_("Died"), "patient", None),
    Reason("OO-LOST", N_("Could not be reached"), "patient", 90),
    Reason("CL-CONTRA", N_("Contraindicated"), "clinician", 90),
    Reason("CL-PALL", N_("Goals of care"), "clinician", 90),
    Reason("CL-CHOICE", N_("Prefers another plan"), "clinician", 90),
    Reason("CL-OTHER", N_("Other reason"), "clinician", 90),
)

CLINICIAN_CHOICES: Final = ("CL-CONTRA", "CL-PALL", "CL-CHOICE", "OO-NOTINT", "CL-OTHER")
CLOSING_CHOICES: Final = (
    "OO-NOTINT", "OO-ACTIVE", "OO-UNWELL", "OO-FEAR", "OO-TIME", "OO-OTHERCARE", "OO-PRIV", "OO-NEVER", "OO-MOVED",
    "OO-LOST",
)  # fmt: skip


def reoffer_at(code: str, closed_at: datetime) -> datetime | None:
    """When this patient may be offered a referral again; `None`: only when the patient asks."""
    days = REASONS[code].reoffer_days
    return None if days is None else closed_at + timedelta(days=days)
