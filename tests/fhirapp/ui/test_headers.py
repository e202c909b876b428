"""What every answer tells the browser."""

from __future__ import annotations

import re

import pytest

from tests.fhirapp.ui.conftest import NAVIGATOR, Browser
from tests.world import World


def policy(answer: object) -> dict[str, str]:
    parts = answer.headers["Content-Security-Policy"].split("; ")  # type: ignore[attr-defined]
    return dict(part.split(" ", 1) for part in parts)


def test_sm_l9_only_the_launching_ehr_may_frame_a_patients_page(browser: Browser, world: World) -> None:
    origin = world.ehr.settings.base_url
    for path in (browser.opens("ada-refer"), browser.opens(None, NAVIGATOR)):
        answer = browser.get(path)
        assert policy(answer)["frame-ancestors"] == origin
        assert "X-Frame-Options" not in answer.headers  # it knows no origins and would forbid the EHR


@pytest.mark.parametrize("path", ["/", "/problems/", "/problems/unexpected", "/o/none", "/outbox", "/nowhere"])
def test_nobody_may_frame_any_other_page(browser: Browser, path: str) -> None:
    assert policy(browser.get(path))["frame-ancestors"] == "'none'"


def test_that_a_page_is_no_longer_open_can_be_read_in_the_frame_where_it_was(browser: Browser, world: World) -> None:
    for path in ("/clinician/none/", "/queue/none/"):
        answer = browser.get(path)
        assert answer.status_code == 403
        assert policy(answer)["frame-ancestors"] == world.ehr.settings.base_url


def test_scripts_run_only_with_the_nonce_of_this_answer(browser: Browser) -> None:
    nonces = set()
    for _ in range(2):
        answer = browser.get("/")
        nonce = re.search(r'<script [^>]*nonce="([^"]+)"', answer.text)
        assert nonce is not None
        assert policy(answer)["script-src"] == f"'nonce-{nonce[1]}'"
        nonces.add(nonce[1])
    assert len(nonces) == 2


def test_no_page_carries_inline_style_or_script(browser: Browser) -> None:
    for path in ("/", browser.opens("ada-refer"), browser.opens(None, NAVIGATOR)):
        html = browser.text(path)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
        assert len(re.findall(r"<script", html)) == 1


def test_pages_with_patients_are_kept_by_nobody(browser: Browser) -> None:
    for path in (browser.opens("ada-refer"), browser.opens(None, NAVIGATOR), "/o/none", "/outbox"):
        answer = browser.get(path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_style_sheet_may_be_kept_and_is_served(browser: Browser) -> None:
    for name in ("stride.css", "stride.js", "mark.svg"):
        answer = browser.get(f"/ui/{name}")
        assert answer.status_code == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_json_of_other_rooms_is_left_as_it_is(browser: Browser) -> None:
    answer = browser.client.get("/cds-services")
    assert answer.status_code == 200
    assert "Content-Security-Policy" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
