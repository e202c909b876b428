"""Tokens for the service itself: cached, fetched once however many ask. Source: SM-B1, SM-K2."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from flask import Response, jsonify
from joserfc import jws

from smart_launch.backend_services import BackendTokens
from smart_launch.errors import KeyFault, ServerUnreachable, TokenRefused
from smart_launch.http import new_session
from smart_launch.keys import KeyRing, KeyRings
from smart_launch.ports import Registration
from smart_launch.scopes import parse_scopes
from tests.smart_launch.authorization_server import ABSENT, AuthorizationServer, running
from tests.smart_launch.conftest import MovedClock


@pytest.fixture
def tokens(keyring: KeyRing, clock: MovedClock) -> BackendTokens:
    return BackendTokens(keyring, new_session(), clock)


def registered(ehr: AuthorizationServer, **changes: Any) -> Registration:
    return Registration(
        **{
            "iss": ehr.iss,
            "tenant_id": "north",
            "client_id": "stride",
            "insecure_http": True,
            "backend_client_id": "stride-backend",
            **changes,
        }
    )


def test_sm_b1_a_system_token_is_asked_for_with_an_assertion(ehr: AuthorizationServer, tokens: BackendTokens) -> None:
    assert tokens.token(registered(ehr)).startswith("access-")
    [call] = ehr.called("/token")
    assert set(call.form) == {"grant_type", "scope", "client_assertion_type", "client_assertion"}
    assert call.form["grant_type"] == ["client_credentials"]
    assert ehr.faults == []


def test_sm_b1_a_key_of_one_tenant_never_speaks_for_another(clock: MovedClock) -> None:
    """Two EHRs that each know the keys of one tenant alone; both are one installation's."""
    rings = KeyRings(KeyRing.generated(), {"north": KeyRing.generated(), "south": KeyRing.generated()})
    tokens = BackendTokens(rings, new_session(), clock)
    for tenant in ("north", "south", "west"):
        with running(AuthorizationServer(clock=clock, client_jwks=rings.of(tenant).jwks)) as theirs:
            for name in ("north", "south", "west"):
                registration = registered(theirs, tenant_id=name)
                if name == tenant:
                    assert tokens.token(registration).startswith("access-")
                    call = theirs.called("/token")[-1]
                    kid = jws.extract_compact(call.form["client_assertion"][0].encode()).headers()["kid"]
                    assert kid in rings.of(tenant).kids
                else:
                    with pytest.raises((TokenRefused, ServerUnreachable)):
                        tokens.token(registration)


@pytest.mark.parametrize(
    ("capabilities", "own", "asked"),
    [
        (["permission-v2"], "", "system/Task.crus"),
        (["permission-v1"], "", "system/Task.write"),
        (["permission-v2"], "system/Task.r", "system/Task.r"),
    ],
    ids=["v2", "v1", "the registration's own"],
)
def test_sm_b1_system_scopes_are_asked_for_in_the_servers_grammar(
    ehr: AuthorizationServer, tokens: BackendTokens, capabilities: list[str], own: str, asked: str
) -> None:
    ehr.configuration_changes = {"capabilities": capabilities}
    tokens.token(registered(ehr, backend_scopes=own))
    [scope] = ehr.called("/token")[0].form["scope"]
    assert asked in scope.split()
    assert {resource.level for resource in parse_scopes(scope).resources} == {"system"}
    assert parse_scopes(scope).words == set()


@pytest.mark.parametrize(("expires_in", "last_good_second"), [(300, 269), (3600, 3569), ("60", 29), (ABSENT, 269)])
def test_sm_b1_a_token_is_kept_until_half_a_minute_before_its_end(
    ehr: AuthorizationServer,
    tokens: BackendTokens,
    clock: MovedClock,
    expires_in: object,
    last_good_second: int,
) -> None:
    ehr.token_changes = {"expires_in": expires_in}
    first = tokens.token(registered(ehr))
    clock.move(seconds=last_good_second)
    assert tokens.token(registered(ehr)) == first
    clock.move(seconds=1)
    assert tokens.token(registered(ehr)) != first
    assert ehr.faults == [], "the second request must have a jti of its own"
    assert len(ehr.seen_jti) == 2


