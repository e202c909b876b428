"""An in-memory store of FHIR resources, every version kept, one writer at a time."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import RLock
from typing import Any

import orjson

from fhirapp.demo_ehr.compartment import patients_of
from fhirapp.demo_ehr.errors import FhirError, conflict, not_found
from fhirapp.demo_ehr.settings import Resource

Key = tuple[str, str]  # type, id


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one resource; `resource` is never changed in place."""

    number: int
    written: datetime
    resource: Resource | None  # None: deleted
    patients: frozenset[str] = frozenset()  # in whose records it lies

    @property
    def etag(self) -> str:
        """The weak ETag of this version."""
        return f'W/"{self.number}"'


class Store:
    """All resources of one EHR.

    What comes out is shared with the store: read it, copy it to change it. Every method takes the one
    lock, so a search never sees half a transaction, and of twenty conditional creates one creates.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.lock = RLock()
        self._clock = clock
        self._versions: dict[str, dict[str, list[Version]]] = {}
        self._undo: list[Key] | None = None
        self._listeners: list[Callable[[Resource], None]] = []

    def on_write(self, listener: Callable[[Resource], None]) -> None:
        """Call `listener` with every resource that was written to stay, in the writer's thread."""
        self._listeners.append(listener)

    def version(self, kind: str, resource_id: str) -> Version | None:
        """The newest version, which may be a deletion; `None` when there never was one."""
        with self.lock:
            versions = self._versions.get(kind, {}).get(resource_id)
            return versions[-1] if versions else None

    def history(self, kind: str, resource_id: str) -> list[Version]:
        """Every version, newest first. Raises 404."""
        with self.lock:
            versions = self._versions.get(kind, {}).get(resource_id)
            if not versions:
                raise not_found(f"There is no {kind}/{resource_id}.")
            return versions[::-1]

    def read(self, kind: str, resource_id: str) -> Resource:
        """The resource as it stands. Raises 404 for none, 410 for a deleted one."""
        version = self.version(kind, resource_id)
        if version is None:
            raise not_found(f"There is no {kind}/{resource_id}.")
        if version.resource is None:
            raise FhirError(410, "deleted", f"{kind}/{resource_id} was deleted.")
        return version.resource

    def vread(self, kind: str, resource_id: str, number: str) -> Version:
        """One version by its number. Raises 404."""
        for version in self.history(kind, resource_id):
            if str(version.number) == number:
                return version
        raise not_found(f"There is no version {number} of {kind}/{resource_id}.")

    def every(self, kind: str, patient_id: str | None = None) -> list[Resource]:
        """The current resources of one type, in the order of their creation; of one patient, if given."""
        with self.lock:
            newest = (versions[-1] for versions in self._versions.get(kind, {}).values())
            return [
                one.resource
                for one in newest
                if one.resource is not None and (patient_id is None or patient_id in one.patients)
            ]

    def kinds(self) -> list[str]:
        """The types of which the store has had a resource."""
        with self.lock:
            return sorted(self._versions)

    def create(self, resource: Resource, *, keep_id: bool = False) -> Version:
        """A new resource; the server gives the id unless a seeded one is kept."""
        resource_id = str(resource["id"]) if keep_id else secrets.token_hex(8)
        return self._append(resource["resourceType"], resource_id, resource)

    def update(self, kind: str, resource_id: str, resource: Resource, *, if_match: str | None = None) -> Version:
        """A new version, or the first one under an id that the client chose. Raises 412 when stale."""
        with self.lock:
            self.check_match(kind, resource_id, if_match)
            return self._append(kind, resource_id, resource)

    def delete(self, kind: str, resource_id: str, *, if_match: str | None = None) -> Version:
        """The deletion as a version; a resource that is gone already stays gone. Raises 404, 412."""
        with self.lock:
            self.check_match(kind, resource_id, if_match)
            before = self.history(kind, resource_id)[0]
            return before if before.resource is None else self._append(kind, resource_id, None)

    def check_match(self, kind: str, resource_id: str, if_match: str | None) -> None:
        """Raises 412 unless `if_match` names the version that is current (WB-6)."""
        if if_match is None:
            return
        version = self.version(kind, resource_id)
        current = version.etag if version else "none"
        if if_match.strip() not in (current, "*") and f"W/{if_match.strip()}" != current:
            raise conflict(f"{kind}/{resource_id} is at version {current}, not {if_match}.")

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Everything written inside stays only if nothing inside fails."""
        with self.lock:
            if self._undo is not None:  # one transaction inside another is part of it
                yield
                return
            written: list[Key] = []
            self._undo = written
            try:
                yield
            except BaseException:
                self._roll_back(self._undo)
                raise
            finally:
                self._undo = None
            for kind, resource_id in dict.fromkeys(written):
                self._tell(kind, resource_id)

    def clear(self) -> None:
        """Forget everything."""
        with self.lock:
            self._versions.clear()

    def _append(self, kind: str, resource_id: str, resource: Resource | None) -> Version:
        with self.lock:
            versions = self._versions.setdefault(kind, {}).setdefault(resource_id, [])
            number = versions[-1].number + 1 if versions else 1
            now = self._clock()
            stamped = None if resource is None else _stamped(resource, resource_id, number, now)
            version = Version(number, now, stamped, patients_of(stamped) if stamped else frozenset())
            versions.append(version)
            if self._undo is not None:
                self._undo.append((kind, resource_id))
            else:
                self._tell(kind, resource_id)
            return version

    def _tell(self, kind: str, resource_id: str) -> None:
        version = self.version(kind, resource_id)
        if version is not None and version.resource is not None:
            for listener in self._listeners:
                listener(version.resource)

    def _roll_back(self, written: list[Key]) -> None:
        for kind, resource_id in reversed(written):
            versions = self._versions[kind][resource_id]
            versions.pop()
            if not versions:
                del self._versions[kind][resource_id]


def _stamped(resource: Resource, resource_id: str, number: int, now: datetime) -> Resource:
    copy: Resource = orjson.loads(orjson.dumps(resource))  # many times faster than deepcopy
    kept = copy.get("meta")
    meta: dict[str, Any] = {**kept} if isinstance(kept, dict) else {}
    meta |= {"versionId": str(number), "lastUpdated": now.isoformat(timespec="milliseconds")}
    rest = {name: value for name, value in copy.items() if name not in ("resourceType", "id", "meta")}
    return {"resourceType": copy["resourceType"], "id": resource_id, "meta": meta, **rest}
