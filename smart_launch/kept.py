"""Answers that are kept for a while, so that a server is not asked the same thing again and again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """Values by key, made when asked for and kept for `ttl`; a failure to make one is never kept."""

    def __init__(self, clock: Callable[[], datetime], ttl: timedelta) -> None:
        self._clock = clock
        self._ttl = ttl
        self._lock = Lock()
        self._values: dict[str, tuple[datetime, T]] = {}

    def get(self, key: str, make: Callable[[], T]) -> T:
        """The kept value, else a new one. Two callers may make it at once; both answers are good."""
        now = self._clock()
        with self._lock:
            kept = self._values.get(key)
        if kept is not None and timedelta(0) <= now - kept[0] < self._ttl:
            return kept[1]
        value = make()  # outside the lock: one slow server must not hold up the launches of others
        with self._lock:
            self._values[key] = (now, value)
        return value

    def age(self, key: str) -> timedelta | None:
        """How long the value has been kept; `None` if there is none."""
        with self._lock:
            kept = self._values.get(key)
        return None if kept is None else self._clock() - kept[0]

    def forget(self, key: str) -> None:
        """Make it anew next time."""
        with self._lock:
            self._values.pop(key, None)
