"""What the demo EHR is started with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DemoClient:
    """One registered SMART client; it signs its assertions with the keys behind `jwks_url`."""

    client_id: str
    jwks_url: str
    redirect_uris: tuple[str, ...]  # none for a backend service
    scopes: tuple[str, ...]  # the most that this client is ever granted
    kind: Literal["app", "backend"]


@dataclass(frozen=True, slots=True)
class DemoSettings:
    """One demo EHR: where it stands, whom it trusts and which charts it holds.

    The EHR and the service stand on two sites (127.0.0.1 and localhost), so that the app in the EHR's
    frame is a third party, as in a hospital.
    """

    base_url: str  # of the EHR, without a slash at the end
    cds_base_url: str  # public base of the CDS service; discovery is at {cds_base_url}/cds-services
    launch_url: str  # of the SMART app
    clients: tuple[DemoClient, ...]
    charts: Sequence[Resource] = ()  # R4 Bundles: transaction, collection, batch or searchset
    today: date | None = None  # for ages and for the dates of the forms; None is the real day
    stories: Mapping[str, str] = field(default_factory=dict)  # patient id -> what to look for
    practitioner_id: str = "demo-clinician"  # who is signed in
    navigator_id: str = ""  # who opens the exercise service's queue; empty: nobody here does
    key_dir: Path | None = None  # where keys are kept; None makes new ones at each start
    admin: bool = False  # test controls under /_admin
    require_token: bool = True  # False opens the FHIR API, to probe it with tools that know no SMART
    token_seconds: int = 900
    default_count: int = 100
    hook_seconds: float = 5.0  # how long the EHR waits for cards
    cds_client_id: str = ""  # `subject` of fhirAuthorization; the first app client if empty

    @property
    def fhir_base(self) -> str:
        """The FHIR base URL: `iss` of a launch and issuer of the id_token."""
        return f"{self.base_url}/fhir"

    @property
    def token_url(self) -> str:
        """The token endpoint: audience of a client's assertion."""
        return f"{self.base_url}/auth/token"

    @property
    def cds_subject(self) -> str:
        """The client id under which the CDS service is known here (CH-F2)."""
        apps = [client.client_id for client in self.clients if client.kind == "app"]
        return self.cds_client_id or (apps[0] if apps else "cds-service")

    @property
    def app_origin(self) -> str:
        """Scheme, host and port of the SMART app: the only foreign site that may be framed."""
        parts = urlsplit(self.launch_url)
        return f"{parts.scheme}://{parts.netloc}"

    def client(self, client_id: str) -> DemoClient | None:
        """The registered client of that id."""
        return next((client for client in self.clients if client.client_id == client_id), None)
