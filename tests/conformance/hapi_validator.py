"""Runs HAPI FHIR's instance validator (Java) over all cases."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conformance.cases import Files
from tests.conformance.java import classpath_or_skip, java_or_skip
from tests.conformance.node_validator import SHARED
from tests.conformance.report import Issue, Report, element_of

_PROJECT = Path(__file__).parent / "hapi"
_LINE = re.compile(r"(?P<case>[^:]+)\.json:(?P<severity>\w+):(?P<place>.*?): (?P<message>.*) \[.*\]")
_ENTRY = re.compile(r"/\*.*?\*/")  # Bundle.entry[4].resource/*Encounter/e1*/.reasonCode[0]
_CHOICE = re.compile(r"\.ofType\((\w)(\w*)\)")  # detail.ofType(Quantity)
# What is missing, or is there and must not be, is reported at the parent, and named in the message.
_MISSING = re.compile(r"(?:Slice ')?[A-Z]\w*\.(?P<rest>[\w.\[\]]+)(?::\w+')?: (?:minimum required|a matching slice)")
_UNKNOWN = re.compile(r"Unrecognized property '(?P<rest>\w+)'")
# One short run: the better compiler costs more than it saves, and the words must not follow the machine's language.
_FLAGS = (
    *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx2g", "-Duser.language=en"),
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
)


def hapi_report_or_skip(files: Files) -> Report:
    """One Java process over everything: it needs many seconds to read the definitions. Skips where it cannot run."""
    if not (SHARED / "profiles").is_dir():
        pytest.skip("needs ../shared beside the checkout")
    java, classpath = java_or_skip(), classpath_or_skip(_PROJECT)
    command = [
        *(java, *_FLAGS, "-cp", classpath, "HapiCheck"),
        *(str(SHARED / "profiles"), "3.1.1", str(files.context)),
        *(str(file) for file in files.cases),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode in (0, 1), done.stderr
    issues = [_issue(line) for line in done.stdout.splitlines()]
    assert (done.returncode == 1) == any(issue.severity == "error" for issue in issues), done.stderr
    return Report(tuple(issue for issue in issues if issue.severity != "note"))


def _issue(line: str) -> Issue:
    found = _LINE.fullmatch(line)
    assert found, line
    return Issue(found["case"], found["severity"], _element(found["place"], found["message"]), found["message"])


def _element(place: str, message: str) -> str:
    """The element that the message is about, as the other validator names it."""
    plain = _CHOICE.sub(lambda choice: choice[1].upper() + choice[2], _ENTRY.sub("", place))
    if missing := _MISSING.match(message) or _UNKNOWN.match(message):
        plain = f"{plain}.{missing['rest'].split('.')[-1]}"
    return element_of(plain)
