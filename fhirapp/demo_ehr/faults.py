"""Faults on order: delay, a status, a connection dropped before or after the work is done."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fhirapp.demo_ehr.errors import invalid

_KNOWN = {"delay_ms", "status", "drop_before", "drop_after", "path", "method", "times", "retry_after", "after_ms"}


@dataclass(slots=True)
class Fault:
    """One rule: what goes wrong, on which requests, how often."""

    path: str = ""  # regular expression, searched for in the path and query below the FHIR base
    method: str = ""
    times: int | None = None  # None: until the rules are replaced
    delay_ms: int = 0  # before the work
    after_ms: int = 0  # after the work, before the answer
    status: int = 0  # answered instead of the work
    retry_after: int | None = None
    drop_before: bool = False
    drop_after: bool = False
    fired: int = field(default=0)

    def wants(self, method: str, path: str) -> bool:
        """Whether this request is one that the fault waits for."""
        left = self.times is None or self.fired < self.times
        return left and self.method in ("", method) and re.search(self.path, path) is not None


class Faults:
    """The rules in force; the first one that fits a request fires."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def replace(self, rules: Any) -> None:
        """Put these rules in force, none for an empty list. Raises 400 for a rule that cannot be read."""
        listed = rules if isinstance(rules, list) else [rules]
        read = [_fault(one) for one in listed]
        with self._lock:
            self._rules = read

    def listed(self) -> Iterable[Mapping[str, Any]]:
        """The rules with how often each has fired."""
        with self._lock:
            return [{name: getattr(rule, name) for name in (*sorted(_KNOWN), "fired")} for rule in self._rules]

    def next(self, method: str, path: str) -> Fault | None:
        """The fault for this request, counted as fired."""
        with self._lock:
            rule = next((one for one in self._rules if one.wants(method, path)), None)
            if rule:
                rule.fired += 1
            return rule

    def standing(self, method: str, path: str) -> int:
        """The status that a rule without an end has for an entry of a batch; 0 for none. It does not count as fired."""
        with self._lock:
            return next((one.status for one in self._rules if one.times is None and one.wants(method, path)), 0)


def pause(milliseconds: int) -> None:
    """Wait, as a slow EHR does."""
    if milliseconds:
        time.sleep(milliseconds / 1000)


def drop_connection(environ: Mapping[str, Any]) -> None:
    """Close the caller's connection under it; what is answered afterwards reaches nobody."""
    connection = environ.get("werkzeug.socket") or environ.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        connection.shutdown(socket.SHUT_RDWR)


def _fault(rule: Any) -> Fault:
    if not isinstance(rule, Mapping) or not set(rule) <= _KNOWN:
        raise invalid(f"A fault has these members: {', '.join(sorted(_KNOWN))}.")
    try:
        re.compile(str(rule.get("path", "")))
    except re.error as error:
        raise invalid("The path of a fault is a regular expression.") from error
    return Fault(**rule)
