"""Search over the store: parameters, sorting, paging, includes. Source: R4 search.html.

What this server does not know it refuses with 400: a search that silently ignores a parameter, or is
silently empty, would teach the service the wrong thing about a chart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fhirapp.demo_ehr import match
from fhirapp.demo_ehr.errors import invalid, not_found
from fhirapp.demo_ehr.parameters import PARAMETERS, Parameter, parameters_of, walk
from fhirapp.demo_ehr.periods import span_of_element
from fhirapp.demo_ehr.settings import Resource
from fhirapp.demo_ehr.store import Store

Matcher = Callable[[Resource], bool]
Pairs = Sequence[tuple[str, str]]
LARGEST_PAGE = 1000
_IGNORED = {"_format", "_pretty", "_total"}


@dataclass(slots=True)
class Query:
    """A parsed search of one type."""

    kind: str
    pairs: Pairs
    matchers: list[Matcher] = field(default_factory=list)
    sort: list[tuple[Parameter, bool]] = field(default_factory=list)  # parameter, descending
    include: list[tuple[str, str]] = field(default_factory=list)  # type, parameter
    revinclude: list[tuple[str, str]] = field(default_factory=list)
    count: int = 100
    page: int = 1
    only_count: bool = False


def parse(kind: str, pairs: Pairs, *, base: str, default_count: int) -> Query:
    """The query that name-value pairs ask for. Raises 400 for what is not known, 404 for the type."""
    if kind not in PARAMETERS:
        raise not_found(f"This server holds no resources of type {kind!r}.")
    query = Query(kind, [pair for pair in pairs if pair[0] not in _IGNORED], count=default_count)
    for name, value in query.pairs:
        if name in _CONTROLS:
            _CONTROLS[name](query, value)
        elif value:
            query.matchers.append(_matcher(kind, name, value, base))
        else:
            raise invalid(f"The search parameter {name!r} has no value.")
    return query


def pairs_of(query: str) -> Pairs:
    """The name-value pairs of a query string, such as the one in If-None-Exist."""
    return parse_qsl(query.lstrip("?"), keep_blank_values=True)


def found(store: Store, query: Query) -> list[Resource]:
    """Every matching resource, sorted; ties stand in the order of their ids."""
    with store.lock:
        candidates = store.every(query.kind, _only_patient(query))
        hits = [one for one in candidates if all(answers(one) for answers in query.matchers)]
    if query.sort:
        hits.sort(key=lambda one: one["id"])
    for parameter, descending in reversed(query.sort):
        hits.sort(key=lambda one, by=parameter: _sort_key(by, one), reverse=descending)  # type: ignore[misc]
    return hits


def matches(kind: str, pairs: Pairs, resource: Resource, *, base: str) -> bool:
    """Whether one resource answers a query: how a finer grained scope is judged."""
    query = parse(kind, pairs, base=base, default_count=1)
    return all(one(resource) for one in query.matchers)


def searchset(
    store: Store, query: Query, *, base: str, may_read: Callable[[Resource], bool] = lambda _: True
) -> Resource:
    """The Bundle that answers a search: one page, with `self` and, where there is more, `next`."""
    hits = [one for one in found(store, query) if may_read(one)]
    first = (query.page - 1) * query.count
    page = [] if query.only_count else hits[first : first + query.count]
    links = [{"relation": "self", "url": _url(base, query, query.page)}]
    if not query.only_count and first + len(page) < len(hits):
        links.append({"relation": "next", "url": _url(base, query, query.page + 1)})
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": len(hits), "link": links}
    entries = [_entry(base, one, "match") for one in page]
    entries += [_entry(base, one, "include") for one in _included(store, query, page) if may_read(one)]
    if entries:
        bundle["entry"] = entries
    return bundle


def _matcher(kind: str, name: str, value: str, base: str) -> Matcher:
    plain, _, modifier = name.partition(":")
    parameter = parameters_of(kind).get(plain)
    if parameter is None:
        raise invalid(f"{kind} has no search parameter {name!r} on this server.")
    if modifier == "missing":
        return match.missing(parameter, value)
    return match.MATCHERS[parameter.kind](parameter, modifier, value, base)


def _only_patient(query: Query) -> str | None:
    """The one patient whose record is searched, so that nobody else's is looked at; `None` when unsure."""
    asked = [value for name, value in query.pairs if name == "patient"]
    return asked[0].rpartition("/")[2] if len(asked) == 1 and "," not in asked[0] else None


