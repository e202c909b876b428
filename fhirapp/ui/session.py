"""Page sessions: one launch, one patient, one browser; two tabs never share anything. Source: SM-C6, SM-L9."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from flask import Response
from sqlalchemy.orm import Mapped, mapped_column

from fhirapp.db.base import Base, Moment, Sessions
from fhirapp.db.encrypted import Sealer
from fhirapp.referrals.referral import Actor
from fhirapp.referrals.status import Role
from fhirapp.ui.errors import FormRefused, SessionUnknown
from smart_launch.context import LaunchContext

COOKIE: Final = "__Secure-stride-page"
LIVES: Final = timedelta(hours=8)  # a shift
_SECRET: Final = re.compile(r"[A-Za-z0-9_\-]{43}")  # token_urlsafe(32)


class PageSession(Base):
    """One open page. Only digests of the two secrets are kept; the access tokens are sealed."""

    __tablename__ = "page_session"

    id: Mapped[str] = mapped_column(primary_key=True)  # digest of the id in the page's address
    browser: Mapped[str]  # digest of the browser's cookie
    tenant_id: Mapped[str]
    role: Mapped[str]  # "clinician" | "navigator"
    patient_id: Mapped[str | None]
    fhir_user: Mapped[str | None]
    fhir_user_display: Mapped[str]
    sealed: Mapped[str] = mapped_column(sa.Text)  # access and refresh token, scopes
    referral_id: Mapped[UUID | None]  # the referral of the card that led here
    need_banner: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)


@dataclass(frozen=True, slots=True)
class Page:
    """An open session as a request sees it."""

    sid: str = field(repr=False)
    browser: str = field(repr=False)
    row: PageSession
    context: LaunchContext = field(repr=False)

    @property
    def tenant_id(self) -> str:
        """The tenant whose EHR launched it."""
        return self.row.tenant_id

    @property
    def actor(self) -> Actor:
        """Who sits in front of the page."""
        return Actor(self.row.tenant_id, Role(self.row.role), self.row.fhir_user or "", self.row.fhir_user_display)

    def form_token(self, secret: bytes) -> str:
        """What every form of this session carries; of no use in another session or browser."""
        said = f"page form v1|{self.sid}|{self.browser}"
        return hmac.new(secret, said.encode(), sha256).hexdigest()

    def check_form(self, secret: bytes, given: str) -> None:
        """Raises `FormRefused` unless the form came from this very session."""
        if not hmac.compare_digest(self.form_token(secret), given):
            raise FormRefused("form token")


@dataclass(frozen=True, slots=True)
class PageSessions:
    """Opens, finds and ends page sessions."""

    sessions: Sessions
    sealer: Sealer
    clock: Callable[[], datetime]

    def open(
        self,
        context: LaunchContext,
        role: Role,
        *,
        browser: str,
        display: str = "",
        referral_id: UUID | None = None,
    ) -> str:
        """A new session of this browser; returns the id that goes into the address."""
        sid, now = secrets.token_urlsafe(32), self.clock()
        row = PageSession(
            id=digest(sid),
            browser=digest(browser),
            tenant_id=context.tenant_id,
            role=role.value,
            patient_id=context.patient,
            fhir_user=context.fhir_user,
            fhir_user_display=display,
            sealed=self._seal(context, digest(sid)),
            referral_id=referral_id,
            need_banner=context.need_patient_banner,
            created_at=now,
            expires_at=now + LIVES,
        )
        with self.sessions.begin() as session:
            session.execute(sa.delete(PageSession).where(PageSession.expires_at <= now))
            session.add(row)
        return sid

    def find(self, sid: str, browser: str | None, role: Role) -> Page:
        """The open session; raises `SessionUnknown` for another browser, another role, or after its end."""
        with self.sessions() as session:
            row = session.get(PageSession, digest(sid))
        if row is None or browser is None or not hmac.compare_digest(row.browser, digest(browser)):
            raise SessionUnknown("no such session in this browser")
        if self.clock() >= row.expires_at or row.role != role.value:
            raise SessionUnknown("ended, or of another role")
        return Page(sid, browser, row, self._context(row))

    def renew(self, page: Page, context: LaunchContext) -> Page:
        """The same session with new access."""
        with self.sessions.begin() as session:
            row = session.get_one(PageSession, page.row.id)
            row.sealed = self._seal(context, row.id)
        return Page(page.sid, page.browser, row, context)

    def end(self, page: Page) -> None:
        """Forget the session and its tokens."""
        with self.sessions.begin() as session:
            session.execute(sa.delete(PageSession).where(PageSession.id == page.row.id))

    def _seal(self, context: LaunchContext, row_id: str) -> str:
        kept: dict[str, Any] = {
            "iss": context.iss,
            "access_token": context.access_token,
            "expires_at": context.expires_at.isoformat() if context.expires_at else None,
            "refresh_token": context.refresh_token,
            "scope": context.scope,
            "requested": context.requested,
            "encounter": context.encounter,
        }
        return self.sealer.seal(kept, f"page/{row_id}")

    def _context(self, row: PageSession) -> LaunchContext:
        kept = self.sealer.open(row.sealed, f"page/{row.id}")
        expires = kept.pop("expires_at")
        return LaunchContext(
            tenant_id=row.tenant_id,
            patient=row.patient_id,
            fhir_user=row.fhir_user,
            expires_at=datetime.fromisoformat(expires) if expires else None,
            need_patient_banner=row.need_banner,
            **kept,
        )


def digest(secret: str) -> str:
    """What is stored of a secret."""
    return sha256(secret.encode()).hexdigest()


def browser_secret(cookies: Any) -> str | None:
    """The secret of this browser, if its cookie can be one of ours."""
    value = str(cookies.get(COOKIE, ""))
    return value if _SECRET.fullmatch(value) else None


def remember_browser(answer: Response, secret: str, page: str) -> None:
    """A secret for this page alone, sent to no other address than its own.

    Two frames that are opened at once would overwrite a cookie that they share. In an EHR's frame only a
    partitioned cookie comes back (SM-L9).
    """
    answer.set_cookie(
        COOKIE, secret, max_age=LIVES, path=page, secure=True, httponly=True, samesite="None", partitioned=True
    )
