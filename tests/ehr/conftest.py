"""Three FHIR servers, each started once in a run: the demo EHR, HAPI and Medplum."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

import pytest

from fhirapp.demo_ehr.server import serving
from fhirapp.demo_ehr.settings import DemoSettings
from tests.ehr.between import Offer, between
from tests.ehr.house import House, Server, house, seed_staff
from tests.ehr.programs import hapi_or_skip, medplum_or_skip

SERVERS: Final = ("demo", "hapi", "medplum")
OFFERS: Final = (
    Offer(),
    Offer(transactions=False),
    Offer(conditional=False),
    Offer(transactions=False, conditional=False),
)


@contextmanager
def demo() -> Iterator[str]:
    """The FHIR base of a demo EHR that asks for no token."""

    def settings(base: str) -> DemoSettings:
        return DemoSettings(base, base, f"{base}/launch", (), [], require_token=False)

    with serving(settings) as ehr:
        yield ehr.settings.fhir_base


_START: Final[dict[str, Callable[[], AbstractContextManager[str]]]] = {
    "demo": demo,
    "hapi": hapi_or_skip,
    "medplum": medplum_or_skip,
}


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """One of the servers, with the demo hospital's staff."""
    with _START[request.param]() as base:
        started = Server(request.param, base)
        seed_staff(started)
        yield started


@pytest.fixture(params=OFFERS, ids=str)
def each_offer(request: pytest.FixtureRequest) -> Offer:
    """What the EHR offers: transactions and conditional creates, on and off."""
    offer: Offer = request.param
    return offer


@pytest.fixture
def switched(tmp_path: Path, database: str, server: Server, each_offer: Offer) -> Iterator[House]:
    """The service against each server with each offer."""
    with between(server.base, each_offer) as proxy, house(tmp_path, database, server, proxy) as made:
        yield made


@pytest.fixture
def plain(tmp_path: Path, database: str, server: Server) -> Iterator[House]:
    """The service against each server as it is."""
    with between(server.base, Offer()) as proxy, house(tmp_path, database, server, proxy) as made:
        yield made


@pytest.fixture
def asking(tmp_path: Path, database: str, server: Server) -> Iterator[House]:
    """The same for a site that wants the estimates in its chart, and the tag of what a model had a part in."""
    settings = ("[tenants.city.write_back]", "risk_assessments = true", "ai_tag = true")
    with (
        between(server.base, Offer()) as proxy,
        house(tmp_path, database, server, proxy, settings=settings) as made,
    ):
        yield made
