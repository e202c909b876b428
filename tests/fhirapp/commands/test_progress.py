"""Long runs show how far they are."""

from __future__ import annotations

import pytest

from fhirapp.commands.progress import bar


@pytest.mark.parametrize(
    ("done", "total", "shown"),
    [
        (0, 10, "  [....................] fold 0 of 10"),
        (5, 10, "  [##########..........] fold 5 of 10"),
        (10, 10, "  [####################] fold 10 of 10"),
        (0, 1, "  fold ..."),
    ],
)
def test_the_bar_is_as_full_as_the_work_is_done(done, total, shown):
    assert bar(done, total, "fold") == shown
