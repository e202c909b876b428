"""The context of one launch: which patient, who is asking, with what access. Source: SM-C1..C7."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from models.text import N_
from smart_launch.errors import PatientChanged
from smart_launch.http import is_below
from smart_launch.scopes import ResourceScope, ScopeSet, parse_scopes, withheld
from smart_launch.token_response import TokenResponse

_OTHER_PATIENT: Final = N_(
    "The record system's access is now for another patient. "
    "Please open the app again from the chart of the patient you want to see."
)


@dataclass(frozen=True, slots=True)
class LaunchContext:
    """What one launch may show and do: one patient, one user, one grant; never shared between launches."""

    tenant_id: str
    iss: str  # as registered; the FHIR base URL, and the only place the token may be sent
    patient: str | None  # logical id; None: launched without a chart open
    encounter: str | None
    fhir_user: str | None  # "Practitioner/1", below `iss`; None: the server did not say who it is
    access_token: str = field(repr=False)
    expires_at: datetime | None
    refresh_token: str | None = field(repr=False)
    scope: str  # as granted
    requested: str  # as asked for
    need_patient_banner: bool = True
    intent: str | None = None
    app_context: str | None = field(default=None, repr=False)  # untrusted: a handle to look up (SM-C7)
    smart_style_url: str | None = None  # https, otherwise unchecked; never put into a page as it is
    fhir_context: tuple[Mapping[str, Any], ...] = ()

    @property
    def granted(self) -> ScopeSet:
        """The granted scopes, to ask `granted.allows("ServiceRequest", "cu")`. Source: SM-T4."""
        return parse_scopes(self.scope)

    @property
    def withheld(self) -> tuple[ResourceScope, ...]:
        """What we asked for and did not get."""
        return withheld(self.requested, self.scope)

    def may_send_token_to(self, url: str) -> bool:
        """Whether the URL lies below the FHIR base; the token goes nowhere else. Source: SM-T5."""
        return is_below(self.iss, url)

    def expired(self, now: datetime, margin: timedelta = timedelta(seconds=30)) -> bool:
        """Whether the access token is out of date, or will be within `margin`."""
        return self.expires_at is not None and now >= self.expires_at - margin

    def refreshed(self, response: TokenResponse) -> LaunchContext:
        """The same launch with new access; `PatientChanged` if the answer is for another patient.

        A new refresh token replaces the old one; without a new one the old one stays. Source: SM-R2, SM-C6.
        """
        if response.patient is not None and response.patient != self.patient:
            raise PatientChanged(_OTHER_PATIENT)
        return replace(
            self,
            access_token=response.access_token,
            expires_at=response.expires_at,
            refresh_token=response.refresh_token or self.refresh_token,
            scope=self.scope if response.scope is None else response.scope,
        )


def launch_context(
    *, tenant_id: str, iss: str, requested: str, fhir_user: str | None, response: TokenResponse
) -> LaunchContext:
    """The context that a first token response opens."""
    return LaunchContext(
        tenant_id=tenant_id,
        iss=iss,
        patient=response.patient,
        encounter=response.encounter,
        fhir_user=fhir_user,
        access_token=response.access_token,
        expires_at=response.expires_at,
        refresh_token=response.refresh_token,
        scope=requested if response.scope is None else response.scope,
        requested=requested,
        need_patient_banner=response.need_patient_banner,
        intent=response.intent,
        app_context=response.app_context,
        smart_style_url=response.smart_style_url,
        fhir_context=response.fhir_context,
    )
