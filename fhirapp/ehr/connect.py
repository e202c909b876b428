"""From a tenant to its EHR: one pooled HTTP session per process, one token source per tenant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import requests
from requests.adapters import HTTPAdapter

from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.errors import EhrDown
from fhirapp.tenants import Tenant
from smart_launch.backend_services import BackendTokens
from smart_launch.errors import SmartError
from smart_launch.http import new_session
from smart_launch.ports import Registration


def pooled_session(size: int = 64) -> requests.Session:
    """A session that all threads of a process share; it keeps no cookies and reads nothing from the environment."""
    session = new_session()
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_connections=16, pool_maxsize=size))
    return session


@dataclass(frozen=True, slots=True)
class Ehrs:
    """The EHRs of all tenants."""

    registrations: Mapping[str, Registration]  # by tenant id
    tokens: BackendTokens
    http: requests.Session

    def as_system(self, tenant: Tenant) -> EhrClient:
        """The tenant's EHR with our own system access (SMART Backend Services)."""
        registration = self.registrations[tenant.id]
        return EhrClient(
            tenant.ehr.fhir_base,
            partial(self._system_token, registration),
            self.http,
            forget=partial(self.tokens.forget, registration),
        )

    def as_user(self, tenant: Tenant, access_token: str) -> EhrClient:
        """The tenant's EHR with the access of the person in front of the page."""
        return EhrClient(tenant.ehr.fhir_base, lambda: access_token, self.http)

    def _system_token(self, registration: Registration) -> str:
        try:
            return self.tokens.token(registration)
        except SmartError as error:
            raise EhrDown(f"no system token: {type(error).__name__}") from None
