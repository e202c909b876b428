"""Rules that every response keeps, as one walker and one list of invariants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ALLOWED_EMPTY = {"$.cards", "$.services"}


def empties(value: Any, path: str = "$") -> Iterator[str]:
    """Places of null, "", [] and {} where CDS Hooks allows none (CH-G2)."""
    if value in (None, "", [], {}) and not isinstance(value, bool | int) and path not in ALLOWED_EMPTY:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from empties(inner, f"{path}.{name}")
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from empties(inner, f"{path}[{index}]")


def check_card(card: dict[str, Any]) -> None:
    """Invariants of one card, each with its row of the checklist."""
    assert "extension" not in card  # CH-X2: none was agreed with anybody
    assert 0 < len(card["summary"]) < 140  # CH-C1
    assert "\n" not in card["summary"]
    assert card["indicator"] in ("info", "warning", "critical")  # CH-C2
    assert UUID.fullmatch(card["uuid"])  # CH-C5
    assert card["source"]["label"]  # CH-C3
    assert urlsplit(card["source"]["url"]).scheme == "https"
    assert card["source"]["topic"]["code"]
    assert card["source"]["topic"]["system"]
    assert ("suggestions" in card) == ("selectionBehavior" in card)  # CH-C6
    assert card.get("selectionBehavior", "any") in ("any", "at-most-one")
    suggestions = card.get("suggestions", [])
    assert sum(one.get("isRecommended", False) for one in suggestions) <= 1
    for suggestion in suggestions:
        assert suggestion["label"]
        assert UUID.fullmatch(suggestion["uuid"])  # CH-A1
        assert "actionSelectionBehavior" not in suggestion  # CH-A5
        for action in suggestion["actions"]:
            assert action["type"] in ("create", "update")  # CH-A3
            assert action["type"] == "create" or action["resource"]["id"]
            assert action["description"]
            assert action["resource"]["resourceType"]  # CH-A4
            assert "resourceId" not in action
    for reason in card.get("overrideReasons", []):
        assert set(reason) == {"code", "system", "display"}  # CH-C7
    for link in card.get("links", []):
        assert link["label"]
        assert link["type"] in ("absolute", "smart")  # CH-L1
        assert urlsplit(link["url"]).netloc
        assert link["type"] == "smart" or "appContext" not in link  # CH-L2


def check_response(body: dict[str, Any]) -> None:
    """The envelope of a hook response and all cards in it."""
    assert list(empties(body)) == []
    assert "systemActions" not in body
    for card in body["cards"]:
        check_card(card)
    uuids = [card["uuid"] for card in body["cards"]]
    assert len(set(uuids)) == len(uuids)
