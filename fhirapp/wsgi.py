"""The application for gunicorn: `gunicorn -c fhirapp/gunicorn_settings.py fhirapp.wsgi:app`."""

from __future__ import annotations

import os

from fhirapp.app import create_app
from fhirapp.bootstrap import build
from fhirapp.config import Config
from fhirapp.logs import start_logging

config = Config.from_env(os.environ)
start_logging(config.log_level)
stride = build(config)
app = create_app(stride)
