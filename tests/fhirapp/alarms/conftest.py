"""A hospital whose clinicians can be reached."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fhirapp.messages.hospital import Reached, reaching


@pytest.fixture
def reached(tmp_path: Path) -> Iterator[Reached]:
    with reaching(tmp_path) as running:
        yield running
