"""Where SMART launches wait until the browser comes back, and which EHRs may launch us."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from fhirapp.db.base import Base, Moment, Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.tenants import Tenant, Tenants
from smart_launch.ports import PENDING_FOR, ClientAuthMethod, PendingLaunch, Registration


class OpenLaunch(Base):
    """One launch on its way; what could finish it is sealed."""

    __tablename__ = "open_launch"

    state_hash: Mapped[str] = mapped_column(primary_key=True)
    tenant_id: Mapped[str]
    browser: Mapped[str]
    iss: Mapped[str]
    redirect_uri: Mapped[str]
    token_endpoint: Mapped[str]
    scope: Mapped[str] = mapped_column(sa.Text)
    sealed: Mapped[str] = mapped_column(sa.Text)  # verifier and nonce
    started_at: Mapped[datetime] = mapped_column(Moment, index=True)


class Registrations:
    """Satisfies `smart_launch.ports.Registrations`."""

    def __init__(self, tenants: Tenants, *, insecure_http: bool) -> None:
        self.by_tenant: Mapping[str, Registration] = {
            tenant.id: _registration(tenant, insecure_http=insecure_http) for tenant in tenants.by_id.values()
        }
        self._by_iss = {registration.iss: registration for registration in self.by_tenant.values()}

    def by_iss(self, iss: str) -> Registration | None:
        """The registration whose `iss` is this very string."""
        return self._by_iss.get(iss)

    def tenant_of(self, iss: str) -> str:
        """The tenant whose EHR this is; raises `KeyError` for one that is not registered."""
        return self._by_iss[iss].tenant_id


class Launches:
    """Satisfies `smart_launch.ports.Launches`: single use, ten minutes, shared by all processes."""

    def __init__(self, sessions: Sessions, sealer: Sealer, registrations: Registrations) -> None:
        self._sessions, self._sealer, self._registrations = sessions, sealer, registrations

    def save(self, pending: PendingLaunch) -> None:
        """Keep it until it is taken."""
        secrets = {"verifier": pending.verifier, "nonce": pending.nonce}
        tenant_id = self._registrations.tenant_of(pending.iss)
        with self._sessions.begin() as session:
            session.execute(sa.delete(OpenLaunch).where(OpenLaunch.started_at < pending.started_at - PENDING_FOR))
            session.add(
                OpenLaunch(
                    state_hash=pending.state_hash,
                    tenant_id=tenant_id,
                    browser=pending.browser,
                    iss=pending.iss,
                    redirect_uri=pending.redirect_uri,
                    token_endpoint=pending.token_endpoint,
                    scope=pending.scope,
                    sealed=self._sealer.seal(secrets, f"launch/{pending.state_hash}"),
                    started_at=pending.started_at,
                )
            )

    def take(self, state_hash: str, now: datetime) -> PendingLaunch | None:
        """The launch of this state, once."""
        with self._sessions.begin() as session:
            row = session.execute(
                sa.delete(OpenLaunch).where(OpenLaunch.state_hash == state_hash).returning(OpenLaunch)
            ).scalar_one_or_none()
            if row is None or now - row.started_at >= PENDING_FOR:
                return None
            secrets = self._sealer.open(row.sealed, f"launch/{state_hash}")
            return PendingLaunch(
                state_hash=row.state_hash,
                browser=row.browser,
                iss=row.iss,
                verifier=secrets["verifier"],
                redirect_uri=row.redirect_uri,
                nonce=secrets["nonce"],
                token_endpoint=row.token_endpoint,
                scope=row.scope,
                started_at=row.started_at,
            )


def _registration(tenant: Tenant, *, insecure_http: bool) -> Registration:
    methods: Mapping[str, ClientAuthMethod] = {
        "private_key_jwt": "private_key_jwt",
        "client_secret_basic": "client_secret_basic",
        "none": "none",
    }
    return Registration(
        iss=tenant.ehr.fhir_base,
        tenant_id=tenant.id,
        client_id=tenant.ehr.client_id,
        auth=methods[tenant.ehr.auth],
        client_secret=tenant.ehr.client_secret,
        scopes=tenant.ehr.scopes,
        frame_ancestors=tenant.ehr.frame_ancestors,
        insecure_http=insecure_http,
        backend_client_id=tenant.ehr.backend_client_id,
        backend_scopes=tenant.ehr.backend_scopes or "",
    )
