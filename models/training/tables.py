"""The figures of a run as Markdown tables, for the model card and the evaluation report alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

_MEASURES: Final[tuple[tuple[str, Callable[[Mapping[str, Any]], str]], ...]] = (
    ("AUC", lambda found: with_range(found["auc"])),
    ("AUC, survey-weighted", lambda found: _or_none(found["auc_survey_weighted"])),
    ("Average precision", lambda found: f"{found['average_precision']:.3f}"),
    ("Brier score", lambda found: f"{found['brier']:.4f}"),
    ("Calibration slope", lambda found: f"{found['calibration_slope']:.2f}"),
    ("Calibration in the large", lambda found: f"{found['calibration_in_the_large']:+.2f}"),
    ("Observed / expected", lambda found: with_range(found["observed_over_expected"], 2)),
)


def _or_none(figure: float | None) -> str:
    return "no weights" if figure is None else f"{figure:.3f}"


def overall_of(figures: Mapping[str, Any]) -> str:
    """Discrimination and calibration; beside the logistic check where there is one."""
    columns = [figures["overall"], *([figures["logistic_check"]] if "logistic_check" in figures else [])]
    head = ("measure", "this model", "logistic regression, same folds")[: len(columns) + 1]
    return table(head, [(name, *(say(column) for column in columns)) for name, say in _MEASURES])


def missing_of(cases: Mapping[str, Any]) -> str:
    """What is left when blocks of the chart are missing."""
    rows = [
        (
            case,
            f"{found['auc']:.3f}",
            f"{found['brier']:.4f}",
            f"{found['calibration_slope']:.2f}",
            f"{found['observed_over_expected']:.2f}",
        )
        for case, found in cases.items()
    ]
    return table(("what is missing", "AUC", "Brier", "slope", "observed / expected"), rows)


def groups_of(groups: list[Mapping[str, Any]]) -> str:
    """Discrimination and calibration by group."""
    rows = [
        (
            group["group"],
            f"{group['people']:,}",
            f"{group['events']:,}",
            with_range(group["auc"]) if "auc" in group else "too few",
            with_range(group["observed_over_expected"], 2) if "auc" in group else "",
        )
        for group in groups
    ]
    return table(("group", "people", "events", "AUC (95 %)", "observed / expected (95 %)"), rows)


def to_watch(groups: list[Mapping[str, Any]]) -> str:
    """The groups whose interval of observed over expected leaves out 1, and what is done about it."""
    odd = [group for group in groups if "auc" in group and not _holds_one(group["observed_over_expected"])]
    if not odd:
        return "In every group with a figure the interval of observed over expected holds 1."
    lines = (
        f"**{group['group']}**: says {'too much' if ratio < 1 else 'too little'} (observed / expected {ratio:.2f})"
        for group in odd
        for ratio in [group["observed_over_expected"][0]]
    )
    action = (
        "Action: no referral, place or programme may be refused on this figure, so an error costs a needless or a "
        "missing word of caution; a site re-fits the two numbers of the calibration on its own people and looks at "
        "these groups first."
    )
    return f"To watch:\n\n{bullets(lines)}\n\n{action}"


def _holds_one(interval: list[float]) -> bool:
    return interval[1] <= 1 <= interval[2]


def thresholds_of(found: list[Mapping[str, Any]]) -> str:
    """What acting on a threshold would catch and cost."""
    rows = [
        (
            f"{row['threshold']:.1%}",
            f"{row['flagged']:.0%}",
            f"{row['sensitivity']:.0%}",
            f"{row['specificity']:.0%}",
            "" if row["of_flagged_with_event"] is None else f"{row['of_flagged_with_event']:.0%}",
            f"{row['net_benefit']:.4f}",
            f"{row['net_benefit_of_all']:.4f}",
        )
        for row in found
    ]
    head = (
        "threshold",
        "flagged",
        "sensitivity",
        "specificity",
        "of flagged, with event",
        "net benefit",
        "of flagging all",
    )
    return table(head, rows)


def with_range(found: list[float], places: int = 3) -> str:
    """A figure with its interval: `0.861 (0.850-0.873)`."""
    value, low, high = found
    return f"{value:.{places}f} ({low:.{places}f}-{high:.{places}f})"


def bullets(lines: Iterable[str]) -> str:
    """One line each, as a list."""
    return "\n".join(f"- {line}" for line in lines)


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
