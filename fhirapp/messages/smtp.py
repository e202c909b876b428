"""E-mail by SMTP, over TLS."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr
from hashlib import sha256
from typing import Final

from fhirapp.messages.errors import SendFailed
from fhirapp.messages.message import Message

TIMEOUT: Final = 8.0  # seconds for each step; a job's lease is longer than all of them together


@dataclass(frozen=True, slots=True)
class Smtp:
    """One mail server. Satisfies `Sender`."""

    host: str
    port: int
    security: str  # "starttls", "tls"; "none" for a server on this very machine
    sender: str
    sender_name: str
    user: str = ""
    password: str = field(default="", repr=False)
    context: ssl.SSLContext | None = None  # None: what this machine trusts

    @property
    def repeatable(self) -> bool:
        """Mail servers deliver a repeated message twice, whatever its Message-ID says."""
        return False

    def send(self, message: Message) -> str:
        """Give the message to the server; its Message-ID is the answer."""
        mail = self._mail(message)
        with self._connected() as server:
            self._envelope(server, message.address)
            self._content(server, mail)
        return str(mail["Message-ID"])

    def _envelope(self, server: smtplib.SMTP, address: str) -> None:
        """Who writes to whom; whatever fails here, nothing was sent."""
        try:
            server.ehlo_or_helo_if_needed()
            for code, _ in (server.mail(self.sender), server.rcpt(address)):
                if code >= 400:
                    raise SendFailed(f"refused with {code}", permanent=code >= 500)
        except (smtplib.SMTPException, OSError) as error:
            raise SendFailed(f"the mail server hung up: {type(error).__name__}") from None

    def _content(self, server: smtplib.SMTP, mail: EmailMessage) -> None:
        try:
            code, _ = server.data(mail.as_bytes(policy=SMTP))
        except smtplib.SMTPDataError as error:
            raise SendFailed(f"refused with {error.smtp_code}", permanent=error.smtp_code >= 500) from None
        except (smtplib.SMTPException, OSError) as error:
            # Somewhere before its last word the line went dead: the mail may have been taken.
            raise SendFailed(type(error).__name__, doubtful=True) from None
        if code >= 400:
            raise SendFailed(f"refused with {code}", permanent=code >= 500)

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        try:
            message.address.encode("ascii")
            mail["From"] = formataddr((self.sender_name, self.sender))
            mail["To"] = message.address
            mail["Subject"] = message.subject
        except ValueError:
            raise SendFailed("not an address", permanent=True) from None
        mail["Message-ID"] = f"<{sha256(message.key.encode()).hexdigest()[:32]}@{self.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["Content-Language"] = message.language
        mail.set_content(message.body)
        return mail

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A server that is ready to take mail; whatever fails up to here, nothing was sent."""
        try:
            server = self._open()
        except smtplib.SMTPAuthenticationError:
            raise SendFailed("the mail server does not accept our name and password") from None
        except (smtplib.SMTPException, OSError) as error:
            raise SendFailed(f"no connection: {type(error).__name__}") from None
        try:
            yield server
        finally:
            server.close()  # a farewell could fail after the message was taken, and says nothing

    def _open(self) -> smtplib.SMTP:
        context = self.context or ssl.create_default_context()
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
            if self.security == "starttls":
                server.starttls(context=context)
        if self.user:
            server.login(self.user, self.password)
        return server
