"""What a validator said, in one shape for both of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_INDEX = re.compile(r"\[\d+\]")


@dataclass(frozen=True)
class Issue:
    """One thing that one validator holds against one case."""

    case: str
    severity: str  # "error" or "warning"; notes on what cannot be decided are not kept
    element: str  # without indexes: "Goal.target.detailQuantity"
    message: str

    @property
    def place(self) -> tuple[str, str, str]:
        """What two validators must agree on: the words are their own."""
        return (self.case, self.severity, self.element)


@dataclass(frozen=True)
class Report:
    """All that one validator said."""

    issues: tuple[Issue, ...]

    def errors(self, case: str) -> list[str]:
        """`element: message` of each error of a case."""
        return [f"{i.element}: {i.message}" for i in self.issues if i.case == case and i.severity == "error"]


def element_of(path: str) -> str:
    """A path without its indexes."""
    return _INDEX.sub("", path)
