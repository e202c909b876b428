"""One call at a time works; whoever waits steps aside."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from cds_hooks.ports import Fetched
from cds_hooks.turn import Turn
from tests.cds_hooks import builders
from tests.cds_hooks.conftest import Running


def is_free(turn: Turn) -> bool:
    """Whether another thread could work now."""
    found: list[bool] = []

    def look() -> None:
        found.append(turn._lock.acquire(blocking=False))
        if found[0]:
            turn._lock.release()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found[0]


def test_a_turn_is_one_threads_and_ends_with_the_block_however_it_ends() -> None:
    turn = Turn()
    with turn.taken():
        assert not is_free(turn)
        with turn.aside():
            assert is_free(turn)
        assert not is_free(turn)
        with pytest.raises(RuntimeError), turn.aside():
            raise RuntimeError
        assert not is_free(turn)
    assert is_free(turn)


def test_stepping_aside_without_a_turn_takes_none() -> None:
    turn = Turn()
    with turn.aside():
        pass
    assert is_free(turn)


def test_nobody_waits_for_a_call_that_waits_for_its_ehr(service: Running) -> None:
    turn, seen = Turn(), []
    service.settings["turn"] = turn

    def fetch(*_: Any, **__: Any) -> Fetched:
        seen.append(is_free(turn))
        return Fetched(failed=frozenset(("labs",)))

    def receive(call: Any, chart: Any) -> Any:
        seen.append(is_free(turn))
        return builders.an_offer()

    service.charts.fetch, service.intake.offer = fetch, receive  # type: ignore[method-assign]
    prefetch = builders.a_prefetch()
    del prefetch["labs"]
    request = builders.a_request(
        fhirServer=builders.FHIR_SERVER, fhirAuthorization=builders.access(), prefetch=prefetch
    )
    assert service.call(request).status_code == 200
    assert seen == [True, False]
    assert is_free(turn)
