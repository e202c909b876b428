"""Telephone numbers in one spelling, so that a reply finds the patient it comes from."""

from __future__ import annotations

import hmac
import re
import unicodedata
from hashlib import sha256
from typing import Final

_NATIONAL: Final = 9  # digits that a number has at least behind its country's code where it is written whole


def e164(number: str, country: str = "") -> str | None:
    """The number as `+441632960001`; `None` for what is none, or has no country and we know none.

    Source: ITU-T E.164, at most 15 digits. `country` is the calling code for numbers written without one.
    """
    said = unicodedata.normalize("NFKC", number).strip()
    said = re.sub(r"\(0\)", "", said)
    digits = re.sub(r"\D", "", said)
    if said.startswith("+"):
        full = digits
    elif digits.startswith("00"):
        full = digits[2:]
    elif country and digits.startswith(country) and len(digits) >= len(country) + _NATIONAL and said[0] != "0":
        full = digits  # as providers hand it over: whole, but without the plus
    elif country:
        full = country + digits.removeprefix("0")
    else:
        return None
    if re.search(r"[A-Za-z]", said) or not 8 <= len(full) <= 15 or full.startswith("0"):
        return None
    return f"+{full}"


class Numbers:
    """Keyed digests of addresses: a reply is found by one, and the table of them tells nobody a number."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"stride numbers v1", sha256)

    def digest(self, tenant_id: str, address: str) -> str:
        """The digest of one address of one tenant."""
        return hmac.digest(self._key, f"{tenant_id}|{address.casefold()}".encode(), sha256).hex()
