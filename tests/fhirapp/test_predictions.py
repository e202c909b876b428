"""Every estimate beside a referral is logged, with its input hashed unless the site says otherwise."""

from __future__ import annotations

import dataclasses

import pytest
import sqlalchemy as sa

from fhirapp.cli import main
from fhirapp.predictions import PredictionRow, Predictions, features_hash, newest
from fhirapp.referrals.intake import SAME_LOOK
from models.catalogue import SPECS
from tests.world import TENANT, World


def rows(world: World) -> list[PredictionRow]:
    with world.stride.sessions() as session:
        return list(session.scalars(sa.select(PredictionRow).order_by(PredictionRow.id)))


def test_opening_a_chart_logs_both_estimates_as_the_referral_shows_them(world: World) -> None:
    referral = world.opened("ada-refer")
    found = {row.model: row for row in rows(world)}
    assert set(found) == {"risk", "adherence"}
    for name, row in found.items():
        shown = referral.summary["estimates"][name]
        assert (row.score, row.version, row.band) == (shown["probability"], shown["version"], shown["band"])
        assert (row.tenant_id, row.referral_id) == (TENANT, referral.id)


def test_only_a_hash_of_the_input_is_kept_and_it_changes_with_the_input(world: World) -> None:
    world.opened("ada-refer")
    world.pass_time(SAME_LOOK)
    world.opened("ada-refer")
    world.opened("dan-platelets")
    risk = [row for row in rows(world) if row.model == "risk"]
    assert [row.features for row in risk] == [None, None, None]
    assert risk[0].features_hash == risk[1].features_hash != risk[2].features_hash


def test_a_hash_cannot_be_made_without_the_secret() -> None:
    told = {"age_years": 61.0, "smoking": None}
    assert features_hash(b"a" * 32, told) != features_hash(b"b" * 32, told)
    assert features_hash(b"a" * 32, told) == features_hash(b"a" * 32, dict(reversed(told.items())))


def test_the_input_is_stored_where_the_site_says_so(world: World) -> None:
    referral = world.opened("ada-refer")
    storing = dataclasses.replace(world.stride.intake, predictions=Predictions(b"x" * 32, store_features=True))
    dataclasses.replace(world.stride.windows, intake=storing).reassess(TENANT, referral.id, occasion="test")
    kept = next(row for row in reversed(rows(world)) if row.model == "risk")
    assert kept.features is not None
    assert list(kept.features) == list(SPECS["risk"].features)
    assert kept.features["sex_female"] == 1
    assert kept.referral_id == referral.id


def test_a_chart_that_is_opened_often_counts_once_and_the_newest_come_first(world: World) -> None:
    for patient in ("ada-refer", "dan-platelets", "ada-refer"):
        world.opened(patient)
        world.pass_time(SAME_LOOK)
    with world.stride.sessions() as session:
        found = newest(session, TENANT, "risk", 10)
        assert [row.referral_id for row in found] == [
            world.referral("ada-refer").id,
            world.referral("dan-platelets").id,
        ]
        assert len(newest(session, TENANT, "risk", 1)) == 1
        assert newest(session, "another", "risk", 10) == []


def test_who_is_not_eligible_leaves_no_row(world: World) -> None:
    world.cards("fred-ineligible")
    assert rows(world) == []


def test_the_command_reports_on_the_log_of_a_hospital(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    world.opened("ada-refer")
    config = world.stride.config
    for name, value in {
        "STRIDE_TENANTS": config.tenants_file,
        "STRIDE_PUBLIC_URL": config.public_url,
        "STRIDE_SECRET_FILE": config.tenants_file.parent / "secret",
        "STRIDE_KEYS": config.keys_dir,
        "STRIDE_DATABASE_URL": config.database_url,
        "STRIDE_INSECURE_HTTP": "1",
    }.items():
        monkeypatch.setenv(name, str(value))
    assert main(["models", "drift", "risk"]) == 0
    shown = capsys.readouterr().out
    assert "the last 1 referrals with an estimate" in shown
    assert "score" in shown
    assert "STRIDE_PREDICTION_FEATURES=stored" in shown
    assert main(["models", "drift", "risk", "--tenant", "nowhere"]) == 2
    assert f"--tenant must be one of {TENANT}" in capsys.readouterr().err
