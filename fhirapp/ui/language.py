"""The words of a page in its reader's language: gettext for templates, dates in the hospital's zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, tzinfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time
from flask import g, request
from flask.sansio.app import App
from markupsafe import Markup

from cds_hooks.markdown import unit_shown
from fhirapp.i18n import DOMAIN, ENGLISH, gettext_for, installed
from fhirapp.referrals.notices import day_in
from fhirapp.tenants import Tenant
from models.text import Text


def speak(wanted: Iterable[str], zone: tzinfo = UTC, domain: str = DOMAIN) -> None:
    """Use the first of the wanted languages that we have, and this zone, for the rest of the request."""
    g.domain = domain
    known = {code.replace("_", "-").lower(): code for code in installed(domain)}
    for tag in wanted:
        for attempt in (tag.lower(), tag.split("-")[0].lower()):
            if attempt in known:
                g.language, g.zone = known[attempt], zone
                return
    g.language, g.zone = ENGLISH, zone


def speak_as_staff(tenant: Tenant) -> None:
    """The language that the person's browser asks for, else the hospital's."""
    speak([*request.accept_languages.values(), tenant.language], tenant.zone)


def language() -> str:
    """The language of this request."""
    return str(g.get("language", ENGLISH))


def gettext(message: str) -> str:
    """A message in the language of this request."""
    return gettext_for(language(), g.get("domain", DOMAIN))(message)


def said(text: Text | str | None) -> str:
    """A text of the lower rooms in the language of this request; plain strings are data and stay as they are."""
    if text is None:
        return ""
    return text.render(gettext) if isinstance(text, Text) else text


def day(moment: datetime | date | str | None) -> str:
    """`25 Nov 2026`; of a moment, the day in the hospital's zone."""
    shown = _local(moment)
    return "" if shown is None else format_date(shown, "d MMM y", locale=_locale())


def weekday(moment: datetime | date | None) -> str:
    """`Wed 25 Nov`."""
    shown = _local(moment)
    return "" if shown is None else format_date(shown, "EEE d MMM", locale=_locale())


def clock_time(moment: datetime | None) -> str:
    """`14:05` or `2:05 pm`, as the language writes it."""
    return "" if moment is None else format_time(moment.astimezone(_zone()), "short", locale=_locale())


def moment(value: datetime | None) -> str:
    """`Wed 25 Nov, 14:05`."""
    return "" if value is None else f"{weekday(value)}, {clock_time(value)}"


def stamp(value: datetime | None) -> str:
    """Day, year, time and zone, for what may be printed and kept."""
    if value is None:
        return ""
    return format_datetime(value.astimezone(_zone()), "d MMM y, HH:mm z", locale=_locale())


def paper_day(value: datetime, of_language: str) -> str:
    """The day as it stands on a letter in the patient's language."""
    return day_in(of_language, value.astimezone(_zone()))


def short_address(url: str) -> str:
    """An address as it is typed from paper: without what every browser adds by itself."""
    return url.removeprefix("https://")


def when(value: datetime | None, shown: str | None = None) -> Markup:
    """A `<time>` element that both people and machines can read."""
    if value is None:
        return Markup("")
    local = value.astimezone(_zone())
    return Markup('<time datetime="{}">{}</time>').format(local.isoformat(timespec="minutes"), shown or moment(value))


def unit(code: str) -> str:
    """A UCUM code as people write it; a score has none."""
    return "" if code.startswith("{") else unit_shown(code)


def language_name(tag: str) -> str:
    """`Polish` for `pl`; the tag itself when nobody knows it."""
    try:
        name = Locale.parse(tag.replace("-", "_")).get_display_name(_locale())
    except (UnknownLocaleError, ValueError):
        return tag
    return name or tag


def lower_first(words: str) -> str:
    """The words inside a sentence; abbreviations and names such as `ECOG` or `HbA1c` stay as they are."""
    rest = words[1:]
    return words if rest != rest.lower() else words[:1].lower() + rest


def upper_first(words: str) -> str:
    """The words at the start of a sentence."""
    return words[:1].upper() + words[1:]


def install(app: App) -> None:
    """Make the templates of this app speak."""
    environment = app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(gettext, _ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters.update(
        said=said, day=day, weekday=weekday, clock_time=clock_time, moment=moment, stamp=stamp, unit=unit,
        when=when, paper_day=paper_day, short_address=short_address,
        language_name=language_name, lower_first=lower_first, upper_first=upper_first,
    )  # fmt: skip
    environment.globals["language"] = language
    environment.trim_blocks = environment.lstrip_blocks = True


def _ngettext(singular: str, plural: str, count: int) -> str:
    return gettext(singular if count == 1 else plural)


def _zone() -> tzinfo:
    zone: tzinfo = g.get("zone", UTC)
    return zone


def _local(value: datetime | date | str | None) -> date | None:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value[:10])
        except ValueError:
            return None
    return value.astimezone(_zone()).date() if isinstance(value, datetime) else value


def _locale() -> Locale:
    """Dates are written the British way in English: day before month."""
    try:
        return Locale.parse("en_GB" if language() == ENGLISH else language())
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en_GB")
