"""The app in a frame: which address an open frame shows."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from urllib.parse import urlsplit

from fhirapp.demo_ehr.authorization import launch_url
from fhirapp.demo_ehr.settings import DemoSettings
from fhirapp.demo_ehr.tokens import Launch, TokenStore

_KEPT = 200


class Frames:
    """The frames that were opened last; an address in the page's own URL is never framed."""

    def __init__(self, settings: DemoSettings, tokens: TokenStore) -> None:
        self._settings, self._tokens = settings, tokens
        self._lock = Lock()
        self._urls: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def opened(self, launch: Launch, url: str) -> str:
        """The key under which the app is opened for this launch.

        A link to another site than the registered app's is replaced by the registered launch URL (SM-A5).
        """
        if _origin(url) != self._settings.app_origin:
            url = self._settings.launch_url
        where = launch_url(self._settings, self._tokens, launch, url)
        key = where.rpartition("launch=")[2]
        with self._lock:
            self._urls[key] = (launch.patient, where)
            while len(self._urls) > _KEPT:
                self._urls.popitem(last=False)
        return key

    def url(self, patient_id: str, key: str) -> str:
        """What the frame of this chart shows; empty when no app is open in it."""
        with self._lock:
            patient, where = self._urls.get(key, ("", ""))
        return where if patient == patient_id else ""


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
