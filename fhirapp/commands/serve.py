"""`stride serve` and `stride worker`: the running service."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import fhirapp.gunicorn_settings
from fhirapp.config import Config
from fhirapp.db.base import engine_for
from fhirapp.db.schema import upgrade
from fhirapp.logs import start_logging


def add(commands: Any) -> None:
    """Register both commands."""
    serve = commands.add_parser(
        "serve",
        help="migrate the database, then serve under gunicorn",
        description="Migrates the database, then becomes gunicorn. Settings come from STRIDE_* variables "
        "(docs/reference/settings.md); STRIDE_BIND and WEB_CONCURRENCY say where and with how many processes.",
    )
    serve.set_defaults(run=run_serve)
    worker = commands.add_parser(
        "worker",
        help="run the jobs: windows, write-back",
        description="Runs due jobs until it is stopped. Any number may run beside each other; set "
        "STRIDE_EMBEDDED_WORKER=0 for the web processes then.",
    )
    worker.add_argument("--once", action="store_true", help="run what is due now, then end")
    worker.add_argument(
        "--threads", type=int, default=4, metavar="N", help="jobs side by side; most of a job is waiting for the EHR"
    )
    worker.set_defaults(run=run_worker)


def run_serve(arguments: argparse.Namespace) -> int:
    """Migrate, then become gunicorn: in this very process, so that everything is imported once."""
    from gunicorn.app.wsgiapp import WSGIApplication  # type: ignore[import-untyped]

    config = Config.from_env(os.environ)
    engine = engine_for(config.database_url)
    upgrade(engine)
    engine.dispose()
    sys.argv = ["gunicorn", "-c", str(Path(fhirapp.gunicorn_settings.__file__)), "fhirapp.wsgi:app"]
    WSGIApplication("%(prog)s [OPTIONS] [APP_MODULE]", prog="gunicorn").run()
    return 0


def run_worker(arguments: argparse.Namespace) -> int:
    """Run jobs until SIGTERM or Ctrl-C."""
    from fhirapp.bootstrap import build

    config = Config.from_env(os.environ)
    start_logging(config.log_level)
    stride = build(config)
    stride.schedule()
    dispatcher = stride.dispatcher()
    if arguments.once:
        print(f"{dispatcher.run_due()} jobs run")
        return 0
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threads = [
        threading.Thread(target=dispatcher.run_forever, args=(stop,), name=f"worker-{number}")
        for number in range(max(1, arguments.threads))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 0
