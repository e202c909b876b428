"""`stride assess`: one chart, judged and explained."""

from __future__ import annotations

import argparse
import gzip
import sys
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson

from fhirapp.commands.report import report
from fhirapp.would_write import would_write
from mappings.bundle import chart_of_bundle
from mappings.errors import MappingError
from mappings.from_fhir.snapshot import snapshot_from
from models.booster import load_estimators
from models.decision import Decision
from models.proposal import decide
from models.snapshot import PatientSnapshot
from models.summary import summary


def add(commands: Any) -> None:
    """Register the command."""
    assess = commands.add_parser(
        "assess",
        help="the verdict, reasons and dose for one chart",
        description="Reads a FHIR R4 Bundle of one patient (.json or .json.gz; - reads standard input) and prints "
        "the verdict, each reason with value, date and source, what was not checked, and the dose. Nothing is sent "
        "or stored. Exit code 0: assessed; 2: the input cannot be read, and why.",
    )
    assess.add_argument("chart", metavar="CHART.json")
    assess.add_argument(
        "--as-of", type=_day, metavar="DATE", help="look at the chart as it stood at the end of this day (default: now)"
    )
    assess.add_argument("--zone", type=_zone, default=ZoneInfo("UTC"), help="the hospital's time zone (default: UTC)")
    assess.add_argument("--json", action="store_true", help="one JSON object (docs/reference/assess-json.md)")
    assess.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Assess and print."""
    as_of = end_of(arguments.as_of, arguments.zone) if arguments.as_of else datetime.now(UTC).astimezone(arguments.zone)
    try:
        chart = chart_of_bundle(read_chart_file(arguments.chart))
        snapshot = snapshot_from(chart, as_of=as_of)
    except (OSError, MappingError, EOFError, zlib.error) as error:
        print(f"{arguments.chart}: {error}", file=sys.stderr)
        return 2
    decision = _explained(snapshot)
    result = {**summary(decision), "would_write": []}
    result["would_write"] = would_write(result, as_of)
    if arguments.json:
        sys.stdout.write(orjson.dumps(result, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        print(report(result))
    return 0


def _explained(snapshot: PatientSnapshot) -> Decision:
    """The decision, with the reasons behind its estimates."""
    estimators = load_estimators()
    decision = decide(snapshot, estimators)
    assessment = decision.assessment
    risk, adherence = (
        estimate and estimators.with_drivers(estimate, snapshot) for estimate in (assessment.risk, assessment.adherence)
    )
    return replace(decision, assessment=replace(assessment, risk=risk, adherence=adherence))


def read_chart_file(name: str) -> bytes:
    """The bytes of a chart file, unpacked; raises `OSError` with a plain message."""
    if name == "-":
        return sys.stdin.buffer.read()
    raw = Path(name).read_bytes()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The last moment of a day in a zone (conventions.md section 3)."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=zone)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'"{text}" is not a day; write one like 2026-11-25') from None


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f'"{text}" is not a time zone; write one like Europe/London') from None
