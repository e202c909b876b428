"""How a web process starts."""

from __future__ import annotations

import gc
import sys
from types import ModuleType, SimpleNamespace

import pytest

from fhirapp import gunicorn_settings


def test_a_web_process_loads_its_models_and_then_keeps_the_collector_off_what_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: list[str] = []
    stride = SimpleNamespace(
        config=SimpleNamespace(embedded_worker=False), estimators=SimpleNamespace(warm=lambda: done.append("warm"))
    )
    wsgi = ModuleType("fhirapp.wsgi")
    wsgi.stride = stride  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fhirapp.wsgi", wsgi)
    monkeypatch.setattr(gc, "freeze", lambda: done.append("freeze"))
    gunicorn_settings.post_worker_init(None)
    assert done == ["warm", "freeze"]


def test_lightgbm_gets_one_thread_before_it_is_imported() -> None:
    source = gunicorn_settings.__file__
    with open(source, encoding="utf-8") as file:
        assert 'os.environ.setdefault("OMP_NUM_THREADS", "1")' in file.read()
    assert gunicorn_settings.worker_class == "gthread"
    assert gunicorn_settings.threads == 16
