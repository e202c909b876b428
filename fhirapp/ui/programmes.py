"""The programmes of a hospital, and which of them may be offered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fhirapp.tenants import ProgrammeSite, Tenant
from fhirapp.ui.words import SUPERVISION_WORDS
from models.decision import Proposal
from models.text import N_, Text

SHOWN: Final = 2  # on the clinician's screen: the first choice and an alternative


@dataclass(frozen=True, slots=True)
class Choice:
    """One programme, and why it may not be chosen."""

    site: ProgrammeSite
    supervision: Text
    refused: Text | None  # None: may be offered
    fits: bool  # it is of the very level that was worked out


def choices_of(tenant: Tenant, summary: Mapping[str, Any]) -> list[Choice]:
    """All programmes, those of the right level first. Feasibility never lowers the supervision (pathway.md 3)."""
    needed, level = int(summary["min_supervision"]), summary["destination"]
    found = [_choice(site, needed, level) for site in tenant.programmes]
    return sorted(found, key=lambda choice: (choice.refused is not None, not choice.fits, choice.site.supervision))


def sites_for(tenant: Tenant, needed: int, proposal: Proposal | None) -> list[ProgrammeSite]:
    """The first choice and an alternative; none while nothing may be offered."""
    if proposal is None or proposal.destination.level == "D0":
        return []
    level = proposal.destination.level
    return [c.site for c in choices_of(tenant, {"min_supervision": needed, "destination": level}) if not c.refused][
        :SHOWN
    ]


def _choice(site: ProgrammeSite, needed: int, level: str) -> Choice:
    refused = None
    if site.supervision < needed:
        refused = N_(
            "Not enough supervision: it gives {has} ({has_words}), this patient needs {needs} ({needs_words}).",
            has=site.supervision,
            has_words=SUPERVISION_WORDS[site.supervision],
            needs=needed,
            needs_words=SUPERVISION_WORDS[needed],
        )
    return Choice(site, SUPERVISION_WORDS[site.supervision], refused, site.level == level)
