"""Many questions in one request: a shortcut that changes nothing of what is read."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
import pytest

from fhirapp.ehr.batches import SINGLY_FOR, Batches
from fhirapp.ehr.capability import Capability
from fhirapp.ehr.chart import chart_of
from fhirapp.ehr.client import EhrClient
from fhirapp.ehr.connect import pooled_session
from fhirapp.ehr.errors import EhrDown, EhrError, EhrRefused, EhrUnavailable
from mappings.bundle import Chart
from tests.fhirapp.ehr.test_chart import CANCER

PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1960-01-01"}
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}
NEXT = "http://127.0.0.1:9/fhir?page=2"


def found(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in resources], **more}


class AnEhr(EhrClient):
    """Knows a patient with cancer; `odd` are answers of a batch that differ, by type."""

    def __init__(self, *, batch: Any = None, **odd: tuple[str, Any]) -> None:
        super().__init__("http://127.0.0.1:9/fhir", lambda: None, pooled_session(1))
        self.said, self.odd, self.batches = batch, odd, 0
        self.asked: list[str] = []

    def get_bytes(self, path: str, *, patience_s: float = 0) -> bytes:
        self.asked.append(path)
        if path.startswith("Encounter"):
            raise EhrRefused("GET Encounter: 403", 403)
        return orjson.dumps(self._answer(path))

    def _answer(self, path: str) -> Any:
        kind = path.partition("?")[0].partition("/")[0]
        return {"Patient": PATIENT, "Condition": found(CANCER)}.get(kind, found())

    def _call(self, method: str, path: str, *, body: Any = None, **_: Any) -> Any:
        self.batches += 1
        if isinstance(self.said, Exception):
            raise self.said
        return Said(self.said if self.said is not None else orjson.dumps({"entry": list(self._entries(body))}))

    def _entries(self, body: Any) -> Iterator[dict[str, Any]]:
        assert (body["resourceType"], body["type"]) == ("Bundle", "batch")
        for entry in body["entry"]:
            assert entry["request"]["method"] == "GET"
            path = entry["request"]["url"]
            status, resource = self.odd.get(path.partition("?")[0], ("200 OK", self._answer(path)))
            yield {"response": {"status": status}} | ({"resource": resource} if resource else {})


@dataclass
class Said:
    content: bytes


@dataclass
class Offers:
    """What the EHR says it can do, and a clock."""

    batch: bool = True
    transaction: bool = False
    now: datetime = field(default_factory=lambda: datetime(2026, 11, 25, 12, tzinfo=UTC))

    def of(self, tenant_id: str) -> Capability:
        return Capability(batch=self.batch, transaction=self.transaction)

    def __call__(self) -> datetime:
        return self.now


def read(ehr: EhrClient, batches: Batches | None) -> tuple[Chart, frozenset[str]]:
    with ThreadPoolExecutor(2) as pool:
        return chart_of(ehr, "p", pool, at_once=partial(batches.answers, "north") if batches else None)


def batches_of(offers: Offers) -> Batches:
    return Batches(offers, offers)  # type: ignore[arg-type]


def told(chart: Chart, refused: frozenset[str]) -> Any:
    return chart.resources, chart.unread, chart.faults, refused


def test_one_request_reads_what_seventeen_did() -> None:
    ehr = AnEhr(Encounter=("403 Forbidden", OUTCOME))
    chart, refused = read(ehr, batches_of(Offers()))
    assert told(chart, refused) == told(*read(AnEhr(), None))
    assert refused == {"encounters"}
    assert ehr.batches == 1


@pytest.mark.parametrize(
    "answer",
    [("500 Internal Server Error", OUTCOME), ("404", OUTCOME), ("200 OK", None), ("", found())],
)
def test_what_a_batch_does_not_answer_well_is_asked_by_itself(answer: tuple[str, Any]) -> None:
    ehr = AnEhr(Condition=answer, Encounter=("200 OK", found()))
    chart, _ = read(ehr, batches_of(Offers()))
    assert [path.partition("?")[0] for path in ehr.asked] == ["Condition"]
    assert chart.resources == read(AnEhr(), None)[0].resources


def test_further_pages_are_read_one_after_the_other() -> None:
    first = found(CANCER, link=[{"relation": "next", "url": NEXT}])
    ehr = AnEhr(Condition=("200", first), Encounter=("200", found()))
    read(ehr, batches_of(Offers()))
    assert ehr.asked == [NEXT]


def test_an_ehr_that_says_it_takes_transactions_is_tried_too() -> None:
    """HAPI takes batches and does not list them."""
    ehr = AnEhr()
    read(ehr, batches_of(Offers(batch=False, transaction=True)))
    assert ehr.batches == 1


def test_an_ehr_that_does_not_say_so_is_asked_no_batch() -> None:
    ehr = AnEhr()
    read(ehr, batches_of(Offers(batch=False)))
    assert ehr.batches == 0
    assert len(ehr.asked) == 17


@pytest.mark.parametrize(
    "failure",
    [EhrRefused("405", 405), EhrUnavailable("500", 500), b"<html>", b'{"resourceType":"OperationOutcome"}'],
)
def test_an_ehr_that_fails_at_a_batch_is_asked_singly_for_a_while(failure: Any) -> None:
    offers, ehr = Offers(), AnEhr(batch=failure)
    batches = batches_of(offers)
    assert told(*read(ehr, batches)) == told(*read(AnEhr(), None))
    read(ehr, batches)
    assert ehr.batches == 1
    offers.now += SINGLY_FOR + timedelta(seconds=1)
    read(ehr, batches)
    assert ehr.batches == 2


def test_an_ehr_that_does_not_answer_is_asked_nothing_else_and_singly_the_next_time() -> None:
    """A batch may be what it is too slow for: the next try must be able to succeed."""
    ehr, batches = AnEhr(batch=EhrDown("no answer")), batches_of(Offers())
    with pytest.raises(EhrDown):
        read(ehr, batches)
    assert ehr.asked == []
    read(ehr, batches)
    assert (ehr.batches, len(ehr.asked)) == (1, 17)


def test_one_ehrs_failure_says_nothing_of_another() -> None:
    batches = batches_of(Offers())
    with pytest.raises(EhrError):
        batches.answers("north", AnEhr(batch=EhrDown("no answer")), ["Patient/p"])
    assert batches.answers("south", AnEhr(), ["Patient/p"]) == {"Patient/p": orjson.dumps(PATIENT)}
