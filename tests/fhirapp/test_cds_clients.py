"""What is agreed with a client reaches the service from the tenants file."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import requests
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from cds_hooks.ports import Client
from fhirapp import i18n
from fhirapp.cds_clients import CdsClients
from fhirapp.db.base import engine_for, sessions_for
from fhirapp.demo.settings import TENANT, tenants_toml
from fhirapp.tenants import read_tenants
from tests.cds_hooks import builders
from tests.cds_hooks.conftest import Running, service

__all__ = ["service"]  # the fixture

ISSUER = "https://ehr.example"
GOOD = tenants_toml(ISSUER, date(2030, 1, 1))
FIRST_LINE = f'issuer = "{ISSUER}"'


def clients_of(folder: Path, toml: str) -> CdsClients:
    (folder / "t.toml").write_text(toml)
    sessions = sessions_for(engine_for("sqlite://"))
    return CdsClients(read_tenants(folder / "t.toml"), sessions, requests.Session(), insecure_http=False)


def client_of(folder: Path, toml: str = GOOD, issuer: str = ISSUER) -> Client:
    found = clients_of(folder, toml).by_issuer(issuer)
    assert found is not None
    return found


def agreed(line: str) -> str:
    """The demo hospital's file with one more line about its client, in place of the one that it has."""
    name = line.partition(" = ")[0]
    kept = [one for one in GOOD.splitlines() if not one.startswith(f"{name} = ")]
    return "\n".join([*kept, ""]).replace(FIRST_LINE, f"{FIRST_LINE}\n{line}")


CAUTIOUS: dict[str, Any] = {
    "algorithms": ("ES384", "RS384"),
    "jku": None,
    "tenants": frozenset(),
    "fhir_servers": frozenset((f"{ISSUER}/fhir",)),
    "cors_origins": frozenset(),
    "subject": None,
    "dry_run": False,
    "system_actions": False,
    "action_selection": False,
    "scopes": "both",
    "prefetch": "2.0",
    "read_seconds": 4.0,
    "insecure_http": False,
    "gettext": None,
    "site_codes": {},
}
AGREED: dict[str, tuple[str, Any]] = {
    "algorithms": ('algorithms = ["ES256"]', ("ES256",)),
    "jku": ('jku = "https://keys.example/jwks"', "https://keys.example/jwks"),
    "tenants": ('tenants = ["north"]', frozenset(("north",))),
    "fhir_servers": ('fhir_servers = ["https://other.example/r4"]', frozenset(("https://other.example/r4",))),
    "cors_origins": ('cors_origins = ["https://ehr.example"]', frozenset(("https://ehr.example",))),
    "subject": ('subject = "stride"', "stride"),
    "dry_run": ("dry_run = true", True),
    "system_actions": ("system_actions = true", True),
    "action_selection": ("action_selection = true", True),
    "scopes": ('scopes = "v2"', "v2"),
    "prefetch": ('prefetch = "3.0"', "3.0"),
    "read_seconds": ("read_seconds = 2.5", 2.5),
}


def test_what_nothing_was_agreed_on_has_the_cautious_setting(tmp_path: Path) -> None:
    bare = "\n".join(one for one in GOOD.splitlines() if not one.startswith(("fhir_servers", "cors_origins")))
    client = client_of(tmp_path, bare)
    assert {name: getattr(client, name) for name in CAUTIOUS} == CAUTIOUS
    assert (client.issuer, client.tenant_id) == (ISSUER, TENANT)


@pytest.mark.parametrize("name", AGREED)
def test_ch_y2_ch_a5_what_the_file_says_is_what_the_client_has(name: str, tmp_path: Path) -> None:
    line, value = AGREED[name]
    client = client_of(tmp_path, agreed(line))
    assert getattr(client, name) == value
    others = CAUTIOUS.keys() - {name, "cors_origins"}
    assert {other: getattr(client, other) for other in others} == {other: CAUTIOUS[other] for other in others}


def test_each_setting_of_the_file_is_tried_here() -> None:
    from fhirapp.tenants import CdsClient

    elsewhere = {"issuer", "jwks_url", "jwks_file"}
    assert AGREED.keys() == set(CdsClient.__dataclass_fields__) - elsewhere


def test_an_issuer_is_one_client_and_its_keys_come_from_where_the_file_says(tmp_path: Path) -> None:
    keys = builders.a_jwks(builders.a_key("ES384"))
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    said = f'jwks_file = "{tmp_path / "keys.json"}"'
    toml = GOOD.replace(f'jwks_url = "{ISSUER}/cds/jwks.json"', said)
    clients = clients_of(tmp_path, toml.replace(FIRST_LINE, 'issuer = "https://hooks.example"'))
    assert clients.by_issuer(ISSUER) is None
    client = clients.by_issuer("https://hooks.example")
    assert client is not None
    assert client.keys(True) == keys
    assert clients.every() == (client,)


def test_the_codes_of_a_site_are_asked_for_within_a_call_too(tmp_path: Path) -> None:
    element = {"code": "PLT", "target": [{"code": "777-3", "equivalence": "equal"}]}
    group = {"source": "http://lab.example", "target": "http://loinc.org", "element": [element]}
    (tmp_path / "codes.json").write_text(json.dumps({"resourceType": "ConceptMap", "group": [group]}))
    toml = GOOD.replace(f"[tenants.{TENANT}]\n", f'[tenants.{TENANT}]\nconcept_map = "codes.json"\n')
    assert client_of(tmp_path, toml).site_codes == {"labs": ("http://lab.example|PLT",)}


def test_cards_are_in_the_hospitals_language_where_there_is_a_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: Running
) -> None:
    catalogue = Catalog(locale="de")
    catalogue.add("Why", "Warum")
    catalogue.add("Another plan is preferred", "Anderer Plan")
    catalogue.add("Refer: {name}", "Überweisen: {name}")
    place = tmp_path / "de" / "LC_MESSAGES"
    place.mkdir(parents=True)
    with (place / "stride.mo").open("wb") as file:
        write_mo(file, catalogue)
    monkeypatch.setattr(i18n, "TRANSLATIONS", tmp_path)
    i18n.gettext_for.cache_clear()
    translated = client_of(tmp_path, GOOD.replace('name = "City Hospital"', 'name = "City"\nlanguage = "de-AT"', 1))
    i18n.gettext_for.cache_clear()
    service.clients.clients[builders.ISSUER] = replace(builders.a_client(), gettext=translated.gettext)
    (card,) = service.call().get_json()["cards"]
    assert "**Warum**" in card["detail"]
    assert "**First week**" in card["detail"]  # not in the catalogue: English, never empty
    assert card["suggestions"][0]["label"].startswith("Überweisen: ")
    assert "Anderer Plan" in {reason["display"] for reason in card["overrideReasons"]}
