"""The same person through a chart and through a table gives the same row and the same estimate."""

from __future__ import annotations

import json
import random
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mappings.bundle import chart_of_bundle
from mappings.from_fhir.snapshot import snapshot_from
from models.booster import SPECS, load_estimators
from models.features import FEATURES, features_named, row_of
from models.training.recipe import RECIPES
from models.training.table import read_table, snapshot_of
from tests.builders import ZONE
from tests.models.training.builders import a_row

AS_OF = datetime(2020, 1, 1, 9, 30, tzinfo=ZONE)
SHARED = Path(__file__).parents[2].parent / "shared" / "data"
STRIDE = "https://w3id.org/stride-referral/fhir/CodeSystem/stride-observations"
MARRIED = {"married": "M", "widowed": "W", "divorced": "D", "never_married": "S", "separated": "L",
           "living_with_partner": "T"}  # fmt: skip
SMOKES = {"never": "266919005", "former": "8517006", "current": "449868002"}
NAMED = {"dx_heart_failure": "I50.9", "dx_coronary_heart_disease": "I25.10", "dx_angina": "I20.9",
         "dx_myocardial_infarction": "I21.9", "dx_stroke": "I63.9", "dx_diabetes": "E11.9", "dx_copd": "J42",
         "dx_hypertension": "I10", "dx_hypercholesterolaemia": "E78.5", "dx_asthma": "J45.909",
         "dx_arthritis": "M19.90", "dx_liver_disease": "K76.0", "dx_thyroid_disease": "E03.9",
         "dx_cancer": "C50.919"}  # fmt: skip
MEASURED = {
    "weight_kg": ("29463-7", "kg"),
    "height_cm": ("8302-2", "cm"),
    "body_mass_index": ("39156-5", "kg/m2"),
    "waist_circumference_cm": ("8280-0", "cm"),
}
ANSWERED = {"mobility_limitation": "mobility-limitation", "uses_walking_equipment": "walking-aid",
            "hospital_overnight_past_year": "hospital-overnight"}  # fmt: skip
UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"


def chart_of(record: dict[str, str]) -> bytes:
    """The chart of one person of a table, as a hospital would hold it."""
    subject = {"reference": "Patient/p"}
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "birthDate": f"{2020 - int(record['age_years'])}-01-01",
        "gender": "female" if record["sex_female"] == "1" else "male",
    }
    if record["marital_status"]:
        patient["maritalStatus"] = {"coding": [{"code": MARRIED[record["marital_status"]]}]}
    resources: list[dict[str, Any]] = [patient]

    def observed(system: str, code: str, **value: object) -> None:
        resources.append(
            {
                "resourceType": "Observation",
                "id": f"o{len(resources)}",
                "status": "final",
                "subject": subject,
                "code": {"coding": [{"system": system, "code": code}]},
                "effectiveDateTime": "2019-12-31",
                **value,
            }
        )

    for column, (code, unit) in MEASURED.items():
        if record[column]:
            quantity = {
                "value": float(record[column]),
                "unit": unit,
                "system": "http://unitsofmeasure.org",
                "code": unit,
            }
            observed(LOINC, code, valueQuantity=quantity)
    for column, code in ANSWERED.items():
        if record[column]:
            observed(STRIDE, code, valueBoolean=record[column] == "1")
    if record["smoking_status"]:
        coding = {"system": "http://snomed.info/sct", "code": SMOKES[record["smoking_status"]]}
        observed(LOINC, "72166-2", valueCodeableConcept={"coding": [coding]})
    if health := record["self_rated_health_1_excellent_5_poor"]:
        observed(STRIDE, "self-rated-health", valueInteger=int(health))
    for column, code in NAMED.items():
        if record[column] == "1":
            condition: dict[str, Any] = {
                "resourceType": "Condition",
                "id": column.replace("_", "-"),
                "subject": subject,
                "clinicalStatus": {"coding": [{"code": "active"}]},
                "verificationStatus": {"coding": [{"code": "confirmed"}]},
                "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code}]},
            }
            if column == "dx_cancer" and (years := record["years_since_cancer_diagnosis"]):
                condition["onsetDateTime"] = f"{2020 - int(years)}-01-01"
            resources.append(condition)
    if record["on_insulin"] == "1":
        resources.append(
            {
                "resourceType": "MedicationRequest",
                "id": "insulin",
                "status": "active",
                "intent": "order",
                "subject": subject,
                "authoredOn": "2019-12-01",
                "medicationCodeableConcept": {
                    "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "274783"}]
                },
            }
        )
    entries = [{"resource": resource} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def rows_of(record: dict[str, str], features: tuple[str, ...]) -> tuple[list[float], list[float]]:
    columns = features_named(features)
    from_chart = snapshot_from(chart_of_bundle(chart_of(record)), as_of=AS_OF)
    return row_of(columns, from_chart)[0].tolist(), row_of(columns, snapshot_of(record))[0].tolist()


# What a chart has no plain home for stays out of this comparison; the social answers have tests of their own.
COMPARED = tuple(name for name in FEATURES if name not in ("education", "income_to_poverty_ratio"))


@pytest.mark.parametrize("seed", range(12))
def test_a_person_is_the_same_through_a_chart_and_through_a_table(seed):
    record = a_row(random.Random(seed), seed)
    if record["dx_cancer"] == "1":
        record["years_since_cancer_diagnosis"] = "3"
    through_chart, through_table = rows_of(record, COMPARED)
    for name, one, other in zip(COMPARED, through_chart, through_table, strict=True):
        assert one == pytest.approx(other, nan_ok=True), name


@pytest.mark.shared
@pytest.mark.parametrize("name", ["risk", "adherence"])
def test_people_of_the_training_table_get_the_same_estimate_through_a_chart(name):
    recipe = RECIPES[name]
    path = SHARED / recipe.table
    if not path.exists():
        pytest.skip("needs ../shared beside the checkout")
    model, estimators = load_estimators().models[name], load_estimators()
    table = read_table(path, SPECS[name].features)
    told = (*NAMED, "on_insulin", "smoking_status")
    whole = [i for i, record in enumerate(table.records) if all(record[column] for column in told)][:150]
    assert len(whole) == 150
    for i in whole:
        record = {**table.records[i], "education_level": "", "income_to_poverty_ratio": ""}
        found = estimators.estimate(name, snapshot_from(chart_of_bundle(chart_of(record)), as_of=AS_OF))
        expected = model.probability(row_of(model.features, snapshot_of(record)))
        assert found.probability == expected
        assert not np.isnan(expected)
