"""Both validators run once in a session: their start costs far more than the checks."""

from __future__ import annotations

import pytest

from tests.conformance.cases import Files, written_to
from tests.conformance.hapi_validator import hapi_report_or_skip
from tests.conformance.node_validator import node_report_or_skip
from tests.conformance.report import Report


@pytest.fixture(scope="session")
def instances(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Every case as a file."""
    return written_to(tmp_path_factory.mktemp("instances"))


@pytest.fixture(scope="session")
def node_report(instances: Files, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """What the Node validator says."""
    return node_report_or_skip(instances, tmp_path_factory.mktemp("validator"))


@pytest.fixture(scope="session")
def hapi_report(instances: Files) -> Report:
    """What HAPI's validator says."""
    return hapi_report_or_skip(instances)
