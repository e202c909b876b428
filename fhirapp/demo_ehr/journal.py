"""The last requests to the FHIR server, for tests: what was asked, under which condition, how it ended."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from threading import Lock
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One request; never its body, never its token."""

    number: int
    at: str
    method: str
    path: str
    status: int
    client_id: str
    if_match: str | None
    if_none_exist: str | None
    milliseconds: float


class Journal:
    """A ring of the last requests."""

    def __init__(self, length: int = 5000) -> None:
        self._lines: deque[Line] = deque(maxlen=length)
        self._lock = Lock()
        self._number = 0

    def write(self, **line: Any) -> None:
        """Add one request; lines are numbered from 1."""
        with self._lock:
            self._number += 1
            self._lines.append(Line(number=self._number, **line))

    def since(self, number: int = 0) -> list[dict[str, Any]]:
        """The lines after that number, oldest first."""
        with self._lock:
            return [asdict(line) for line in self._lines if line.number > number]

    def clear(self) -> None:
        """Forget the lines; the numbering goes on."""
        with self._lock:
            self._lines.clear()
