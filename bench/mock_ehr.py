"""An EHR that answers each request after five milliseconds with what it was given: `python -m bench.mock_ehr FOLDER`.

It costs so little itself that what is measured is the service. It keeps what is created by identifier, honours
`If-None-Exist`, and counts. It takes transactions and batches where it is told to, and says so of itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import orjson

DELAY_S: Final = 0.005
PATIENT: Final = "ada-refer"  # whose chart everybody has, under an id of their own
TYPES: Final = ("ServiceRequest", "CarePlan", "Goal", "Task", "Provenance", "RiskAssessment", "DetectedIssue")
_ID: Final = re.compile(r"[=/](b\d{6})\b")


class MockEhr:
    """The answers, and what was written."""

    def __init__(self, base: str, answers: dict[str, str], *, together: bool) -> None:
        self.base, self.together = base, together
        self.answers = {path: body.encode() for path, body in answers.items()}
        self.by_identifier: dict[str, bytes] = {}
        self.by_reference: dict[str, bytes] = {}
        self.requests = self.created = self.again = 0

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """One request."""
        if path == "/counts":
            counts = {"requests": self.requests, "created": self.created, "again": self.again}
            return 200, orjson.dumps({**counts, "processor_s": sum(os.times()[:2])})
        self.requests += 1
        if path.endswith("/.well-known/smart-configuration"):
            return 200, orjson.dumps(_smart(self.base))
        if path == "/token":
            return 200, orjson.dumps({"access_token": "t", "token_type": "bearer", "expires_in": 3600, "scope": ""})
        asked = path.removeprefix("/fhir").strip("/")
        if asked == "metadata":
            return 200, orjson.dumps(_statement(self.together))
        if method == "POST" and not asked:
            return self._bundle(orjson.loads(body))
        if method == "POST":
            return self._create(orjson.loads(body), headers)
        if method == "PUT":
            return self._stored(asked, orjson.loads(body))
        if "identifier=" in asked:
            found = self.by_identifier.get(parse_qs(urlsplit(asked).query)["identifier"][0])
            return 200, _bundle([] if found is None else [orjson.loads(found)])
        if asked in self.by_reference:
            return 200, self.by_reference[asked]
        return self._chart(asked)

    def _bundle(self, bundle: dict[str, Any]) -> tuple[int, bytes]:
        if not self.together:
            return 405, b'{"resourceType":"OperationOutcome","issue":[]}'
        answers = [self._entry(entry["request"], entry) for entry in bundle["entry"]]
        said = b",".join(b'{"response":{"status":"%d"},"resource":%b}' % one for one in answers)
        kind = bundle["type"].encode()
        return 200, b'{"resourceType":"Bundle","type":"%b-response","entry":[%b]}' % (kind, said)

    def _entry(self, request: dict[str, str], entry: dict[str, Any]) -> tuple[int, bytes]:
        if request["method"] == "GET":
            return self._chart(request["url"])
        condition = request.get("ifNoneExist")
        return self._create(entry["resource"], {} if condition is None else {"if-none-exist": condition})

    def _chart(self, asked: str) -> tuple[int, bytes]:
        found = _ID.search(asked)
        patient = found[1] if found else PATIENT
        body = self.answers.get(asked.replace(patient, PATIENT))
        if body is None and asked.startswith("Provenance?"):
            return 200, _bundle([])
        if body is None:
            return 404, b'{"resourceType":"OperationOutcome","issue":[]}'
        return 200, body.replace(PATIENT.encode(), patient.encode())

    def _create(self, resource: dict[str, Any], headers: dict[str, str]) -> tuple[int, bytes]:
        if "identifier" not in resource:  # a Provenance has none
            self.created += 1
            return 201, self._stored(f"{resource['resourceType']}/w{self.created}", resource)[1]
        identifier = resource["identifier"][0]
        token = f"{identifier['system']}|{identifier['value']}"
        if "if-none-exist" in headers and token in self.by_identifier:
            self.again += 1
            return 200, self.by_identifier[token]
        self.created += 1
        reference = f"{resource['resourceType']}/w{self.created}"
        _, stored = self._stored(reference, resource)
        self.by_identifier[token] = stored
        return 201, stored

    def _stored(self, reference: str, resource: dict[str, Any]) -> tuple[int, bytes]:
        kind, _, key = reference.partition("/")
        stored = orjson.dumps({**resource, "resourceType": kind, "id": key, "meta": {"versionId": "1"}})
        self.by_reference[reference] = stored
        return 200, stored


def _smart(base: str) -> dict[str, Any]:
    return {
        "token_endpoint": f"{base}/token",
        "authorization_endpoint": f"{base}/authorize",
        "grant_types_supported": ["authorization_code", "client_credentials"],
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "capabilities": ["client-confidential-asymmetric", "permission-v2"],
        "code_challenge_methods_supported": ["S256"],
    }


def _statement(together: bool) -> dict[str, Any]:
    codes = [{"code": code} for code in ("read", "create", "update", "search-type")]
    resources = [
        {"type": kind, "interaction": codes, "conditionalCreate": together, "searchParam": [{"name": "identifier"}]}
        for kind in TYPES
    ]
    overall = [{"code": "transaction"}, {"code": "batch"}] if together else []
    rest = {"mode": "server", "resource": resources, "interaction": overall}
    return {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "rest": [rest]}


def _bundle(resources: list[Any]) -> bytes:
    entries = [{"resource": one, "search": {"mode": "match"}} for one in resources]
    return orjson.dumps({"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries})


async def _talk(ehr: MockEhr, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while line := await reader.readline():
            method, path, _ = line.decode().split(" ", 2)
            headers = {}
            while (header := (await reader.readline()).decode().strip()) != "":
                name, _, value = header.partition(":")
                headers[name.lower()] = value.strip()
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            if path != "/counts":
                await asyncio.sleep(DELAY_S)
            status, answer = ehr.answer(method, path, headers, body)
            head = (
                f"HTTP/1.1 {status} X\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(answer)}\r\n\r\n"
            )
            writer.write(head.encode() + answer)
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()


async def _serve(folder: Path) -> None:
    told = json.loads((folder / "mock.json").read_text())
    ehr = MockEhr(f"http://127.0.0.1:{told['port']}", told["answers"], together=told["together"])
    server = await asyncio.start_server(lambda r, w: _talk(ehr, r, w), "127.0.0.1", told["port"], limit=2**22)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
