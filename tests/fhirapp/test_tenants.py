"""The tenants file: read whole, or refused with a sentence for each thing that is wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fhirapp.demo.settings import TENANT, tenants_toml
from fhirapp.tenants import StandingOrder, TenantsInvalid, read_tenants

GOOD = tenants_toml("http://127.0.0.1:9", date(2027, 1, 31))


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "tenants.toml"
    path.write_text(text)
    with pytest.raises(TenantsInvalid) as caught:
        read_tenants(path)
    return caught.value.problems


def test_the_demo_hospital_is_a_valid_tenant(tmp_path: Path) -> None:
    path = tmp_path / "tenants.toml"
    path.write_text(GOOD)
    tenant = read_tenants(path)[TENANT]
    assert tenant.standing_order is not None
    assert tenant.standing_order.authoriser == "Practitioner/dr-okafor"
    assert read_tenants(path).by_fhir_base("http://127.0.0.1:9/fhir/") is not None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('time_zone = "Europe/London"', 'time_zone = "Europe/Londn"', "tenants.city.time_zone"),
        ('client_id = "stride-app"', "", "tenants.city.ehr.client_id: Missing data"),
        ('jwks_url = "http://127.0.0.1:9/cds/jwks.json"', "", "jwks_url or jwks_file"),
        ('authoriser = "Practitioner/dr-okafor"', 'authoriser = "Dr Okafor"', 'must look like "Practitioner/123"'),
        ("clinician_hours = 72", "clinician_hours = 720", "tenants.city.windows.clinician_hours"),
        ("expires = 2027-01-31", 'expires = "soon"', "tenants.city.standing_order.expires"),
        ("clinician_hours", "clinican_hours", "Unknown field"),
        ("supervision = 4", "supervision = 9", "programmes.2.supervision"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert any(said in problem for problem in problems(tmp_path, GOOD.replace(old, new)))


def test_a_standing_order_is_needed_where_the_policy_rests_on_one(tmp_path: Path) -> None:
    start, end = GOOD.index("[tenants.city.standing_order]"), GOOD.index("[tenants.city.exercise_service]")
    assert any("name who authorises" in problem for problem in problems(tmp_path, GOOD[:start] + GOOD[end:]))


def test_two_tenants_cannot_share_an_ehr(tmp_path: Path) -> None:
    said = problems(tmp_path, GOOD + GOOD.replace("tenants.city", "tenants.town"))
    assert any("same FHIR base" in problem for problem in said)
    assert any("same CDS issuer" in problem for problem in said)


def test_broken_toml_and_a_missing_file_are_said_plainly(tmp_path: Path) -> None:
    assert "not valid TOML" in problems(tmp_path, "[tenants")[0]
    with pytest.raises(TenantsInvalid, match="does not exist"):
        read_tenants(tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("moment", "covered"),
    [
        (datetime(2027, 1, 31, 23, 59, tzinfo=ZoneInfo("Australia/Adelaide")), True),
        (datetime(2027, 2, 1, 0, 0, tzinfo=ZoneInfo("Australia/Adelaide")), False),
        (datetime(2027, 1, 31, 13, 29, tzinfo=UTC), True),
        (datetime(2027, 1, 31, 13, 30, tzinfo=UTC), False),
    ],
)
def test_a_standing_order_holds_to_the_end_of_its_last_day_where_the_hospital_is(
    moment: datetime, covered: bool
) -> None:
    order = StandingOrder("Practitioner/1", "Dr", frozenset({"D3"}), date(2027, 1, 31))
    zone = ZoneInfo("Australia/Adelaide")
    assert order.covers("D3", moment, zone) is covered
    assert not order.covers("D2", moment, zone)


CONCEPTS = """{"resourceType": "ConceptMap", "group": [{"source": "http://lab.example", "target": "http://loinc.org",
"element": [{"code": "PLT", "target": [{"code": "777-3", "equivalence": "equal"}]}]}]}"""


def test_the_codes_of_a_site_are_read_from_a_file_beside(tmp_path: Path) -> None:
    (tmp_path / "codes.json").write_text(CONCEPTS)
    path = tmp_path / "tenants.toml"
    path.write_text(GOOD.replace("[tenants.city]\n", '[tenants.city]\nconcept_map = "codes.json"\n'))
    found = read_tenants(path)[TENANT].concept_map
    assert found is not None
    assert found.asked("labs") == ("http://lab.example|PLT",)
    path.write_text(GOOD)
    assert read_tenants(path)[TENANT].concept_map is None


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read: No such file"), ("{}", "is no FHIR ConceptMap")])
def test_a_map_of_codes_that_cannot_be_used_is_named(tmp_path: Path, content: str | None, said: str) -> None:
    if content is not None:
        (tmp_path / "codes.json").write_text(content)
    found = problems(tmp_path, GOOD.replace("[tenants.city]\n", '[tenants.city]\nconcept_map = "codes.json"\n'))
    assert len(found) == 1
    assert said in found[0]
    assert "tenants.city.concept_map: codes.json" in found[0]
