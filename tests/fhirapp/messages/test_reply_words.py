"""What an answer means: a no in many spellings, a yes only in one, everything else for a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhirapp.messages.reply_words import Meaning, meaning_of, names_a_symptom


@pytest.mark.parametrize(
    "text",
    ["STOP", "stop", " Stop. ", "StOp!!!", "STOPP", "stopp bitte", "Please stop", "S T O P", "STOP I am too ill",
     "ＳＴＯＰ", "stop🙏", "No", "nein", "Nein, danke!", "no thank you", "Unsubscribe", "STOPALL", "abmelden",
     "Kein Interesse", '"STOP"', "Stop\n\nSent from my phone"],
)  # fmt: skip
def test_a_no_is_heard(text: str) -> None:
    assert meaning_of(text) is Meaning.STOP


@pytest.mark.parametrize("text", ["START", "start", "Start.", "UNSTOP", "bitte start"])
def test_coming_back_is_heard(text: str) -> None:
    assert meaning_of(text) is Meaning.START


@pytest.mark.parametrize("text", ["HELP", "help?", "Info", "Hilfe!"])
def test_asking_for_help_is_heard(text: str) -> None:
    assert meaning_of(text) is Meaning.HELP


@pytest.mark.parametrize(
    "text",
    ["yes", "ja", "OK", "Don't stop", "bitte nicht stoppen", "start or stop?", "when do I start", "I need help", "",
     "🙂", "Who is this?", "nonstop", "can we start tomorrow", "I never said stop"],
)  # fmt: skip
def test_what_could_mean_two_things_is_for_a_person(text: str) -> None:
    assert meaning_of(text) is Meaning.UNKNOWN


@given(st.text(max_size=60))
def test_nothing_but_the_word_itself_is_ever_a_yes(text: str) -> None:
    if meaning_of(text) is Meaning.START:
        assert "start" in text.casefold() or "unstop" in text.casefold() or not text.isascii()


@pytest.mark.parametrize("text", ["my chest hurts", "I have a fever", "Brustschmerzen", "mir ist schwindlig", "I fell"])
def test_a_symptom_is_noticed(text: str) -> None:
    assert names_a_symptom(text)


@pytest.mark.parametrize("text", ["wrong number", "die Nummer ist falsch", "Who are you?", "auf jeden Fall"])
def test_an_everyday_sentence_is_not_urgent(text: str) -> None:
    assert not names_a_symptom(text)
