"""The EHR's clock: real time, plus an offset that the test controls may set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class DemoClock:
    """The time of the demo EHR; `offset` moves it without anybody having to sleep."""

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self.offset = offset

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def timestamp(self) -> int:
        """Whole seconds since 1970, as tokens carry them."""
        return int(self().timestamp())
