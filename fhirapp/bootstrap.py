"""Builds every long-lived object once, for web processes and workers alike."""

from __future__ import annotations

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import requests

from fhirapp.alarms.alarms import Alarms
from fhirapp.alarms.links import AlarmLinks
from fhirapp.alarms.raising import ALARM, CLOCK
from fhirapp.audit import KEY as AUDIT_KEY
from fhirapp.audit import audit_key
from fhirapp.audit_chain import Chain
from fhirapp.cds_clients import CdsClients
from fhirapp.clock import DatabaseClock
from fhirapp.closed_loop.hearing import Hearing
from fhirapp.closed_loop.loop import ClosedLoop
from fhirapp.closed_loop.people import People
from fhirapp.closed_loop.poll import Poll
from fhirapp.closed_loop.subscriptions import Subscriptions
from fhirapp.config import Config
from fhirapp.db.base import Sessions, engine_for, sessions_for
from fhirapp.db.direct import Direct
from fhirapp.db.encrypted import Sealer
from fhirapp.db.syncing import Syncing
from fhirapp.ehr.batches import Batches
from fhirapp.ehr.capabilities import CAPABILITY, Capabilities
from fhirapp.ehr.connect import Ehrs, pooled_session
from fhirapp.ehr.hook_charts import HookCharts
from fhirapp.jobs.dispatcher import Dispatcher, Handler, TenantHandler
from fhirapp.jobs.lanes import Lanes
from fhirapp.launches import Launches, Registrations
from fhirapp.messages.delivery import Deliveries
from fhirapp.messages.replies import REPLIES, Replies
from fhirapp.messages.senders import Senders
from fhirapp.messages.settings import OUTBOX
from fhirapp.messages.telephone import Numbers
from fhirapp.predictions import Predictions
from fhirapp.referrals.actions import COME_BACK, Actions
from fhirapp.referrals.feedback import Feedbacks
from fhirapp.referrals.intake import Intake
from fhirapp.referrals.judging import CLINICIAN_WINDOW, LOST, PATIENT_WINDOW, REASSESS, WRITE_BACK
from fhirapp.referrals.links import OptOutLinks
from fhirapp.referrals.notices import NOTICE
from fhirapp.referrals.referral import Referral
from fhirapp.referrals.windows import Windows
from fhirapp.retention.marks import KEY as MARK_KEY
from fhirapp.retention.marks import mark_key
from fhirapp.retention.nightly import RETENTION, Nightly
from fhirapp.tenants import Tenants, TenantsInvalid, read_tenants
from fhirapp.tidying import Tidier
from fhirapp.write_back.converge import WriteBack
from models.booster import InstalledEstimators, load_estimators
from smart_launch.backend_services import BackendTokens
from smart_launch.keys import KeyRing, KeyRings

FETCH_THREADS: Final = 32
# An outage of the EHR holds up none of these, least of all an alarm.
NOT_OF_THE_EHR: Final = frozenset({NOTICE, ALARM, CLOCK, RETENTION, REPLIES, LOST})


@dataclass(frozen=True, slots=True)
class Stride:
    """The service, assembled."""

    config: Config
    tenants: Tenants
    sessions: Sessions
    clock: DatabaseClock
    sealer: Sealer
    links: OptOutLinks
    keys: KeyRings
    http: requests.Session
    registrations: Registrations
    launches: Launches
    ehrs: Ehrs
    capabilities: Capabilities
    retention: Nightly
    estimators: InstalledEstimators
    cds_clients: CdsClients
    charts: HookCharts
    intake: Intake
    actions: Actions
    feedbacks: Feedbacks
    windows: Windows
    write_back: WriteBack
    closed_loop: ClosedLoop
    deliveries: Deliveries
    replies: Replies
    alarms: Alarms
    pool: Executor

    def dispatcher(self) -> Dispatcher:
        """A worker's loop over the jobs of this service."""
        handlers: dict[str, Handler] = {
            CLINICIAN_WINDOW: self.closed_loop.heard_first(self.windows.clinician_window_ended),
            PATIENT_WINDOW: self.closed_loop.heard_first(self.windows.patient_window_ended),
            REASSESS: self.windows.look_again,
            WRITE_BACK: self._write_back,
            NOTICE: self.deliveries.deliver,
            COME_BACK: self.windows.come_back,
            LOST: self._lost,
            ALARM: self.alarms.tell,
            CLOCK: self._clock,
            **self.closed_loop.handlers,
        }
        tenant_handlers: dict[str, TenantHandler] = {
            CAPABILITY: self._capability,
            RETENTION: self.retention.night,
            **self.closed_loop.tenant_handlers,
            REPLIES: self.replies.handle_all,
        }
        pace = {tenant.id: tenant.pace for tenant in self.tenants.by_id.values()}
        lanes = Lanes(frozenset({*handlers, *tenant_handlers}) - NOT_OF_THE_EHR, pace)
        tidier, chain = Tidier(self.sessions, wall_clock), Chain(self.sessions)
        return Dispatcher(
            self.sessions, handlers, self.clock, tidier.tidy, tenant_handlers, lanes,
            seal=lambda: chain.seal(self.clock()),
        )  # fmt: skip

    def schedule(self) -> None:
        """Make sure that each tenant has its standing jobs; a worker calls it once, at its start."""
        self.capabilities.schedule(self.tenants.by_id.values())
        self.retention.schedule()
        self.closed_loop.schedule(self.tenants.by_id.values())

    def _capability(self, tenant_id: str) -> None:
        tenant = self.tenants[tenant_id]
        self.capabilities.nightly(tenant, self.ehrs.as_system(tenant))

    def _lost(self, tenant_id: str, referral_id: UUID) -> None:
        self.actions.lose(referral_id, now=self.clock(), tenant_id=tenant_id)

    def _clock(self, tenant_id: str, referral_id: UUID) -> None:
        self.actions.give_up_when_enough(referral_id, now=self.clock(), tenant_id=tenant_id)
        self.alarms.clock_ran_out(tenant_id, referral_id)

    def _write_back(self, tenant_id: str, referral_id: UUID) -> None:
        self.write_back.converge(tenant_id, referral_id, self.ehrs.as_system(self.tenants[tenant_id]))


