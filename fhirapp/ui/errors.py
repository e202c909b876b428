"""Why a page is not shown.

PageError
├── SessionUnknown   no such page session, it has ended, or it belongs to another browser
├── FormRefused      a form that did not come from our own page
├── AccessEnded      the record system's access has run out and cannot be renewed
└── NotForYou        a launch that opens none of our pages
"""

from __future__ import annotations


class PageError(Exception):
    """Any refusal of a page."""


class SessionUnknown(PageError):
    """Nothing is shown: this browser has no such open session."""


class FormRefused(PageError):
    """The form's token is missing or not of this session."""


class AccessEnded(PageError):
    """The person has to open the app again from the record system."""


class NotForYou(PageError):
    """There is no chart open, and the person is not on the tenant's list of navigators."""
