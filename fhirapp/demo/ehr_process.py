"""The demo EHR as a process of its own: `python -m fhirapp.demo.ehr_process FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from fhirapp.demo.settings import APP_CLIENT, BACKEND_CLIENT, CLINICIAN, NAVIGATOR
from fhirapp.demo_ehr.server import run
from fhirapp.demo_ehr.settings import DemoClient, DemoSettings
from smart_launch import scopes


def settings_of(folder: Path) -> tuple[DemoSettings, int]:
    """The EHR's settings and port, as the stage wrote them."""
    told = json.loads((folder / "ehr.json").read_text(encoding="utf-8"))
    stride, jwks = told["stride_url"], f"{told['stride_url']}/smart/jwks.json"
    app = DemoClient(APP_CLIENT, jwks, (f"{stride}/smart/callback",), scopes.CLINICIAN, "app")
    backend = DemoClient(BACKEND_CLIENT, jwks, (), scopes.BACKEND, "backend")
    settings = DemoSettings(
        base_url=told["ehr_url"],
        cds_base_url=stride,
        launch_url=f"{stride}/smart/launch",
        clients=(app, backend),
        charts=json.loads((folder / "charts.json").read_text(encoding="utf-8")),
        stories=told["stories"],
        practitioner_id=CLINICIAN,
        navigator_id=NAVIGATOR,
        key_dir=folder,
        admin=True,
    )
    return settings, int(told["port"])


def main() -> None:
    """Serve until the process ends."""
    settings, port = settings_of(Path(sys.argv[1]))
    run(settings, port)


if __name__ == "__main__":
    main()
