"""No token and no data of a patient where it must not be: not in logs, not in errors, and not in the database outside
the columns that docs/reference/data.md lists. Source: CH-F4, CH-J10, CH-S4."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from fhirapp.db.base import engine_for
from fhirapp.db.schema import metadata
from fhirapp.demo.one_shot import PUBLIC_URL, OneShot, one_shot
from fhirapp.logs import JsonLines
from tests.world import NAVIGATOR, World
from tools.stored_data import KINDS, all_columns, patient_columns

ROOT = Path(__file__).parents[2]
AS_OF = datetime(2026, 11, 25, 12, tzinfo=UTC)
NOBODY = "http://127.0.0.1:9/fhir"  # refuses every connection
TOKEN, COMMENT, PATIENT, DISEASE = "canary-access-token", "canary comment", "canary-patient", "Canary carcinoma"
PLANTED = {
    "Marlow": "Canaryfamily",
    "ada.marlow@example.org": "canary.mail@example.org",
    "+1 555 0141": "+1 555 0199888",
    "MRN-ADA-REFER": "CANARY-MRN-77",
    "1968-08-17": "1968-08-19",
    "ada-refer": PATIENT,
}
NEVER = (*(secret for secret in PLANTED.values() if secret != PATIENT), TOKEN, COMMENT)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged from DEBUG on, as the service writes it."""
    kept, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(kept), root.level
    handler.setFormatter(JsonLines())
    logging.getLogger("urllib3").setLevel("WARNING")  # as logs.start_logging does
    root.addHandler(handler)
    root.setLevel("DEBUG")
    yield kept
    root.removeHandler(handler)
    root.setLevel(level)


def a_request(**changes: Any) -> dict[str, Any]:
    text = (ROOT / "docs/examples/hooks/patient-view.json").read_text()
    for plain, canary in PLANTED.items():
        assert plain in text
        text = text.replace(plain, canary)
    request: dict[str, Any] = json.loads(text)
    for entry in request["prefetch"]["conditions"]["entry"]:
        code = entry["resource"]["code"]
        code["text"], code["coding"] = DISEASE, [coding | {"display": DISEASE} for coding in code["coding"]]
    granted = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 60, "scope": "user/*.rs", "subject": "s"}
    request |= {"fhirServer": NOBODY, "fhirAuthorization": granted}
    return request | changes


def post(service: OneShot, path: str, body: Any) -> tuple[int, str]:
    headers = service.signer.header_for(f"{PUBLIC_URL}{path}")
    answer = service.app.test_client().post(path, base_url=PUBLIC_URL, json=body, headers=headers)
    return answer.status_code, answer.get_data(as_text=True)


def cells(engine: Engine) -> Iterator[tuple[str, str]]:
    """Every value of the database with the name of its column."""
    with engine.connect() as connection:
        for name, table in metadata.tables.items():
            columns = ", ".join(f'"{column.name}"' for column in table.c)
            for row in connection.execute(sa.text(f'select {columns} from "{name}"')):
                yield from ((f"{name}.{column.name}", str(value)) for column, value in zip(table.c, row, strict=True))


def on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("*.sqlite*"))


@pytest.mark.only_sqlite("the service of one call keeps its own file, and its bytes are looked through")
def test_ch_f4_ch_j10_canaries_of_a_hook_call_are_found_nowhere(log: io.StringIO) -> None:
    with one_shot(NOBODY, AS_OF) as service:
        said, tokens = play_hooks(service)
        raw = on_disk(service.folder)
        engine = engine_for(f"sqlite:///{service.folder / 'one-shot.sqlite'}")
        found = list(cells(engine))
        engine.dispose()
    errors = [text for status, text in said if status != 200]
    assert [status for status, _ in said] == [200, 200, 412, 400, 400, 400, 401]
    logged = log.getvalue()
    assert "hook=patient-view" in logged
    for canary in (*NEVER, *tokens):
        assert canary not in logged
        assert canary.encode() not in raw, canary
        assert not [column for column, value in found if canary in value], canary
        assert not [text for text in errors if canary in text], canary
    for canary in (PATIENT, DISEASE):
        assert canary not in logged
        assert not [text for text in errors if canary in text], canary
    check_columns(found, PATIENT, "id clinical", {"audit.patient_id", "referral.patient_id"})
    check_columns(found, DISEASE, "clinical", {"referral.summary"})


def play_hooks(service: OneShot) -> tuple[list[tuple[int, str]], list[str]]:
    """A card, feedback on it, and refusals of several kinds; with the tokens that were used."""
    path = "/cds-services/exercise-referral"
    tokens: list[str] = []
    sign = service.signer.header_for

    def remembered(url: str) -> dict[str, str]:
        header = sign(url)
        tokens.append(header["Authorization"].removeprefix("Bearer "))
        return header

    remembering = OneShot(service.app, type("Signing", (), {"header_for": staticmethod(remembered)})(), service.folder)
    first = post(remembering, path, a_request())
    (card,) = json.loads(first[1])["cards"]
    override = {"reason": {"code": "CL-CHOICE"}, "userComment": COMMENT}
    entry = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-11-25T12:00:00Z"}
    said = [first, post(remembering, f"{path}/feedback", {"feedback": [entry | {"overrideReason": override}]})]
    prefetch = a_request()["prefetch"]
    foreign = json.loads(json.dumps(prefetch["conditions"]).replace(f"Patient/{PATIENT}", "Patient/canary-somebody"))
    for changes in (
        {"prefetch": {"patient": prefetch["patient"]}},  # the EHR is asked, and does not answer
        {"prefetch": prefetch | {"conditions": foreign}},
        {"context": {"patientId": f"Patient/{PATIENT}", "userId": DISEASE}},
        {"fhirServer": f"https://elsewhere.example/{TOKEN}"},
    ):
        said.append(post(remembering, path, a_request(**changes)))
    forged = service.app.test_client().post(
        path, base_url=PUBLIC_URL, json=a_request(), headers={"Authorization": f"Bearer {TOKEN}"}
    )
    return [*said, (forged.status_code, forged.get_data(as_text=True))], tokens


def check_columns(found: list[tuple[str, str]], canary: str, kinds: str, surely: set[str]) -> None:
    """The canary is where it must be, and nowhere that is not listed as of these kinds."""
    listed = {name for name, (kind, _) in patient_columns().items() if kind in kinds.split()}
    where = {column for column, value in found if canary in value}
    assert surely <= where
    assert where <= listed


def test_on_the_whole_road_names_are_sealed_and_ids_are_where_the_page_says(world: World, log: io.StringIO) -> None:
    referral = world.queued("ada-refer")
    now = world.stride.clock()
    world.stride.actions.claim(referral.id, actor=NAVIGATOR, now=now)
    world.stride.actions.log_attempt(
        referral.id, actor=NAVIGATOR, now=now, channel="phone", outcome="no-answer", next_at=now + timedelta(days=1),
        note="canary note: she was out",
    )  # fmt: skip
    world.worker.run_due()
    found = list(cells(world.stride.sessions.engine))
    for secret in ("Marlow", "ada.marlow@example.org", "+1 555 0141", "MRN-ADA-REFER", "canary note"):
        assert not [column for column, value in found if secret in value], secret
        assert secret not in log.getvalue()
    check_columns(found, "ada-refer", "id clinical", {"referral.patient_id", "audit.patient_id"})


def test_every_listed_column_exists_and_is_of_a_known_kind() -> None:
    listed = patient_columns()
    assert listed.keys() <= set(all_columns())
    assert {kind for kind, _ in listed.values()} == set(KINDS)
