"""Charts into the store: Bundles of any kind, their temporary references made real, their ids kept."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fhirapp.demo_ehr.bundles import rewritten
from fhirapp.demo_ehr.errors import ChartUnreadable
from fhirapp.demo_ehr.settings import Resource
from fhirapp.demo_ehr.store import Store


def load(store: Store, charts: Iterable[Resource]) -> None:
    """Every resource of every Bundle; a practitioner that repeats over Bundles is stored once."""
    with store.lock:
        for chart in charts:
            for resource in resources_of(chart):
                _seed(store, resource)


def resources_of(bundle: Resource) -> list[Resource]:
    """The resources of one Bundle under their own ids, `urn:uuid:` references resolved.

    A resource without an id gets the UUID of its fullUrl. Raises `ChartUnreadable`.
    """
    if bundle.get("resourceType") != "Bundle":
        raise ChartUnreadable("A chart must be a FHIR Bundle.")
    placed = list(_placed(bundle))
    places = {full_url: f"{one['resourceType']}/{one['id']}" for full_url, one in placed if full_url}
    return [rewritten(one, places) for _, one in placed]


def read_folder(folder: Path) -> list[Resource]:
    """The Bundles in a folder of `.json` and `.json.gz` files, by file name. Raises `ChartUnreadable`."""
    files = sorted(path for path in folder.iterdir() if path.name.endswith((".json", ".json.gz")))
    return [_read(path) for path in files]


def patient_of(bundle: Resource) -> Resource:
    """The one Patient of a chart. Raises `ChartUnreadable` when there is none, or more than one."""
    patients = [one for one in resources_of(bundle) if one["resourceType"] == "Patient"]
    if len(patients) != 1:
        raise ChartUnreadable(f"A chart holds one patient; this one holds {len(patients)}.")
    return patients[0]


def patients_in(store: Store) -> Sequence[Resource]:
    """Every patient of the EHR, by name."""
    return sorted(store.every("Patient"), key=lambda one: (str(_family(one)).casefold(), one["id"]))


def _placed(bundle: Resource) -> Iterator[tuple[str, Resource]]:
    for number, entry in enumerate(bundle.get("entry") or ()):
        resource = entry.get("resource") if isinstance(entry, Mapping) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            raise ChartUnreadable(f"Entry {number} of the Bundle has no resource with a type.")
        full_url = str(entry.get("fullUrl") or "")
        resource_id = resource.get("id") or full_url.rpartition("/")[2].removeprefix("urn:uuid:")
        if not resource_id:
            raise ChartUnreadable(f"Entry {number} of the Bundle has neither id nor fullUrl.")
        yield full_url, {**resource, "id": resource_id}


def _seed(store: Store, resource: Resource) -> None:
    before = store.version(resource["resourceType"], resource["id"])
    if before is None or _content(before.resource) != _content(resource):
        store.create(resource, keep_id=True)


def _content(resource: Resource | None) -> Any:
    return {name: value for name, value in (resource or {}).items() if name != "meta"}


def _read(path: Path) -> Resource:
    try:
        data = path.read_bytes()
        loaded = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    except (OSError, ValueError, EOFError) as error:
        raise ChartUnreadable(f"{path.name} is no JSON.") from error
    if not isinstance(loaded, dict):
        raise ChartUnreadable(f"{path.name} is no Bundle.")
    return loaded


def _family(patient: Resource) -> Any:
    names = patient.get("name") or [{}]
    return names[0].get("family") or names[0].get("text") or ""
