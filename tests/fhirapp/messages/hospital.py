"""A hospital that reaches its patients by e-mail, text message and letter, over servers of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fhirapp.alarms.settings import Escalation, Lead
from fhirapp.demo.settings import TENANT
from fhirapp.messages.records import Delivery
from fhirapp.messages.settings import ReplySettings, Review, SmtpSettings, WebSettings
from fhirapp.referrals.notices import Notice, open_notice
from fhirapp.referrals.referral import Referral
from tests.fhirapp.messages.mail_server import Inbox, mail_server
from tests.fhirapp.messages.provider import Provider, provider
from tests.world import CLINICIAN, World, hospital

SECRET = "the provider's secret"
LONDON = ZoneInfo("Europe/London")


@dataclass
class Reached:
    """The world, and what arrives in it."""

    world: World
    mail: Inbox
    texts: Provider
    pages: Provider

    def settings(self, **changes: Any) -> None:
        """Change what the hospital says about messages."""
        tenants = self.world.stride.tenants.by_id
        messages = replace(tenants[TENANT].messages, **changes)
        tenants[TENANT] = replace(tenants[TENANT], messages=messages)  # type: ignore[index]

    def at(self, hour: int, day: int = 1) -> None:
        """Move the clock to this hour of the day after `day` days, a working day, in the hospital's zone."""
        now = self.world.stride.clock().astimezone(LONDON)
        there = datetime.combine(now.date() + timedelta(days=day), datetime.min.time(), LONDON).replace(hour=hour)
        while there.weekday() > 4:
            there += timedelta(days=1)
        self.world.stride.clock.move(there - now)

    def signed(self, patient: str) -> Referral:
        """A referral that a clinician has just signed; nothing has been sent yet."""
        referral = self.world.opened(patient)
        self.world.stride.actions.sign(referral.id, actor=CLINICIAN, now=self.world.stride.clock())
        return self.world.referral(patient)

    def notice(self, patient: str, kind: str = "referral") -> Notice:
        """The newest notice of this kind to this patient."""
        with self.world.stride.sessions() as session:
            query = session.query(Notice).filter(Notice.kind == kind).order_by(Notice.id.desc())
            referral = self.world.referral(patient)
            return next(row for row in query if row.referral_id == referral.id)

    def words(self, patient: str, kind: str = "referral") -> dict[str, Any]:
        """The same, opened."""
        return open_notice(self.notice(patient, kind), self.world.stride.sealer)

    def deliveries(self) -> list[tuple[str, str, int]]:
        """Channel, state and tries of every delivery."""
        with self.world.stride.sessions() as session:
            return [(row.channel, row.state, row.tries) for row in session.query(Delivery).order_by(Delivery.id)]


@contextmanager
def reaching(folder: Path) -> Iterator[Reached]:
    """Such a hospital, on a working day at ten o'clock."""
    (folder / "replies").write_text(SECRET)
    with mail_server() as mail, provider() as texts, provider() as pages, hospital(folder) as world:
        reached = Reached(world, mail, texts, pages)
        web = {"fields": {"to": "{to}", "text": "{text}", "from": "{from}"}, "id_path": "messages.0.id"}
        reached.settings(
            channels=("email", "sms", "letter"),
            country="1",
            smtp=SmtpSettings("127.0.0.1", "exercise@example.org", mail.port, "none"),
            sms=WebSettings(texts.url, sender="CityHosp", **web),
            pager=WebSettings(pages.url, **web),
            replies=ReplySettings(f"file:{folder / 'replies'}"),
            return_address=("City Hospital", "1 High Street", "Springfield"),
        )
        tenants = world.stride.tenants.by_id
        escalation = Escalation(
            "oncology-pager",
            Lead("Dr Lead", "lead@example.org"),
            Lead("Shift", "shift@example.org"),
            Lead("Service", "service@example.org"),
        )
        tenants[TENANT] = replace(tenants[TENANT], escalation=escalation)  # type: ignore[index]
        reached.at(10)
        yield reached


def reviewed(*languages: str) -> dict[str, Review]:
    """Somebody stands for these languages."""
    return {one: Review(one, "Dr Anna Weber", date(2026, 11, 1)) for one in languages}
