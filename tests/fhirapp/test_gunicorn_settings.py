"""How a web process starts."""

from __future__ import annotations

import gc
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import Pool

from fhirapp import gunicorn_settings
from fhirapp.app import create_app
from fhirapp.bootstrap import build
from fhirapp.commands.keys import make_secrets
from fhirapp.demo.settings import tenants_toml
from mappings.to_fhir import validate
from tests.world import config_of


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


@pytest.mark.parametrize("embedded", [True, False])
def test_what_all_processes_need_is_loaded_and_frozen_before_the_first_fork(
    monkeypatch: pytest.MonkeyPatch, embedded: bool
) -> None:
    done: list[str] = []
    wsgi = ModuleType("fhirapp.wsgi")
    wsgi.stride = SimpleNamespace(config=SimpleNamespace(embedded_worker=embedded))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "fhirapp.wsgi", wsgi)
    monkeypatch.setattr(validate, "load", lambda: done.append("load"))
    monkeypatch.setattr(gc, "freeze", lambda: done.append("freeze"))
    monkeypatch.setattr(gunicorn_settings, "_return_memory", lambda: done.append("memory"))
    gunicorn_settings.when_ready(None)
    assert gunicorn_settings.preload_app
    assert done == ["load", "memory", "freeze"] if embedded else ["memory", "freeze"]


def test_serving_imports_neither_alembic_nor_the_fhir_models_nor_anything_that_draws() -> None:
    """A start waits for each of them, and a hook call needs none."""
    found = subprocess.run(
        [sys.executable, "-c", "import fhirapp.app, fhirapp.commands.serve, sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert {"lightgbm", "flask", "sqlalchemy"} <= set(found)
    unwanted = {"alembic", "pydantic", "pint", "pandas", "sklearn", "matplotlib", "dask", "duckdb", "pytest"}
    assert not [name for name in found if name.partition(".")[0] in unwanted or name.startswith("fhir.resources.R4B.")]


def test_nothing_is_connected_before_the_fork(tmp_path: Path, database: str) -> None:
    """Two processes on one connection would read each other's answers."""
    make_secrets(tmp_path)
    (tmp_path / "tenants.toml").write_text(tenants_toml("https://ehr.example", date(2030, 1, 1)))
    made: list[object] = []

    def note(connection: object, record: object, *_: object) -> None:
        made.append(connection)

    sa.event.listen(Pool, "connect", note)
    try:
        stride = build(config_of(tmp_path, "http://localhost:9", database))
        create_app(stride)
        assert made == []
        assert stride.clock() is not None
        assert len(made) == 1, "this listener hears of it"
    finally:
        sa.event.remove(Pool, "connect", note)
        stride.sessions.engine.dispose()


def test_lightgbm_gets_one_thread_before_it_is_imported() -> None:
    source = gunicorn_settings.__file__
    with open(source, encoding="utf-8") as file:
        assert 'os.environ.setdefault("OMP_NUM_THREADS", "1")' in file.read()
    assert gunicorn_settings.worker_class == "gthread"
    assert gunicorn_settings.threads == 16
