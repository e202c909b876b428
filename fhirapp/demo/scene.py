"""What the story does and looks at: the EHR's hands, the moving of the clock, the service's own book."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeVar

import requests

from fhirapp.bootstrap import Stride, build
from fhirapp.demo.settings import TENANT
from fhirapp.demo.stage import Stage
from fhirapp.ehr.chart import chart_of
from fhirapp.jobs.table import LEASE, Job
from fhirapp.referrals.notices import Notice, open_notice
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.store import Referrals

PATIENCE_S: Final = 25.0
LAB: Final = "http://terminology.hl7.org/CodeSystem/observation-category"

T = TypeVar("T")


class StepFailed(Exception):
    """One step of the story did not come out as it must; the message says what was seen."""


@dataclass(slots=True)
class Scene:
    """The stage from the outside: over HTTP as the world sees it, and into the service's database."""

    stage: Stage
    stride: Stride = field(init=False)
    standing: frozenset[str] = field(init=False)  # kinds of jobs that never end
    http: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.stride = build(self.stage.config)
        self.standing = frozenset(self.stride.dispatcher().tenant_handlers)

    # ------------------------------------------------------------ the EHR's side

    def patient_view(self, patient_id: str) -> list[dict[str, Any]]:
        """The cards that the EHR is given when this chart is opened; raises when the service fails."""
        return self._cards("patient-view", {"patient": patient_id})

    def order_sign(self, patient_id: str, order: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The cards for an order that is being signed."""
        return self._cards("order-sign", {"patient": patient_id, "orders": [order]})

    def accept(self, card: Mapping[str, Any]) -> None:
        """The clinician accepts: the EHR creates what we suggest and tells us."""
        self.ehr("POST", "hooks/accept", {"card": card["uuid"]})

    def override(self, card: Mapping[str, Any], reason: Mapping[str, Any]) -> None:
        """The clinician dismisses the card with a reason."""
        self.ehr("POST", "hooks/override", {"card": card["uuid"], "reason": dict(reason)})

    def add_platelets(self, patient_id: str, value: float) -> None:
        """A new blood count comes in."""
        moment = self.stride.clock().isoformat(timespec="seconds")
        self.ehr(
            "POST",
            "resources/Observation",
            {
                "resourceType": "Observation",
                "status": "final",
                "category": [{"coding": [{"system": LAB, "code": "laboratory"}]}],
                "code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]},
                "subject": {"reference": f"Patient/{patient_id}"},
                "effectiveDateTime": moment,
                "valueQuantity": {
                    "value": value, "unit": "10*9/L", "system": "http://unitsofmeasure.org", "code": "10*9/L",
                },
            },
        )  # fmt: skip

    def in_ehr(self, patient_id: str, kind: str) -> list[dict[str, Any]]:
        """What of one type the EHR has for a patient, as far as the service wrote or carries it."""
        bundle = self.ehr("GET", f"search/{kind}?patient={patient_id}")
        mine = "https://w3id.org/stride-referral/fhir/sid/referral-resource"
        found = [entry["resource"] for entry in bundle.get("entry", ())]
        return [r for r in found if any(i.get("system") == mine for i in r.get("identifier", ()))]

    def statuses(self, patient_id: str) -> dict[str, list[str]]:
        """The statuses in the EHR by type, sorted."""
        return {
            kind: sorted(str(r.get("status") or r.get("lifecycleStatus")) for r in self.in_ehr(patient_id, kind))
            for kind in ("ServiceRequest", "CarePlan", "Goal", "Task")
        }

    def ehr(self, method: str, path: str, body: Any = None) -> Any:
        """The EHR's own controls."""
        answer = self.http.request(method, f"{self.stage.ehr_url}/_admin/{path}", json=body, timeout=30)
        if not answer.ok:
            raise StepFailed(f"the demo EHR answered {answer.status_code} to {path}: {answer.text[:300]}")
        return answer.json() if answer.content else None

    def _cards(self, hook: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        shown = self.ehr("POST", f"hooks/{hook}", body)
        if shown["failures"]:
            raise StepFailed(f"the hook failed: {shown['failures'][0]}")
        return list(shown["cards"])

    # ------------------------------------------------------------ the service's side

    def pass_time(self, by: timedelta) -> None:
        """Move the service's clock; nobody sleeps."""
        self.stride.clock.move(by)

    def referral(self, patient_id: str) -> Referral | None:
        """The patient's newest referral in the service's book."""
        with self.stride.sessions() as session:
            return Referrals(session, TENANT).newest_of(patient_id)

    def state(self, patient_id: str) -> str:
        """Its state; "none" without one."""
        found = self.referral(patient_id)
        return found.state if found else "none"

    def assessed(self, patient_id: str) -> dict[str, Any]:
        """The newest assessment; of a patient without a referral it is worked out from the chart, unstored."""
        if found := self.referral(patient_id):
            return found.summary
        tenant = self.stride.tenants[TENANT]
        chart, unread = chart_of(self.stride.ehrs.as_system(tenant), patient_id, self.stride.pool)
        return self.stride.intake.decide_on(tenant, chart, unread, now=self.stride.clock()).summary

    def notice(self, patient_id: str, kind: str = "referral") -> dict[str, str] | None:
        """The notice to the patient, opened."""
        found = self.referral(patient_id)
        if found is None:
            return None
        with self.stride.sessions() as session:
            row = (
                session.query(Notice)
                .filter(Notice.tenant_id == TENANT, Notice.referral_id == found.id, Notice.kind == kind)
                .one_or_none()
            )
            return open_notice(row, self.stride.sealer) if row else None

    def idle(self) -> bool:
        """True when no job is due, under way, or soon to be tried again: a claimed job is due when its lease ends.

        Jobs about the EHR as a whole are always due soon: they come back by themselves.
        """
        soon = self.stride.clock() + LEASE
        due = Job.state == "ready", Job.run_at <= soon, Job.kind.not_in(self.standing)
        with self.stride.sessions() as session:
            return session.query(Job).filter(*due).first() is None

    def until(self, what: str, look: Callable[[], T], *, patience_s: float = PATIENCE_S) -> T:
        """Look until it is so; raises `StepFailed` with what was hoped for."""
        ends = time.monotonic() + patience_s
        while True:
            if seen := look():
                return seen
            self.stage.check()
            if time.monotonic() > ends:
                raise StepFailed(f"after {patience_s:.0f} s still not: {what}")
            time.sleep(0.1)

    def expect(self, what: str, seen: object, hoped: object) -> None:
        """Raise `StepFailed` unless the two are equal."""
        if seen != hoped:
            raise StepFailed(f"{what}: expected {hoped!r}, saw {seen!r}")
