from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from cds_hooks.markdown import escaped, plain, shortened, unit_shown

RENDERER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
PRINTABLE = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Cf", "Zl", "Zp")), max_size=60)
MARKUP = st.text("*_`~[]()<>!#&;:/\\|-+=.@1 ab\"'", max_size=30)


@given(PRINTABLE | MARKUP)
def test_escaped_text_in_a_list_comes_out_of_markdown_as_it_went_in(text: str):
    html = RENDERER.render(f"- {escaped(text)}")
    shown = re.fullmatch(r"<ul>\n<li>(.*)</li>\n</ul>\n", html, re.DOTALL)
    assert shown, html
    assert unescape(shown.group(1)).strip() == plain(text).strip()


def test_what_is_harmless_is_left_alone_for_clients_that_show_plain_text():
    assert escaped("Platelets <10 ×10⁹/L (2026-11-20), 5-10 % & falling; see #3") == (
        "Platelets <10 ×10⁹/L (2026-11-20), 5-10 % & falling; see #3"
    )


def test_numbers_stay_numbers():
    assert [escaped(text) for text in ("38.7", "-2.5", "1.", "1) x")] == ["38.7", "-2.5", "1\\.", "1\\) x"]


@pytest.mark.parametrize(("unit", "shown"), [("10*9/L", "×10⁹/L"), ("g/L", "g/L"), ("{score}", ""), ("", "")])
def test_units_are_written_for_people(unit: str, shown: str):
    assert unit_shown(unit) == shown


@given(PRINTABLE, st.integers(2, 60))
def test_a_shortened_text_fits_and_a_short_one_is_untouched(text: str, limit: int):
    short = shortened(text, limit)
    assert len(short.encode("utf-16-le")) // 2 <= limit
    if len(text.encode("utf-16-le")) // 2 <= limit:
        assert short == text
