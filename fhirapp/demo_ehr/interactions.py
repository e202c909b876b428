"""The FHIR interactions on the store, each checked against what the caller may do. Source: R4 http.html."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from fhirapp.demo_ehr import search
from fhirapp.demo_ehr.errors import conflict, invalid, not_found
from fhirapp.demo_ehr.parameters import PARAMETERS
from fhirapp.demo_ehr.patch import patched
from fhirapp.demo_ehr.scopes import Access
from fhirapp.demo_ehr.search import Pairs
from fhirapp.demo_ehr.settings import Resource
from fhirapp.demo_ehr.store import Store, Version

_ID = re.compile(r"^[A-Za-z0-9\-.]{1,64}$")


Rule = Callable[[Resource], Resource]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one interaction came to."""

    status: int
    version: Version
    kind: str
    resource_id: str

    @property
    def place(self) -> str:
        """Where this version is, relative to the FHIR base."""
        return f"{self.kind}/{self.resource_id}/_history/{self.version.number}"


class Interactions:
    """The FHIR API without HTTP."""

    def __init__(
        self, store: Store, base: str, default_count: int = 100, rules: Mapping[str, Rule] | None = None
    ) -> None:
        self.store = store
        self.base = base
        self.default_count = default_count
        self.rules = rules or {}  # by type: what the server makes of a resource before it keeps it

    def read(self, kind: str, resource_id: str, access: Access) -> Answer:
        """The resource as it stands. Raises 403, 404, 410."""
        known(kind)
        access.check("r", kind)
        resource = self.store.read(kind, resource_id)
        access.check("r", kind, resource)
        version = self.store.vread(kind, resource_id, resource["meta"]["versionId"])
        return Answer(200, version, kind, resource_id)

    def search(self, kind: str, pairs: Pairs, access: Access) -> Resource:
        """A searchset Bundle of what the caller may see. Raises 400, 403, 404."""
        query = search.parse(kind, pairs, base=self.base, default_count=self.default_count)
        access.check("s", kind)
        return search.searchset(self.store, query, base=self.base, may_read=lambda one: _may_find(access, kind, one))

    def create(
        self, kind: str, body: Any, access: Access, *, if_none_exist: str | None = None, new_id: str = ""
    ) -> Answer:
        """201 with a new resource, or 200 with the one that matches already. Raises 400, 403, 412 (WB-3)."""
        resource = self._ruled(kind, checked(kind, body))
        access.check("c", kind, resource)
        with self.store.lock:
            existing = self.existing(kind, if_none_exist) if if_none_exist else None
            if existing:
                access.check("c", kind, existing)
                version = self.store.vread(kind, existing["id"], existing["meta"]["versionId"])
                return Answer(200, version, kind, existing["id"])
            resource = {**resource, "id": new_id or secrets.token_hex(8)}
            version = self.store.create(resource, keep_id=True)
        return Answer(201, version, kind, resource["id"])

    def existing(self, kind: str, query: str) -> Resource | None:
        """The one resource that a condition matches. Raises 412 when there are several."""
        parsed = search.parse(kind, search.pairs_of(query), base=self.base, default_count=2)
        if not parsed.matchers:
            raise conflict("A condition without search parameters matches everything.")
        hits = search.found(self.store, parsed)
        if len(hits) > 1:
            raise conflict(f"The condition matches {len(hits)} resources.")
        return hits[0] if hits else None

    def update(self, kind: str, resource_id: str, body: Any, access: Access, *, if_match: str | None = None) -> Answer:
        """200 with the next version, or 201 under an id of the client's choice. Raises 400, 403, 412."""
        resource = checked(kind, body)
        if resource.get("id") != resource_id or not _ID.match(resource_id):
            raise invalid("The id in the body must be the id in the URL.")
        access.check("u", kind, resource)
        resource = self._ruled(kind, resource)
        with self.store.lock:
            before = self.store.version(kind, resource_id)
            if before and before.resource:
                access.check("u", kind, before.resource)
            version = self.store.update(kind, resource_id, resource, if_match=if_match)
        return Answer(200 if before else 201, version, kind, resource_id)

    def _ruled(self, kind: str, resource: Resource) -> Resource:
        rule = self.rules.get(kind)
        return rule(resource) if rule else resource

    def update_where(self, kind: str, pairs: Pairs, body: Any, access: Access) -> Answer:
        """A conditional update: changes the one that matches, creates one where none does. Raises 412."""
        resource = checked(kind, body)
        with self.store.lock:
            existing = self.existing(kind, urlencode(pairs))
            if existing is None:
                return self.create(kind, resource, access)
            return self.update(kind, existing["id"], {**resource, "id": existing["id"]}, access)

    def patch(
        self, kind: str, resource_id: str, operations: Any, access: Access, *, if_match: str | None = None
    ) -> Answer:
        """200 with the patched resource as its next version. Raises 400, 403, 404, 412, 422."""
        known(kind)
        with self.store.lock:
            before = self.store.read(kind, resource_id)
            access.check("u", kind, before)
            self.store.check_match(kind, resource_id, if_match)
            return self.update(kind, resource_id, patched(before, operations), access)

    def delete(self, kind: str, resource_id: str, access: Access, *, if_match: str | None = None) -> Answer:
        """204. Raises 403, 404, 412."""
        known(kind)
        with self.store.lock:
            before = self.store.version(kind, resource_id)
            access.check("d", kind, before.resource if before else None)
            version = self.store.delete(kind, resource_id, if_match=if_match)
        return Answer(204, version, kind, resource_id)


def known(kind: str) -> None:
    """Raises 404 for a type that this server does not hold."""
    if kind not in PARAMETERS:
        raise not_found(f"This server holds no resources of type {kind!r}.")


def checked(kind: str, body: Any) -> Resource:
    """The body as a resource of that type. Raises 400, 404."""
    known(kind)
    if not isinstance(body, dict) or body.get("resourceType") != kind:
        raise invalid(f"The body must be a {kind}.")
    return body


def _may_find(access: Access, kind: str, resource: Resource) -> bool:
    if resource["resourceType"] == kind:
        return access.may("s", kind, resource)
    return access.may("r", resource["resourceType"], resource)  # what _include brought along
