"""What `stride check` says of messages and alarms: what is not set up, in plain words. Nobody is called."""

from __future__ import annotations

from collections.abc import Iterator

from fhirapp.i18n import PATIENTS, installed
from fhirapp.messages.senders import CredentialMissing, Senders
from fhirapp.messages.settings import OUTBOX
from fhirapp.tenants import Tenant


def message_lines(tenant: Tenant, senders: Senders, *, demo: bool) -> Iterator[tuple[bool, str]]:
    """Good or not, and a sentence, for each thing."""
    messages, name = tenant.messages, f"tenant {tenant.id}"
    for channel in messages.channels:
        wrong = _channel(tenant, channel, senders, demo=demo)
        yield not wrong, f"{name}: patients are reached by {channel}" + (f"; {wrong}" if wrong else "")
    if messages.channels[-1] not in ("letter", OUTBOX):
        yield True, f"{name}: whom no channel reaches, the navigators have to telephone (no letters are written)"
    if messages.channels == ("letter",):
        yield True, f"{name}: every notice is a letter that a navigator prints and posts"
    if "letter" in messages.channels and not messages.return_address:
        yield False, f"{name}: letters have no return_address"
    known = set(installed(PATIENTS)) - {"en"}
    open_ = sorted(known - set(messages.reviewed))
    if open_:
        yield True, f"{name}: nobody stands for the texts in {', '.join(open_)}: they go out beside the English ones"
    yield from _alarm_lines(tenant, senders)


def _channel(tenant: Tenant, channel: str, senders: Senders, *, demo: bool) -> str:
    """What is wrong with a channel; "" when it can be used."""
    messages = tenant.messages
    if channel == OUTBOX:
        return "" if demo else "that is the page of a demonstration and reaches nobody"
    if channel == "letter":
        return ""
    try:
        if senders.sender(messages, channel) is None:
            return f"but [tenants.{tenant.id}.messages.{'smtp' if channel == 'email' else 'sms'}] is missing"
        if channel == "sms":
            if messages.replies is None:
                return "but replies are not set up: without a way for STOP to come back no text message is sent"
            senders.secret(messages.replies.secret)
            if not messages.country:
                return "but without country no number that is written without +.. can be used"
    except CredentialMissing as error:
        return f"but {error}"
    return ""


def _alarm_lines(tenant: Tenant, senders: Senders) -> Iterator[tuple[bool, str]]:
    name, messages, escalation = f"tenant {tenant.id}", tenant.messages, tenant.escalation
    ways = []
    try:
        if messages.smtp is not None and tenant.on_call.email:
            ways.append("e-mail")
        if senders.sender(messages, "pager") is not None and escalation.on_call_pager:
            ways.append("pager")
    except CredentialMissing as error:
        yield False, f"{name}: the pager cannot be used: {error}"
    said = " and ".join(ways) if ways else "nothing but the record system: an emergency hold at night wakes nobody"
    yield True, f"{name}: on call is alarmed by {said}"
    missing = [what for what in ("clinician_lead", "shift_lead", "service_lead") if getattr(escalation, what) is None]
    if missing:
        yield True, f"{name}: {', '.join(missing)} not named; on call and the exercise service stand in"
    if not escalation.holidays:
        yield True, f"{name}: no holidays: Monday to Friday count as working days"
