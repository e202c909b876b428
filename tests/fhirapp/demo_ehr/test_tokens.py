from __future__ import annotations

from datetime import timedelta

import pytest

from fhirapp.demo_ehr.clock import DemoClock
from fhirapp.demo_ehr.errors import FhirError
from fhirapp.demo_ehr.tokens import CODE_SECONDS, LAUNCH_SECONDS, Code, Launch, Token, TokenStore

LAUNCH = Launch("ada", "Practitioner/p")


@pytest.fixture
def clock() -> DemoClock:
    return DemoClock()


@pytest.fixture
def tokens(clock: DemoClock) -> TokenStore:
    return TokenStore(clock, "http://127.0.0.1:1/fhir")


def a_code(clock: DemoClock) -> Code:
    return Code("c", "app", "http://localhost:9/cb", "openid", "p", expires=clock.timestamp() + CODE_SECONDS)


@pytest.mark.parametrize(("seconds", "good"), [(LAUNCH_SECONDS - 2, True), (LAUNCH_SECONDS + 1, False)])
def test_a_launch_is_good_for_ten_minutes(tokens: TokenStore, clock: DemoClock, seconds: int, good: bool):
    key = tokens.new_launch(LAUNCH)
    clock.offset = timedelta(seconds=seconds)
    assert (tokens.launch(key) == LAUNCH) is good


@pytest.mark.parametrize(("seconds", "good"), [(CODE_SECONDS - 2, True), (CODE_SECONDS + 1, False)])
def test_a_code_is_good_for_a_minute(tokens: TokenStore, clock: DemoClock, seconds: int, good: bool):
    tokens.keep_code(a_code(clock))
    clock.offset = timedelta(seconds=seconds)
    assert (tokens.spend_code("c", "app") is not None) is good


def test_a_code_of_another_client_is_not_spent_by_the_attempt(tokens: TokenStore, clock: DemoClock):
    tokens.keep_code(a_code(clock))
    assert tokens.spend_code("c", "other") is None
    assert tokens.spend_code("c", "app") is not None


def test_a_refresh_token_is_good_for_its_own_client_only(tokens: TokenStore):
    token = tokens.keep(Token("a", "app", "openid", expires=0, refresh_token="r"))

    class Other:
        def get_client_id(self) -> str:
            return "other"

    assert not token.check_client(Other())


def test_an_assertion_id_is_forgotten_when_it_could_not_be_used_anyway(tokens: TokenStore, clock: DemoClock):
    until = clock.timestamp() + 100
    assert tokens.spend_assertion("app", "j", until)
    assert tokens.spend_assertion("other", "j", until)
    assert not tokens.spend_assertion("app", "j", until)
    clock.offset = timedelta(seconds=200)
    assert tokens.spend_assertion("app", "j", until + 300)


def test_after_a_reset_nobody_is_let_in(tokens: TokenStore):
    token = tokens.issue("app", "system/*.rs", 60)
    key = tokens.new_launch(LAUNCH)
    tokens.revoke_all()
    assert tokens.launch(key) is None
    with pytest.raises(FhirError) as refused:
        tokens.access(token.access_token)
    assert refused.value.status == 401
