"""The page for integrators says what the code does."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cds_hooks.blueprint import answer_of, call_of
from cds_hooks.catalogue import SERVICES, find_service
from cds_hooks.dispatch import ORDER_DISPATCH, dispatch_from
from cds_hooks.prefetch import chart_from
from cds_hooks.problems import PROBLEMS
from cds_hooks.reasons import OFFERED
from cds_hooks.schemas import decode_hook
from fhirapp.commands.hook import service_for
from mappings.from_fhir.snapshot import snapshot_from
from models.decision import Proposal
from models.placement import placement_of
from models.proposal import decide
from tests.cds_hooks.builders import FHIR_SERVER, NOW, PLACES, a_client, access, an_offer
from tests.cds_hooks.hygiene import check_response
from tests.cds_hooks.ports import InMemoryCharts

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/cds-hooks.md").read_text()
EXAMPLES = sorted((ROOT / "docs/examples/hooks").glob("*.json"))


def answer_to(example: Path, *, by_rest: bool = False) -> dict[str, Any]:
    """The answer to a saved request; `by_rest`: its prefetch is at the FHIR server and has to be read there."""
    request, charts = json.loads(example.read_bytes()), InMemoryCharts()
    if by_rest:
        charts.answers = {key: json.dumps(value).encode() for key, value in request.pop("prefetch").items()}
        charts.answers |= {f"ServiceRequest/{one['id']}": json.dumps(one).encode() for one in orders_of(charts)}
        request |= {"fhirServer": FHIR_SERVER, "fhirAuthorization": access()}
    hook = decode_hook(json.dumps(request).encode())
    service = find_service(service_for(request), hook.hook)
    call = call_of(hook, service, a_client())
    chart = chart_from(hook, a_client(), charts, until=0)
    decision = decide(snapshot_from(chart, as_of=NOW, unread=chart.unread))
    dispatch = dispatch_from(hook, a_client(), charts, until=0) if hook.hook == ORDER_DISPATCH else None
    placement = None
    if dispatch is not None and isinstance(decision, Proposal):
        placement = placement_of(dispatch.performer, PLACES, decision)
    offer = an_offer(decision=decision, placement=placement)
    return answer_of(offer, replace(call, dispatch=dispatch), None)


def orders_of(charts: InMemoryCharts) -> list[Any]:
    return [entry["resource"] for entry in json.loads(charts.answers["referrals"]).get("entry", ())]


def test_there_is_an_example_for_each_hook():
    assert {example.stem for example in EXAMPLES} == {service.hook for service in SERVICES}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_each_example_gives_an_answer_that_keeps_the_rules_of_the_wire(example: Path):
    check_response(answer_to(example))  # what its card says is compared in tests/fhirapp/commands/test_hook.py


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_ch_f7_each_example_gives_the_same_answer_when_its_chart_has_to_be_read(example: Path):
    assert answer_to(example, by_rest=True) == answer_to(example)


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.hook)
def test_ch_g5_the_page_lists_each_hook_with_what_it_needs(service: Any):
    (row,) = (line for line in PAGE.splitlines() if line.startswith(f"| `{service.hook}` |"))
    for need in service.needs:
        assert f"`{need}`" in row


def test_the_page_lists_each_status_and_each_reason():
    for problem in PROBLEMS.values():
        assert f"| {problem.status} |" in PAGE
    for reason in OFFERED:
        assert f"`{reason.code}`" in PAGE


def test_the_examples_are_requests_as_they_go_over_the_wire():
    for example in EXAMPLES:
        request = json.loads(example.read_text())
        assert {"hook", "hookInstance", "context", "prefetch"} <= set(request)
        assert "fhirAuthorization" not in request
