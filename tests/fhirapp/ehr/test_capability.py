"""What an EHR promises, and what we make of one that promises nothing. Source: standards.md WB-1."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirapp.db.base import Sessions
from fhirapp.ehr.capabilities import CAPABILITY, REMEMBERED, SHY, Capabilities, next_night
from fhirapp.ehr.capability import Capability, abridged, capability_of
from fhirapp.ehr.errors import EhrRefused, EhrUnavailable
from fhirapp.jobs.table import Job
from tests.fhirapp.ehr.one_ehr import AnEhr, a_tenant

NOW = datetime(2026, 11, 26, 9, 30, tzinfo=ZoneInfo("Australia/Adelaide"))


def a_statement(*resources: dict[str, Any], interactions: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "software": {"name": "Some EHR", "version": "7"},
        "rest": [
            {
                "mode": "server",
                "resource": list(resources),
                "interaction": [{"code": code} for code in interactions],
            }
        ],
    }


TASK = {
    "type": "Task",
    "versioning": "versioned-update",
    "conditionalCreate": True,
    "interaction": [{"code": "read"}, {"code": "create"}, {"code": "update"}],
    "searchParam": [{"name": "identifier", "type": "token"}, {"name": "_lastUpdated", "type": "date"}],
    "documentation": "long " * 100,
}
GOAL = {"type": "Goal", "versioning": "no-version", "interaction": [{"code": "read"}]}
REQUEST = {"type": "ServiceRequest", "versioning": "versioned", "searchParam": [{"name": "_lastUpdated"}]}


def test_wb_1_what_is_promised_is_read_per_type() -> None:
    found = capability_of(a_statement(TASK, GOAL, REQUEST, interactions=("transaction",)), NOW)
    assert (found.fhir_version, found.software, found.read_at) == ("4.0.1", "Some EHR 7", NOW)
    assert (found.transaction, found.batch, found.subscriptions, found.last_updated) == (True, False, False, True)
    assert found.conditional_create == found.search_identifier == found.if_match == {"Task"}
    assert found.versioned == {"Task", "ServiceRequest"}
    assert found.can("Task", "update")
    assert not found.can("Goal", "create")
    assert not found.can("CarePlan", "read"), "a type that is not listed cannot be used"


def test_wb_1_an_ehr_that_never_spoke_promises_nothing_but_may_be_asked() -> None:
    unread = Capability()
    assert not unread.transaction
    assert not unread.conditional_create
    assert not unread.known
    assert unread.can("Task", "create")


def test_wb_1_the_shortened_statement_says_the_same() -> None:
    whole = a_statement(TASK, GOAL, REQUEST, interactions=("transaction", "batch"))
    assert capability_of(abridged(whole)) == capability_of(whole)
    assert "documentation" not in str(abridged(whole))


@pytest.mark.parametrize("everywhere", [True, False])
def test_wb_1_a_parameter_of_the_whole_server_counts(everywhere: bool) -> None:
    statement = a_statement(GOAL)
    if everywhere:
        statement["rest"][0]["searchParam"] = [{"name": "_lastUpdated", "type": "date"}]
    assert capability_of(statement).last_updated is everywhere
    assert capability_of(abridged(statement)).last_updated is everywhere


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*TASK, "mode", "code"]), inner),
    max_leaves=12,
)


@given(JSON, JSON, JSON)
def test_wb_1_an_odd_statement_promises_less_and_never_fails(rest: Any, resource: Any, software: Any) -> None:
    for one in (rest, [rest], [{"mode": "server", "resource": resource}], [{"resource": [resource]}]):
        statement = {"resourceType": "CapabilityStatement", "rest": one, "software": software}
        assert not capability_of(statement).transaction
        assert capability_of(abridged(statement)).interactions == capability_of(statement).interactions


@pytest.fixture
def capabilities(sessions: Sessions) -> Capabilities:
    return Capabilities(sessions, lambda: NOW)


def test_what_was_read_is_kept_per_tenant(capabilities: Capabilities) -> None:
    capabilities.read("north", AnEhr(a_statement(TASK, interactions=("transaction",))))
    assert capabilities.of("north").transaction
    assert capabilities.of("north").read_at == NOW
    assert capabilities.of("south") == Capability()


def test_an_outage_does_not_make_us_forget(capabilities: Capabilities) -> None:
    capabilities.read("north", AnEhr(a_statement(TASK)))
    with pytest.raises(EhrUnavailable):
        capabilities.read("north", AnEhr(EhrUnavailable("down")))
    assert capabilities.of("north").conditional_create == {"Task"}


@pytest.mark.parametrize("answer", [b"{", b"[]", b'{"resourceType": "OperationOutcome"}'])
def test_an_answer_that_is_no_statement_is_no_answer(capabilities: Capabilities, answer: bytes) -> None:
    with pytest.raises(EhrUnavailable):
        capabilities.read("north", AnEhr(answer))


def test_the_first_use_asks_and_a_refusal_leaves_the_cautious_default(capabilities: Capabilities) -> None:
    assert capabilities.learn("shy", AnEhr(EhrRefused("403", 403))) == Capability()
    assert capabilities.learn("north", AnEhr(a_statement(TASK))).conditional_create == {"Task"}
    silent = AnEhr(EhrUnavailable("not asked any more"))
    assert capabilities.learn("north", silent).conditional_create == {"Task"}


def test_a_shy_ehr_is_not_asked_by_every_job_and_asked_again_later(sessions: Sessions) -> None:
    moments = [NOW]
    capabilities = Capabilities(sessions, lambda: moments[-1])
    assert capabilities.learn("shy", AnEhr(EhrRefused("403", 403))) == Capability()
    assert capabilities.learn("shy", AnEhr(a_statement(TASK))) == Capability()
    moments.append(NOW + SHY)
    assert capabilities.learn("shy", AnEhr(a_statement(TASK))).conditional_create == {"Task"}


def test_what_another_process_has_read_is_known_a_minute_later(sessions: Sessions) -> None:
    moments = [NOW]
    here, there = Capabilities(sessions, lambda: moments[-1]), Capabilities(sessions, lambda: moments[-1])
    here.read("north", AnEhr(a_statement(TASK)))
    there.read("north", AnEhr(a_statement(TASK, interactions=("transaction",))))
    assert not here.of("north").transaction
    moments.append(NOW + REMEMBERED)
    assert here.of("north").transaction


def test_two_workers_may_read_it_for_the_first_time_at_once(sessions: Sessions) -> None:
    """The row is there already when the second one writes its own."""
    statement = abridged(a_statement(TASK))
    here, there = Capabilities(sessions, lambda: NOW), Capabilities(sessions, lambda: NOW)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: one.store("north", statement), [here, there] * 4))
    assert Capabilities(sessions, lambda: NOW).of("north").conditional_create == {"Task"}


def jobs(sessions: Sessions) -> list[Job]:
    with sessions() as session:
        return list(session.query(Job).filter(Job.kind == CAPABILITY).order_by(Job.tenant_id))


def test_every_tenant_is_asked_at_once_and_then_every_night(capabilities: Capabilities, sessions: Sessions) -> None:
    tenant = a_tenant(zone="Australia/Adelaide")
    capabilities.schedule([tenant])
    capabilities.schedule([tenant])
    assert [job.run_at for job in jobs(sessions)] == [NOW]
    for answer in (a_statement(TASK), EhrRefused("403", 403)):
        capabilities.nightly(tenant, AnEhr(answer))
        assert [job.run_at for job in jobs(sessions)] == [next_night(tenant, NOW)]
    with pytest.raises(EhrUnavailable):
        capabilities.nightly(tenant, AnEhr(EhrUnavailable("down")))


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_night_is_the_tenants_own(now: datetime) -> None:
    tenant = a_tenant(zone="Australia/Adelaide")
    night = next_night(tenant, now)
    assert (night.hour, night.tzinfo) == (3, tenant.zone)
    assert timedelta(0) < night - now <= timedelta(hours=25)
