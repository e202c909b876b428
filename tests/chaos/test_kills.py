"""kill -9 at random moments: nothing is lost, nothing is there twice, nothing goes out after a no, nothing is stuck."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.form import LONG, seed_of_this_run
from tests.chaos.house import House, house
from tests.chaos.story import AFTER_THE_CLINICIAN, AFTER_THE_PATIENT, count, open_charts, say_no, settle

REFERRALS, KILLS = (1000, 30) if LONG else (15, 4)
PAUSE_S = (1.0, 6.0) if LONG else (0.3, 1.5)


def amid_kills(running: House, kills: int, *doings: Callable[[], object]) -> None:
    """Do all this at once, while processes die."""
    threads = [threading.Thread(target=doing, daemon=True) for doing in doings]
    done, failed = threading.Event(), []

    def note(args: threading.ExceptHookArgs) -> None:
        failed.append(args.exc_value)

    before, threading.excepthook = threading.excepthook, note
    try:
        for thread in threads:
            thread.start()
        for _ in range(kills):
            done.wait(running.dice.uniform(*PAUSE_S))
            running.kill_one()
        for thread in threads:
            thread.join()
    finally:
        threading.excepthook = before
    assert not failed, failed


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("sqlite", marks=pytest.mark.only_sqlite("both are tried in every run")),
        pytest.param("postgresql", marks=pytest.mark.only_postgresql("both are tried in every run")),
    ],
)
def test_kill_9_at_random_moments_costs_nothing(kind: str, tmp_path: Path) -> None:
    seed = seed_of_this_run()
    print(f"\nchaos kills: {kind}, seed {seed}")
    with house(tmp_path, of=kind, referrals=REFERRALS, seed=seed, embedded=kind == "sqlite") as running:
        third = KILLS // 3
        early, late = running.patients[::7], running.patients[3::7]
        amid_kills(running, third, lambda: open_charts(running, running.patients))
        running.clock.move(AFTER_THE_CLINICIAN)
        amid_kills(running, third, lambda: say_no(running, early), lambda: settle(running, windows_left=True))
        running.clock.move(AFTER_THE_PATIENT)
        amid_kills(
            running, KILLS - 2 * third, lambda: say_no(running, late), lambda: settle(running, windows_left=False)
        )
        settle(running, windows_left=False)
        counts = count(running, [*early, *late])
        print(f"chaos kills: {kind}, seed {seed}: {counts} ({running.kills})")
        assert counts.faultless, f"seed {seed}: {counts}\n{running.logs()}"
