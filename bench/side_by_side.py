"""Stride under gunicorn beside HealthChain under uvicorn: the same charts, the same machine, in turns.

Run `python -m bench.side_by_side`. HealthChain gets an environment of its own in `.bench/healthchain`, made at the
first run; it is never part of our install. It runs at its best (uvloop, httptools, no access log, two processes) with
the lightest handler; ours runs as in production: tokens, rules, models, referral, audit and card memory. The figures
mean something on a quiet machine only, and their ratios more than themselves. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

import orjson
from joserfc import jwt
from joserfc.jwk import RSAKey

from bench.hooks import request_body
from bench.load import Load, fire, in_turn, request_bytes
from bench.processes import Running, free_port, running
from bench.reading import SIZES
from fhirapp.commands.keys import make_secrets
from fhirapp.demo.one_shot import EHR, write_tenants

ROOT = Path(__file__).parent.parent
PEER = Path(__file__).resolve().parent.parent / ".bench" / "healthchain"  # one, also for a tree made of this one
PATH = "/cds-services/exercise-referral"
CONNECTIONS, WAITING, WAIT_S = 16, 8, 0.2
TOKENS = {20: 6000, 200: 3000, 2000: 400}  # a token works once: more than a round can use
LIMITS = {20: 2, 200: 4, 2000: 10}  # times the calls per second of the peer (issue: speed)


@dataclass(frozen=True, slots=True)
class Row:
    """One service at one size: medians over the rounds."""

    name: str
    size: int
    per_second: float
    p50: float
    p99: float
    cpu_ms: float  # processor time of all its processes for one call
    bad: int


def main() -> int:
    """Measure everything and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    python = peer_python()
    print(f"Load average at the start: {os.getloadavg()[0]:.1f}\n")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stride-bench-")))
        slow = stack.enter_context(slow_ehr())
        stride = Stride(folder, slow)
        ours = stack.enter_context(stride.running())
        theirs = stack.enter_context(healthchain(python, folder))
        rows = [row for size in SIZES for row in in_turns(stride, ours, theirs, size, options)]
        print("\n".join(table(rows)))
        print(f"\n| | first answer s | memory of all processes MiB (PSS) |\n|---|---|---|\n{_start(ours, theirs)}")
        print(f"\n{beside_slow(stride, ours, options)}")
    return 0


def in_turns(stride: Stride, ours: Running, theirs: Running, size: int, options: argparse.Namespace) -> list[Row]:
    """Rounds of the two in turns, at one size."""
    body = request_body(size)
    peer = in_turn([request_bytes(f"/cds{PATH}", theirs.port, body)])
    rounds: dict[str, list[Round]] = {"Stride": [], "HealthChain 0.16.1": []}
    for _ in range(options.rounds):
        mine = in_turn(stride.signed(body, TOKENS[size]))
        rounds["Stride"].append(one_round(ours, mine, options.seconds))
        rounds["HealthChain 0.16.1"].append(one_round(theirs, peer, options.seconds))
    return [row_of(name, size, loads) for name, loads in rounds.items()]


Round = tuple[Load, float]  # and the processor milliseconds of one call


def one_round(service: Running, requests: Callable[[], bytes], seconds: float) -> Round:
    before = service.cpu_s()
    load = fire(service.port, requests, CONNECTIONS, seconds)
    return load, 1000 * (service.cpu_s() - before) / len(load.milliseconds)


def row_of(name: str, size: int, rounds: list[Round]) -> Row:
    loads = [load for load, _ in rounds]

    def median(of: Callable[[Load], float]) -> float:
        return statistics.median(of(load) for load in loads)

    return Row(
        name,
        size,
        median(lambda load: load.per_second),
        median(lambda load: load.percentile(0.5)),
        median(lambda load: load.percentile(0.99)),
        statistics.median(cpu for _, cpu in rounds),
        sum(load.bad for load in loads),
    )


