"""The routes of CDS Hooks: discovery, call, feedback."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint

from cds_hooks.ports import Charts, Clients, Feedbacks, Intake


def create_blueprint(
    clients: Clients,
    charts: Charts,
    intake: Intake,
    feedbacks: Feedbacks,
    clock: Callable[[], datetime],
    public_base: str,
    *,
    gettext: Callable[[str], str] | None = None,
    token_clock: Callable[[], datetime] | None = None,
    discovery_needs_jwt: bool = False,
    max_body_bytes: int = 10_000_000,
) -> Blueprint:
    """The CDS service under `/cds-services`.

    `public_base` is the address that clients know us by, since a token's `aud` is compared with it and
    never with the Host header. `token_clock` is the time that tokens are judged by where that is not
    `clock`: a demonstration moves its clock, the tokens of its EHR do not.
    """
    raise NotImplementedError
