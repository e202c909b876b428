"""Sixteen invented patients, one story each, fresh on whatever day they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from fhirapp.demo_ehr import stories_clinical, stories_road
from fhirapp.demo_ehr.charts import Chart, Json
from fhirapp.demo_ehr.staff import practitioners_and_organizations

__all__ = ["ExampleChart", "example_charts", "practitioners_and_organizations"]


@dataclass(frozen=True, slots=True)
class ExampleChart:
    """One invented patient: a title, what to look at, and the whole chart."""

    patient_id: str
    title: str
    story: str
    bundle: Json


def example_charts(today: date) -> list[ExampleChart]:
    """All example patients, with every date relative to `today`."""
    charts = []
    for patient_id, (title, story, fill) in _STORIES.items():
        chart = Chart(patient_id, today)
        fill(chart)
        charts.append(ExampleChart(patient_id, title, story, chart.bundle))
    return charts


_Fill = Callable[[Chart], None]
_STORIES: Final[dict[str, tuple[str, str, _Fill]]] = {
    "ada-refer": (
        "Ada Marlow, breast cancer, weekly paclitaxel",
        "Fit, everything on file, all safety questions answered. Nobody acts, and the referral goes its way.",
        stories_road.ada,
    ),
    "bea-override": (
        "Beata Nowak, colon cancer, capecitabine and oxaliplatin",
        "Fit. Her oncologist says not now, with a reason; nothing is written. Polish, interpreter, no e-mail.",
        stories_road.bea,
    ),
    "cleo-optout": (
        "Cleofé Arroyo, breast cancer, radiotherapy",
        "Fit. She says no herself, with one step, after the notice. Spanish, interpreter.",
        stories_road.cleo,
    ),
    "dan-platelets": (
        "Daniel Osei, lung cancer, carboplatin and gemcitabine",
        "Platelets of 8 yesterday: held, and his oncologist is told why.",
        stories_road.dan,
    ),
    "eva-falls": (
        "Eva Lemaire, ovarian cancer, carboplatin and paclitaxel",
        "Fit today. A platelet count that arrives before release stops it. French.",
        stories_road.eva,
    ),
    "fred-ineligible": (
        "Frederick Hale, high blood pressure",
        "No cancer and nothing else that the service is for: no card at all.",
        stories_road.fred,
    ),
    "gus-killed": (
        "Guus de Wit, lymphoma, R-CHOP",
        "Fit. The worker dies while his referral is written; each resource is there once. Dutch.",
        stories_road.gus,
    ),
    "hana-parallel": (
        "Hana Mori, endometrial cancer, carboplatin and paclitaxel",
        "Fit. Her chart is opened twenty times at once: one referral. Japanese, interpreter, no e-mail.",
        stories_road.hana,
    ),
    "ivo-unanswered": (
        "Ivo Kovač, colon cancer, fluorouracil",
        "Fit as far as the chart says, but nobody asked the safety questions: asking is the first step.",
        stories_road.ivo,
    ),
    "jo-accepts": (
        "Jo Ferris, testicular cancer, cisplatin",
        "Fit. The oncologist accepts the suggestion, and the record system writes the draft itself.",
        stories_road.jo,
    ),
    "kim-bonemets": (
        "Kim Sungmin, breast cancer with bone metastases",
        "Stable for more than a year. Exercise is worth it, after the cancer team has cleared it.",
        stories_clinical.kim,
    ),
    "lou-febrile": (
        "Louis Amari, lymphoma, febrile neutropenia",
        "38.7 °C with 0.3 neutrophils on day 10: an emergency, not a referral.",
        stories_clinical.lou,
    ),
    "mia-survivor": (
        "Mia Halvorsen, two years after endometrial cancer",
        "In remission, active and strong: the lowest tier.",
        stories_clinical.mia,
    ),
    "ned-prehab": (
        "Edward Byrne, lung cancer, operation in three weeks",
        "Prehabilitation: the clock is short, because the date of the operation is set. No e-mail.",
        stories_clinical.ned,
    ),
    "oli-neuropathy": (
        "Olivia Brandt, colon cancer, oxaliplatin",
        "Numb feet, tired (6 of 10) and one fall: fit, with cycling, balance and company. German, interpreter.",
        stories_clinical.oli,
    ),
    "pia-partial": (
        "Pia Lund, thyroid cancer, hardly anything on file",
        "A diagnosis, a birth date and six answers: what is missing is said, and makes the start gentler.",
        stories_clinical.pia,
    ),
}
