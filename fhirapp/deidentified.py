"""Referrals as a table for research: no name, no id, no date, no free text, and nobody who stands out.

What it does and what it cannot do: docs/explanation/data-protection.md.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from fhirapp.db.encrypted import Sealer
from fhirapp.referrals.referral import ContactAttempt, Referral, ReferralEvent

FEWEST: Final = 5  # people who share what could point at one of them
OLDEST: Final = 90  # from here on everybody is "90+"
RARE: Final = "rare"
# What somebody may know of a person from elsewhere, the first to be left out first.
POINTS_AT: Final = ("age_band", "sex", "year")
# Words of our own tables; one that fewer than FEWEST people have is told as "rare".
WORDS: Final = (
    "phase", "tier", "destination", "verdict", "state", "reason", "signed_by", "risk_band", "risk_confidence",
    "adherence_band", "adherence_confidence",
)  # fmt: skip
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Deidentified:
    """The tables, and how much was left out."""

    referrals: list[Row]
    events: list[Row]
    attempts: list[Row]
    blanked: Counter[str]  # values by column
    left_out: int  # referrals of people who stood out whatever was blanked


@dataclass(frozen=True, slots=True)
class Names:
    """Another name for each person and referral; without the key nobody finds the way back."""

    key: bytes
    tenant_id: str

    def of(self, kind: str, id_: object) -> str:
        """The same for the same id, kind, hospital and key."""
        return hmac.digest(self.key, f"{kind}/{self.tenant_id}/{id_}".encode(), "sha256").hex()[:20]


def deidentified(session: Session, sealer: Sealer, names: Names, zone: ZoneInfo, fewest: int = FEWEST) -> Deidentified:
    """All referrals of one hospital, sorted by their new names: the order tells nothing either."""
    query = sa.select(Referral).where(Referral.tenant_id == names.tenant_id)
    whole = {referral.id: referral for referral in session.scalars(query)}
    rows = {id_: _row(referral, sealer, names, zone) for id_, referral in whole.items()}
    kept, blanked, left_out = hidden(list(rows.values()), fewest)
    there = {row["referral"] for row in kept}
    told = {id_: row for id_, row in rows.items() if row["referral"] in there}
    events = [
        _event(event, told[event.referral_id], whole[event.referral_id], zone)
        for event in _those(session, ReferralEvent, names.tenant_id)
        if event.referral_id in told
    ]
    attempts = [
        _attempt(attempt, told[attempt.referral_id], whole[attempt.referral_id], zone)
        for attempt in _those(session, ContactAttempt, names.tenant_id)
        if attempt.referral_id in told
    ]
    # What is blanked in one table must not be told by another.
    blanked += _hide_rare(events, ("action", "state_before", "state_after", "role"), kept, fewest)
    blanked += _hide_rare(attempts, ("channel", "outcome"), kept, fewest)
    by_name = {"referrals": kept, "events": events, "attempts": attempts}
    ordered = {
        name: sorted(table, key=lambda row: (row["referral"], row.get("day", ""))) for name, table in by_name.items()
    }
    return Deidentified(**ordered, blanked=blanked, left_out=left_out)


def hidden(rows: Sequence[Row], fewest: int) -> tuple[list[Row], Counter[str], int]:
    """The rows with whatever points at somebody blanked; who stands out all the same is left out.

    A group counts people, not referrals: one person with ten of them is alone.
    """
    found, blanked = [dict(row) for row in rows], Counter[str]()
    for column in POINTS_AT:
        for row in _in_small_groups(found, fewest):
            if row[column]:
                row[column] = ""
                blanked[column] += 1
    out = {id(row) for row in _in_small_groups(found, fewest)}
    kept = [row for row in found if id(row) not in out]
    for column in WORDS:
        common = _common(kept, lambda row, column=column: [row[column]], fewest)
        for row in kept:
            if row[column] and row[column] not in common:
                row[column], blanked[column] = RARE, blanked[column] + 1
    common = _common(kept, lambda row: row["rules"].split(), fewest)
    for row in kept:
        told = row["rules"].split()
        blanked["rules"] += sum(rule not in common for rule in told)
        row["rules"] = " ".join(rule for rule in told if rule in common)
    return kept, +blanked, len(out)


def _hide_rare(rows: Sequence[Row], columns: Sequence[str], referrals: Sequence[Row], fewest: int) -> Counter[str]:
    """Tells words that few people have as rare; how many, by column."""
    person, blanked = {row["referral"]: row["person"] for row in referrals}, Counter[str]()
    people: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        for column in columns:
            people.setdefault((column, row[column]), set()).add(person[row["referral"]])
    for row in rows:
        for column in columns:
            if row[column] and len(people[column, row[column]]) < fewest:
                row[column], blanked[column] = RARE, blanked[column] + 1
    return blanked


def _in_small_groups(rows: Sequence[Row], fewest: int) -> list[Row]:
    people: dict[tuple[str, ...], set[str]] = {}
    for row in rows:
        people.setdefault(_group(row), set()).add(row["person"])
    return [row for row in rows if len(people[_group(row)]) < fewest]


def _group(row: Row) -> tuple[str, ...]:
    return tuple(row[column] for column in POINTS_AT)


def _common(rows: Iterable[Row], words: Any, fewest: int) -> set[str]:
    people: dict[str, set[str]] = {}
    for row in rows:
        for word in words(row):
            people.setdefault(word, set()).add(row["person"])
    return {word for word, those in people.items() if len(those) >= fewest}


def _row(referral: Referral, sealer: Sealer, names: Names, zone: ZoneInfo) -> Row:
    person = sealer.open(referral.person, f"referral/{referral.id}/person") if referral.person else {}
    summary = referral.summary
    return {
        "referral": names.of("referral", referral.id),
        "person": names.of("person", referral.patient_id),
        "number": str(referral.ordinal),
        "year": str(referral.opened_at.astimezone(zone).year),
        "age_band": age_band(person.get("birth_date"), referral.opened_at.astimezone(zone).date()),
        "sex": str(person.get("sex") or ""),
        "phase": str(summary.get("phase") or ""),
        "tier": referral.tier,
        "destination": referral.destination,
        "verdict": referral.verdict,
        "rules": " ".join(sorted({finding["rule"] for finding in summary.get("findings", ())})),
        **_estimates(summary.get("estimates") or {}),
        "state": referral.state,
        "reason": referral.reason_code or "",
        "signed_by": referral.signed_by or "",
        "signed_day": _days(referral.opened_at, referral.signed_at, zone),
        "state_day": _days(referral.opened_at, referral.state_since, zone),
        "offers": str(referral.offers),
    }


def _estimates(estimates: Mapping[str, Any]) -> Row:
    found: Row = {}
    for name in ("risk", "adherence"):
        one = estimates.get(name) or {}
        probability = one.get("probability")
        found |= {
            name: "" if probability is None else f"{probability:.2f}",
            f"{name}_band": str(one.get("band") or ""),
            f"{name}_confidence": str(one.get("confidence") or ""),
        }
    return found


def age_band(birth_date: str | None, day: date) -> str:
    """Ten years of age; "90+" from there on; "" when the birth date is not known to the day."""
    try:
        born = date.fromisoformat(birth_date or "")
    except ValueError:
        return ""
    years = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return f"{OLDEST}+" if years >= OLDEST else f"{years // 10 * 10}-{years // 10 * 10 + 9}"


def _those(session: Session, table: Any, tenant_id: str) -> Iterator[Any]:
    yield from session.scalars(sa.select(table).where(table.tenant_id == tenant_id).order_by(table.id))


def _event(event: ReferralEvent, row: Row, referral: Referral, zone: ZoneInfo) -> Row:
    return {
        "referral": row["referral"],
        "day": _days(referral.opened_at, event.at, zone),
        "action": event.action,
        "state_before": event.state_before or "",
        "state_after": event.state_after,
        "role": event.role,
    }


def _attempt(attempt: ContactAttempt, row: Row, referral: Referral, zone: ZoneInfo) -> Row:
    return {
        "referral": row["referral"],
        "day": _days(referral.opened_at, attempt.at, zone),
        "channel": attempt.channel,
        "outcome": attempt.outcome,
    }


def _days(start: datetime, moment: datetime | None, zone: ZoneInfo) -> str:
    """Whole days since the referral was opened, in the hospital's calendar."""
    if moment is None:
        return ""
    return str((moment.astimezone(zone).date() - start.astimezone(zone).date()).days)