def wall_clock() -> datetime:
    """The machine's own time: what tokens are dated with, also where a demo has moved the service's clock."""
    return datetime.now(UTC)


def build(config: Config) -> Stride:
    """Assemble the service. Nothing here talks to the network; models are loaded when first used.

    Raises `TenantsInvalid`, `KeyFault` or `OSError` with a message for whoever set it up.
    """
    tenants = read_tenants(config.tenants_file)
    refuse_outbox(tenants, config)
    carried = {AUDIT_KEY: audit_key(config.secret), MARK_KEY: mark_key(config.secret)}
    sessions = sessions_for(engine_for(config.database_url), **carried)
    clock = DatabaseClock(sessions, movable=config.demo)
    sealer, links = Sealer(config.secret), OptOutLinks(config.secret, config.public_url)
    keys = key_rings(config.keys_dir, tenants)
    http = pooled_session()
    pool = ThreadPoolExecutor(FETCH_THREADS, thread_name_prefix="fetch")
    registrations = Registrations(tenants, insecure_http=config.insecure_http)
    ehrs = Ehrs(registrations.by_tenant, BackendTokens(keys, http, wall_clock), http)
    estimators = load_estimators()
    predictions = Predictions(config.secret, store_features=config.prediction_features == "stored")
    hasty = _hasty(config, sessions)
    intake = Intake(sessions, tenants, estimators, sealer, f"{config.public_url}/smart/launch", predictions, hasty)
    actions = Actions(sessions, tenants, sealer, links)
    capabilities = Capabilities(sessions, clock)
    windows = Windows(intake, actions, ehrs, pool, clock, Batches(capabilities, clock))

    def reassess(tenant_id: str, referral_id: UUID, occasion: str) -> Referral:
        return windows.reassess(tenant_id, referral_id, occasion=occasion)

    hearing = Hearing(sessions, actions, sealer, clock, reassess)
    closed_loop = ClosedLoop(
        sessions,
        tenants,
        ehrs,
        capabilities,
        Poll(sessions, hearing, People(sessions, actions, clock), clock),
        Subscriptions(sessions, config.public_url, clock, wall_clock),
        reassess,
        clock,
    )
    numbers, senders = Numbers(config.secret), Senders(config.credentials or {}, http)
    return Stride(
        config=config,
        tenants=tenants,
        sessions=sessions,
        clock=clock,
        sealer=sealer,
        links=links,
        keys=keys,
        http=http,
        registrations=registrations,
        launches=Launches(sessions, sealer, registrations),
        ehrs=ehrs,
        capabilities=capabilities,
        retention=Nightly(sessions, tenants, clock),
        estimators=estimators,
        cds_clients=CdsClients(tenants, hasty, http, insecure_http=config.insecure_http),
        charts=HookCharts(pool, http),
        intake=intake,
        actions=actions,
        feedbacks=Feedbacks(sessions, tenants, actions, sealer),
        windows=windows,
        write_back=WriteBack(sessions, tenants, sealer, clock, hearing, capabilities),
        closed_loop=closed_loop,
        deliveries=Deliveries(sessions, tenants, sealer, links, numbers, senders, clock),
        replies=Replies(sessions, tenants, sealer, links, numbers, senders, actions, clock),
        alarms=Alarms(sessions, tenants, sealer, AlarmLinks(config.secret, config.public_url), senders, ehrs, clock),
        pool=pool,
    )


def _hasty(config: Config, sessions: Sessions) -> Direct:
    """For what need not wait for the disk: docs/decisions/0031-what-waits-for-the-disk.md."""
    if config.database_url in ("sqlite://", "sqlite:///:memory:"):
        return Direct(sessions)  # a database in memory is that of one connection
    engine = engine_for(config.database_url, durable=False)
    soon = Syncing(engine).soon if engine.dialect.name == "sqlite" else None
    return Direct(sessions_for(engine, **sessions.carried), soon)


def refuse_outbox(tenants: Tenants, config: Config) -> None:
    """The outbox of a demonstration counts as the patient's letter box; anywhere else nobody would be told.

    Raises `TenantsInvalid`.
    """
    if config.loopback:
        return
    for tenant in tenants.by_id.values():
        if OUTBOX in tenant.messages.channels:
            raise TenantsInvalid(
                [f'tenants.{tenant.id}.messages.channels: "{OUTBOX}" is for a demonstration on this machine only']
            )


def key_rings(folder: Path, tenants: Tenants) -> KeyRings:
    """The keys in the folder itself, which tenants share, and those in a folder below it that has a tenant's name.

    Raises `KeyFault`. A tenant whose folder holds a key never falls back to the common ones, whatever is wrong with it.
    """
    own = {name: KeyRing.from_files(files) for name in tenants.by_id if (files := key_files(folder / name))}
    return KeyRings(KeyRing.from_files(key_files(folder)), own)


def key_files(folder: Path) -> list[Path]:
    """The private keys in a folder, the newest name first: that one signs."""
    return sorted((path for path in folder.glob("*.json")), reverse=True)
