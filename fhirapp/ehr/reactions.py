"""What we do about each answer of an EHR: one table. Source: standards.md 6.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fhirapp.ehr.errors import EhrConflict, EhrDown, EhrError, EhrMissing, EhrRefused, EhrUnavailable


@dataclass(frozen=True, slots=True)
class Reaction:
    """One row: the error that is raised, and what follows from it in plain words."""

    raises: type[EhrError]
    means: str
    what_to_do: str  # for whoever reads the dead letter; empty where we go on by ourselves

    @property
    def again(self) -> bool:
        """Whether the same request may be sent again later, after a look whether it was done."""
        return issubclass(self.raises, EhrUnavailable)


_UNKNOWN: Final = Reaction(EhrUnavailable, "outcome unknown", "")
_DOWN: Final = Reaction(EhrDown, "not now, outcome unknown", "")
NO_ANSWER: Final = Reaction(EhrDown, "no answer, or one that breaks off: outcome unknown", "")

REACTIONS: Final[Mapping[int, Reaction]] = {
    400: Reaction(
        EhrRefused, "the EHR cannot read it", "report the codes to Stride's maintainers: this is a fault of ours"
    ),
    401: Reaction(
        EhrRefused, "our token is not taken, not even a new one", "the EHR's administrators check our registration"
    ),
    403: Reaction(
        EhrRefused, "we may not do this", "the EHR's administrators grant our client this scope, or say that we may not"
    ),
    404: Reaction(EhrMissing, "not there", ""),
    405: Reaction(
        EhrRefused, "the EHR does not offer this", "run stride tenant check: it lists what this EHR can and cannot do"
    ),
    406: Reaction(EhrRefused, "the EHR speaks no JSON", "the EHR's administrators switch FHIR JSON on"),
    409: Reaction(EhrConflict, "somebody changed it first", ""),
    410: Reaction(EhrMissing, "deleted", ""),
    412: Reaction(EhrConflict, "somebody changed it first, or several match", ""),
    413: Reaction(
        EhrRefused, "too large for the EHR", "the EHR's administrators raise the limit for our client, 1 MB is enough"
    ),
    415: Reaction(EhrRefused, "the EHR speaks no JSON", "the EHR's administrators switch FHIR JSON on"),
    422: Reaction(
        EhrRefused,
        "against a rule of this EHR",
        "the EHR's administrators look up the codes, and loosen the rule or tell Stride's maintainers",
    ),
    428: Reaction(EhrConflict, "the EHR wants the version that we work from", ""),
    429: Reaction(EhrDown, "too many requests", ""),
    500: _UNKNOWN,
    501: Reaction(
        EhrRefused, "the EHR does not offer this", "run stride tenant check: it lists what this EHR can and cannot do"
    ),
    502: _DOWN,
    503: _DOWN,
    504: _DOWN,
}
_OTHER_REFUSAL: Final = Reaction(EhrRefused, "refused", "look the status up with the EHR's administrators")


def reaction_to(status: int) -> Reaction:
    """The row of a status; one that is not listed is read by its class, as HTTP says."""
    return REACTIONS.get(status) or (_UNKNOWN if status >= 500 else _OTHER_REFUSAL)
