from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.cds_hooks import builders
from tests.cds_hooks.conftest import Running
from tests.cds_hooks.hygiene import empties

DISCOVERY = f"{builders.BASE}/cds-services"
PUBLISHED_HOOK_VERSIONS = {
    "patient-view": "1.0",
    "order-sign": "1.0",
    "encounter-start": "1.0",
    "encounter-discharge": "1.0",
    "problem-list-item-create": "0.1.0",
    "appointment-book": "1.0",
    "order-select": "1.0",
    "order-dispatch": "1.1",
}
TOKENS = {"patientId"}  # at the root of every hook's context, and always there
TOO = {"order-dispatch": {"performer"}}  # which has no userId


def test_ch_d1_ch_d3_ch_d4_discovery_lists_each_service_with_what_a_client_needs(service: Running):
    response = service.http.get("/cds-services")
    assert (response.status_code, response.mimetype) == (200, "application/json")
    body = response.get_json()
    assert list(empties(body)) == []
    listed = {(one["id"], one["hook"]) for one in body["services"]}
    # CH-X3: the silence of these must take no card away.
    of_their_own = {"order-select": "exercise-referral-warm-up", "order-dispatch": "exercise-programme-choice"}
    assert listed == {(of_their_own.get(hook, "exercise-referral"), hook) for hook in PUBLISHED_HOOK_VERSIONS}
    for one in body["services"]:
        assert all(one[name] for name in ("title", "description", "usageRequirements"))
        assert re.fullmatch(r"\d+\.\d+\.\d+", one["version"])
        assert one["hookVersion"] == PUBLISHED_HOOK_VERSIONS[one["hook"]]  # CH-D6


def test_ch_d5_ch_d8_ch_p1_ch_p2_ch_p3_templates_are_what_a_2_0_client_can_fill_in(service: Running):
    for one in service.http.get("/cds-services").get_json()["services"]:
        for template in one["prefetch"].values():
            tokens = re.findall(r"\{\{(.*?)\}\}", template)
            assert tokens
            allowed = TOKENS | TOO.get(one["hook"], set())
            assert all(token.strip().removeprefix("context.") in allowed for token in tokens)
            query = urlsplit(template.replace("{{", "").replace("}}", "")).query
            for name, value in parse_qsl(query):
                assert re.fullmatch(r"[a-z-]+|_count|_sort", name), name  # no chain, modifier or include
                assert not value.startswith(("sa", "eb", "ne")) or "|" in value


def test_all_hooks_ask_with_the_same_template_texts_so_that_clients_read_once(service: Running):
    first, *others = service.http.get("/cds-services").get_json()["services"]
    assert all(first["prefetch"].items() <= other["prefetch"].items() for other in others)


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nonsense"}, builders.bearer(aud=DISCOVERY)])
def test_ch_d9_discovery_is_open_with_and_without_a_token(service: Running, headers: dict[str, str]):
    assert service.http.get("/cds-services", headers=headers).status_code == 200


def test_ch_d9_a_site_may_close_discovery(service: Running):
    service.settings["discovery_needs_jwt"] = True
    assert service.http.get("/cds-services").status_code == 401
    assert service.http.get("/cds-services", headers=builders.bearer()).status_code == 401  # aud of the service
    assert service.http.get("/cds-services", headers=builders.bearer(aud=DISCOVERY)).status_code == 200
