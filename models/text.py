"""Words for people: an English message and its values, translated only where it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from models.quick import quick_to_make


@quick_to_make
@dataclass(frozen=True, slots=True)
class Text:
    """One message: an English `msgid` with `{named}` places, and what stands in them.

    The lower rooms decide what is said; the page, card or notice says it in the reader's language by
    passing its own `gettext`.
    """

    msgid: str
    values: Mapping[str, object] = field(default_factory=dict)

    def render(self, gettext: Callable[[str], str] | None = None) -> str:
        """The message in the language of `gettext`; in English without one."""
        pattern = gettext(self.msgid) if gettext else self.msgid
        if not self.values:
            return pattern
        shown = {
            name: value.render(gettext) if isinstance(value, Text) else value for name, value in self.values.items()
        }
        return pattern.format(**shown)

    def __str__(self) -> str:
        return self.render()


def N_(msgid: str, /, **values: object) -> Text:  # noqa: N802 - gettext's own name for "mark, translate later"
    """A text to be translated later; the name is the one that message extraction looks for."""
    return Text(msgid, values)
