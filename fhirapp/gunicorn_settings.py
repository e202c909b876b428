"""Settings of the web server; each has its reason in docs/decisions/0009-serving.md."""

from __future__ import annotations

import ctypes
import gc
import os
import threading
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before LightGBM is imported: a busy machine makes OpenMP wait

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # of glibc's malloc.h

bind = os.environ.get("STRIDE_BIND", "127.0.0.1:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 16
timeout = 30
graceful_timeout = 20
keepalive = 65
max_requests = 20000
max_requests_jitter = 2000
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 - a heartbeat file in memory
control_socket_disable = True
preload_app = True  # code, rules and tenants are loaded once and shared; trees and connections come after the fork


def when_ready(server: Any) -> None:
    """Before the first fork: what is there stays, and no collection ever writes into pages that all processes share."""
    from fhirapp.wsgi import stride
    from mappings.to_fhir import validate

    if stride.config.embedded_worker:
        validate.load()  # each web process writes resources: loaded once instead of in each
    _return_memory()
    gc.collect()
    gc.freeze()


def post_worker_init(worker: Any) -> None:
    """Load the trees, keep the collector off what stays, then one dispatcher, unless separate workers do the jobs.

    Rules, models and code live as long as the process: without `freeze` each full collection of a large chart walks
    through all of them again.
    """
    from fhirapp.wsgi import stride

    stride.estimators.warm()
    gc.collect()
    gc.freeze()
    if stride.config.embedded_worker:
        stride.schedule()
        loop = stride.dispatcher().run_forever
        threading.Thread(target=loop, args=(threading.Event(),), name="dispatcher", daemon=True).start()


def _return_memory() -> None:
    """Have bodies of megabytes given back when they are done with, not kept in a heap for each of sixteen threads."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc alone has it
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, 256 * 1024)
