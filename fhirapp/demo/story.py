"""The story that `stride demo --check` proves, step by step, against real processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from fhirapp.demo.scene import Scene, StepFailed
from mappings.canonical import OPT_OUT_REASONS

CLINICIAN_WINDOW: Final = timedelta(hours=72, minutes=1)
PATIENT_WINDOW: Final = timedelta(days=7, minutes=1)
LEASE: Final = timedelta(minutes=2)
PARALLEL: Final = 20

FULL: Final = {"ServiceRequest": ["active"], "CarePlan": ["draft"], "Goal": ["proposed", "proposed"]}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the story."""

    letter: str
    said: str
    run: Callable[[Scene], None]


def steps() -> Iterator[Step]:
    """All steps in the order in which they are played."""
    yield Step("g", "the worker is killed in the middle of a write; each resource is in the EHR exactly once", killed)
    yield Step("a", "an eligible patient: hook, card, recommended suggestion", card_shown)
    yield Step("b", "the clinician overrides: nothing is written, the reason is kept", overridden)
    yield Step("d", "platelets 8: held, no card suggests exercise, the clinician is told why", held)
    yield Step("f", "not eligible: no card", not_eligible)
    yield Step("h", f"{PARALLEL} hooks at once for one patient: one referral", parallel)
    yield Step("i", "safety questions unanswered: the referral is proposed, without a prescription", unanswered)
    yield Step("j", "the clinician accepts, the EHR creates the draft: one ServiceRequest, ours to carry on", accepted)
    yield Step("e", "platelets fall after the card: held at release, nothing is written", fallen)
    yield Step("a", "nobody acts: ServiceRequest active, CarePlan, Goals, Task written; the notice is out", released)
    yield Step("i", "still unanswered: ServiceRequest and Task only", released_without_answers)
    yield Step("c", "the patient opts out in one step: ServiceRequest revoked", opted_out)
    yield Step("a", "the patient's window passes: the referral is in the navigators' queue", queued)
    yield Step("i", "the queue's first step for the unanswered one is to ask", asked_first)


def killed(scene: Scene) -> None:
    patient = "gus-killed"
    _one_card(scene, patient)
    # The EHR has done the whole transaction, and its answer never arrives.
    scene.ehr("PUT", "faults", [{"path": "^$", "method": "POST", "after_ms": 6000, "times": 1}])
    scene.pass_time(CLINICIAN_WINDOW)
    scene.until("the first write is in the EHR", lambda: scene.in_ehr(patient, "ServiceRequest"))
    scene.stage.worker.kill()
    scene.ehr("PUT", "faults", [])
    scene.pass_time(LEASE)
    scene.stage.worker.start()
    scene.until("the Task is in the EHR", lambda: scene.in_ehr(patient, "Task"))
    scene.until("the worker is idle", scene.idle)
    _expect_full(scene, patient)


def card_shown(scene: Scene) -> None:
    card = _one_card(scene, "ada-refer")
    scene.expect("indicator", card["indicator"], "info")
    recommended = [s for s in card.get("suggestions", ()) if s.get("isRecommended")]
    scene.expect("recommended suggestions", len(recommended), 1)
    created = [action["resource"]["resourceType"] for action in recommended[0]["actions"]]
    scene.expect("what the suggestion creates", sorted(created), ["CarePlan", "Goal", "Goal", "ServiceRequest"])
    if not card.get("overrideReasons") or not any(link["type"] == "smart" for link in card.get("links", ())):
        raise StepFailed("the card lacks override reasons or the SMART link")
    scene.expect("state", scene.state("ada-refer"), "proposed")
    for patient in ("cleo-optout", "eva-falls"):
        _one_card(scene, patient)


def overridden(scene: Scene) -> None:
    patient = "bea-override"
    card = scene.order_sign(patient, _chemotherapy(patient))
    scene.expect("cards on order-sign", len(card), 1)
    reason = {"code": "CL-CHOICE", "system": OPT_OUT_REASONS, "display": "Prefers another plan"}
    scene.override(card[0], reason)
    found = scene.until(
        "the referral is declined", lambda: scene.state(patient) == "declined" and scene.referral(patient)
    )
    scene.until("the worker is idle", scene.idle)
    scene.expect("reason", found.reason_code if found else None, "CL-CHOICE")
    scene.expect("in the EHR", scene.statuses(patient), _nothing())
    scene.expect("cards afterwards", scene.patient_view(patient), [])


def held(scene: Scene) -> None:
    patient = "dan-platelets"
    card = _one_card(scene, patient)
    scene.expect("suggestions", card.get("suggestions", []), [])
    if "8" not in card.get("detail", "") or card["indicator"] == "info":
        raise StepFailed(f"the card does not say why: {card['indicator']}: {card['summary']}")
    scene.expect("state", scene.state(patient), "held")
    scene.expect("in the EHR", scene.statuses(patient), _nothing())


def not_eligible(scene: Scene) -> None:
    scene.expect("cards", scene.patient_view("fred-ineligible"), [])
    scene.expect("state", scene.state("fred-ineligible"), "none")


def parallel(scene: Scene) -> None:
    patient = "hana-parallel"
    with ThreadPoolExecutor(PARALLEL) as pool:
        shown = list(pool.map(scene.patient_view, [patient] * PARALLEL))
    scene.expect("cards shown", {len(cards) for cards in shown}, {1})
    found = scene.referral(patient)
    scene.expect("offers", found.ordinal if found else 0, 1)
    identifiers = {_request_identifier(cards[0]) for cards in shown}
    scene.expect("business identifiers", len(identifiers), 1)


