"""Looks at every statement that the service sends to a database: one that could reach another hospital's rows fails.

A statement that touches a table of tenants names the tenant: in its WHERE, or among what it inserts. What cannot is
listed below, each with its reason. conftest.py has every test watched; a statement is looked at once.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from typing import Final

from fhirapp.db.schema import metadata

TABLES: Final = frozenset(name for name, table in metadata.tables.items() if "tenant_id" in table.c)
_TOUCHED: Final = re.compile(r'\b(?:from|join|update|into)\s+"?(\w+)"?')
_NAMES_TENANT: Final = re.compile(r'tenant_id"?\s*(?:=|in\b|is\b)')

# What may do without, by the beginning of the flattened statement or a part of it, and why.
EXCEPTIONS: Final[tuple[tuple[str, str], ...]] = (
    (r"^update \w+ set .* where \w+\.(?:id|tenant_id) = ", "a row that was loaded under its tenant, by its own key"),
    (r"^delete from \w+ where \w+\.id = ", "a row that was loaded under its tenant, by its own key"),
    (r"^select (?:alarm|alarm_call|notice)\.id, .* where \w+\.id = ", "loaded under its tenant, read again"),
    (r"^select job\..* from job where job\.(?:state|leased_until|kind|key|id)", "workers serve all hospitals"),
    (r"^select count.* from job where ", "workers serve all hospitals"),
    (r"^(?:update|select) job", "a claim is fenced by the job's own id; the handler gets its tenant"),
    (r"^select lane\.", "a worker looks at the lanes of all EHRs at once"),
    (r"^delete from (?:seen_token|open_launch|page_session|job) where .*(?:expires_at|started_at|run_at) <",
     "the broom: what has expired, whosever it is"),
    (r"from open_launch .*state_hash = |^delete from open_launch where open_launch\.state_hash = ",
     "a secret of the browser names the row; the row names its tenant"),
    (r"from seen_token where seen_token\.issuer = ", "an issuer belongs to one hospital"),
    (r"from audit_seal|from audit where audit\.id > ", "the chain closes the rows of all hospitals, a seal for each"),
    (r"from page_session .*page_session\.\w+ = ", "a secret of the browser names the row; the row names its tenant"),
    (r"from card .*handle_hash = ", "a secret of the card names the row; the row names its tenant"),
    (r"from notice .*notice\.code = ", "the code on a letter names the row; the row names its tenant"),
)  # fmt: skip
# Migrations change all rows; commands for whoever runs the machine look at the whole database.
ACROSS: Final = frozenset(
    {
        "fhirapp.db.schema",
        "fhirapp.commands.audit",
        "fhirapp.commands.check",
        "fhirapp.commands.jobs",
        "fhirapp.consistency",
    }
)
_EXCEPTIONS: Final = tuple((re.compile(pattern), why) for pattern, why in EXCEPTIONS)


@lru_cache(4096)
def fault_of(statement: str) -> str:
    """What is wrong with a statement; "" when nothing is."""
    flat = re.sub(r"\s+", " ", statement).strip().lower().replace('"', "")
    if flat.startswith(("create", "alter", "drop", "pragma", "begin", "savepoint", "release", "rollback")):
        return ""
    touched = TABLES.intersection(_TOUCHED.findall(flat))
    if not touched:
        return ""
    if flat.startswith("insert into"):
        return "" if "tenant_id" in flat.partition("values")[0] else f"inserts without a tenant: {flat[:200]}"
    where = flat.partition(" where ")[2]
    if _NAMES_TENANT.search(where) or any(pattern.search(flat) for pattern, _ in _EXCEPTIONS):
        return ""
    return f"names no tenant: {flat[:400]}"


def is_ours() -> bool:
    """Whether the service sent the statement, not a test that looks into its database."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("tests."):
            return False
        if name.startswith("fhirapp."):
            return name not in ACROSS
        frame = frame.f_back  # type: ignore[assignment]
    return False
