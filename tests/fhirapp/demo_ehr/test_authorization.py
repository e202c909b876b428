from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from fhirapp.demo_ehr.server import serving
from fhirapp.demo_ehr.tokens import Launch
from tests.fhirapp.demo_ehr.conftest import AppClient, KeyHolder, an_observation, settings_for

LAUNCH = Launch("ada", "Practitioner/demo-clinician", encounter="e-1", app_context="handle-7")


def redirected(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def a_code(smart: AppClient, launch: Launch = LAUNCH, **changes: str | None) -> str:
    return redirected(smart.authorize(launch=smart.ehr.tokens.new_launch(launch), **changes))["code"]


def test_discovery_names_what_an_app_needs_sm_d2(smart: AppClient):
    found = smart.fhir("GET", ".well-known/smart-configuration").json()
    assert found["issuer"] == smart.ehr.settings.fhir_base
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert {"launch-ehr", "client-confidential-asymmetric", "permission-v2"} <= set(found["capabilities"])
    assert found["token_endpoint"] == smart.ehr.settings.token_url
    assert found == {**smart.fhir("GET", ".well-known/openid-configuration").json()} | {
        "capabilities": found["capabilities"],
        "code_challenge_methods_supported": ["S256"],
    }


def test_an_ehr_launch_ends_in_a_token_with_its_context_sm_c1(smart: AppClient):
    answer = smart.token(smart.code_form(a_code(smart)))
    body = answer.json()
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert body["patient"] == "ada"
    assert body["encounter"] == "e-1"
    assert body["appContext"] == "handle-7"
    assert body["need_patient_banner"] is True
    assert body["scope"] == "launch openid fhirUser patient/*.rs"
    assert body["token_type"] == "Bearer"


def test_the_id_token_is_signed_and_says_who_and_for_whom_sm_o1(smart: AppClient):
    body = smart.token(smart.code_form(a_code(smart, nonce="n-42"))).json()
    jwks = requests.get(f"{smart.ehr.settings.base_url}/auth/jwks", timeout=5).json()
    assert "d" not in jwks["keys"][0]
    claims = jwt.decode(body["id_token"], KeySet.import_key_set(jwks), algorithms=["RS256"]).claims
    assert claims["iss"] == smart.ehr.settings.fhir_base
    assert claims["aud"] == "app"
    assert claims["nonce"] == "n-42"
    assert claims["fhirUser"] == f"{smart.ehr.settings.fhir_base}/Practitioner/demo-clinician"
    assert claims["exp"] > time.time()


def test_a_launch_without_a_chart_is_for_its_own_user_and_reaches_no_chart_sm_c3(smart: AppClient):
    launch = Launch("", "Practitioner/nav", intent="referral-queue")
    body = smart.token(smart.code_form(a_code(smart, launch))).json()
    assert body["intent"] == "referral-queue"
    assert "patient" not in body
    jwks = requests.get(f"{smart.ehr.settings.base_url}/auth/jwks", timeout=5).json()
    claims = jwt.decode(body["id_token"], KeySet.import_key_set(jwks), algorithms=["RS256"]).claims
    assert claims["fhirUser"].endswith("/fhir/Practitioner/nav")
    assert smart.fhir("GET", "Patient/ada", body["access_token"]).status_code == 403
    assert smart.fhir("GET", "Observation", body["access_token"]).json()["total"] == 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"code_challenge": None, "code_challenge_method": None}, "invalid_request", id="no PKCE"),
        pytest.param({"code_challenge": "p" * 64, "code_challenge_method": "plain"}, "invalid_request", id="plain"),
        pytest.param({"aud": "http://127.0.0.1:1/other"}, "invalid_request", id="another aud"),
        pytest.param({"state": None}, "invalid_request", id="no state"),
        pytest.param({"launch": "made-up"}, "invalid_request", id="unknown launch"),
        pytest.param({"launch": None}, "invalid_request", id="scope launch without a launch"),
        pytest.param({"scope": "system/*.cruds"}, "invalid_scope", id="nothing left of the scope"),
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="implicit flow"),
    ],
)
def test_a_wrong_authorization_request_goes_back_with_an_error(
    smart: AppClient, changes: dict[str, str | None], error: str
):
    asked: dict[str, str | None] = {"launch": smart.ehr.tokens.new_launch(LAUNCH), **changes}
    said = redirected(smart.authorize(**asked))
    assert said["error"] == error
    assert "code" not in said


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": "nobody"}, id="unknown client"),
        pytest.param({"redirect_uri": "http://localhost:9/elsewhere"}, id="unregistered redirect URI"),
        pytest.param({"redirect_uri": "http://localhost:9/smart/callback/"}, id="a slash too many"),
        pytest.param({"client_id": "backend"}, id="a backend client at the front door"),
    ],
)
def test_nobody_is_redirected_to_an_address_that_is_not_registered(smart: AppClient, changes: dict[str, str]):
    answer = smart.authorize(launch=smart.ehr.tokens.new_launch(LAUNCH), **changes)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "text/html" in answer.headers["Content-Type"]


