"""Adding a hospital to the tenants file: appended as text, so that nothing of what stands there changes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from fhirapp.tenants import Contact, Tenants, TenantsInvalid, read_tenants

_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")


@dataclass(frozen=True, slots=True)
class NewTenant:
    """What is asked of a hospital at least; everything else has a default and is added by hand."""

    id: str
    name: str
    time_zone: str
    language: str
    fhir_base: str
    client_id: str
    backend_client_id: str
    release: str
    exercise_service: Contact
    responsible_clinician: Contact
    on_call: Contact
    authoriser: Contact | None = None
    destinations: tuple[str, ...] = ()
    expires: date | None = None
    navigators: tuple[Contact, ...] = ()
    cds_issuer: str = ""
    cds_jwks_url: str = ""

    def toml(self) -> str:
        """Its tables."""
        return "\n".join(["", *self._lines(), ""])

    def _lines(self) -> Iterable[str]:
        head = f"tenants.{self.id}"
        yield from _table(head, name=self.name, time_zone=self.time_zone, language=self.language, release=self.release)
        yield from _table(
            f"{head}.ehr",
            fhir_base=self.fhir_base,
            client_id=self.client_id,
            backend_client_id=self.backend_client_id,
        )
        if self.cds_issuer:
            yield from _table(f"{head}.cds_client", issuer=self.cds_issuer, jwks_url=self.cds_jwks_url)
        if self.authoriser is not None and self.expires is not None:
            yield from _table(
                f"{head}.standing_order", authoriser=self.authoriser.reference, display=self.authoriser.display
            )[:-1]
            yield f"destinations = [{', '.join(_quoted(one) for one in self.destinations)}]"
            yield f"expires = {self.expires.isoformat()}"
            yield ""
        for name in ("exercise_service", "responsible_clinician", "on_call"):
            yield from _person(f"[{head}.{name}]", getattr(self, name))
        for person in self.navigators:
            yield from _person(f"[[{head}.navigators]]", person)


def append(path: Path, new: NewTenant, *, now: datetime | None = None) -> Path | None:
    """Append the hospital; returns the copy of the file as it was, `None` where there was none.

    Raises `TenantsInvalid` with a sentence for each thing that is wrong; the file is then as it was.
    """
    if not _ID.fullmatch(new.id):
        raise TenantsInvalid([f'"{new.id}" is no name for a tenant: small letters, digits and hyphens, as in "city-2"'])
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    if before and new.id in read_tenants(path).by_id:
        raise TenantsInvalid([f"tenant {new.id} is there already; change it by hand"])
    whole = before + ("\n" if before and not before.endswith("\n") else "") + new.toml()
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", delete=False) as draft:
        draft.write(whole)
    try:
        _checked(Path(draft.name))
        kept = _kept_copy(path, now or datetime.now(UTC)) if before else None
        Path(draft.name).chmod(path.stat().st_mode & 0o777 if before else 0o640)
        os.replace(draft.name, path)  # noqa: PTH105 - one step, so that no reader ever sees half a file
    finally:
        Path(draft.name).unlink(missing_ok=True)
    return kept


def _checked(draft: Path) -> Tenants:
    try:
        return read_tenants(draft)
    except TenantsInvalid as error:
        raise TenantsInvalid([problem.replace(str(draft), "the file") for problem in error.problems]) from None


def _kept_copy(path: Path, now: datetime) -> Path:
    kept = path.with_name(f"{path.name}.{now:%Y%m%dT%H%M%S}.bak")
    shutil.copy2(path, kept)
    return kept


def _table(head: str, /, **values: str) -> list[str]:
    return [f"[{head}]", *(f"{key} = {_quoted(value)}" for key, value in values.items() if value), ""]


def _person(head: str, person: Contact) -> list[str]:
    values = {
        "reference": person.reference, "display": person.display, "phone": person.phone, "email": person.email
    }  # fmt: skip
    return [head, *(f"{key} = {_quoted(value)}" for key, value in values.items() if value), ""]


def _quoted(text: str) -> str:
    """A basic TOML string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
