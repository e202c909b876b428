"""Text messages through one generic HTTP provider."""

from __future__ import annotations

from dataclasses import dataclass

from fhirapp.messages.message import Message
from fhirapp.messages.web import WebCall


@dataclass(frozen=True, slots=True)
class HttpSms:
    """Sends the body of a message to a telephone number. Satisfies `Sender`."""

    call: WebCall
    sender: str

    @property
    def repeatable(self) -> bool:
        """Where the provider takes an idempotency key."""
        return bool(self.call.key_header)

    def send(self, message: Message) -> str:
        """Give it to the provider; returns the provider's id."""
        values = {"to": message.address, "from": self.sender, "text": message.body, "key": message.key}
        return self.call.make(values, message.key)
