"""Scopes in both grammars. Source: SM-S1..S5, SM-T4."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_launch.scopes import (
    ACTIONS,
    BACKEND,
    CLINICIAN,
    ResourceScope,
    as_v1,
    negotiated,
    parse_scope,
    parse_scopes,
    withheld,
)

LEVELS = st.sampled_from(["patient", "user", "system"])
TYPES = st.sampled_from(["*", "Patient", "Observation", "ServiceRequest"])
SUFFIXES = st.sets(st.sampled_from(ACTIONS), min_size=1).map(
    lambda letters: "".join(letter for letter in ACTIONS if letter in letters)
)
SCOPES = st.builds(ResourceScope, LEVELS, TYPES, SUFFIXES)


@given(SCOPES)
def test_sm_s1_a_scope_reads_back_as_it_is_written(scope: ResourceScope) -> None:
    assert parse_scope(str(scope)) == scope


@given(LEVELS, TYPES, st.permutations(ACTIONS), st.integers(2, 5))
def test_sm_s1_letters_out_of_order_are_no_resource_scope(
    level: str, type_: str, letters: list[str], length: int
) -> None:
    suffix = "".join(letters[:length])
    in_order = list(suffix) == sorted(suffix, key=ACTIONS.index)
    assert (parse_scope(f"{level}/{type_}.{suffix}") is not None) == in_order


@given(st.text(max_size=40))
def test_any_text_parses_and_loses_no_word(text: str) -> None:
    parsed = parse_scopes(text)
    assert len(parsed.words) + len(parsed.resources) <= len(text.split())
    assert parsed.words <= set(text.split())


@pytest.mark.parametrize(
    "word",
    [
        "patient/Observation.",
        "patient/Observation",
        "patient/observation.rs",
        "patient/Observation.rr",
        "patient/Observation.reads",
        "patient/Observation.rs?",
        "patient/Observation.read?category=x",
        "Patient/Observation.rs",
        "group/Observation.rs",
        "patient/Observation.rs extra",
        "launch/patient",
        "openid",
    ],
)
def test_sm_s1_other_words_give_no_access(word: str) -> None:
    assert parse_scope(word) is None


@pytest.mark.parametrize(
    ("v1", "letters"), [("read", "rs"), ("write", "cud"), ("*", "cruds")], ids=["read", "write", "all"]
)
def test_sm_s2_v1_words_mean_their_v2_letters(v1: str, letters: str) -> None:
    assert parse_scope(f"patient/Task.{v1}") == parse_scope(f"patient/Task.{letters}")


@pytest.mark.parametrize(
    ("v2", "v1"),
    [
        ("patient/Task.r", ("patient/Task.read",)),
        ("patient/Task.rs", ("patient/Task.read",)),
        ("patient/Task.cu", ("patient/Task.write",)),
        ("patient/Task.crus", ("patient/Task.read", "patient/Task.write")),
        ("patient/Task.cruds", ("patient/Task.*",)),
        ("patient/Observation.rs?category=laboratory", ("patient/Observation.read",)),
    ],
)
def test_sm_s2_v2_scopes_have_a_v1_form(v2: str, v1: tuple[str, ...]) -> None:
    scope = parse_scope(v2)
    assert scope is not None
    assert as_v1(scope) == v1


@given(SCOPES)
def test_sm_s2_the_v1_form_never_gives_less(scope: ResourceScope) -> None:
    assert withheld(str(scope), " ".join(as_v1(scope))) == ()


@pytest.mark.parametrize(
    ("capabilities", "form"),
    [
        ({"permission-v2"}, "patient/Observation.rs"),
        ({"permission-v1"}, "patient/Observation.read"),
        ({"permission-v1", "permission-v2"}, "patient/Observation.rs"),
        ({"permission-patient"}, "patient/Observation.read"),
        (set(), "patient/Observation.read"),
    ],
    ids=["v2", "v1", "both", "a server older than v2", "nothing said"],
)
def test_sm_s2_the_request_is_in_the_servers_grammar(capabilities: set[str], form: str) -> None:
    sent = negotiated(CLINICIAN, capabilities).split()
    assert form in sent
    assert len(sent) == len(set(sent))


@pytest.mark.parametrize(
    ("capabilities", "supported", "asked"),
    [
        ({"sso-openid-connect", "permission-online"}, set(), {"openid", "fhirUser", "online_access"}),
        (set(), {"openid", "fhirUser"}, {"openid", "fhirUser"}),
        ({"permission-offline"}, set(), set()),
    ],
    ids=["advertised", "listed among the scopes", "neither"],
)
def test_sm_d5_optional_words_are_asked_for_only_where_known(
    capabilities: set[str], supported: set[str], asked: set[str]
) -> None:
    sent = set(negotiated(CLINICIAN, capabilities, supported).split())
    assert sent & {"openid", "fhirUser", "online_access", "offline_access"} == asked


@pytest.mark.parametrize(
    ("supported", "asked"),
    [(set(), False), ({"patient/Condition.rs"}, False), ({"patient/*.rs"}, True), ({"system/AdverseEvent.rs"}, True)],
)
def test_what_is_read_beside_is_asked_for_only_where_a_server_lists_it(supported: set[str], asked: bool) -> None:
    sent = set(negotiated(CLINICIAN, {"permission-v2"}, supported).split())
    assert ("patient/AdverseEvent.rs" in sent) is asked
    assert "patient/Condition.rs" in sent


def test_sm_s1_every_scope_that_we_ask_for_is_well_formed() -> None:
    words = {word for word in (*CLINICIAN, *BACKEND) if "/" in word}
    assert all(parse_scope(word) for word in words)
    assert {word for word in CLINICIAN if "/" not in word} == {*("launch", "openid", "fhirUser", "online_access")}


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ("patient/Task.rs patient/Task.cu", []),
        ("patient/Task.crus", []),
        ("patient/*.cruds", []),
        ("patient/Task.read patient/Task.write", []),
        ("user/Task.crus", []),
        ("system/Task.crus", ["patient/Task.crus"]),
        ("patient/Task.rs", ["patient/Task.cu"]),
        ("patient/Task.write", ["patient/Task.rs"]),
        ("patient/Task.crus?status=requested", ["patient/Task.crus"]),
        ("patient/Goal.crus", ["patient/Task.crus"]),
        ("", ["patient/Task.crus"]),
    ],
)
def test_sm_t4_what_was_withheld_is_named(granted: str, missing: list[str]) -> None:
    assert [str(scope) for scope in withheld("openid patient/Task.crus", granted)] == missing


def test_sm_s3_write_does_not_imply_read() -> None:
    granted = parse_scopes("patient/Task.write")
    assert granted.allows("Task", "cu")
    assert not granted.allows("Task", "r")


def test_sm_s4_patient_access_does_not_serve_a_queue_of_all_patients() -> None:
    granted = parse_scopes("patient/Task.crus")
    assert granted.allows("Task", "s")
    assert not granted.allows("Task", "s", level="user")


def test_sm_s5_a_narrowed_scope_gives_part_and_keeps_its_search() -> None:
    word = "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/x|laboratory"
    granted = parse_scopes(word)
    assert granted.access("patient", "Observation", "s") == "partly"
    assert not granted.allows("Observation", "s")
    assert str(granted.resources[0]) == word
    assert withheld(word, word) == ()
