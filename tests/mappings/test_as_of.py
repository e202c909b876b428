"""Nothing that was recorded, changed or happened after the day enters a chart as of that day."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from mappings import structs
from mappings.as_of import chart_before, is_later
from mappings.bulk import History, files_in, histories
from mappings.errors import UnreadableChart
from tests.builders import ZONE

INDEX = datetime(2015, 3, 2, 9, 0, tzinfo=ZONE)
BEFORE, AFTER = "2015-02-20T10:00:00+10:30", "2015-03-09T10:00:00+10:30"
SUBJECT = {"reference": "Patient/p"}


def a_line(kind: str, **content: object) -> tuple[dict[str, object], bytes]:
    record = {"resourceType": kind, "id": "x", "subject": SUBJECT, **content}
    return record, json.dumps(record).encode()


def a_history(*lines: tuple[dict[str, object], bytes]) -> History:
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1950-01-01", "deceasedDateTime": "2015-09-01"}
    return History("p", patient, list(lines))


LEAKS = [
    ("a result of a later day", "Observation", {"effectiveDateTime": AFTER}),
    ("an old value that came out later", "Observation", {"effectiveDateTime": BEFORE, "issued": AFTER}),
    ("an old disease, written down later", "Condition", {"onsetDateTime": "2010", "recordedDate": AFTER}),
    ("an order of a later day", "MedicationRequest", {"authoredOn": AFTER}),
    ("a stay that began later", "Encounter", {"period": {"start": AFTER}}),
    ("a visit changed later", "Encounter", {"period": {"start": BEFORE}, "meta": {"lastUpdated": AFTER}}),
    ("answers of a later day", "QuestionnaireResponse", {"authored": AFTER}),
    ("a Task that was finished later", "Task", {"authoredOn": BEFORE, "lastModified": AFTER}),
    ("a walking aid, noted later", "DeviceUseStatement", {"timingDateTime": BEFORE, "recordedOn": AFTER}),
    ("a visit booked later", "Appointment", {"start": BEFORE, "created": AFTER}),
]


@pytest.mark.parametrize(("word", "kind", "content"), LEAKS)
def test_what_came_later_is_not_in_the_chart(word, kind, content):
    history = a_history(a_line(kind, **content))
    assert is_later(history.lines[0][0], INDEX), word
    assert not any(chart_before(history, INDEX).resources.values()), word


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("Observation", {"effectiveDateTime": BEFORE, "issued": BEFORE, "meta": {"lastUpdated": BEFORE}}),
        ("Condition", {"onsetDateTime": "2010", "recordedDate": "2015-03-02"}),
        ("Condition", {}),
        ("Encounter", {"period": {"start": BEFORE, "end": AFTER}}),
    ],
)
def test_what_was_there_stays(kind, content):
    chart = chart_before(a_history(a_line(kind, **content)), INDEX)
    assert len(chart.of(getattr(structs, kind))) == 1


def test_the_day_of_the_export_can_be_set_aside_and_then_the_other_dates_decide():
    stamped = a_line("Condition", recordedDate=BEFORE, meta={"lastUpdated": AFTER})
    late = a_line("Condition", recordedDate=AFTER, meta={"lastUpdated": AFTER})
    assert chart_before(a_history(stamped), INDEX).of(structs.Condition) == []
    assert len(chart_before(a_history(stamped, late), INDEX, last_updated=False).of(structs.Condition)) == 1


def test_a_death_is_never_in_the_chart():
    assert chart_before(a_history(), INDEX).patient.deceased_date_time is None


def test_an_export_is_sorted_by_patient_and_strangers_are_left_out(tmp_path):
    lines = [{"resourceType": "Patient", "id": "a"}, {"resourceType": "Patient", "id": "b"}]
    (tmp_path / "Patient.ndjson").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    told = [
        {"resourceType": "Condition", "subject": {"reference": "Patient/a"}},
        {"resourceType": "Task", "for": {"reference": "https://ehr.example/fhir/Patient/b"}},
        {"resourceType": "Appointment", "participant": [{"actor": {"reference": "Patient/b"}}]},
        {"resourceType": "Condition", "subject": {"reference": "Patient/nobody"}},
        {"resourceType": "Flag", "patient": {"reference": "Patient/a"}},
    ]
    (tmp_path / "rest.ndjson").write_text("\n".join(map(json.dumps, told)))
    found = histories(files_in(str(tmp_path)), lambda name: None)
    assert {name: [r["resourceType"] for r, _ in h.lines] for name, h in found.items()} == {
        "a": ["Condition"],
        "b": ["Task", "Appointment"],
    }
    assert files_in(f"{tmp_path}/P*.ndjson") == [tmp_path / "Patient.ndjson"]


@pytest.mark.parametrize(("line", "word"), [("{", "not JSON"), ("[]", "not a FHIR"), ('{"a":1}', "not a FHIR")])
def test_a_line_that_is_no_resource_is_named_with_its_place(tmp_path, line, word):
    (tmp_path / "x.ndjson").write_text('{"resourceType":"Patient","id":"a"}\n' + line)
    with pytest.raises(UnreadableChart, match=f"x.ndjson, line 2: {word}"):
        histories(files_in(str(tmp_path)), lambda name: None)


def test_a_place_without_files_is_said(tmp_path):
    with pytest.raises(UnreadableChart, match="no NDJSON file"):
        files_in(str(tmp_path))
