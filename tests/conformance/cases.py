"""What the validators are given: all that we write, broken copies of it, and the charts of the demo."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhirapp.demo_ehr.patients import example_charts, practitioners_and_organizations
from tests.conformance.decisions import TODAY, written_for_the_demo
from tests.conformance.instances import Json, everything_we_write

WRITTEN = everything_we_write() | written_for_the_demo()


def _put(path: str, value: Any) -> Callable[[Json], None]:
    def change(resource: Json) -> None:
        *way, last = path.split(".")
        at: Any = resource
        for step in way:
            at = at[int(step) if step.isdigit() else step]
        if value is None:
            del at[int(last) if last.isdigit() else last]
        else:
            at[last] = value

    return change


# case: (what is broken in it, how, words that a validator must find: an element or a rule)
BROKEN: dict[str, tuple[str, Callable[[Json], None], str]] = {
    "broken-intent": ("referral-active", _put("intent", "proposal"), "intent"),
    "broken-status": ("referral-active", _put("status", "running"), "status"),
    "broken-category": ("referral-active", _put("category.0", None), "category"),
    "broken-requester": ("referral-active", _put("requester", {"reference": "Device/stride"}), "requester"),
    "broken-no-requester": ("referral-active", _put("requester", None), "requester"),
    "broken-reason": ("referral-active", _put("reasonReference", None), "pa-sr-1"),
    "broken-member": ("referral-active", _put("urgency", "high"), "urgency"),
    "broken-date": ("referral-active", _put("authoredOn", "2026-02-30T09:00:00+10:30"), "authoredOn"),
    "broken-narrative": ("plan-draft", _put("text", None), "text"),
    "broken-assess-plan": ("plan-draft", _put("category.0", None), "category"),
    "broken-plan-extension": ("plan-draft", _put("extension", [{"url": "urn:x"}]), "ext-1"),
    "broken-unit": ("goal-0-proposed", _put("target.0.detailQuantity.system", "urn:minutes"), "detailQuantity"),
    "broken-no-quantity": ("goal-0-proposed", _put("target.0.detailQuantity", None), "detail"),
    "broken-status-reason": ("offer-rejected", _put("statusReason", None), "pa-taskrm-1"),
    "broken-owner": ("offer-requested", _put("owner", None), "owner"),
    "broken-claim": ("offer-requested", _put("meta.profile", ["urn:nobody-knows"]), "urn:nobody-knows"),
    "broken-source": ("audit-deed-8-ehr.write", _put("source", None), "source"),
}


@dataclass(frozen=True)
class Files:
    """The cases as files, and the resources that their references point at."""

    cases: tuple[Path, ...]
    context: Path


def written_to(folder: Path) -> Files:
    """All cases in the folder, one file each."""
    for name, resource in (WRITTEN | broken() | charts()).items():
        (folder / f"{name}.json").write_text(json.dumps(resource))
    context = folder / "context.ndjson"
    context.write_text("\n".join(json.dumps(resource) for resource in _referred_to()))
    return Files(tuple(sorted(folder.glob("*.json"))), context)


def broken() -> dict[str, Json]:
    """The broken copies by the name of their case."""
    whole = everything_we_write()
    found = {}
    for name, (case, change, _) in BROKEN.items():
        found[name] = deepcopy(whole[case])
        change(found[name])
    return found


def charts() -> dict[str, Json]:
    """The whole chart of every patient of the demo."""
    return {f"chart-{chart.patient_id}": chart.bundle for chart in example_charts(TODAY)}


def _referred_to() -> list[Json]:
    """What our references point at, so that the profiles of the targets are checked too."""
    whole = everything_we_write()
    named = {
        "ServiceRequest/sr": "referral-active",
        "ServiceRequest/old": "referral-revoked",
        "Goal/a": "goal-0-proposed",
        "Goal/b": "goal-1-proposed",
        "Task/nt": "navigator-requested",
    }
    entries = [entry["resource"] for chart in charts().values() for entry in chart["entry"]]
    ours = [whole[case] | {"id": ref.split("/")[1]} for ref, case in named.items()]
    return [*practitioners_and_organizations(), *entries, *ours]
