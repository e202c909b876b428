"""Whatever a caller or an EHR does: the documented status, bounded time and memory, nothing opened, nothing told."""

from __future__ import annotations

import gzip
import io
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import orjson
import pytest
import requests
import sqlalchemy as sa
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from bench.reading import payload
from fhirapp.cds_clients import CdsClients
from fhirapp.referrals.cards import Card, Feedback
from fhirapp.referrals.referral import Referral
from tests.journeys.test_bad_input import SERVICE, a_hook, refused
from tests.world import World, hospital

MIB = 1024 * 1024
CANARY = "Canaryname-4711"
PATIENT = "ada-refer"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One hospital for all of these: nothing that happens here may leave anything behind."""
    with hospital(tmp_path_factory.mktemp("hostile")) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_is_opened_and_nothing_told(world: World) -> Iterator[None]:
    said, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(said)
    root.addHandler(handler)
    yield
    root.removeHandler(handler)
    world.ehr.faults.replace([])
    with world.stride.sessions() as session:
        for kept in (Referral, Card, Feedback):
            assert session.scalar(sa.select(sa.func.count()).select_from(kept)) == 0
    assert CANARY not in said.getvalue()
    assert "canary-token" not in said.getvalue()


def token(world: World, service: str = SERVICE) -> str:
    return world.ehr.hooks._assertion(f"{world.url}/cds-services/{service}")


def post(
    world: World, body: bytes, *, bearer: str | None = None, path: str = SERVICE, **headers: str
) -> requests.Response:
    sent = {"Authorization": f"Bearer {bearer or token(world)}", "Content-Type": "application/json"}
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{world.url}/cds-services/{path}", data=body, headers=sent | given, timeout=60)


def peak(of: Callable[[], Any]) -> tuple[Any, int, float]:
    """What a call gave, by how many bytes it raised this process's memory at most, and how many seconds it took."""
    Path("/proc/self/clear_refs").write_text("5")  # forget the highest mark
    before, begun = _memory("VmRSS"), time.monotonic()
    given = of()
    return given, _memory("VmHWM") - before, time.monotonic() - begun


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def labs(count: int, filler: str = "") -> list[dict[str, Any]]:
    return [
        {
            "resource": {
                "resourceType": "Observation",
                "id": f"o{n}{filler}",
                "status": "final",
                "code": {"coding": [{"system": "http://loinc.org", "code": "777-3"}]},
                "subject": {"reference": f"Patient/{PATIENT}"},
                "effectiveDateTime": "2026-11-20",
                "valueQuantity": {"value": 150 + n % 50, "system": "http://unitsofmeasure.org", "code": "10*9/L"},
            }
        }
        for n in range(count)
    ]


def with_labs(world: World, count: int) -> bytes:
    hook = a_hook(world)
    hook["prefetch"]["labs"] = {"resourceType": "Bundle", "type": "searchset", "entry": labs(count)}
    return orjson.dumps(hook)


