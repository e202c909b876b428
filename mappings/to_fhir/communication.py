"""What was told to whom: a Communication for each notice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mappings.to_fhir.codes import Json, concept
from mappings.to_fhir.facts import Ref, ReferralFacts, instant

_MEDIA_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode"
_MEDIA: Final = {
    "email": ("EMAILWRIT", "email"),
    "sms": ("SMSWRIT", "SMS message"),
    "letter": ("MAILWRIT", "mail"),
    "phone": ("PHONE", "telephone"),
    "in-person": ("FACE", "face-to-face"),
    "video": ("VIDEOCONF", "videoconferencing"),
}
_CATEGORY_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/communication-category"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that was told, or was to be told."""

    number: int  # counts the notices of one referral; part of the business identifier
    recipient: Ref
    medium: str  # "email", "sms", "letter", "phone", "in-person", "video"; "" for a message within the record system
    topic: str  # "Exercise referral: how to say no"
    text: str
    sent: datetime | None  # aware; None: not sent yet
    category: str = "notification"  # or "alert" for a hold
    urgent: bool = False
    kind: str = ""  # of the business identifier, where it is not the number's
    not_done: str = ""  # why nobody was told


def communication(
    facts: ReferralFacts, status: str, notice: Notice, about: tuple[str, ...] = (), based_on: tuple[str, ...] = ()
) -> Json:
    """The Communication of one notice; `about` names the resources that it speaks of, `based_on` what asked for it.

    Source: pathway.md step 10; navigator.md section 4.
    """
    resource: Json = {
        "resourceType": "Communication",
        "identifier": facts.identifiers(notice.kind or f"notice-{notice.number}"),
        "status": status,
        "category": [concept(_CATEGORY_SYSTEM, notice.category, notice.category.capitalize())],
        "priority": "urgent" if notice.urgent else "routine",
        "subject": facts.patient.json(),
        "topic": {"text": notice.topic},
        "recipient": [notice.recipient.json()],
        "sender": facts.owner.json(),
        "payload": [{"contentString": notice.text}],
    }
    if notice.medium:
        code, display = _MEDIA[notice.medium]
        resource["medium"] = [concept(_MEDIA_SYSTEM, code, display)]
    if based_on:
        resource["basedOn"] = [{"reference": reference} for reference in based_on]
    if notice.not_done:
        resource["statusReason"] = {"text": notice.not_done}
    if about:
        resource["about"] = [{"reference": reference} for reference in about]
    if notice.sent:
        resource["sent"] = instant(notice.sent)
    return resource
