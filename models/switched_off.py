"""Which models are switched off: pages and cards say so, lest silence be read as good news."""

from __future__ import annotations

from models.decision import Assessment
from models.text import N_, Text

_RISK = N_("Risk model: not available (switched off); the rules alone decide")
_ADHERENCE = N_("Adherence model: not available (switched off); usual support for everybody")


def switched_off(assessment: Assessment) -> tuple[Text, ...]:
    """A line for each model that is retired or that the site does not use; none for who is not eligible anyway."""
    if assessment.eligibility.eligible is False:
        return ()
    both = ((assessment.risk, _RISK), (assessment.adherence, _ADHERENCE))
    return tuple(words for estimate, words in both if estimate is None)
