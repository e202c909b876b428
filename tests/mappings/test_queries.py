"""mappings/queries.py"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

import pytest

from mappings.codes import LOINC
from mappings.measures import observed
from mappings.queries import QUERIES, prefetch_templates, rest_path
from models.inputs import INPUTS

KEYS = [
    "patient", "conditions", "labs", "vitals", "function", "symptoms", "medications", "administrations",
    "procedures", "encounters", "answers", "referrals",
]  # fmt: skip


def test_the_keys_in_their_order():
    assert list(prefetch_templates()) == KEYS


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.key)
class TestEachTemplate:
    def test_ch_p1_the_only_token_is_the_patients(self, query):
        assert set(re.findall(r"{{(.*?)}}", query.path)) == {"context.patientId"}

    def test_ch_p2_it_stays_within_the_subset_of_old_clients(self, query):
        kind, _, terms = query.path.partition("?")
        if not terms:
            assert kind == "Patient/{{context.patientId}}"
            return
        for name, _ in parse_qsl(terms, strict_parsing=True):
            assert ":" not in name
            assert "." not in name
            assert not name.startswith(("_include", "_revinclude", "_has"))

    def test_ch_p3_newest_first_as_r4_writes_it(self, query):
        assert "sort:desc" not in query.path
        assert "_sort=" not in query.path or re.search(r"_sort=-[a-z-]+", query.path)

    def test_ch_p9_no_key_needs_an_encounter(self, query):
        assert "encounterId" not in query.path

    def test_it_is_short_enough_for_a_get(self, query):
        assert len(rest_path(query, "a" * 64)) < 4000

    def test_no_category_is_asked_for(self, query):
        assert "category" not in query.path


def test_only_patient_and_conditions_are_required():
    assert [query.key for query in QUERIES if query.required] == ["patient", "conditions"]


def test_every_code_that_is_read_is_asked_for_once():
    asked = [code for codes in observed().asked.values() for code in codes]
    assert len(asked) == len(set(asked))
    for code, systems in observed().by_code.items():
        if LOINC in systems:
            assert any(f"{LOINC}|{code}" in query.path for query in QUERIES), code


def test_every_input_of_the_rules_can_be_read():
    derived = {"ca_corr"}
    questionnaires = {alias for alias in INPUTS if alias.startswith("parq-")}
    assert set(INPUTS) - set(observed().by_alias) == derived | questionnaires


def test_rest_paths_are_ready_to_be_sent():
    paths = {query.key: rest_path(query, "p 1&x=/..") for query in QUERIES}
    assert paths["patient"] == "Patient/p%201%26x%3D%2F.."
    assert "|" not in paths["labs"]
    assert "patient=p%201%26x%3D%2F..&" in paths["labs"]
