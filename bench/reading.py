"""How long it takes to read a chart: decode, index and snapshot, apart from rules and network.

Run `python -m bench.reading`. One oncology patient, six conditions, six orders and n observations of twenty
kinds, all of interest: what is of no interest would be cheaper. Prints microseconds at the 12.5th percentile, which
is least moved by neighbours on a shared machine, and the median. The last column is a measure that a busy machine
moves little: the whole reading against a plain `orjson.loads` of the same bytes, timed in turns with it.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import orjson

from mappings.bundle import Part, read_chart
from mappings.from_fhir.snapshot import snapshot_from

SIZES = (20, 200, 2000)
LIMITS_MS = {20: 0.15, 200: 0.5, 2000: 4.0}
AS_OF = datetime(2026, 11, 25, 14, 30, tzinfo=ZoneInfo("Australia/Melbourne"))
PATIENT = "bench-1"

_KINDS = (
    ("777-3", "Platelets [#/volume] in Blood", "10*3/uL", 210.0, 400.0),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 12.1, 16.0),
    ("751-8", "Neutrophils [#/volume] in Blood", "10*3/uL", 3.4, 7.5),
    ("6690-2", "Leukocytes [#/volume] in Blood", "10*3/uL", 6.2, 11.0),
    ("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", "mg/L", 4.0, 5.0),
    ("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "g/dL", 4.1, 5.0),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.9, 1.2),
    ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", 4.1, 5.1),
    ("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", 139.0, 145.0),
    ("17861-6", "Calcium [Mass/volume] in Serum or Plasma", "mg/dL", 9.3, 10.5),
    ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", 101.0, 106.0),
    ("29463-7", "Body weight", "kg", 71.0, None),
    ("8302-2", "Body height", "cm", 168.0, None),
    ("8867-4", "Heart rate", "/min", 74.0, None),
    ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "%", 97.0, None),
    ("8310-5", "Body temperature", "Cel", 36.8, None),
    ("9279-1", "Respiratory rate", "/min", 15.0, None),
    ("10230-1", "Left ventricular Ejection fraction", "%", 61.0, None),
    ("72514-3", "Pain severity - 0-10 verbal numeric rating", "{score}", 2.0, None),
    ("82290-8", "Frequency of moderate to vigorous aerobic physical activity", "min/wk", 80.0, None),
)
_CONDITIONS = ("C50.911", "I10", "E11.9", "G62.0", "F32.9", "M81.0")
_DRUGS = ("56946", "224905", "84857", "6918", "1364430", "36567")


def observation(number: int) -> dict[str, object]:
    """One laboratory value or vital sign as a record system writes it, about one kilobyte."""
    code, display, unit, value, high = _KINDS[number % len(_KINDS)]
    when = AS_OF - timedelta(days=1 + 3 * (number // len(_KINDS)), minutes=number % 600)
    kind = "laboratory" if high else "vital-signs"
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    made: dict[str, object] = {
        "resourceType": "Observation",
        "id": f"obs-{number}",
        "meta": {"versionId": "1", "lastUpdated": when.isoformat(), "source": "urn:hospital:laboratory"},
        "status": "final",
        "category": [{"coding": [{"system": system, "code": kind, "display": kind}], "text": kind}],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": code, "display": display}],
            "text": display,
        },
        "subject": {"reference": f"Patient/{PATIENT}", "display": "Example, Patient"},
        "encounter": {"reference": f"Encounter/enc-{number // 20}"},
        "effectiveDateTime": when.isoformat(),
        "issued": (when + timedelta(hours=2)).isoformat(),
        "performer": [{"reference": "Practitioner/prac-1", "display": "Example, Clinician"}],
        "valueQuantity": {
            "value": round(value + number % 7 / 10, 1),
            "unit": unit,
            "system": "http://unitsofmeasure.org",
            "code": unit,
        },
    }
    if high:
        made["referenceRange"] = [
            {"high": {"value": high, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}}
        ]
    return made


def condition(number: int, code: str) -> dict[str, object]:
    status = "http://terminology.hl7.org/CodeSystem/condition-"
    return {
        "resourceType": "Condition",
        "id": f"cond-{number}",
        "clinicalStatus": {"coding": [{"system": f"{status}clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": f"{status}ver-status", "code": "confirmed"}]},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code, "display": code}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "onsetDateTime": "2026-05-04",
        "recordedDate": "2026-05-04T10:00:00+10:00",
    }


def order(number: int, code: str) -> dict[str, object]:
    rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
    return {
        "resourceType": "MedicationRequest",
        "id": f"med-{number}",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"coding": [{"system": rxnorm, "code": code, "display": code}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "authoredOn": "2026-11-11T09:00:00+11:00",
    }


def payload(observations: int) -> list[Part]:
    """The parts that a hook call would bring for a chart with this many observations."""
    patient = {"resourceType": "Patient", "id": PATIENT, "gender": "female", "birthDate": "1961-04-02"}
    answers = {
        "patient": patient,
        "conditions": _bundle(condition(number, code) for number, code in enumerate(_CONDITIONS)),
        "medications": _bundle(order(number, code) for number, code in enumerate(_DRUGS)),
        "labs": _bundle(observation(number) for number in range(observations)),
    }
    return [Part(key, json.dumps(body, separators=(",", ":")).encode()) for key, body in answers.items()]


def _bundle(resources: Iterator[dict[str, object]]) -> dict[str, object]:
    base = "https://ehr.example/fhir"
    entries = [
        {"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one, "search": {"mode": "match"}}
        for one in resources
    ]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}


def timed(work: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Microseconds of one call: 12.5th percentile and median."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1e6)
    times.sort()
    return times[len(times) // 8], statistics.median(times)


def against_plain_parse(work: Callable[[], object], parts: list[Part], rounds: int) -> float:
    """How many times a plain parse the work takes, in CPU time of this thread; median of rounds in turns."""
    ratios = []
    for _ in range(rounds):
        begun = time.thread_time_ns()
        for part in parts:
            orjson.loads(part.body)
        between = time.thread_time_ns()
        work()
        ratios.append((time.thread_time_ns() - between) / max(between - begun, 1))
    return statistics.median(ratios)


def main() -> int:
    """Prints a line a size; with `--strict`, 1 when one is over its limit (on a quiet machine only)."""
    failed = False
    gc.freeze()
    heads = ("observations", "bytes", "decode us", "whole us", "median us", "limit us", "x orjson")
    print("{:>12} {:>9} {:>10} {:>9} {:>10} {:>9} {:>9}".format(*heads))
    for size in SIZES:
        parts = payload(size)
        rounds = 4000 // max(size // 20, 1) + 50

        def whole(parts: list[Part] = parts) -> object:
            return snapshot_from(read_chart(parts, patient_id=PATIENT), as_of=AS_OF)

        def decode(parts: list[Part] = parts) -> object:
            return read_chart(parts, patient_id=PATIENT)

        whole()
        decoding, _ = timed(decode, rounds)
        fast, median = timed(whole, rounds)
        limit = LIMITS_MS[size] * 1000
        failed = failed or fast > limit
        total = sum(len(part.body) for part in parts)
        times = against_plain_parse(whole, parts, rounds // 4)
        mark = "  over" if fast > limit else ""
        row = f"{size:>12} {total:>9} {decoding:>10.0f} {fast:>9.0f} {median:>10.0f} {limit:>9.0f}"
        print(f"{row} {times:>9.2f}{mark}")
    return int(failed and "--strict" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
