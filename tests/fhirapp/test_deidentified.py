"""The de-identified export: no canary comes out, nobody stands out, and the numbers are still of use."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirapp.audit import AuditRow
from fhirapp.cli import main
from fhirapp.config import Config
from fhirapp.deidentified import FEWEST, POINTS_AT, RARE, WORDS, Names, age_band, hidden
from tests.world import NAVIGATOR, World, hospital

PATIENTS = ("ada-refer", "bea-override", "eva-falls", "hana-parallel", "jo-accepts", "mia-survivor", "ned-prehab")

MEN = 2


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as told:
        return list(csv.DictReader(told))


def a_row(person: str, **values: str) -> dict[str, str]:
    row = dict.fromkeys(WORDS, "x") | {"referral": person, "person": person, "rules": "A B"}
    return row | {"year": "2026", "age_band": "60-69", "sex": "female"} | values


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A hospital with a whole history of seven patients, and the commands pointed at it."""
    with hospital(tmp_path_factory.mktemp("hospital")) as world, pytest.MonkeyPatch.context() as patch:
        config = world.stride.config
        patch.setattr(Config, "from_env", lambda environment: config if environment is os.environ else None)
        for patient in PATIENTS:
            world.opened(patient)
        referral = world.queued("ada-refer")
        now = world.stride.clock()
        world.stride.actions.claim(referral.id, actor=NAVIGATOR, now=now)
        world.stride.actions.log_attempt(
            referral.id, actor=NAVIGATOR, now=now, channel="phone", outcome="no-answer", next_at=None,
            note="canary note",
        )  # fmt: skip
        yield world


