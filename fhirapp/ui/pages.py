"""All pages, as blueprints that the app registers."""

from __future__ import annotations

from flask import Blueprint

from fhirapp.ui import alarm_page, clinician, home, navigator, outbox, patient
from fhirapp.ui.house import House


def create_pages(house: House) -> list[Blueprint]:
    """The blueprints of every page; the first one brings templates, styles, languages and security headers."""
    return [
        home.create_blueprint(house),
        clinician.create_blueprint(house),
        navigator.create_blueprint(house),
        patient.create_blueprint(house),
        alarm_page.create_blueprint(house),
        outbox.create_blueprint(house),
    ]
