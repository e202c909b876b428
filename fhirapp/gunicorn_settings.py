"""Settings of the web server; each has its reason in docs/decisions/0009-serving.md."""

from __future__ import annotations

import gc
import os
import threading
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before LightGBM is imported: a busy machine makes OpenMP wait

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


def post_worker_init(worker: Any) -> None:
    """Keep the collector off what stays, then one dispatcher in each web process, unless separate workers do the jobs.

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
