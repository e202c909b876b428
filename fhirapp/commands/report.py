"""An assessment in words, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

VERDICTS = {
    "refer": "Refer",
    "hold": "Hold: do not exercise now",
    "hold-emergency": "EMERGENCY HOLD: do not exercise; tell the clinician and on-call at once",
    "clearance": "Needs a clinician's clearance first",
    "incomplete": "Data missing",
    "ineligible": "Not eligible",
}

UNCONFIRMED = "rule not confirmed yet"


def report(summary: Mapping[str, Any]) -> str:
    """The whole assessment, most important first."""
    return "\n".join(_lines(summary))


def headline(summary: Mapping[str, Any]) -> str:
    """Verdict, tier and where to, in one line."""
    where = f", {summary['destination']}" + (" (provisional)" if summary.get("provisional") else "")
    return f"{VERDICTS[summary['verdict']]} - tier {summary['tier']}, supervision {summary['min_supervision']}{where}"


def _lines(summary: Mapping[str, Any]) -> Iterator[str]:
    yield f"Patient {summary['patient']} as of {summary['as_of']}"
    yield headline(summary)
    yield from _eligibility(summary)
    yield from _findings(summary)
    yield from _gaps(summary)
    yield from _estimates(summary)
    yield from _prescription(summary)
    yield from _release(summary)
    yield from _written(summary)


def _eligibility(summary: Mapping[str, Any]) -> Iterator[str]:
    said = summary.get("eligibility") or {}
    if said:
        yield f"  {said['reason']}"


def _findings(summary: Mapping[str, Any]) -> Iterator[str]:
    if not summary["findings"]:
        return
    yield "\nWhy"
    for finding in summary["findings"]:
        doubt = f" [{UNCONFIRMED}]" if finding["needs_review"] else ""
        yield f"  {finding['effect']:<7}{finding['rule']:<10}{finding['text']}{doubt}"
        for item in finding["inputs"]:
            value = " ".join(filter(None, (str(item["value"]), item["unit"])))
            yield f"           {item['name']}: {value}, {item['date'] or 'no date'}, {item['source'] or 'derived'}"


def _gaps(summary: Mapping[str, Any]) -> Iterator[str]:
    if summary["gaps"]:
        yield "\nNot checked"
    for gap in summary["gaps"]:
        yield f"  {gap['input']:<24}{gap['detail']:<12}{gap['rule'] or ''} {gap.get('text') or ''}".rstrip()


def _estimates(summary: Mapping[str, Any]) -> Iterator[str]:
    shown = {name: said for name, said in (summary.get("estimates") or {}).items() if said}
    if shown:
        yield "\nEstimates (may only add caution or support)"
    for name, said in shown.items():
        chance = said.get("probability")
        number = f"{chance:.0%}" if chance is not None else "not scored"
        yield f"  {name:<12}{number}, band {said['band']}, confidence {said['confidence']}, {said['version']}"
        for driver in said["drivers"]:
            yield f"              {'raised' if driver['effect'] > 0 else 'lowered'} by: {driver['text']}"
        if said["refusal"]:
            yield f"              {said['refusal']['text']}"


def _prescription(summary: Mapping[str, Any]) -> Iterator[str]:
    plan = summary.get("prescription")
    if not plan:
        return
    aerobic, resistance, rpe = plan["aerobic"], plan["resistance"], plan["aerobic"]["intensity"]
    yield "\nPrescription, first week"
    yield (
        f"  Aerobic     {aerobic['days_per_week']} days x {aerobic['minutes']} min, "
        f"RPE {rpe.get('rpe_min', 6)}-{rpe['rpe_max']} (Borg 6-20)"
    )
    sets = resistance.get("sets_max") or 0
    strength = f"{resistance['days_per_week']} days, up to {sets} x {resistance['repetitions']}" if sets else "none yet"
    yield f"  Resistance  {strength}"
    for cap in plan["caps"]:
        yield f"  Limit       {cap if isinstance(cap, str) else cap['text']}"
    for reason in plan["reasons"]:
        yield f"    {reason['what']} = {reason['value']}  [{reason['by']}] {reason['text']}"


def _release(summary: Mapping[str, Any]) -> Iterator[str]:
    release = summary["release"]
    words = {True: "may go out", False: "is not released"}
    yield "\nRelease"
    yield f"  Referral {words[release['referral']]}; prescription {words[release['prescription']]}"
    if release["waiting_for"]:
        yield f"  Waiting for: {', '.join(release['waiting_for'])}"


def _written(summary: Mapping[str, Any]) -> Iterator[str]:
    resources = summary.get("would_write") or ()
    if resources:
        yield "\nWould be written (see --json)"
    for resource in resources:
        status = resource.get("status") or resource.get("lifecycleStatus")
        words = (resource.get("code") or {}).get("text") or (resource.get("description") or {}).get("text") or ""
        yield f"  {resource['resourceType']:<16}{status:<12}{words}".rstrip()
