"""What a plan does about ways, money and people around the patient, where the chart codes them as a problem.

Source: prescription.md section 10; observations.md section 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from models.dose.equity import WISHES
from models.dose.goals import BARRIERS
from models.snapshot import PatientSnapshot
from models.text import N_, Text

ACCESS: Final[dict[str, Text]] = {
    "vs.sdoh_transport": BARRIERS["transport"],
    "vs.sdoh_finance": WISHES["low-income"],
    "vs.sdoh_housing": N_("A plan that needs no room and no address; ask about help with housing"),
    "vs.sdoh_food": N_("Ask about help with food before more effort"),
    "vs.sdoh_alone": BARRIERS["support"],
    "vs.sdoh_literacy": WISHES["easy-language"],
    "vs.sdoh_caring": WISHES["caring"],
}


def access_actions(snapshot: PatientSnapshot) -> Iterator[tuple[str, Text]]:
    """A line for each problem that is on the list now, with its row."""
    for name, text in ACCESS.items():
        if any(fact.state == "active" for fact in snapshot.having(name)):
            yield f"table 10, {name}", text
