"""What a call does before it waits for its client's server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cds_hooks.ports import Charts, Client, Fetched
from cds_hooks.turn import Turn
from mappings.queries import Query


@dataclass(frozen=True, slots=True)
class SpendingCharts:
    """The charts of one call: a replay is refused before the client's server hears of it, and others work meanwhile.

    Satisfies `Charts`.
    """

    charts: Charts
    spend: Callable[[], None]  # raises `NotAuthenticated` for a replay
    turn: Turn

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
        """As `Charts.fetch`."""
        with self.turn.aside():
            self.spend()
            return self.charts.fetch(client, fhir_server, access_token, queries, patient_id, until=until)

    def more(
        self, client: Client, fhir_server: str, access_token: str, links: Mapping[str, str], *, until: float
    ) -> Fetched:
        """As `Charts.more`."""
        with self.turn.aside():
            self.spend()
            return self.charts.more(client, fhir_server, access_token, links, until=until)
