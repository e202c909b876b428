"""Everything that people read can be translated, and a translation reaches the page."""

from __future__ import annotations

import gettext as stdlib
import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from flask import Flask, render_template_string

import fhirapp.i18n
from fhirapp.referrals.reasons import REASONS
from fhirapp.referrals.status import LABELS
from fhirapp.translations.extract import ROOT, collected, rule_texts, written
from fhirapp.ui import language
from models.safety.rule import rule_set
from models.text import N_
from tests.builders import ZONE


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    return collected()


def test_texts_of_code_templates_and_rules_are_there(catalogue: Catalog) -> None:
    known = {str(message.id) for message in catalogue if message.id}
    assert {text.msgid for text in LABELS.values()} <= known
    assert {reason.label.msgid for reason in REASONS.values()} <= known
    assert {level.text.msgid for rule in rule_set().rules for level in rule.levels} <= known
    assert "I do not want this referral" in known


def test_every_sentence_of_a_template_is_marked(catalogue: Catalog) -> None:
    """What stands between tags is only punctuation, numbers, units and names; every word goes through `_`."""
    ours = {"Stride", "JSON", "problems"}  # names, and a part of an address
    for path in (ROOT / "fhirapp/ui/templates").glob("*.html"):
        text = path.read_text(encoding="utf-8")
        bare = re.sub(r"\{% block kind %\}\w+", " ", text)  # a class name
        bare = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", bare, flags=re.S)
        bare = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", bare, flags=re.S)
        words = set(re.findall(r"[A-Za-z]{2,}", bare)) - ours
        assert not words, f"{path.name}: {sorted(words)}"


def test_the_demo_hospital_is_not_translated(catalogue: Catalog) -> None:
    places = {name for message in catalogue for name, _ in message.locations}
    assert not [name for name in places if name.startswith("fhirapp/demo")]


def test_the_file_does_not_change_when_nothing_has(catalogue: Catalog) -> None:
    assert written(collected()) == written(catalogue)


def test_rule_texts_have_their_lines() -> None:
    source = BytesIO(b'rules:\n- id: X-1\n  text: "Stop"\n  caps:\n    - {note: "Slow"}\n    - {rpe_max: 11}\n')
    assert [(line, text) for line, _, text, _ in rule_texts(source, (), (), {})] == [(3, "Stop"), (5, "Slow")]


def test_a_translation_reaches_page_and_dates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    french = Catalog(locale="fr")
    french.add("No {thing}", "Pas de {thing}")
    french.add("Sign referral", "Signer")
    folder = tmp_path / "fr" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    with (folder / "stride.mo").open("wb") as out:
        write_mo(out, french)
    read = stdlib.translation("stride", tmp_path, ["fr"]).gettext
    monkeypatch.setattr(language, "installed", lambda domain: ("en", "fr"))
    monkeypatch.setattr(
        language, "gettext_for", lambda tag, domain: read if tag == "fr" else fhirapp.i18n.gettext_for(tag)
    )
    app = Flask("french")
    language.install(app)
    with app.test_request_context():
        language.speak(["fr-CA", "en"], ZONE)
        page = render_template_string('{{ text|said }}, {{ _("Sign referral") }}', text=N_("No {thing}", thing="x"))
        assert page == "Pas de x, Signer"
        assert language.day("2026-11-25") == "25 nov. 2026"
