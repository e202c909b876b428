"""What can go wrong with a SMART server or a launch; each error carries a Text for people.

    SmartError
    ├── LaunchRefused            the launch stops here; the person opens the app again from the chart
    │   ├── BadLaunchRequest     the launch link lacks a parameter, or has one twice
    │   ├── UnknownIssuer        the record system is not one of ours; it was not called
    │   ├── StateRefused         the answer does not belong to a launch of this browser, or came late or twice
    │   ├── AuthorizationDenied  the record system sent the person back with an error
    │   ├── IdentityRefused      who opened the app could not be proven, or is not a clinician
    │   └── PatientChanged       a refreshed token is for another patient than the launch
    ├── ServerFault              the record system's SMART server gave no usable answer
    │   ├── ServerUnreachable    no answer at all, or a 5xx or 429; worth a retry
    │   ├── DiscoveryFailed      its smart-configuration cannot be used
    │   ├── TokenRefused         its token endpoint said no
    │   └── BadTokenResponse     it said yes, but what it gave is no bearer token
    └── KeyFault                 one of our own keys cannot be used

`text` is for the person, `detail` for the log. Neither holds a token, a secret, a state or patient data.
"""

from __future__ import annotations

import re
from typing import Final

from models.text import N_, Text

_ERROR_CODE: Final = re.compile(r"[a-z0-9_.\-]{1,60}")


class SmartError(Exception):
    """The root of this package's errors."""

    def __init__(self, text: Text, detail: str = "") -> None:
        super().__init__(f"{text} ({detail})" if detail else str(text))
        self.text = text
        self.detail = detail


class LaunchRefused(SmartError):
    """The launch stops; what came in through the browser cannot be honoured."""


class BadLaunchRequest(LaunchRefused):
    """A parameter of the launch link is missing, empty or there twice. Source: SM-L1."""


class UnknownIssuer(LaunchRefused):
    """The issuer has no registration. Source: SM-A6."""


class StateRefused(LaunchRefused):
    """No open launch of this browser has this state. Source: SM-L5."""


class AuthorizationDenied(LaunchRefused):
    """The authorization server returned an error; `error` is its code. Source: SM-L8."""

    def __init__(self, text: Text, error: str) -> None:
        super().__init__(text, error)
        self.error = error


class IdentityRefused(LaunchRefused):
    """The id_token failed a check, or its fhirUser may not use a clinician's page. Source: SM-O1, SM-O2."""


class PatientChanged(LaunchRefused):
    """The refreshed access is for another patient; the page session must end. Source: SM-C6."""


class ServerFault(SmartError):
    """The SMART server of the record system did not do its part."""


class ServerUnreachable(ServerFault):
    """No answer in time, a broken connection, a 5xx or a 429."""


class DiscoveryFailed(ServerFault):
    """The smart-configuration, openid-configuration or JWKS is not usable. Source: SM-D2."""


class TokenRefused(ServerFault):
    """The token endpoint refused; `error` is the OAuth code (`invalid_grant`: launch again)."""

    def __init__(self, text: Text, error: str, status: int) -> None:
        super().__init__(text, f"{error}, HTTP {status}")
        self.error = error
        self.status = status


class BadTokenResponse(ServerFault):
    """The token response has no usable access token. Source: SM-T3."""


class KeyFault(SmartError):
    """A key file cannot be read, or holds a key that is neither RS384 nor ES384. Source: SM-K1."""


def error_code(value: object) -> str:
    """The OAuth error code that a server sent, or `unknown_error` where it is no plain code word.

    Codes arrive in URLs that anybody can write, so only code words pass on to logs and pages; the free
    text of `error_description` never does.
    """
    return value if isinstance(value, str) and _ERROR_CODE.fullmatch(value) else "unknown_error"


START_AGAIN: Final = N_("Please close this page and open the app again from the patient's chart.")
