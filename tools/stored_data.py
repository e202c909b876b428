"""The page that lists every column of the database, and which of them may hold data of patients."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from fhirapp.db.schema import metadata

COLUMNS_FILE: Final = Path(__file__).parent / "patient_columns.yaml"
KINDS: Final = ("id", "clinical", "sealed")


def patient_columns() -> Mapping[str, tuple[str, str]]:
    """Kind and content of each column (`table.column`) that may hold data of a patient."""
    listed = yaml.safe_load(COLUMNS_FILE.read_text(encoding="utf-8"))
    return {name: (kind, said) for name, (kind, said) in listed.items()}


def all_columns() -> list[str]:
    """Every column of every table, as `table.column`."""
    return [f"{table.name}.{column.name}" for table in metadata.sorted_tables for column in table.c]


def data_page(made: str) -> str:
    """The page."""
    listed = patient_columns()
    lines = [f"| `{name}` | {listed[name][0]} | {listed[name][1]} |" for name in sorted(listed)]
    table = "\n".join(["| column | kind | what it holds |", "|---|---|---|", *lines])
    rest: dict[str, list[str]] = {name: [] for name in sorted(metadata.tables)}
    for name in all_columns():
        if name not in listed:
            rest[name.split(".")[0]].append(name.split(".")[1])
    others = "\n".join(f"| `{name}` | {', '.join(f'`{one}`' for one in columns)} |" for name, columns in rest.items())
    return (
        f"# What is stored\n\n{made}\n"
        "## Data of patients\n\n"
        "*id*: a logical id, meaningless outside the tenant's EHR. *clinical*: what was judged. *sealed*: readable by "
        "the service alone, encrypted with a key from `STRIDE_SECRET_FILE` and bound to its row. Names, birth dates, "
        "identifiers, addresses and free text are only ever sealed. Tokens of hook calls are stored nowhere, those of "
        "open pages sealed. Charts are not stored: a request is read, judged and forgotten. Logs hold ids of calls and "
        "counts.\n\n"
        f"{table}\n\n## Everything else\n\n| table | columns without data of patients |\n|---|---|\n{others}\n"
    )
