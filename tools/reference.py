"""Makes the generated reference pages: `make docs`. A test compares them with the code."""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from fhirapp import config
from fhirapp.problems import PROBLEMS
from fhirapp.referrals.fhir_status import (
    CARE_PLAN,
    FHIR,
    FULFILMENT_TASK,
    GOAL_ACTIVITY,
    NAVIGATOR_TASK,
    SERVICE_REQUEST,
)
from fhirapp.referrals.reasons import LASTING, ONLY_THE_PATIENT, REASONS, REST, Reason
from fhirapp.referrals.status import LABELS, NUMBER, OPEN, TRANSITIONS, State
from fhirapp.ui.moves import PLACES
from models.safety.reference import reference
from models.safety.rule import rule_set
from tools.assess_page import assess_page
from tools.clocks_page import clocks_page
from tools.conformance import conformance
from tools.ehr_changes_page import ehr_changes_page
from tools.rule_tests import rule_tests
from tools.stored_data import data_page

REFERENCE: Final = Path(__file__).parent.parent / "docs" / "reference"
MADE: Final = "<!-- Made by `make docs` from the code; do not edit. -->\n"


def settings() -> str:
    """Every STRIDE_* variable, from the comments of `Config`."""
    said = re.findall(r"^    (\w+): .*  # (STRIDE_\w+): (.+)$", inspect.getsource(config.Config), re.MULTILINE)
    defaults = {field.name: field.default for field in dataclasses.fields(config.Config)}
    lines = [f"| `{variable}` | {text} | {_default(defaults[name])} |" for name, variable, text in said]
    table = "\n".join(["| variable | what it says | default |", "|---|---|---|", *lines])
    return (
        f"# Settings\n\n{MADE}\n"
        "All settings come from the environment. `stride check` says in plain words what is wrong with them.\n\n"
        f"{table}\n\nFor the web server also `STRIDE_BIND` (`127.0.0.1:8000`) and `WEB_CONCURRENCY` (2 processes).\n"
    )


def _default(value: object) -> str:
    if value is dataclasses.MISSING:
        return "needed"
    if value is None:
        return "none"
    return f"`{int(value) if isinstance(value, bool) else value}`"


def states() -> str:
    """The states, the moves between them, and what each means in FHIR."""
    arrows = sorted(
        {(row.source.value, row.target.value, row.action.value) for row in TRANSITIONS if _drawn(row.target)}
    )
    diagram = "\n".join(f"    {source} --> {target}: {action}" for source, target, action in arrows)
    moves = "\n".join(
        f"| {row.action.value} | {row.source.value} | {row.target.value} | {', '.join(sorted(row.roles))} |"
        for row in TRANSITIONS
    )
    return (
        f"# The life of a referral\n\n{MADE}\n## Diagram\n\n"
        "Left out to keep it readable: a no, a departure and an error are "
        f"possible from every open state.\n\n```mermaid\nstateDiagram-v2\n{diagram}\n```\n\n## States in FHIR\n\n"
        "**Bold** is created when it is not there; the rest is brought to this status only where it exists.\n\n"
        f"{_fhir_table()}\n\n## Where\n\n{_places()}\n\n"
        f"## Moves\n\n| action | from | to | who |\n|---|---|---|---|\n{moves}\n"
    )


def _places() -> str:
    """On which page each role does what."""
    lines = [
        f"| {role.value} | {action.value} | {place.page if place.page != 'elsewhere' else 'on no page'} | {place.why} |"
        for (role, action), place in PLACES.items()
    ]
    return "\n".join(["| who | action | page | |", "|---|---|---|---|", *lines])


def _drawn(target: State) -> bool:
    return target not in (State.OPTED_OUT, State.DECLINED, State.DEPARTED, State.ERROR, State.DISCONTINUED)


def _fhir_table() -> str:
    kinds = (SERVICE_REQUEST, NAVIGATOR_TASK, FULFILMENT_TASK, CARE_PLAN, GOAL_ACTIVITY)
    head = (
        "| | state | open | ServiceRequest | navigator Task | fulfilment Task | CarePlan | Goals |\n" + "|---" * 8 + "|"
    )
    lines = []
    for state in State:
        cells = []
        for kind in kinds:
            wanted = FHIR[state].get(kind)
            cells.append("" if wanted is None else f"**{wanted.status}**" if wanted.create else wanted.status)
        is_open = "yes" if state in OPEN else ""
        lines.append(f"| {NUMBER[state]} | `{state.value}` {LABELS[state]} | {is_open} | {' | '.join(cells)} |")
    return "\n".join([head, *lines])


def reasons() -> str:
    """The coded reasons for a no."""
    lines = [
        f"| `{r.code}` | {r.label} | {r.by} | {_after(r)} | {_most(r)} | {_early(r)} | {r.way or ''} |"
        for r in REASONS.values()
    ]
    head = "| code | meaning | given by | offered again after | at most | or earlier, when | may be offered at once |"
    table = "\n".join([head, "|---" * 7 + "|", *lines])
    return (
        f"# Reasons for saying no\n\n{MADE}\n{table}\n\n"
        f"Earlier means {REST.days} days after the no at the earliest, and never more often than the column *at most* "
        "says. *phase*: treatment has come to a new phase, its end included. *diagnosis*: a confirmed diagnosis whose "
        "code was not in the chart before. *discharge*: a stay in hospital has ended. *fatigue*: a score of 4 and more "
        "of 10 that was lower before. *better*: fatigue less by 2 points of 10, or FACIT-F more by 4. A date that may "
        "lie before the no does not count.\n\n"
        "A clinician's no is reviewed in the next phase of treatment; in a phase that lasts "
        f"({', '.join(sorted(LASTING))}) after 90 days.\n\n"
        "An offer is made when somebody opens the chart: nothing is proposed with nobody in front of it. Who asks to "
        "be asked is heard at once, on the clinician's page, the navigators' pages and by text message; after "
        f"{' and '.join(f'`{code}`' for code in sorted(ONLY_THE_PATIENT))} only the patient.\n\n"
        "What may be offered at once stands on the navigators' page, once: somebody offers it or leaves it.\n"
    )


def _after(reason: Reason) -> str:
    if reason.by == "clinician":
        return "the next phase"
    if reason.reoffer_days is None:
        return "never by itself"
    return f"{reason.reoffer_days} days" if reason.reoffer_days else "the next visit"


def _early(reason: Reason) -> str:
    return ", ".join(sorted(reason.early))


def _most(reason: Reason) -> str:
    if reason.most is None:
        return ""
    return f"{reason.most} times" + (" a year" if reason.within else "")


def problems() -> str:
    """Every problem type."""
    seen = {problem.slug: problem for problem in PROBLEMS.values()}
    lines = [f"| `/problems/{slug}` | {seen[slug].status} | {seen[slug].title} |" for slug in sorted(seen)]
    table = "\n".join(["| type | status | title |", "|---|---|---|", *lines])
    return f"# Problems\n\n{MADE}\n{table}\n"


PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "settings.md": settings,
    "referral-states.md": states,
    "opt-out-reasons.md": reasons,
    "problems.md": problems,
    "conformance.md": conformance,
    "ehr-changes.md": lambda: ehr_changes_page(MADE),
    "clocks.md": lambda: clocks_page(MADE),
    "data.md": lambda: data_page(MADE),
    "assess-json.md": lambda: assess_page(MADE),
    "rules.md": lambda: reference(rule_set(), rule_tests()),
}


def main() -> int:
    """Write every page."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (REFERENCE / name).write_text(page(), encoding="utf-8")
        sys.stdout.write(f"docs/reference/{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
