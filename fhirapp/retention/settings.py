"""How long a hospital keeps each kind of data, in days after it has served; the defaults and their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

import marshmallow as ma
from marshmallow import RAISE, Schema, ValidationError, validate, validates_schema


@dataclass(frozen=True, slots=True)
class Retention:
    """Each period begins when the referral ends, that of the audit with its row. Nothing of an open referral goes.

    The reasons: docs/explanation/data-protection.md.
    """

    person_days: int = 90  # name, birth date, contact: needed to reach somebody
    notes_days: int = 365  # navigators' notes, clinicians' comments: read when somebody is offered again
    messages_days: int = 365  # what a patient was told, and answered: proof while a complaint is likely
    cards_days: int = 365  # which card was shown, and what became of it
    predictions_days: int = 730  # to see whether the estimates hold
    referrals_days: int = 730  # everything else of an episode; the record itself is in the EHR
    audit_days: int = 2190  # six years: the longest that a law we know of asks for
    nightly: bool = False  # whether the worker lets go every night; else only `stride purge` does

    def period(self, kind: str) -> timedelta:
        """The period of one kind: "person", "notes", ..."""
        days: int = getattr(self, f"{kind}_days")
        return timedelta(days=days)


class RetentionSchema(Schema):
    """As the tenants file writes it; its presence switches the nightly run on."""

    class Meta:
        unknown = RAISE

    person_days = ma.fields.Integer(validate=validate.Range(0, 36500))
    notes_days = ma.fields.Integer(validate=validate.Range(0, 36500))
    messages_days = ma.fields.Integer(validate=validate.Range(0, 36500))
    cards_days = ma.fields.Integer(validate=validate.Range(0, 36500))
    predictions_days = ma.fields.Integer(validate=validate.Range(0, 36500))
    referrals_days = ma.fields.Integer(validate=validate.Range(30, 36500))
    audit_days = ma.fields.Integer(validate=validate.Range(365, 36500))
    nightly = ma.fields.Boolean(load_default=True)

    @validates_schema
    def _fits(self, data: Mapping[str, Any], **_: Any) -> None:
        """Parts of a referral cannot outlive it, and the audit must tell of all that there was."""
        found = retention_of(data)
        for name in (field.name for field in fields(Retention)):
            if name not in ("referrals_days", "audit_days", "nightly") and getattr(found, name) > found.referrals_days:
                raise ValidationError(f"is longer than referrals_days ({found.referrals_days})", name)
        if found.audit_days < found.referrals_days:
            raise ValidationError(f"is shorter than referrals_days ({found.referrals_days})", "audit_days")


def retention_of(data: Mapping[str, Any] | None) -> Retention:
    """The periods of a hospital; the defaults, by hand only, where it says nothing."""
    return Retention(**data) if data is not None else Retention()
