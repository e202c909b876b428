"""Cards as the page shows them: Markdown rendered here, with no HTML of the service's let through (CH-C4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markdown_it import MarkdownIt
from markupsafe import Markup

from fhirapp.demo_ehr.hooks import Card

_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
_WORDS: Final = {"info": "Information", "warning": "Warning", "critical": "Critical"}


@dataclass(frozen=True, slots=True)
class Choice:
    """One suggestion: what its button says and what it will do."""

    suggestion_id: str
    label: str
    recommended: bool
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a card; a SMART link is opened by the EHR, by its place in the card."""

    position: int
    label: str
    url: str
    smart: bool


@dataclass(frozen=True, slots=True)
class CardView:
    """One card, ready to be shown."""

    uuid: str
    indicator: str
    word: str
    summary: str
    detail: Markup
    source: str
    source_url: str
    choices: tuple[Choice, ...]
    reasons: tuple[tuple[str, str], ...]  # code, words
    links: tuple[Link, ...]


def card_view(card: Card) -> CardView:
    """The view of one card."""
    body = card.body
    indicator = body.get("indicator") if body.get("indicator") in _WORDS else "info"
    source = body.get("source") or {}
    return CardView(
        uuid=card.uuid,
        indicator=str(indicator),
        word=_WORDS[str(indicator)],
        summary=str(body.get("summary", "")),
        detail=Markup(_MARKDOWN.render(str(body.get("detail") or ""))),  # noqa: S704 - HTML is off, links are checked
        source=str(source.get("label", "")),
        source_url=_web_address(source.get("url")),
        choices=tuple(_choice(one) for one in card.suggestions),
        reasons=tuple((str(one.get("code")), str(one.get("display") or one.get("code"))) for one in reasons_of(card)),
        links=tuple(_links(body.get("links") or ())),
    )


def reasons_of(card: Card) -> Sequence[Mapping[str, Any]]:
    """The codings from which an override reason can be picked."""
    return card.body.get("overrideReasons") or ()


def _choice(suggestion: Mapping[str, Any]) -> Choice:
    actions = tuple(str(one.get("description") or one.get("type")) for one in suggestion.get("actions") or ())
    recommended = bool(suggestion.get("isRecommended"))
    return Choice(str(suggestion.get("uuid", "")), str(suggestion.get("label", "")), recommended, actions)


def _links(links: Sequence[Mapping[str, Any]]) -> list[Link]:
    shown = []
    for position, link in enumerate(links):
        url = _web_address(link.get("url"))
        if url:
            shown.append(Link(position, str(link.get("label", "")), url, link.get("type") == "smart"))
    return shown


def _web_address(url: Any) -> str:
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else ""
