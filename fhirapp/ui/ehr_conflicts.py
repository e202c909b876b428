"""The page on which a navigator decides where the EHR and we disagree: both versions side by side, two buttons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhirapp.audit import audit
from fhirapp.referrals.judging import write_back_soon
from fhirapp.referrals.notices import person_of
from fhirapp.referrals.store import Referrals
from fhirapp.ui.messages import said_of
from fhirapp.ui.navigator_pages import Queue
from fhirapp.ui.written import label_of
from fhirapp.write_back.conflicts import CHANGED, GONE, OURS, REFUSED, SEVERAL, THEIRS, Conflict, Conflicts
from models.text import N_, Text

Json = Mapping[str, Any]

WHY: Final[Mapping[str, Text]] = {
    CHANGED: N_("Somebody changed it in the record system, and no rule says who is right."),
    GONE: N_("Somebody deleted it in the record system."),
    SEVERAL: N_("The record system has several with the same identifier. Enter all but one in error there first."),
    REFUSED: N_("The record system did not take our change. Its administrators can say why."),
}
BUTTONS: Final[Mapping[str, tuple[Text, Text]]] = {  # keep theirs, write ours
    CHANGED: (N_("Keep what is there"), N_("Write ours")),
    GONE: (N_("Leave it deleted"), N_("Make it again")),
    SEVERAL: (N_("Leave them"), N_("Look again")),
    REFUSED: (N_("Keep what is there"), N_("Try again")),
}
_FIELDS: Final = (
    ("status", N_("Status")),
    ("words", N_("What it says")),
    ("reason", N_("Reason")),
    ("owner", N_("Who is to act")),
    ("period", N_("Dates")),
    ("note", N_("Notes")),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One line of the comparison."""

    name: Text
    theirs: str
    ours: str

    @property
    def differs(self) -> bool:
        """Whether the eye should stop here."""
        return self.theirs != self.ours


@dataclass(frozen=True, slots=True)
class Shown:
    """One conflict as the page shows it."""

    id: int
    referral_id: UUID
    patient: str
    can_open: bool
    label: Text
    reference: str
    why: Text
    opened_at: datetime
    changed_at: datetime | None  # in the record system
    lines: tuple[Difference, ...]
    theirs: str  # the whole resource, to be unfolded
    ours: str
    keep: Text
    write: Text


@dataclass(frozen=True, slots=True)
class ConflictsPage:
    """The two routes."""

    queue: Queue

    def show(self, sid: str) -> ResponseReturnValue:
        """Everything on which we disagree, the oldest first."""
        page, tenant = self.queue.door.enter(sid)
        house = self.queue.house
        with house.sessions() as session:
            store = Referrals(session, tenant.id)
            found = []
            for one in Conflicts(session, tenant.id, house.sealer).open():
                referral = store.get(one.referral_id)
                name = str(person_of(referral, house.sealer).get("name") or "")
                found.append(shown(one, name, can_open=referral.signed_at is not None))
        self.queue.door.saw(page, "ehr_conflicts", None, referrals=[str(one.referral_id) for one in found])
        frame = self.queue.frame(page, tenant)
        return render_template(
            "conflicts.html", **frame, conflicts=found, message=said_of(request.args.get("said", ""))
        )

    def settle(self, sid: str, conflict_id: int, resolution: str) -> ResponseReturnValue:
        """A person has decided; the write-back follows. Pressing twice is no error."""
        page, tenant = self.queue.door.enter(sid)
        house, now = self.queue.house, self.queue.house.clock()
        if resolution not in (THEIRS, OURS):
            return redirect(url_for("navigator.conflicts", sid=sid), 303)
        with house.sessions.begin() as session:
            by = page.actor.reference or page.actor.display
            row = Conflicts(session, tenant.id, house.sealer).settle(conflict_id, resolution, by=by, now=now)
            if row is not None:
                store = Referrals(session, tenant.id)
                referral = store.get(row.referral_id)
                details = {"resource": row.kind, "why": row.reason, "decided": resolution}
                store.note(referral, "ehr_decided", actor=page.actor, at=now, before=referral.status, **details)
                audit(
                    session, page.actor, "referral.ehr_decided", at=now, patient_id=referral.patient_id,
                    subject=referral.id, **details,
                )  # fmt: skip
                write_back_soon(session, referral, now)
        return redirect(url_for("navigator.conflicts", sid=sid, said="decided"), 303)


def shown(conflict: Conflict, patient: str, *, can_open: bool) -> Shown:
    """A conflict in words, its differing lines first."""
    theirs, ours = conflict.theirs, conflict.ours
    both = [Difference(name, _field(theirs, key), _field(ours, key)) for key, name in _FIELDS]
    keep, write = BUTTONS[conflict.reason]
    return Shown(
        id=conflict.id,
        referral_id=conflict.referral_id,
        patient=patient,
        can_open=can_open,
        label=label_of(conflict.kind),
        reference=f"{theirs['resourceType']}/{theirs['id']}" if theirs else "",
        why=WHY[conflict.reason],
        opened_at=conflict.opened_at,
        changed_at=_changed(theirs),
        lines=tuple(sorted((one for one in both if one.theirs or one.ours), key=lambda one: not one.differs)),
        theirs=_whole(theirs),
        ours=_whole(ours),
        keep=keep,
        write=write,
    )


def _whole(resource: Json | None) -> str:
    if resource is None:
        return ""
    told = {name: value for name, value in resource.items() if name not in ("text", "meta")}
    return orjson.dumps(told, option=orjson.OPT_INDENT_2).decode()


def _field(resource: Json | None, key: str) -> str:
    if resource is None:
        return ""
    if key == "status":
        return str(resource.get("lifecycleStatus") or resource.get("status") or "")
    if key == "words":
        return str((resource.get("businessStatus") or {}).get("text") or "")
    if key == "reason":
        return _reason(resource)
    if key == "owner":
        who = resource.get("owner") or (resource.get("performer") or [{}])[0]
        return str(who.get("display") or who.get("reference") or "")
    if key == "period":
        period = resource.get("period") or resource.get("occurrencePeriod") or {}
        return " – ".join(str(day) for day in (period.get("start"), period.get("end")) if day)
    return " / ".join(str(note.get("text", "")) for note in resource.get("note") or ())


def _changed(resource: Json | None) -> datetime | None:
    """When the record system last changed it, as far as it says so."""
    said = str(((resource or {}).get("meta") or {}).get("lastUpdated") or "")
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _reason(resource: Json) -> str:
    concept: Any = resource.get("statusReason")
    if concept is None:
        extensions = resource.get("extension") or ()
        concept = next((one["valueCodeableConcept"] for one in extensions if "valueCodeableConcept" in one), {})
    return str(concept if isinstance(concept, str) else concept.get("text") or "")
