"""Knocks at an EHR as the service would: sign-in, what it says of itself, a token, a search, one chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote
from uuid import uuid4

import requests

from fhirapp.ehr.capabilities import Capabilities
from fhirapp.ehr.capability import Capability, abridged, capability_of, read_statement
from fhirapp.ehr.chart import chart_of
from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.errors import EhrError, EhrMissing
from fhirapp.ehr.report import WRITTEN, Line, lines_about
from fhirapp.tenants import Tenant
from mappings.canonical import RESOURCE_IDENTIFIER
from smart_launch.backend_services import BackendTokens
from smart_launch.discovery import Discovery, SmartConfiguration
from smart_launch.errors import SmartError
from smart_launch.ports import Registration
from smart_launch.scopes import speaks_v2


@dataclass(slots=True)
class Probe:
    """One look at one tenant's EHR; nothing is written there."""

    tenant: Tenant
    registration: Registration
    tokens: BackendTokens
    http: requests.Session
    clock: Callable[[], datetime]
    keep: Capabilities | None = None  # where what the EHR says is remembered
    patient_id: str | None = None
    capability: Capability = field(default_factory=Capability)

    def lines(self) -> Iterator[Line]:
        """Each finding as it is made, in the order in which they depend on each other."""
        yield from self._sign_in()
        token, line = self._token()
        yield line
        ehr = EhrClient(self.tenant.ehr.fhir_base, lambda: token, self.http)
        try:
            statement = abridged(read_statement(ehr))
        except EhrError as error:
            yield Line("FIX", "capabilities", f"{error}", "assumes the least until the EHR says what it can do")
        else:
            self.capability = capability_of(statement, self.clock())
            yield from lines_about(self.capability, self.tenant.write_back)
            if self.keep is not None:
                self.keep.store(self.tenant.id, statement)
        if token is not None:
            yield from self._searches(ehr)
            yield from self._chart(ehr)

    def _sign_in(self) -> Iterator[Line]:
        try:
            found = Discovery(self.http, self.clock).configuration(self.registration)
        except SmartError as error:
            yield Line("FIX", "sign-in", f"/.well-known/smart-configuration: {error.text} {error.detail}".strip())
            return
        yield _sign_in_line(found)
        if found.missing:
            yield Line("note", "sign-in", f"smart-configuration lacks {', '.join(found.missing)}", "does without")

    def _token(self) -> tuple[str | None, Line]:
        try:
            token = self.tokens.token(self.registration)
        except SmartError as error:
            said = f"no token for {self.tenant.ehr.backend_client_id}: {error.text} {error.detail}".strip()
            return None, Line("FIX", "system access", said, "needs it for everything that happens without a user")
        return token, Line("ok", "system access", f"a token for {self.tenant.ehr.backend_client_id} was given")

    def _searches(self, ehr: EhrClient) -> Iterator[Line]:
        """A search by an identifier that nobody has must find nothing: it proves access, and that it is heeded."""
        for kind in WRITTEN:
            if not self.capability.can(kind, "search-type"):
                continue
            try:
                found = ehr.get_bytes(f"{kind}?identifier={quote(f'{RESOURCE_IDENTIFIER}|{uuid4()}', safe='')}")
            except EhrError as error:
                yield Line("FIX", f"searching {kind}", str(error), "could not find what it has written")
                continue
            if b'"match"' in found or b'"resourceType":"%s"' % kind.encode() in found.replace(b" ", b""):
                said = "answers with resources that do not carry it: the parameter is dropped"
                yield Line("FIX", f"searching {kind}", said, "could take others' for its own, and will not")
            else:
                yield Line("ok", f"searching {kind}", "by our identifier works")

    def _chart(self, ehr: EhrClient) -> Iterator[Line]:
        if self.patient_id is None:
            yield Line("note", "chart", "no chart was read; name a test patient with --patient to try it")
            return
        with ThreadPoolExecutor(4) as pool:
            try:
                chart, refused = chart_of(ehr, self.patient_id, pool, concepts=self.tenant.concept_map)
            except EhrMissing:
                yield Line("FIX", "test chart", "the patient is not there")
                return
            except EhrError as error:
                yield Line("FIX", "test chart", str(error))
                return
        unread = sorted(chart.unread | refused)
        faults = len(chart.faults)
        if unread:
            yield Line("FIX", "test chart", f"not readable: {', '.join(unread)}", "would hold every referral for it")
        yield Line("ok" if not faults else "note", "test chart", f"read, {faults} faults in it")


def _sign_in_line(found: SmartConfiguration) -> Line:
    dialect = "SMART 2 scopes" if speaks_v2(found.capabilities) else "SMART 1 scopes"
    launch = "" if found.authorization_endpoint else "; no authorization endpoint, so pages cannot be opened from it"
    return Line(
        "ok" if found.authorization_endpoint else "note", "sign-in", f"smart-configuration read, {dialect}{launch}"
    )
