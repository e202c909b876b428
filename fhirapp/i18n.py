"""Languages: gettext catalogues under `fhirapp/translations`, English in the code."""

from __future__ import annotations

import gettext
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

TRANSLATIONS: Final = Path(__file__).parent / "translations"
DOMAIN: Final = "stride"


@lru_cache(maxsize=64)
def gettext_for(language: str) -> Callable[[str], str]:
    """The translator for a BCP 47 tag such as `fr-CA`; English where we have no catalogue."""
    wanted = [language.replace("-", "_"), language.split("-")[0]]
    return gettext.translation(DOMAIN, TRANSLATIONS, languages=wanted, fallback=True).gettext
