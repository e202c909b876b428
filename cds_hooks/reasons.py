"""The reasons for which a card may be overridden, and what each means for the referral."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cds_hooks.ports import Coding
from mappings.canonical import OPT_OUT_REASONS
from models.text import N_, Text

# The code system that CDS Hooks names for override reasons (3.0, usable in 2.0).
NON_ADHERENCE: Final = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"


class Meaning(StrEnum):
    """What an override does."""

    CLINICIAN = "clinician"  # a clinician's opt-out
    PATIENT = "patient"  # the patient's own no, told by the clinician
    ACTIVE = "active"  # the patient exercises already, or is in a programme
    SNOOZE = "snooze"  # the card came at a bad moment; the referral goes on


@dataclass(frozen=True, slots=True)
class OverrideReason:
    """One reason: as it is coded, what it means, and the local code under which the referral keeps it."""

    system: str
    code: str
    display: Text
    meaning: Meaning
    local_code: str  # of pathway.md section 4; "" for a snooze


def _own(code: str, display: Text, meaning: Meaning) -> OverrideReason:
    return OverrideReason(OPT_OUT_REASONS, code, display, meaning, code)


def _spec(code: str, display: Text, meaning: Meaning, local_code: str) -> OverrideReason:
    return OverrideReason(NON_ADHERENCE, code, display, meaning, local_code)


# Offered on a card, in this order; one way only to say each thing, so that the picker stays short.
OFFERED: Final = (
    _own("CL-CONTRA", N_("Exercise is contraindicated for this patient"), Meaning.CLINICIAN),
    _own("CL-PALL", N_("Does not fit the goals of care now"), Meaning.CLINICIAN),
    _own("CL-CHOICE", N_("Another plan is preferred"), Meaning.CLINICIAN),
    _own("OO-NOTINT", N_("The patient does not want it"), Meaning.PATIENT),
    _own("OO-ACTIVE", N_("The patient is already active or in a programme"), Meaning.ACTIVE),
    _spec("wrong-time-workflow", N_("Not now: show it again later"), Meaning.SNOOZE, ""),
    _own("CL-OTHER", N_("Another reason"), Meaning.CLINICIAN),
)

# Offered on a card about the choice of a programme; none of them says no to the referral.
FOR_A_CHOICE: Final = (
    _spec("service-not-available", N_("No place there"), Meaning.CLINICIAN, "CL-OTHER"),
    _spec("prefers-alternative", N_("The patient prefers the one that is chosen"), Meaning.PATIENT, "OO-NOTINT"),
    _own("CL-OTHER", N_("Another reason"), Meaning.CLINICIAN),
)

# Understood when a client sends them from its own list. Only the one that speaks of a bad moment is a snooze: who gives
# any other reason has said no, and a referral that went on all the same would go out after a no.
ALSO_UNDERSTOOD: Final = (
    _spec("limited-time", N_("No time now"), Meaning.CLINICIAN, "CL-OTHER"),
    _spec("need-more-info", N_("More information is needed first"), Meaning.CLINICIAN, "CL-OTHER"),
    _spec("inappropriate-recipient", N_("Not the right person to decide"), Meaning.CLINICIAN, "CL-OTHER"),
    _spec("patient-refuses", N_("The patient refuses"), Meaning.PATIENT, "OO-NOTINT"),
    _spec("patient-does-not-want-change", N_("The patient does not want a change"), Meaning.PATIENT, "OO-NOTINT"),
    _spec("patient-fears-discomfort", N_("The patient is afraid of it"), Meaning.PATIENT, "OO-FEAR"),
    _spec("cultural-religious-reason", N_("Cultural or religious reason"), Meaning.PATIENT, "OO-LANG"),
    _spec("prefers-alternative", N_("The patient prefers something else"), Meaning.PATIENT, "OO-NOTINT"),
    _spec("too-costly-uncovered", N_("Too costly for the patient"), Meaning.PATIENT, "OO-COST"),
    _spec("action-completed", N_("Done already"), Meaning.ACTIVE, "OO-ACTIVE"),
    _spec("indication-order-exists", N_("Ordered already"), Meaning.ACTIVE, "OO-OTHERCARE"),
    _spec("patient-contraindication", N_("Contraindication"), Meaning.CLINICIAN, "CL-CONTRA"),
    _spec("likely-negative-health-outcomes", N_("Likely to do harm"), Meaning.CLINICIAN, "CL-CONTRA"),
    _spec("comorbidity-disability", N_("Hindered by another illness"), Meaning.CLINICIAN, "CL-CONTRA"),
    _spec("action-not-priority", N_("Not a priority now"), Meaning.CLINICIAN, "CL-CHOICE"),
    _spec("service-not-available", N_("The service is not available"), Meaning.CLINICIAN, "CL-OTHER"),
)

_ALL: Final[Mapping[tuple[str, str], OverrideReason]] = {
    (reason.system, reason.code): reason for reason in (*OFFERED, *ALSO_UNDERSTOOD)
}
_LOCAL: Final = frozenset(
    (
        *("OO-NOTINT", "OO-ACTIVE", "OO-UNWELL", "OO-FEAR", "OO-TIME", "OO-TRANSP", "OO-COST", "OO-DIGI"),
        *("OO-LANG", "OO-OTHERCARE", "OO-PRIV", "OO-NEVER", "CL-CONTRA", "CL-PALL", "CL-CHOICE", "CL-OTHER"),
    )
)


def meaning_of(reason: Coding | None) -> tuple[Meaning, str]:
    """What an override means, and the local code to keep; any reason that we do not know is a clinician's no.

    A no without a reason is still a no. Source: pathway.md section 4; CH-B3.
    """
    if reason is None:
        return Meaning.CLINICIAN, "CL-OTHER"
    known = _ALL.get((reason.system, reason.code))
    if known is not None:
        return known.meaning, known.local_code
    if reason.system == OPT_OUT_REASONS and reason.code in _LOCAL:
        return (Meaning.PATIENT if reason.code.startswith("OO-") else Meaning.CLINICIAN), reason.code
    return Meaning.CLINICIAN, "CL-OTHER"
