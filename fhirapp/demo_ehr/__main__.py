"""The demo EHR alone: `python -m fhirapp.demo_ehr --stride http://localhost:8700`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from fhirapp.demo_ehr.loader import read_folder
from fhirapp.demo_ehr.patients import example_charts, practitioners_and_organizations
from fhirapp.demo_ehr.server import HOST, run
from fhirapp.demo_ehr.settings import DemoClient, DemoSettings, Resource
from smart_launch.scopes import BACKEND, CLINICIAN


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(
        prog="python -m fhirapp.demo_ehr",
        description="A small EHR in memory: FHIR R4 at /fhir, a SMART authorization server, and pages at /. "
        "It binds to loopback only and keeps nothing when it ends.",
    )
    options.add_argument("--port", type=int, default=8701, help="port on 127.0.0.1 (default: 8701)")
    options.add_argument("--stride", default="http://localhost:8700", metavar="URL", help="where the service is")
    options.add_argument("--charts", type=Path, metavar="DIR", help="Bundles to load in place of our own patients")
    options.add_argument("--keys", type=Path, metavar="DIR", help="keep keys here; otherwise new ones at each start")
    options.add_argument("--admin", action="store_true", help="test controls under /_admin")
    options.add_argument("--open", action="store_true", help="ask for no token: for tools that know no SMART")
    return options


def settings_of(arguments: argparse.Namespace) -> DemoSettings:
    """The settings that the options mean."""
    stride = arguments.stride.rstrip("/")
    jwks = f"{stride}/smart/jwks.json"
    examples = example_charts(datetime.now(UTC).date())
    staff: Resource = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": one} for one in practitioners_and_organizations()],
    }
    charts = read_folder(arguments.charts) if arguments.charts else [one.bundle for one in examples]
    return DemoSettings(
        base_url=f"http://{HOST}:{arguments.port}",
        cds_base_url=stride,
        launch_url=f"{stride}/smart/launch",
        clients=(
            DemoClient("stride-app", jwks, (f"{stride}/smart/callback",), tuple(CLINICIAN), "app"),
            DemoClient("stride-backend", jwks, (), tuple(BACKEND), "backend"),
        ),
        charts=[staff, *charts],
        stories={} if arguments.charts else {one.patient_id: one.story for one in examples},
        practitioner_id="dr-lind",
        navigator_id="nav-ray",
        key_dir=arguments.keys,
        admin=arguments.admin,
        require_token=not arguments.open,
    )


def main(words: Sequence[str] | None = None) -> None:
    """Serve until the process ends."""
    arguments = parser().parse_args(words)
    run(settings_of(arguments), arguments.port)


if __name__ == "__main__":
    main()
