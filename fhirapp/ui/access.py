"""A page's way in: find the session, name the EHR's frame, speak its language, hold a token that still works."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from flask import request

from fhirapp.audit import audit
from fhirapp.ehr.client import EhrClient
from fhirapp.referrals.status import Role
from fhirapp.tenants import Tenant
from fhirapp.ui import headers
from fhirapp.ui.errors import AccessEnded
from fhirapp.ui.house import House
from fhirapp.ui.language import speak_as_staff
from fhirapp.ui.session import Page, PageSessions, browser_secret
from smart_launch.context import LaunchContext
from smart_launch.errors import PatientChanged, SmartError

log = logging.getLogger("stride.pages")


@dataclass(frozen=True, slots=True)
class Door:
    """Lets a request into a page, or raises a `PageError`."""

    house: House
    role: Role

    @property
    def pages(self) -> PageSessions:
        """The sessions behind it."""
        return PageSessions(self.house.sessions, self.house.sealer, self.house.wall_clock)

    def enter(self, sid: str) -> tuple[Page, Tenant]:
        """The session of this address and browser, with a checked form on POST."""
        headers.framed_by(self._any_ehr())  # so that "no longer open" can be read inside the EHR's frame
        headers.private()
        page = self.pages.find(sid, browser_secret(request.cookies), self.role)
        tenant = self.house.tenants[page.tenant_id]
        headers.framed_by(tenant.ehr.frame_ancestors)
        speak_as_staff(tenant)
        if request.method == "POST":
            page.check_form(self.house.config.secret, request.form.get("form_token", ""))
        return page, tenant

    def _any_ehr(self) -> tuple[str, ...]:
        tenants = self.house.tenants.by_id.values()
        return tuple(sorted({origin for tenant in tenants for origin in tenant.ehr.frame_ancestors}))

    def token_of_form(self, page: Page) -> str:
        """What the forms of this page carry."""
        return page.form_token(self.house.config.secret)

    def ehr(self, page: Page, tenant: Tenant) -> EhrClient:
        """The EHR with the person's own access, renewed if it ran out; raises `AccessEnded` if it cannot be."""
        context = page.context
        if context.expired(self.house.wall_clock()):
            context = self._renewed(page, tenant)
        return self.house.ehrs.as_user(tenant, context.access_token)

    def saw(self, page: Page, what: str, patient_id: str | None, subject: object = "", **details: Any) -> None:
        """Put down who looked at what."""
        with self.house.sessions.begin() as session:
            audit(
                session, page.actor, f"page.{what}", at=self.house.clock(), patient_id=patient_id, subject=subject,
                **details,
            )  # fmt: skip

    def _renewed(self, page: Page, tenant: Tenant) -> LaunchContext:
        refresher = self.house.refresher
        if refresher is None or page.context.refresh_token is None:
            raise AccessEnded("the access token has run out")
        try:
            context = refresher.refreshed(self.house.ehrs.registrations[tenant.id], page.context)
        except PatientChanged:
            self.pages.end(page)
            raise
        except SmartError as error:
            log.info("access was not renewed: %s", type(error).__name__)
            raise AccessEnded("the access token was not renewed") from None
        self.pages.renew(page, context)
        return context
