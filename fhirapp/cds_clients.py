"""The CDS clients of all tenants, and the memory of their tokens that all processes share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
import requests
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from cds_hooks.errors import NotAuthenticated
from cds_hooks.keys import KeyCache
from cds_hooks.ports import Client, TokenUse
from fhirapp.db.base import Base, Moment
from fhirapp.db.direct import Direct, Link, Statement
from fhirapp.i18n import gettext_for
from fhirapp.tenants import CdsClient, Tenant, Tenants
from mappings.queries import QUERIES


class SeenToken(Base):
    """A token id that was used already; kept until the token expires (CH-J7)."""

    __tablename__ = "seen_token"

    tenant_id: Mapped[str]
    issuer: Mapped[str] = mapped_column(primary_key=True)
    jti: Mapped[str] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)


_SEEN: Final = Statement.inserting(SeenToken)
_FOUND: Final = Statement(
    sa.select(SeenToken.expires_at).where(
        SeenToken.issuer == sa.bindparam("issuer"), SeenToken.jti == sa.bindparam("jti")
    )
)


class CdsClients:
    """Satisfies `cds_hooks.ports.Clients`."""

    def __init__(self, tenants: Tenants, database: Direct, http: requests.Session, *, insecure_http: bool) -> None:
        self._database = database
        self._clients = {
            tenant.cds_client.issuer: Client(
                issuer=tenant.cds_client.issuer,
                tenant_id=tenant.id,
                keys=_keys(tenant.cds_client, http),
                algorithms=tenant.cds_client.algorithms,
                jku=tenant.cds_client.jku,
                tenants=frozenset(tenant.cds_client.tenants),
                fhir_servers=frozenset(tenant.cds_client.fhir_servers or (tenant.ehr.fhir_base,)),
                cors_origins=frozenset(tenant.cds_client.cors_origins),
                subject=tenant.cds_client.subject,
                dry_run=tenant.cds_client.dry_run,
                insecure_http=insecure_http,
                system_actions=tenant.cds_client.system_actions,
                action_selection=tenant.cds_client.action_selection,
                scopes=tenant.cds_client.scopes,
                prefetch=tenant.cds_client.prefetch,
                site_codes=_site_codes(tenant),
                read_seconds=tenant.cds_client.read_seconds,
                gettext=None if tenant.language == "en" else gettext_for(tenant.language),
            )
            for tenant in tenants.by_id.values()
            if tenant.cds_client is not None
        }
        self._origins = frozenset(origin for client in self._clients.values() for origin in client.cors_origins)

    def by_issuer(self, issuer: str) -> Client | None:
        """The client whose tokens name this `iss`."""
        return self._clients.get(issuer)

    def origins(self) -> frozenset[str]:
        """Every browser origin that any client may call from."""
        return self._origins

    def every(self) -> tuple[Client, ...]:
        """All clients on file."""
        return tuple(self._clients.values())

    def first_use(self, use: TokenUse) -> bool:
        """Remember a token id; False when it was there already."""
        try:
            with self._database.connected() as link, link.writing():
                remember(link, self._clients[use.issuer].tenant_id, use)
        except NotAuthenticated:
            return False
        return True

    def was_used(self, use: TokenUse) -> bool:
        """Whether a token id is there already."""
        with self._database.connected() as link:
            return link.row(_FOUND, {"issuer": use.issuer, "jti": use.jti}) is not None


def remember(link: Link, tenant_id: str, use: TokenUse | None) -> None:
    """Put a token id into the caller's transaction. Raises `NotAuthenticated` when it was there already."""
    if use is None or use.spent:
        return
    values = {"tenant_id": tenant_id, "issuer": use.issuer, "jti": use.jti, "expires_at": use.expires_at}
    if not link.is_new(_SEEN, values):
        raise NotAuthenticated("token used before")


def _site_codes(tenant: Tenant) -> Mapping[str, tuple[str, ...]]:
    """The site's own codes of observations by the key of the query that has to ask for them."""
    if tenant.concept_map is None:
        return {}
    asked = {query.key: tenant.concept_map.asked(query.key) for query in QUERIES}
    return {key: codes for key, codes in asked.items() if codes}


def _keys(client: CdsClient, http: requests.Session) -> Callable[[bool], Mapping[str, Any]]:
    if client.jwks_file is not None:
        jwks: Mapping[str, Any] = orjson.loads(Path(client.jwks_file).read_bytes())
        return lambda _refetch: jwks
    return KeyCache(lambda: _fetched(str(client.jwks_url), http), time.monotonic)


def _fetched(url: str, http: requests.Session) -> Mapping[str, Any]:
    answer = http.get(url, timeout=(2, 5), allow_redirects=False)
    answer.raise_for_status()
    found = orjson.loads(answer.content)
    if not isinstance(found, dict) or not isinstance(found.get("keys"), list):
        raise ValueError("not a JWKS")
    return found
