"""`stride keys`: a pair for the installation, and pairs of one hospital each."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from fhirapp.bootstrap import key_rings
from fhirapp.cli import main
from fhirapp.demo.settings import tenants_toml
from fhirapp.tenants import Tenants, read_tenants
from smart_launch.errors import KeyFault

pytestmark = pytest.mark.only_sqlite("files alone: no database in it")


@pytest.fixture
def tenants(tmp_path: Path) -> Tenants:
    """Two hospitals, "city" and "north"."""
    until = date.today() + timedelta(days=30)
    city, north = (tenants_toml(f"https://{name}.example.org", until) for name in ("ehr", "north"))
    (tmp_path / "tenants.toml").write_text(city + north.replace("tenants.city", "tenants.north"))
    return read_tenants(tmp_path / "tenants.toml")


def test_one_pair_for_the_installation_is_enough(tmp_path: Path, tenants: Tenants) -> None:
    assert main(["keys", str(tmp_path)]) == 0
    rings = key_rings(tmp_path / "keys", tenants)
    assert rings.of("city").kids == rings.of("north").kids
    assert len(rings.jwks()["keys"]) == 2


def test_a_hospital_gets_a_pair_of_its_own_and_changes_it_alone(tmp_path: Path, tenants: Tenants) -> None:
    main(["keys", str(tmp_path)])
    assert main(["keys", str(tmp_path), "--tenant", "north"]) == 0
    (file,) = (tmp_path / "keys" / "north").glob("*.json")
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    before = key_rings(tmp_path / "keys", tenants)
    assert not set(before.of("north").kids) & set(before.of("city").kids)
    file.rename(file.with_name("20200101T000000.json"))
    main(["keys", str(tmp_path), "--tenant", "north"])
    after = key_rings(tmp_path / "keys", tenants)
    assert after.of("city").kids == before.of("city").kids
    assert after.of("north").kids[2:] == before.of("north").kids, "the old pair stays published behind the new one"
    assert len(after.of("north").kids) == 4


def test_a_pair_that_was_copied_to_another_hospital_is_refused(tmp_path: Path, tenants: Tenants) -> None:
    main(["keys", str(tmp_path)])
    main(["keys", str(tmp_path), "--tenant", "north"])
    (file,) = (tmp_path / "keys" / "north").glob("*.json")
    (tmp_path / "keys" / "city").mkdir()
    (tmp_path / "keys" / "city" / file.name).write_bytes(file.read_bytes())
    with pytest.raises(KeyFault):
        key_rings(tmp_path / "keys", tenants)


@pytest.mark.parametrize("name", ["../secret", "a/b", "", ".", "x y"])
def test_a_name_that_would_lead_elsewhere_makes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(SystemExit):
        main(["keys", str(tmp_path), "--tenant", name])
    assert list(tmp_path.iterdir()) == []
