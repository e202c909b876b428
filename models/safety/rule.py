"""One row of rules.yaml, compiled: when it fires, what it says and what it limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from models.findings import Cap, Effect
from models.safety.condition import Bands, Condition, bands_together
from models.safety.expression import compiled
from models.text import N_, Text

RESISTANCE_LEVELS: Final = ("none", "functional", "bands", "light", "full")  # from the strictest on

OVERRIDES: Final[Mapping[Effect, str]] = {
    Effect.HOLD_E: "never",
    Effect.HOLD: "two-step confirmation by a physician or nurse practitioner",
    Effect.CLEAR: "clinician, with coded reason, text and expiry of at most 30 days",
    Effect.SUP: "clinician, with coded reason, text and expiry of at most 30 days",
    Effect.MOD: "clinician, with coded reason, text and expiry of at most 30 days",
    Effect.INFO: "nothing to override",
}
"""Who may set a fired rule aside. Source: rules.md section 1, row Override."""


@dataclass(frozen=True, slots=True)
class Level:
    """One way in which a rule fires; a rule's levels are tried from the gravest on."""

    condition: Condition
    written: str  # the condition as the row has it
    effect: Effect
    text: Text
    fills: bool  # the text has places for values
    min_supervision: int
    caps: tuple[Cap, ...]
    scope: str
    missing: bool
    task: Text | None


@dataclass(frozen=True, slots=True)
class Ask:
    """An input that a rule needs: one of the aliases, fresh, where `relevant` holds."""

    aliases: tuple[str, ...]
    relevant: Condition | None
    written: str = ""  # `relevant` as the row has it


@dataclass(frozen=True, slots=True)
class Rule:
    """One safety rule. Source: rules.md; the row's own evidence is in `evidence`."""

    id: str
    title: Text
    levels: tuple[Level, ...]
    asks: tuple[Ask, ...]
    if_missing: str
    evidence: str
    needs_review: bool
    wake: frozenset[str] | None  # as in `Condition`
    reads: frozenset[str]
    bands: Bands  # as in `Condition`


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """All rules of one version, in the order of the file. One is equal only to itself."""

    version: str
    rules: tuple[Rule, ...]

    def __getitem__(self, rule_id: str) -> Rule:
        return next(rule for rule in self.rules if rule.id == rule_id)


@cache
def rule_set() -> RuleSet:
    """The rules of this installation, read and compiled once per process."""
    text = files("models.safety").joinpath("rules.yaml").read_text(encoding="utf-8")
    return rule_set_from(text)


def rule_set_from(text: str) -> RuleSet:
    """The rules written in a YAML text. Raises `ConditionError`, `KeyError`, `ValueError` on a row that is wrong."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader either way
    rules = tuple(_rule(row) for row in document["rules"])
    if len({rule.id for rule in rules}) != len(rules):
        raise ValueError("two rules have one id")
    return RuleSet(str(document["version"]), rules)


def _rule(row: Mapping[str, Any]) -> Rule:
    levels = tuple(_level({**row, **level}) for level in row.get("levels", ({},)))
    effects = [level.effect for level in levels]
    if effects != sorted(effects, reverse=True):
        raise ValueError(f"{row['id']}: the gravest level comes first")
    wakes = [level.condition.wake for level in levels]
    known = [wake for wake in wakes if wake is not None]
    return Rule(
        id=row["id"],
        title=Text(row["title"]),
        levels=levels,
        asks=tuple(_ask(entry) for entry in row.get("asks", ())),
        if_missing=str(row.get("if_missing", "-")),
        evidence=row["evidence"],
        needs_review=bool(row.get("review", False)),
        wake=frozenset().union(*known) if len(known) == len(wakes) else None,
        reads=frozenset().union(*(level.condition.reads for level in levels)),
        bands=bands_together((level.condition.wake, level.condition.bands) for level in levels),
    )


def _level(row: Mapping[str, Any]) -> Level:
    text = row["text"]
    return Level(
        condition=compiled(row["when"]),
        written=" ".join(row["when"].split()),
        effect=Effect[row["effect"].replace("-", "_")],
        text=Text(text),
        fills="{" in text,
        min_supervision=int(row.get("supervision", 0)),
        caps=tuple(_cap(entry) for entry in row.get("caps", ())),
        scope=row.get("scope", "plan"),
        missing=bool(row.get("missing", False)),
        task=Text(row["task"]) if row.get("task") else None,
    )


def _ask(entry: str | Mapping[str, str]) -> Ask:
    """`"hb"`, `"bfi or facit_f"`, or `{input: ..., when: ...}`."""
    if isinstance(entry, str):
        return Ask(tuple(entry.split(" or ")), None)
    return Ask(tuple(entry["input"].split(" or ")), compiled(entry["when"]), entry["when"])


_CAP_TEXTS: Final = {
    "rpe_max": N_("Effort at most {value} on the Borg scale (6 to 20)"),
    "minutes_max": N_("At most {value} minutes a session"),
    "days_max": N_("At most {value} days a week"),
    "sets_max": N_("At most {value} sets of each strength exercise"),
    "volume_factor": N_("{value} times the usual volume"),
}
_RESISTANCE_TEXTS: Final = {
    "none": N_("No strength training"),
    "functional": N_("Everyday movements only, no strength training"),
    "bands": N_("Elastic bands or own body weight only"),
    "light": N_("Light loads only"),
}


def _cap(entry: Mapping[str, Any]) -> Cap:
    """`{rpe_max: 12}`, `{resistance: bands}`, `{avoid: "contact sport"}`; `text` replaces the usual words."""
    kind, value = next(iter(entry.items()))
    if "text" in entry:
        return Cap(kind, value, Text(entry["text"]))
    if kind == "resistance":
        return Cap(kind, value, _RESISTANCE_TEXTS[value])
    if kind in _CAP_TEXTS:
        return Cap(kind, float(value), Text(_CAP_TEXTS[kind].msgid, {"value": value}))
    if kind not in ("avoid", "place", "mode", "note", "region"):
        raise ValueError(f"no such cap: {kind}")
    return Cap(kind, str(value), Text(str(value)))
