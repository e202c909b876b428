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
from fhirapp.referrals.reasons import GONE, ONLY_THE_PATIENT, REASONS, Reason
from fhirapp.referrals.status import LABELS, NUMBER, OPEN, TRANSITIONS, State
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
        f"{_fhir_table()}\n\n## Moves\n\n| action | from | to | who |\n|---|---|---|---|\n{moves}\n"
    )


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
    after = {
        r.code: "never by itself" if r.reoffer_days is None else f"{r.reoffer_days} days" for r in REASONS.values()
    }
    lines = [f"| `{r.code}` | {r.label} | {r.by} | {after[r.code]} | {_most(r)} |" for r in REASONS.values()]
    table = "\n".join(
        ["| code | meaning | given by | offered again after | at most |", "|---|---|---|---|---|", *lines]
    )
    return (
        f"# Reasons for saying no\n\n{MADE}\n{table}\n\n"
        "A new phase of treatment makes an offer due before its day, two weeks after the no at the earliest; not after "
        f"{' and '.join(f'`{code}`' for code in sorted(ONLY_THE_PATIENT | GONE))}. Who asks to be asked is heard at "
        "once.\n"
    )


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
