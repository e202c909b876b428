"""R4 Subscriptions by rest-hook, without payload: after each write that fits, the subscriber is knocked at.

Notices go out from a thread of their own, so that no write waits for a subscriber. Source: R4 Subscription.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import requests

from fhirapp.demo_ehr import search
from fhirapp.demo_ehr.errors import FhirError
from fhirapp.demo_ehr.parameters import PARAMETERS
from fhirapp.demo_ehr.settings import DemoSettings, Resource
from fhirapp.demo_ehr.store import Store

_TIMEOUT_S: Final = 5.0
_GIVES_UP_AFTER: Final = 5  # notices in a row that nobody took
_STATUSES: Final = frozenset({"requested", "active", "off", "error"})


class Subscriptions:
    """Watches the store and knocks. The thread starts with the first notice and ends with `close`."""

    def __init__(self, settings: DemoSettings, store: Store, clock: Callable[[], datetime]) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._notices: queue.Queue[str | None] = queue.Queue()
        self._failures: dict[str, int] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        store.on_write(self._written)

    def accepted(self, resource: Resource) -> Resource:
        """A Subscription as the server keeps it: one that is asked for is active at once. Raises 422 for any other."""
        channel = resource.get("channel") or {}
        kind, _, query = str(resource.get("criteria", "")).partition("?")
        if channel.get("type") != "rest-hook" or channel.get("payload") or kind not in PARAMETERS:
            raise _refused("This server has rest-hooks without payload, on a search of one of its types.")
        if not self._is_known(str(channel.get("endpoint", ""))):
            raise _refused("This server knocks only at the service that it knows.")
        search.parse(kind, parse_qsl(query, keep_blank_values=True), base=self._settings.fhir_base, default_count=1)
        if resource.get("status") not in _STATUSES:
            raise _refused("The status must be requested, active, off or error.")
        return {**resource, "status": "active"} if resource["status"] == "requested" else resource

    def close(self) -> None:
        """No notice goes out any more."""
        if self._thread is not None:
            self._notices.put(None)
            self._thread.join(timeout=_TIMEOUT_S)

    def wait(self) -> None:
        """Until every notice has gone out."""
        self._notices.join()

    def _is_known(self, endpoint: str) -> bool:
        wanted, here = urlsplit(self._settings.cds_base_url), urlsplit(endpoint)
        return (wanted.scheme, wanted.netloc) == (here.scheme, here.netloc)

    def _written(self, resource: Resource) -> None:
        kind = resource["resourceType"]
        for one in self._store.every("Subscription") if kind != "Subscription" else ():
            if one.get("status") == "active" and not self._over(one) and self._fits(one, resource):
                self._start()
                self._notices.put(one["id"])

    def _over(self, subscription: Resource) -> bool:
        end = subscription.get("end")
        return isinstance(end, str) and datetime.fromisoformat(end) <= self._clock()

    def _fits(self, subscription: Resource, resource: Resource) -> bool:
        kind, _, query = str(subscription["criteria"]).partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        return kind == resource["resourceType"] and search.matches(kind, pairs, resource, base=self._settings.fhir_base)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._deliver, name="demo-ehr-notices", daemon=True)
                self._thread.start()

    def _deliver(self) -> None:
        with requests.Session() as http:
            http.trust_env = False
            while (subscription_id := self._notices.get()) is not None:
                with suppress(FhirError):  # it was deleted meanwhile
                    self._knock(http, subscription_id)
                self._notices.task_done()

    def _knock(self, http: requests.Session, subscription_id: str) -> None:
        subscription = self._store.read("Subscription", subscription_id)
        channel = subscription["channel"]
        headers = dict(line.split(": ", 1) for line in channel.get("header", ()) if ": " in line)
        try:
            answer = http.post(channel["endpoint"], headers=headers, timeout=_TIMEOUT_S, allow_redirects=False)
            taken = answer.status_code < 300
        except requests.RequestException:
            taken = False
        failures = 0 if taken else self._failures.get(subscription_id, 0) + 1
        self._failures[subscription_id] = failures
        if failures == _GIVES_UP_AFTER:
            failed: dict[str, Any] = {**subscription, "status": "error", "error": "Nobody takes the notices."}
            self._store.update("Subscription", subscription_id, failed)


def _refused(text: str) -> FhirError:
    return FhirError(422, "business-rule", text)
