"""Reads what has changed in an EHR: by ids or by patients in handfuls, all pages, with the EHR's own time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from fhirapp.ehr.client import MAX_PAGES, EhrClient, Stored, bundle_in, next_link
from fhirapp.ehr.errors import EhrMissing, EhrRefused, EhrUnavailable

HANDFUL: Final = 40  # ids in one search: the address stays below two thousand characters
PAGE: Final = 200


@dataclass(slots=True)
class Reading:
    """One look at an EHR. `asked_at` is the EHR's time at the first answer; what came later is read next time."""

    ehr: EhrClient
    since: datetime | None = None  # `_lastUpdated` from here on; None: whatever its age
    asked_at: datetime | None = None

    def by_ids(self, kind: str, ids: Iterable[str]) -> Iterator[Stored]:
        """Those of these resources that have changed; one after the other from an EHR that cannot search them."""
        wanted = sorted(set(ids))
        try:
            for some in _handfuls(wanted):
                for resource in self._search(kind, f"_id={_joined(some)}"):
                    if resource.get("id") in some:
                        yield _stored(resource)
        except (EhrRefused, EhrMissing):
            yield from self._one_by_one(kind, wanted)

    def of_patients(self, kind: str, patients: Iterable[str]) -> Iterator[Stored]:
        """What has changed of one type for these patients. Raises `EhrRefused` where the EHR does not search it."""
        wanted = sorted(set(patients))
        together = True
        for some in _handfuls(wanted):
            if together:
                try:
                    yield from map(_stored, self._search(kind, f"patient={_joined(some)}"))
                    continue
                except (EhrRefused, EhrMissing):
                    together = False  # many EHRs want one patient at a time (WB-12)
            for patient in some:
                yield from map(_stored, self._search(kind, f"patient={_joined([patient])}"))

    def by_identifiers(self, kind: str, system: str, values: Iterable[str]) -> Iterator[Stored]:
        """The resources with these business identifiers, whatever their age."""
        wanted = sorted(set(values))
        for some in _handfuls(wanted, HANDFUL // 4):
            tokens = ",".join(quote(f"{system}|{value}", safe="") for value in some)
            yield from map(_stored, self._pages(f"{kind}?identifier={tokens}&_count={PAGE}"))

    def _one_by_one(self, kind: str, ids: Sequence[str]) -> Iterator[Stored]:
        for one in ids:
            try:
                yield self.ehr.read(f"{kind}/{one}")
            except (EhrMissing, EhrRefused):
                continue  # a resource that is gone is noticed by the check of its referral

    def _search(self, kind: str, terms: str) -> Iterator[dict[str, Any]]:
        newer = "" if self.since is None else f"&_lastUpdated=ge{_instant(self.since)}"
        return self._pages(f"{kind}?{terms}{newer}&_count={PAGE}")

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        url: str | None = path
        for _ in range(MAX_PAGES):
            if url is None:
                return
            body, date = self.ehr.dated(url)
            self.asked_at = self.asked_at or date
            yield from _matches(body)
            url = next_link(body)
        if url is not None:
            raise EhrUnavailable(f"more than {MAX_PAGES} pages of changes")


def updated_at(stored: Stored) -> datetime | None:
    """When it was changed, as the EHR says."""
    try:
        when = datetime.fromisoformat(str(stored.resource["meta"]["lastUpdated"]))
    except (KeyError, TypeError, ValueError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def version_of(stored: Stored) -> str:
    """What tells one version of a resource from the next."""
    return f"{stored.reference}|{stored.version_id or updated_at(stored) or ''}"


def _matches(body: bytes) -> Iterator[dict[str, Any]]:
    """The hits of a page: no OperationOutcome, nothing that was only included (WB-11)."""
    for entry in bundle_in(body).get("entry") or ():
        resource = entry.get("resource")
        mode = (entry.get("search") or {}).get("mode", "match")
        if isinstance(resource, dict) and mode == "match" and resource.get("resourceType") != "OperationOutcome":
            yield resource


def _stored(resource: dict[str, Any]) -> Stored:
    version = (resource.get("meta") or {}).get("versionId")
    return Stored(resource, f"{resource['resourceType']}/{resource['id']}", version)


def _handfuls(items: Sequence[str], size: int = HANDFUL) -> Iterator[Sequence[str]]:
    return (items[at : at + size] for at in range(0, len(items), size))


def _joined(ids: Sequence[str]) -> str:
    return ",".join(quote(one, safe="") for one in ids)


def _instant(moment: datetime) -> str:
    return quote(moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"), safe="")
