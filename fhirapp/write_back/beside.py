"""What is written beside the referral: each hold while it stands, and what the patient was told.

None of it is the referral itself. So a refusal is remembered for a day, calls nobody, and holds nothing else up.
Source: pathway.md steps 4 and 10; docs/decisions/0054-what-stands-in-the-chart.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from fhirapp.db.encrypted import Sealer
from fhirapp.ehr.capability import Capability
from fhirapp.referrals.fhir_status import SERVICE_REQUEST, Wanted
from fhirapp.referrals.notices import Notice, NoticeState, open_notice
from fhirapp.referrals.referral import EhrResource, standing_holds
from fhirapp.referrals.status import State
from fhirapp.tenants import WriteBackSettings
from mappings.to_fhir import flag
from mappings.to_fhir.communication import Notice as Told
from mappings.to_fhir.communication import communication
from mappings.to_fhir.detected_issue import detected_issue, mitigated

if TYPE_CHECKING:
    from fhirapp.write_back.work import Work

Json = dict[str, Any]

ISSUE, FLAG, TOLD = "detected-issue-", "flag-", "patient-notice-"
TYPES: Final[Mapping[str, str]] = {ISSUE: "DetectedIssue", FLAG: "Flag", TOLD: "Communication"}
REFUSED: Final = "refused"  # the mark of what the EHR would not take
ASK_AGAIN: Final = timedelta(days=1)
OVER: Final = frozenset({"amended", "cancelled", "inactive", "entered-in-error"})  # of a hold that stands no longer
_BY_HOLDS: Final[Mapping[str, tuple[str, ...]]] = {
    "auto": ("DetectedIssue", "Flag"),
    "detected-issue": ("DetectedIssue",),
    "flag": ("Flag",),
    "none": (),
}
_MEDIA: Final = frozenset({"email", "sms", "letter"})
_LINK: Final = re.compile(r"https?://\S+")
_TOPIC: Final = "Exercise referral"
_LIFTED: Final = "The exercise safety rules no longer find it"
_UNWATCHED: Final = "The exercise referral has ended; the exercise service no longer watches it"


def type_beside(kind: str) -> str:
    """The resource type of a kind that is written beside the referral; "" for any other."""
    return next((name for prefix, name in TYPES.items() if kind.startswith(prefix)), "")


def hold_type(settings: WriteBackSettings, capability: Capability) -> str:
    """As what a hold is written at this site: DetectedIssue, Flag, or "" for not at all."""
    able = (one for one in _BY_HOLDS[settings.holds] if capability.can(one, "create") and capability.can(one, "update"))
    return next(able, "")


def tells_notices(settings: WriteBackSettings, capability: Capability) -> bool:
    """Whether notices to patients are written."""
    return settings.notices and capability.can("Communication", "create")


def steps_beside(work: Work, now: datetime, *, request_comes: bool = False) -> Iterator[tuple[str, Wanted]]:
    """Each of these resources that should be in a certain status; none that was refused within a day.

    `request_comes`: the ServiceRequest that notices speak of is created in the same transaction.
    """
    for kind, wanted in (*_holds(work), *_told(work, request_comes)):
        row = work.known.get(kind)
        if row is None or row.status != REFUSED or now - row.written_at >= ASK_AGAIN:
            yield kind, wanted


def built_beside(work: Work, kind: str, wanted: Wanted, sealer: Sealer) -> Json | None:
    """The resource as it is created."""
    if kind.startswith(TOLD):
        return _notice(work, kind, wanted, sealer)
    finding = standing_holds(work.referral).get(_rule_of(kind))
    if finding is None:
        return None  # lifted between the plan and the making
    identified = max(work.referral.assessed_at, work.referral.opened_at).astimezone(work.tenant.zone)
    if kind.startswith(FLAG):
        return flag.flag(work.facts, finding, kind, identified)
    return detected_issue(work.facts, finding, kind, identified, work.reference(SERVICE_REQUEST))


def changed_beside(work: Work, kind: str, resource: Json, status: str, now: datetime) -> Json:
    """The resource in its new status; all else in it stays as it was read."""
    at = now.astimezone(work.tenant.zone)
    if status == "amended":
        return mitigated(resource, at, _LIFTED if work.referral.is_open else _UNWATCHED)
    if status == "inactive":
        return flag.ended(resource, at)
    return {**resource, "status": status}


# ------------------------------------------------------------ holds


def _holds(work: Work) -> Iterator[tuple[str, Wanted]]:
    """What stands is there, what stands no longer is brought to its end; the same hold a second time is a new one."""
    standing = standing_holds(work.referral)
    rows = [kind for kind in work.known if kind.startswith((ISSUE, FLAG))]
    live = [kind for kind in rows if work.known[kind].status not in OVER]
    for kind in live:
        if _rule_of(kind) not in standing:
            yield kind, Wanted(_end_of(work, kind))
    prefix = {"DetectedIssue": ISSUE, "Flag": FLAG}.get(hold_type(work.tenant.write_back, work.capability))
    # One that was refused as a DetectedIssue stands in nobody's way where the hospital now has Flags.
    kept = {
        _rule_of(kind): kind for kind in live if work.known[kind].status != REFUSED or kind.startswith(prefix or "")
    }
    for rule, finding in standing.items():
        known = kept.get(rule) or (_next(prefix, rule, rows) if prefix else None)
        if known is not None:
            yield known, Wanted(_status_of(known, finding), create=True)


def _end_of(work: Work, kind: str) -> str:
    if work.referral.status is State.ERROR:
        return "entered-in-error"
    return "inactive" if kind.startswith(FLAG) else "amended"


def _status_of(kind: str, finding: Mapping[str, Any]) -> str:
    if kind.startswith(FLAG):
        return "active"
    return "preliminary" if finding.get("missing") else "final"


def _next(prefix: str, rule: str, rows: list[str]) -> str:
    """The kind of the next one for a rule: the first has no number."""
    before = sum(_rule_of(kind) == rule for kind in rows)
    return f"{prefix}{rule}" + (f".{before + 1}" if before else "")


def _rule_of(kind: str) -> str:
    return kind.removeprefix(ISSUE).removeprefix(FLAG).split(".")[0]


# ------------------------------------------------------------ notices


def _told(work: Work, request_comes: bool) -> Iterator[tuple[str, Wanted]]:
    """One for each notice that has come to its end, once the request that it speaks of is there."""
    there = request_comes or work.reference(SERVICE_REQUEST) is not None
    if not there and work.capability.can("ServiceRequest", "create"):
        return
    for notice in work.notices:
        status = "not-done" if notice.status is NoticeState.WITHDRAWN else "completed"
        yield _kind_of(notice), Wanted(status, create=True)


def _kind_of(notice: Notice) -> str:
    return f"{TOLD}{notice.kind.replace('/', '-')}"


def _notice(work: Work, kind: str, wanted: Wanted, sealer: Sealer) -> Json | None:
    notice = next((one for one in work.notices if _kind_of(one) == kind), None)
    if notice is None:
        return None
    words, done = open_notice(notice, sealer), wanted.status == "completed"
    by_person = notice.status is NoticeState.TOLD
    medium = "phone" if by_person else notice.channel if notice.channel in _MEDIA else ""
    told = Told(
        number=notice.id,
        recipient=work.facts.patient,
        medium=medium if done else "",
        topic=str(words["subject"]) or _TOPIC,  # a text message has none
        text=_TOPIC if by_person else _as_sent(str(words["body"])),
        sent=_sent(work, notice) if done else None,
        kind=kind,
        not_done="" if done else "There was no reason to send it any more",
    )
    request = work.reference(SERVICE_REQUEST)
    return communication(work.facts, wanted.status, told, based_on=(request,) if request else ())


def _as_sent(body: str) -> str:
    """The words without the patient's own link: whoever opened it from the chart would answer for the patient."""
    return _LINK.sub("(the patient's link)", body)


def _sent(work: Work, notice: Notice) -> datetime | None:
    """When it went out. A letter counts as known days after it was posted; that is not when it was sent."""
    at = notice.told_at
    if at is not None and notice.status is NoticeState.POSTED:
        at -= timedelta(days=work.tenant.messages.letter_days)
    return at.astimezone(work.tenant.zone) if at is not None else None


def is_left(kind: str, wanted: Wanted, row: EhrResource | None) -> bool:
    """Whether this step still has something to write."""
    return row is None or row.reference is None or row.status != wanted.status
