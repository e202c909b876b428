"""Token responses, the tolerable and the useless, and the context they make. Source: SM-T3, SM-C1..C6."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from smart_launch.context import LaunchContext, launch_context
from smart_launch.errors import BadTokenResponse, PatientChanged
from smart_launch.token_response import TokenResponse, read_token_response
from tests.smart_launch.authorization_server import ABSENT, changed

NOW = datetime(2026, 3, 9, 10, 30, tzinfo=ZoneInfo("Pacific/Auckland"))
DOCUMENT: dict[str, Any] = {
    "access_token": "a-1",
    "token_type": "Bearer",
    "expires_in": 3600,
    "scope": "openid patient/Task.rs",
    "refresh_token": "r-1",
    "patient": "p1",
}
BASE = "https://ehr.example/tenant/fhir"


def read(**changes: Any) -> TokenResponse:
    return read_token_response(changed(DOCUMENT, changes), NOW)


def context(**changes: Any) -> LaunchContext:
    return launch_context(
        tenant_id="t",
        iss=BASE,
        requested="openid patient/Task.crus",
        fhir_user="Practitioner/1",
        response=read(**changes),
    )


@pytest.mark.parametrize("token_type", ["Bearer", "bearer", "BEARER"])
def test_sm_t3_the_token_type_is_bearer_in_any_case(token_type: str) -> None:
    assert read(token_type=token_type).access_token == "a-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": ABSENT},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": "ä"},
        {"token_type": ABSENT},
        {"token_type": "mac"},
        {"token_type": None},
        {"patient": "../Patient/2"},
        {"patient": "p1?x=y"},
        {"patient": ".."},
        {"encounter": "a/b"},
    ],
)
def test_sm_t3_a_response_that_gives_no_usable_access_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadTokenResponse):
        read(**changes)


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(3600, 3600), ("300", 300), (59.5, 59.5), (ABSENT, None), (0, None), (-5, None), ("soon", None),
     (True, None), (None, None), ([], None), (1e300, None), ("nan", None), ("inf", None)],
)  # fmt: skip
def test_sm_t3_the_end_of_access_is_read_or_unknown(expires_in: object, seconds: float | None) -> None:
    expected = None if seconds is None else NOW + timedelta(seconds=seconds)
    assert read(expires_in=expires_in).expires_at == expected


def test_sm_t3_unknown_members_are_dropped() -> None:
    assert read(__epic_dstu2_patient="T1", authorization_details=[{}], state="x") == read()


@pytest.mark.parametrize(
    ("name", "value", "field", "expected"),
    [
        ("patient", "Patient/p1", "patient", "p1"),
        ("patient", ABSENT, "patient", None),
        ("encounter", "e.1-A", "encounter", "e.1-A"),
        ("encounter", "Encounter/e1", "encounter", "e1"),
        ("encounter", ABSENT, "encounter", None),
        ("intent", "referral-queue", "intent", "referral-queue"),
        ("intent", ABSENT, "intent", None),
        ("appContext", '{"handle":"h"}', "app_context", '{"handle":"h"}'),
        ("appContext", ABSENT, "app_context", None),
        ("smart_style_url", "https://ehr.example/style.json", "smart_style_url", "https://ehr.example/style.json"),
        ("smart_style_url", "http://ehr.example/style.json", "smart_style_url", None),
        ("smart_style_url", "javascript:alert(1)", "smart_style_url", None),
        ("smart_style_url", "https://[", "smart_style_url", None),
        ("smart_style_url", 7, "smart_style_url", None),
        ("fhirContext", [{"reference": "Task/1"}, "x"], "fhir_context", ({"reference": "Task/1"},)),
        ("fhirContext", {"reference": "Task/1"}, "fhir_context", ()),
        ("fhirContext", ABSENT, "fhir_context", ()),
    ],
)  # fmt: skip
def test_sm_c1_each_member_of_the_launch_context(name: str, value: object, field: str, expected: object) -> None:
    assert getattr(context(**{name: value}), field) == expected


@pytest.mark.parametrize(
    ("said", "banner"), [(True, True), (False, False), (ABSENT, True), (None, True), ("false", True), (0, True)]
)  # fmt: skip
def test_sm_c2_the_patient_banner_is_left_out_only_on_a_plain_false(said: object, banner: bool) -> None:
    assert context(need_patient_banner=said).need_patient_banner is banner


def test_sm_t4_the_context_knows_what_was_granted_and_what_was_not() -> None:
    granted = context()
    assert granted.granted.allows("Task", "rs")
    assert not granted.granted.allows("Task", "u")
    assert [str(scope) for scope in granted.withheld] == ["patient/Task.cu"]


def test_without_a_word_on_scope_all_that_was_asked_for_is_granted() -> None:
    assert context(scope=ABSENT).scope == "openid patient/Task.crus"


def test_sm_t6_a_token_counts_as_expired_half_a_minute_before_its_end() -> None:
    launched = context()
    assert not launched.expired(NOW + timedelta(seconds=3569))
    assert launched.expired(NOW + timedelta(seconds=3570))
    assert not context(expires_in=ABSENT).expired(NOW + timedelta(days=1))


def test_sm_r2_a_refresh_replaces_access_and_keeps_the_rest() -> None:
    before = context(need_patient_banner=False, intent="referral-queue")
    after = before.refreshed(read(access_token="a-2", refresh_token="r-2", patient=ABSENT, scope=ABSENT))
    assert (after.access_token, after.refresh_token) == ("a-2", "r-2")
    assert (after.patient, after.intent, after.need_patient_banner) == ("p1", "referral-queue", False)
    assert after.scope == before.scope
    assert before.refreshed(read(refresh_token=ABSENT)).refresh_token == "r-1"


def test_sm_c6_a_refresh_for_another_patient_is_refused() -> None:
    with pytest.raises(PatientChanged):
        context().refreshed(read(patient="p2"))


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        (BASE, True),
        (f"{BASE}/Patient/1", True),
        (f"{BASE}/Patient?_id=../x", True),
        (f"{BASE}X/Patient/1", False),
        (f"{BASE}/../admin", False),
        (f"{BASE}/%2e%2e/admin", False),
        (f"{BASE}/a%5c..%5cadmin", False),
        ("https://ehr.example/other/fhir/Patient/1", False),
        ("https://ehr.example.evil.example/tenant/fhir/Patient/1", False),
        ("http://ehr.example/tenant/fhir/Patient/1", False),
        ("Patient/1", False),
    ],
)
@pytest.mark.parametrize("base", [BASE, f"{BASE}/"], ids=["plain", "with a slash"])
def test_sm_t5_the_token_goes_nowhere_but_below_the_fhir_base(base: str, url: str, allowed: bool) -> None:
    launched = launch_context(tenant_id="t", iss=base, requested="", fhir_user=None, response=read())
    assert launched.may_send_token_to(url) is allowed
