"""Every notice in every language: nothing clinical, a way to say no, and a text message that fits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from itertools import product

import pytest

from fhirapp.i18n import PATIENTS, installed
from fhirapp.messages.settings import Messages, Review
from fhirapp.messages.texts import HELP, OPTED_OUT, REFERRAL, REJOIN, in_full, in_short, segments
from fhirapp.translations.patients import catalogues, compiled, read, texts

KINDS = (REFERRAL, OPTED_OUT, REJOIN, HELP)
LANGUAGES = installed(PATIENTS)
REVIEWED = Messages(reviewed={one: Review(one, "Dr Anna Weber", date(2026, 11, 1)) for one in LANGUAGES})
VALUES = {
    "name": "Ada Marlow",
    "hospital": "St Catherine's University Hospital",
    "day": "28 September 2026",
    "link": "https://stride.st-catherines.example.org/o/4F7K-2M9X-TQ3B",
    "contact": "+44 1632 960001, exercise@st-catherines.example.org",
    "phone": "+44 1632 960001",
}
# Stems of words that would tell a stranger what the patient has or takes, in the languages that we write.
CLINICAL = re.compile(
    r"cancer|tumou?r|oncolog|chemo|radio|surgery|operation|diagnos|patholog|metasta|platelet|blood|tier|risk|symptom|"
    r"fatigue|krebs|onkolog|strahlen|bestrahl|diagnose|befund|blut|risiko|erkrank|krankheit|müdigkeit|rezidiv|palliativ",
    re.IGNORECASE,
)
GUILT = re.compile(r"sure|important|recommend|should|regret|sicher|wichtig|empfehl|sollten|bedauer", re.IGNORECASE)


def values(_: str) -> Mapping[str, str]:
    return VALUES


def in_every_way() -> list[tuple[str, str, str]]:
    """Kind, language, and everything that it says: checked, unchecked, short, with an interpreter."""
    said = []
    for kind, language in product(KINDS, (*LANGUAGES, "tlh")):
        for messages, interpreter in product((REVIEWED, Messages()), (True, False)):
            worded = in_full(kind, language, messages, values, interpreter=interpreter)
            said.append((kind, language, f"{worded.subject}\n{worded.body}"))
        if language in LANGUAGES:
            said.append((kind, language, in_short(kind, language, values).body))
    return said


def test_there_is_a_second_language() -> None:
    assert "de" in LANGUAGES


@pytest.mark.parametrize(("kind", "language", "text"), in_every_way())
def test_nothing_clinical_stands_in_any_notice(kind: str, language: str, text: str) -> None:
    assert CLINICAL.search(text) is None
    assert "{" not in text


@pytest.mark.parametrize(("kind", "language", "text"), [one for one in in_every_way() if one[0] == REFERRAL])
def test_every_referral_notice_says_how_to_say_no_without_a_smartphone(kind: str, language: str, text: str) -> None:
    assert VALUES["link"] in text
    assert VALUES["phone"] in text
    assert GUILT.search(text) is None


@pytest.mark.parametrize(("kind", "language"), [*product(KINDS, LANGUAGES)])
def test_a_text_message_takes_one_or_two_segments_and_can_be_stopped(kind: str, language: str) -> None:
    text = in_short(kind, language, values).body
    assert segments(text) <= 2, (len(text), text)
    assert re.search(r"\b(STOPP?|START)\b", text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("a" * 160, 1), ("a" * 161, 2), ("ä" * 160, 1), ("€" * 80, 1), ("€" * 81, 2), ("ł" * 70, 1), ("ł" * 71, 2),
     ("a" * 307, 3)],
)  # fmt: skip
def test_segments_are_counted_as_telephones_do(text: str, count: int) -> None:
    assert segments(text) == count


def test_a_language_that_nobody_has_checked_never_stands_alone_and_says_so() -> None:
    body = in_full(REFERRAL, "de-AT", Messages(), values).body
    english, _, german = body.partition("* * *")
    assert english.startswith("Dear Ada Marlow")
    assert "hat noch niemand geprüft" in german
    assert "Guten Tag Ada Marlow" in german


def test_a_checked_language_stands_alone() -> None:
    worded = in_full(REFERRAL, "de-AT", REVIEWED, values)
    assert worded.language == "de"
    assert worded.body.startswith("Guten Tag")
    assert "Dear" not in worded.body
    assert "geprüft" not in worded.body


def test_a_language_that_we_do_not_have_offers_an_interpreter() -> None:
    worded = in_full(REFERRAL, "pl", REVIEWED, values)
    assert worded.language == "en"
    assert "call you back with an interpreter" in worded.body


@pytest.mark.parametrize("language", sorted(catalogues()))
def test_a_catalogue_has_every_text_that_a_patient_reads_and_its_machine_file_is_made_from_it(language: str) -> None:
    path = catalogues()[language]
    catalogue = read(path)
    assert {str(message.id) for message in catalogue if message.id} == texts()
    for message in catalogue:
        if message.id:
            places = re.compile(r"\{\w+\}|%\(\w+\)s")
            assert message.string, message.id
            assert sorted(set(places.findall(message.id))) == sorted(set(places.findall(str(message.string))))
    assert path.with_suffix(".mo").read_bytes() == compiled(catalogue), "python -m fhirapp.translations.patients"
