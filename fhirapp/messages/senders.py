"""The senders of each tenant, made from its settings and the credentials of this installation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import requests

from fhirapp.messages.http_sms import HttpSms
from fhirapp.messages.message import Sender
from fhirapp.messages.pager import Pager
from fhirapp.messages.settings import Messages, SmtpSettings, WebSettings
from fhirapp.messages.smtp import Smtp
from fhirapp.messages.web import WebCall


class CredentialMissing(Exception):
    """A password or key that the settings name is not there."""


@dataclass(frozen=True, slots=True)
class Senders:
    """Knows how to reach people for every tenant."""

    credentials: Mapping[str, str] = field(repr=False)
    http: requests.Session = field(repr=False)

    def sender(self, messages: Messages, channel: str) -> Sender | None:
        """What sends on a channel; `None` where it is not set up. Raises `CredentialMissing`."""
        if channel == "email" and messages.smtp is not None:
            return self._smtp(messages.smtp, messages.sender_name)
        if channel == "sms" and messages.sms is not None:
            return HttpSms(self._call(messages.sms), messages.sms.sender)
        if channel == "pager" and messages.pager is not None:
            return Pager(self._call(messages.pager))
        return None

    def secret(self, where: str) -> str:
        """What stands there; "" where nothing is named. Raises `CredentialMissing`."""
        if not where:
            return ""
        kind, _, name = where.partition(":")
        if kind == "env":
            found = self.credentials.get(name, "")
        else:
            try:
                found = Path(name).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise CredentialMissing(f"{name} cannot be read: {error.strerror}") from None
        if not found:
            raise CredentialMissing(f"{name} is not set")
        return found

    def _smtp(self, settings: SmtpSettings, name: str) -> Smtp:
        return Smtp(
            settings.host,
            settings.port,
            settings.security,
            settings.sender,
            name,
            settings.user,
            self.secret(settings.password),
        )

    def _call(self, settings: WebSettings) -> WebCall:
        return WebCall(
            settings.url,
            self.http,
            settings.method,
            settings.encoding,
            settings.fields,
            settings.headers,
            self.secret(settings.authorization),
            settings.id_path,
            settings.key_header,
        )
