"""The words of the short form: code systems, the keys that mean something, and the tables beside this module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from mappings.canonical import STRIDE_OBSERVATIONS

Json = dict[str, Any]

HERE = Path(__file__).parent

SYSTEMS = {
    "icd10": "http://hl7.org/fhir/sid/icd-10-cm",
    "snomed": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
    "stride": STRIDE_OBSERVATIONS,
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "atc": "http://www.whocc.no/atc",
}
UCUM = "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
QUESTIONS = ("chest-pain", "syncope", "new-dyspnoea", "back-red-flags", "bleeding", "fever")

CHART = {
    "base", "without", "patient", "conditions", "values", "panels", "given", "ordered", "stated", "procedures",
    "encounters", "requests", "appointments", "care_plans", "answers", "parq", "raw", "unread",
}  # fmt: skip
LISTS = ("conditions", "panels", "given", "ordered", "stated", "procedures", "encounters", "requests", "appointments",
         "care_plans", "raw", "unread")  # fmt: skip
WHEN = {"days", "hours", "at", "date"}
KNOWN: Mapping[str, set[str]] = {
    "patient": {"age", "sex", "birth_date", "deceased", "active", "replaced"},
    "conditions": {"code", "system", "days", "onset", "recorded_days", "status", "verification", "ended_days", "site",
                   "severity", "display", "also"},
    "values": WHEN | {"value", "unit", "written", "status", "comparator", "by", "upper", "code", "system", "category",
                      "absent", "as", "issued_days"},
    "panels": WHEN | {"code", "style", "values", "status"},
    "given": WHEN | {"drug", "status", "code", "system", "intent"},
    "ordered": WHEN | {"drug", "status", "intent", "code", "system"},
    "stated": WHEN | {"drug", "status"},
    "procedures": WHEN | {"code", "status", "site", "system", "ended_days"},
    "encounters": WHEN | {"code", "system", "status", "class", "ended_days"},
    "requests": {"code", "system", "in_days", "status", "days"},
    "appointments": {"code", "in_days", "status"},
    "care_plans": {"code", "days", "status"},
    "answers": WHEN | {"positive", "unanswered", "as", "status", "by"},
    "parq": WHEN | {"positive", "follow_up_clear", "health_changed", "unanswered"},
}  # fmt: skip


class UnknownKey(ValueError):
    """A key in a case that nothing reads: most likely a slip of the pen."""


def checked(entry: Mapping[str, Any], known: Iterable[str], where: str) -> Mapping[str, Any]:
    """The entry, if every key of it is known."""
    odd = set(entry) - set(known)
    if odd:
        raise UnknownKey(f"{where}: {', '.join(sorted(map(str, odd)))}")
    return entry


@cache
def table(name: str) -> Json:
    """One of the YAML tables beside this module."""
    loaded: Json = yaml.safe_load((HERE / f"{name}.yaml").read_text(encoding="utf-8"))
    return loaded
