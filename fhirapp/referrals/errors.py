"""What can go wrong with a referral.

ReferralError
├── ReferralNotFound      no such referral in this tenant
├── TransitionNotAllowed  somebody moved it first, or this role may not do that
├── HoldOpen              safety forbids it: a HOLD, an unanswered CLEAR, or missing answers
├── StandingOrderLapsed   the standing order has expired or does not cover this destination
└── LinkRefused           an opt-out link that is not ours or has expired
"""

from __future__ import annotations


class ReferralError(Exception):
    """Any refusal of this package."""


class ReferralNotFound(ReferralError):
    """No such referral in this tenant."""


class TransitionNotAllowed(ReferralError):
    """The table has no such move from here for this role."""

    def __init__(self, state: str, action: str, role: str) -> None:
        super().__init__(f"a {role} cannot {action} a referral that is {state}")
        self.state, self.action, self.role = state, action, role


class HoldOpen(ReferralError):
    """Safety forbids the move; `why` is "hold", "clearance" or "answers"."""

    def __init__(self, why: str) -> None:
        super().__init__(f"not released: {why}")
        self.why = why


class StandingOrderLapsed(ReferralError):
    """Nothing is released under a standing order that has lapsed."""


class LinkRefused(ReferralError):
    """The link is not ours, was changed, or has expired."""
