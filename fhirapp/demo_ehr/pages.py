"""pages"""

from __future__ import annotations

from typing import Any

from flask import Blueprint


def create_blueprint(ehr: Any) -> Blueprint:
    return Blueprint("pages", __name__)
