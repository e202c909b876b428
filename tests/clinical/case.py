"""One clinical case: a chart in short form, what the research pages say of it, and how the service differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import yaml

from mappings.bundle import chart_of_bundle
from mappings.from_fhir.snapshot import snapshot_from
from models.decision import Estimate, SitePolicy
from models.proposal import decide
from models.safety.rule import RESISTANCE_LEVELS
from models.snapshot import PatientSnapshot
from models.summary import summary
from models.text import N_
from tests.clinical.short_form import AS_OF, bundle_of, full
from tests.clinical.vocabulary import HERE, Json, UnknownKey, checked

CASE = {"id", "title", "rows", "chart", "expect", "policy", "risk", "adherence", "awaits", "sweep", "why"}
EXPECT = {
    "verdict", "tier", "destination", "provisional", "min_supervision", "phase", "eligible", "findings", "exactly",
    "absent", "scopes", "supervision", "missing", "caps", "plan", "gaps", "no_gaps", "release", "says", "cites",
}  # fmt: skip
CAPS = {
    "rpe_max", "minutes_max", "days_max", "minutes_per_week_max", "sets_max", "resistance", "resistance_days_max",
    "words", "no_words",
}  # fmt: skip
RELEASE = {"referral", "prescription", "waiting_for"}
SWEEP = {"value", "steps", "unit", "all"}
POLICY = {"populations", "require_parq", "answers_before_referral", "survivor_years", "min_age_years"}


@dataclass(frozen=True, slots=True)
class Case:
    """One chart and what must come of it. Source: the rows and pages that `rows` names."""

    id: str
    title: str
    theme: str
    rows: tuple[str, ...]
    chart: Mapping[str, Any]
    expect: Mapping[str, Any]
    policy: Mapping[str, Any] = field(default_factory=dict)
    risk: str | None = None
    adherence: str | None = None
    awaits: tuple[str, ...] = ()  # rules that do not exist yet
    swept: Mapping[str, float] = field(default_factory=dict)  # what a sweep set, and to which number

    @property
    def rules_expected(self) -> dict[str, str]:
        """Rule -> effect, of all findings that must be there."""
        return {**self.expect.get("findings", {}), **self.expect.get("exactly", {})}


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case of every theme; a sweep gives one case a step."""
    found: list[Case] = []
    for path in sorted((HERE / "cases").glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8")):
            found += _cases(path.stem, entry)
    return tuple(found)


def _cases(theme: str, entry: Mapping[str, Any]) -> Iterator[Case]:
    checked(entry, CASE, f"{theme}: {entry.get('id')}")
    given: Json = {
        "id": entry["id"], "title": entry["title"], "theme": theme, "rows": tuple(entry["rows"]),
        "chart": entry.get("chart", {}), "policy": checked(entry.get("policy", {}), POLICY, f"{entry['id']}: policy"),
        "risk": entry.get("risk"), "adherence": entry.get("adherence"), "awaits": tuple(entry.get("awaits", ())),
    }  # fmt: skip
    full(given["chart"])
    if "sweep" not in entry:
        yield Case(**given, expect=_expectation(entry["id"], entry["expect"]))
        return
    sweep = checked(entry["sweep"], SWEEP, f"{entry['id']}: sweep")
    for number, expect in sweep["steps"].items():
        yield Case(**{
            **given,
            "id": f"{entry['id']}-{number}",
            "chart": _with(given["chart"], sweep, number),
            "expect": _expectation(entry["id"], _step(entry, expect)),
            "swept": _swept(sweep["value"], number),
        })  # fmt: skip


def _step(entry: Mapping[str, Any], expect: Any) -> Mapping[str, Any]:
    """A step is a map of rule to effect; the rules of the case that it does not name must be quiet."""
    fires = dict(expect or {})
    quiet = [rule for rule in entry["rows"] if rule not in fires and " " not in rule]
    return {
        **entry.get("expect", {}),
        "findings": fires,
        "absent": [*entry.get("expect", {}).get("absent", []), *quiet],
    }


def _swept(name: str, number: Any) -> dict[str, float]:
    if name == "bp":
        upper, lower = str(number).split("/")
        return {"sbp": float(upper), "dbp": float(lower)}
    return {name: float(number)}


def _with(chart: Mapping[str, Any], sweep: Mapping[str, Any], number: Any) -> Json:
    """The chart with the step's value; `all` are the keys that every step has beside it.

    A name with a dot is an entry of a list and its days: `conditions.I21.4`, `given.paclitaxel`.
    """
    name, more = sweep["value"], dict(sweep.get("all", {}))
    kind, _, key = name.partition(".")
    if key:
        named = "drug" if kind in ("given", "ordered") else "code"
        return {**chart, kind: [*chart.get(kind, []), {named: key, "days": number, **more}]}
    values = dict(chart.get("values", {}))
    entry = {**more, "value": number, **({"unit": sweep["unit"]} if "unit" in sweep else {})}
    before = values.get(name)
    values[name] = [entry, *before] if isinstance(before, list) else entry
    return {**chart, "values": values}


def _expectation(case_id: str, expect: Mapping[str, Any]) -> Mapping[str, Any]:
    checked(expect, EXPECT, f"{case_id}: expect")
    checked(expect.get("caps", {}), CAPS, f"{case_id}: caps")
    checked(expect.get("release", {}), RELEASE, f"{case_id}: release")
    if not expect:
        raise UnknownKey(f"{case_id}: expects nothing")
    return expect


class Fixed:
    """Estimators that say what the case wants them to say."""

    def __init__(self, risk: str | None, adherence: str | None) -> None:
        self._risk, self._adherence = risk, adherence

    def risk(self, s: PatientSnapshot) -> Estimate | None:
        return _estimate("risk", self._risk)

    def adherence(self, s: PatientSnapshot) -> Estimate | None:
        return _estimate("adherence", self._adherence)


def _estimate(name: str, band: str | None) -> Estimate | None:
    if band is None:
        return None
    probability = {"low": 0.05, "middle": 0.3, "high": 0.8}[band]
    return Estimate(name, probability, N_("as the case says"), band, "full", "case")


_outcomes: dict[str, Json] = {}


def outcome(case: Case) -> Json:
    """The service's own summary of the case's chart: read, judged, prescribed; worked out once."""
    if case.id not in _outcomes:
        _outcomes[case.id] = _outcome(case)
    return _outcomes[case.id]


def _outcome(case: Case) -> Json:
    chart = chart_of_bundle(bundle_of(case.chart))
    snapshot = snapshot_from(chart, as_of=AS_OF, unread=case.chart.get("unread", ()))
    policy = {**case.policy}
    if "populations" in policy:
        policy["populations"] = frozenset(policy["populations"])
    estimators = Fixed(case.risk, case.adherence) if case.risk or case.adherence else None
    return summary(decide(snapshot, estimators, SitePolicy(**policy)))


def differences(case: Case, found: Json) -> list[str]:
    """Each expectation that is not met, in one readable line."""
    lines: list[str] = []
    expect, fired = case.expect, {one["rule"]: one for one in found["findings"]}
    for name in ("verdict", "tier", "destination", "provisional", "min_supervision", "phase"):
        if name in expect and expect[name] != found[name]:
            lines.append(f"{name}: {expect[name]!r} by the page, {found[name]!r} found")
    if "eligible" in expect and expect["eligible"] != found["eligibility"]["eligible"]:
        lines.append(f"eligible: {expect['eligible']} by the page, {found['eligibility']} found")
    lines += _findings(expect, fired)
    lines += _release(expect.get("release", {}), found["release"])
    lines += _plan(expect, found["prescription"])
    lines += _gaps(expect, found["gaps"])
    return lines


def _findings(expect: Mapping[str, Any], fired: Mapping[str, Json]) -> Iterator[str]:
    wanted = {**expect.get("findings", {}), **expect.get("exactly", {})}
    for rule, effect in wanted.items():
        actual = fired[rule]["effect"] if rule in fired else "quiet"
        if actual != effect:
            yield f"{rule}: {effect} by the page, {actual} found"
    for rule in expect.get("absent", ()):
        if rule in fired:
            yield f"{rule}: quiet by the page, {fired[rule]['effect']} found ({fired[rule]['text']})"
    if "exactly" in expect:
        yield from (f"{rule}: not expected, {one['effect']} found" for rule, one in fired.items() if rule not in wanted)
    for rule, scope in expect.get("scopes", {}).items():
        if fired.get(rule, {}).get("scope") != scope:
            yield f"{rule}: scope {scope} by the page, {fired.get(rule, {}).get('scope')} found"
    for rule, level in expect.get("supervision", {}).items():
        if fired.get(rule, {}).get("min_supervision") != level:
            yield f"{rule}: supervision {level} by the page, {fired.get(rule, {}).get('min_supervision')} found"
    for rule in expect.get("missing", ()):
        if not fired.get(rule, {}).get("missing"):
            yield f"{rule}: should say that something is missing"
    for rule, words in expect.get("says", {}).items():
        shown = str(fired.get(rule, {}))
        yield from (f"{rule}: should say {word!r}" for word in words if word not in shown)
    for rule, names in expect.get("cites", {}).items():
        cited = [f"{one['name']} {one['value']}" for one in fired.get(rule, {}).get("inputs", ())]
        yield from (f"{rule}: should cite {name!r}, cites {cited}" for name in names if name not in cited)


def _release(expect: Mapping[str, Any], found: Json) -> Iterator[str]:
    for name, wanted in expect.items():
        actual = sorted(found[name]) if name == "waiting_for" else found[name]
        if actual != (sorted(wanted) if name == "waiting_for" else wanted):
            yield f"release.{name}: {wanted} by the page, {found[name]} found"


def _plan(expect: Mapping[str, Any], plan: Json | None) -> Iterator[str]:
    if "plan" in expect and (plan is not None) != expect["plan"]:
        yield f"prescription: {expect['plan']} by the page, {plan is not None} found"
    caps = expect.get("caps", {})
    if not caps:
        return
    if plan is None:
        yield "caps: there is no prescription to hold them"
        return
    aerobic, strength = plan["aerobic"], plan["resistance"]
    for name, actual in (
        ("rpe_max", aerobic["intensity"]["rpe_max"]),
        ("minutes_max", aerobic["minutes"]),
        ("days_max", aerobic["days_per_week"]),
        ("minutes_per_week_max", aerobic["minutes_per_week"]),
        ("sets_max", strength["sets_max"]),
        ("resistance_days_max", strength["days_per_week"]),
    ):
        if name in caps and actual > caps[name]:
            yield f"{name}: at most {caps[name]} by the page, {actual} found"
    if "resistance" in caps and _strength_level(plan) > RESISTANCE_LEVELS.index(caps["resistance"]):
        yield f"resistance: at most {caps['resistance']} by the page, {strength} found"
    text = " / ".join(one["text"] for name in ("caps", "other", "stop_rules") for one in plan[name])
    text = " / ".join([text, *(one["text"] for one in aerobic["modes"])]).casefold()
    yield from (f"plan should say {word!r}" for word in caps.get("words", ()) if word.casefold() not in text)
    yield from (f"plan should not say {word!r}" for word in caps.get("no_words", ()) if word.casefold() in text)


def _strength_level(plan: Json) -> int:
    """How much strength training the plan allows, as an index of `RESISTANCE_LEVELS`."""
    if plan["resistance"]["sets_max"] == 0:
        return 0
    logged = [one["value"] for one in plan["reasons"] if one["what"] == "resistance.load"]
    return min((RESISTANCE_LEVELS.index(one) for one in logged), default=len(RESISTANCE_LEVELS) - 1)


def _gaps(expect: Mapping[str, Any], found: list[Json]) -> Iterator[str]:
    """`"hb stale"` or `"hb stale HEM-06"`: an input, why, and the rule that asked."""
    held = {f"{gap['input']} {gap['detail']}" for gap in found}
    held |= {f"{gap['input']} {gap['detail']} {gap['rule']}" for gap in found}
    for gap in expect.get("gaps", ()):
        if gap not in held:
            about = sorted(one for one in held if one.split()[0] == gap.split()[0])
            yield f"gap {gap!r} by the page, {about or 'none of it'} found"
    for name in expect.get("no_gaps", ()):
        if any(gap["input"] == name for gap in found):
            yield f"gap: none of {name} by the page"
