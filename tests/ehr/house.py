"""The service against one EHR: a chart is put there, the referral opened, and time moved until it is released."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import requests

from fhirapp.bootstrap import Stride, build
from fhirapp.commands.keys import make_secrets
from fhirapp.demo.settings import TENANT, tenants_toml
from fhirapp.demo_ehr.patients import example_charts, practitioners_and_organizations
from fhirapp.ehr.chart import chart_of
from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.connect import pooled_session
from fhirapp.jobs.dispatcher import Dispatcher
from fhirapp.jobs.table import LEASE, Job, revive
from fhirapp.referrals.judging import write_back_soon
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant
from fhirapp.write_back.conflicts import Conflict, Conflicts
from mappings.canonical import RESOURCE_IDENTIFIER
from tests.ehr.between import Between
from tests.world import CLINICIAN_WINDOW, config_of

KINDS: Final = ("ServiceRequest", "CarePlan", "Goal", "Task")
SUBJECT: Final = {"Task": "for", "DetectedIssue": "patient"}
_names = count(1)
_run: Final = uuid4().hex[:6]


@dataclass
class Server:
    """One FHIR server, asked directly: what it really holds, whatever the service was told."""

    name: str
    base: str
    http: requests.Session = field(default_factory=pooled_session)

    def put(self, resource: dict[str, Any]) -> dict[str, Any]:
        """Store a resource as somebody else would."""
        url = f"{self.base}/{resource['resourceType']}/{resource['id']}"
        return self._checked(self.http.put(url, json=resource, headers=_JSON, timeout=60))

    def post(self, resource: dict[str, Any]) -> dict[str, Any]:
        url = self.base if resource["resourceType"] == "Bundle" else f"{self.base}/{resource['resourceType']}"
        return self._checked(self.http.post(url, json=resource, headers=_JSON, timeout=60))

    def get(self, path: str) -> dict[str, Any]:
        return self._checked(self.http.get(f"{self.base}/{path}", headers=_JSON, timeout=60))

    def delete(self, path: str) -> None:
        assert self.http.delete(f"{self.base}/{path}", timeout=60).ok

    def ours(self, patient_id: str, kind: str, *, dead: bool = False) -> list[dict[str, Any]]:
        """What of this type carries an identifier of ours; without `dead` not what was entered in error."""
        subject = SUBJECT.get(kind, "subject")
        found = [entry["resource"] for entry in self.get(f"{kind}?patient={patient_id}&_count=100").get("entry", [])]
        return [
            one
            for one in found
            if one["resourceType"] == kind
            and one[subject]["reference"] == f"Patient/{patient_id}"
            and any(i.get("system") == RESOURCE_IDENTIFIER for i in one.get("identifier", ()))
            and (dead or "entered-in-error" not in (one.get("status"), one.get("lifecycleStatus")))
        ]

    def edit(self, kind: str, patient_id: str, **changes: Any) -> dict[str, Any]:
        """Somebody in the hospital changes the (only) resource of ours."""
        (one,) = self.ours(patient_id, kind)
        return self.put({**one, **changes})

    def _checked(self, answer: requests.Response) -> dict[str, Any]:
        assert answer.ok, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:500]}"
        found: dict[str, Any] = answer.json()
        return found


_JSON: Final = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}


@dataclass
class House:
    """The service, what stands between, and the server behind it."""

    server: Server
    proxy: Between
    stride: Stride
    worker: Dispatcher

    @property
    def tenant(self) -> Tenant:
        return self.stride.tenants[TENANT]

    @property
    def ehr(self) -> EhrClient:
        return self.stride.ehrs.as_system(self.tenant)

    def patient(self, story: str = "ada-refer") -> str:
        """A chart of the demo hospital under a name of its own; the patient's id."""
        patient_id = f"p{_run}{next(_names)}"
        chart = next(one.bundle for one in example_charts(date.today()) if one.patient_id == story)
        entries = json.loads(json.dumps(chart["entry"]).replace(story, patient_id))
        put = [
            {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
            for one in (entry["resource"] for entry in entries)
        ]
        self.server.post({"resourceType": "Bundle", "type": "batch", "entry": put})
        return patient_id

    def opened(self, patient_id: str) -> Referral:
        """The chart is read over REST and the referral follows."""
        ehr, now = self.ehr, self.stride.clock()
        chart, refused = chart_of(ehr, patient_id, self.stride.pool)
        assert not refused, refused
        judged = self.stride.intake.decide_on(self.tenant, chart, chart.unread, now=now)
        with self.stride.sessions.begin() as session:
            referral = self.stride.intake.settle(session, self.tenant, judged, now=now, occasion="test")
        assert referral is not None
        return referral

    def pass_time(self, by: timedelta = timedelta(0)) -> None:
        self.stride.clock.move(by)
        self.worker.run_due()

    def settle(self) -> None:
        """Give everything that waits for a lease or a retry its time."""
        for _ in range(5):
            self.pass_time(LEASE)

    def released(self, patient_id: str) -> Referral:
        """Nobody acted: the standing order signed and the EHR was told."""
        self.opened(patient_id)
        self.pass_time(CLINICIAN_WINDOW)
        for _ in range(3):  # a server on a busy machine may not have answered the first time
            if self.referral(patient_id).signed_at is None:
                self.pass_time(LEASE)
        return self.referral(patient_id)

    def referral(self, patient_id: str) -> Referral:
        with self.stride.sessions() as session:
            found = Referrals(session, TENANT).newest_of(patient_id)
        assert found is not None
        return found

    def jobs(self) -> list[Job]:
        with self.stride.sessions() as session:
            return list(session.query(Job).order_by(Job.id))

    def retry_dead(self) -> None:
        """What `stride jobs retry` does."""
        with self.stride.sessions.begin() as session:
            revive(session, self.stride.clock())

    def mark_for_rewrite(self, referral: Referral, kind: str) -> None:
        """As if this resource had to be changed: the write-back will look at it."""
        with self.stride.sessions.begin() as session:
            Referrals(session, TENANT).resources(referral.id)[kind].status = "unknown"
            write_back_soon(session, Referrals(session, TENANT).get(referral.id), self.stride.clock())

    def conflicts(self) -> list[Conflict]:
        with self.stride.sessions() as session:
            return list(Conflicts(session, TENANT, self.stride.sealer).open())

    def settle_conflict(self, conflict: Conflict, resolution: str) -> None:
        """A navigator decides."""
        with self.stride.sessions.begin() as session:
            found = Conflicts(session, TENANT, self.stride.sealer)
            assert found.settle(conflict.id, resolution, by="Practitioner/nav-ray", now=self.stride.clock())
            write_back_soon(session, Referrals(session, TENANT).get(conflict.referral_id), self.stride.clock())

    def written(self, patient_id: str) -> dict[str, list[str]]:
        """What the server holds of ours, by type, as sorted statuses."""
        return {
            kind: sorted(
                str(one.get("status") or one.get("lifecycleStatus")) for one in self.server.ours(patient_id, kind)
            )
            for kind in KINDS
        }


@contextmanager
def house(
    folder: Path,
    database: str,
    server: Server,
    proxy: Between,
    *,
    settings: Sequence[str] = (),
    url: str = "http://localhost:9",
) -> Iterator[House]:
    """The service in a folder of its own, which says that it is at `url`; `settings` end the tenants file."""
    make_secrets(folder)
    toml = tenants_toml(proxy.base.removesuffix("/fhir"), date.today() + timedelta(days=365))
    (folder / "tenants.toml").write_text("\n".join([toml, *settings]), encoding="utf-8")
    stride = build(config_of(folder, url, database))
    try:
        yield House(server, proxy, stride, stride.dispatcher())
    finally:
        stride.pool.shutdown(wait=False, cancel_futures=True)
        stride.sessions.engine.dispose()


def seed_staff(server: Server) -> None:
    """The people and organisations of the demo hospital."""
    for one in practitioners_and_organizations():
        server.put(one)
