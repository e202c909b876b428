"""A bar for runs that take minutes: one line a step, so that it reads well in a log too."""

from __future__ import annotations

from typing import Final, TextIO

_WIDTH: Final = 20


def bar(done: int, total: int, what: str) -> str:
    """`[##########..........] fold 5 of 10`; without steps the name and dots."""
    if total <= 1:
        return f"  {what} ..."
    full = round(_WIDTH * done / total)
    return f"  [{'#' * full}{'.' * (_WIDTH - full)}] {what} {done} of {total}"


def show(stream: TextIO, done: int, total: int, what: str) -> None:
    """Prints one step at once."""
    print(bar(done, total, what), file=stream, flush=True)
