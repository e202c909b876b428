from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.cds_hooks import builders
from tests.cds_hooks.conftest import Running
from tests.cds_hooks.hygiene import empties

DISCOVERY = f"{builders.BASE}/cds-services"
PUBLISHED_HOOK_VERSIONS = {"patient-view": "1.0", "order-sign": "1.0"}
TOKENS = {"patient-view": {"patientId", "userId"}, "order-sign": {"patientId", "userId"}}  # root level, always there


def test_ch_d1_ch_d3_ch_d4_discovery_lists_each_service_with_what_a_client_needs(service: Running):
    response = service.http.get("/cds-services")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    body = response.get_json()
    assert list(empties(body)) == []
    assert {(one["id"], one["hook"]) for one in body["services"]} == {
        ("exercise-referral", "patient-view"),
        ("exercise-referral", "order-sign"),
    }
    for one in body["services"]:
        assert all(one[name] for name in ("title", "description", "usageRequirements"))
        assert re.fullmatch(r"\d+\.\d+\.\d+", one["version"])
        assert one["hookVersion"] == PUBLISHED_HOOK_VERSIONS[one["hook"]]  # CH-D6


def test_ch_d5_ch_p1_ch_p2_ch_p3_templates_are_what_a_2_0_client_can_fill_in(service: Running):
    for one in service.http.get("/cds-services").get_json()["services"]:
        for template in one["prefetch"].values():
            tokens = re.findall(r"\{\{(.*?)\}\}", template)
            assert tokens
            assert all(token.strip().removeprefix("context.") in TOKENS[one["hook"]] for token in tokens)
            query = urlsplit(template.replace("{{", "").replace("}}", "")).query
            for name, value in parse_qsl(query):
                assert re.fullmatch(r"[a-z-]+|_count|_sort", name), name  # no chain, modifier or include
                assert not value.startswith(("sa", "eb", "ne")) or "|" in value


def test_the_same_template_text_is_used_by_both_hooks_so_that_clients_read_once(service: Running):
    first, second = service.http.get("/cds-services").get_json()["services"]
    assert first["prefetch"] == second["prefetch"]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, builders.bearer(aud=DISCOVERY)])
def test_ch_d9_discovery_is_open_with_and_without_a_token(service: Running, headers: dict[str, str]):
    assert service.http.get("/cds-services", headers=headers).status_code == 200


def test_ch_d9_a_site_may_close_discovery(service: Running):
    service.settings["discovery_needs_jwt"] = True
    assert service.http.get("/cds-services").status_code == 401
    assert service.http.get("/cds-services", headers=builders.bearer()).status_code == 401  # aud of the service
    assert service.http.get("/cds-services", headers=builders.bearer(aud=DISCOVERY)).status_code == 200
