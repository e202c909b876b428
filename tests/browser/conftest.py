"""Headless Chromium, driven as a person would: by what is written on the page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page at the size of a ward's screen, in a browser profile of its own."""
    context: BrowserContext = chromium.new_context(viewport={"width": 1366, "height": 768})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def kept(page: Page, name: str) -> None:
    """A screenshot into STRIDE_SCREENSHOTS, when somebody wants to look."""
    if folder := os.environ.get("STRIDE_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png")
