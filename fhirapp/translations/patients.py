"""The texts that patients read, and the catalogues of other languages for them alone.

A catalogue is `<language>/LC_MESSAGES/patients.po`, written by hand; `python -m fhirapp.translations.patients` makes
the `.mo` files beside them and says what is missing. Nothing of a language is sent as if it were checked before a
reviewer is named in a hospital's settings (decision 0050).
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from fhirapp.i18n import PATIENTS, TRANSLATIONS
from fhirapp.translations.extract import ROOT, collected

SOURCES: Final = frozenset(
    {
        "fhirapp/messages/texts.py",
        "fhirapp/ui/patient.py",
        "fhirapp/ui/templates/_reach.html",
        "fhirapp/ui/templates/base.html",
        "fhirapp/ui/templates/opt_out.html",
        "fhirapp/ui/templates/opt_out_done.html",
        "fhirapp/ui/templates/opt_out_refused.html",
    }
)


def texts() -> set[str]:
    """Every message that a patient may read."""
    return {
        str(message.id)
        for message in collected(ROOT)
        if message.id and any(place in SOURCES for place, _ in message.locations)
    }


def catalogues() -> dict[str, Path]:
    """The hand-written catalogues by language."""
    return {path.parent.parent.name: path for path in sorted(TRANSLATIONS.glob(f"*/LC_MESSAGES/{PATIENTS}.po"))}


def read(path: Path) -> Catalog:
    """One catalogue."""
    with path.open("rb") as file:
        return read_po(file)


def compiled(catalogue: Catalog) -> bytes:
    """It as gettext reads it."""
    out = BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def main() -> int:
    """Compile every catalogue, and say what it lacks."""
    lacking = 0
    for language, path in catalogues().items():
        catalogue = read(path)
        path.with_suffix(".mo").write_bytes(compiled(catalogue))
        missing = sorted(text for text in texts() if not (found := catalogue.get(text)) or not found.string)
        lacking += len(missing)
        for text in missing:
            sys.stdout.write(f"{language} lacks: {text!r}\n")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
