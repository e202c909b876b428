"""What can be wrong with a call.

CdsHooksError
    NotAuthenticated     no valid token; nobody is told why
    UnknownService       no service of this id
    MalformedCall        not JSON, a required field missing, a hook that is not registered for the service
    UnsupportedBody      a media type that is not JSON
    MissingData          required prefetch that cannot be obtained
    KeysUnavailable      the client's public keys cannot be had at the moment
"""

from __future__ import annotations

from collections.abc import Iterable


class CdsHooksError(Exception):
    """Something is wrong with a call. The text is for the caller's engineers: no patient data in it."""


class NotAuthenticated(CdsHooksError):
    """The token is missing, forged, expired, replayed or not for us. The text goes to our log only."""


class UnknownService(CdsHooksError):
    """There is no service of this id."""


class MalformedCall(CdsHooksError):
    """The request breaks CDS Hooks or what was agreed with this client."""

    def __init__(self, text: str, *expression: str) -> None:
        super().__init__(text)
        self.expression = expression


class UnsupportedBody(CdsHooksError):
    """The body is of a media type that we do not read."""


class MissingData(CdsHooksError):
    """Required data was neither sent nor could it be fetched (CH-P6)."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = tuple(sorted(keys))
        super().__init__(f"required prefetch could not be obtained: {', '.join(self.keys)}")


class KeysUnavailable(CdsHooksError):
    """The client's public keys have never been read and cannot be read now."""
