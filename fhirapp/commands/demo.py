"""`stride demo`: a demo hospital and the service on this machine, to try or to prove."""

from __future__ import annotations

import argparse
import shutil
import signal
import socket
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from fhirapp.demo.charts_run import Look, days_in, looks, outcomes
from fhirapp.demo.scene import Scene, StepFailed
from fhirapp.demo.stage import Stage, StageFailed, free_port, prepare, stage
from fhirapp.demo.story import steps
from fhirapp.demo_ehr.errors import ChartUnreadable
from fhirapp.demo_ehr.patients import example_charts, practitioners_and_organizations

EHR_PORT, STRIDE_PORT = 8701, 8700


def add(commands: Any) -> None:
    """Register the command."""
    demo = commands.add_parser(
        "demo",
        help="a demo hospital and the service on this machine",
        description="Starts a demo EHR with invented patients, the service under gunicorn and a worker, all on "
        "loopback with SQLite, and prints the addresses to open. Ctrl-C ends everything. With --check it plays the "
        "whole story without a browser, prints a line for each step, and exits 0, or 1 with the step that failed.",
    )
    demo.add_argument("--check", action="store_true", help="play the story headless on free ports, then end")
    demo.add_argument(
        "--charts",
        type=Path,
        metavar="DIR",
        help="use the FHIR R4 Bundles in this folder (.json, .json.gz, one patient each) instead of ours",
    )
    demo.add_argument(
        "--as-of",
        type=Path,
        metavar="FILE",
        help='the day to look at each chart, as JSON {"patient id": "2018-08-02"}; default: its latest record',
    )
    demo.add_argument("--folder", type=Path, help="keep database, keys and logs here (default: a temporary folder)")
    demo.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo, or prove it."""
    signal.signal(signal.SIGTERM, _interrupt)  # whoever ends the demo ends the processes that it started
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="stride-demo-"))
    started = time.monotonic()
    try:
        charts = _charts(arguments)
        if arguments.check and charts is not None:
            return check_charts(folder, charts)
        if arguments.check:
            return check_story(folder, started)
        return show(folder, charts)
    except (ChartUnreadable, ValueError, OSError) as error:
        print(f"The charts cannot be used: {error}", file=sys.stderr)
        return 2
    except StageFailed as error:
        print(f"FAILED to start: {error}", file=sys.stderr)
        return 1
    finally:
        if arguments.folder is None:
            shutil.rmtree(folder, ignore_errors=True)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def check_story(folder: Path, started: float) -> int:
    """Play every step; stop at the first that fails."""
    bundles, stories = built_in()
    with stage(folder, bundles, stories) as running:
        scene = Scene(running)
        print(f"ok   stage    demo EHR, service and worker are up  ({time.monotonic() - started:.1f} s)")
        for step in steps():
            begun = time.monotonic()
            try:
                step.run(scene)
            except StepFailed as error:
                print(f"FAIL ({step.letter})      {step.said}\n     {error}")
                return 1
            print(f"ok   ({step.letter})      {step.said}  ({time.monotonic() - begun:.1f} s)", flush=True)
    print(f"The whole story holds  ({time.monotonic() - started:.1f} s)")
    return 0


def check_charts(folder: Path, charts: list[Look]) -> int:
    """Send every chart down the road and print where it came to."""
    failed = queued = 0
    with stage(folder, [_staff(), *(look.bundle for look in charts)], {}) as running:
        try:
            for outcome in outcomes(Scene(running), charts):
                failed += not outcome.good
                queued += outcome.state == "queued"
                print(f"{'ok  ' if outcome.good else 'FAIL'} {outcome.line}", flush=True)
        except StepFailed as error:
            print(f"FAIL {error}")
            return 1
    print(f"{queued} of {len(charts)} charts reached the queue; {failed} are not where they must be")
    return 1 if failed else 0


def show(folder: Path, charts: list[Look] | None) -> int:
    """Start everything, say where to look, and wait for Ctrl-C."""
    bundles, stories = built_in() if charts is None else ([_staff(), *(look.bundle for look in charts)], {})
    ports = (_port(EHR_PORT), _port(STRIDE_PORT))
    running = prepare(folder, bundles, stories, ports=ports)
    print("Starting the demo hospital ...", flush=True)
    try:
        running.start()
        print(_addresses(running), flush=True)
        while True:
            running.check()
            time.sleep(1)
    except KeyboardInterrupt:
        print("\nStopping ...", flush=True)
        return 0
    finally:
        running.stop()


def built_in() -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Our own patients, and what to look at in each."""
    charts = example_charts(date.today())  # noqa: DTZ011 - a demo on this machine, in its own zone
    return [_staff(), *(chart.bundle for chart in charts)], {chart.patient_id: chart.story for chart in charts}


def _staff() -> dict[str, Any]:
    entries = [{"resource": resource} for resource in practitioners_and_organizations()]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _charts(arguments: argparse.Namespace) -> list[Look] | None:
    if arguments.charts is None:
        return None
    today = date.today()  # noqa: DTZ011 - a demo on this machine, in its own zone
    return looks(arguments.charts, days_in(arguments.as_of), today)


def _port(wanted: int) -> int:
    """The usual port, or a free one when somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return free_port()
    return wanted


def _addresses(running: Stage) -> str:
    return f"""
  The hospital's record system   {running.ehr_url}/
     open a patient, see the card, sign or say no, open Stride in its frame
  The navigators' queue          {running.ehr_url}/launch/queue
  The patients' notices          {running.stride_url}/outbox
  The service                    {running.stride_url}/

  Let time pass                  {running.stride_url}/demo
     the clinician has 72 hours, the patient 7 days

  Logs and database are in {running.folder}
  Ctrl-C ends everything."""
