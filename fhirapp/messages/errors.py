"""What can go wrong with a message.

MessageError
├── SendFailed      it was not taken, or nobody knows whether it was
└── ReplyRefused    a reply that does not come from the tenant's provider
"""

from __future__ import annotations


class MessageError(Exception):
    """Any trouble with a message. Texts carry no address and no content."""


class SendFailed(MessageError):
    """The message was not taken.

    `permanent`: another try on this channel cannot help (the address is wrong, we are not allowed).
    `doubtful`: the provider may have taken it; only its answer was lost. Never both.
    """

    def __init__(self, why: str, *, permanent: bool = False, doubtful: bool = False) -> None:
        super().__init__(why)
        self.why, self.permanent, self.doubtful = why, permanent, doubtful and not permanent


class ReplyRefused(MessageError):
    """Nobody that we know has signed this reply."""