class TestSize:
    """Small memory for large bodies."""

    @pytest.mark.parametrize("megabytes", [10.01, 11, 40])
    def test_a_body_above_ten_megabytes_is_413(self, world: World, megabytes: float) -> None:
        body = b" " * int(megabytes * 1_000_000)
        answer, grown, seconds = peak(lambda: post(world, body))
        refused(answer, 413)
        assert grown < 40 * MIB + 3 * len(body)  # the test sends it from the same process
        assert seconds < 20

    def test_a_body_that_only_claims_to_be_large_is_refused_unread(self, world: World) -> None:
        place = urlsplit(world.url)
        head = (
            f"POST /cds-services/{SERVICE} HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token(world)}\r\nContent-Length: 10000000000\r\n\r\n"
        )
        with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=20) as connection:
            connection.sendall(head.encode())
            assert connection.recv(100).split()[1] == b"413"

    def test_twenty_thousand_observations_in_the_shape_of_charts_are_more_than_we_read(self, world: World) -> None:
        hook = a_hook(world)
        hook["prefetch"] |= {part.key: orjson.loads(part.body) for part in payload(20_000)}
        refused(post(world, orjson.dumps(hook)), 413)

    def test_twenty_thousand_short_ones_are_read_in_bounded_time_and_memory(self, world: World) -> None:
        body = with_labs(world, 20_000)
        assert 5_000_000 < len(body) < 10_000_000
        answer, grown, seconds = peak(lambda: post(world, body))
        assert answer.status_code == 200  # no cancer on file: nothing to say, and nothing opened
        assert answer.json() == {"cards": []}
        assert grown < 400 * MIB
        assert seconds < 30

    def test_the_same_again_and_again_grows_nothing(self, world: World) -> None:
        body = with_labs(world, 5_000)
        post(world, body)
        _, grown, _ = peak(lambda: [post(world, body) for _ in range(6)])
        assert grown < 150 * MIB

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 1_000_000,
            b'{"a":' * 1_000_000,
            b'{"hook":"patient-view","hookInstance":"x","context":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
        ],
    )
    def test_deep_nesting_is_400(self, world: World, body: bytes) -> None:
        answer, grown, seconds = peak(lambda: post(world, body))
        refused(answer, 400)
        assert grown < 100 * MIB
        assert seconds < 10

    @pytest.mark.parametrize("where", ["prefetch", "draftOrders", "conditions", "performer"])
    def test_deep_nesting_inside_a_good_request_is_400_too(self, world: World, where: str) -> None:
        deep = '{"resourceType":"Bundle","entry":' + '[{"a":' * 5_000 + "1" + "}]" * 5_000 + "}"
        hook, service = a_hook(world), SERVICE
        if where == "prefetch":
            hook["prefetch"]["labs"] = "DEEP"
        elif where == "performer":
            service, hook["hook"] = "exercise-programme-choice", "order-dispatch"
            hook["context"] |= {"dispatchedOrders": ["ServiceRequest/1"], "performer": "DEEP"}
        else:
            hook["hook"] = "order-sign" if where == "draftOrders" else "problem-list-item-create"
            hook["context"][where] = "DEEP"
        body = json.dumps(hook).replace('"DEEP"', deep).encode()
        answer = post(world, body, path=service, bearer=token(world, service))
        refused(answer, 400)


class TestForm:
    """JSON as it is, and nothing else."""

    @pytest.mark.parametrize(
        "media_type", ["text/plain", "application/xml", "application/fhir+xml", "multipart/form-data", "image/png"]
    )
    def test_another_media_type_is_415(self, world: World, media_type: str) -> None:
        refused(post(world, orjson.dumps(a_hook(world)), Content_Type=media_type), 415)

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "x-gzip", "gzip, gzip"])
    def test_a_compressed_body_is_415_and_never_unpacked(self, world: World, encoding: str) -> None:
        bomb = gzip.compress(b" " * (200 * MIB))
        answer, grown, seconds = peak(lambda: post(world, bomb, Content_Encoding=encoding))
        refused(answer, 415)
        assert grown < 20 * MIB
        assert seconds < 15

    @pytest.mark.parametrize(
        "body",
        [b"", b"\xff\xfe\x00", b"null", b'"x"', b"{}", b"\xef\xbb\xbf{}", b'{"hook": "\xed\xa0\x80"}', b"{" * 50],
    )
    def test_what_is_no_hook_is_400(self, world: World, body: bytes) -> None:
        refused(post(world, body), 400)


