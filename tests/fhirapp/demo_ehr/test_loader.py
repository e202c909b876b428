from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from fhirapp.demo_ehr.errors import ChartUnreadable
from fhirapp.demo_ehr.loader import load, patient_of, read_folder, resources_of
from fhirapp.demo_ehr.store import Store
from tests.fhirapp.demo_ehr.conftest import PRACTITIONER, a_bundle, a_patient, an_observation

SHARED = Path(__file__).parents[4] / "shared" / "fhir"


def a_synthea_like_chart() -> dict[str, Any]:
    def entry(uuid: str, resource: dict[str, Any]) -> dict[str, Any]:
        request = {"method": "POST", "url": resource["resourceType"]}
        return {"fullUrl": f"urn:uuid:{uuid}", "resource": resource, "request": request}

    encounter = {"resourceType": "Encounter", "id": "e1", "status": "finished"}
    result = an_observation("x", "o1", encounter={"reference": "urn:uuid:e1"}) | {
        "subject": {"reference": "urn:uuid:p1"}
    }
    entries = [entry("p1", a_patient("p1")), entry("o1", result), entry("e1", encounter)]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def test_temporary_references_become_real_ones_and_ids_are_kept():
    store = Store()
    load(store, [a_synthea_like_chart()])
    result = store.read("Observation", "o1")
    assert result["subject"] == {"reference": "Patient/p1"}
    assert result["encounter"] == {"reference": "Encounter/e1"}


def test_a_resource_without_an_id_takes_the_one_of_its_full_url():
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"fullUrl": "urn:uuid:abc", "resource": {"resourceType": "Patient"}}],
    }
    assert resources_of(bundle)[0]["id"] == "abc"


def test_a_practitioner_that_repeats_over_bundles_is_stored_once():
    store = Store()
    load(store, [a_bundle(PRACTITIONER, a_patient("a")), a_bundle(dict(PRACTITIONER), a_patient("b"))])
    assert len(store.every("Practitioner")) == 1
    assert store.read("Practitioner", "demo-clinician")["meta"]["versionId"] == "1"


@pytest.mark.parametrize(
    "bundle",
    [
        pytest.param({"resourceType": "Patient"}, id="no Bundle"),
        pytest.param({"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:1"}]}, id="no resource"),
        pytest.param({"resourceType": "Bundle", "entry": [{"resource": {"id": "1"}}]}, id="no type"),
        pytest.param({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Goal"}}]}, id="no id"),
    ],
)
def test_a_chart_that_cannot_be_read_is_named(bundle: dict[str, Any]):
    with pytest.raises(ChartUnreadable):
        resources_of(bundle)


@pytest.mark.parametrize("patients", [0, 2])
def test_a_chart_holds_one_patient(patients: int):
    with pytest.raises(ChartUnreadable):
        patient_of(a_bundle(*(a_patient(str(number)) for number in range(patients))))


def test_a_folder_is_read_by_name_packed_or_not(tmp_path: Path):
    (tmp_path / "b.json").write_text(json.dumps(a_bundle(a_patient("b"))))
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(json.dumps(a_bundle(a_patient("a"))).encode()))
    (tmp_path / "notes.txt").write_text("not a chart")
    assert [patient_of(chart)["id"] for chart in read_folder(tmp_path)] == ["a", "b"]
    (tmp_path / "c.json").write_text("{")
    with pytest.raises(ChartUnreadable, match=r"c\.json"):
        read_folder(tmp_path)


@pytest.mark.shared
def test_published_synthetic_charts_load_with_every_reference_resolved():
    if not SHARED.exists():
        pytest.skip("needs ../shared beside the checkout")
    store = Store()
    charts = [*read_folder(SHARED / "synthea"), *read_folder(SHARED / "mcode")]
    load(store, charts)
    assert len(store.every("Patient")) == 24
    unresolved = {
        one["resourceType"]
        for kind in store.kinds()
        for one in store.every(kind)
        if '"reference": "urn:uuid:' in json.dumps(one)
    }
    assert unresolved <= {"Claim", "ExplanationOfBenefit"}  # contained parts point at what is not in the file
