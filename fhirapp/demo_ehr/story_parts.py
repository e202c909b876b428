"""What many of the invented charts have in common."""

from __future__ import annotations

from typing import Final

from fhirapp.demo_ehr.chart_codes import SNOMED
from fhirapp.demo_ehr.charts import Chart, Json

BREAST: Final = ("254837009", "Malignant neoplasm of breast")
COLON: Final = ("363406005", "Malignant tumor of colon")
LUNG: Final = ("254637007", "Non-small cell lung cancer")
OVARY: Final = ("363443007", "Malignant tumor of ovary")
TESTIS: Final = ("363449006", "Malignant tumor of testis")
ENGLISH: Final = ("en", "English")


def fine(chart: Chart, *, ecog: int = 1, temp: float = 36.7, hr_rest: int = 74, spo2: int = 98) -> None:
    """Vital signs, function and symptoms of somebody who is well enough."""
    chart.vitals(1, bp=(124, 76), hr_rest=hr_rest, spo2=spo2, rr=15, temp=temp)
    chart.ecog(ecog, 6)
    chart.symptoms(
        2,
        pain=1,
        fatigue_nrs=3,
        dyspnoea_mmrc=0,
        gi_ctcae=0,
        dizziness=False,
        weakness=False,
        numbness=False,
        swelling_new=False,
        calf_pain=False,
        chills=False,
        cough=False,
    )


def answered(chart: Chart) -> None:
    """The safety questions and the pre-participation form, all answered "no"."""
    chart.answers(1)
    chart.parq(20)


def counts(chart: Chart, ago: int = 2, *, platelets: float = 212, hb: float = 118, anc: float = 3.1) -> None:
    """A blood count and chemistry in the usual range."""
    chart.labs(ago, platelets=platelets, hb=hb, anc=anc, wbc=round(anc + 1.9, 1))
    chart.labs(ago, albumin=40, creat=0.8, k=4.2, na=139, ca=9.4)


def surgical() -> Json:
    return {"coding": [{"system": SNOMED, "code": "387713003", "display": "Surgical procedure"}]}
