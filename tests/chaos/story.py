"""What happens while things break: charts are opened, patients say no, the windows end, and at last all is counted."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import count as count_from
from typing import Any, Final
from uuid import UUID

import requests
import sqlalchemy as sa

from fhirapp.demo.settings import TENANT
from fhirapp.jobs.table import LEASE, Job
from fhirapp.referrals.fhir_status import PRESCRIPTION_KINDS, fhir_of
from fhirapp.referrals.judging import CLINICIAN_WINDOW, PATIENT_WINDOW, WRITE_BACK
from fhirapp.referrals.links import OptOutLink
from fhirapp.referrals.referral import EhrResource, Referral, ReferralEvent
from fhirapp.referrals.status import State
from fhirapp.write_back.beside import REFUSED, type_beside
from mappings.canonical import RESOURCE_IDENTIFIER
from tests.chaos.house import House

KINDS: Final = (CLINICIAN_WINDOW, PATIENT_WINDOW, WRITE_BACK)
BESIDE: Final = ("Communication", "DetectedIssue", "Flag")
WRITTEN: Final = ("ServiceRequest", "CarePlan", "Goal", "Task", "Provenance", *BESIDE)
PATIENCE_S: Final = 1500
AFTER_THE_CLINICIAN, AFTER_THE_PATIENT = timedelta(hours=73), timedelta(days=7, hours=1)


@dataclass(frozen=True)
class Counts:
    """What is printed and must be zero, and beside it how much was tried."""

    referrals: int
    opted_out: int
    kills: int
    lost: int
    duplicates: int
    released_after_opt_out: int
    disagreements: int
    stuck: int

    @property
    def faultless(self) -> bool:
        return not (self.lost or self.duplicates or self.released_after_opt_out or self.disagreements or self.stuck)

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())


def insisting(call: Callable[[], requests.Response], good: Iterable[int] = (200, 204, 303)) -> requests.Response:
    """Ask again until it is answered: what a browser or an EHR does when a server has gone away."""
    ends = time.monotonic() + PATIENCE_S
    while True:
        try:
            answer = call()
            if answer.status_code in good:
                return answer
            said = f"{answer.status_code} {answer.text[:200]}"
        except requests.RequestException as error:
            said = type(error).__name__
        if time.monotonic() > ends:
            raise AssertionError(f"never answered: {said}")
        time.sleep(0.2)


def open_charts(house: House, patients: list[str]) -> None:
    """The clinician opens each chart and sees the card: from then on nothing may be lost."""

    def look(patient: str) -> None:
        def shown() -> requests.Response:
            url = f"{house.stage.ehr_url}/_admin/hooks/patient-view"
            answer = requests.post(url, json={"patient": patient}, timeout=60)
            if answer.ok and (answer.json()["failures"] or not answer.json()["cards"]):
                answer.status_code = 502
            return answer

        # An EHR shows a card once for a chart that did not change; the loss of an answer is no loss of the referral.
        while True:
            try:
                requests.get(f"{house.stage.stride_url}/healthz", timeout=10)
            except requests.RequestException:
                time.sleep(0.2)
                continue
            answer = shown()
            if answer.status_code == 200 or referral_of(house, patient) is not None:
                return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(look, patients))


def referral_of(house: House, patient: str) -> UUID | None:
    with house.sessions() as session:
        return session.execute(
            sa.select(Referral.id).where(Referral.tenant_id == TENANT, Referral.patient_id == patient)
        ).scalar_one_or_none()


def say_no(house: House, patients: list[str]) -> None:
    """Patients follow their link and press the button, until the page says that it is so."""
    expires = datetime(2100, 1, 1, tzinfo=UTC)

    def press(patient: str) -> None:
        referral = referral_of(house, patient)
        assert referral is not None
        url = house.links.url(OptOutLink(TENANT, referral), expires)
        insisting(lambda: requests.post(url, timeout=60, allow_redirects=False))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(press, patients))


def settle(house: House, *, windows_left: bool, patience_s: float = PATIENCE_S) -> bool:
    """Wait until no job of ours is left to do; leases of the dead are ended by moving the clock."""
    ends = time.monotonic() + patience_s
    quiet_since = time.monotonic()
    before = None
    while time.monotonic() < ends:
        now = house.clock()
        with house.sessions() as session:
            ours = sa.select(Job.id, Job.run_at, Job.arms, Job.claims).where(Job.state == "ready", Job.kind.in_(KINDS))
            left = session.execute(ours.order_by(Job.id)).all()
        waiting = [row for row in left if not windows_left or row.run_at <= now + timedelta(hours=2)]
        if not waiting:
            return True
        # A lease is longer than any request takes: the clock must not jump over one that is still under way.
        if left != before or house.waits():
            before, quiet_since = left, time.monotonic()
        elif time.monotonic() - quiet_since > 3:
            house.clock.move(LEASE + timedelta(seconds=1))
            quiet_since = time.monotonic()
        time.sleep(0.25)
    return False


def count(house: House, said_no: list[str]) -> Counts:
    """Look at the database and into the EHR."""
    with house.sessions() as session:
        referrals = list(session.execute(sa.select(Referral)).scalars())
        known = {(row.referral_id, row.kind): row for row in session.execute(sa.select(EhrResource)).scalars()}
        moves = session.execute(
            sa.select(ReferralEvent.referral_id, ReferralEvent.action, ReferralEvent.state_before).order_by(
                ReferralEvent.id
            )
        ).all()
        stuck_jobs = session.execute(
            sa.select(Job.kind, Job.state, Job.error).where(
                sa.or_(Job.state == "dead", sa.and_(Job.state == "ready", Job.kind.in_(KINDS)))
            )
        ).all()
    found = {patient: [row for row in referrals if row.patient_id == patient] for patient in house.patients}
    ehr = {kind: resources(house, kind) for kind in WRITTEN}
    numbers = Counter((kind, i["value"]) for kind, rows in ehr.items() for row in rows for i in ours_of(row))
    ended = {State.QUEUED, State.OPTED_OUT}
    refused = {row.id for row in referrals if row.patient_id in said_no}
    late = 0
    for referral_id in refused:
        actions = [move.action for move in moves if move.referral_id == referral_id]
        at = actions.index("opt_out") if "opt_out" in actions else -1
        late += at < 0 or bool({"sign", "sign_by_standing_order", "enter_queue"} & set(actions[at:]))
    for row in referrals:
        if row.id in refused:
            late += any(one["status"] in ("active", "draft") for one in of_patient(ehr["ServiceRequest"], row))
    stuck = [row for row in referrals if row.status not in ended]
    wrong = [
        *[f"job {job}" for job in stuck_jobs],
        *[f"{row.patient_id} {row.state}" for row in stuck],
        *[f"{kind} {one} twice" for (kind, one), times in numbers.items() if times > 1],
        *(disagreeing := [said for row in referrals for said in disagreements(row, ehr, known)]),
        *[f"{patient} has {len(rows)} referrals" for patient, rows in found.items() if len(rows) != 1],
    ]
    for said in wrong[:20]:
        print("   ", said)
    return Counts(
        referrals=len(house.patients),
        opted_out=len(said_no),
        kills=sum(house.kills.values()),
        lost=sum(not rows for rows in found.values()),
        duplicates=sum(len(rows) > 1 for rows in found.values()) + sum(times > 1 for times in numbers.values()),
        released_after_opt_out=late,
        disagreements=len(disagreeing),
        stuck=len(stuck) + len(stuck_jobs),
    )


def disagreements(
    referral: Referral, ehr: dict[str, list[Any]], known: dict[tuple[UUID, str], EhrResource]
) -> list[str]:
    """Where the EHR does not say what the state of the referral means."""
    wanted = fhir_of(referral.status, referral.resumes)
    said = []
    ours = {kind: row for (referral_id, kind), row in known.items() if referral_id == referral.id}
    # A notice or hold that the EHR would not take stands beside the referral and stops nothing (decision 54).
    mine = {kind: row for kind, row in ours.items() if not (type_beside(kind) and row.status == REFUSED)}
    for kind, row in mine.items():
        resource_type, _, resource_id = (row.reference or "/").partition("/")
        there = next((one for one in ehr.get(resource_type, []) if one["id"] == resource_id), None)
        if there is None:
            said.append(f"{referral.patient_id} {kind}: {row.reference} is not in the EHR")
        elif kind in wanted and there.get("status", there.get("lifecycleStatus")) != wanted[kind].status:
            said.append(f"{referral.patient_id} {kind}: {there.get('status')} is not {wanted[kind].status}")
    # Days go by in these stories: where the answers have grown too old meanwhile, no plan may be written.
    planned = () if referral.prescription_released else PRESCRIPTION_KINDS
    must = [kind for kind, want in wanted.items() if want.create and kind not in planned]
    said += [f"{referral.patient_id} {kind} was never written" for kind in must if (referral.id, kind) not in known]
    if must and (referral.id, "patient-notice-referral") not in known:
        said.append(f"{referral.patient_id}: nothing in the EHR says that the patient was told")
    there_are = sum(len(of_patient(rows, referral)) for rows in ehr.values())
    told = sum(1 for kind in mine if kind in wanted or type_beside(kind))
    if there_are != told:
        said.append(f"{referral.patient_id}: {there_are} in the EHR, {told} in the database")
    return said


def resources(house: House, kind: str) -> list[Any]:
    """Everything of this type in the EHR that carries an identifier of ours."""
    found: list[Any] = []
    for page in count_from(1):
        entries = house.admin(f"search/{kind}", _count=1000, _page=page).get("entry", ())
        found += [one["resource"] for one in entries if ours_of(one["resource"])]
        if len(entries) < 1000:
            return found
    raise AssertionError("unreachable")


def ours_of(resource: Any) -> list[Any]:
    """The identifiers of ours that a resource carries; a Provenance names its set of writes as a source."""
    sources = [one["what"].get("identifier", {}) for one in resource.get("entity", ())]
    carried = [*resource.get("identifier", ()), *sources]
    return [one for one in carried if one.get("system") == RESOURCE_IDENTIFIER]


def of_patient(rows: list[Any], referral: Referral) -> list[Any]:
    subject = f"Patient/{referral.patient_id}"
    about = [(one, one.get("subject") or one.get("for") or one.get("patient") or {}) for one in rows]
    return [one for one, who in about if who.get("reference") == subject and not is_alarm(one)]


def is_alarm(resource: Any) -> bool:
    """A message to a clinician, of which the alarm keeps its own account."""
    return any(coding["code"] == "alert" for one in resource.get("category", ()) for coding in one.get("coding", ()))


def states(house: House) -> set[State]:
    """The states that there are."""
    with house.sessions() as session:
        return {State(state) for state in session.execute(sa.select(Referral.state).distinct()).scalars()}
