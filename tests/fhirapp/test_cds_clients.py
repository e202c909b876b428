"""What is agreed with a client reaches the service from the tenants file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import requests

from fhirapp.cds_clients import CdsClients
from fhirapp.db.base import engine_for, sessions_for
from fhirapp.demo.settings import TENANT, tenants_toml
from fhirapp.tenants import read_tenants

ISSUER = "https://ehr.example"


@pytest.mark.parametrize("setting", ["dry_run", "system_actions"])
@pytest.mark.parametrize("agreed", [True, False])
def test_ch_y2_what_needs_an_agreement_is_off_until_the_file_says_so(
    setting: str, agreed: bool, tmp_path: Path
) -> None:
    toml = tenants_toml(ISSUER, date(2030, 1, 1))
    said = f'issuer = "{ISSUER}"'
    (tmp_path / "t.toml").write_text(toml.replace(said, f"{said}\n{setting} = true") if agreed else toml)
    tenants = read_tenants(tmp_path / "t.toml")
    sessions = sessions_for(engine_for("sqlite://"))
    client = CdsClients(tenants, sessions, requests.Session(), insecure_http=False).by_issuer(ISSUER)
    assert client is not None
    assert client.tenant_id == TENANT
    wanted = {"dry_run": False, "system_actions": False} | ({setting: True} if agreed else {})
    assert {name: getattr(client, name) for name in wanted} == wanted