def unanswered(scene: Scene) -> None:
    card = _one_card(scene, "ivo-unanswered")
    created = [action["resource"]["resourceType"] for action in card["suggestions"][0]["actions"]]
    scene.expect("what the suggestion creates", created, ["ServiceRequest"])
    scene.expect("state", scene.state("ivo-unanswered"), "proposed")


def accepted(scene: Scene) -> None:
    patient = "jo-accepts"
    scene.accept(_one_card(scene, patient))
    scene.until("the draft is active", lambda: scene.statuses(patient)["ServiceRequest"] == ["active"])
    scene.until("the worker is idle", scene.idle)
    _expect_full(scene, patient)
    request = scene.in_ehr(patient, "ServiceRequest")[0]
    if int(request["meta"]["versionId"]) < 2:
        raise StepFailed("the ServiceRequest is not the EHR's own draft, carried on")
    scene.expect("requester", request["requester"]["reference"], "Practitioner/dr-lind")


def fallen(scene: Scene) -> None:
    scene.add_platelets("eva-falls", 8)
    scene.pass_time(CLINICIAN_WINDOW)
    scene.until("the referral is held", lambda: scene.state("eva-falls") == "held", patience_s=40)
    scene.until("the worker is idle", scene.idle, patience_s=40)
    scene.expect("in the EHR", scene.statuses("eva-falls"), _nothing())
    scene.expect("notice", scene.notice("eva-falls"), None)


def released(scene: Scene) -> None:
    patient = "ada-refer"
    scene.until("the patient's window is open", lambda: scene.state(patient) == "opt_out_open")
    scene.until("the worker is idle", scene.idle, patience_s=40)
    _expect_full(scene, patient)
    request = scene.in_ehr(patient, "ServiceRequest")[0]
    scene.expect("requester", request["requester"]["reference"], "Practitioner/dr-okafor")
    notice = scene.notice(patient)
    if notice is None or "/o/" not in notice["link"]:
        raise StepFailed("no notice with an opt-out link is in the outbox")
    scene.expect("hana's ServiceRequests", scene.statuses("hana-parallel")["ServiceRequest"], ["active"])


def released_without_answers(scene: Scene) -> None:
    hoped = _nothing() | {"ServiceRequest": ["active"], "Task": ["requested"]}
    scene.expect("in the EHR", scene.statuses("ivo-unanswered"), hoped)


def opted_out(scene: Scene) -> None:
    patient = "cleo-optout"
    notice = scene.notice(patient)
    if notice is None:
        raise StepFailed("no notice was written")
    looked = scene.http.get(notice["link"], timeout=10)
    scene.expect("the link's page", looked.status_code, 200)
    scene.expect("looking alone changes nothing", scene.state(patient), "opt_out_open")
    scene.expect("one step", scene.http.post(notice["link"], timeout=10).status_code, 200)
    scene.expect("state", scene.state(patient), "opted_out")
    scene.until("it is revoked", lambda: scene.statuses(patient)["ServiceRequest"] == ["revoked"])
    scene.until("the worker is idle", scene.idle)
    hoped = {"ServiceRequest": ["revoked"], "CarePlan": ["revoked"], "Goal": ["cancelled"] * 2, "Task": ["cancelled"]}
    scene.expect("in the EHR", scene.statuses(patient), hoped)


def queued(scene: Scene) -> None:
    scene.pass_time(PATIENT_WINDOW)
    for patient in ("ada-refer", "gus-killed", "hana-parallel", "ivo-unanswered", "jo-accepts"):
        scene.until(f"{patient} is in the queue", lambda p=patient: scene.state(p) == "queued", patience_s=40)  # type: ignore[misc]
    scene.until("the worker is idle", scene.idle, patience_s=40)
    for patient in ("cleo-optout", "bea-override", "eva-falls", "dan-platelets"):
        if scene.state(patient) in ("queued", "opt_out_open"):
            raise StepFailed(f"{patient} was referred after a no or a hold")
    scene.expect("cleo's ServiceRequests", scene.statuses("cleo-optout")["ServiceRequest"], ["revoked"])


def asked_first(scene: Scene) -> None:
    found = scene.referral("ivo-unanswered")
    scene.expect("waits for", found.waiting_for if found else None, ("answers",))
    scene.expect("prescription released", bool(found and found.prescription_released), False)


# ---------------------------------------------------------------- shared looks


def _one_card(scene: Scene, patient: str) -> dict[str, Any]:
    cards = scene.patient_view(patient)
    scene.expect(f"cards for {patient}", len(cards), 1)
    return cards[0]


def _expect_full(scene: Scene, patient: str) -> None:
    scene.expect(f"{patient} in the EHR", scene.statuses(patient), FULL | {"Task": ["requested"]})


def _nothing() -> dict[str, list[str]]:
    return {"ServiceRequest": [], "CarePlan": [], "Goal": [], "Task": []}


def _request_identifier(card: dict[str, Any]) -> str:
    resources = [action["resource"] for action in card["suggestions"][0]["actions"]]
    return next(str(r["identifier"][0]["value"]) for r in resources if r["resourceType"] == "ServiceRequest")


def _chemotherapy(patient: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": "draft-1",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {
            "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "32592"}]
        },
        "subject": {"reference": f"Patient/{patient}"},
    }