@pytest.fixture(scope="module")
def exported(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an export."""
    out = tmp_path_factory.mktemp("exports") / "export"
    assert main(["export", "--deidentified", "--out", str(out)]) == 0
    return out


def test_no_canary_comes_out(exported: Path, world: World) -> None:
    """Every string by which a patient, a colleague, a hospital or a day could be known, from the charts themselves."""
    told = "\n".join(path.read_text(encoding="utf-8") for path in exported.iterdir())
    secrets = {
        world.tenant.id,
        world.tenant.name,
        "canary note",
        "nav-ray",
        "dr-lind",
        "Lind",
        "Tamsin",
        world.tenant.ehr.fhir_base,
    }
    for patient in PATIENTS:
        chart = world.ehr.api.store.read("Patient", patient)
        referral = world.referral(patient)
        name = chart["name"][0]
        secrets |= {patient, str(referral.id), referral.id.hex, chart["birthDate"], name["family"], *name["given"]}
        secrets |= {one["value"] for one in (*chart.get("telecom", ()), *chart.get("identifier", ()))}
        secrets |= {
            line for one in chart.get("address", ()) for line in (*one.get("line", ()), one.get("postalCode", ""))
        }
        day = referral.opened_at.astimezone(world.tenant.zone).date()
        secrets |= {day.isoformat(), f"{day:%Y%m%d}", f"{day:%d.%m.%Y}", str(int(referral.opened_at.timestamp()))}
    # As words: "Ada" may stand inside a hash.
    found = [
        one for one in secrets if len(one) > 2 and re.search(rf"(?<!\w){re.escape(one)}(?!\w)", told, re.IGNORECASE)
    ]
    assert not found
    assert not re.search(r"\d{4}-\d\d-\d\d|\d\d:\d\d", told)
    assert not re.search(r"(Patient|Practitioner|ServiceRequest|Task|Observation)/", told)


def test_the_tables_still_tell_what_happened(exported: Path, world: World) -> None:
    referrals, events = rows_of(exported / "referrals.csv"), rows_of(exported / "events.csv")
    assert len(referrals) == len(PATIENTS) - MEN  # two men among seven people stand out, whatever is blanked
    assert all(row["year"] in ("", str(world.referral("ada-refer").opened_at.year)) for row in referrals)
    assert {row["referral"] for row in events} == {row["referral"] for row in referrals}
    assert any(row["action"] == "assessed" and row["day"] == "0" for row in events)
    assert any(int(row["day"]) >= 3 for row in events)
    assert [row["outcome"] for row in rows_of(exported / "attempts.csv")] in ([], [RARE])  # one person's
    states = {row["state_after"] for row in events}
    assert states - {RARE}
    assert {row["state"] for row in referrals} <= states | {RARE}  # no table tells what another hides
    assert referrals == sorted(referrals, key=lambda row: row["referral"])


def test_names_join_exports_of_one_study_only(exported: Path, tmp_path: Path) -> None:
    def names(out: str, *words: str) -> set[str]:
        assert main(["export", "--deidentified", "--out", str(tmp_path / out), *words]) == 0
        return {row["person"] for row in rows_of(tmp_path / out / "referrals.csv")}

    plain = {row["person"] for row in rows_of(exported / "referrals.csv")}
    first, again, other = names("a", "--study", "s"), names("b", "--study", "s"), names("c", "--study", "t")
    assert first == again
    assert not first & other
    assert not plain & names("d")


def test_it_is_audited_and_refuses_what_would_point_at_somebody(
    exported: Path, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with world.stride.sessions() as session:
        last = session.query(AuditRow).order_by(AuditRow.id.desc()).first()
    assert last is not None
    assert (last.action, last.details["rows"]) == ("export.deidentified", len(PATIENTS) - MEN)
    assert main(["export", "--deidentified", "--out", str(exported)]) == 2
    assert main(["export", "--deidentified", "--out", str(tmp_path / "x"), "--fewest", "2"]) == 2
    assert not (tmp_path / "x").exists()
    with pytest.raises(SystemExit):
        main(["export", "--out", str(tmp_path / "x")])


def test_whoever_stands_out_is_blanked_or_left_out() -> None:
    many = [a_row(f"p{n}") for n in range(10)]
    odd = a_row("odd", age_band="90+", sex="male", phase="y", rules="A B C")
    kept, blanked, left_out = hidden([*many, odd], FEWEST)
    assert left_out == 1
    assert {row["person"] for row in kept} == {row["person"] for row in many}
    six = [
        a_row(f"q{n}", age_band=f"{n}0-{n}9", phase="y" if n == 2 else "x", rules="A C" if n == 2 else "A")
        for n in range(2, 8)
    ]
    kept, blanked, left_out = hidden(six, FEWEST)
    assert left_out == 0
    assert {row["age_band"] for row in kept} == {""}
    assert {row["sex"] for row in kept} == {"female"}
    assert Counter(row["phase"] for row in kept) == {"x": 5, RARE: 1}
    assert {row["rules"] for row in kept} == {"A"}
    assert blanked == {"age_band": 6, "phase": 1, "rules": 1}


def test_one_person_with_many_referrals_is_alone() -> None:
    rows = [a_row("one", referral=str(n)) for n in range(FEWEST * 3)]
    assert hidden(rows, FEWEST)[2] == len(rows)


_VALUES = st.sampled_from(("a", "b", "c"))


@given(
    st.lists(
        st.tuples(st.integers(0, 30), _VALUES, _VALUES, _VALUES, _VALUES, st.sets(st.sampled_from("ABCDE"))),
        max_size=60,
    )
)
def test_no_group_and_no_word_of_an_export_is_shared_by_fewer_than_asked_for(told) -> None:
    rows = [
        a_row(f"p{person}", referral=str(place), year=y, sex=s, age_band=a, phase=p, rules=" ".join(sorted(rules)))
        for place, (person, y, s, a, p, rules) in enumerate(told)
    ]
    kept, _, left_out = hidden(rows, FEWEST)
    assert len(kept) + left_out == len(rows)
    groups: dict[tuple[str, ...], set[str]] = {}
    words: dict[tuple[str, str], set[str]] = {}
    for row in kept:
        groups.setdefault(tuple(row[column] for column in POINTS_AT), set()).add(row["person"])
        for rule in row["rules"].split():
            words.setdefault(("rules", rule), set()).add(row["person"])
        if row["phase"] != RARE:
            words.setdefault(("phase", row["phase"]), set()).add(row["person"])
    assert all(len(people) >= FEWEST for people in (*groups.values(), *words.values()))


@pytest.mark.parametrize(
    ("born", "band"),
    [
        ("1936-11-25", "90+"),
        ("1936-11-26", "80-89"),
        ("1921-01-01", "90+"),
        ("1990-01-01", "30-39"),
        ("1968", ""),
        (None, ""),
        ("", ""),
    ],
)
def test_ages_are_bands_and_ninety_is_one(born: str | None, band: str) -> None:
    assert age_band(born, date(2026, 11, 25)) == band


def test_the_way_back_needs_the_key() -> None:
    one, other = Names(b"a" * 32, "city"), Names(b"b" * 32, "city")
    assert one.of("person", "p") == one.of("person", "p") != other.of("person", "p")
    assert one.of("person", "p") != one.of("referral", "p") != Names(b"a" * 32, "town").of("person", "p")
