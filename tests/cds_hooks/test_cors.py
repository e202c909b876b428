from __future__ import annotations

import pytest

from tests.cds_hooks import builders
from tests.cds_hooks.conftest import Running

SANDBOX = "http://localhost:8080"
PATHS = ["/cds-services", "/cds-services/exercise-referral", "/cds-services/exercise-referral/feedback"]


def preflight(service: Running, path: str, origin: str):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    return service.http.options(path, headers={"Origin": origin} | asked)


@pytest.mark.parametrize("path", PATHS)
def test_ch_x1_the_sandbox_may_ask_with_its_token(service: Running, path: str):
    response = preflight(service, path, SANDBOX)
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == SANDBOX
    allowed = response.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"authorization", "content-type"} <= set(allowed)
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert "Origin" in response.headers["Vary"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:8080.evil.example", "*"])
@pytest.mark.parametrize("path", PATHS)
def test_ch_x1_another_origin_gets_no_leave(service: Running, path: str, origin: str):
    assert "Access-Control-Allow-Origin" not in preflight(service, path, origin).headers


def test_ch_x1_answers_and_errors_can_be_read_by_the_page(service: Running):
    good = service.post(builders.body(builders.a_request()), headers=builders.bearer() | {"Origin": SANDBOX})
    refused = service.post(b"{}", headers={"Authorization": "Bearer x", "Origin": SANDBOX})
    assert (good.status_code, refused.status_code) == (200, 401)
    for response in (good, refused):
        assert response.headers["Access-Control-Allow-Origin"] == SANDBOX


def test_ch_x1_one_clients_page_cannot_read_the_answers_to_another(service: Running):
    other = builders.a_client(issuer="https://other.example", cors_origins=frozenset(("https://page.example",)))
    service.clients.clients[other.issuer] = other
    response = service.post(
        builders.body(builders.a_request()), headers=builders.bearer() | {"Origin": "https://page.example"}
    )
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers
