"""What an e-mail, a page and the record system's message say of an alarm.

Outside the record system nothing clinical and nobody's name: only that somebody must look, and where.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fhirapp.alarms.alarm import Alarm
from fhirapp.alarms.clocks import HOLDS, LABELS, Kind
from fhirapp.referrals.referral import Referral
from fhirapp.tenants import Tenant
from models.summary import text_from
from models.text import N_, Text

_SUBJECT: Final = N_("{hospital}: {what}, reference {reference}")
_HOLD: Final = N_(
    "An exercise safety hold for a patient of yours needs you.\n\n"
    "Which patient and why stands in the patient's record, in today's message of the exercise service, and on the "
    "patient's page in Stride.\n\n"
    "Please confirm that you have seen it: {link}\n\n"
    "{what}, reference {reference}, since {since}."
)
_EMERGENCY: Final = N_(
    "URGENT. An exercise safety hold for a patient of yours needs you now. The exercise plan is suspended.\n\n"
    "Which patient and why stands in the patient's record, in today's message of the exercise service, and on the "
    "patient's page in Stride.\n\n"
    "Please confirm that you have seen it: {link}\n\n"
    "{what}, reference {reference}, since {since}."
)
_CLOCK: Final = N_(
    "{what}. Please look at the exercise service's queue in the record system.\n\n"
    "To confirm that you have seen it: {link}\n\n"
    "Reference {reference}, since {since}."
)
_PAGE: Final = N_("{what} at {hospital}, reference {reference}. Confirm: {link}")
_IN_CHART: Final = N_(
    "{what} (reference {reference}). Exercise is suspended: {why}. Please look at the patient's chart."
)
TOPIC: Final = N_("Exercise referral: safety hold")


def reference_of(alarm: Alarm) -> str:
    """How people name the alarm on the telephone."""
    return f"A-{alarm.id}"


def subject_of(tenant: Tenant, alarm: Alarm, gettext: Callable[[str], str]) -> str:
    """One line for an e-mail or a page."""
    return _text(_SUBJECT, tenant, alarm, "").render(gettext)


def mail_of(tenant: Tenant, alarm: Alarm, link: str, gettext: Callable[[str], str]) -> str:
    """The words of an e-mail."""
    kind = Kind(alarm.kind)
    pattern = _CLOCK if kind not in HOLDS else _EMERGENCY if kind is Kind.HOLD_EMERGENCY else _HOLD
    return _text(pattern, tenant, alarm, link).render(gettext)


def page_of(tenant: Tenant, alarm: Alarm, link: str, gettext: Callable[[str], str]) -> str:
    """The words on a pager."""
    return _text(_PAGE, tenant, alarm, link).render(gettext)


def chart_words_of(tenant: Tenant, alarm: Alarm, referral: Referral, gettext: Callable[[str], str]) -> str:
    """The words in the patient's own record, where the reason may stand."""
    held = [finding for finding in referral.summary.get("findings", ()) if finding["rule"] in alarm.rules]
    why = "; ".join(f"{text_from(finding).render(gettext)} ({finding['rule']})" for finding in held)
    values = {"what": LABELS[Kind(alarm.kind)], "reference": reference_of(alarm), "why": why or str(LABELS[Kind.HOLD])}
    return Text(_IN_CHART.msgid, values).render(gettext)


def _text(pattern: Text, tenant: Tenant, alarm: Alarm, link: str) -> Text:
    since = alarm.raised_at.astimezone(tenant.zone)
    return Text(
        pattern.msgid,
        {
            "hospital": tenant.name,
            "what": LABELS[Kind(alarm.kind)],
            "reference": reference_of(alarm),
            "link": link,
            "since": f"{since:%Y-%m-%d %H:%M}",
        },
    )
