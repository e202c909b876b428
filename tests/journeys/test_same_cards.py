"""Every chart of the demo hospital gives the same card whether the EHR sends it or the service reads it (CH-F7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fhirapp.demo_ehr.hooks import _Service
from tests.world import World, built_in, hospital

PATIENTS = sorted(
    entry["resource"]["id"]
    for bundle in built_in()
    for entry in bundle["entry"]
    if entry["resource"]["resourceType"] == "Patient"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with hospital(tmp_path_factory.mktemp("same-cards")) as running:
        yield running


def told(world: World, patient_id: str, service: _Service) -> list[dict[str, Any]]:
    """What the cards say, without what is new each time: ids, handles, the minute at which the chart was read."""
    context = {"userId": "Practitioner/dr-lind", "patientId": patient_id}
    cards = []
    for card in world.ehr.hooks._ask(service, context):
        said = {name: card.body.get(name) for name in ("summary", "indicator", "overrideReasons")}
        said["detail"] = card.body["detail"].rpartition("\n")[0]
        said["suggested"] = [
            action["resource"]["resourceType"] for one in card.suggestions for action in one["actions"]
        ]
        cards.append(said)
    return cards


@pytest.mark.parametrize("patient_id", PATIENTS)
def test_ch_f7_the_card_is_the_same_either_way(world: World, patient_id: str) -> None:
    listed = next(one for one in world.ehr.hooks._services() if one.hook == "patient-view")
    assert len(listed.prefetch) > 10
    by_prefetch = told(world, patient_id, listed)
    assert told(world, patient_id, _Service(listed.service_id, listed.hook)) == by_prefetch
