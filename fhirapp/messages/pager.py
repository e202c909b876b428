"""The pager of whoever is on call: a webhook that takes a short text."""

from __future__ import annotations

from dataclasses import dataclass

from fhirapp.messages.message import Message
from fhirapp.messages.web import WebCall


@dataclass(frozen=True, slots=True)
class Pager:
    """Pages somebody. Satisfies `Sender`."""

    call: WebCall

    @property
    def repeatable(self) -> bool:
        """A second page does no harm; a lost one may."""
        return True

    def send(self, message: Message) -> str:
        """Give it to the paging service; returns its id."""
        values = {"to": message.address, "subject": message.subject, "text": message.body, "key": message.key}
        return self.call.make(values, message.key)
