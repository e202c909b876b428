"""`stride hook`: fire a saved CDS Hooks request, and see the cards and the time it took."""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import orjson
import requests
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, RSAKey

from cds_hooks.catalogue import EXERCISE_REFERRAL, SERVICES
from fhirapp.commands.assess import read_chart_file
from fhirapp.demo.one_shot import EHR, PUBLIC_URL, OneShot, Signer, one_shot

TIMEOUT_S: Final = 30


@dataclass(frozen=True, slots=True)
class Shot:
    """One answer, and how long it took."""

    status: int
    body: bytes
    milliseconds: float


class InputUnusable(ValueError):
    """The request, key or address cannot be used; the text says why."""


def add(commands: Any) -> None:
    """Register the command."""
    hook = commands.add_parser(
        "hook",
        help="fire a saved CDS Hooks request, print cards and timing",
        description="Fires a saved request (- reads standard input) at a running service, signed with your key, or "
        "without --url at the whole service in this process: a database of its own, every check on, nothing kept. "
        "Examples are in docs/examples/hooks. Exit code 0: answered with 200; 1: refused, and why; 2: the input "
        "cannot be used.",
    )
    hook.add_argument("file", metavar="FILE.json")
    hook.add_argument("--url", help="address of a running service, such as https://stride.example.org")
    hook.add_argument("--key", type=Path, metavar="JWK.json", help="private key that signs the calls; with --url")
    hook.add_argument("--issuer", help="the `iss` that the service knows this client by; with --url")
    hook.add_argument("--service", metavar="ID", help="id of the service (default: ours for the request's hook)")
    hook.add_argument("--as-of", type=date.fromisoformat, metavar="DATE", help="pretend it is noon (UTC) of this day")
    hook.add_argument("--repeat", type=int, default=1, metavar="N", help="fire so many times, each with a new instance")
    hook.add_argument("--json", action="store_true", help="print the answer as it came")
    hook.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fire and print."""
    try:
        request = _request(arguments.file)
        arguments.service = arguments.service or service_for(request)
        with _gun(arguments, request) as fire:
            shots = [fire(_bytes(request, number)) for number in range(max(1, arguments.repeat))]
    except (InputUnusable, OSError) as error:
        print(f"{arguments.file}: {error}", file=sys.stderr)
        return 2
    first = shots[0]
    print(first.body.decode() if arguments.json else "\n".join(report(request, first)))
    print(timing(shots), file=sys.stderr if arguments.json else sys.stdout)
    return 0 if all(shot.status == 200 for shot in shots) else 1


def service_for(request: dict[str, Any]) -> str:
    """The id of our service for the hook of a request; for a hook that we do not know, of the one that refuses it."""
    return next((service.id for service in SERVICES if service.hook == request.get("hook")), EXERCISE_REFERRAL)


def report(request: dict[str, Any], shot: Shot) -> Iterator[str]:
    """The answer for people."""
    yield f"{request.get('hook')}: status {shot.status}"
    answer = orjson.loads(shot.body) if shot.body else {}
    for issue in answer.get("issue", ()):
        yield f"  {issue['severity']}: {issue.get('details', {}).get('text') or issue.get('diagnostics', '')}"
    if shot.status == 200 and not answer.get("cards"):
        yield "  no card"
    for card in answer.get("cards", ()):
        yield from _card(card)
    for action in answer.get("systemActions", ()):
        yield f"  system action: {action['description']}"


def timing(shots: list[Shot]) -> str:
    """What the shots took."""
    times = sorted(shot.milliseconds for shot in shots)
    if len(times) == 1:
        return f"{times[0]:.1f} ms"
    last = times[min(len(times) - 1, len(times) * 99 // 100)]
    return f"{len(times)} calls: fastest {times[0]:.1f}, median {statistics.median(times):.1f}, p99 {last:.1f} ms"


def _card(card: dict[str, Any]) -> Iterator[str]:
    yield f"\n  [{card['indicator']}] {card['summary']}\n"
    yield from (f"  {line}".rstrip() for line in card.get("detail", "").splitlines())
    for suggestion in card.get("suggestions", ()):
        kinds = ", ".join(action["resource"]["resourceType"] for action in suggestion["actions"])
        yield f"\n  suggestion: {suggestion['label']} ({kinds})"
    if reasons := [reason["display"] for reason in card.get("overrideReasons", ())]:
        yield f"  reasons to say no: {'; '.join(reasons)}"
    for link in card.get("links", ()):
        yield f"  link: {link['label']} ({link['type']})"
    yield ""


def _request(name: str) -> dict[str, Any]:
    try:
        request = orjson.loads(read_chart_file(name))
    except orjson.JSONDecodeError as error:
        raise InputUnusable(f"not JSON: {error}") from None
    if not isinstance(request, dict):
        raise InputUnusable("not a CDS Hooks request: the outermost value is no object")
    return request


def _bytes(request: dict[str, Any], number: int) -> bytes:
    """The request as saved; each repeat is a call of its own (CH-R3)."""
    return orjson.dumps(request if number == 0 else request | {"hookInstance": str(uuid4())})


@contextmanager
def _gun(arguments: argparse.Namespace, request: dict[str, Any]) -> Iterator[Callable[[bytes], Shot]]:
    if arguments.url is None:
        if arguments.key or arguments.issuer:
            raise InputUnusable("--key and --issuer are for a running service: give --url too")
        as_of = datetime.combine(arguments.as_of, clock_time(12), UTC) if arguments.as_of else None
        with one_shot(str(request.get("fhirServer") or f"{EHR}/fhir"), as_of) as service:
            yield lambda body: _in_process(service, arguments.service, body)
        return
    if arguments.as_of or not (arguments.key and arguments.issuer):
        raise InputUnusable("a running service needs --key and --issuer, and has a clock of its own: no --as-of")
    signer = Signer(_key(arguments.key), arguments.issuer)
    url = f"{arguments.url.rstrip('/')}/cds-services/{arguments.service}"
    with requests.Session() as http:
        yield lambda body: _over_http(http, signer, url, body)


def _in_process(service: OneShot, service_id: str, body: bytes) -> Shot:
    path = f"/cds-services/{service_id}"
    headers = service.signer.header_for(f"{PUBLIC_URL}{path}")
    http = service.app.test_client()
    begun = time.perf_counter()
    answer = http.post(path, base_url=PUBLIC_URL, data=body, content_type="application/json", headers=headers)
    return Shot(answer.status_code, answer.data, (time.perf_counter() - begun) * 1000)


def _over_http(http: requests.Session, signer: Signer, url: str, body: bytes) -> Shot:
    headers = {"Content-Type": "application/json", **signer.header_for(url)}
    begun = time.perf_counter()
    try:
        answer = http.post(url, data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False)
    except requests.RequestException as error:
        raise InputUnusable(f"{url} did not answer: {type(error).__name__}") from None
    return Shot(answer.status_code, answer.content, (time.perf_counter() - begun) * 1000)


def _key(path: Path) -> ECKey | RSAKey:
    """The private key in a file: a JWK, or the first of a JWKS."""
    try:
        found = orjson.loads(path.read_bytes())
        key = JWKRegistry.import_key(found["keys"][0] if "keys" in found else found)
    except (ValueError, KeyError, IndexError, TypeError, JoseError) as error:
        raise InputUnusable(f"{path.name} holds no JWK: {type(error).__name__}") from None
    if not isinstance(key, ECKey | RSAKey) or not key.is_private:
        raise InputUnusable(f"{path.name} holds no private EC or RSA key")
    return key
