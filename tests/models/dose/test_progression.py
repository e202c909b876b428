"""Forward, same, or back."""

from __future__ import annotations

import pytest

from models.dose.progression import Action, Week, after_break, may_step_down, next_load, next_step


@pytest.mark.parametrize(
    ("weeks", "action"),
    [
        pytest.param((), Action.HOLD, id="nothing known"),
        pytest.param((Week(0.9),), Action.HOLD, id="one good week is not two"),
        pytest.param((Week(0.8), Week(0.8)), Action.PROGRESS, id="two weeks at 80 per cent"),
        pytest.param((Week(0.79), Week(1)), Action.HOLD, id="just under"),
        pytest.param((Week(1, rpe_over_target=0.5), Week(1)), Action.HOLD, id="harder than planned"),
        pytest.param((Week(1, symptom_flag=True), Week(1)), Action.HOLD, id="a symptom"),
        pytest.param((Week(0.5), Week(0.5)), Action.HOLD, id="half done"),
        pytest.param((Week(0.49), Week(0.49)), Action.REGRESS, id="under half twice"),
        pytest.param((Week(0.49), Week(0.8)), Action.HOLD, id="under half once"),
        pytest.param((Week(1, hard_sessions=2), Week(1)), Action.REGRESS, id="two sessions too hard"),
        pytest.param((Week(1, hard_sessions=1), Week(1)), Action.PROGRESS, id="one hard session"),
    ],
)
def test_the_next_step(weeks: tuple[Week, ...], action: Action) -> None:
    assert next_step(weeks).action is action


def test_a_step_forward_is_never_more_than_ten_per_cent() -> None:
    assert next_step((Week(2), Week(2))).factor == pytest.approx(1.1)


def test_a_step_back_makes_the_navigator_call() -> None:
    assert next_step((Week(0.1), Week(0.1))).call


@pytest.mark.parametrize(
    ("days", "ill", "factor"),
    [(6, False, 1.0), (7, False, 0.7), (14, False, 0.7), (15, False, 0.5), (1, True, 0.5)],
)
def test_a_break_costs_volume(days: int, ill: bool, factor: float) -> None:
    assert after_break(days, illness_or_admission=ill).factor == factor


def test_after_an_illness_the_questions_come_first() -> None:
    assert after_break(2, illness_or_admission=True).action is Action.RESCREEN


@pytest.mark.parametrize(
    ("extra", "lymphoedema", "load"),
    [((2, 2), False, 21.0), ((2,), False, 20.0), ((2, 1), False, 20.0), ((3, 2), True, 20.4)],
)
def test_the_load_grows_after_two_easy_sessions(extra: tuple[int, ...], lymphoedema: bool, load: float) -> None:
    assert next_load(20.0, extra, lymphoedema=lymphoedema) == pytest.approx(load)


@pytest.mark.parametrize(("weeks", "met", "may"), [(4, True, True), (3, True, False), (8, False, False)])
def test_supervision_falls_only_after_four_quiet_weeks(weeks: int, met: bool, may: bool) -> None:
    assert may_step_down(weeks, goals_met=met) is may
