"""What we told patients: to be read and printed where no sender is connected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fhirapp.db.encrypted import Sealer
from fhirapp.referrals.notices import Notice, open_notice
from fhirapp.ui import headers
from fhirapp.ui.house import House
from fhirapp.ui.language import speak

MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Letter:
    """One notice, opened."""

    id: int
    at: datetime
    kind: str
    language: str
    to: str
    address: str
    subject: str
    paragraphs: tuple[tuple[str, ...], ...]  # each of lines; the link stands on a line of its own
    link: str


def letters(session: Session, sealer: Sealer, tenant_id: str) -> list[Letter]:
    """The newest notices of one tenant, newest first."""
    rows: Sequence[Notice] = (
        session.execute(
            sa.select(Notice)
            .where(Notice.tenant_id == tenant_id)
            .order_by(Notice.at.desc(), Notice.id.desc())
            .limit(MOST)
        )
        .scalars()
        .all()
    )
    return [_letter(row, sealer) for row in rows]


def _letter(notice: Notice, sealer: Sealer) -> Letter:
    opened = open_notice(notice, sealer)
    return Letter(
        id=notice.id,
        at=notice.at,
        kind=notice.kind,
        language=notice.language,
        to=opened["to"],
        address=opened["address"],
        subject=opened["subject"],
        paragraphs=tuple(tuple(part.strip().splitlines()) for part in opened["body"].split("\n\n") if part.strip()),
        link=opened.get("link") or "",
    )


def create_blueprint(house: House) -> Blueprint:
    """The route `/outbox`, in a demo only; elsewhere navigators have their own inside the queue."""
    bp = Blueprint("outbox", __name__)

    @bp.get("/outbox", endpoint="show")
    def show() -> ResponseReturnValue:
        if not house.config.demo:
            abort(404)
        headers.private()
        tenants = list(house.tenants.by_id.values())
        speak(request.accept_languages.values(), tenants[0].zone)
        with house.sessions() as session:
            boxes = [(tenant, letters(session, house.sealer, tenant.id)) for tenant in tenants]
        return render_template("outbox.html", boxes=boxes, page=None)

    return bp
