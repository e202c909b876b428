"""What all tests share: the world, and the promise that CI skips nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.world import World

# No deadline: a busy machine is no fault of the code. In CI the same examples each time: a red run can be repeated.
settings.register_profile("stride", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("stride")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A hospital of its own for one test."""
    from tests.world import hospital  # here, so that tests of the lower rooms do not assemble the whole house

    with hospital(tmp_path) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Headless Chromium, one for all tests of this process."""
    from tests.chromium import running_chromium

    with running_chromium() as browser:
        yield browser


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a skipped test is a failed promise: everything that tests need is installed there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("STRIDE_NOTHING_SKIPPED") == "1" and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("STRIDE_NOTHING_SKIPPED is set, but tests were skipped (see above)", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