class TestTokens:
    """A bare 401 for every doubt."""

    def forged(
        self, world: World, key: Any, algorithm: str, *, head: dict[str, Any] | None = None, **claims: Any
    ) -> str:
        now, url = int(time.time()), f"{world.url}/cds-services/{SERVICE}"
        good = {"iss": world.ehr.settings.base_url, "aud": url, "iat": now, "exp": now + 300, "jti": str(uuid4())}
        header = {"alg": algorithm, "typ": "JWT", "kid": world.ehr.hooks._keys.cds.kid} | (head or {})
        registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        return jws.serialize_compact(header, orjson.dumps(good | claims), key, registry=registry)

    def refused(self, world: World, bearer: str) -> None:
        answer = post(world, orjson.dumps(a_hook(world)), bearer=bearer)
        assert (answer.status_code, answer.content) == (401, b"")

    def test_a_good_one_would_do(self, world: World) -> None:
        good = self.forged(world, world.ehr.hooks._keys.cds, "ES384")
        assert post(world, orjson.dumps(a_hook(world)), bearer=good).status_code == 200

    def test_a_key_of_ones_own_under_the_right_name(self, world: World) -> None:
        self.refused(world, self.forged(world, ECKey.generate_key("P-384"), "ES384"))

    def test_the_public_key_as_a_shared_secret(self, world: World) -> None:
        public = orjson.dumps(world.ehr.hooks._keys.cds.as_dict(private=False))
        self.refused(world, self.forged(world, OctKey.import_key(public), "HS256"))

    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "https://somebody.example"},
            {"aud": "https://somewhere.example/cds-services/exercise-referral"},
            {"exp": 1_700_000_000},
            {"iat": 4_000_000_000, "exp": 4_000_000_300},
            {"exp": 4_000_000_000},
            {"jti": ""},
        ],
    )
    def test_other_claims(self, world: World, claims: dict[str, Any]) -> None:
        self.refused(world, self.forged(world, world.ehr.hooks._keys.cds, "ES384", **claims))

    def test_one_that_was_changed_on_its_way(self, world: World) -> None:
        head, claims, signature = token(world).split(".")
        self.refused(world, f"{head}.{claims[:-2]}AA.{signature}")
        self.refused(world, f"{head}.{claims}.{signature[:-4]}AAAA")

    def test_one_that_was_used_before_even_by_many_at_once(self, world: World) -> None:
        bearer, body = token(world), orjson.dumps(a_hook(world))
        with ThreadPoolExecutor(8) as pool:
            statuses = list(pool.map(lambda _: post(world, body, bearer=bearer).status_code, range(8)))
        assert sorted(statuses) == [200, *[401] * 7]

    def test_a_jku_elsewhere_is_never_asked(self, world: World) -> None:
        with listening() as (url, asked):
            bearer = self.forged(
                world, ECKey.generate_key("P-384"), "ES384", head={"jku": f"{url}/jwks", "kid": "evil"}
            )
            self.refused(world, bearer)
            assert asked == []


class TestReferences:
    """Neither another patient's data nor another server."""

    @pytest.mark.parametrize(
        ("hook", "where", "kind"),
        [("order-sign", "draftOrders", "ServiceRequest"), ("problem-list-item-create", "conditions", "Condition")],
    )
    def test_what_is_of_another_patient_is_400_and_not_repeated(
        self, world: World, hook: str, where: str, kind: str
    ) -> None:
        body, resource = (
            a_hook(world, hook=hook),
            {"resourceType": kind, "subject": {"reference": "Patient/dan-platelets"}},
        )
        body["context"][where] = {"resourceType": "Bundle", "entry": [{"resource": resource}]}
        assert "dan-platelets" not in refused(post(world, orjson.dumps(body)), 400).text

    def test_a_server_that_is_not_agreed_is_400_and_never_asked(self, world: World) -> None:
        with listening() as (url, asked):
            hook = a_hook(world, fhirServer=f"{url}/fhir", fhirAuthorization=granted(), prefetch={})
            refused(post(world, orjson.dumps(hook)), 400)
            assert asked == []

    def test_a_page_on_another_server_is_never_asked_for(self, world: World) -> None:
        with listening() as (url, asked):
            hook = a_hook(world, fhirAuthorization=granted())
            link = [{"relation": "next", "url": f"{url}/fhir/Condition?page=2"}]
            hook["prefetch"]["labs"] = {"resourceType": "Bundle", "link": link}
            assert post(world, orjson.dumps(hook)).status_code == 200
            assert asked == []

    def test_a_failure_in_prefetch_is_412_and_its_words_are_not_repeated(self, world: World) -> None:
        hook = a_hook(world)
        issue = {"severity": "fatal", "code": "exception", "diagnostics": f"{CANARY} not found"}
        hook["prefetch"]["conditions"] = {"resourceType": "OperationOutcome", "issue": [issue]}
        answer = refused(post(world, orjson.dumps(hook)), 412)
        assert CANARY not in answer.text
        assert answer.json()["issue"][0]["expression"] == ["prefetch.conditions"]

    def test_names_in_broken_places_are_neither_answered_nor_logged(self, world: World) -> None:
        for change in (
            {"hook": CANARY},
            {"hookInstance": CANARY},
            {"context": {"patientId": f"{CANARY}/x", "userId": "Practitioner/1"}},
            {"context": {"patientId": PATIENT, "userId": CANARY}},
            {"prefetch": {"patient": CANARY}},
            {"fhirServer": f"ftp://{CANARY}"},
        ):
            assert CANARY not in refused(post(world, orjson.dumps(a_hook(world, **change))), 400).text


