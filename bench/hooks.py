"""How long a whole hook call takes inside the service, from WSGI environment to response body.

Run `python -m bench.hooks`. The caller's RS384 token is verified, the body decoded, all rules and both models run, the
referral found, audit and card memory written (SQLite with synchronous=FULL on the machine's disk), the card built.
Sockets and gunicorn are left out. Prints microseconds at the 12.5th percentile and the median.
"""

from __future__ import annotations

import io
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from flask import Flask
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.test import EnvironBuilder

from bench.reading import PATIENT, SIZES, payload
from fhirapp.app import create_app
from fhirapp.bootstrap import build
from fhirapp.commands.keys import make_secrets
from fhirapp.config import Config
from fhirapp.db.base import engine_for
from fhirapp.db.schema import upgrade
from fhirapp.demo.settings import tenants_toml

BASE = "http://localhost:9"
EHR = "http://127.0.0.1:9"
SERVICE = f"{BASE}/cds-services/exercise-referral"
CALLS = {20: 200, 200: 150, 2000: 60}


@dataclass(frozen=True, slots=True)
class Timing:
    """What one size cost, in microseconds."""

    observations: int
    body_bytes: int
    eighth_us: float  # 12.5th percentile: least moved by neighbours on a shared machine
    median_us: float
    cards: int


def main() -> list[Timing]:
    """Measure and print every size, with a card shown and without."""
    print("hook call in process: token, decode, rules, models, referral, audit, card   (microseconds)")
    print(f"{'observations':>12} {'body':>10} {'12.5 %':>9} {'median':>9}  card")
    timings = []
    with service() as (app, key):
        for size in SIZES:
            timing = measure(app, key, size)
            timings.append(timing)
            print(
                f"{timing.observations:>12} {timing.body_bytes:>10,} {timing.eighth_us:>9.0f} {timing.median_us:>9.0f}"
                f"  {'shown' if timing.cards else 'none'}"
            )
    return timings


@contextmanager
def service() -> Iterator[tuple[Flask, RSAKey]]:
    """The whole application on a database of its own, and the key of its one client."""
    with tempfile.TemporaryDirectory(prefix="stride-bench-") as name:
        folder = Path(name)
        make_secrets(folder)
        key = RSAKey.generate_key(2048, parameters={"kid": "bench", "use": "sig"})
        (folder / "client.json").write_text(orjson.dumps({"keys": [key.as_dict(private=False)]}).decode())
        toml = tenants_toml(EHR, date.today() + timedelta(days=30))  # noqa: DTZ011
        keys_line = f'jwks_url = "{EHR}/cds/jwks.json"'
        assert keys_line in toml
        (folder / "tenants.toml").write_text(toml.replace(keys_line, f'jwks_file = "{folder / "client.json"}"'))
        config = Config(
            tenants_file=folder / "tenants.toml",
            public_url=BASE,
            secret=(folder / "secret").read_bytes(),
            keys_dir=folder / "keys",
            database_url=f"sqlite:///{folder / 'bench.sqlite'}",
            insecure_http=True,
        )
        upgrade(engine_for(config.database_url))
        yield create_app(build(config)), key


def measure(app: Flask, key: RSAKey, size: int) -> Timing:
    """Call the hook over and over with one chart."""
    body = request_body(size)
    times, cards = [], 0
    for number in range(CALLS[size] + 10):
        environ = _environ(key, body)
        begun = time.perf_counter_ns()
        answer = _run(app, environ)
        took = time.perf_counter_ns() - begun
        cards = len(orjson.loads(answer)["cards"])
        if number >= 10:
            times.append(took / 1000)
    times.sort()
    return Timing(size, len(body), times[len(times) // 8], statistics.median(times), cards)


def request_body(size: int) -> bytes:
    """A patient-view call with everything prefetched."""
    prefetch = {part.key: orjson.loads(part.body) for part in payload(size)}
    empty = {"resourceType": "Bundle", "type": "searchset", "total": 0}
    for name in (
        "vitals",
        "function",
        "symptoms",
        "administrations",
        "procedures",
        "encounters",
        "answers",
        "referrals",
    ):
        prefetch.setdefault(name, empty)
    return orjson.dumps(
        {
            "hook": "patient-view",
            "hookInstance": str(uuid.uuid4()),
            "fhirServer": f"{EHR}/fhir",
            "context": {"userId": "Practitioner/1", "patientId": PATIENT},
            "prefetch": prefetch,
        }
    )


def _environ(key: RSAKey, body: bytes) -> dict[str, Any]:
    now = int(datetime.now(UTC).timestamp())
    claims = {"iss": EHR, "aud": SERVICE, "iat": now, "exp": now + 300, "jti": str(uuid.uuid4())}
    token = jwt.encode({"alg": "RS384", "kid": "bench", "typ": "JWT"}, claims, key, algorithms=["RS384"])
    builder = EnvironBuilder(
        path="/cds-services/exercise-referral",
        base_url=BASE,
        method="POST",
        input_stream=io.BytesIO(body),
        content_length=len(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    return builder.get_environ()


def _run(app: Flask, environ: dict[str, Any]) -> bytes:
    status: list[str] = []
    chunks = app(environ, lambda line, headers, exc=None: status.append(line) or (lambda data: None))
    answer = b"".join(chunks)
    assert status[0].startswith("200"), (status, answer[:500])
    return answer


if __name__ == "__main__":
    main()
