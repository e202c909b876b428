"""Pictures of a report as SVG, drawn with nothing but text: they open in any browser and differ by line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final

from models.training.curves import Bin, Point

_SIDE: Final = 360
_EDGE: Final = 56
_INK: Final = "#1f2937"
_LINE: Final = "#0f766e"
_QUIET: Final = "#9ca3af"

Place = Callable[[float, float], str]


def roc_picture(points: Sequence[Point], title: str) -> str:
    """The ROC curve over the diagonal."""
    frame, at = _frame(title, "1 - specificity", "sensitivity", (0, 1), (0, 1))
    return _svg([*frame, _path([at(0, 0), at(1, 1)], _QUIET, dashed=True), _path([at(*p) for p in points], _LINE)])


def calibration_picture(bins: Sequence[Bin], title: str) -> str:
    """Observed over predicted by tenth, with intervals, over the diagonal."""
    top = _rounded(max([*(one.high for one in bins), *(one.predicted for one in bins)]))
    frame, at = _frame(title, "predicted", "observed", (0, top), (0, top))
    marks = [_path([at(0, 0), at(top, top)], _QUIET, dashed=True)]
    for one in bins:
        marks.append(_path([at(one.predicted, one.low), at(one.predicted, one.high)], _LINE))
        marks.append(_dot(at(one.predicted, one.observed)))
    return _svg([*frame, *marks])


def decision_picture(curve: Sequence[tuple[float, float, float]], title: str) -> str:
    """Net benefit of the model, of acting on everybody and of acting on nobody."""
    top = _rounded(max(model for _, model, _ in curve))
    low, right = -top / 3, curve[-1][0]
    frame, at = _frame(title, "threshold", "net benefit", (0, right), (low, top))
    everybody = [at(cut, everyone) for cut, _, everyone in curve if everyone >= low]
    model = [at(cut, max(found, low)) for cut, found, _ in curve]
    marks = [_path([at(0, 0), at(right, 0)], _QUIET), _path(everybody, _QUIET, dashed=True), _path(model, _LINE)]
    return _svg([*frame, *marks])


def groups_picture(groups: Sequence[Mapping[str, Any]], title: str) -> str:
    """Observed over expected of each group with its interval, on a line at 1."""
    rows = [group for group in groups if "auc" in group]
    height = 70 + 22 * len(rows)
    parts = [_text(20, 24, title, bold=True)]

    def x(ratio: float) -> float:
        return 220 + 220 * (min(max(ratio, 0.4), 1.8) - 0.4) / 1.4

    for tick in (0.5, 0.7, 1.0, 1.4):
        style = _INK if tick == 1.0 else _QUIET
        parts.append(_path([f"{x(tick):.1f},40", f"{x(tick):.1f},{height - 26}"], style, dashed=tick != 1.0))
        parts.append(_text(x(tick) - 8, height - 10, f"{tick:g}"))
    for place, group in enumerate(rows):
        y = 56 + 22 * place
        value, low, high = group["observed_over_expected"]
        parts.append(_text(20, y + 4, f"{group['group']} ({group['events']:,})"))
        parts.append(_path([f"{x(low):.1f},{y}", f"{x(high):.1f},{y}"], _LINE))
        parts.append(_dot(f"{x(value):.1f},{y}"))
    return _svg(parts, 460, height)


def missing_picture(cases: Mapping[str, Mapping[str, Any]], title: str) -> str:
    """AUC, and observed over expected on a line at 1, by what is missing."""
    height = 76 + 22 * len(cases)
    parts = [_text(20, 24, title, bold=True), _text(232, 44, "AUC"), _text(330, 44, "observed / expected")]

    def x(ratio: float) -> float:
        return 300 + 160 * (min(max(ratio, 0.4), 1.6) - 0.4) / 1.2

    parts += [_path([f"{x(1):.1f},50", f"{x(1):.1f},{height - 22}"], _INK)]
    parts += [_text(x(tick) - 8, height - 6, f"{tick:g}") for tick in (0.7, 1.0, 1.4)]
    for place, (case, found) in enumerate(cases.items()):
        y = 64 + 22 * place
        parts.append(_text(20, y + 4, case))
        parts.append(_text(232, y + 4, f"{found['auc']:.3f}"))
        parts.append(_dot(f"{x(found['observed_over_expected']):.1f},{y}"))
    return _svg(parts, 480, height)


def importance_picture(lost: Mapping[str, float], push: Mapping[str, float], title: str) -> str:
    """Two bars for each feature: AUC lost by shuffling it, and its mean push; each scaled to its own longest."""
    names = sorted(lost, key=lambda name: -lost[name])
    height = 70 + 20 * len(names)
    most, hardest = max([*lost.values(), 1e-9]), max([*push.values(), 1e-9])
    parts = [_text(20, 24, title, bold=True), _text(215, 44, "AUC lost"), _text(355, 44, "mean push")]
    for place, name in enumerate(names):
        y = 60 + 20 * place
        parts.append(_text(20, y + 4, name))
        parts.append(_bar(215, y, 80 * max(lost[name], 0.0) / most, f"{lost[name]:.4f}"))
        parts.append(_bar(355, y, 80 * push.get(name, 0.0) / hardest, f"{push.get(name, 0.0):.2f}"))
    return _svg(parts, 500, height)


def _bar(left: float, y: float, long: float, words: str) -> str:
    return _path([f"{left:.1f},{y}", f"{left + max(long, 0.5):.1f},{y}"], _LINE) + _text(left + long + 5, y + 4, words)


def _frame(
    title: str, across: str, up: str, xs: tuple[float, float], ys: tuple[float, float]
) -> tuple[list[str], Place]:
    def at(x: float, y: float) -> str:
        left = _EDGE + (x - xs[0]) / (xs[1] - xs[0]) * (_SIDE - 2 * _EDGE)
        top = _SIDE - _EDGE - (y - ys[0]) / (ys[1] - ys[0]) * (_SIDE - 2 * _EDGE)
        return f"{left:.1f},{top:.1f}"

    parts = [
        _text(20, 24, title, bold=True),
        _text(_SIDE / 2 - 30, _SIDE - 14, across),
        f'<text x="16" y="{_SIDE // 2}" transform="rotate(-90 16 {_SIDE // 2})" fill="{_INK}">{escape(up)}</text>',
        _path([at(xs[0], ys[1]), at(xs[0], ys[0]), at(xs[1], ys[0])], _INK),
    ]
    for step in range(5):
        x, y = xs[0] + step / 4 * (xs[1] - xs[0]), ys[0] + step / 4 * (ys[1] - ys[0])
        left, top = (float(part) for part in at(x, y).split(","))
        parts.append(_text(left - 10, _SIDE - _EDGE + 16, f"{x:.2g}"))
        parts.append(_text(_EDGE - 30, top + 4, f"{y:.2g}"))
    return parts, at


def _rounded(value: float) -> float:
    """The next of a few round numbers, so that an axis ends well."""
    return next((top for top in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8) if value <= top), 1.0)


def _svg(parts: Sequence[str], width: float = _SIDE, height: float = _SIDE) -> str:
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" font-family="sans-serif" font-size="11" role="img">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="#ffffff"/>', *parts, "</svg>"]) + "\n"


def _path(points: Sequence[str], colour: str, *, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="4 4"' if dashed else ""
    return f'<polyline points="{" ".join(points)}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>'


def _dot(point: str) -> str:
    left, top = point.split(",")
    return f'<circle cx="{left}" cy="{top}" r="3.2" fill="{_LINE}"/>'


def _text(left: float, top: float, words: str, *, bold: bool = False) -> str:
    weight = ' font-weight="bold" font-size="12"' if bold else ""
    return f'<text x="{left:.0f}" y="{top:.0f}" fill="{_INK}"{weight}>{escape(words)}</text>'
