from __future__ import annotations

from typing import Any

import pytest

from fhirapp.demo_ehr import search
from fhirapp.demo_ehr.errors import FhirError
from fhirapp.demo_ehr.periods import matches, span_of, span_of_element
from fhirapp.demo_ehr.store import Store
from tests.fhirapp.demo_ehr.conftest import a_patient, an_observation

BASE = "http://127.0.0.1:1/fhir"
LOINC = "http://loinc.org"


@pytest.fixture(scope="module")
def store() -> Store:
    filled = Store()
    for resource in (
        a_patient("ada", "Alt", birthDate="1960-05-04", active=True, identifier=[{"system": "urn:mrn", "value": "7"}]),
        a_patient("ben", "Blau", birthDate="1988-01-31"),
        an_observation("ada", "o1", effectiveDateTime="2026-11-01", valueQuantity={"value": 150, "code": "10*9/L"}),
        an_observation("ada", "o2", effectiveDateTime="2026-11-10T09:30:00+01:00"),
        an_observation("ada", "o3", effectivePeriod={"start": "2026-11-05", "end": "2026-11-12"}),
        an_observation("ben", "o4", status="amended"),
        {
            "resourceType": "Task",
            "id": "t1",
            "status": "requested",
            "intent": "order",
            "for": {"reference": f"{BASE}/Patient/ada"},
            "owner": {"reference": "Organization/exercise"},
            "basedOn": [{"reference": "ServiceRequest/s1/_history/2"}],
            "identifier": [{"system": "urn:ours", "value": "x"}, {"value": "bare"}],
        },
        {"resourceType": "Goal", "id": "g1", "lifecycleStatus": "proposed", "subject": {"reference": "Patient/ada"}},
    ):
        filled.create(resource, keep_id=True)
    return filled


