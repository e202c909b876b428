"""Every instance that we write, against the HL7 profiles that it claims (CH-A6, traps 13 to 15)."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fhirapp.demo_ehr.patients import example_charts, practitioners_and_organizations
from mappings.to_fhir.validate import checked
from tests.conformance.decisions import TODAY, written_for_the_demo
from tests.conformance.instances import Json, everything_we_write
from tests.conformance.node import node_or_skip, npm_or_skip

SHARED = Path(__file__).resolve().parents[3] / "shared"
WRITTEN = everything_we_write() | written_for_the_demo()
pytestmark = [pytest.mark.node, pytest.mark.shared]


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


# case: (what is broken in it, words that the validator must find)
BROKEN: dict[str, tuple[str, Callable[[Json], None], str]] = {
    "broken-intent": ("referral-active", _put("intent", "proposal"), "intent"),
    "broken-category": ("referral-active", _put("category.0", None), "category"),
    "broken-requester": ("referral-active", _put("requester", {"reference": "Device/stride"}), "requester"),
    "broken-reason": ("referral-active", _put("reasonReference", None), "pa-sr-1"),
    "broken-narrative": ("plan-draft", _put("text", None), "text"),
    "broken-assess-plan": ("plan-draft", _put("category.0", None), "category"),
    "broken-unit": ("goal-0-proposed", _put("target.0.detailQuantity.system", "urn:minutes"), "detailQuantity"),
    "broken-status-reason": ("offer-rejected", _put("statusReason", None), "pa-taskrm-1"),
    "broken-owner": ("offer-requested", _put("owner", None), "owner"),
}


@dataclass(frozen=True)
class Report:
    """What the validator said, by the name of the case."""

    errors: dict[str, list[str]]
    checks: int


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """One run of the validator over everything: starting Node costs more than a hundred checks."""
    if not (SHARED / "validate").is_dir():
        pytest.skip("needs ../shared beside the checkout")
    node, npm = node_or_skip(), npm_or_skip()
    tool = tmp_path_factory.mktemp("validator") / "validate"
    shutil.copytree(SHARED / "validate", tool, copy_function=shutil.copyfile)
    tool.chmod(0o755)
    install = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(install, cwd=tool, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        pytest.skip(f"the validator's packages cannot be installed: {done.stderr.strip().splitlines()[-1:]}")
    folder = tmp_path_factory.mktemp("instances")
    for name, resource in (WRITTEN | _broken() | _charts()).items():
        (folder / f"{name}.json").write_text(json.dumps(resource))
    context = folder / "context.ndjson"
    context.write_text("\n".join(json.dumps(resource) for resource in _referred_to()))
    return _validate(node, tool, sorted(folder.glob("*.json")), context)


def _validate(node: list[str], tool: Path, files: list[Path], context: Path) -> Report:
    command = [
        *(*node, str(tool / "validate.mjs"), "--json", "--quiet"),
        *("--profiles", str(SHARED / "profiles"), "--prefer", "hl7.fhir.us.core@3.1.1"),
        *("--context", str(context)),
        *(str(file) for file in files),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    errors = defaultdict(list)
    for line in done.stdout.splitlines():
        issue = json.loads(line)
        errors[Path(issue["file"]).stem].append(f"{issue['path']}: {issue['message']}")
    return Report(dict(errors), len(files))


def _broken() -> dict[str, Json]:
    whole = everything_we_write()
    found = {}
    for name, (case, change, _) in BROKEN.items():
        found[name] = deepcopy(whole[case])
        change(found[name])
    return found


def _charts() -> dict[str, Json]:
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
    charts = [entry["resource"] for chart in example_charts(TODAY) for entry in chart.bundle["entry"]]
    ours = [whole[case] | {"id": ref.split("/")[1]} for ref, case in named.items()]
    return [*practitioners_and_organizations(), *charts, *ours]


@pytest.mark.parametrize("case", WRITTEN)
def test_ch_a6_every_instance_that_we_write_conforms_to_its_profiles(report: Report, case: str) -> None:
    assert report.errors.get(case, []) == []


@pytest.mark.parametrize("case", BROKEN)
def test_the_validator_finds_what_was_broken_on_purpose(report: Report, case: str) -> None:
    words = BROKEN[case][2]
    assert any(words in error for error in report.errors.get(case, [])), report.errors.get(case)


@pytest.mark.parametrize("case", _charts())
def test_every_chart_of_the_demo_is_valid(report: Report, case: str) -> None:
    assert report.errors.get(case, []) == []


def test_our_own_check_lets_all_of_them_pass() -> None:
    for resource in WRITTEN.values():
        checked(resource)


PROFILED = {
    "ServiceRequest": "http://hl7.org/fhir/us/physical-activity/",
    "CarePlan": "http://hl7.org/fhir/us/physical-activity/",
    "Goal": "http://hl7.org/fhir/us/physical-activity/",
    "Task": "http://hl7.org/fhir/us/physical-activity/",
    "Provenance": "http://hl7.org/fhir/us/core/",
    "AuditEvent": "https://profiles.ihe.net/ITI/BALP/",
}
# The guides have no profile for coordination, nor for an access that failed.
BASE_R4 = ("navigator-", "audit-failed")


@pytest.mark.parametrize(("name", "resource"), WRITTEN.items(), ids=WRITTEN)
def test_what_belongs_to_a_profile_says_so(name: str, resource: Json) -> None:
    claims = resource.get("meta", {}).get("profile", [])
    guide = None if name.startswith(BASE_R4) else PROFILED.get(resource["resourceType"])
    assert any(claim.startswith(guide) for claim in claims) if guide else claims == []
