"""What an override means: one reason is a snooze, every other ends the referral in somebody's name."""

from __future__ import annotations

import pytest

from cds_hooks.ports import Coding
from cds_hooks.reasons import ALSO_UNDERSTOOD, NON_ADHERENCE, OFFERED, Meaning, meaning_of

NAMED = {
    "wrong-time-workflow": Meaning.SNOOZE,
    "patient-refuses": Meaning.PATIENT,
    "action-completed": Meaning.ACTIVE,
    "limited-time": Meaning.CLINICIAN,
    "need-more-info": Meaning.CLINICIAN,
    "inappropriate-recipient": Meaning.CLINICIAN,
    "a-code-of-next-year": Meaning.CLINICIAN,
}


@pytest.mark.parametrize(("code", "meaning"), NAMED.items())
def test_ch_b3_a_reason_of_the_spec_means_what_the_table_says(code: str, meaning: Meaning) -> None:
    assert meaning_of(Coding(code, NON_ADHERENCE))[0] is meaning


def test_ch_b3_nothing_but_a_bad_moment_lets_a_referral_go_on() -> None:
    going_on = {reason.code for reason in (*OFFERED, *ALSO_UNDERSTOOD) if reason.meaning is Meaning.SNOOZE}
    assert going_on == {"wrong-time-workflow"}
    assert all(reason.local_code for reason in (*OFFERED, *ALSO_UNDERSTOOD) if reason.meaning is not Meaning.SNOOZE)
