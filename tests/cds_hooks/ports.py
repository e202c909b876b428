"""The room's ports, in memory: real objects that tests read back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cds_hooks.ports import Client, FeedbackEntry, Fetched, HookCall, Offer, TokenUse
from mappings.bundle import Chart, Part
from mappings.queries import Query


@dataclass
class InMemoryClients:
    """Clients by issuer, and a replay memory."""

    clients: dict[str, Client] = field(default_factory=dict)
    used: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def by_issuer(self, issuer: str) -> Client | None:
        return self.clients.get(issuer)

    def first_use(self, use: TokenUse) -> bool:
        if (use.issuer, use.jti) in self.used:
            return False
        self.used[use.issuer, use.jti] = use.expires_at
        return True

    def was_used(self, use: TokenUse) -> bool:
        return (use.issuer, use.jti) in self.used

    def origins(self) -> frozenset[str]:
        return frozenset().union(*(client.cors_origins for client in self.clients.values()))

    def every(self) -> tuple[Client, ...]:
        return tuple(self.clients.values())


@dataclass
class InMemoryCharts:
    """An EHR's answers by key, and by address for further pages."""

    answers: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, bytes] = field(default_factory=dict)
    calls: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)  # server, token, keys or pages
    paths: list[str] = field(default_factory=list)
    deadlines: list[float] = field(default_factory=list)

    def fetch(
        self,
        client: Client,
        fhir_server: str,
        access_token: str,
        queries: Sequence[Query],
        patient_id: str,
        *,
        until: float,
    ) -> Fetched:
        keys = tuple(query.key for query in queries)
        self.paths += [query.path for query in queries]
        self.deadlines.append(until)
        self.calls.append((fhir_server, access_token, keys))
        found = tuple(Part(key, self.answers[key]) for key in keys if key in self.answers)
        return Fetched(found, frozenset(keys) - {part.key for part in found})

    def more(
        self, client: Client, fhir_server: str, access_token: str, links: Mapping[str, str], *, until: float
    ) -> Fetched:
        self.calls.append((fhir_server, access_token, tuple(links.values())))
        self.deadlines.append(until)
        found = tuple(Part(key, self.pages[url]) for key, url in links.items() if url in self.pages)
        return Fetched(found, frozenset(links) - {part.key for part in found})


@dataclass
class InMemoryIntake:
    """Gives the offer that a test prepared, or fails as it says; keeps what it was given."""

    offer: Offer | Callable[[HookCall, Chart], Offer] | Exception
    calls: list[HookCall] = field(default_factory=list)
    charts: list[Chart] = field(default_factory=list)

    def receive(self, call: HookCall, chart: Chart, *, now: datetime) -> Offer:
        self.calls.append(call)
        self.charts.append(chart)
        if isinstance(self.offer, Exception):
            raise self.offer
        return self.offer if isinstance(self.offer, Offer) else self.offer(call, chart)


@dataclass
class InMemoryFeedbacks:
    """Keeps each entry once, as the port asks."""

    entries: dict[tuple[Any, ...], FeedbackEntry] = field(default_factory=dict)
    received: int = 0

    def record(self, client: Client, service_id: str, entries: Iterable[FeedbackEntry], *, now: datetime) -> None:
        for entry in entries:
            self.received += 1
            self.entries.setdefault((client.issuer, entry.card, entry.outcome, entry.suggestions, entry.at), entry)