def test_a_wrong_verifier_gets_no_token_and_burns_the_code(smart: AppClient):
    code = a_code(smart)
    wrong = smart.token(smart.code_form(code, code_verifier="w" * 64))
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")
    assert smart.token(smart.code_form(code)).status_code == 400


def test_a_code_used_twice_revokes_what_it_gave(smart: AppClient):
    code = a_code(smart)
    token = smart.token(smart.code_form(code)).json()["access_token"]
    assert smart.fhir("GET", "Patient/ada", token).status_code == 200
    assert smart.token(smart.code_form(code)).json()["error"] == "invalid_grant"
    assert smart.fhir("GET", "Patient/ada", token).status_code == 401


def test_a_code_is_good_only_with_the_redirect_uri_it_was_made_for(smart: AppClient):
    answer = smart.token(smart.code_form(a_code(smart), redirect_uri="http://localhost:9/other"))
    assert answer.json()["error"] == "invalid_grant"


def test_scopes_are_narrowed_to_what_the_client_may_have_sm_t4(smart: AppClient):
    code = a_code(smart, scope="launch patient/Observation.rs patient/ServiceRequest.cruds user/*.cruds openid")
    assert smart.token(smart.code_form(code)).json()["scope"] == "launch patient/Observation.rs openid"


def test_a_refresh_token_works_once_and_keeps_the_patient_sm_r2(smart: AppClient):
    first = smart.token(smart.code_form(a_code(smart, scope="launch online_access patient/*.rs"))).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = smart.token(form).json()
    assert second["patient"] == "ada"
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert smart.token(form).json()["error"] == "invalid_grant"


def test_no_refresh_token_without_the_scope_for_it(smart: AppClient):
    assert "refresh_token" not in smart.token(smart.code_form(a_code(smart))).json()


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        pytest.param({"aud": "http://127.0.0.1:1/auth/token"}, "aud", id="made for another server"),
        pytest.param({"exp": 1}, "exp", id="expired"),
        pytest.param({"exp": int(time.time()) + 3600}, "five minutes", id="lives too long, SM-K2"),
        pytest.param({"exp": None}, "exp", id="without an end"),
        pytest.param({"jti": None}, "jti", id="without jti"),
        pytest.param({"iss": "backend"}, "iss", id="iss is not sub"),
        pytest.param({"sub": "nobody", "iss": "nobody"}, "client", id="unknown client"),
    ],
)
def test_a_wrong_assertion_is_refused(smart: AppClient, claims: dict[str, Any], why: str):
    signed = smart.holder.assertion("app", smart.ehr.settings.token_url, **claims)
    answer = smart.token(smart.code_form(a_code(smart)), assertion=signed)
    assert answer.json()["error"] == "invalid_client"
    assert why in answer.json()["error_description"]


def test_an_assertion_is_good_for_one_request(smart: AppClient):
    signed = smart.holder.assertion("backend", smart.ehr.settings.token_url)
    form = {"grant_type": "client_credentials", "scope": "system/*.rs"}
    assert smart.token(form, assertion=signed).status_code == 200
    again = smart.token(form, assertion=signed)
    assert again.json() == {"error": "invalid_client", "error_description": "The assertion was used before."}


def test_an_assertion_signed_by_somebody_else_is_refused(smart: AppClient):
    stranger = ECKey.generate_key("P-384", {"kid": smart.holder.keys[0].kid})
    signed = smart.holder.assertion("app", smart.ehr.settings.token_url, key=stranger)
    assert smart.token(smart.code_form(a_code(smart)), assertion=signed).json()["error"] == "invalid_client"


def test_an_assertion_signed_with_a_symmetric_key_is_refused_sm_k1(smart: AppClient):
    url, key = smart.ehr.settings.token_url, OctKey.import_key("0" * 64)
    claims = {"iss": "app", "sub": "app", "aud": url, "exp": int(time.time()) + 60, "jti": "hs"}
    signed = jwt.encode({"alg": "HS256", "kid": smart.holder.keys[0].kid}, claims, key, algorithms=["HS256"])
    assert smart.token(smart.code_form(a_code(smart)), assertion=signed).json()["error"] == "invalid_client"


def test_an_algorithm_that_smart_does_not_name_is_refused_sm_k1():
    key = RSAKey.generate_key(2048, auto_kid=True)
    with KeyHolder([key]).published() as holder, serving(lambda base: settings_for(base, holder.url)) as ehr:
        url = ehr.settings.token_url
        claims = {"iss": "backend", "sub": "backend", "aud": url, "exp": int(time.time()) + 60, "jti": "rs"}
        signed = jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key, algorithms=["RS256"])
        form = {"grant_type": "client_credentials", "scope": "system/*.rs"}
        assert AppClient(ehr, holder).token(form, assertion=signed).json()["error"] == "invalid_client"


