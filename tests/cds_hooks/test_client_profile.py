"""What was agreed with one client: each setting has its effect for that client, and for no other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest

from cds_hooks.ports import Client
from mappings.queries import QUERIES, prefetch_templates
from tests.cds_hooks import builders
from tests.cds_hooks.builders import (
    BASE,
    FHIR_SERVER,
    ISSUER,
    a_bundle,
    a_client,
    a_prefetch,
    a_request,
    access,
    bearer,
)
from tests.cds_hooks.conftest import Running

DISCOVERY = f"{BASE}/cds-services"
LOCAL = ("http://lab.example|PLT", "urn:oid:1.2.3|THR x")
OTHER = "https://second.example"


def with_profile(service: Running, **settings: Any) -> Client:
    service.clients.clients[ISSUER] = client = a_client(**settings)
    return client


def with_token(**prefetch: Any) -> dict[str, Any]:
    return a_request(fhirServer=FHIR_SERVER, fhirAuthorization=access(), prefetch=a_prefetch(**prefetch))


def templates(service: Running, hook: str = "patient-view", **token: Any) -> dict[str, str]:
    headers = bearer(aud=DISCOVERY, **token) if token else {}
    listed = service.http.get("/cds-services", headers=headers).get_json()["services"]
    found: dict[str, str] = next(one for one in listed if one["hook"] == hook).get("prefetch", {})
    return found


@pytest.mark.parametrize(
    ("dialect", "scope", "fetched"),
    [
        ("v1", "user/*.read", True),
        ("v1", "user/*.*", True),
        ("v1", "user/*.rs", False),
        ("v2", "user/*.rs", True),
        ("v2", "user/*.cruds", True),
        ("v2", "user/*.read", False),
        ("v2", "user/*.*", False),
        ("both", "user/*.read", True),
        ("both", "user/*.rs", True),
    ],
)
def test_ch_f3_a_scope_in_another_dialect_than_the_agreed_one_is_no_grant(
    service: Running, dialect: str, scope: str, fetched: bool
):
    with_profile(service, scopes=dialect)
    assert service.call(with_token(labs=...) | {"fhirAuthorization": access(scope=scope)}).status_code == 200
    assert bool(service.charts.calls) is fetched


def test_ch_d5_a_client_that_prefetches_nothing_sees_no_templates_and_is_read_over_rest(service: Running):
    with_profile(service, prefetch="none")
    listed = service.http.get("/cds-services", headers=bearer(aud=DISCOVERY)).get_json()["services"]
    assert listed
    assert not any("prefetch" in one for one in listed)
    service.charts.answers = {key: json.dumps(value).encode() for key, value in a_prefetch().items()}
    assert service.call(with_token() | {"prefetch": {}}).status_code == 200
    assert not service.intake.charts[0].unread


def test_ch_d9_discovery_is_for_whoever_asks_and_for_all_when_nobody_says_who(service: Running):
    with_profile(service, prefetch="none")
    assert templates(service) == {}  # the only client: it need not say who it is
    service.clients.clients[OTHER] = a_client(issuer=OTHER)
    assert templates(service) == prefetch_templates()
    assert templates(service, iss=ISSUER) == {}
    assert templates(service, iss=OTHER) == prefetch_templates()


def test_ch_d2_a_house_that_knows_no_client_offers_no_service(service: Running):
    service.clients.clients.clear()
    assert service.http.get("/cds-services").get_json() == {"services": []}


@pytest.mark.parametrize("agreed", [True, False])
def test_ch_a5_how_actions_belong_together_is_said_to_clients_that_understand_it(service: Running, agreed: bool):
    with_profile(service, action_selection=agreed)
    (card,) = service.call().get_json()["cards"]
    (suggestion,) = card["suggestions"]
    assert suggestion.get("actionSelectionBehavior") == ("all" if agreed else None)


@pytest.mark.parametrize("seconds", [4.0, 1.5])
def test_ch_g3_one_deadline_counts_from_the_first_moment_of_a_call_and_covers_all_reading(
    service: Running, seconds: float
):
    with_profile(service, read_seconds=seconds)
    url = f"{FHIR_SERVER}?page=2"
    conditions = a_bundle(builders.a_condition(), link=[{"relation": "next", "url": url}])
    assert service.call(with_token(conditions=conditions, labs=...)).status_code == 200
    assert service.charts.deadlines == [service.monotonic + seconds] * 2


class TestSiteCodes:
    """A site that has codes of its own is asked for them however its chart comes."""

    @pytest.fixture(autouse=True)
    def _local(self, service: Running) -> None:
        with_profile(service, site_codes={"labs": LOCAL})

    def test_its_templates_ask_for_them(self, service: Running):
        said = templates(service, iss=ISSUER)["labs"]
        assert "http://lab.example|PLT,urn:oid:1.2.3|THR%20x&_sort=-date" in said
        assert said.startswith(prefetch_templates()["labs"].partition("&_sort")[0])

    def test_what_is_read_over_rest_asks_for_them_too(self, service: Running):
        service.call(with_token(labs=...))
        (path,) = service.charts.paths
        assert "http://loinc.org|777-3" in path
        assert "http://lab.example|PLT" in path

    def test_a_client_that_did_not_ask_for_them_is_asked_for_just_them(self, service: Running):
        service.charts.answers = {"labs": json.dumps(a_bundle()).encode()}
        assert service.call(with_token()).status_code == 200
        assert service.charts.paths == [
            "Observation?patient={{context.patientId}}&code=http://lab.example|PLT,urn:oid:1.2.3|THR%20x"
            "&_sort=-date&_count=500"
        ]
        assert not service.intake.charts[0].unread

    def test_both_answers_are_part_of_the_chart(self, service: Running):
        by_loinc = {"resourceType": "Observation", "id": "a", "subject": {"reference": "Patient/p1"}, "status": "final"}
        service.charts.answers = {"labs": json.dumps(a_bundle(by_loinc | {"id": "b"})).encode()}
        service.call(with_token(labs=a_bundle(by_loinc)))
        (chart,) = service.intake.charts
        assert {"a", "b"} <= {found.id for kind in chart.resources.values() for found in kind}

    def test_without_a_token_their_absence_is_a_doubt_that_is_shown(self, service: Running):
        assert service.call().status_code == 200
        assert "labs" in service.intake.charts[0].unread

    @pytest.mark.parametrize(("asked", "believed"), [(LOCAL, True), (LOCAL[:1], False)])
    def test_a_search_that_shows_that_it_asked_for_them_is_believed(
        self, service: Running, asked: Sequence[str], believed: bool
    ):
        link = {"relation": "self", "url": f"{FHIR_SERVER}/Observation?code={quote(','.join(asked))}"}
        service.call(a_request(prefetch=a_prefetch(labs=a_bundle(link=[link]))))
        assert ("labs" not in service.intake.charts[0].unread) is believed


def test_other_keys_are_not_asked_twice(service: Running):
    with_profile(service, site_codes={"labs": LOCAL})
    service.call(with_token(**{query.key: ... for query in QUERIES if query.key not in ("patient", "conditions")}))
    assert len(service.charts.paths) == len(QUERIES) - 2
    assert sum("lab.example" in path for path in service.charts.paths) == 1


GERMAN = {
    "Exercise referral goes out on {day} unless you say no: {name}": "Überweisung am {day}: {name}",
    "Why": "Warum",
    "Another plan is preferred": "Anderer Plan",
    "Exercise referral by default": "Sport als Regel",
}


def test_a_card_is_in_the_language_of_the_hospital_and_in_english_where_a_text_is_missing(service: Running):
    with_profile(service, gettext=lambda text: GERMAN.get(text, text))
    (card,) = service.call().get_json()["cards"]
    assert card["summary"] == "Überweisung am 2026-11-28: Community-based supervised programme"
    assert "**Warum**" in card["detail"]
    assert "**First week**" in card["detail"]
    said = {reason["code"]: reason["display"] for reason in card["overrideReasons"]}
    assert said["CL-CHOICE"] == "Anderer Plan"
    assert said["CL-OTHER"] == "Another reason"


def test_discovery_speaks_the_language_of_the_only_client_and_of_the_one_that_asks(service: Running):
    with_profile(service, gettext=lambda text: GERMAN.get(text, text))
    assert service.http.get("/cds-services").get_json()["services"][0]["title"] == "Sport als Regel"
    service.clients.clients[OTHER] = a_client(issuer=OTHER)
    assert service.http.get("/cds-services").get_json()["services"][0]["title"] == "Exercise referral by default"
    named = service.http.get("/cds-services", headers=bearer(aud=DISCOVERY)).get_json()
    assert named["services"][0]["title"] == "Sport als Regel"
