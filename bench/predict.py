"""How long one estimate takes: the trees alone and with the features, on a quiet machine and with both cores busy.

Run `python -m bench.predict`. Prints microseconds: the 12.5th percentile, which neighbours on a shared machine move
least, and the median. The aim is a median of 30 us for one row quiet, and at most 1.5 times that with both cores busy.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from models.booster import InstalledEstimators, load_estimators
from models.features import row_of
from models.snapshot import Fact, PatientSnapshot, Reading, When

AIM_US: Final = 30.0
BUSY_FACTOR: Final = 1.5
_AS_OF: Final = datetime(2026, 11, 25, tzinfo=UTC)
_THEN: Final = When(_AS_OF, _AS_OF)
_TOLD: Final = {
    "weight": 71.0, "height": 168.0, "waist": 92.0, "smoking": "former", "self_rated_health": 3.0,
    "mobility_limitation": False, "walking_aid": False, "hospital_overnight": True, "marital_status": "M",
}  # fmt: skip


def a_patient() -> PatientSnapshot:
    """A patient of whom most is known."""
    born = datetime(1961, 4, 2, tzinfo=UTC)
    return PatientSnapshot(
        patient_id="bench",
        as_of=_AS_OF,
        birth=When(born, born),
        sex="female",
        values={alias: (Reading(alias, value, "", _THEN, "Observation/1"),) for alias, value in _TOLD.items()},
        facts={name: (Fact(name, "condition", "", "x", "x", "Condition/1"),) for name in ("vs.cancer", "vs.diabetes")},
    )


def main() -> None:
    """Measure quiet, then with as many spinning neighbours as there are cores."""
    estimators, patient = load_estimators(), a_patient()
    estimators.warm()
    print(f"one estimate, microseconds (12.5th percentile, median); load before: {os.getloadavg()[0]:.1f}")
    quiet = _all(estimators, patient)
    with _neighbours(os.cpu_count() or 2):
        busy = _all(estimators, patient)
    for name, (low, middle) in quiet.items():
        print(f"  {name:<34} quiet {low:7.1f} {middle:7.1f}   busy {busy[name][0]:7.1f} {busy[name][1]:7.1f}")
    quiet_us, busy_us = quiet["risk, one row, trees"], busy["risk, one row, trees"]
    print(f"  trees alone: {quiet_us[1]:.1f} us median (aim {AIM_US:.0f}); busy / quiet {busy_us[1] / quiet_us[1]:.2f} "
          f"median, {busy_us[0] / quiet_us[0]:.2f} at the 12.5th percentile (aim {BUSY_FACTOR})")  # fmt: skip


def _all(estimators: InstalledEstimators, patient: PatientSnapshot) -> dict[str, tuple[float, float]]:
    found = {}
    for name in ("risk", "adherence"):
        model = estimators.models[name]
        row = row_of(model.features, patient)
        found[f"{name}, one row, trees"] = _timed(lambda model=model, row=row: model.probability(row))  # type: ignore[misc]
        found[f"{name}, features and trees"] = _timed(lambda name=name: estimators.estimate(name, patient))  # type: ignore[misc]
    found["risk, reasons (TreeSHAP)"] = _timed(lambda: estimators.explain(patient, "risk"), 300)
    return found


def _timed(call: Callable[[], object], times: int = 3000) -> tuple[float, float]:
    took = []
    for _ in range(times):
        begun = time.perf_counter_ns()
        call()
        took.append((time.perf_counter_ns() - begun) / 1000)
    return statistics.quantiles(took, n=8)[0], statistics.median(took)


@contextmanager
def _neighbours(count: int) -> Iterator[None]:
    """Other processes that keep the cores busy meanwhile; they end with the block."""
    running = [multiprocessing.get_context("spawn").Process(target=_spin, daemon=True) for _ in range(count)]
    for one in running:
        one.start()
    time.sleep(1.0)
    try:
        yield
    finally:
        for one in running:
            one.terminate()
            one.join()


def _spin() -> None:
    while True:
        sum(range(10_000))


if __name__ == "__main__":
    main()
