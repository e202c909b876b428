"""How long the clinical engine takes on a chart that is parsed: snapshot, all rules, prescription.

Run `python -m bench.engine`. The two models are left out; `bench.hooks` has them. Prints microseconds of processor time
at the 12.5th percentile and the median, and beside them the wall clock.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import TypeVar

from bench.reading import AS_OF, PATIENT, SIZES, payload
from mappings.bundle import Chart, read_chart
from mappings.from_fhir.snapshot import snapshot_from
from models.proposal import decide

T = TypeVar("T")

ROUNDS = {20: 2000, 200: 1500, 2000: 300}


def main() -> None:
    """Print a line a size."""
    gc.freeze()
    print("clinical engine on a parsed chart: snapshot + all rules + prescription   (microseconds)")
    heads = ("observations", "snapshot", "decide", "both 12.5 %", "both median", "wall", "parse", "all three")
    print("{:>12} {:>9} {:>9} {:>12} {:>12} {:>9} {:>9} {:>10}".format(*heads))
    for size in SIZES:
        _print(size)


def _print(size: int) -> None:
    parts = payload(size)
    snapshot = snapshot_from(read_chart(parts, patient_id=PATIENT), as_of=AS_OF)

    def chart() -> Chart:
        return read_chart(parts, patient_id=PATIENT)

    reading, _ = _times(chart, lambda read: snapshot_from(read, as_of=AS_OF), ROUNDS[size])
    deciding, _ = _times(chart, lambda _: decide(snapshot), ROUNDS[size])
    cpu, wall = _times(chart, lambda read: decide(snapshot_from(read, as_of=AS_OF)), ROUNDS[size])
    parsing, _ = _times(lambda: parts, lambda bodies: read_chart(bodies, patient_id=PATIENT), ROUNDS[size])
    whole, _ = _times(
        lambda: parts,
        lambda bodies: decide(snapshot_from(read_chart(bodies, patient_id=PATIENT), as_of=AS_OF)),
        ROUNDS[size],
    )
    eighth = sorted(cpu)[len(cpu) // 8]
    print(
        f"{size:>12} {statistics.median(reading):>9.0f} {statistics.median(deciding):>9.0f} "
        f"{eighth:>12.0f} {statistics.median(cpu):>12.0f} {statistics.median(wall):>9.0f} "
        f"{statistics.median(parsing):>9.0f} {statistics.median(whole):>10.0f}"
    )


def _times(prepare: Callable[[], T], work: Callable[[T], object], rounds: int) -> tuple[list[float], list[float]]:
    """Processor and wall times of `work` on a value that is prepared outside the watch."""
    cpu, wall = [], []
    for _ in range(rounds):
        ready = prepare()
        begun, clock = time.thread_time_ns(), time.perf_counter_ns()
        work(ready)
        wall.append((time.perf_counter_ns() - clock) / 1000)
        cpu.append((time.thread_time_ns() - begun) / 1000)
    return cpu, wall


if __name__ == "__main__":
    main()
