"""Reads the forms of a page as a browser would: where they go, and what they carry already."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """One form: its address and the values that it would send untouched."""

    action: str
    values: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)  # of radio buttons that may be pressed
    disabled: dict[str, list[str]] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.open: Form | None = None
        self.in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = dict(attrs)
        if tag == "form":
            assert has.get("method") == "post", "every form of ours changes something"
            self.open = Form(has.get("action") or "")
            self.forms.append(self.open)
        elif tag == "input" and self.open is not None:
            name, value = has.get("name") or "", has.get("value") or ""
            if has.get("type") != "radio":
                self.open.values[name] = value
            elif "disabled" in has:
                self.open.disabled.setdefault(name, []).append(value)
            else:
                self.open.choices.setdefault(name, []).append(value)
                if "checked" in has:
                    self.open.values[name] = value
        elif tag == "button" and self.open is not None:
            self.in_button = True
            self.open.buttons.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "button":
            self.in_button = False

    def handle_data(self, data: str) -> None:
        if self.in_button and self.open is not None:
            self.open.buttons[-1] += data


def forms_of(html: str) -> list[Form]:
    """All forms of a page, in order."""
    reader = _Reader()
    reader.feed(html)
    return reader.forms


def form_to(html: str, ending: str) -> Form:
    """The one form whose address ends so."""
    found = [form for form in forms_of(html) if form.action.endswith(ending)]
    assert found, f"no form to {ending}; there are {[form.action for form in forms_of(html)]}"
    return found[0]
