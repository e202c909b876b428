"""Collects every text that people read into `stride.pot`: code, templates and the rows of the safety rules.

`python -m fhirapp.translations.extract` writes the file. A catalogue for a language is then made with `pybabel init`,
brought up to date with `pybabel update` (both: `-i fhirapp/translations/stride.pot -d fhirapp/translations -D stride
-l <language>`), and compiled with `pybabel compile -d fhirapp/translations -D stride`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Final

import yaml
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import write_po

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent.parent
TEMPLATE: Final = HERE / "stride.pot"
ROOMS: Final = ("cds_hooks", "fhirapp", "mappings", "models", "smart_launch")
KEYWORDS: Final = {**DEFAULT_KEYWORDS, "N_": None, "Text": None}
_FIRST_EDITION: Final = datetime(2026, 11, 25, tzinfo=UTC)  # a date that never moves keeps the file free of churn
_SPOKEN: Final = frozenset({"text", "title", "task", "note", "avoid", "place", "mode", "region"})

Found = tuple[int, str, str, list[str]]


def collected(root: Path = ROOT) -> Catalog:
    """Every message of the source tree, with the files that say it."""
    with (HERE / "babel.cfg").open(encoding="utf-8") as mapping:
        methods, options = parse_mapping_cfg(mapping)  # type: ignore[no-untyped-call]
    catalogue = Catalog(
        project="Stride",
        version="1",
        header_comment="# Every text of Stride that people read. Made by fhirapp/translations/extract.py.",
        msgid_bugs_address="see CONTRIBUTING.md",
        last_translator="nobody yet",
        language_team="none yet",
        charset="utf-8",
        fuzzy=False,
        creation_date=_FIRST_EDITION,
        revision_date=_FIRST_EDITION,
    )
    for room in ROOMS:
        for name, _, message, comments, context in extract_from_dir(
            root / room, _within(methods, room), options, keywords=KEYWORDS, comment_tags=("Translators:",)
        ):
            catalogue.add(message, locations=[(f"{room}/{name}", 1)], auto_comments=comments, context=context)
    return catalogue


def _within(methods: list[tuple[str, str]], room: str) -> list[tuple[str, str]]:
    """The patterns of the mapping as seen from inside one room."""
    return [(pattern.removeprefix(f"{room}/"), method) for pattern, method in methods]


def rule_texts(fileobj: IO[bytes], keywords: object, comment_tags: object, options: object) -> Iterator[Found]:
    """The texts of the safety rules; an extractor as Babel calls it."""
    yield from _spoken(yaml.compose(fileobj, Loader=yaml.SafeLoader))


def _spoken(node: yaml.Node | None) -> Iterator[Found]:
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _spoken(child)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value in _SPOKEN and isinstance(value, yaml.ScalarNode) and value.value:
                yield value.start_mark.line + 1, "gettext", value.value, []
            else:
                yield from _spoken(value)


def written(catalogue: Catalog) -> bytes:
    """The template as it stands in the file: sorted, with files but without line numbers."""
    out = BytesIO()
    write_po(out, catalogue, width=100, sort_output=True, include_lineno=False, ignore_obsolete=True)
    return out.getvalue()


def main() -> None:
    """Write the template and say how much there is."""
    catalogue = collected()
    TEMPLATE.write_bytes(written(catalogue))
    sys.stdout.write(f"{TEMPLATE.relative_to(ROOT)}: {len(catalogue)} texts\n")


if __name__ == "__main__":
    main()
