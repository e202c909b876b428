"""Why somebody says no, and when we may ask again. Source: pathway.md section 4."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from models.occasions import BETTER, DIAGNOSIS, DISCHARGE, FATIGUE
from models.text import N_, Text


@dataclass(frozen=True, slots=True)
class Reason:
    """One coded reason: who gives it, and the days until the service offers again by itself.

    `None`: on no day by itself. That stands for "only if the patient asks"; for "reviewed at next phase"; and for the
    rows "at once" (transport, cost, device, language) as well: there a person offers the option that fits; a service
    that re-opened a referral on the day somebody said no would not have listened.
    """

    code: str
    label: Text
    by: Literal["patient", "clinician", "programme"]
    reoffer_days: int | None
    most: int | None = None  # how often the service offers again by itself; `None`: no limit
    within: timedelta | None = None  # in which time that is counted; `None`: ever
    way: Text | None = None  # what a navigator may offer at once, since it takes the reason away
    early: frozenset[str] = frozenset()  # what makes an offer due before its day, `REST` after the no at the earliest


YEAR: Final = timedelta(days=365)


def _table(*rows: Reason) -> Mapping[str, Reason]:
    return {row.code: row for row in rows}


PHASE: Final = "phase"  # treatment has come to a new phase, its end included
_CHANGED: Final = frozenset({PHASE, DIAGNOSIS, DISCHARGE, FATIGUE})  # pathway.md section 4, "Re-offer triggers"
_NEXT_PHASE: Final = frozenset({PHASE, DIAGNOSIS})  # a clinician's no: "reviewed at next phase"
_NO_NEXT_PHASE_DAYS: Final = 90


def _patient(
    code: str, label: Text, days: int | None, most: int | None = None, within: timedelta | None = None,
    *, way: Text | None = None, early: frozenset[str] = _CHANGED,
) -> Reason:  # fmt: skip
    return Reason(code, label, "patient", days, most, within, way, early)


def _clinician(code: str, label: Text) -> Reason:
    return Reason(code, label, "clinician", None, early=_NEXT_PHASE)


_NOTHING: Final[frozenset[str]] = frozenset()
REASONS: Final = _table(
    _patient("OO-NOTINT", N_("Not interested"), 90, 2, YEAR),
    _patient("OO-ACTIVE", N_("Already active or has an own programme"), 180, 2, YEAR),
    _patient("OO-UNWELL", N_("Too unwell at the moment"), 28, 3, early=_CHANGED | {BETTER}),
    _patient("OO-FEAR", N_("Afraid of harm"), 30, 2, way=N_("A call by a physiotherapist")),
    _patient("OO-TIME", N_("No time: work or caring"), 60, 2),
    _patient("OO-TRANSP", N_("Cannot get there"), None,
             way=N_("A programme at home or by video or telephone, or help with transport")),
    _patient("OO-COST", N_("Cost"), None, way=N_("A programme that costs nothing")),
    _patient("OO-DIGI", N_("No device, internet or confidence with them"), None,
             way=N_("Telephone, text message or paper, or a device on loan")),
    _patient("OO-LANG", N_("Language or culture not right"), None,
             way=N_("A programme in the patient's language, or one that fits their way of life")),
    _patient("OO-OTHERCARE", N_("In other rehabilitation"), 90),
    _patient("OO-PRIV", N_("Privacy"), None, early=_NOTHING),
    _patient("OO-NEVER", N_("Do not contact again"), None, early=_NOTHING),
    _patient("OO-MOVED", N_("Moved away"), None, early=_NOTHING),
    _patient("OO-DIED", N_("Died"), None, early=_NOTHING),
    _patient("OO-LOST", N_("Could not be reached"), 0, 1, early=_NOTHING),  # 0: when the chart is next opened
    _clinician("CL-CONTRA", N_("Contraindicated")),
    _clinician("CL-PALL", N_("Goals of care")),
    _clinician("CL-CHOICE", N_("Prefers another plan")),
    _clinician("CL-OTHER", N_("Other reason")),
    Reason("PG-ENDED", N_("The programme ended it"), "programme", 90, early=_CHANGED),
)  # fmt: skip

CLINICIAN_CHOICES: Final = ("CL-CONTRA", "CL-PALL", "CL-CHOICE", "OO-NOTINT", "CL-OTHER")
CLOSING_CHOICES: Final = (
    "OO-NOTINT", "OO-ACTIVE", "OO-UNWELL", "OO-FEAR", "OO-TIME", "OO-TRANSP", "OO-COST", "OO-DIGI", "OO-LANG",
    "OO-OTHERCARE", "OO-PRIV", "OO-NEVER", "OO-MOVED", "OO-LOST",
)  # fmt: skip

# Nobody but the patient may ask again, and nothing overrides it; whom we can no longer reach is not asked either.
ONLY_THE_PATIENT: Final = frozenset({"OO-NEVER", "OO-PRIV"})
GONE: Final = frozenset({"OO-DIED", "OO-MOVED"})
REST: Final = timedelta(days=14)  # the table's shortest wait: before it a no stands, whatever happens


FOREVER: Final = datetime(9999, 1, 1, tzinfo=UTC)
# These phases end by no date of their own: who waited for the next one might wait for good.
LASTING: Final = frozenset({"P4", "P6", "P7", "N1"})


def reoffer_at(code: str, closed_at: datetime, before: Sequence[datetime] = (), phase: str = "") -> datetime | None:
    """When this patient may be offered a referral again; `None`: on no day by itself.

    `before` are the earlier ends with this reason, `phase` the one in which it was said. A clinician's no is reviewed
    in the next phase of treatment; in a phase that lasts, after 90 days.
    Source: pathway.md section 4, columns "Re-offer after" and "Max".
    """
    reason = REASONS[code]
    days = _NO_NEXT_PHASE_DAYS if reason.by == "clinician" and phase in LASTING else reason.reoffer_days
    if days is None:
        return None
    at, until = closed_at + timedelta(days=days), no_offer_before(code, closed_at, before)
    if until == FOREVER:
        return None
    return at if until is None else max(at, until)


def no_offer_before(code: str, closed_at: datetime, before: Sequence[datetime] = ()) -> datetime | None:
    """Until when only the wish of a patient or clinician counts, since the most of the table is reached."""
    reason, ends = REASONS[code], sorted([*before, closed_at])
    if reason.most is None or len(ends) <= reason.most:
        return None
    return FOREVER if reason.within is None else ends[-reason.most - 1] + reason.within


def due_early(
    code: str | None, closed_at: datetime, happened: AbstractSet[str], now: datetime, until: datetime | None = None
) -> bool:
    """Whether what has happened since a no makes a new offer due before its day; `until` is from `no_offer_before`.

    Source: pathway.md section 4, "Re-offer triggers overriding the timer": they override the day and never the most.
    """
    if code is None or now - closed_at < REST or (until is not None and now < until):
        return False
    return bool(REASONS[code].early & happened)


def changed_phase(before: str, after: str) -> frozenset[str]:
    """`PHASE`, where treatment has come to another one; a phase that is not known is no new one."""
    return frozenset({PHASE}) if before and after and before != after else frozenset()
