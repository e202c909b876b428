"""Words, dates and languages of the pages."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from markupsafe import Markup

from fhirapp.ui import language
from fhirapp.ui.history import lines_of
from fhirapp.ui.messages import SAID, said_of
from fhirapp.ui.questions import WORDS, answers_in, response_of
from models.inputs import SAFETY_QUESTIONS
from models.text import N_
from tests.builders import ZONE
from tests.fhirapp.ui.conftest import answers

EVENING = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)  # already the 26th in Adelaide


@pytest.fixture
def request_in_adelaide() -> Any:
    app = Flask("words")
    with app.test_request_context():
        language.speak(["en"], ZONE)
        yield


def test_days_are_the_hospitals_days(request_in_adelaide: None) -> None:
    assert language.day(EVENING) == "26 Nov 2026"
    assert language.moment(EVENING) == "Thu 26 Nov, 06:30"
    assert language.stamp(EVENING).startswith("26 Nov 2026, 06:30")
    assert language.day("2026-11-25") == "25 Nov 2026"
    assert language.day("2026-11") == ""


def test_a_time_carries_what_machines_read(request_in_adelaide: None) -> None:
    assert language.when(EVENING) == Markup('<time datetime="2026-11-26T06:30+10:30">Thu 26 Nov, 06:30</time>')


@pytest.mark.parametrize(
    ("words", "inside"),
    [
        ("Resting heart rate", "resting heart rate"),
        ("ECOG performance status", "ECOG performance status"),
        ("HbA1c", "HbA1c"),
        ("Clinical Frailty Scale", "Clinical Frailty Scale"),
        ("", ""),
    ],
)
def test_names_keep_their_capitals_inside_a_sentence(words: str, inside: str) -> None:
    assert language.lower_first(words) == inside


def test_units_are_written_as_people_write_them() -> None:
    assert [language.unit(code) for code in ("10*9/L", "{score}", "g/L", "Cel")] == ["×10⁹/L", "", "g/L", "°C"]


def test_a_language_without_a_catalogue_is_english(request_in_adelaide: None) -> None:
    language.speak(["tlh", "qq-XX"], ZONE)
    assert language.language() == "en"
    assert language.said(N_("No {thing}", thing="x")) == "No x"


def test_the_six_questions_are_those_of_the_rules() -> None:
    assert tuple(WORDS) == SAFETY_QUESTIONS


@pytest.mark.parametrize("word", ["", "maybe", "YES", "1"])
def test_only_a_plain_yes_or_no_is_an_answer(word: str) -> None:
    found = answers_in({**answers(), "fever": word})
    assert found.missing == ("fever",)
    assert found.positive == ()


def test_the_response_is_dated_in_the_hospitals_zone_and_answers_all() -> None:
    found = answers_in(answers(bleeding=True))
    resource = response_of(found, patient_id="p1", author="Practitioner/n", at=EVENING.astimezone(ZONE))
    assert resource["authored"] == "2026-11-26T06:30:00+10:30"
    assert [item["linkId"] for item in resource["item"]] == list(SAFETY_QUESTIONS)
    assert [item["answer"] for item in resource["item"] if item["linkId"] == "bleeding"] == [[{"valueBoolean": True}]]


def test_a_message_comes_from_our_list_or_not_at_all() -> None:
    assert said_of("<script>") is None
    assert said_of("claimed") is SAID["claimed"]
    assert all(message.tone == "stop" and message.more for code, message in SAID.items() if "yes" in code)


def an_event(action: str, before: str, after: str, **more: Any) -> Any:
    values = {"at": EVENING, "role": "service", "actor": "", "actor_display": "stride", "details": {}, **more}
    return SimpleNamespace(action=action, state_before=before, state_after=after, **values)


def test_looks_that_changed_nothing_are_left_out_of_the_history() -> None:
    fit, held = {"verdict": "refer"}, {"verdict": "hold", "holds": ["HEM-01"]}
    lines = lines_of(
        [
            an_event("assessed", "identified", "proposed", details=fit),
            an_event("assessed", "proposed", "proposed", details=fit),
            an_event("assessed", "proposed", "held", details=held),
            an_event(
                "sign", "proposed", "opt_out_open", role="clinician", actor="Practitioner/x", actor_display="Dr X"
            ),
        ]
    )
    assert [str(line.what) for line in lines] == ["Signed", "Chart read and judged", "Chart read and judged"]
    assert [str(text) for text in lines[1].more] == ["HEM-01"]
    assert [str(line.who) for line in lines] == ["Dr X", "Stride", "Stride"]
    assert str(lines[0].state) == "Referred, patient may opt out"