def _sort_key(parameter: Parameter, resource: Resource) -> tuple[bool, Any]:
    values = list(parameter.values(resource))
    if parameter.kind == "date":
        spans = [span for span in map(span_of_element, values) if span]
        return (bool(spans), max(span.start for span in spans).timestamp() if spans else 0.0)
    texts = sorted(str(text) for value in values for text in match.texts_of(value))
    return (bool(texts), texts[0].casefold() if texts else "")


def _url(base: str, query: Query, page: int) -> str:
    pairs = [pair for pair in query.pairs if pair[0] not in ("_page", "_count")]
    pairs.append(("_count", str(query.count)))
    if page > 1:
        pairs.append(("_page", str(page)))
    return f"{base}/{query.kind}?{urlencode(pairs)}"


def _entry(base: str, resource: Resource, mode: str) -> Resource:
    url = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url, "resource": resource, "search": {"mode": mode}}


def _included(store: Store, query: Query, page: Sequence[Resource]) -> Iterable[Resource]:
    seen = {(one["resourceType"], one["id"]) for one in page}
    for resource in [*_pointed_at(store, query, page), *_pointing_here(store, query, page)]:
        key = (resource["resourceType"], resource["id"])
        if key not in seen:
            seen.add(key)
            yield resource


def _pointed_at(store: Store, query: Query, page: Sequence[Resource]) -> Iterable[Resource]:
    for kind, name in query.include:
        for one in page if kind == query.kind else ():
            for reference in walk(list(parameters_of(kind)[name].values(one)), ["reference"]):
                target_kind, _, target_id = str(reference).rpartition("/")
                version = store.version(target_kind.rpartition("/")[2], target_id)
                if version and version.resource:
                    yield version.resource


def _pointing_here(store: Store, query: Query, page: Sequence[Resource]) -> Iterable[Resource]:
    places = {f"{one['resourceType']}/{one['id']}" for one in page}
    for kind, name in query.revinclude:
        parameter = parameters_of(kind)[name]
        for one in store.every(kind):
            if places & {str(reference) for reference in walk(list(parameter.values(one)), ["reference"])}:
                yield one


def _set_count(query: Query, value: str) -> None:
    number = _whole_number("_count", value)
    query.only_count = query.only_count or number == 0
    query.count = min(number, LARGEST_PAGE) or query.count


def _set_page(query: Query, value: str) -> None:
    query.page = max(_whole_number("_page", value), 1)


def _set_summary(query: Query, value: str) -> None:
    if value not in ("count", "false"):
        raise invalid("Of _summary this server knows only `count`.")
    query.only_count = query.only_count or value == "count"


def _set_sort(query: Query, value: str) -> None:
    for name in value.split(","):
        parameter = parameters_of(query.kind).get(name.lstrip("-"))
        if parameter is None:
            raise invalid(f"{query.kind} cannot be sorted by {name!r} on this server.")
        query.sort.append((parameter, name.startswith("-")))


def _set_include(query: Query, value: str) -> None:
    query.include.append(_reference_parameter(value))


def _set_revinclude(query: Query, value: str) -> None:
    query.revinclude.append(_reference_parameter(value))


def _reference_parameter(value: str) -> tuple[str, str]:
    kind, _, name = value.partition(":")
    parameter = parameters_of(kind).get(name) if kind in PARAMETERS else None
    if parameter is None or parameter.kind != "reference":
        raise invalid(f"This server cannot include {value!r}.")
    return kind, name


def _whole_number(name: str, value: str) -> int:
    if not value.isdecimal():
        raise invalid(f"{name} takes a whole number.")
    return int(value)


_CONTROLS: Mapping[str, Callable[[Query, str], None]] = {
    "_count": _set_count,
    "_page": _set_page,
    "_summary": _set_summary,
    "_sort": _set_sort,
    "_include": _set_include,
    "_revinclude": _set_revinclude,
}
