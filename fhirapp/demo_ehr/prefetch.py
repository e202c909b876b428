"""The EHR's side of prefetch: a service's templates filled from the store. Source: CH-P1, CH-P5."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fhirapp.demo_ehr import search
from fhirapp.demo_ehr.errors import FhirError
from fhirapp.demo_ehr.interactions import Interactions
from fhirapp.demo_ehr.scopes import FULL

_TOKEN = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


def prefetched(api: Interactions, templates: Mapping[str, str], context: Mapping[str, Any]) -> dict[str, Any]:
    """What the templates ask for, by key.

    `None` means that the EHR looked and found nothing; a key is absent when its template could not be
    filled; a search that this server refuses travels as its OperationOutcome.
    """
    filled = {key: _filled(template, context) for key, template in templates.items()}
    return {key: _answer(api, path) for key, path in filled.items() if path is not None}


def _filled(template: str, context: Mapping[str, Any]) -> str | None:
    values = {f"context.{name}": value for name, value in context.items() if isinstance(value, str)}
    kind, _, user_id = str(context.get("userId", "")).partition("/")
    values[f"user{kind}Id"] = user_id
    names = _TOKEN.findall(template)
    if any(name not in values for name in names):
        return None
    return _TOKEN.sub(lambda match: str(values[match[1]]), template)


def _answer(api: Interactions, path: str) -> Any:
    place, _, query = path.partition("?")
    kind, _, resource_id = place.partition("/")
    try:
        if resource_id and not query:
            return api.read(kind, resource_id, FULL).version.resource
        return api.search(kind, search.pairs_of(query), FULL)
    except FhirError as error:
        return None if error.status in (404, 410) and resource_id else error.outcome()
