"""One request in the air per key: whoever asks meanwhile gets the same answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """Joins callers that ask for the same thing at the same time; they share the failure as well.

    It works inside one process. Where several workers share a session, the session's row is locked too.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._in_the_air: dict[str, Future[T]] = {}

    def join(self, key: str, make: Callable[[], T]) -> T:
        """The result of the call that is under way for `key`, or of `make` if there is none."""
        with self._lock:
            flight = self._in_the_air.get(key)
            if mine := flight is None:
                flight = self._in_the_air[key] = Future()
        if mine:
            self._fly(key, flight, make)
        return flight.result()

    def _fly(self, key: str, flight: Future[T], make: Callable[[], T]) -> None:
        try:
            flight.set_result(make())
        except BaseException as error:  # it rises again from result(), here and in all who wait
            flight.set_exception(error)
        finally:
            with self._lock:
                del self._in_the_air[key]
