"""A whole hospital for tests: the real demo EHR and the real service, over real HTTP, with a clock that we move."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from werkzeug.serving import make_server

from fhirapp.app import create_app
from fhirapp.bootstrap import Stride, build
from fhirapp.commands.keys import make_secrets
from fhirapp.config import Config
from fhirapp.demo.ehr_process import settings_of
from fhirapp.demo.settings import TENANT, tenants_toml
from fhirapp.demo_ehr.app import DemoEhr
from fhirapp.demo_ehr.patients import example_charts, practitioners_and_organizations
from fhirapp.demo_ehr.server import serving
from fhirapp.jobs.dispatcher import Dispatcher
from fhirapp.jobs.table import Job
from fhirapp.referrals.referral import Actor, Referral
from fhirapp.referrals.status import Role
from fhirapp.referrals.store import Referrals
from fhirapp.tenants import Tenant
from mappings.canonical import RESOURCE_IDENTIFIER
from tests.databases import a_database

CLINICIAN = Actor(TENANT, Role.CLINICIAN, "Practitioner/dr-lind", "Dr Maren Lind")
NAVIGATOR = Actor(TENANT, Role.NAVIGATOR, "Practitioner/nav-ray", "Tamsin Ray")
PATIENT = Actor(TENANT, Role.PATIENT, "", "patient")
CLINICIAN_WINDOW = timedelta(hours=72, minutes=1)
PATIENT_WINDOW = timedelta(days=7, minutes=1)


@dataclass
class World:
    """The two systems, and short words for what stories do with them."""

    ehr: DemoEhr
    stride: Stride
    url: str
    worker: Dispatcher

    @property
    def tenant(self) -> Tenant:
        return self.stride.tenants[TENANT]

    def cards(self, patient_id: str) -> list[Mapping[str, Any]]:
        """Open the chart in the EHR; the cards that come."""
        shown = self.ehr.hooks.patient_view(patient_id)
        assert not shown.failures, shown.failures
        return [card.body for card in shown.cards]

    def opened(self, patient_id: str) -> Referral:
        """Open the chart and give the referral that follows."""
        self.cards(patient_id)
        return self.referral(patient_id)

    def referral(self, patient_id: str) -> Referral:
        found = self.newest(patient_id)
        assert found is not None, f"no referral for {patient_id}"
        return found

    def newest(self, patient_id: str) -> Referral | None:
        with self.stride.sessions() as session:
            return Referrals(session, TENANT).newest_of(patient_id)

    def by_id(self, referral_id: UUID) -> Referral:
        with self.stride.sessions() as session:
            return Referrals(session, TENANT).get(referral_id)

    def history(self, patient_id: str) -> list[str]:
        with self.stride.sessions() as session:
            store = Referrals(session, TENANT)
            return [event.action for event in store.history(self.referral(patient_id).id)]

    def pass_time(self, by: timedelta) -> None:
        """Move the clock and let the worker do all that is due."""
        self.stride.clock.move(by)
        self.worker.run_due()

    def released(self, patient_id: str) -> Referral:
        """A patient whose clinician did nothing: the referral went out."""
        self.opened(patient_id)
        self.pass_time(CLINICIAN_WINDOW)
        return self.referral(patient_id)

    def queued(self, patient_id: str) -> Referral:
        """A patient who did nothing either: in the navigators' queue."""
        self.released(patient_id)
        self.pass_time(PATIENT_WINDOW)
        return self.referral(patient_id)

    def written(self, patient_id: str) -> dict[str, list[str]]:
        """What the EHR has of ours, by type, as sorted statuses."""
        return {
            kind: sorted(str(r.get("status") or r.get("lifecycleStatus")) for r in self.ours(patient_id, kind))
            for kind in ("ServiceRequest", "CarePlan", "Goal", "Task")
        }

    def ours(self, patient_id: str, kind: str) -> list[dict[str, Any]]:
        return [
            r
            for r in self.ehr.api.store.every(kind)
            if any(i.get("system") == RESOURCE_IDENTIFIER for i in r.get("identifier", ()))
            and (r.get("subject") or r.get("for"))["reference"] == f"Patient/{patient_id}"
        ]

    def add(self, resource: dict[str, Any]) -> None:
        """Something new comes into the chart."""
        self.ehr.api.store.create(resource)

    def add_platelets(self, patient_id: str, value: float) -> None:
        self.add(
            {
                "resourceType": "Observation",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]},
                "subject": {"reference": f"Patient/{patient_id}"},
                "effectiveDateTime": self.stride.clock().isoformat(timespec="seconds"),
                "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": "10*9/L"},
            }
        )

    def jobs(self, state: str) -> list[Job]:
        with self.stride.sessions() as session:
            return list(session.query(Job).filter(Job.state == state).order_by(Job.id))


@contextmanager
def hospital(
    folder: Path, *, charts: Sequence[Mapping[str, Any]] | None = None, toml: str | None = None, of: str | None = None
) -> Iterator[World]:
    """A running world in a folder of its own; `of`: on this kind of database, whatever that of the run."""
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://localhost:{listening.getsockname()[1]}"
    make_secrets(folder)

    def settings(ehr_url: str) -> Any:
        tenants = (toml or "{base}").format(base=tenants_toml(ehr_url, date.today() + timedelta(days=365)))
        (folder / "tenants.toml").write_text(tenants, encoding="utf-8")
        told = {"ehr_url": ehr_url, "stride_url": url, "port": 0, "stories": {}}
        (folder / "ehr.json").write_text(json.dumps(told), encoding="utf-8")
        (folder / "charts.json").write_text(json.dumps(charts or built_in()), encoding="utf-8")
        return settings_of(folder)[0]

    with a_database(folder, of=of) as database_url, serving(settings) as ehr:
        config = config_of(folder, url, database_url)
        stride = build(config)
        app = create_app(stride)
        server = make_server("127.0.0.1", 0, app, threaded=True, fd=listening.fileno())
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield World(ehr, stride, url, stride.dispatcher())
        finally:
            server.shutdown()
            server.server_close()
            listening.close()
            stride.pool.shutdown(wait=False, cancel_futures=True)
            stride.sessions.engine.dispose()


def config_of(folder: Path, url: str, database_url: str) -> Config:
    """The settings of a test installation."""
    return Config(
        tenants_file=folder / "tenants.toml",
        public_url=url,
        secret=(folder / "secret").read_bytes(),
        keys_dir=folder / "keys",
        database_url=database_url,
        embedded_worker=False,
        demo=True,
        insecure_http=True,
    )


def built_in() -> list[dict[str, Any]]:
    """The demo hospital's own charts and staff."""
    staff = [{"resource": resource} for resource in practitioners_and_organizations()]
    charts = [chart.bundle for chart in example_charts(date.today())]
    return [{"resourceType": "Bundle", "type": "collection", "entry": staff}, *charts]
