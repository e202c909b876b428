"""Which kind of programme a patient is referred to."""

from __future__ import annotations

from typing import Final

from models.decision import Assessment, Destination, Verdict
from models.dose.equity import wishes_of
from models.findings import Finding
from models.text import N_, Text

# Level, name, SNOMED CT code and display. Source: pathway.md section 3.
_LEVELS: Final[dict[str, tuple[Text, str, str]]] = {
    "D0": (N_("No programme for now"), "229065009", "Exercise therapy (regime/therapy)"),
    "D1": (
        N_("Medically supervised clinical exercise programme"),
        "229065009",
        "Exercise therapy (regime/therapy)",
    ),
    "D2": (
        N_("Physiotherapy or cancer rehabilitation"),
        "306170007",
        "Referral to physiotherapy service (procedure)",
    ),
    "D3": (
        N_("Supervised group in the community, with a cancer-trained instructor"),
        "390893007",
        "Referral to physical activity program (procedure)",
    ),
    "D4": (N_("Home or telehealth programme"), "229065009", "Exercise therapy (regime/therapy)"),
    "D5": (
        N_("Self-managed activity with counselling"),
        "435551000124105",
        "Counseling about physical activity (procedure)",
    ),
}

# Rules whose help is a physiotherapist's hands and eyes, whatever the supervision asked for.
_IMPAIRMENT_LED: Final = frozenset(
    {
        "PAI-01",
        "TRT-10",
        "TRT-13",
        "TRT-17",
        "FAL-01",
        "NEU-04",
        "NEU-06",
        "NEU-07",
        "CAC-03",
        "MSK-02",
        "MSK-03",
        "MSK-04",
        "NEU-P",
    }
)
_PALLIATIVE: Final = "CAC-03"


def kind_of(level: str) -> Text:
    """What a programme of this level is."""
    return _LEVELS[level][0]


def destination_of(assessment: Assessment) -> Destination:
    """The first destination whose supervision is enough; provisional while clearance or answers are awaited.

    Feasibility (places, distance) is judged later and never lowers the supervision. Source: pathway.md section 3.
    """
    if assessment.verdict.held or assessment.verdict is Verdict.INELIGIBLE:
        return _destination("D0", N_("Nothing is offered while this is so"), provisional=False)
    waiting = assessment.verdict in (Verdict.INCOMPLETE, Verdict.CLEARANCE)
    level, reason = _level(assessment)
    return _destination(level, reason, provisional=waiting)


def _level(assessment: Assessment) -> tuple[str, Text]:
    needed = assessment.min_supervision
    led = next((f for f in assessment.findings if f.rule in _IMPAIRMENT_LED), None)
    if needed >= 4 and not _is_palliative(assessment.findings):
        return "D1", N_("Medical supervision is needed")
    if led:
        return "D2", N_("A physiotherapist should lead: {finding}", finding=led.text)
    if needed >= 3:
        return "D2", N_("A physiotherapist or cancer rehabilitation should supervise")
    if needed == 2 or (assessment.tier == "T4" and _wishes(assessment, "group")):
        return "D3", N_("Supervision by a cancer-trained instructor is enough")
    if assessment.tier == "T4" and needed == 0 and _wishes(assessment, "self-managed"):
        return "D5", N_("Low risk, ready and prefers to manage alone")
    return "D4", N_("Low supervision is enough: at home, with contact")


def _is_palliative(findings: tuple[Finding, ...]) -> bool:
    return any(finding.rule == _PALLIATIVE for finding in findings)


def _wishes(assessment: Assessment, word: str) -> bool:
    return word in wishes_of(assessment.snapshot)


def _destination(level: str, reason: Text, *, provisional: bool) -> Destination:
    name, code, display = _LEVELS[level]
    return Destination(level, name, reason, provisional, code, display)
