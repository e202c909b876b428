"""`stride demo --check`: the story against real processes, and whole folders of charts."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import requests

from fhirapp.demo.story import steps
from fhirapp.demo_ehr.patients import example_charts

SHARED = Path(__file__).parents[2].parent / "shared" / "fhir"


def stride(*arguments: str | Path, timeout: int = 400) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "fhirapp.cli", *map(str, arguments)],
        capture_output=True, text=True, timeout=timeout, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip


def test_the_whole_story_holds() -> None:
    done = stride("demo", "--check")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len([line for line in lines if line.startswith("ok ")]) == len(list(steps())) + 1
    assert set(re.findall(r"^ok   \((\w)\)", done.stdout, re.MULTILINE)) == set("abcdefghij")


def test_a_folder_of_charts_goes_down_the_road_with_a_line_each(tmp_path: Path) -> None:
    chosen = {
        "ada-refer": "queue",
        "dan-platelets": "Hold",
        "fred-ineligible": "Not eligible",
        "ivo-unanswered": "queue",
    }
    for chart in example_charts(date(2019, 3, 1)):
        if chart.patient_id in chosen:
            raw = json.dumps(chart.bundle).encode()
            name = f"{chart.patient_id}.json"
            if chart.patient_id == "ada-refer":
                (tmp_path / f"{name}.gz").write_bytes(gzip.compress(raw))
            else:
                (tmp_path / name).write_bytes(raw)
    days = tmp_path.parent / "days.json"
    days.write_text(json.dumps(dict.fromkeys(chosen, "2019-03-01")))
    done = stride("demo", "--check", "--charts", tmp_path, "--as-of", days)
    assert done.returncode == 0, done.stdout + done.stderr
    for patient, said in chosen.items():
        (line,) = [line for line in done.stdout.splitlines() if patient in line]
        assert said in line
    assert "2 of 4 charts reached the queue" in done.stdout


def test_whoever_ends_the_demo_ends_all_that_it_started(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    running = subprocess.Popen(
        [sys.executable, "-m", "fhirapp.cli", "demo", "--folder", str(folder)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert running.stdout is not None
    said = ""
    for line in running.stdout:
        said += line
        if "Ctrl-C ends everything" in line:
            break
    address = re.search(r"http://127\.0\.0\.1:\d+", said)
    assert address is not None, said
    assert requests.get(f"{address[0]}/_admin/health", timeout=10).ok
    running.terminate()
    assert running.wait(60) in (0, 130)
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{address[0]}/_admin/health", timeout=10)
    alive = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True)
    assert alive.stdout == ""


def test_a_folder_that_cannot_be_read_is_refused_plainly(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    done = stride("demo", "--check", "--charts", tmp_path)
    assert done.returncode == 2
    assert "The charts cannot be used" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("folder", ["synthea", "mcode"])
def test_every_shared_chart_is_where_its_day_puts_it(folder: str) -> None:
    if not SHARED.exists():
        pytest.skip("needs ../shared beside the checkout")
    done = stride("demo", "--check", "--charts", SHARED / folder, "--as-of", SHARED / "as_of.json", timeout=560)
    assert done.returncode == 0, done.stdout + done.stderr
    charts = len([path for path in (SHARED / folder).iterdir() if ".json" in path.name])
    assert len([line for line in done.stdout.splitlines() if line.startswith("ok ")]) == charts