def table(rows: list[Row]) -> Iterator[str]:
    """The rows as Markdown, ours with its ratios to the peer's."""
    yield (
        "| observations | service | calls/s | p50 ms | p99 ms | cpu ms a call | bad | times the peer (wanted) "
        "| p99 to peer's |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    peers = {row.size: row for row in rows if row.name != "Stride"}
    for row in rows:
        peer, ratio = peers[row.size], "| |"
        if row is not peer:
            ratio = f"{row.per_second / peer.per_second:.1f} ({LIMITS[row.size]}) | {row.p99 / peer.p99:.2f} |"
        values = f"{row.per_second:.0f} | {row.p50:.1f} | {row.p99:.1f} | {row.cpu_ms:.2f} | {row.bad}"
        yield f"| {row.size} | {row.name} | {values} | {ratio}"


def _start(ours: Running, theirs: Running) -> str:
    lines = (("Stride", ours), ("HealthChain 0.16.1", theirs))
    return "\n".join(f"| {name} | {one.first_answer_s:.1f} | {one.pss_mib():.0f} |" for name, one in lines)


def beside_slow(stride: Stride, ours: Running, options: argparse.Namespace) -> str:
    """How fast the others are answered while some calls wait for the EHR."""
    fast = in_turn(stride.signed(request_body(20), TOKENS[20]))
    waiting = in_turn(stride.signed(stride.unfetched(), 1000))
    seconds = options.seconds * options.rounds
    slow: list[Load] = []
    thread = threading.Thread(target=lambda: slow.append(fire(ours.port, waiting, WAITING, seconds)))
    thread.start()
    time.sleep(0.3)
    load = fire(ours.port, fast, WAITING, seconds - 0.6)
    thread.join()
    return (
        f"While {WAITING} connections wait {WAIT_S * 1000:.0f} ms for the EHR at each call (their median "
        f"{slow[0].percentile(0.5):.0f} ms, {slow[0].bad} bad), {WAITING} others with 20 observations: "
        f"{load.per_second:.0f} calls/s, p50 {load.percentile(0.5):.1f} ms, p99 {load.percentile(0.99):.1f} ms, "
        f"{load.bad} bad."
    )


class Stride:
    """Our service with its client's key."""

    def __init__(self, folder: Path, ehr: str) -> None:
        self.folder, self.ehr, self.port = folder, ehr, free_port()
        self.key = RSAKey.generate_key(2048, {"kid": "bench", "use": "sig"})
        make_secrets(folder)
        write_tenants(folder, self.key, {"http://127.0.0.1:9/fhir", ehr})

    @contextmanager
    def running(self) -> Iterator[Running]:
        """`stride serve` on a database of its own."""
        folder = self.folder
        env = {
            "STRIDE_TENANTS": str(folder / "tenants.toml"),
            "STRIDE_PUBLIC_URL": f"http://localhost:{self.port}",
            "STRIDE_SECRET_FILE": str(folder / "secret"),
            "STRIDE_KEYS": str(folder / "keys"),
            "STRIDE_DATABASE_URL": f"sqlite:///{folder / 'bench.sqlite'}",
            "STRIDE_INSECURE_HTTP": "1",
            "STRIDE_LOG_LEVEL": "WARNING",
            "STRIDE_BIND": f"127.0.0.1:{self.port}",
            "WEB_CONCURRENCY": "2",
        }
        command = [sys.executable, "-m", "fhirapp.cli", "serve"]
        (first,) = self.signed(request_body(20), 1)  # a whole call, as the peer's
        with running(command, self.port, first, env=env, cwd=ROOT, log=folder / "s.log") as one:
            yield one

    def signed(self, body: bytes, count: int) -> list[bytes]:
        """So many calls, each with a token of its own."""
        url, now = f"http://localhost:{self.port}{PATH}", int(datetime.now(UTC).timestamp())
        made = []
        for _ in range(count):
            claims = {"iss": EHR, "aud": url, "iat": now, "exp": now + 3000, "jti": str(uuid4())}
            token = jwt.encode({"alg": "RS384", "kid": "bench", "typ": "JWT"}, claims, self.key, algorithms=["RS384"])
            made.append(request_bytes(PATH, self.port, body, f"Authorization: Bearer {token}\r\n"))
        return made

    def unfetched(self) -> bytes:
        """A call that brings only what is required; the rest has to be fetched."""
        whole = orjson.loads(request_body(20))
        kept = {key: whole["prefetch"][key] for key in ("patient", "conditions")}
        granted = {"access_token": "t", "token_type": "Bearer", "expires_in": 60, "scope": "user/*.rs", "subject": "s"}
        return orjson.dumps(whole | {"prefetch": kept, "fhirServer": self.ehr, "fhirAuthorization": granted})


@contextmanager
def healthchain(python: Path, folder: Path) -> Iterator[Running]:
    """The peer at its best: uvloop, httptools, no access log, two processes."""
    port = free_port()
    command = [
        *(str(python), "-m", "uvicorn", "healthchain_service:app", "--workers", "2", "--loop", "uvloop"),
        *("--http", "httptools", "--no-access-log", "--log-level", "warning", "--port", str(port)),
    ]
    first = request_bytes(f"/cds{PATH}", port, request_body(20))
    env = {"OMP_NUM_THREADS": "1"}
    cwd = ROOT / "bench" / "peers"
    with running(command, port, first, env=env, cwd=cwd, log=folder / "h.log") as one:
        yield one


def peer_python() -> Path:
    """The interpreter of the peer's environment, which is made when it is not there."""
    python = PEER / "bin" / "python"
    if not python.exists():
        print("Making an environment for HealthChain ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(PEER)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "-r", str(ROOT / "bench/peers/requirements.txt")], check=True)
    return python


@contextmanager
def slow_ehr() -> Iterator[str]:
    """A FHIR server that has nothing and takes its time."""
    empty = json.dumps({"resourceType": "Bundle", "type": "searchset", "total": 0}).encode()

    class Slow(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(WAIT_S)
            self.send_response(200)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(empty)))
            self.end_headers()
            self.wfile.write(empty)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Patient(ThreadingHTTPServer):
        request_queue_size = 256  # eighty may come at once; one left waiting would try again after a second

    server = Patient(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/fhir"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main())
