"""A launch inside a frame of the EHR's page on another site, in a real browser. Source: SM-L9, trap 18."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.serving import make_server

from smart_launch.keys import KeyRing
from tests.smart_launch.authorization_server import AuthorizationServer
from tests.smart_launch.conftest import House, MovedClock

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@contextmanager
def serving(app: WSGIApplication) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_sm_l9_two_launches_in_frames_of_another_site_open_each_its_own_context(
    chromium: Browser, ehr: AuthorizationServer, clock: MovedClock, keyring: KeyRing
) -> None:
    houses: list[House] = []  # the app comes after its port, because its public address names the port

    def door(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return houses[0].app(environ, start_response)

    portal = Flask("portal")
    with serving(door) as port, serving(portal) as portal_port:
        # 127.0.0.1 (the EHR) and localhost (us) are two sites to a browser.
        ours = f"http://localhost:{port}"
        houses.append(House(ehr, clock, keyring, public_base=ours))
        portal.add_url_rule("/", view_func=lambda: page_with_frames(ours, ehr.iss))
        profile = chromium.new_context()
        try:
            page = profile.new_page()
            page.goto(f"http://127.0.0.1:{portal_port}/")
            for name in ("a", "b"):
                page.frame_locator(f"iframe[name={name}]").get_by_text("opened").wait_for(timeout=15_000)
        finally:
            profile.close()
    assert len(houses[0].launched) == 2


def page_with_frames(ours: str, iss: str) -> str:
    frames = ""
    for name in ("a", "b"):
        link = escape(f"{ours}/smart/launch?{urlencode({'iss': iss, 'launch': name})}")
        frames += f'<iframe name="{name}" src="{link}"></iframe>'
    return f"<!doctype html><title>EHR</title>{frames}"
