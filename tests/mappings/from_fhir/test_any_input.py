"""Whatever a record system sends: typed errors only, and a broken resource never makes a chart look better."""

from __future__ import annotations

import copy
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mappings.bundle import Part, chart_of_bundle, read_chart
from mappings.errors import MappingError
from mappings.from_fhir.person import person_from
from mappings.from_fhir.snapshot import snapshot_from
from models.snapshot import PatientSnapshot
from tests.mappings.charts import (
    AS_OF,
    LOINC,
    PATIENT,
    answers,
    bundle,
    concept,
    condition,
    observation,
    order,
    patient,
    procedure,
    quantity,
)

WHOLE = (
    patient(name=[{"given": ["A"], "family": "B"}], telecom=[{"system": "phone", "value": "1"}]),
    condition("C50.9"),
    condition("C79.51", id_="c2"),
    order("56946"),
    procedure("90470006"),
    answers(fever=True),
    observation(
        "777-3", quantity(8, "10*9/L"), issued="2026-11-25T10:00:00+11:00", category=[concept("x", "laboratory")]
    ),
    observation(
        "85354-9",
        id_="bp",
        component=[{"code": concept(LOINC, "8480-6"), "valueQuantity": quantity(210, "mm[Hg]")}],
    ),
)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def read(*resources: object) -> PatientSnapshot:
    chart = read_chart([Part("chart", bundle(*resources))], patient_id=PATIENT)
    person_from(chart)
    return snapshot_from(chart, as_of=AS_OF)


def known(snapshot: PatientSnapshot) -> set[tuple[str, str]]:
    values = {(one.alias, one.source) for series in snapshot.values.values() for one in series}
    return values | {(one.value_set, one.source) for facts in snapshot.facts.values() for one in facts}


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for name, one in inner for found in places(one, (*path, name)))]


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_one_element_of_any_kind_changes_nothing_but_its_resource(data):
    which = data.draw(st.integers(1, len(WHOLE) - 1))
    broken = copy.deepcopy(WHOLE[which])
    path = data.draw(st.sampled_from([one for one in places(broken) if one]))
    target = broken
    for name in path[:-1]:
        target = target[name]
    target[path[-1]] = data.draw(json_values)
    others = [one for number, one in enumerate(WHOLE) if number != which]
    try:
        snapshot = read(*others[:which], broken, *others[which:])
    except MappingError:
        return
    assert known(read(*others)) <= known(snapshot)


@settings(max_examples=200)
@given(
    st.lists(
        json_values | st.dictionaries(st.sampled_from(["resourceType", "id", "subject", "code"]), json_values),
        max_size=4,
    )
)
def test_any_entries_are_read_or_refused(entries):
    try:
        snapshot = read(*WHOLE, *entries)
    except MappingError:
        return
    assert known(read(*WHOLE)) <= known(snapshot)


@settings(max_examples=200)
@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(body):
    for work in (lambda: chart_of_bundle(body), lambda: read_chart([Part("x", body)], patient_id=PATIENT)):
        try:
            work()
        except MappingError:
            continue


def test_ten_thousand_resources_are_read():
    many = [observation("777-3", quantity(100 + n % 9, "10*9/L"), id_=f"o{n}") for n in range(10_000)]
    assert read(*many).latest("platelets") is not None