def test_no_assertion_no_token(smart: AppClient):
    form = {**smart.code_form(a_code(smart)), "client_id": "app"}
    answer = requests.post(smart.ehr.settings.token_url, data=form, timeout=5)
    assert answer.json()["error"] == "invalid_client"


@pytest.mark.parametrize("key", [ECKey.generate_key("P-384"), RSAKey.generate_key(2048)], ids=["ES384", "RS384"])
def test_both_algorithms_of_smart_are_taken_sm_k1(key: Any):
    with KeyHolder([key]).published() as holder, serving(lambda base: settings_for(base, holder.url)) as ehr:
        key.ensure_kid()
        assert AppClient(ehr, holder).backend_token()


def test_a_client_whose_keys_cannot_be_fetched_is_refused():
    with serving(settings_for) as ehr:
        answer = AppClient(ehr, KeyHolder()).token({"grant_type": "client_credentials"}, "backend")
    assert answer.json()["error"] == "invalid_client"


def test_a_backend_service_gets_system_scopes_and_no_refresh_token_sm_b1(smart: AppClient):
    form = {"grant_type": "client_credentials", "scope": "system/*.rs patient/*.rs online_access"}
    body = smart.token(form, "backend").json()
    assert body["scope"] == "system/*.rs"
    assert body["expires_in"] <= 300
    assert "refresh_token" not in body


def test_an_app_cannot_play_the_backend_service(smart: AppClient):
    answer = smart.token({"grant_type": "client_credentials", "scope": "system/*.rs"}, "app")
    assert answer.json()["error"] == "unauthorized_client"


def test_a_token_ends_when_its_time_is_over(smart: AppClient):
    short = smart.ehr.tokens.issue("app", "system/*.rs", seconds=0)
    assert smart.fhir("GET", "Patient/ada", short.access_token).status_code == 401


def test_without_a_token_the_answer_is_401_with_an_outcome(smart: AppClient):
    answer = smart.fhir("GET", "Patient/ada")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("patient/*.rs", "GET", "Patient/ada", 200),
        ("patient/*.rs", "GET", "Patient/ben", 403),
        ("patient/*.rs", "GET", "Observation/plt-1", 200),
        ("patient/*.rs", "GET", "Observation/plt-2", 403),
        ("patient/*.read", "GET", "Observation/plt-1", 200),
        ("patient/*.write", "GET", "Observation/plt-1", 403),
        ("patient/*.rs", "GET", "Practitioner/demo-clinician", 200),
        ("patient/Observation.rs", "GET", "Practitioner/demo-clinician", 403),
        ("patient/Observation.r", "GET", "Observation?patient=ada", 403),
        ("patient/Observation.s", "GET", "Observation?patient=ada", 200),
        ("user/Patient.rs", "GET", "Patient/ben", 200),
        ("patient/*.rs", "DELETE", "Observation/plt-1", 403),
        ("patient/Observation.rs?code=http://loinc.org|777-3", "GET", "Observation/plt-1", 200),
        ("patient/Observation.rs?code=http://loinc.org|718-7", "GET", "Observation/plt-1", 403),
        ("patient/Observation.sr", "GET", "Observation/plt-1", 403),
    ],
)
def test_scopes_decide_what_a_token_can_do(smart: AppClient, scope: str, method: str, path: str, status: int):
    token = smart.ehr.tokens.issue("app", scope, 60, LAUNCH).access_token
    assert smart.fhir(method, path, token).status_code == status


def test_a_patient_scope_finds_nobody_elses_results(smart: AppClient):
    token = smart.ehr.tokens.issue("app", "patient/*.rs", 60, LAUNCH).access_token
    found = smart.fhir("GET", "Observation", token).json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == ["plt-1"]
    assert found["total"] == 1


def test_a_patient_scope_cannot_write_into_another_record(smart: AppClient):
    token = smart.ehr.tokens.issue("app", "patient/Observation.cu", 60, LAUNCH).access_token
    other = smart.fhir("POST", "Observation", token, json=an_observation("ben", "x"))
    moved = smart.fhir("PUT", "Observation/plt-2", token, json=an_observation("ada", "plt-2"))
    own = smart.fhir("POST", "Observation", token, json=an_observation("ada", "x"))
    assert (other.status_code, moved.status_code, own.status_code) == (403, 403, 201)
    smart.ehr.api.store.delete("Observation", own.json()["id"])


def test_each_entry_of_a_transaction_needs_its_own_scope_sm_s3(smart: AppClient):
    token = smart.ehr.tokens.issue("app", "system/Observation.c", 60).access_token
    entries = [
        {"request": {"method": "POST", "url": kind}, "resource": {"resourceType": kind, "status": "final"}}
        for kind in ("Observation", "Task")
    ]
    before = len(smart.ehr.api.store.every("Observation"))
    answer = smart.fhir("POST", "", token, json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert answer.status_code == 403
    assert len(smart.ehr.api.store.every("Observation")) == before