def ids(store: Store, path: str) -> list[str]:
    kind, _, text = path.partition("?")
    query = search.parse(kind, search.pairs_of(text), base=BASE, default_count=50)
    return [one["id"] for one in search.found(store, query)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Observation?patient=ada", ["o1", "o2", "o3"]),
        ("Observation?patient=Patient/ada", ["o1", "o2", "o3"]),
        (f"Observation?subject={BASE}/Patient/ben", ["o4"]),
        ("Observation?subject:Patient=ben", ["o4"]),
        ("Observation?patient=ada,ben&status=amended", ["o4"]),
        ("Observation?patient=a", []),
        (f"Observation?code={LOINC}|777-3", ["o1", "o2", "o3", "o4"]),
        (f"Observation?code={LOINC}|718-7,{LOINC}|777-3&patient=ben", ["o4"]),
        ("Observation?code=777-3&patient=ben", ["o4"]),
        ("Observation?code=urn:other|777-3", []),
        ("Observation?code=|777-3", []),
        (f"Observation?code={LOINC}|&patient=ben", ["o4"]),
        ("Observation?status:not=final", ["o4"]),
        ("Observation?date:missing=true", ["o4"]),
        ("Observation?date=2026-11-10", ["o2"]),
        ("Observation?date=2026-11", ["o1", "o2", "o3"]),
        ("Observation?date=ge2026-11-10", ["o2", "o3"]),
        ("Observation?date=gt2026-11-10", ["o3"]),
        ("Observation?date=le2026-11-05", ["o1", "o3"]),
        ("Observation?date=lt2026-11-05", ["o1"]),
        ("Observation?date=sa2026-11-05", ["o2"]),
        ("Observation?date=eb2026-11-05", ["o1"]),
        ("Observation?date=ge2026-11-02&date=le2026-11-30", ["o2", "o3"]),
        ("Observation?date=ge2026-11-10T08:30:00Z&date=le2026-11-10T08:30:00Z", ["o2", "o3"]),
        ("Observation?_id=o1,o4", ["o1", "o4"]),
        ("Observation?_lastUpdated=gt2020-01-01&patient=ben", ["o4"]),
        ("Observation?_lastUpdated=lt2020-01-01", []),
        ("Observation?value-quantity=gt100", ["o1"]),
        ("Observation?value-quantity=le100", []),
        ("Observation?value-quantity=150||10*9/L", ["o1"]),
        ("Observation?_sort=-date&patient=ada", ["o2", "o3", "o1"]),
        ("Observation?_sort=date&patient=ada", ["o1", "o3", "o2"]),
        ("Patient?_sort=-_id", ["ben", "ada"]),
        ("Patient?birthdate=lt1970", ["ada"]),
        ("Patient?family=al", ["ada"]),
        ("Patient?name:exact=al", []),
        ("Patient?active=true", ["ada"]),
        ("Patient?identifier=urn:mrn|7", ["ada"]),
        ("Patient?identifier=7", ["ada"]),
        ("Patient?identifier=urn:other|7", []),
        ("Task?identifier=urn:ours|x", ["t1"]),
        ("Task?identifier=|bare", ["t1"]),
        ("Task?identifier=|x", []),
        ("Task?patient=ada&status=requested,accepted", ["t1"]),
        ("Task?owner=Organization/exercise", ["t1"]),
        ("Task?based-on=ServiceRequest/s1", ["t1"]),
        ("Task?based-on=s2", []),
        ("Goal?patient=ada&lifecycle-status=proposed", ["g1"]),
    ],
)
def test_a_search_finds_just_what_it_asks_for(store: Store, path: str, expected: list[str]):
    assert ids(store, path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "Observation?nonsense=1",
        "Observation?patient.family=Alt",
        "Observation?code:in=urn:vs",
        "Observation?code:text=platelets",
        "Observation?patient:identifier=7",
        "Observation?date:exact=2026",
        "Observation?_count=many",
        "Observation?_sort=colour",
        "Observation?_include=*",
        "Observation?_summary=text",
        "Observation?value-quantity=lots",
        "Observation?status:missing=maybe",
        "Patient?_has:Observation:patient:code=1",
    ],
)
def test_what_the_server_does_not_know_it_refuses(store: Store, path: str):
    with pytest.raises(FhirError) as refused:
        ids(store, path)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026", "2026-01-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
        ("2026-12", "2026-12-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00"),
        ("2024-02-29", "2024-02-29T00:00:00+00:00", "2024-03-01T00:00:00+00:00"),
        ("2026-11-10T09:30Z", "2026-11-10T09:30:00+00:00", "2026-11-10T09:31:00+00:00"),
        ("2026-11-10T09:30:15+02:00", "2026-11-10T09:30:15+02:00", "2026-11-10T09:30:16+02:00"),
    ],
)
def test_a_partial_date_is_its_whole_span(text: str, start: str, end: str):
    span = span_of(text)
    assert (span.start.isoformat(), span.end.isoformat()) == (start, end)


@pytest.mark.parametrize("element", ["not a date", "2026-13-01", {"start": "nonsense"}, {}, 7, None])
def test_an_unreadable_date_matches_nothing(element: Any):
    assert span_of_element(element) is None


def test_an_open_period_goes_on():
    running = span_of_element({"start": "2026-11-01"})
    assert running is not None
    assert matches("ge", span_of("2030"), running)
    assert not matches("eb", span_of("2030"), running)


def test_a_page_says_how_many_there_are_and_leads_to_the_next(store: Store):
    query = search.parse("Observation", [("patient", "ada"), ("_count", "2")], base=BASE, default_count=50)
    page = search.searchset(store, query, base=BASE)
    links = {link["relation"]: link["url"] for link in page["link"]}
    assert page["total"] == 3
    assert [entry["fullUrl"] for entry in page["entry"]] == [f"{BASE}/Observation/o1", f"{BASE}/Observation/o2"]
    assert ids(store, links["next"].removeprefix(f"{BASE}/")) == ["o1", "o2", "o3"]
    assert "_page=2" in links["next"]


def test_nothing_found_is_an_empty_bundle_without_entries(store: Store):
    query = search.parse("Observation", [("patient", "nobody")], base=BASE, default_count=50)
    page = search.searchset(store, query, base=BASE)
    assert (page["total"], "entry" in page) == (0, False)


def test_every_search_that_stride_makes_is_understood(store: Store):
    queries = pytest.importorskip("mappings.queries")
    for query in queries.QUERIES:
        path = queries.rest_path(query, "ada")
        if "?" in path:
            ids(store, path)
