"""Who the patient is, as banner and queue show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from models.text import N_, Text

if TYPE_CHECKING:
    from mappings.from_fhir.person import Person

_SEXES: Final = {"female": N_("female"), "male": N_("male"), "other": N_("other")}


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of a person; empty where we do not."""

    name: str = ""
    birth_date: str = ""  # as exact as the chart gives it: "1968-03-14", "1968"
    sex: Text | None = None
    identifier: str = ""
    language: str = ""
    phone: str = ""
    email: str = ""
    interpreter: bool = False

    def age(self, on: date) -> int | None:
        """Completed years; `None` without a full birth date."""
        try:
            born = date.fromisoformat(self.birth_date)
        except ValueError:
            return None
        return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def known_person(person: Mapping[str, Any]) -> Known:
    """The person as kept with a referral."""
    return Known(
        name=str(person.get("name") or ""),
        birth_date=str(person.get("birth_date") or ""),
        sex=_SEXES.get(str(person.get("sex") or "")),
        identifier=str(person.get("identifier") or ""),
        language=str(person.get("language") or ""),
        phone=str(person.get("phone") or ""),
        email=str(person.get("email") or ""),
        interpreter=bool(person.get("interpreter")),
    )


def banner_of(person: Person | None, patient_id: str) -> Known:
    """The person as just read; the bare id of the chart where the chart does not name one (SM-C2)."""
    if person is None:
        return Known(identifier=patient_id)
    fields = ("name", "birth_date", "sex", "identifier", "language", "phone", "email", "interpreter")
    known = known_person({field: getattr(person, field) for field in fields})
    return known if known.identifier else Known(known.name, known.birth_date, known.sex, patient_id, known.language)