def test_sm_b1_a_token_that_lives_less_than_the_margin_is_given_out_and_not_kept(
    ehr: AuthorizationServer, tokens: BackendTokens
) -> None:
    ehr.token_changes = {"expires_in": 20}
    assert tokens.token(registered(ehr)) != tokens.token(registered(ehr))


def test_sm_b1_many_threads_share_one_request(ehr: AuthorizationServer, tokens: BackendTokens) -> None:
    asked, go = threading.Event(), threading.Event()

    def slow() -> Response:
        asked.set()
        assert go.wait(5)
        ehr.issued += 1
        return jsonify(access_token=f"t{ehr.issued}", token_type="bearer", expires_in=300)

    ehr.answers["/token"] = slow
    with ThreadPoolExecutor(12) as pool:
        waiting = [pool.submit(tokens.token, registered(ehr)) for _ in range(12)]
        assert asked.wait(5)
        go.set()
        got = {future.result(timeout=5) for future in waiting}
    assert got == {"t1"}
    assert ehr.issued == 1


def test_sm_b1_a_failure_is_shared_by_those_who_wait_and_forgotten_afterwards(
    ehr: AuthorizationServer, tokens: BackendTokens
) -> None:
    ehr.answers["/token"] = lambda: Response("busy", status=503)
    for _ in range(2):
        with pytest.raises(ServerUnreachable):
            tokens.token(registered(ehr))
    assert len(ehr.called("/token")) == 2
    del ehr.answers["/token"]
    assert tokens.token(registered(ehr)).startswith("access-")


def test_sm_b1_after_a_401_the_next_call_asks_again(ehr: AuthorizationServer, tokens: BackendTokens) -> None:
    first = tokens.token(registered(ehr))
    tokens.forget(registered(ehr), refused=first)
    second = tokens.token(registered(ehr))
    assert second != first
    tokens.forget(registered(ehr), refused=first)
    assert tokens.token(registered(ehr)) == second, "a late 401 for the old token must not drop the new one"
    tokens.forget(registered(ehr))
    assert tokens.token(registered(ehr)) != second


def test_forgetting_what_was_never_there_is_fine(ehr: AuthorizationServer, tokens: BackendTokens) -> None:
    tokens.forget(registered(ehr))


def test_each_tenant_and_client_has_its_own_token(ehr: AuthorizationServer, tokens: BackendTokens) -> None:
    north = tokens.token(registered(ehr))
    south = tokens.token(registered(ehr, tenant_id="south"))
    other = tokens.token(registered(ehr, backend_client_id="stride"))
    assert len({north, south, other}) == 3
    assert tokens.token(registered(ehr)) == north


def test_without_a_backend_client_nobody_is_asked(ehr: AuthorizationServer, tokens: BackendTokens) -> None:
    with pytest.raises(KeyFault):
        tokens.token(registered(ehr, backend_client_id=None))
    assert ehr.calls == []


def test_a_refusal_names_its_code_and_no_free_text(ehr: AuthorizationServer, tokens: BackendTokens) -> None:
    ehr.refuse_with = "invalid_scope"
    with pytest.raises(TokenRefused) as caught:
        tokens.token(registered(ehr))
    assert caught.value.error == "invalid_scope"
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_sm_b1_a_token_that_lands_between_look_and_request_is_used(
    ehr: AuthorizationServer, keyring: KeyRing, clock: MovedClock
) -> None:
    """Another thread fetches the token just after we saw that ours had run out."""
    got: list[str] = []
    meanwhile: list[Callable[[], str]] = []

    def interrupted_clock() -> datetime:
        while meanwhile:
            got.append(meanwhile.pop()())
        return clock()

    tokens = BackendTokens(keyring, new_session(), interrupted_clock)
    tokens.token(registered(ehr))
    clock.move(minutes=10)
    meanwhile.append(lambda: tokens.token(registered(ehr)))
    assert [tokens.token(registered(ehr))] == got
    assert len(ehr.called("/token")) == 2
