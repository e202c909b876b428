"""What every card has, whatever it says."""

from __future__ import annotations

from typing import Any, Final

from cds_hooks.markdown import Gettext, plain, shortened
from cds_hooks.ports import Offer
from cds_hooks.reasons import OverrideReason
from mappings.canonical import CARD_TOPICS
from models.decision import Verdict
from models.text import N_, Text

SOURCE_URL: Final = "https://w3id.org/stride-referral"
_SUMMARY_MAX: Final = 139  # "< 140" (CH-C1)

# Critical is for danger to life, judged by the clinician who reads it (CH-C2).
INDICATORS: Final = {Verdict.HOLD_EMERGENCY: "critical", Verdict.HOLD: "warning"}


def summary_of(text: Text, gettext: Gettext) -> str:
    """One line of fewer than 140 characters."""
    return shortened(plain(text, gettext), _SUMMARY_MAX)


def source_of(gettext: Gettext, url: str) -> dict[str, Any]:
    """Where the guidance comes from, and what it is about (CH-C3)."""
    topic = {
        "system": CARD_TOPICS,
        "code": "exercise-referral",
        "display": plain(N_("Exercise referral"), gettext),
    }
    return {"label": "Stride", "url": url, "topic": topic}


def coded(reason: OverrideReason, gettext: Gettext) -> dict[str, str]:
    """An override reason as a Coding (CH-C7)."""
    return {"code": reason.code, "system": reason.system, "display": plain(reason.display, gettext)}


def smart_link(label: Text, url: str, offer: Offer, gettext: Gettext) -> dict[str, str]:
    """The link to the app, with its one-time handle where there is one (CH-L3)."""
    link = {"label": plain(label, gettext), "url": url, "type": "smart"}
    if offer.app_context:
        link["appContext"] = offer.app_context
    return link
