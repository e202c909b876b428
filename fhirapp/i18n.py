"""Languages: gettext catalogues under `fhirapp/translations`, English in the code.

Two domains: `stride` for what staff read, `patients` for what patients read. A language may be there for patients long
before the pages of staff speak it.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

TRANSLATIONS: Final = Path(__file__).parent / "translations"
DOMAIN: Final = "stride"
PATIENTS: Final = "patients"
ENGLISH: Final = "en"


@lru_cache(maxsize=64)
def gettext_for(language: str, domain: str = DOMAIN) -> Callable[[str], str]:
    """The translator for a BCP 47 tag such as `fr-CA`; English where we have no catalogue."""
    wanted = [language.replace("-", "_"), language.split("-")[0]]
    return gettext.translation(domain, TRANSLATIONS, languages=wanted, fallback=True).gettext


@lru_cache(maxsize=4)
def installed(domain: str = DOMAIN) -> tuple[str, ...]:
    """The languages that a domain has words for; English is in the code."""
    found = {path.parent.parent.name for path in TRANSLATIONS.glob(f"*/LC_MESSAGES/{domain}.mo")}
    return (ENGLISH, *sorted(found - {ENGLISH}))