class TestEhr:
    """An EHR that is slow or dies costs the call's own time, and nobody else's."""

    @pytest.fixture(autouse=True)
    def _short(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        real = world.stride.cds_clients.by_issuer(world.ehr.settings.base_url)
        assert real is not None
        monkeypatch.setattr(CdsClients, "by_issuer", lambda _self, _issuer: replace(real, read_seconds=0.7))

    def empty_handed(self, world: World, **keep: Any) -> bytes:
        hook = a_hook(world, fhirAuthorization=self.access(world))
        hook["prefetch"] = {key: value for key, value in hook["prefetch"].items() if key in keep}
        return orjson.dumps(hook)

    def access(self, world: World) -> dict[str, Any]:
        from fhirapp.demo_ehr.hooks import SCOPE, Launch

        issued = world.ehr.hooks._tokens.issue(
            world.ehr.settings.cds_subject, SCOPE, 60, Launch(PATIENT, "Practitioner/1")
        )
        return granted(access_token=issued.access_token, scope=SCOPE, subject=world.ehr.settings.cds_subject)

    def test_one_that_answers_after_the_budget_is_412_within_it(self, world: World) -> None:
        world.ehr.faults.replace([{"delay_ms": 12_000}])
        answer, _, seconds = peak(lambda: post(world, self.empty_handed(world)))
        refused(answer, 412)
        assert set(answer.json()["issue"][0]["expression"]) == {"prefetch.patient", "prefetch.conditions"}
        assert seconds < 9

    def test_what_came_with_the_call_is_judged_although_the_rest_is_late(self, world: World) -> None:
        world.ehr.faults.replace([{"delay_ms": 12_000}])
        answer, _, seconds = peak(lambda: post(world, self.empty_handed(world, patient=1, conditions=1)))
        assert answer.status_code == 200
        assert seconds < 9

    @pytest.mark.parametrize("fault", [{"drop_before": True}, {"drop_after": True}, {"status": 500}, {"status": 429}])
    def test_one_that_dies_or_fails_is_412(self, world: World, fault: dict[str, Any]) -> None:
        world.ehr.faults.replace([fault])
        refused(post(world, self.empty_handed(world)), 412)

    def test_others_are_answered_while_many_wait(self, world: World) -> None:
        world.ehr.faults.replace([{"delay_ms": 12_000}])
        waiting, quick = self.empty_handed(world), orjson.dumps(a_hook(world))
        with ThreadPoolExecutor(8) as pool:
            slow = [pool.submit(post, world, waiting) for _ in range(8)]
            _, _, seconds = peak(lambda: post(world, quick))
        assert seconds < 9
        assert [one.result().status_code for one in slow] == [412] * 8


def granted(**changes: Any) -> dict[str, Any]:
    good = {
        "access_token": "canary-token",
        "token_type": "Bearer",
        "expires_in": 60,
        "scope": "user/*.rs",
        "subject": "s",
    }
    return good | changes


@contextmanager
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """A place that nobody may ask, and what was asked there."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        over = threading.Event()

        def accept() -> None:
            while not over.is_set():
                try:
                    connection, _ = server.accept()
                except TimeoutError:
                    continue
                with connection:
                    asked.append(connection.recv(1000))

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        finally:
            over.set()
            thread.join()
