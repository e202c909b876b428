"""One message to one address, and what sends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """Plain words for one address. Nothing clinical stands in any of it."""

    address: str = field(repr=False)  # an e-mail address, a telephone number in E.164
    subject: str = field(repr=False)  # a text message shows none
    body: str = field(repr=False)
    language: str
    key: str = ""  # the same for every try of the same message: lets a provider send it once


class Sender(Protocol):
    """Takes a message and gives it to a provider."""

    @property
    def repeatable(self) -> bool:
        """True when the provider sends a message with the same key only once: a doubt may then be repeated."""

    def send(self, message: Message) -> str:
        """The provider's id of the message; raises `SendFailed`."""
